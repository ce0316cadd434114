"""Periods tile time: every instant lies in exactly one, whatever clocks, months and accounts do."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.errors import InvalidPeriod
from domain.periods import (
    CALENDAR_MONTH,
    SLIVER,
    Cycle,
    Period,
    anniversary_of,
    local_day,
    period_after,
    period_at,
)
from tests.domain.wall_clocks import ANY_ZONE, DAY, INSTANTS, MICROSECOND, MINUTE, utc, wall

CYCLES = st.integers(1, 31).map(Cycle)
SOME_TIME = st.integers(0, 100 * DAY) | st.integers(0, 800 * DAY)
CHANGES = st.lists(st.tuples(CYCLES, ANY_ZONE, SOME_TIME), min_size=1, max_size=12)

thorough = settings(max_examples=500)


def span(start: str, end: str) -> Period:
    return Period(utc(start), utc(end))


def walk(cycle: Cycle, zone: str, instant: int) -> Iterator[Period]:
    """The period at `instant` and all that follow it."""
    while True:
        period = period_at(cycle, zone, instant)
        yield period
        instant = period.end


def start_days(cycle: Cycle, zone: str, first: str, count: int) -> list[str]:
    return [local_day(period.start, zone) for period in islice(walk(cycle, zone, utc(first)), count)]


# A period


def test_a_period_holds_its_start_and_not_its_end() -> None:
    period = Period(10, 20)

    assert [period.contains(instant) for instant in (9, 10, 19, 20)] == [False, True, True, False]


def test_periods_order_by_their_start() -> None:
    early, middle, late = Period(5, 30), Period(10, 20), Period(20, 21)

    assert sorted([late, early, middle]) == [early, middle, late]


@pytest.mark.parametrize(("start", "end"), [(10, 10), (10, 9), (1.0, 2), (1, 2.5), (False, True), (None, 1), ("1", 2)])
def test_a_period_that_is_empty_backward_or_not_whole_is_refused(start: int, end: int) -> None:
    with pytest.raises(InvalidPeriod):
        Period(start, end)


# A cycle


@pytest.mark.parametrize("day", [0, 32, -1, 1.0, True, "1", None])
def test_a_cycle_begins_on_a_day_that_some_month_has(day: int) -> None:
    with pytest.raises(InvalidPeriod):
        Cycle(day)


def test_the_calendar_month_is_the_cycle_of_the_first() -> None:
    assert Cycle() == CALENDAR_MONTH == Cycle(1)


def test_an_anniversary_is_the_day_on_which_the_account_saw_itself_opened() -> None:
    opened = utc("2026-01-31T23:30")

    assert anniversary_of(opened, "UTC") == Cycle(31)
    assert anniversary_of(opened, "Europe/Berlin") == Cycle(1)
    assert anniversary_of(opened, "America/Los_Angeles") == Cycle(31)


# Tiling


@thorough
@given(CYCLES, ANY_ZONE, INSTANTS)
@example(CALENDAR_MONTH, "America/St_Johns", utc("2009-11-01T02:45"))
def test_every_instant_lies_in_its_period(cycle: Cycle, zone: str, instant: int) -> None:
    assert period_at(cycle, zone, instant).contains(instant)


@thorough
@given(CYCLES, ANY_ZONE, INSTANTS)
def test_periods_meet_without_gap_or_overlap(cycle: Cycle, zone: str, instant: int) -> None:
    period = period_at(cycle, zone, instant)

    assert period_at(cycle, zone, period.start) == period
    assert period_at(cycle, zone, period.end - 1) == period
    assert period_at(cycle, zone, period.end).start == period.end
    assert period_at(cycle, zone, period.start - 1).end == period.start


@thorough
@given(CYCLES, ANY_ZONE, INSTANTS, INSTANTS)
def test_two_instants_share_a_period_or_lie_in_periods_apart(cycle: Cycle, zone: str, one: int, two: int) -> None:
    first, second = sorted((period_at(cycle, zone, one), period_at(cycle, zone, two)))

    assert first == second or first.end <= second.start


@thorough
@given(CYCLES, ANY_ZONE, INSTANTS)
def test_a_period_begins_at_the_first_instant_of_its_local_day(cycle: Cycle, zone: str, instant: int) -> None:
    start = period_at(cycle, zone, instant).start
    shown = wall(start, zone)
    midnight = shown.replace(hour=0, minute=0, second=0, microsecond=0)

    assert all(wall(earlier, zone) < midnight for earlier in [start - 1, *range(start - DAY, start, 15 * MINUTE)])
    assert shown == midnight or wall(start - 1, zone) < shown - MICROSECOND, "midnight, unless it was skipped"


@given(CYCLES, ANY_ZONE, INSTANTS)
def test_there_is_one_period_a_month(cycle: Cycle, zone: str, instant: int) -> None:
    first = period_at(cycle, zone, instant)
    *_, thirteenth = islice(walk(cycle, zone, instant), 13)
    begun, again = wall(first.start, zone), wall(thirteenth.start, zone)

    assert (again.year, again.month) == (begun.year + 1, begun.month)
    assert abs(again.day - begun.day) <= 1  # leap days, and days that a zone skipped


# Months' ends


def test_a_31st_is_the_last_day_of_shorter_months_and_never_drifts() -> None:
    assert start_days(Cycle(31), "Europe/Berlin", "2026-01-31T12:00", 5) == [
        "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "year", "february"),
    [
        (28, 2028, 28),
        (29, 2028, 29),
        (30, 2028, 29),
        (31, 2028, 29),
        (29, 2027, 28),
        (30, 2100, 28),
        (31, 2000, 29),
    ],
)
def test_february_begins_its_period_on_the_day_it_has(day: int, year: int, february: int) -> None:
    assert start_days(Cycle(day), "UTC", f"{year}-01-31T12:00", 3) == [
        f"{year}-01-{day}",
        f"{year}-02-{february}",
        f"{year}-03-{day}",
    ]


def test_a_leap_day_belongs_to_one_period() -> None:
    leap_day = utc("2028-02-29T12:00")

    assert period_at(CALENDAR_MONTH, "UTC", leap_day) == span("2028-02-01", "2028-03-01")
    assert period_at(Cycle(29), "UTC", leap_day) == span("2028-02-29", "2028-03-29")


def test_the_year_turns_within_an_anniversary() -> None:
    assert period_at(Cycle(15), "UTC", utc("2027-01-01")) == span("2026-12-15", "2027-01-15")


def test_periods_that_start_in_one_month_are_not_one_period() -> None:
    january = period_at(CALENDAR_MONTH, "UTC", utc("2026-01-15"))
    last_of_january = period_at(Cycle(31), "UTC", utc("2026-02-15"))

    assert local_day(january.start, "UTC")[:7] == local_day(last_of_january.start, "UTC")[:7] == "2026-01"
    assert january.start != last_of_january.start
    assert january != last_of_january


def test_a_change_of_cycle_starts_two_periods_in_one_month() -> None:
    january = period_at(CALENDAR_MONTH, "UTC", utc("2026-01-15"))
    first = period_after(january, Cycle(31), "UTC", january.end)
    second = period_after(first, Cycle(31), "UTC", first.end)

    assert (first, second) == (span("2026-02-01", "2026-02-28"), span("2026-02-28", "2026-03-31"))


# Clocks that change


@pytest.mark.parametrize(
    ("zone", "inside", "period"),
    [
        ("Europe/Berlin", "2026-03-15", span("2026-02-28T23:00", "2026-03-31T22:00")),
        ("Europe/Berlin", "2026-10-15", span("2026-09-30T22:00", "2026-10-31T23:00")),
        ("Australia/Lord_Howe", "2026-04-15", span("2026-03-31T13:00", "2026-04-30T13:30")),
    ],
)
def test_a_month_in_which_clocks_change_is_an_hour_or_half_an_hour_off(zone: str, inside: str, period: Period) -> None:
    assert period_at(CALENDAR_MONTH, zone, utc(inside)) == period


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00"),  # 00:00 became 01:00
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00"),  # 00:00 became 01:00
        ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00"),  # 00:00 became 01:00
        ("America/Toronto", "1919-03-31", "1919-03-31T04:30"),  # 23:30 the day before became 00:30
        ("America/Scoresbysund", "2024-03-31", "2024-03-31T01:00"),  # changed offset and summer time at once
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00"),  # the day before never was
    ],
)
def test_a_day_without_midnight_begins_when_clocks_jump(zone: str, day: str, start: str) -> None:
    cycle = Cycle(int(day[-2:]))

    assert period_at(cycle, zone, utc(start)).start == utc(start)
    assert period_at(cycle, zone, utc(start) - 1).end == utc(start)
    assert local_day(utc(start), zone) == day


def test_a_period_due_on_a_day_that_never_was_begins_when_the_day_was_skipped() -> None:
    jump = utc("2011-12-30T10:00")

    assert period_at(Cycle(30), "Pacific/Apia", jump).start == jump
    assert local_day(jump, "Pacific/Apia") == "2011-12-31"


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("America/Havana", "2026-11-01", "2026-11-01T04:00"),  # 01:00 became 00:00 of the same day
        ("America/St_Johns", "2009-11-01", "2009-11-01T02:30"),  # 00:01 became 23:01 of the day before
        ("Atlantic/Azores", "2026-10-25", "2026-10-25T00:00"),  # 01:00 became 00:00 of the same day
        ("America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00"),  # 00:00 became 23:00: one midnight only
    ],
)
def test_a_day_whose_midnight_comes_twice_begins_with_the_first(zone: str, day: str, start: str) -> None:
    cycle = Cycle(int(day[-2:]))

    assert period_at(cycle, zone, utc(start)).start == utc(start)
    assert period_at(cycle, zone, utc(start) - 1).end == utc(start)
    assert local_day(utc(start), zone) == day


def test_an_hour_repeated_after_midnight_stays_in_the_period_that_has_begun() -> None:
    repeated = utc("2009-11-01T03:00")  # shown as 23:30 on 31 October, for the second time
    november = period_at(CALENDAR_MONTH, "America/St_Johns", utc("2009-11-15"))

    assert local_day(repeated, "America/St_Johns") == "2009-10-31"
    assert period_at(CALENDAR_MONTH, "America/St_Johns", repeated) == november


# Periods that follow


def test_a_period_that_has_not_ended_goes_on_whatever_the_clock_says() -> None:
    current = span("2026-03-01", "2026-04-01")

    for instant in (current.start - 40 * DAY, current.start, current.end - 1):
        assert period_after(current, Cycle(15), "Asia/Tokyo", instant) == current


@given(CYCLES, ANY_ZONE, INSTANTS, st.integers(0, 1000 * DAY))
def test_without_a_change_the_periods_that_follow_are_the_ordinary_ones(
    cycle: Cycle, zone: str, instant: int, later: int
) -> None:
    previous = period_at(cycle, zone, instant)

    assert period_after(previous, cycle, zone, instant + later) == period_at(cycle, zone, instant + later)


@pytest.mark.parametrize(
    ("previous", "cycle", "zone", "following"),
    [
        # Tokyo moved to Los Angeles: the month there begins 17 hours later, and is not a period of its own.
        (span("2026-01-31T15:00", "2026-02-28T15:00"), CALENDAR_MONTH, "America/Los_Angeles",
         span("2026-02-28T15:00", "2026-04-01T07:00")),
        # Los Angeles moved to Tokyo: the month there began 17 hours ago.
        (span("2026-02-01T08:00", "2026-03-01T08:00"), CALENDAR_MONTH, "Asia/Tokyo",
         span("2026-03-01T08:00", "2026-03-31T15:00")),
        (span("2026-01-01", "2026-02-01"), Cycle(3), "UTC", span("2026-02-01", "2026-03-03")),  # two days
        (span("2026-01-01", "2026-02-01"), Cycle(4), "UTC", span("2026-02-01", "2026-02-04")),
        (span("2026-01-01", "2026-02-01"), Cycle(15), "UTC", span("2026-02-01", "2026-02-15")),
        (span("2026-01-31", "2026-02-28"), CALENDAR_MONTH, "UTC", span("2026-02-28", "2026-04-01")),
    ],
)  # fmt: skip
def test_a_change_of_cycle_or_zone_continues_where_the_last_period_ended_and_makes_no_sliver(
    previous: Period, cycle: Cycle, zone: str, following: Period
) -> None:
    assert period_after(previous, cycle, zone, previous.end) == following
    assert period_after(previous, cycle, zone, following.end - 1) == following
    assert period_after(previous, cycle, zone, following.end).start == following.end


@thorough
@given(CYCLES, ANY_ZONE, INSTANTS, CHANGES)
def test_periods_tile_time_through_any_changes_of_cycle_and_zone(
    cycle: Cycle, zone: str, instant: int, changes: list[tuple[Cycle, str, int]]
) -> None:
    previous = period_at(cycle, zone, instant)
    for next_cycle, next_zone, later in changes:
        instant += later
        found = period_after(previous, next_cycle, next_zone, instant)
        walked = [previous]
        while not walked[-1].contains(instant):
            walked.append(period_after(walked[-1], next_cycle, next_zone, walked[-1].end))

        assert found == walked[-1], "jumping over periods finds the one that walking finds"
        assert all(earlier.end == later.start for earlier, later in pairwise(walked))
        assert all(SLIVER < period.end - period.start < 35 * DAY for period in walked[1:])
        previous = found


@given(CYCLES, ANY_ZONE, INSTANTS, st.lists(st.integers(-400 * DAY, 400 * DAY), max_size=20))
def test_a_clock_that_jumps_never_takes_an_account_back_to_an_earlier_period(
    cycle: Cycle, zone: str, instant: int, jumps: list[int]
) -> None:
    current = period_at(cycle, zone, instant)
    for jump in jumps:
        following = period_after(current, cycle, zone, instant + jump)

        assert following == current or following.start >= current.end
        current = following
