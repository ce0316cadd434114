"""What a ledger answers of a moment is what it answered at that moment."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from application.asking.requests import Request
from application.keeping.accountviews import AccountView, LimitsView
from domain.errors import InvalidInput, OperationRefused, UnknownAccount
from domain.money import Money
from infrastructure.clock import SECOND
from infrastructure.past import Past
from infrastructure.service import Studio
from infrastructure.showing.formats import iso
from infrastructure.store.schema import MILESTONES
from projections.summing import SumQuestion, UsageSums
from projections.trialbalance import TrialBalance
from projections.views import ALL
from projections.views.assets import ASSETS, AssetFilter
from projections.views.links import LINKS, LinkFilter
from projections.views.operations import OPERATIONS, OperationFilter
from projections.views.quarters import QuarterFilter
from projections.views.usage import USAGE, UsageFilter
from tests.application.studios import database_of, studio_on

SUMS = (
    SumQuestion(by=("account", "model", "hour"), zone="Asia/Tokyo"),
    SumQuestion(by=("user", "code"), wanted=QuarterFilter(account="acme")),
)
ACCOUNTS = ("acme", "acme:1", "prepaid")
DAY = 24 * 60 * 60 * SECOND
BEGIN = 1_775_000_000 * SECOND
"""The last day of March 2026."""


@dataclass(frozen=True)
class Told:
    """All that the ledger said at a position."""

    position: int
    at: int
    accounts: dict[str, AccountView]
    limits: dict[str, LimitsView]
    views: dict[str, list[Any]]
    of_acme: dict[str, list[Any]]
    balance: TrialBalance
    sums: list[UsageSums]


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> int:
        return self.now


async def tell(studio: Studio, clock: Clock) -> Told:
    await asyncio.to_thread(studio.views.catch_up)
    shown = {id: await studio.accounts.show(id) for id in ACCOUNTS}
    limits = {id: await studio.accounts.limits(id) for id in ACCOUNTS}
    views: dict[str, list[Any]] = {view.name: studio.views.rows(view) for view in ALL}
    own = {view.name: studio.views.rows(view, view.filter(account="acme")) for view in of_accounts()}
    sums = [studio.views.sum_up(one) for one in SUMS]
    return Told(studio.log.reader.end(), clock.now, shown, limits, views, own, studio.books.balance("acme"), sums)


def of_accounts() -> list[Any]:
    return [view for view in ALL if "account" in view.filter.__slots__]


async def live(studio: Studio, clock: Clock) -> list[Told]:
    """Months of three accounts, with all that is said after each step."""
    draw = {"prompt": "a lake"}
    told: list[Told] = []

    async def ask(account: str, **more: Any) -> str:
        asked = Request("text-to-image", account, {**draw, **more.pop("inputs", {})}, model="scripted-image", **more)
        return (await studio.operations.run(asked)).operation

    await studio.accounts.open("acme", plan="pro")
    await studio.accounts.open("acme:1", plan="basic", zone="Asia/Tokyo")
    await studio.accounts.open("prepaid", plan="pro", prepaid=True)
    told.append(await tell(studio, clock))
    await studio.accounts.add_credit("prepaid", Money.parse("1", "USD"), "p1")
    first = await ask("acme", user="ann")
    told.append(await tell(studio, clock))
    await ask("prepaid", n=2)
    open_one = await studio.operations.submit(
        Request("text-to-image", "acme", draw, model="scripted-findable"), queued=True
    )
    told.append(await tell(studio, clock))
    clock.now += 60 * SECOND
    await studio.accounts.change_limit("acme", "images", 2, reason="too many")
    with pytest.raises(OperationRefused):
        await ask("acme", n=3)
    await ask("acme:1", user="bob", project="poster")
    told.append(await tell(studio, clock))
    clock.now += 2 * DAY  # another month, with what is open of the one before
    for id in ACCOUNTS:
        await ask(id, user="ann")
    told.append(await tell(studio, clock))
    await studio.upkeep.refund(first, account="acme", reason="blurred", reference="r1")
    await studio.operations.cancel(open_one.operation, account="acme")
    await studio.accounts.change_plan("acme", "basic")
    told.append(await tell(studio, clock))
    return told


@pytest.fixture
def clock() -> Clock:
    return Clock()


def with_span(studio: Studio, span: int) -> Past:
    """The past with milestones that are so near to each other."""
    return replace(studio.past, views=replace(studio.past.views, span=span))


async def assert_told(past: Past, told: Told) -> None:
    for id in ACCOUNTS:
        assert await past.account(id, told.position) == told.accounts[id]
        assert await past.limits(id, told.position) == told.limits[id]
    for view in ALL:
        assert await past.rows(view, view.filter(), told.position) == told.views[view.name]
    for view in of_accounts():
        assert await past.rows(view, view.filter(account="acme"), told.position) == told.of_acme[view.name]
    held = [row for row in told.of_acme[OPERATIONS.name] if row.held]
    assert await past.holds("acme", told.position) == held
    assert await past.balance(told.position, "acme") == told.balance
    assert [await past.sum_up(one, told.position) for one in SUMS] == told.sums


async def test_every_answer_of_a_position_is_what_was_answered_there(
    database_url: str, tmp_path: Path, clock: Clock
) -> None:
    async with studio_on(database_url, tmp_path, clock=clock, snapshot_every=2) as studio:
        for told in await live(studio, clock):
            await assert_told(studio.past, told)


@pytest.mark.parametrize("newest_first", [False, True])
async def test_what_begins_at_a_milestone_is_what_is_folded_from_the_beginning(
    database_url: str, tmp_path: Path, clock: Clock, *, newest_first: bool
) -> None:
    async with studio_on(database_url, tmp_path, clock=clock, snapshot_every=2) as studio:
        every = await live(studio, clock)
        for told in reversed(every) if newest_first else every:
            await assert_told(with_span(studio, 3), told)
        kept = database_of(studio).rows(select(MILESTONES))
        assert {row.scope for row in kept} == {"", "acme"}
        assert len(kept) > len(every)
        for told in every:
            await assert_told(with_span(studio, 3), told)
        assert database_of(studio).rows(select(MILESTONES)) == kept, "nothing was to be made anew"
        await asyncio.to_thread(studio.audit.rebuild)
        assert database_of(studio).rows(select(MILESTONES)) == []


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE milestones SET hash = zeroblob(32)",
        "UPDATE milestones SET shape = 'x'",
        "UPDATE milestones SET body = zeroblob(9)",
    ],
)
async def test_a_milestone_that_is_not_of_this_log_is_ignored_and_made_anew(
    sqlite_url: str, tmp_path: Path, clock: Clock, damage: str
) -> None:
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        every = await live(studio, clock)
        await assert_told(with_span(studio, 3), every[-1])
        before = {row.position: row for row in database_of(studio).rows(select(MILESTONES))}
        with database_of(studio).transaction() as connection:
            connection.exec_driver_sql(damage)
        await assert_told(with_span(studio, 3), every[-1])
        after = {row.position: row for row in database_of(studio).rows(select(MILESTONES))}
        assert after
        assert all(after[position] == before[position] for position in after.keys() & before.keys())


async def test_an_instant_is_the_last_fact_until_then(database_url: str, tmp_path: Path, clock: Clock) -> None:
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        told = await live(studio, clock)
        of_instants = {one.at: one for one in told}
        for one in of_instants.values():
            assert (await studio.past.moment(iso(one.at, precision="microseconds"))).position == one.position
            assert await studio.past.account("acme", iso(one.at, precision="microseconds")) == one.accounts["acme"]
            assert (
                await studio.past.rows(USAGE, UsageFilter(account="acme"), iso(one.at, precision="microseconds"))
                == one.of_acme[USAGE.name]
            )


async def test_pages_of_the_past_go_on_after_a_cursor(sqlite_url: str, tmp_path: Path, clock: Clock) -> None:
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        told = (await live(studio, clock))[-2]
        wanted, found, after = OperationFilter(account="acme"), list[Any](), None
        while True:
            page = await studio.past.find(OPERATIONS, wanted, told.position, after=after, limit=2)
            found += page.rows
            if (after := page.next) is None:
                break
        assert found == told.of_acme[OPERATIONS.name]


@pytest.mark.parametrize(
    ("as_of", "why"),
    [
        (99_999, "99999 is no position: the log ends at"),
        ("9" * 40, "is no position: the log ends at"),
        (-1, "-1 is no position"),
        ("2100-01-01", "has not come yet"),
        ("yesterday", "is no instant"),
        ("", "is no instant"),
    ],
)
async def test_what_is_no_moment_is_refused(
    sqlite_url: str, tmp_path: Path, clock: Clock, as_of: int | str, why: str
) -> None:
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(InvalidInput, match=why):
            await studio.past.account("acme", as_of)


async def test_an_account_that_was_not_there_yet_is_unknown_and_has_no_rows(
    sqlite_url: str, tmp_path: Path, clock: Clock
) -> None:
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        await live(studio, clock)
        for id, as_of in (("prepaid", 2), ("nobody", 9)):
            with pytest.raises(UnknownAccount, match="was not there at"):
                await studio.past.account(id, as_of)
        assert await studio.past.rows(ASSETS, AssetFilter(account="prepaid"), 2) == []
        assert await studio.past.rows(LINKS, LinkFilter(account="prepaid"), 2) == []
        assert (await studio.past.balance(0)).lines == ()
        assert await studio.past.rows(OPERATIONS, OperationFilter(), 0) == []


async def test_a_period_that_a_wrong_clock_began_is_left_where_it_was(
    database_url: str, tmp_path: Path, clock: Clock
) -> None:
    async with studio_on(database_url, tmp_path, clock=clock, serve=False) as studio:
        await studio.accounts.open("acme", plan="pro", prepaid=True)
        await studio.accounts.add_credit("acme", Money.parse("1", "USD"), "p1")
        told = {studio.log.reader.end(): await studio.accounts.show("acme")}
        clock.now += 90 * DAY
        await studio.accounts.add_credit("acme", Money.parse("2", "USD"), "p2")
        told[studio.log.reader.end()] = await studio.accounts.show("acme")
        clock.now -= 90 * DAY
        await studio.accounts.end_period("acme", "the clock was ahead")
        told[studio.log.reader.end()] = await studio.accounts.show("acme")
        for position, view in told.items():
            assert await studio.past.account("acme", position) == view
        assert len({view.period for view in told.values()}) == 2
