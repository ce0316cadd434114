"""A statement as a paper: heading, tables and sums in the words of its form, for whoever draws it, as HTML or PDF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from domain.counts import counted
from infrastructure.documents.brand import Brand
from infrastructure.documents.plots import Plot
from infrastructure.showing.wallets import ended_in_words

if TYPE_CHECKING:
    from application.keeping.forms import Content
    from application.keeping.statements import StatementView

WORDS: Final[Mapping[int, Mapping[str, str]]] = {
    1: {
        "title": "Statement",
        "draft": "Draft: nothing is recorded, and it may still change.",
        "voided": "Voided: this statement holds no more.",
        "subscription": "Plan",
        "grants": "Credit granted",
        "usage": "Usage",
        "adjustments": "Adjustments",
        "credits": "Payments",
        "allowances": "Allowances of the plan",
        "refund": "Refund",
        "raise": "Raised",
        "goodwill": "Goodwill",
        "chargeback": "Payment taken back",
        "rounding": "Rounding",
        "total": "Total",
        "opening": "Opening balance",
        "paid_in": "Paid in",
        "charged": "Charged, exactly",
        "closing": "Closing balance",
    }
}
"""By form. A statement is always drawn in the words of the form that it was issued in."""


EXPLAINED: Final = (
    "Each amount is exact in the column Exact, and rounded to the currency's minor unit in the last one."
    " The rounded lines and the rounding come to the total."
)


@dataclass(frozen=True, slots=True)
class PaperColumn:
    """A column: its title, its share of the width, and whether it holds numbers, which stand to the right."""

    title: str
    share: int
    number: bool = False


@dataclass(frozen=True, slots=True)
class PaperTable:
    """Rows under a title; an empty table is not drawn."""

    title: str
    columns: Sequence[PaperColumn]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Paper:
    """All that is drawn, from top to bottom; of `sums` the last is the one that is looked for."""

    title: str
    warning: str
    issuer: Sequence[str]
    customer: Sequence[str]
    facts: Sequence[tuple[str, str]]
    tables: Sequence[PaperTable]
    sums: Sequence[tuple[str, str]]
    balance: Sequence[tuple[str, str]]
    notes: Sequence[str]
    issued: int | None
    """When, in microseconds; None of a draft."""
    figures: Sequence[tuple[str, str, str]] = ()
    """These are seen first: label, value, and a line about it."""
    plots: Sequence[Plot] = ()
    brand: Brand | None = None


def paper_of(one: StatementView, issuer: Sequence[str] = (), customer: Sequence[str] = ()) -> Paper:
    """The paper of a statement. Lines about the issuer and the customer are no part of its content."""
    content = one.content
    words = WORDS[content["form"]]
    warning = words[one.status] if one.status in ("draft", "voided") else ""
    return Paper(
        title=f"{words['title']} {one.number}".rstrip(),
        warning=f"{warning} Voided by {one.voiding}" if one.voiding else warning,
        issuer=issuer,
        customer=customer or (f"Account {content['account']}",),
        facts=_facts(one, content),
        tables=_tables(content, words),
        sums=_sums(content, words),
        balance=_balance(content, words),
        notes=_notes(one, content),
        issued=one.issued,
    )


def _facts(one: StatementView, content: Content) -> list[tuple[str, str]]:
    period = content["period"]
    told = [
        ("Account", content["account"]),
        ("Plan", content["plan"]),
        ("Billing period", f"{period['name']} to {period['last_day']}"),
        ("Time zone", period["zone"]),
        ("Currency", content["currency"]),
    ]
    if one.issued is not None:
        told.insert(0, ("Issued", _day(one.issued)))
    if one.replaces:
        told.append(("Instead of", one.replaces))
    if one.voided is not None:
        told.append(("Voided", _day(one.voided)))
    if one.replaced:
        told.append(("Replaced by", one.replaced))
    return told


def _day(at: int) -> str:
    from infrastructure.showing.formats import iso

    return iso(at)[:10]


def _tables(content: Content, words: Mapping[str, str]) -> list[PaperTable]:
    currency = content["currency"]
    money = (PaperColumn("Exact", 14, number=True), PaperColumn(currency, 11, number=True))
    usage = PaperTable(
        words["usage"],
        (
            *(PaperColumn("Model", 29), PaperColumn("Kind", 19), PaperColumn("User", 19), PaperColumn("Project", 17)),
            *(PaperColumn("Of period", 14), PaperColumn("Count", 10, number=True)),
            *(PaperColumn("Units", 16, number=True), *money),
        ),
        [_used(line) for line in content["usage"]],
    )
    adjustments = PaperTable(
        words["adjustments"],
        (
            *(PaperColumn("What", 11), PaperColumn("Reason", 30), PaperColumn("Reference", 22)),
            *(PaperColumn("Operation", 45), PaperColumn("Of period", 14), *money),
        ),
        [_adjusted(line, words) for line in content["adjustments"]],
    )
    credits = PaperTable(
        words["credits"],
        (
            PaperColumn("Day", 13),
            PaperColumn("Reference", 30),
            PaperColumn("Reason", 50),
            PaperColumn(currency, 14, True),
        ),
        [(line["at"][:10], line["key"], line["reason"], line["amount"]) for line in content["credits"]],
    )
    used = [line for line in content["allowances"] if line["used"] not in (0, "0.00", "0")]
    allowances = PaperTable(
        words["allowances"],
        (PaperColumn("Measure", 30), PaperColumn("Used", 15, number=True), PaperColumn("Allowed", 15, number=True)),
        [(line["measure"], str(line["used"]), str(line["limit"])) for line in used],
    )
    plans, grants = _of_wallet(content, words, money)
    return [table for table in (plans, usage, adjustments, grants, credits, allowances) if table.rows]


def _of_wallet(
    content: Content, words: Mapping[str, str], money: Sequence[PaperColumn]
) -> tuple[PaperTable, PaperTable]:
    plans = PaperTable(
        words["subscription"],
        (PaperColumn("Plan", 30), PaperColumn("From", 22), PaperColumn("To", 22), *money),
        [
            (line["plan"], line["from"][:10], line["to"][:10], line["amount"], line["rounded"])
            for line in content.get("subscription", ())
        ],
    )
    sums = (
        PaperColumn(title, 14, number=True) for title in ("Given", "Used", "Lapsed", "Revoked", content["currency"])
    )
    grants = PaperTable(
        words["grants"],
        (PaperColumn("Grant", 22), PaperColumn("Kind", 15), PaperColumn("Until", 14), PaperColumn("Ended", 22), *sums),
        [
            (line["grant"], line["source"], (line["expires"] or "")[:10], ended_in_words(line))
            + tuple(line[name] for name in ("given", "used", "lapsed", "revoked", "rounded"))
            for line in content.get("grants", {}).get("lines", ())
        ],
    )
    return plans, grants


def _used(line: dict[str, Any]) -> tuple[str, ...]:
    words = (line["model"], line["kind"], line["user"], line["project"] or "", line["charge_period"] or "")
    return (*words, f"{line['operations']:,}", f"{line['units']} {line['unit']}", line["amount"], line["rounded"])


def _adjusted(line: dict[str, Any], words: Mapping[str, str]) -> tuple[str, ...]:
    named = (words[line["what"]], line["reason"], line["reference"], line["operation"] or "")
    return (*named, line["charge_period"] or "", line["amount"], line["rounded"])


def _sums(content: Content, words: Mapping[str, str]) -> list[tuple[str, str]]:
    totals = content["totals"]
    told = [name for name in ("subscription", "usage", "adjustments", "grants", "rounding") if name in totals]
    return [
        *((words[name], totals[name]) for name in told),
        (words["total"], f"{totals['total']} {content['currency']}"),
    ]


def _balance(content: Content, words: Mapping[str, str]) -> list[tuple[str, str]]:
    balance = content["balance"] or {}
    return [(words[name], f"{balance[name]} {content['currency']}") for name in balance]


def _notes(one: StatementView, content: Content) -> list[str]:
    """How the paper is read, and how it can be checked."""
    carried, log = content["carried"], content["log"]
    told = [EXPLAINED]
    if any(line["class"] for line in (*content["usage"], *content["adjustments"])):
        told.append("A line of another period is a correction: it was incurred in that period, which is closed.")
    if carried["operations"]:
        told.append(
            f"{counted(carried['operations'], 'operation is open and holds', 'operations are open and hold')}"
            f" {carried['held']} {content['currency']}, billed once settled."
        )
    told.append(f"Worked out from {log['stream']} up to version {log['version']}, hash {log['hash']}.")
    return [*told, f"Digest of the content (SHA-256): {one.digest}"]
