"""Sums of usage at the command line: options that group and choose, and the page of an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from domain.money import Money
from infrastructure.cli.asof import dated_document, dated_page
from infrastructure.cli.commands import Report
from infrastructure.cli.files import replacing

if TYPE_CHECKING:
    from application.ledger.moments import Moment
    from infrastructure.cli.options import Paging
    from infrastructure.cli.rendering import Page, PageColumn
    from infrastructure.cli.viewpages import Viewer
    from infrastructure.reading import ReadingLedger
    from projections.summing import Summed, SumQuestion, UsageSums

GROUPS = "Sums in other groups"


@dataclass(frozen=True, slots=True)
class Grouping:
    """How sums are grouped, and of what they are."""

    by: Annotated[
        str | None,
        Option(
            "--by",
            metavar="NAME,…",
            help="Group by account, user, project, api_key, kind, model, provider, code, period, tag or tag:NAME,"
            " and by one of hour, day, week, month.",
            rich_help_panel=GROUPS,
        ),
    ] = None
    tz: Annotated[
        str | None,
        Option("--tz", metavar="ZONE", help="Whose days: otherwise the account's.", rich_help_panel=GROUPS),
    ] = None
    since: Annotated[
        str | None,
        Option("--from", metavar="INSTANT", help="From this day or instant on.", rich_help_panel=GROUPS),
    ] = None
    until: Annotated[
        str | None,
        Option("--to", metavar="INSTANT", help="Up to this day or instant, without it.", rich_help_panel=GROUPS),
    ] = None
    top: Annotated[
        str | None,
        Option(
            "--top", metavar="NAME", help="The largest first: price, cost, failed, charged.", rich_help_panel=GROUPS
        ),
    ] = None
    project: Annotated[
        str | None,
        Option("--project", "-p", metavar="ID", help="Only this project; - for none.", rich_help_panel=GROUPS),
    ] = None
    model: Annotated[
        str | None, Option("--model", "-m", metavar="ID", help="Only this model.", rich_help_panel=GROUPS)
    ] = None
    provider: Annotated[
        str | None, Option("--provider", metavar="ID", help="Only this provider.", rich_help_panel=GROUPS)
    ] = None
    code: Annotated[
        str | None,
        Option("--code", metavar="CODE", help="Only what failed or was refused so.", rich_help_panel=GROUPS),
    ] = None
    tag: Annotated[
        str | None,
        Option("--tag", metavar="NAME=VALUE", help="Only what has this tag.", rich_help_panel=GROUPS),
    ] = None

    estimated: Annotated[
        bool,
        Option(
            "--estimated",
            help="Beside what was charged, what had been held for it; by model if no group is named.",
            rich_help_panel=GROUPS,
        ),
    ] = False

    @property
    def wanted(self) -> bool:
        """Whether any of these was said."""
        return any(getattr(self, one.name) not in (None, False) for one in fields(self))

    def question(self, account: str | None, zone: str, others: dict[str, str | None]) -> SumQuestion:
        """The question that these and other filters ask. Raises InvalidInput, InvalidPeriod."""
        from infrastructure.showing.sums import question_of

        own = {one.name: getattr(self, one.name) for one in fields(self)}
        by = "model" if self.by is None and self.estimated else self.by
        words = {**own, **others, "group_by": by, "from": self.since, "to": self.until}
        return question_of(words, account, zone)


async def summed(
    reading: ReadingLedger,
    asked: SumQuestion,
    show: Callable[[Page, UsageSums], None],
    paging: Paging,
    moment: Moment | None,
) -> Report:
    """The answer to a question, as it is or was, written to a file, too, if one is named."""
    from infrastructure.showing.sums import sums_document, write_sums_csv

    with replacing(paging.file) as stream:
        if moment is not None:
            found = await reading.past.sum_up(asked, moment, after=paging.after, limit=paging.limit)
        else:
            ask = partial(reading.views.sum_up, asked, after=paging.after, limit=paging.limit)
            found = await asyncio.to_thread(ask)
        document = dated_document(sums_document(found), moment)
        if stream is not None:
            write_sums_csv(stream, document)
    return Report(document, dated_page(lambda page: show(page, found), moment, asked.zone))


async def within_period(
    reading: ReadingLedger, asked: SumQuestion, at: int | None, moment: Moment | None
) -> SumQuestion:
    """The question, of the account's period with an instant if it names no ends."""
    from projections.views.periods import PERIODS, PeriodFilter

    account = asked.wanted.account
    if account is None or at is None or (asked.since, asked.until) != (None, None):
        return asked
    wanted = PeriodFilter(account=account, at=at)
    if moment is not None:
        rows = await reading.past.rows(PERIODS, wanted, moment)
    else:
        rows = await asyncio.to_thread(reading.views.rows, PERIODS, wanted)
    if not rows:
        return asked
    return replace(asked, since=rows[0].period_start, until=rows[0].period_end)


def show_sums(page: Page, sums: UsageSums, viewer: Viewer, *, estimated: bool = False, dated: bool = False) -> None:
    """Groups in rows, what they come to, what is open, and as of which position."""
    from infrastructure.showing.formats import span

    asked = sums.question
    when = f", {span(*sums.span, asked.zone)}" if sums.span is not None else ""
    page.title(f"Usage {viewer.of}{when} in {asked.zone}")
    if sums.rows:
        page.table(*_groups(sums), *(_estimated(sums) if estimated else (*_counts(sums), *_money(sums))))
    else:
        page.line("  nothing ended then", "dim")
    for one in sums.totals:
        page.line(f"  in all {_total_text(one)}", "dim")
    for held in sums.open:
        of = " ".join(value for value in held.group.values() if value)
        told = f"{held.operations:,} open, {Money(held.held, held.currency)} held"
        page.line(f"  {told}{f' for {of}' if of else ''}, not counted above", "dim")
    if sums.erased:
        page.line("  partial: some of it had tags that were erased", "dim")
    if not dated:
        page.line(f"  as of position {sums.position}", "dim")
    if sums.next is not None:
        page.line(f"  more follow: --after {sums.next}", "dim")


def _groups(sums: UsageSums) -> list[PageColumn]:
    from infrastructure.cli.rendering import PageColumn
    from infrastructure.showing.sums import sums_document

    rows = sums_document(sums)["usage"]
    titles = {"api_key": "KEY"}
    return [PageColumn(titles.get(one, one.upper()), [_cell(one, row) for row in rows]) for one in sums.question.by]


def _cell(name: str, row: Mapping[str, Any]) -> str:
    if row.get("erased") and name.startswith("tag"):
        return "(erased)"
    return "-" if row[name] is None else str(row[name])


def _counts(sums: UsageSums) -> list[PageColumn]:
    from infrastructure.cli.rendering import PageColumn

    names = [name for name in ("charged", "rejected", "failed", "outputs") if any(one.sums[name] for one in sums.rows)]
    return [
        PageColumn(
            name.upper(), [f"{one.sums[name]:,}" for one in sums.rows], right=True, drop=3 - place if place else 0
        )
        for place, name in enumerate(names)
    ]


def _money(sums: UsageSums) -> list[PageColumn]:
    from infrastructure.cli.rendering import PageColumn, amounts

    costs = [None if _unknown(one) else Money(one.sums["cost"], one.cost_currency or one.currency) for one in sums.rows]
    columns = [amounts("PRICE", [Money(one.sums["price"], one.currency) for one in sums.rows], 0)]
    columns.append(amounts("COST", costs, 1))
    if any(one.sums["cost_unknown"] for one in sums.rows):
        marks = [
            f"partial: {one.sums['cost_unknown']:,} unknown" if one.sums["cost_unknown"] else "" for one in sums.rows
        ]
        columns.append(PageColumn("COST IS", marks))
    return columns


def _estimated(sums: UsageSums) -> list[PageColumn]:
    """Beside what was charged what had been held for it, which is the most that it was said to come to."""
    from infrastructure.cli.rendering import PageColumn, amounts
    from infrastructure.showing.sums import rate

    gross = [one.sums["price"] - one.sums["adjusted"] for one in sums.rows]
    held = [one.sums["held"] for one in sums.rows]
    currencies = [one.currency for one in sums.rows]
    apart = [one - other for one, other in zip(gross, held, strict=True)]
    shares = [rate(one, other) for one, other in zip(apart, held, strict=True)]
    return [
        PageColumn("CHARGED", [f"{one.sums['charged']:,}" for one in sums.rows], right=True),
        amounts("HELD", [*map(Money, held, currencies)], 0),
        amounts("GROSS", [*map(Money, gross, currencies)], 0),
        amounts("DIFFERENCE", [*map(Money, apart, currencies)], 1),
        PageColumn("SHARE", ["-" if one is None else _points(one) for one in shares], right=True),
    ]


def _points(share: str) -> str:
    return f"-{_percent(share)}" if share.startswith("-") else _percent(share)


def _unknown(one: Summed) -> bool:
    return one.sums["cost_unknown"] > 0 and not one.sums["cost"]


def _total_text(one: Summed) -> str:
    sums, price = one.sums, Money(one.sums["price"], one.currency)
    unknown = f"{sums['cost_unknown']:,} of them unknown"
    if _unknown(one):
        cost = f"cost not known ({unknown})"
    elif sums["cost_unknown"]:
        cost = f"at least {Money(sums['cost'], one.cost_currency or one.currency)} cost (partial: {unknown})"
    else:
        cost = f"{Money(sums['cost'], one.cost_currency or one.currency)} cost"
    return f"{price} price, {cost}{_known_text(one)}"


def _known_text(one: Summed) -> str:
    """How the costs of what was charged are known, by shares of the money."""
    from infrastructure.showing.sums import rate
    from projections.views.quarters import KNOWN

    whole = sum(one.sums[name] for name in KNOWN.values())
    shares = {source: rate(one.sums[name], whole) for source, name in KNOWN.items() if one.sums[name]}
    told = ", ".join(f"{_percent(share)} {source}" for source, share in shares.items() if share is not None)
    return f"; costs known: {told}" if told else ""


def _percent(share: str) -> str:
    whole, _, rest = share.replace("-", "").partition(".")
    points = int(whole) * 10_000 + int(rest)
    return f"{points // 100}.{points % 100:02d} %"
