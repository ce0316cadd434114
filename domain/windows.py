"""Windows: the spans over which limits count, narrow to wide: an hour, a day, the billing period, and the whole life.

    period, Europe/Berlin   [1 Mar ──────────────────────────────────────────────────── [1 Apr
    days                    [1 Mar ─ [2 Mar ─ …  [29 Mar, 23 hours ─ [30 Mar ─ [31 Mar ─ [1 Apr
    hours of 29 March       [0:00 ─ [1:00 ─ [3:00 ─ [4:00 ─ …

Days are those of the account's zone, and hours those of its clock. If clocks go back an hour, the hour that is shown
twice is two windows. If they change by less than an hour, or not on the hour, a shorter one begins or ends there.

A day or an hour never reaches over the end of a billing period, and begins where the one before of its kind ended. So
they tile a period whatever becomes of the account's zone; what a change of zone leaves of a day joins the next one.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import timedelta
from enum import StrEnum
from typing import Final

from domain.errors import InvalidInput
from domain.periods import Period, day_at, wall_clock

_MICROSECOND: Final = timedelta(microseconds=1)
_HOUR: Final = timedelta(hours=1) // _MICROSECOND


class Window(StrEnum):
    """A span over which a limit counts, from the narrowest."""

    HOUR = "hour"
    DAY = "day"
    PERIOD = "period"
    LIFE = "life"


NARROW: Final = (Window.HOUR, Window.DAY)
"""Those that begin anew within a billing period."""

_LEAST: Final = {Window.HOUR: 1, Window.DAY: 12 * _HOUR}
"""The shortest that one may be that begins where the one before ended, and not by the clock."""


def check_window(word: str) -> Window:
    """The window of this name. Raises InvalidInput."""
    try:
        return Window(word)
    except ValueError:
        raise InvalidInput("window", f"{word!r} is not one of {', '.join(Window)}") from None


def span_at(window: Window, zone: str, instant: int) -> Period:
    """The hour or the day of a zone's clock that contains an instant."""
    return day_at(zone, instant) if window is Window.DAY else _hour_at(zone, instant)


def next_span(window: Window, zone: str, period: Period, begun: int, instant: int) -> Period:
    """The hour or the day of a billing period that contains an instant, all of it within the period.

    `begun` is the end of the last one that was begun in it, or the period's start if there was none. Jumping over
    several gives the same as walking through them.
    """
    following = Period(begun, min(span_at(window, zone, begun + _LEAST[window] - 1).end, period.end))
    if instant < following.end:
        return following
    span = span_at(window, zone, instant)
    return Period(span.start, min(span.end, period.end))


def _hour_at(zone: str, instant: int) -> Period:
    """From the full hour to the next, or from or to a change of clocks between them."""
    offset = _offset(zone, instant)
    begin = instant - (instant + offset) % _HOUR
    if _offset(zone, begin) == offset == _offset(zone, begin + _HOUR - 1):
        return Period(begin, begin + _HOUR)
    return Period(
        begin + bisect_left(range(begin, instant), 1, key=lambda at: _offset(zone, at) == offset),
        instant + bisect_left(range(instant, begin + _HOUR), 1, key=lambda at: _offset(zone, at) != offset),
    )


def _offset(zone: str, instant: int) -> int:
    """By how much the clock on the wall is ahead of UTC."""
    return (wall_clock(instant, zone) - wall_clock(instant, "UTC")) // _MICROSECOND
