"""Values of documents as HTML; null is said to be unknown, and never a number.

Python writes them and not templates: a page has hundreds, and a macro takes four times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from markupsafe import Markup, escape

from infrastructure.dashboard.page import TableColumn
from infrastructure.dashboard.times import day, name_of_key, to_the_second
from infrastructure.showing.formats import tags_text
from infrastructure.showing.wording import wording, wording_or

NUMBERS: Final = frozenset(("money", "count", "limit", "sum", "amount", "percent"))
"""Kinds that stand on the right, below each other."""
GOOD: Final = "charged live open ok issued closed sent delivered clean matched kept"
WARN: Final = "released rejected suspended failing paused trashed retiring"
GOING: Final = "draft waiting validated dispatched submitted completed requested"
BAD: Final = "dead differences voided differs unreadable missing"
_TONES: Final = {"good": GOOD, "warn": WARN, "going": GOING, "bad": BAD}
TONES: Final[Mapping[str, str]] = {word: tone for tone, words in _TONES.items() for word in words.split()}
MONEY: Final = "spend"
"""The measure of limits that is in money."""
TOGETHER: Final = frozenset(("kind", "model", "provider"))
"""Columns of names with hyphens, which are not broken there."""
SHORT: Final = 16
"""Characters of an id that is shown whole."""
NOTHING: Final = '<span class="soft">–</span>'


class Leading(Protocol):
    """Makes addresses of pages, and knows whether whoever looks may follow them."""

    def __call__(self, name: str, /, form: str = "", **fields: Any) -> str: ...

    def opens(self, name: str) -> bool: ...


def unknown_as(words: str) -> str:
    return f'<span class="unknown">{escape(words)}</span>'


def shown_money(value: Any, missing: str | None = None) -> Markup:
    """An amount with its currency, a count, or a share, which is text."""
    if value is None:
        return Markup(unknown_as(wording("app.unknown") if missing is None else missing))
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Mapping):
        return Markup(f'{escape(value["amount"])}<span class="currency">{escape(value["currency"] or "")}</span>')
    return Markup(f"{value:,}")


def plain_money(value: Any) -> Markup:
    """The same within a sentence."""
    if isinstance(value, Mapping):
        return Markup(f"{escape(value['amount'])} {escape(value['currency'] or '')}")
    return shown_money(value)


def state(value: str) -> Markup:
    """A dot and a word."""
    tone = TONES.get(value.partition(" ")[0], "")
    return Markup(f'<span class="state {tone}">{escape(wording_or(f"states.{value}", value))}</span>')


def shown_instant(value: str | None, missing: str = "") -> Markup:
    if value is None:
        return Markup(unknown_as(missing or wording("app.unknown")))
    return Markup(f'<time class="nowrap" datetime="{escape(value)}">{to_the_second(value)}</time>')


def _fact(value: str) -> str:
    if value.startswith("operation."):
        return str(escape(wording_or(f"facts.{value.rpartition('.')[2]}", value)))
    return str(escape(value.replace(".", " ").replace("_", " ")))


def _id(value: str) -> str:
    short = value if len(value) < SHORT else f"{value[:8]}…{value[-6:]}"
    return f'<span class="mono" title="{escape(value)}">{escape(short)}</span>'


def _key(value: str) -> str:
    name = name_of_key(value)
    return f'<span title="{escape(value)}">{escape(name)}</span>' if name else _mono(value)


def _mono(value: str) -> str:
    return f'<span class="mono">{escape(value)}</span>'


def _changes(value: Sequence[Mapping[str, Any]]) -> str:
    none = wording("app.none")
    told = ((one["what"], one["from"], one["to"]) for one in value)
    return "".join(
        f"<div>{escape(what)}: {escape(none if was is None else was)} → {escape(none if now is None else now)}</div>"
        for what, was, now in told
    )


def _flags(value: Sequence[str]) -> str:
    return " ".join(f'<span class="flag">{escape(wording_or(f"flags.{one}", one))}</span>' for one in value)


def _drifted(value: bool) -> str:
    tone, words = ("bad", wording("provider.drifted")) if value else ("good", wording("provider.agrees"))
    return f'<span class="state {tone}">{escape(words)}</span>'


def _day(value: str) -> str:
    return f'<span class="nowrap">{escape(day(value))}</span>'


def _span(value: Mapping[str, str]) -> str:
    return f'<span class="nowrap">{escape(day(value["start"]))} – {escape(day(value["end"]))}</span>'


KINDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "count": lambda one: f"{one:,}",
    "state": state,
    "id": _id,
    "key": _key,
    "mono": _mono,
    "fact": _fact,
    "changes": _changes,
    "lacks": lambda one: "; ".join(str(escape(lack["what"])) for lack in one),
    "flags": _flags,
    "words": lambda one: str(escape(", ".join(one))),
    "kinds": lambda one: str(escape(", ".join(one) or wording("app.any"))),
    "tags": lambda one: str(escape(tags_text(one))),
    "percent": lambda one: f"{escape(one)} %",
    "drifted": _drifted,
    "yes": lambda one: str(escape(wording("app.yes") if one else wording("app.no"))),
    "span": _span,
    "day": _day,
    "measure": lambda one: str(escape(wording_or(f"measures.{one}", one))),
}
"""Of what is there; other kinds are text."""
MAYBE: Final[Mapping[str, Callable[[Any], str]]] = {
    "money": shown_money,
    "limit": lambda one: shown_money(one, wording("app.unlimited")),
    "instant": shown_instant,
    "until": lambda one: shown_instant(one, wording("app.never")),
    "sum": lambda one: "" if one is None else shown_money(one),
    "due": lambda one: "" if one is None else shown_instant(one),
    "since": lambda one: "" if one is None else str(escape(one)),
}
"""Of what may be null, and says something then."""


def shown_value(one: Any, kind: str) -> Markup:
    """A value of a kind, as `TableColumn` names them."""
    if kind in MAYBE:
        return Markup(MAYBE[kind](one))
    if one is None:
        return Markup(NOTHING)
    return Markup(KINDS[kind](one) if kind in KINDS else escape(one))


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[TableColumn], link: Leading, caption: str) -> Markup:
    """Rows as a table, whose values lead on; columns that the first row does not have are left out."""
    known = [one for one in columns if rows and one.name in rows[0]]
    shown = [(one, _classes(one), bool(one.to) and link.opens(one.to)) for one in known]
    heads = "".join(f'<th scope="col"{classes}>{escape(_head(one))}</th>\n' for one, classes, _ in shown)
    body = "".join(
        f"<tr>\n{''.join(_cell(row, one, classes, link if leads else None) for one, classes, leads in shown)}</tr>\n"
        for row in rows
    )
    return Markup(
        f'<div class="scroll" role="region" aria-label="{escape(caption)}" tabindex="0">\n<table>\n'
        f'<caption class="hidden">{escape(caption)}</caption>\n<thead><tr>\n{heads}</tr></thead>\n'
        f"<tbody>\n{body}</tbody>\n</table>\n</div>\n"
    )


def _head(column: TableColumn) -> str:
    return wording_or(f"columns.{column.label or column.name}", column.name)


def _classes(column: TableColumn) -> str:
    names = [*(["num"] if column.kind in NUMBERS else []), *(["wide"] if column.wide else [])]
    names += ["nowrap"] if column.name in TOGETHER else []
    return f' class="{" ".join(names)}"' if names else ""


def _cell(row: Mapping[str, Any], column: TableColumn, classes: str, link: Leading | None) -> str:
    one = row[column.name]
    if column.unless and row.get(column.unless):
        return f"<td{classes}></td>\n"
    shown = _amount(one, row) if column.kind == "amount" else shown_value(one, column.kind)
    if link is not None and one is not None and one != "":
        fields = {**{name: row[name] for name in column.along}, column.by: one}
        shown = Markup(f'<a href="{escape(link(column.to, **fields))}">{shown}</a>')
    return f"<td{classes}>{shown}</td>\n"


def _amount(one: Any, row: Mapping[str, Any]) -> Markup:
    """An amount as text, in the currency of its row; of a measure that counts things it is a count."""
    in_money = row.get("measure", MONEY) == MONEY and row.get("currency")
    return shown_money({"amount": one, "currency": row["currency"]}) if in_money else shown_value(one, "text")


def nothing_of(like: Any) -> Any:
    """None of a measure, in the currency of another amount of it if that is money."""
    return {"amount": "0.00", "currency": like["currency"]} if isinstance(like, Mapping) else 0


def in_currency(rows: Sequence[Mapping[str, Any]], currency: str) -> list[Mapping[str, Any]]:
    """Rows of amounts that are all in one currency."""
    return [{**row, "currency": currency} for row in rows]


def hidden_token(token: str) -> Markup:
    """The field by which a form belongs to its session."""
    return Markup(f'<input type="hidden" name="token" value="{escape(token)}">')
