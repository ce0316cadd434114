"""Statements and periods as pages of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from domain.counts import counted
from domain.money import Money
from infrastructure.showing.formats import iso, span
from infrastructure.showing.wallets import ended_in_words

if TYPE_CHECKING:
    from application.keeping.statements import BilledPeriod, StatementView
    from infrastructure.cli.rendering import Page


def show_billing_periods(page: Page, found: Sequence[BilledPeriod]) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title(counted(len(found), "billing period"))
    if not found:
        return
    page.table(
        PageColumn("PERIOD", [one.name for one in found]),
        PageColumn("SPAN", [span(one.period.start, one.period.end, one.zone) for one in found], drop=1),
        PageColumn("CLOSED", ["open" if one.closing is None else iso(one.closing.at, one.zone) for one in found]),
        PageColumn("STATEMENT", [one.statement for one in found]),
    )


def show_closed(page: Page, one: BilledPeriod) -> None:
    assert one.closing is not None, "it was closed"
    page.title(f"Period {one.name} is closed")
    carried = one.closing.open
    if carried:
        held = Money(one.closing.held, one.closing.currency)
        page.line(f"  {counted(carried, 'operation')} open, with {held} held, billed in the period each ends in")
    if one.closing.closing is not None:
        page.line(f"  {Money(one.closing.closing, one.closing.currency)} of its balance left")


SUMS = ("subscription", "usage", "adjustments", "grants", "rounding")


def show_statements(page: Page, found: Sequence[StatementView]) -> None:
    from infrastructure.cli.rendering import PageColumn, amounts

    page.title(counted(len(found), "statement"))
    if not found:
        return
    page.table(
        PageColumn("NUMBER", [one.number for one in found]),
        PageColumn("PERIOD", [one.content["period"]["name"] for one in found]),
        PageColumn("STATUS", [one.status for one in found]),
        PageColumn("ISSUED", [iso(one.issued or 0) for one in found], drop=2),
        PageColumn("REPLACED BY", [one.replaced for one in found], drop=1),
        PageColumn("VOIDED BY", [one.voiding for one in found], drop=3),
        amounts("TOTAL", [Money(one.statement.rounded_total, one.statement.currency) for one in found]),
    )


def show_statement(page: Page, one: StatementView) -> None:
    """All of it, as its content says, with amounts in the statement's currency."""
    content = one.content
    period, currency = content["period"], content["currency"]
    page.title(f"Statement {one.number or '(draft)'} of account {content['account']}")
    page.line(f"  {period['name']} to {period['last_day']} in {period['zone']}, plan {content['plan']}, in {currency}")
    for told in _standing(one):
        page.line(f"  {told}")
    _show_plan(page, content)
    _show_usage(page, content)
    _show_adjustments(page, content)
    _show_grants(page, content)
    _show_credits(page, content)
    page.line()
    page.pairs(_sums(content))
    page.line()
    page.line(f"  of {content['log']['stream']}, version {content['log']['version']}", "dim")
    page.line(f"  hash    {content['log']['hash']}", "dim")
    page.line(f"  digest  {one.digest}", "dim")


def _standing(one: StatementView) -> list[str]:
    if one.issued is None:
        return ["a draft: nothing is recorded, and it may still change"]
    told = [f"issued {iso(one.issued)}"]
    if one.replaces:
        told.append(f"instead of {one.replaces}, which was voided")
    if one.voided is not None:
        told.append(f"voided {iso(one.voided)} by {one.voiding}")
    if one.replaced:
        told.append(f"replaced by {one.replaced}")
    return told


def _show_plan(page: Page, content: dict[str, Any]) -> None:
    from infrastructure.cli.rendering import PageColumn, on_the_point

    lines = content.get("subscription", ())
    if not lines:
        return
    page.line()
    page.table(
        PageColumn("PLAN", [line["plan"] for line in lines]),
        PageColumn("FROM", [line["from"][:10] for line in lines]),
        PageColumn("TO", [line["to"][:10] for line in lines]),
        PageColumn("EXACT", on_the_point([line["amount"] for line in lines]), right=True),
        PageColumn(content["currency"], on_the_point([line["rounded"] for line in lines]), right=True),
    )


def _show_grants(page: Page, content: dict[str, Any]) -> None:
    from infrastructure.cli.rendering import PageColumn, on_the_point

    lines = content.get("grants", {}).get("lines", ())
    if not lines:
        return
    page.line()
    page.table(
        PageColumn("GRANT", [line["grant"] for line in lines]),
        PageColumn("SOURCE", [line["source"] for line in lines]),
        PageColumn("UNTIL", [(line["expires"] or "")[:10] for line in lines], drop=1),
        PageColumn("ENDED", [ended_in_words(line) for line in lines], drop=2),
        PageColumn("GIVEN", on_the_point([line["given"] for line in lines]), right=True),
        PageColumn("LAPSED", on_the_point([line["lapsed"] for line in lines]), right=True, drop=0),
        PageColumn("REVOKED", on_the_point([line["revoked"] for line in lines]), right=True, drop=0),
        PageColumn("USED", on_the_point([line["used"] for line in lines]), right=True),
        PageColumn(content["currency"], on_the_point([line["rounded"] for line in lines]), right=True),
    )


def _show_usage(page: Page, content: dict[str, Any]) -> None:
    from infrastructure.cli.rendering import PageColumn, on_the_point

    lines = content["usage"]
    page.line()
    if not lines:
        page.line("  nothing was used")
        return
    page.table(
        PageColumn("MODEL", [line["model"] for line in lines]),
        PageColumn("KIND", [line["kind"] for line in lines], drop=2),
        PageColumn("USER", [line["user"] for line in lines]),
        PageColumn("PROJECT", [line["project"] or "" for line in lines], drop=1),
        PageColumn("OF", [line["charge_period"] or "" for line in lines], drop=0),
        PageColumn("OPERATIONS", [f"{line['operations']:,}" for line in lines], right=True),
        PageColumn("UNITS", [f"{line['units']} {line['unit']}" for line in lines], right=True, drop=3),
        PageColumn("EXACT", on_the_point([line["amount"] for line in lines]), right=True),
        PageColumn(content["currency"], on_the_point([line["rounded"] for line in lines]), right=True),
    )


def _show_adjustments(page: Page, content: dict[str, Any]) -> None:
    from infrastructure.cli.rendering import PageColumn, on_the_point

    lines = content["adjustments"]
    if not lines:
        return
    page.line()
    page.table(
        PageColumn("ADJUSTMENT", [line["what"] for line in lines]),
        PageColumn("OPERATION", [line["operation"] or "" for line in lines]),
        PageColumn("OF", [line["charge_period"] or "" for line in lines]),
        PageColumn("REFERENCE", [line["reference"] for line in lines], drop=1),
        PageColumn("REASON", [line["reason"] for line in lines], wrap=20),
        PageColumn("EXACT", on_the_point([line["amount"] for line in lines]), right=True),
        PageColumn(content["currency"], on_the_point([line["rounded"] for line in lines]), right=True),
    )


def _show_credits(page: Page, content: dict[str, Any]) -> None:
    from infrastructure.cli.rendering import PageColumn, on_the_point

    lines = content["credits"]
    if not lines:
        return
    page.line()
    page.table(
        PageColumn("PAID IN", [line["at"][:19] + "Z" for line in lines]),
        PageColumn("KEY", [line["key"] for line in lines]),
        PageColumn(content["currency"], on_the_point([line["amount"] for line in lines]), right=True),
    )


def _sums(content: dict[str, Any]) -> list[tuple[str, str]]:
    totals, balance, carried = content["totals"], content["balance"], content["carried"]
    told = [
        *((name, str(totals[name])) for name in SUMS if name in totals),
        ("total", f"{totals['total']} {content['currency']} ({totals['exact']} exactly)"),
    ]
    if balance is not None:
        told += [(f"balance, {name.replace('_', ' ')}", balance[name]) for name in balance]
    if grants := content.get("grants"):
        told += [(f"grants, {name}", grants[name]) for name in ("opening", "closing")]
    used = [f"{line['used']} of {line['limit']} {line['measure']}" for line in content["allowances"]]
    told += [("of the plan", ", ".join(used))] if used else []
    if carried["operations"]:
        open_ones = counted(carried["operations"], "operation")
        told.append(("open", f"{open_ones}, holding {carried['held']}: billed when they are settled"))
    return told
