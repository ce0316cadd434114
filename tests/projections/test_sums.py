"""Sums in groups, held against a summation of the raw log that knows nothing of views."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update

from domain.booking import GoodwillGiven
from domain.errors import InvalidInput, InvalidPeriod, UnknownKind
from domain.ledger import Fact
from domain.operation import (
    CANCELLED,
    Adjusted,
    Charged,
    OperationFact,
    Rejected,
    Released,
    Rerouted,
    Validated,
)
from domain.periods import LATEST, QUARTER
from infrastructure.store.database import Database
from infrastructure.store.schema import OPERATION_TAGS
from projections.calendars import DAY, GRAINS, HOUR, spans
from projections.engine.checkpoints import others_erased
from projections.engine.projector import Projector
from projections.engine.tables import live
from projections.queries import Views
from projections.summing import PERIOD, WHO, Summed, SumQuestion, UsageSums, sum_up
from projections.tagged import GONE
from projections.views.quarters import KNOWN, QUARTERS, QuarterFilter
from tests.domain.examples import NOON
from tests.projections.histories import STEPS, History, Log, Step, busy

Tags = dict[str, dict[str, str]]
"""Of operations, by name; those that were erased have no name."""
NO_TAGS: Tags = {}
TAGGED: tuple[dict[str, str], ...] = (
    {},
    {"team": "red"},
    {"team": "blue"},
    {"team": "red", "run": "7"},
    {"": ""},
    {"run": "8"},
    {"": ""},
)

ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia")
"""Among them offsets of 45 and 30 minutes, and clocks that change by 30."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MEASURED = ("charged", "rejected", "failed", "released", "outputs", "price", "adjusted", "held", "cost", "cost_unknown")

SPANS = st.sampled_from([(None, None), (NOON, NOON + 40 * DAY), (NOON + DAY, None), (None, NOON + 20 * DAY + QUARTER)])
WANTED = st.sampled_from(
    [
        QuarterFilter(),
        QuarterFilter(user="ann"),
        QuarterFilter(model="painter", project=""),
        QuarterFilter(code="blocked"),
    ]
)
QUESTIONS = st.builds(
    lambda who, grain, zone, span, wanted: SumQuestion(
        by=(*who, *grain), zone=zone, since=span[0], until=span[1], wanted=wanted
    ),
    st.lists(st.sampled_from((*WHO, PERIOD)), unique=True, max_size=3),
    st.sampled_from([(), *((one,) for one in GRAINS)]),
    st.sampled_from(ZONES),
    SPANS,
    WANTED,
)

BY_TAGS = st.builds(
    lambda asked, by, tag: replace(asked, by=(*by, *asked.by), tag=tag),
    QUESTIONS,
    st.sampled_from([("tag:team",), ("tag",), ()]),
    st.sampled_from([None, None, ("team", "red"), ("run", "8"), ("team", "green")]),
)


def wall(at: int, zone: str) -> datetime:
    return (EPOCH + timedelta(microseconds=at)).astimezone(ZoneInfo(zone))


def label(at: int, grain: str, zone: str) -> object:
    """What a clock on the wall calls the hour, day … of an instant; an hour that comes twice is two by its offset."""
    clock = wall(at, zone)
    if grain == "hour":
        return clock.strftime("%Y-%m-%d %H"), clock.utcoffset()
    if grain == "week":
        return clock.isocalendar()[:2]
    return clock.strftime("%Y-%m-%d" if grain == "day" else "%Y-%m")


def ended(fact: Fact) -> tuple[dict[str, Any], str, dict[str, int]] | None:
    """By a fact: what it can be grouped by, its currency, and what it adds. Written without a look at the view."""
    if isinstance(fact, GoodwillGiven):
        group = {"account": fact.account, "period": fact.period.start} | dict.fromkeys(WHO[1:], "")
        return group, fact.currency, {"price": -fact.amount, "adjusted": -fact.amount}
    if not isinstance(fact, Charged | Rejected | Released | Adjusted):
        return None
    it = fact.operation
    group = {name: getattr(it, name, None) or "" for name in WHO}
    group |= {"period": it.period.start}
    match fact:
        case Charged():
            sums = {"charged": 1, "outputs": fact.outputs, "price": fact.price, "cost": fact.cost or 0}
            sums["cost_unknown"] = int(fact.cost is None)
        case Rejected():
            group["code"], sums = fact.reason, {"rejected": 1}
        case Released():
            group["code"], sums = fact.reason, {"released": 1, "failed": int(fact.reason != CANCELLED)}
            sums |= {"cost": fact.cost or 0, "cost_unknown": int(fact.cost is None)}
        case Adjusted():
            group["period"] = fact.period.start
            sums = {"price": fact.price, "adjusted": fact.price, "cost": fact.cost}
            sums["cost_unknown"] = -int(fact.revealed)
    return group, fact.currency, sums


def naive(facts: Sequence[Fact], asked: SumQuestion, tags: Tags = NO_TAGS) -> dict[Any, dict[str, int]]:
    """The sums of the raw facts by group."""
    found: dict[Any, Counter[str]] = {}
    held: dict[str, int] = {}
    for fact in facts:
        if isinstance(fact, Validated | Rerouted):
            held[fact.operation.id] = fact.quote.price
        told = ended(fact)
        mine = tags.get(fact.operation.id, {}) if isinstance(fact, OperationFact) else {}
        of_tag = asked.tag is None or mine.get(asked.tag[0]) == asked.tag[1]
        if told is None or not of_tag or not _wanted(asked, told[0], fact.at):
            continue
        group, currency, sums = told
        sums |= {"held": held[fact.operation.id]} if isinstance(fact, Charged) else {}
        for tag in _tag_labels(asked.tag_group, mine):
            named: dict[Any, Any] = {**group, asked.tag_group: tag}
            key = tuple(label(fact.at, one, asked.zone) if one in GRAINS else named[one] for one in asked.by)
            found.setdefault((*key, currency), Counter()).update(sums)
    cleared = {key: {name: amount for name, amount in sums.items() if amount} for key, sums in found.items()}
    return {key: sums for key, sums in cleared.items() if sums or asked.tag_group is None}


def _tag_labels(group: str | None, mine: dict[str, str]) -> list[str]:
    if "" in mine and group is not None:
        return [GONE]
    if group == "tag":
        return [f"{name}={told}" for name, told in mine.items()] or [""]
    return [mine.get(str(group).removeprefix("tag:"), "")]


def _wanted(asked: SumQuestion, group: dict[str, Any], at: int) -> bool:
    names = {name: getattr(asked.wanted, name) for name in WHO}
    within = (asked.since or 0) <= at < (asked.until or LATEST)
    return within and all(value is None or group[name] == value for name, value in names.items())


def shown(sums: UsageSums) -> dict[Any, dict[str, int]]:
    """The same of an answer."""
    return {(*_labels(sums, row), row.currency): _sums(row) for row in sums.rows}


def _labels(sums: UsageSums, row: Summed) -> tuple[Any, ...]:
    asked = sums.question
    return tuple(label(int(row.group[one]), one, asked.zone) if one in GRAINS else row.group[one] for one in asked.by)


def _sums(row: Summed) -> dict[str, int]:
    return {name: row.sums[name] for name in MEASURED if row.sums[name]}


@pytest.fixture
def told(database: Database, log: Log, projector: Projector, views: Views) -> Told:
    return Told(database, log, projector, views)


class Told:
    """A ledger that lives on from one example to the next."""

    def __init__(self, database: Database, log: Log, projector: Projector, views: Views) -> None:
        self.database, self.log, self.projector, self.views = database, log, projector, views
        self.facts: list[Fact] = []
        self.tags: Tags = {}
        self.lives = 0

    def live(self, steps: Sequence[Step]) -> int:
        """One more life of some accounts; the log's end."""
        self.lives += 1
        facts = History(f"{self.lives}-").live(steps).facts
        self.facts += facts
        end = self.log.record(facts)
        self.projector.advance()
        return end

    def tag(self) -> None:
        """Give tags to operations that are new, as a request does, or an erasure leaves them."""
        new = {one.operation.id: one.operation for one in self.facts if isinstance(one, OperationFact)}
        rows = []
        for count, id in enumerate(sorted(new.keys() - self.tags.keys()), self.lives):
            self.tags[id] = dict(TAGGED[count % len(TAGGED)])
            own = {"operation": id, "account": new[id].account}
            rows += [{**own, "name": name, "value": told} for name, told in self.tags[id].items()]
        with self.database.transaction() as connection:
            connection.execute(insert(OPERATION_TAGS), rows) if rows else None


@given(lives=st.data())
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_groups_are_what_the_raw_log_adds_up_to(told: Told, lives: st.DataObject) -> None:
    end = told.live(lives.draw(STEPS))
    for asked in lives.draw(st.lists(QUESTIONS, min_size=4, max_size=4)):
        sums = told.views.sum_up(asked)
        assert shown(sums) == naive(told.facts, asked), asked
        assert {one.currency: _sums(one) for one in sums.totals} == {
            currency: found for (currency,), found in naive(told.facts, replace(asked, by=())).items()
        }
        assert sums.position == end


@pytest.mark.parametrize(("by", "top"), [(("user",), None), (("model", "hour"), "price")])
def test_what_is_over_is_remembered_and_comes_to_what_summing_all_of_it_does(
    told: Told, by: tuple[str, ...], top: str | None
) -> None:
    facts, since = busy(60), NOON - DAY
    asked = SumQuestion(by=by, zone="Australia/Lord_Howe", since=since, wanted=QuarterFilter(account="bloom"), top=top)
    for part in (facts[:150], facts[150:170], facts[170:]):
        told.log.record(part)
        told.projector.advance()
        for until in (None, NOON + DAY, NOON + 3 * DAY + QUARTER):
            this = replace(asked, until=until)
            assert told.views.sum_up(this) == sum_up(told.database, this)
            page = told.views.sum_up(this, limit=2)
            assert page == sum_up(told.database, this, limit=2)
            if page.next is not None:
                assert told.views.sum_up(this, after=page.next).rows == sum_up(told.database, this, page.next).rows
    before = told.views.sum_up(asked)
    with told.database.transaction() as connection:
        others_erased(connection)
        connection.execute(update(live(QUARTERS)).values(price=live(QUARTERS).c.price + 1))
    after = told.views.sum_up(asked)
    assert after.rows != before.rows
    assert after == sum_up(told.database, asked)


@given(lives=st.data())
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_tags_group_what_is_there_and_lose_no_money(told: Told, lives: st.DataObject) -> None:
    end = told.live(lives.draw(STEPS))
    told.tag()
    for asked in lives.draw(st.lists(BY_TAGS, min_size=4, max_size=4)):
        sums = told.views.sum_up(asked)
        assert shown(sums) == naive(told.facts, asked, told.tags), asked
        assert {one.currency: _sums(one) for one in sums.totals} == {
            currency: found for (currency,), found in naive(told.facts, replace(asked, by=()), told.tags).items()
        }
        assert sums.position == end
        first = told.views.sum_up(asked, limit=1)
        rest = told.views.sum_up(asked, after=first.next).rows if first.next is not None else ()
        assert (*first.rows, *rest) == sums.rows


@given(lives=st.data())
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_pages_are_the_whole_list_cut_into_pieces(told: Told, lives: st.DataObject) -> None:
    told.live(lives.draw(STEPS))
    asked, size = lives.draw(QUESTIONS), lives.draw(st.integers(1, 3))
    whole, found, after = told.views.sum_up(asked), list[Summed](), None
    for _ in range(max(-(-len(whole.rows) // size), 1)):
        page = told.views.sum_up(asked, after=after, limit=size)
        assert page.totals == whole.totals
        found, after = [*found, *page.rows], page.next
    assert after is None
    assert tuple(found) == whole.rows


@given(lives=st.data())
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_open_is_told_apart_and_is_what_the_ledger_holds(told: Told, lives: st.DataObject) -> None:
    told.live(lives.draw(STEPS))
    held: Counter[Any] = Counter()
    for fact in told.facts:
        it = fact.operation if isinstance(fact, OperationFact) else None
        if isinstance(fact, Validated | Rerouted):
            assert it is not None
            held[it.id] = fact.quote.price
        if isinstance(fact, Charged | Released):
            assert it is not None
            held[it.id] = 0
    found = told.views.sum_up(SumQuestion(by=("account", "model", "day"))).open
    assert sum(one.held for one in found) == held.total()
    assert sum(one.operations for one in found) == sum(amount > 0 for amount in held.values())
    assert all(one.group.keys() == {"account", "model"} for one in found)


@given(lives=st.data())
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_each_price_is_where_the_operations_cost_is_known(told: Told, lives: st.DataObject) -> None:
    told.live(lives.draw(STEPS))
    price, source = Counter[str](), dict[str, str]()
    for fact in told.facts:
        if isinstance(fact, Charged | Adjusted):
            price[fact.operation.id] += fact.price
        if isinstance(fact, Charged | Released | Adjusted) and fact.cost_source is not None:
            source[fact.operation.id] = fact.cost_source
    found = told.views.sum_up(SumQuestion()).totals
    for known, name in KNOWN.items():
        expected = sum(amount for id, amount in price.items() if source[id] == known)
        assert sum(one.sums[name] for one in found) == expected, known


def instant(zone: str, *clock: int) -> int:
    return int(datetime(*clock, tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000  # type: ignore[misc, arg-type]  # a date's parts


def lengths(grain: str, zone: str, first: tuple[int, int, int], last: tuple[int, int, int]) -> list[float]:
    found = spans(grain, zone, instant(zone, *first), instant(zone, *last))
    assert [end for _, end in found[:-1]] == [start for start, _ in found[1:]]
    return [(end - start) / HOUR for start, end in found]


def test_a_day_has_as_many_hours_as_clocks_show() -> None:
    assert lengths("day", "Europe/Berlin", (2026, 3, 28), (2026, 3, 31)) == [24, 23, 24]
    assert lengths("day", "Europe/Berlin", (2026, 10, 24), (2026, 10, 27)) == [24, 25, 24]
    assert lengths("day", "Australia/Lord_Howe", (2026, 4, 5), (2026, 4, 6)) == [24.5]


def test_an_hour_that_comes_twice_is_two_and_one_that_is_cut_is_shorter() -> None:
    assert lengths("hour", "Europe/Berlin", (2026, 10, 25), (2026, 10, 26)) == [1] * 25
    assert lengths("hour", "Australia/Lord_Howe", (2026, 4, 5), (2026, 4, 6)) == [1, 1, 0.5, *[1] * 22]
    assert lengths("hour", "Asia/Kathmandu", (2026, 4, 5), (2026, 4, 6)) == [1] * 24


def test_weeks_begin_on_monday_and_the_ends_are_cut() -> None:
    assert lengths("week", "Europe/Berlin", (2026, 3, 25), (2026, 4, 9)) == [5 * 24 - 1, 7 * 24, 3 * 24]


def test_a_day_that_a_zone_left_out_is_not_there() -> None:
    assert lengths("day", "Pacific/Apia", (2011, 12, 29), (2012, 1, 1)) == [24, 24]


@pytest.mark.parametrize("zone", ZONES)
def test_every_edge_is_at_a_quarter_of_an_hour(zone: str) -> None:
    for grain in GRAINS:
        for start, end in spans(grain, zone, instant("UTC", 2026, 1, 1), instant("UTC", 2027, 1, 1)):
            assert (start % QUARTER, end % QUARTER) == (0, 0)


def test_the_largest_come_first_and_their_pages_go_on(told: Told) -> None:
    told.facts += busy(60)
    told.log.record(told.facts)
    told.projector.advance()
    asked = SumQuestion(by=("user",), top="price")
    prices = [row.sums["price"] for row in told.views.sum_up(asked).rows]
    assert prices == sorted(prices, reverse=True)
    assert len(prices) == 3
    page = told.views.sum_up(asked, limit=2)
    assert [row.sums["price"] for row in told.views.sum_up(asked, after=page.next).rows] == prices[2:]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        (SumQuestion(by=("colour",)), "group_by"),
        (SumQuestion(by=("user", "user")), "group_by"),
        (SumQuestion(by=("day", "hour")), "group_by"),
        (SumQuestion(top="colour"), "top"),
        (SumQuestion(since=1), "from"),
        (SumQuestion(since=QUARTER, until=QUARTER), "to"),
        (SumQuestion(by=("hour",), since=0, until=DAY * 1000), "to"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_field(views: Views, asked: SumQuestion, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        views.sum_up(asked)
    assert refused.value.field == field


def test_zones_kinds_and_cursors_that_there_are_not_are_refused(told: Told) -> None:
    told.live([("ask", 1, 1), ("deliver", 0, 1)])
    with pytest.raises(InvalidPeriod):
        told.views.sum_up(SumQuestion(by=("day",), zone="Mars/Olympus"))
    with pytest.raises(InvalidInput):
        told.views.sum_up(SumQuestion(by=("day",)), after="bm90aGluZw")
    with pytest.raises(UnknownKind):
        told.views.sum_up(SumQuestion(wanted=QuarterFilter(kind="text-to-pasta")))


def test_an_empty_ledger_is_summed_up_to_nothing(views: Views) -> None:
    sums = views.sum_up(SumQuestion(by=("day", "model")))
    assert (sums.rows, sums.totals, sums.open, sums.span, sums.position) == ((), (), (), None, 0)


@pytest.mark.parametrize("zone", ["Mars", "", "../etc/localtime"])
def test_a_zone_that_there_is_not_is_told_though_there_is_nothing_to_sum(views: Views, zone: str) -> None:
    with pytest.raises(InvalidPeriod):
        views.sum_up(SumQuestion(by=("day",), zone=zone))
    with pytest.raises(InvalidPeriod):
        views.sum_up(SumQuestion(by=("model",), zone=zone))
