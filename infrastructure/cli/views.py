"""The views at the command line: usage, periods, costs and operations, brought up to the log before they are asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer import Option

from application.ledger.positions import Positions
from domain.errors import InvalidInput
from domain.tags import tag_of
from infrastructure.cli.asof import Then, dated_document, dated_page
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import replacing
from infrastructure.cli.options import Paging, ShortPaging, When, Whose
from infrastructure.cli.session import CommandSession
from infrastructure.cli.sums import Grouping, show_sums, summed, within_period
from infrastructure.cli.viewpages import Viewer, show_costs, show_operations, show_periods, show_spend, show_usage
from infrastructure.showing.formats import UTC_NAME

if TYPE_CHECKING:
    from application.ledger.moments import Moment
    from infrastructure.cli.rendering import Page
    from infrastructure.reading import ReadingLedger
    from infrastructure.showing.charts import Chart
    from projections.engine.asking import Found
    from projections.engine.columns import ViewRow
    from projections.engine.filters import ViewFilter
    from projections.engine.view import View

    Row = TypeVar("Row", bound=ViewRow)
    Filter = TypeVar("Filter", bound=ViewFilter)


app = typer.Typer()

ByKey = Annotated[str | None, Option("--api-key", metavar="KEY", help="Only what this API key asked for, by its id.")]


@dataclass(frozen=True, slots=True)
class Whom:
    """Who asked, and for what."""

    user: Annotated[str | None, Option("--user", "-u", metavar="ID", help="Only this user.")] = None
    kind: Annotated[str | None, Option("--kind", metavar="KIND", help="Only this kind of operation.")] = None
    api_key: ByKey = None


@command(app)
async def usage(
    whose: Whose, when: When, then: Then, whom: Whom, grouping: Grouping, paging: Paging, session: CommandSession
) -> Report:
    """Sum up who did what, and what it cost.

    By user and kind in billing periods, or in other groups: --by model,day --tz Asia/Tokyo --from 2026-11-01.
    """
    from infrastructure.showing.rows import list_document
    from projections.views.usage import USAGE, UsageFilter

    account = whose.id(session)
    async with session.reading() as reading:
        asked, moment = await _asked(reading, session, account, then)
        at = when.instant(asked.zone, moment)
        if grouping.wanted:
            question = grouping.question(account, asked.zone, asdict(whom))
            question = await within_period(reading, question, at, moment)
            show = partial(show_sums, viewer=asked, estimated=grouping.estimated, dated=moment is not None)
            return await summed(reading, question, show, paging, moment)
        wanted = UsageFilter(account=account, **asdict(whom), at=at)
        found = await _found(reading, USAGE, wanted, paging, moment)
    document = dated_document(list_document("usage", USAGE, found), moment)
    return _answer(document, dated_page(lambda page: show_usage(page, found, asked), moment, asked.zone), paging)


@command(app)
async def periods(whose: Whose, then: Then, paging: Paging, session: CommandSession) -> Report:
    """List billing periods with their totals."""
    from infrastructure.showing.rows import list_document
    from projections.views.periods import PERIODS, PeriodFilter

    account = whose.id(session)
    async with session.reading() as reading:
        asked, moment = await _asked(reading, session, account, then)
        found = await _found(reading, PERIODS, PeriodFilter(account=account), paging, moment)
    document = dated_document(list_document("periods", PERIODS, found), moment)
    return _answer(document, dated_page(lambda page: show_periods(page, found, asked), moment, asked.zone), paging)


@command(app)
async def costs(
    when: When,
    then: Then,
    paging: Paging,
    session: CommandSession,
    model: Annotated[str | None, Option("--model", "-m", metavar="ID", help="Only this model.")] = None,
    provider: Annotated[str | None, Option("--provider", metavar="ID", help="Only this provider.")] = None,
) -> Report:
    """List what each model brought in and what it cost us.

    Over all accounts; periods are those of the accounts.
    """
    from infrastructure.showing.rows import list_document
    from projections.views.costs import COSTS, CostFilter

    async with session.reading() as reading:
        asked, moment = await _asked(reading, session, None, then)
        wanted = CostFilter(model=model, provider=provider, at=when.instant(UTC_NAME, moment))
        found = await _found(reading, COSTS, wanted, paging, moment)
    if not found.rows:
        await _check_named(session, model, provider)
    document = dated_document(list_document("costs", COSTS, found), moment)
    return _answer(document, dated_page(lambda page: show_costs(page, found), moment, asked.zone), paging)


@dataclass(frozen=True, slots=True)
class Days:
    """Which days, at which models."""

    since: Annotated[str | None, Option("--since", metavar="DAY", help="From this day on, such as 2026-04-10.")] = None
    until: Annotated[str | None, Option("--until", metavar="DAY", help="Until this day, which is counted too.")] = None
    model: Annotated[str | None, Option("--model", "-m", metavar="ID", help="Only this model.")] = None
    provider: Annotated[str | None, Option("--provider", metavar="ID", help="Only this provider.")] = None


@command(app)
async def spend(
    whose: Whose,
    days: Days,
    then: Then,
    paging: Paging,
    session: CommandSession,
    plot: Annotated[bool, Option("--plot", help="Draw it as bars, a day each.")] = False,
    svg: Annotated[Path | None, Option("--svg", metavar="FILE", help="Draw it into a file of SVG, too.")] = None,
) -> Report:
    """List what was spent on each day at each model, or draw it.

    Days are those of the account's time zone; a correction counts on the day on which it was made.
    """
    from infrastructure.showing.charts import spend_charts
    from infrastructure.showing.rows import list_document
    from projections.views.spend import SPEND, SpendFilter

    account = whose.id(session)
    async with session.reading() as reading:
        asked, moment = await _asked(reading, session, account, then)
        found = await _found(reading, SPEND, SpendFilter(account=account, **asdict(days)), paging, moment)
    if not found.rows:
        await _check_named(session, days.model, days.provider)
    charts = spend_charts(found.rows, asked.of)
    if svg is not None:
        _write_drawn(svg, charts)
    document = dated_document(list_document("spend", SPEND, found), moment)
    show = dated_page(lambda page: show_spend(page, found, asked, charts if plot else ()), moment, asked.zone)
    return _answer(document, show, paging)


def _write_drawn(svg: Path, charts: Sequence[Chart]) -> None:
    """Raises InvalidInput if there is not one currency alone, as amounts of two make no sum."""
    from infrastructure.showing.charts import drawn

    if len(charts) != 1:
        told = "nothing was spent on these days" if not charts else "two currencies make no chart"
        raise InvalidInput("--svg", told, hint="ask for other days, or for one account")
    with replacing(svg, "--svg") as stream:
        assert stream is not None
        stream.write(drawn(charts[0]))


@dataclass(frozen=True, slots=True)
class Which:
    """Which operations."""

    user: Annotated[str | None, Option("--user", "-u", metavar="ID", help="Only of this user.")] = None
    project: Annotated[str | None, Option("--project", "-p", metavar="ID", help="Only of this project.")] = None
    api_key: ByKey = None
    kind: Annotated[str | None, Option("--kind", metavar="KIND", help="Only this kind.")] = None
    state: Annotated[str | None, Option("--state", metavar="STATE", help="Only in this state.")] = None
    batch: Annotated[str | None, Option("--batch", metavar="ID", help="Only of this batch.")] = None
    tag: Annotated[str | None, Option("--tag", metavar="NAME=VALUE", help="Only what has this tag.")] = None
    flag: Annotated[
        str | None,
        Option(
            "--flag",
            metavar="FLAG",
            help="Only what is out of the ordinary: lost, late, unlike, overbilled, estimated, unknown, stand-in.",
        ),
    ] = None


@command(app)
async def operations(whose: Whose, which: Which, then: Then, paging: ShortPaging, session: CommandSession) -> Report:
    """List operations, the newest first.

    Flags tell what is out of the ordinary: outputs that could not be kept, late deliveries after a release, outputs
    of another size or length than asked, costs above the price, amounts that are estimated, and costs that are unknown.
    """
    from infrastructure.showing.rows import next_page, row_document, tagged_document, write_csv
    from projections.views.operations import OPERATIONS, OperationFilter

    account = whose.id(session)
    async with session.reading() as reading:
        asked, moment = await _asked(reading, session, account, then)
        chosen = {**asdict(which), "tag": None if which.tag is None else tag_of(which.tag, "--tag")}
        wanted = OperationFilter(account=account, **chosen)
        with replacing(paging.file) as stream:
            found = await _read(reading, OPERATIONS, wanted, paging, moment)
            ids = [row.id for row in found.rows]
            tags = await asyncio.to_thread(reading.views.tags, ids) if moment is None else None
            if stream is not None:
                write_csv(stream, OPERATIONS, found.rows, tags)
    listed: Mapping[str, Any] = {
        "operations": [row_document(OPERATIONS, row) for row in found.rows],
        **next_page(found),
    }
    document = dated_document(listed if tags is None else tagged_document(listed, tags), moment)
    shown = partial(show_operations, found=found, asked=asked, tags=tags or {})
    return _answer(document, dated_page(shown, moment, asked.zone), paging)


async def _found(
    reading: ReadingLedger, view: View[Row, Filter], wanted: Filter, paging: Paging, moment: Moment | None
) -> Found[Row]:
    """One page of rows as they are, or were at a moment; written to a file, too, if one is named."""
    from infrastructure.showing.rows import write_csv

    with replacing(paging.file) as stream:
        found = await _read(reading, view, wanted, paging, moment)
        if stream is not None:
            write_csv(stream, view, found.rows)
    return found


async def _read(
    reading: ReadingLedger, view: View[Row, Filter], wanted: Filter, paging: Paging, moment: Moment | None
) -> Found[Row]:
    page: dict[str, Any] = {"after": paging.after, "limit": paging.limit}
    if moment is not None:
        return await reading.past.find(view, wanted, moment, **page)
    return await asyncio.to_thread(partial(reading.views.find, view, wanted, **page))


def _answer(document: Mapping[str, Any], show: Callable[[Page], None], paging: Paging) -> Report:
    def shown(page: Page) -> None:
        show(page)
        if (told := document.get("positions")) is not None:
            page.line(f"  as of position {Positions(told)}", "dim")
        if paging.file is not None:
            page.line(f"  every row is in {paging.file}", "dim")

    return Report(document, shown)


async def _check_named(session: CommandSession, model: str | None, provider: str | None) -> None:
    """A model or provider that finds nothing must be one that there is. Raises UnknownModel, InvalidInput."""
    from infrastructure.catalogue import load_catalogue
    from projections.engine.filters import check_word

    catalogue, _ = load_catalogue(session.settings().catalogues)
    if model is not None:
        catalogue.get(model)
    if provider is not None:
        async with session.providers() as providers:
            check_word("provider", provider, sorted({one.provider for one in catalogue} | {*providers}))


async def _asked(
    reading: ReadingLedger, session: CommandSession, account: str | None, then: Then
) -> tuple[Viewer, Moment | None]:
    """Who looks, and as of when. Raises UnknownAccount, InvalidInput."""
    zone = (await reading.accounts.show(account)).zone if account is not None else UTC_NAME
    moment = await then.moment(reading, account, zone)
    if moment is None:
        await _bring_up(reading, session)
    return Viewer(account, zone), moment


async def _bring_up(reading: ReadingLedger, session: CommandSession) -> None:
    """Bring the views up to date; tell of those that cannot be."""
    await session.catch_up(reading)
    for view in await asyncio.to_thread(reading.views.status):
        if view.error is not None:
            told = f"{view.view} stands still at position {view.position}"
            session.warn(told, "what it says is older than the log; see: imagestudio projections status")
