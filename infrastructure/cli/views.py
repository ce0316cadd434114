"""What the views say: usage, periods, costs and operations, brought up to the log before they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Option

from domain.money import Money
from infrastructure.cli.commands import Answer, command
from infrastructure.cli.formats import UTC_NAME, clock, counted, is_open, money, row_document, span, units_of
from infrastructure.cli.options import When, Whose
from infrastructure.cli.session import Session

if TYPE_CHECKING:
    from infrastructure.cli.rendering import Column, Page
    from infrastructure.reading import Reading
    from projections.queries import Logged, ModelCost, PeriodTotal, Usage

app = typer.Typer()

MONEY = ("gross", "adjusted", "price", "cost")
"""What was charged, what was corrected of it later, what of it is left to pay, and what providers bill us."""
CORRECTED = frozenset({"gross", "adjusted"})
PREPAID = ("carried", "credits", "returned", "balance")
DOUBTS = ("cost_unknown", "estimated")
"""How many operations' costs are not among the sums, and how many amounts are the most that they can be."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose rows a page shows, and the zone whose clock it shows."""

    account: str | None
    zone: str

    @property
    def of(self) -> str:
        return f"of {self.account}" if self.account is not None else "of all accounts"


@command(app)
async def usage(
    whose: Whose,
    when: When,
    session: Session,
    user: Annotated[str | None, Option("--user", "-u", metavar="ID", help="Only this user.")] = None,
    kind: Annotated[str | None, Option("--kind", metavar="KIND", help="Only this kind of operation.")] = None,
) -> Answer:
    """Sum up who did what, and what it cost."""
    account = whose.id(session)
    async with session.reading() as reading:
        asked = await _asked(reading, session, account)
        at = when.instant(asked.zone)
        rows = await asyncio.to_thread(reading.views.usage, account, user, kind, at)
    return Answer(_document("usage", rows), lambda page: show_usage(page, rows, asked))


@command(app)
async def periods(whose: Whose, session: Session) -> Answer:
    """List billing periods with their totals."""
    account = whose.id(session)
    async with session.reading() as reading:
        asked = await _asked(reading, session, account)
        rows = await asyncio.to_thread(reading.views.periods, account)
    return Answer(_document("periods", rows), lambda page: show_periods(page, rows, asked))


@command(app)
async def costs(
    when: When,
    session: Session,
    model: Annotated[str | None, Option("--model", "-m", metavar="ID", help="Only this model.")] = None,
    provider: Annotated[str | None, Option("--provider", metavar="ID", help="Only this provider.")] = None,
) -> Answer:
    """List what each model brought in and what it cost us.

    Over all accounts; periods are those of the accounts.
    """
    async with session.reading() as reading:
        await _asked(reading, session, None)
        at = when.instant(UTC_NAME)
        rows = await asyncio.to_thread(reading.views.costs, model, provider, at)
    if not rows:
        await _check_named(session, model, provider)
    return Answer(_document("costs", rows), lambda page: show_costs(page, rows))


@command(app)
async def operations(
    whose: Whose,
    session: Session,
    user: Annotated[str | None, Option("--user", "-u", metavar="ID", help="Only of this user.")] = None,
    project: Annotated[str | None, Option("--project", "-p", metavar="ID", help="Only of this project.")] = None,
    kind: Annotated[str | None, Option("--kind", metavar="KIND", help="Only this kind.")] = None,
    state: Annotated[str | None, Option("--state", metavar="STATE", help="Only in this state.")] = None,
    batch: Annotated[str | None, Option("--batch", metavar="ID", help="Only of this batch.")] = None,
    flag: Annotated[
        str | None,
        Option(
            "--flag",
            metavar="FLAG",
            help="Only what is out of the ordinary: lost, late, overbilled, estimated, unknown.",
        ),
    ] = None,
    limit: Annotated[int, Option("--limit", "-l", min=1, metavar="COUNT", help="At most so many.")] = 50,
) -> Answer:
    """List operations, the newest first.

    Flags tell what is out of the ordinary: outputs that could not be kept, late deliveries after a release, costs
    above the price, amounts that are estimated, and costs that are unknown.
    """
    account = whose.id(session)
    async with session.reading() as reading:
        asked = await _asked(reading, session, account)
        rows = await asyncio.to_thread(
            partial(
                reading.views.operations,
                limit=limit,
                account=account,
                user=user,
                project=project,
                kind=kind,
                state=state,
                batch=batch,
                flag=flag,
            )
        )
    found = [{**_row(row), "flags": list(row.flags)} for row in rows]
    return Answer({"operations": found}, lambda page: show_operations(page, rows, asked))


async def _check_named(session: Session, model: str | None, provider: str | None) -> None:
    """A model or provider that finds nothing must be one that there is. Raises UnknownModel, InvalidInput."""
    from infrastructure.catalogue import load_catalogue
    from projections.queries import check_word

    catalogue, _ = load_catalogue(session.settings().catalogues)
    if model is not None:
        catalogue.get(model)
    if provider is not None:
        async with session.providers() as providers:
            check_word("provider", provider, sorted({one.provider for one in catalogue} | {*providers}))


async def _asked(reading: Reading, session: Session, account: str | None) -> Asked:
    """Bring the views up to date; tell of those that cannot be. Raises UnknownAccount."""
    await session.catch_up(reading)
    for view in await asyncio.to_thread(reading.views.status):
        if view.error is not None:
            told = f"{view.view} stands still at position {view.position}"
            session.warn(told, "what it says is older than the log; see: imagestudio projections status")
    zone = (await reading.accounts.show(account)).zone if account is not None else UTC_NAME
    return Asked(account, zone)


def show_usage(page: Page, rows: Sequence[Usage], asked: Asked) -> None:
    """The usage summary."""
    from infrastructure.cli.rendering import Column

    page.title(f"Usage {asked.of}{_of_period(rows, asked.zone)}")
    if not rows:
        page.line("  nothing was asked in this period", "dim")
        return
    page.table(
        *_accounts(rows, asked),
        Column("USER", [row.user for row in rows]),
        *_periods(rows, asked.zone),
        Column("KIND", [row.kind for row in rows]),
        *_counts(rows, ("operations", "charged", "rejected", "failed"), drop=3),
        Column("ASKED", [f"{row.asked:,}" for row in rows], right=True, drop=8),
        Column("OUTPUTS", [f"{row.outputs:,}" for row in rows], right=True, drop=7),
        *_money(rows),
    )
    _show_total(page, rows)


def show_periods(page: Page, rows: Sequence[PeriodTotal], asked: Asked) -> None:
    """Statements, one a period."""
    from infrastructure.cli.rendering import Column

    page.title(f"Billing periods {asked.of}, in {asked.zone}")
    if not rows:
        page.line("  none was begun", "dim")
        return
    page.table(
        *_accounts(rows, asked),
        Column("PERIOD", [span(row.period_start, row.period_end, asked.zone) for row in rows]),
        Column("PLAN", [row.plan or "" for row in rows], drop=9),
        *_counts(rows, ("operations", "charged", "rejected", "released"), drop=5),
        *_money(rows),
        _amounts("HELD", rows, "held", drop=1),
        *_prepaid(rows),
    )
    _show_total(page, rows)


def show_costs(page: Page, rows: Sequence[ModelCost], zone: str = UTC_NAME) -> None:
    """Per-model costs."""
    from infrastructure.cli.rendering import Column, on_the_point

    page.title(f"Costs by model, over all accounts{_of_period(rows, zone)}")
    if not rows:
        page.line("  nothing was charged or billed in this period", "dim")
        return
    page.table(
        Column("MODEL", [row.model for row in rows]),
        Column("PROVIDER", [row.provider for row in rows], drop=4),
        *_periods(rows, zone),
        *_counts(rows, ("charged", "released"), drop=5),
        Column("UNITS", on_the_point([units_of(row.units) for row in rows]), right=True, drop=2),
        Column("UNIT", [row.unit or "" for row in rows], drop=2),
        *_money(rows),
    )
    _show_total(page, rows)


def show_operations(page: Page, rows: Sequence[Logged], asked: Asked) -> None:
    """The operation log."""
    from infrastructure.cli.rendering import Column, state_style

    page.title(f"Operations {asked.of}, the newest first, on the clocks of {asked.zone}")
    if not rows:
        page.line("  none was asked for", "dim")
        return
    page.table(
        Column("OPERATION", [row.id for row in rows]),
        Column("REQUESTED", [clock(row.requested_at, asked.zone) for row in rows], drop=2),
        *_accounts(rows, asked),
        Column("USER", [row.user for row in rows], drop=3),
        Column("KIND", [row.kind for row in rows], drop=4),
        Column("STATE", [row.state for row in rows], style=state_style),
        Column("FLAGS", [", ".join(row.flags) for row in rows], drop=1),
        _amounts("PRICE", rows, "price"),
        _amounts("COST", rows, "cost", drop=5),
        Column("REASON", [row.reason or "" for row in rows], drop=6),
    )


def _accounts(rows: Iterable[Any], asked: Asked) -> list[Column]:
    from infrastructure.cli.rendering import Column

    return [] if asked.account is not None else [Column("ACCOUNT", [row.account for row in rows])]


def _of_period(rows: Iterable[Any], zone: str) -> str:
    """The period of all rows, where it is one."""
    spans = {_span(row, zone) for row in rows}
    return f", {spans.pop()} in {zone}" if len(spans) == 1 else ""


def _span(row: Any, zone: str) -> str:
    """A row's billing period, or its calendar month."""
    if hasattr(row, "month_start"):
        return span(row.month_start, row.month_end, zone)
    return span(row.period_start, row.period_end, zone)


def _periods(rows: Sequence[Any], zone: str) -> list[Column]:
    """The column of periods, where they are several."""
    from infrastructure.cli.rendering import Column

    cells = [_span(row, zone) for row in rows]
    return [Column("PERIOD", cells, drop=2)] if len(set(cells)) > 1 else []


def _counts(rows: Sequence[Any], names: Sequence[str], drop: int) -> list[Column]:
    from infrastructure.cli.rendering import Column

    return [
        Column(name.upper(), [f"{getattr(row, name):,}" for row in rows], right=True, drop=drop + place if place else 1)
        for place, name in enumerate(names)
    ]


def _money(rows: Sequence[Any]) -> list[Column]:
    """Price and cost; before them what was charged and what was corrected of it, if anything was."""
    corrected = any(row.adjusted for row in rows)
    names = [name for name in MONEY if corrected or name not in CORRECTED]
    return [_amounts(name.upper(), rows, name, drop=1 if name in CORRECTED else 0) for name in names] + _doubts(rows)


def _doubts(rows: Sequence[Any]) -> list[Column]:
    """How many operations' costs are not in the sums, and how many amounts are the most that they can be."""
    from infrastructure.cli.rendering import Column

    titles = {"cost_unknown": "UNKNOWN", "estimated": "ESTIMATED"}
    return [
        Column(title, [f"{getattr(row, name):,}" if getattr(row, name) else "" for row in rows], right=True)
        for name, title in titles.items()
        if any(getattr(row, name) for row in rows)
    ]


def _prepaid(rows: Sequence[PeriodTotal]) -> list[Column]:
    """What was carried over, paid in and given back, and what is left, of accounts that pay beforehand."""
    if not any(row.carried or row.credits or row.returned for row in rows):
        return []
    drops = {"carried": 3, "returned": 4}
    return [_amounts(name.upper(), rows, name, drop=drops.get(name, 0)) for name in PREPAID]


def _amounts(title: str, rows: Sequence[Any], name: str, drop: int = 0) -> Column:
    from infrastructure.cli.rendering import amounts

    return amounts(title, [_amount(row, name) for row in rows], drop)


def _amount(row: Any, name: str) -> Money | None:
    value: int | None = getattr(row, name)
    if name == "cost" and (row.cost_unknown or is_open(row)) and not value:
        return None
    return Money(value or 0, row.currency) if row.currency is not None else None


def totals(rows: Iterable[Any]) -> dict[str, dict[str, int]]:
    """The sums of money by currency; what was never priced has none."""
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.currency is not None:
            found = sums.setdefault(row.currency, dict.fromkeys((*MONEY, *DOUBTS), 0))
            for name in (*MONEY, *DOUBTS):
                found[name] += getattr(row, name)
    return sums


def _show_total(page: Page, rows: Sequence[Any]) -> None:
    for currency, sums in sorted(totals(rows).items()):
        shown = [name for name in MONEY if sums["adjusted"] or name not in CORRECTED]
        words = [_sum_text(name, sums, currency) for name in shown]
        page.line(f"  in all {', '.join(words)}", "dim")


def _sum_text(name: str, sums: Mapping[str, int], currency: str) -> str:
    """A sum with parts that are not known is at least what is known; without any that is, it is not known either."""
    if name != "cost" or not sums["cost_unknown"]:
        return f"{Money(sums[name], currency)} {name}"
    of = f"of {counted(sums['cost_unknown'], 'operation')} unknown"
    return f"at least {Money(sums[name], currency)} {name} ({of})" if sums[name] else f"{name} {of}"


def _total(field: str, sums: Mapping[str, int], currency: str) -> dict[str, Any] | None:
    if field == "cost" and sums["cost_unknown"] and not sums["cost"]:
        return None
    return money(sums[field], currency)


def _document(name: str, rows: Sequence[Any]) -> dict[str, object]:
    total = [
        {**{field: _total(field, sums, currency) for field in MONEY}, **{field: sums[field] for field in DOUBTS}}
        for currency, sums in sorted(totals(rows).items())
    ]
    return {name: [_row(row) for row in rows], "total": total}


def _row(row: Any) -> dict[str, Any]:
    """A row with what is worked out from it."""
    extra = [name for name in ("gross", "balance") if hasattr(row, name)]
    return {**row_document(row), **{name: money(getattr(row, name), row.currency) for name in extra}}
