"""What the views say: usage, periods, costs and operations, brought up to the log before they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar

import typer
from typer import Option

from domain.money import Money
from infrastructure.cli.commands import Answer, command
from infrastructure.cli.files import replacing
from infrastructure.cli.options import Paging, ShortPaging, When, Whose
from infrastructure.cli.session import Session
from infrastructure.showing.formats import UTC_NAME, counted, money, span

if TYPE_CHECKING:
    from infrastructure.cli.columns import Table
    from infrastructure.cli.rendering import Column, Page
    from infrastructure.reading import Reading
    from projections.engine.asking import Found
    from projections.engine.columns import ViewRow
    from projections.engine.filters import ViewFilter
    from projections.engine.view import AnyView, View
    from projections.views.costs import CostRow
    from projections.views.counting import BilledRow
    from projections.views.operations import OperationRow
    from projections.views.periods import PeriodRow
    from projections.views.usage import UsageRow

    Row = TypeVar("Row", bound=ViewRow)
    Filter = TypeVar("Filter", bound=ViewFilter)

    class Spanned(Protocol):
        """A row of some period."""

        @property
        def span(self) -> tuple[int, int]: ...


app = typer.Typer()

MONEY = ("gross", "adjusted", "price", "cost")
"""What was charged, what was corrected of it later, what of it is left to pay, and what providers bill us."""
CORRECTED = frozenset({"gross", "adjusted"})
DOUBTS = {"cost_unknown": "UNKNOWN", "estimated": "ESTIMATED"}
"""How many operations' costs are not among the sums, and how many amounts are the most that they can be."""
PREPAID = {"carried": 3, "credits": 0, "returned": 4, "balance": 0}
"""What is shown of accounts that pay beforehand, and in which order it is left out."""


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
    paging: Paging,
    session: Session,
    user: Annotated[str | None, Option("--user", "-u", metavar="ID", help="Only this user.")] = None,
    kind: Annotated[str | None, Option("--kind", metavar="KIND", help="Only this kind of operation.")] = None,
) -> Answer:
    """Sum up who did what, and what it cost."""
    from projections.views.usage import USAGE, UsageFilter

    account = whose.id(session)
    async with session.reading() as reading:
        asked = await _asked(reading, session, account)
        wanted = UsageFilter(account=account, user=user, kind=kind, at=when.instant(asked.zone))
        found = await _found(reading, USAGE, wanted, paging)
    return _answer(_document("usage", USAGE, found), lambda page: show_usage(page, found, asked), paging)


@command(app)
async def periods(whose: Whose, paging: Paging, session: Session) -> Answer:
    """List billing periods with their totals."""
    from projections.views.periods import PERIODS, PeriodFilter

    account = whose.id(session)
    async with session.reading() as reading:
        asked = await _asked(reading, session, account)
        found = await _found(reading, PERIODS, PeriodFilter(account=account), paging)
    return _answer(_document("periods", PERIODS, found), lambda page: show_periods(page, found, asked), paging)


@command(app)
async def costs(
    when: When,
    paging: Paging,
    session: Session,
    model: Annotated[str | None, Option("--model", "-m", metavar="ID", help="Only this model.")] = None,
    provider: Annotated[str | None, Option("--provider", metavar="ID", help="Only this provider.")] = None,
) -> Answer:
    """List what each model brought in and what it cost us.

    Over all accounts; periods are those of the accounts.
    """
    from projections.views.costs import COSTS, CostFilter

    async with session.reading() as reading:
        await _asked(reading, session, None)
        wanted = CostFilter(model=model, provider=provider, at=when.instant(UTC_NAME))
        found = await _found(reading, COSTS, wanted, paging)
    if not found.rows:
        await _check_named(session, model, provider)
    return _answer(_document("costs", COSTS, found), lambda page: show_costs(page, found), paging)


@dataclass(frozen=True, slots=True)
class Which:
    """Which operations."""

    user: Annotated[str | None, Option("--user", "-u", metavar="ID", help="Only of this user.")] = None
    project: Annotated[str | None, Option("--project", "-p", metavar="ID", help="Only of this project.")] = None
    kind: Annotated[str | None, Option("--kind", metavar="KIND", help="Only this kind.")] = None
    state: Annotated[str | None, Option("--state", metavar="STATE", help="Only in this state.")] = None
    batch: Annotated[str | None, Option("--batch", metavar="ID", help="Only of this batch.")] = None
    flag: Annotated[
        str | None,
        Option(
            "--flag",
            metavar="FLAG",
            help="Only what is out of the ordinary: lost, late, unlike, overbilled, estimated, unknown.",
        ),
    ] = None


@command(app)
async def operations(whose: Whose, which: Which, paging: ShortPaging, session: Session) -> Answer:
    """List operations, the newest first.

    Flags tell what is out of the ordinary: outputs that could not be kept, late deliveries after a release, outputs
    of another size or length than asked, costs above the price, amounts that are estimated, and costs that are unknown.
    """
    from infrastructure.showing.rows import row_document
    from projections.views.operations import OPERATIONS, OperationFilter

    account = whose.id(session)
    async with session.reading() as reading:
        asked = await _asked(reading, session, account)
        wanted = OperationFilter(account=account, **asdict(which))
        found = await _found(reading, OPERATIONS, wanted, paging)
    rows = [row_document(OPERATIONS, row) for row in found.rows]
    document = {"operations": rows, **_next(found)}
    return _answer(document, lambda page: show_operations(page, found, asked), paging)


async def _found(reading: Reading, view: View[Row, Filter], wanted: Filter, paging: Paging) -> Found[Row]:
    """One page of rows, written to a file, too, if one is named."""
    from infrastructure.showing.rows import write_csv

    ask = partial(reading.views.find, view, wanted, after=paging.after, limit=paging.limit)
    with replacing(paging.file) as stream:
        found = await asyncio.to_thread(ask)
        if stream is not None:
            write_csv(stream, view, found.rows)
    return found


def _answer(document: Mapping[str, object], show: Callable[[Page], None], paging: Paging) -> Answer:
    def shown(page: Page) -> None:
        show(page)
        if paging.file is not None:
            page.line(f"  every row is in {paging.file}", "dim")

    return Answer(document, shown)


async def _check_named(session: Session, model: str | None, provider: str | None) -> None:
    """A model or provider that finds nothing must be one that there is. Raises UnknownModel, InvalidInput."""
    from infrastructure.catalogue import load_catalogue
    from projections.engine.filters import check_word

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


def show_usage(page: Page, found: Found[UsageRow], asked: Asked) -> None:
    """The usage summary."""
    from infrastructure.cli.columns import Table
    from projections.views.usage import USAGE

    rows = found.rows
    page.title(f"Usage {asked.of}{_of_period(rows, asked.zone)}")
    if not rows:
        page.line("  nothing was asked in this period", "dim")
        return
    table = Table(USAGE, rows, asked.zone)
    page.table(
        *_accounts(table, asked),
        table.column("user"),
        *_periods(rows, asked.zone),
        table.column("kind"),
        *_counts(table, ("operations", "charged", "rejected", "failed"), drop=3),
        table.column("asked", drop=8),
        table.column("outputs", drop=7),
        *_money(table, rows),
    )
    _show_end(page, found)


def show_periods(page: Page, found: Found[PeriodRow], asked: Asked) -> None:
    """Statements, one a period."""
    from infrastructure.cli.columns import Table
    from infrastructure.cli.rendering import Column
    from projections.views.periods import PERIODS

    rows = found.rows
    page.title(f"Billing periods {asked.of}, in {asked.zone}")
    if not rows:
        page.line("  none was begun", "dim")
        return
    table = Table(PERIODS, rows, asked.zone)
    page.table(
        *_accounts(table, asked),
        Column("PERIOD", [span(*row.span, asked.zone) for row in rows]),
        table.column("plan", drop=9),
        *_counts(table, ("operations", "charged", "rejected", "released"), drop=5),
        *_money(table, rows),
        table.column("held", drop=1),
        *_prepaid(table, rows),
    )
    _show_end(page, found)


def show_costs(page: Page, found: Found[CostRow], zone: str = UTC_NAME) -> None:
    """Per-model costs."""
    from infrastructure.cli.columns import Table
    from projections.views.costs import COSTS

    rows = found.rows
    page.title(f"Costs by model, over all accounts{_of_period(rows, zone)}")
    if not rows:
        page.line("  nothing was charged or billed in this period", "dim")
        return
    table = Table(COSTS, rows, zone)
    page.table(
        table.column("model"),
        table.column("provider", drop=4),
        *_periods(rows, zone),
        *_counts(table, ("charged", "released"), drop=5),
        table.column("units", drop=2),
        table.column("unit", drop=2),
        *_money(table, rows),
    )
    _show_end(page, found)


def show_operations(page: Page, found: Found[OperationRow], asked: Asked) -> None:
    """The operation log."""
    from infrastructure.cli.columns import Table
    from infrastructure.cli.rendering import state_style
    from projections.views.operations import OPERATIONS

    page.title(f"Operations {asked.of}, the newest first, on the clocks of {asked.zone}")
    if not found.rows:
        page.line("  none was asked for", "dim")
        return
    table = Table(OPERATIONS, found.rows, asked.zone)
    page.table(
        table.column("id", title="OPERATION"),
        table.column("requested_at", title="REQUESTED", drop=2),
        *_accounts(table, asked),
        table.column("user", drop=3),
        table.column("kind", drop=4),
        table.column("state", style=state_style),
        table.column("flags", drop=1),
        table.column("price"),
        table.column("cost", drop=5),
        table.column("reason", drop=6),
    )
    _show_more(page, found)


def _accounts(table: Table, asked: Asked) -> list[Column]:
    return [] if asked.account is not None else [table.column("account")]


def _of_period(rows: Iterable[Spanned], zone: str) -> str:
    """The period of all rows, if it is one."""
    spans = {span(*row.span, zone) for row in rows}
    return f", {spans.pop()} in {zone}" if len(spans) == 1 else ""


def _periods(rows: Sequence[Spanned], zone: str) -> list[Column]:
    """The column of periods, if they are several."""
    from infrastructure.cli.rendering import Column

    cells = [span(*row.span, zone) for row in rows]
    return [Column("PERIOD", cells, drop=2)] if len(set(cells)) > 1 else []


def _counts(table: Table, names: Sequence[str], drop: int) -> list[Column]:
    return [table.column(name, drop=drop + place if place else 1) for place, name in enumerate(names)]


def _money(table: Table, rows: Sequence[BilledRow]) -> list[Column]:
    """Price and cost; before them what was charged and what was corrected of it, if anything was; then what is not
    known, or not exactly, if anything is not."""
    corrected = any(row.adjusted for row in rows)
    names = [name for name in MONEY if corrected or name not in CORRECTED]
    doubts = [name for name in DOUBTS if any(getattr(row, name) for row in rows)]
    return [
        *(table.column(name, drop=1 if name in CORRECTED else 0) for name in names),
        *(table.column(name, title=DOUBTS[name], zeros=False) for name in doubts),
    ]


def _prepaid(table: Table, rows: Sequence[PeriodRow]) -> list[Column]:
    """What was carried over, paid in and given back, and what is left, of accounts that pay beforehand."""
    if not any(row.carried or row.credits or row.returned for row in rows):
        return []
    return [table.column(name, drop=drop) for name, drop in PREPAID.items()]


def totals(rows: Iterable[BilledRow]) -> dict[str, dict[str, int]]:
    """The sums of money by currency; what was never priced has none."""
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        if row.currency is not None:
            found = sums.setdefault(row.currency, dict.fromkeys((*MONEY, *DOUBTS), 0))
            for name in (*MONEY, *DOUBTS):
                found[name] += getattr(row, name)
    return sums


def _show_end(page: Page, found: Found[Any]) -> None:
    """The sums of all rows, if no other page has more of them."""
    if found.whole:
        for currency, sums in sorted(totals(found.rows).items()):
            shown = [name for name in MONEY if sums["adjusted"] or name not in CORRECTED]
            words = [_sum_text(name, sums, currency) for name in shown]
            page.line(f"  in all {', '.join(words)}", "dim")
    _show_more(page, found)


def _show_more(page: Page, found: Found[Any]) -> None:
    if found.next is not None:
        page.line(f"  more follow: --after {found.next}", "dim")


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


def _document(name: str, view: AnyView, found: Found[Any]) -> dict[str, object]:
    """Rows, what they come to if they are all, and where more begin."""
    from infrastructure.showing.rows import row_document

    total = [
        {**{field: _total(field, sums, currency) for field in MONEY}, **{field: sums[field] for field in DOUBTS}}
        for currency, sums in sorted(totals(found.rows).items())
    ]
    rows = [row_document(view, row) for row in found.rows]
    return {name: rows, "total": total if found.whole else None, **_next(found)}


def _next(found: Found[Any]) -> dict[str, str]:
    """The cursor, if more rows follow."""
    return {} if found.next is None else {"next": found.next}
