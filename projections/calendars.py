"""Hours, days, weeks and months of a time zone as spans of instants: what sums over time are cut by.

    [since, until) in a zone ── cut at each beginning of an hour, a day … ──> spans that tile it

A day has 23 or 25 hours where clocks change. An hour that clocks show twice is two spans, and one that they cut is
shorter. Every edge is on a quarter of an hour, as every offset of a zone is since 1972.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from domain.errors import InvalidInput
from domain.periods import CALENDAR_MONTH, QUARTER, check_zone, day_at, period_at, wall_clock

Span = tuple[int, int]
"""From the first instant to the next span's, in epoch microseconds."""

HOUR: Final = 4 * QUARTER
DAY: Final = 24 * HOUR
MOST: Final = 10_000
"""Spans of one question: more than the hours of a year."""
MONDAY: Final = 0


def spans(grain: str, zone: str, since: int, until: int) -> list[Span]:
    """The spans of a grain that tile [since, until), the first and the last one cut to it.

    Raises InvalidPeriod for a zone that there is not, InvalidInput for more spans than one question may have.
    """
    check_zone(zone)
    found: list[Span] = []
    for end in _ends(grain, zone, since):
        start = found[-1][1] if found else since
        found.append((start, min(end, until)))
        if end >= until:
            return found
        if len(found) == MOST:
            told = f"there are more than {MOST:,} {grain}s in the span"
            raise InvalidInput("to", told, hint="ask for a shorter span, or for days or months")
    return found


def _ends(grain: str, zone: str, at: int) -> Iterator[int]:
    """The end of the span with this instant, and of each after it."""
    following = GRAINS[grain]
    while True:
        at = following(zone, at)
        yield at


def _next_hour(zone: str, at: int) -> int:
    """The next quarter at which a clock shows a whole hour, or another offset."""
    offset = _offset(zone, at)
    at = at - at % QUARTER + QUARTER
    while (at + offset) % HOUR and _offset(zone, at) == offset:
        at += QUARTER
    return at


def _offset(zone: str, at: int) -> int:
    """The whole quarters by which the zone's clocks are ahead of UTC, in microseconds."""
    clock = wall_clock(at, zone)
    whole = (clock.toordinal() - EPOCH_DAY) * DAY + (clock.hour * 60 + clock.minute) * 60_000_000
    return (whole - at + QUARTER // 2) // QUARTER * QUARTER


def _next_day(zone: str, at: int) -> int:
    return day_at(zone, at).end


def _next_week(zone: str, at: int) -> int:
    """Weeks begin on Monday."""
    at = day_at(zone, at).end
    while wall_clock(at, zone).weekday() != MONDAY:
        at = day_at(zone, at).end
    return at


def _next_month(zone: str, at: int) -> int:
    return period_at(CALENDAR_MONTH, zone, at).end


EPOCH_DAY: Final = 719_163
"""The number of 1970-01-01 among days."""

GRAINS: Final[dict[str, Callable[[str, int], int]]] = {
    "hour": _next_hour,
    "day": _next_day,
    "week": _next_week,
    "month": _next_month,
}
"""The end of the span of each grain that contains an instant, in a zone."""
