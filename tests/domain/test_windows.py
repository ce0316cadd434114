"""Hours and days tile a billing period, whatever clocks do and wherever the account moves."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.errors import InvalidInput
from domain.periods import CALENDAR_MONTH, Period, local_day, period_at
from domain.windows import NARROW, Window, check_window, next_span, span_at
from tests.domain.wall_clocks import ANY_ZONE, DAY, INSTANTS, MINUTE, utc, wall

HOUR = 60 * MINUTE
NARROW_ONES = st.sampled_from(NARROW)
thorough = settings(max_examples=400)


def span(start: str, end: str) -> Period:
    return Period(utc(start), utc(end))


def walked(window: Window, zone: str, first: int, last: int) -> list[Period]:
    """Every window from one instant to another."""
    spans = [span_at(window, zone, first)]
    while spans[-1].end <= last:
        spans.append(span_at(window, zone, spans[-1].end))
    return spans


# Tiling


@thorough
@given(NARROW_ONES, ANY_ZONE, INSTANTS)
@example(Window.HOUR, "America/St_Johns", utc("2009-11-01T02:30"))
@example(Window.DAY, "Pacific/Apia", utc("2011-12-30T09:59"))
def test_every_instant_lies_in_its_window_which_meets_the_next(window: Window, zone: str, instant: int) -> None:
    found = span_at(window, zone, instant)

    assert found.contains(instant)
    assert span_at(window, zone, found.start) == span_at(window, zone, found.end - 1) == found
    assert span_at(window, zone, found.end).start == found.end
    assert span_at(window, zone, found.start - 1).end == found.start


@thorough
@given(ANY_ZONE, INSTANTS)
def test_a_day_is_told_into_hours_and_a_period_into_days(zone: str, instant: int) -> None:
    day = span_at(Window.DAY, zone, instant)
    hours = walked(Window.HOUR, zone, day.start, day.end - 1)
    period = period_at(CALENDAR_MONTH, zone, instant)
    days = walked(Window.DAY, zone, period.start, period.end - 1)

    assert (hours[0].start, hours[-1].end) == (day.start, day.end)
    assert (days[0].start, days[-1].end) == (period.start, period.end)
    assert day in days


@thorough
@given(ANY_ZONE, INSTANTS)
def test_a_day_shows_one_date_and_an_hour_one_hour_if_no_clock_is_changed(zone: str, instant: int) -> None:
    for window, length in ((Window.DAY, DAY), (Window.HOUR, HOUR)):
        found = span_at(window, zone, instant)
        first, last = wall(found.start, zone), wall(found.end - 1, zone)
        if last - first == timedelta(microseconds=found.end - 1 - found.start) and found.end - found.start == length:
            assert (first.minute, first.second, last.minute, last.second) == (0, 0, 59, 59)
            assert first.date() == last.date()
            assert (first.hour, last.hour) == ((0, 23) if window is Window.DAY else (first.hour, first.hour))


CHANGES = [
    (Window.DAY, "Europe/Berlin", "2026-03-29T12:00", span("2026-03-28T23:00", "2026-03-29T22:00")),
    (Window.DAY, "Europe/Berlin", "2026-10-25T12:00", span("2026-10-24T22:00", "2026-10-25T23:00")),
    (Window.DAY, "Pacific/Apia", "2011-12-30T09:00", span("2011-12-29T10:00", "2011-12-30T10:00")),
    (Window.HOUR, "Europe/Berlin", "2026-03-29T00:30", span("2026-03-29T00:00", "2026-03-29T01:00")),
    (Window.HOUR, "Europe/Berlin", "2026-10-25T00:30", span("2026-10-25T00:00", "2026-10-25T01:00")),
    (Window.HOUR, "Europe/Berlin", "2026-10-25T01:30", span("2026-10-25T01:00", "2026-10-25T02:00")),
    (Window.HOUR, "Australia/Lord_Howe", "2026-04-04T14:45", span("2026-04-04T14:00", "2026-04-04T15:00")),
    (Window.HOUR, "Australia/Lord_Howe", "2026-04-04T15:15", span("2026-04-04T15:00", "2026-04-04T15:30")),
    (Window.HOUR, "America/St_Johns", "2009-11-01T02:30:30", span("2009-11-01T02:30", "2009-11-01T02:31")),
    (Window.HOUR, "Asia/Kolkata", "2026-04-04T12:00", span("2026-04-04T11:30", "2026-04-04T12:30")),
]


@pytest.mark.parametrize(("window", "zone", "instant", "expected"), CHANGES)
def test_a_change_of_clocks_makes_a_day_or_an_hour_longer_or_shorter(
    window: Window, zone: str, instant: str, expected: Period
) -> None:
    assert span_at(window, zone, utc(instant)) == expected


def test_a_day_of_23_or_25_hours_has_as_many_windows() -> None:
    def hours(day: str) -> int:
        found = span_at(Window.DAY, "Europe/Berlin", utc(day))
        return len(walked(Window.HOUR, "Europe/Berlin", found.start, found.end - 1))

    assert [hours("2026-03-29T12:00"), hours("2026-03-30T12:00"), hours("2026-10-25T12:00")] == [23, 24, 25]


# Within a period


@thorough
@given(NARROW_ONES, ANY_ZONE, INSTANTS)
def test_windows_of_a_period_are_those_of_the_clock_as_long_as_the_zone_stays(
    window: Window, zone: str, instant: int
) -> None:
    period = period_at(CALENDAR_MONTH, zone, instant)

    assert next_span(window, zone, period, period.start, instant) == span_at(window, zone, instant)


@thorough
@given(NARROW_ONES, ANY_ZONE, st.lists(st.tuples(ANY_ZONE, st.integers(0, 3 * DAY)), min_size=2, max_size=9), INSTANTS)
def test_they_tile_it_wherever_the_account_moves(
    window: Window, opened: str, moves: list[tuple[str, int]], instant: int
) -> None:
    """Each begins where the one before ended, or later if nothing was asked for meanwhile; none leaves the period."""
    period = period_at(CALENDAR_MONTH, opened, instant)
    begun, now = period.start, period.start
    spans = []
    for zone, later in moves:
        now = min(now + later, period.end - 1)
        if now >= begun:
            spans.append(next_span(window, zone, period, begun, now))
            begun = spans[-1].end
            assert spans[-1].contains(now)

    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert period.start <= spans[0].start
    assert spans[-1].end <= period.end


@thorough
@given(NARROW_ONES, ANY_ZONE, ANY_ZONE, INSTANTS, st.integers(0, 20 * DAY))
def test_jumping_over_several_gives_the_same_as_walking(
    window: Window, opened: str, zone: str, instant: int, later: int
) -> None:
    period = period_at(CALENDAR_MONTH, opened, instant)
    target = min(period.start + later, period.end - 1)
    begun, found = period.start, next_span(window, zone, period, period.start, period.start)
    while not found.contains(target):
        begun = found.end
        found = next_span(window, zone, period, begun, begun)

    assert next_span(window, zone, period, period.start, target) == found


def test_what_a_change_of_zone_leaves_of_a_day_joins_the_next() -> None:
    april = period_at(CALENDAR_MONTH, "Europe/Berlin", utc("2026-04-10"))
    berlin = next_span(Window.DAY, "Europe/Berlin", april, april.start, utc("2026-04-10T21:59"))
    moved = next_span(Window.DAY, "America/New_York", april, berlin.end, utc("2026-04-10T22:00"))

    assert moved == span("2026-04-10T22:00", "2026-04-12T04:00")
    assert local_day(moved.end, "America/New_York") == "2026-04-12"


def test_a_window_has_a_name() -> None:
    assert [check_window(str(window)) for window in Window] == list(Window)
    with pytest.raises(InvalidInput, match="'week' is not one of hour, day, period, life"):
        check_window("week")
