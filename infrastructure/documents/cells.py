"""A statement as rows of a table, to be added up in a spreadsheet: every line with its amount, then the sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from infrastructure.showing.formats import cell, iso

if TYPE_CHECKING:
    from application.keeping.statements import StatementView

HEAD: Final = (
    *("statement", "account", "period", "line", "provider", "model", "kind", "user", "project"),
    *("operation", "reference", "reason", "at", "class", "charge_period"),
    *("operations", "outputs", "units", "unit", "amount", "rounded", "currency"),
)
AMOUNTS: Final = frozenset({"operations", "outputs", "units", "amount", "rounded"})
"""The columns of numbers, of which none is taken for a formula."""


def statement_rows(one: StatementView) -> Iterator[Sequence[str]]:
    """The head, a row for each line, and the sums: the rounded lines and the rounding come to the total.

    A voided one begins with a row that says so, with the instant, the reason, and who did it as its user.
    """
    yield HEAD
    content = one.content
    if one.voided is not None:
        told = {"reference": one.number, "reason": one.reason, "at": iso(one.voided), "user": one.voided_by}
        yield _row(one, {"line": "voided", **told})
    for line in content.get("subscription", ()):
        yield _row(one, {**line, "line": "plan", "reference": line["plan"], "at": line["from"]})
    for line in content["usage"]:
        yield _row(one, {**line, "line": "usage"})
    for line in content["adjustments"]:
        yield _row(one, {**line, "line": line["what"]})
    for line in content.get("grants", {}).get("lines", ()):
        used = {"amount": f"-{line['used']}" if line["used"].strip("0.") else line["used"], "rounded": line["rounded"]}
        yield _row(one, {"line": f"grant {line['source']}", "reference": line["grant"], **used})
    totals = content["totals"]
    yield _row(one, {"line": "rounding", "amount": None, "rounded": totals["rounding"]})
    yield _row(one, {"line": "total", "amount": totals["exact"], "rounded": totals["total"]})
    for line in content["credits"]:
        yield _row(one, {**line, "line": "payment", "reference": line["key"]})
    yield from _grants(one)
    for name, amount in (content["balance"] or {}).items():
        yield _row(one, {"line": f"balance {name.replace('_', ' ')}", "amount": amount})


def _grants(one: StatementView) -> Iterator[Sequence[str]]:
    """The rest of all grants before, what changed it, and what is left: these rows come to the closing one."""
    grants = one.content.get("grants")
    if grants is None:
        return
    yield _row(one, {"line": "grants opening", "amount": grants["opening"]})
    for line in grants["lines"]:
        named = {"reference": line["grant"], "at": line["revoked_at"], "reason": line["reason"]}
        for what, sign in (("given", ""), ("used", "-"), ("lapsed", "-"), ("revoked", "-")):
            if line[what].strip("0."):
                told = named if what == "revoked" else {"reference": line["grant"]}
                amount = f"{sign}{line[what]}".removeprefix("--")
                yield _row(one, {"line": f"grant {what}", **told, "amount": amount})
    yield _row(one, {"line": "grants closing", "amount": grants["closing"]})


def _row(one: StatementView, line: Mapping[str, Any]) -> list[str]:
    content = one.content
    known = {"statement": one.number, "account": content["account"], "period": content["period"]["name"], **line}
    known["currency"] = content["currency"]
    return [_cell(name, known.get(name)) for name in HEAD]


def _cell(name: str, value: object) -> str:
    text = "" if value is None else str(value)
    return text if name in AMOUNTS else cell(text)
