"""Billing periods: half-open spans that tile time, each begun at a local midnight of the account's zone.

    cycle day 31, Europe/Berlin:   [31 Jan ─────── [28 Feb ─────── [31 Mar ─────── [30 Apr ───────

A period begins with the *first instant of a local day*. The instant is midnight, unless clocks say otherwise:

* midnight, or the whole day, is skipped (Sao Paulo 2018-11-04, Apia 2011-12-30): the instant of the jump;
* midnight comes twice (St. John's until 2011 went back at 00:01): the first of the two. The hour that is then
  repeated belongs to the new period although its wall clock shows the day before.

Instants are int epoch microseconds UTC, and all arithmetic is on integers. A period is known by its start: a
month's name is not enough, since 1 and 31 January are both in "January".
"""

from __future__ import annotations

import re
from bisect import bisect_left
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from domain.errors import InvalidPeriod
from domain.inputs import shortened
from domain.zones import zone_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
QUARTER: Final = timedelta(minutes=15) // _MICROSECOND
"""Microseconds of a quarter of an hour, the longest span that no zone's midnight cuts since 1972."""

# A first period after a change of cycle or zone is longer than this.
SLIVER: Final = timedelta(days=2) // _MICROSECOND

# Instants from EARLIEST on and before LATEST are served: nanoseconds given by mistake are not.
EARLIEST: Final = (datetime(1900, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
LATEST: Final = (datetime(9900, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND

# These exist on some machines only, count leap seconds, or mean something else elsewhere.
_UNPORTABLE: Final = ("right/", "posix/", "posixrules", "localtime", "Factory")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """The span [start, end); periods order by their start. Raises `InvalidPeriod` unless end > start."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if type(self.start) is not int or type(self.end) is not int or self.end <= self.start:
            raise InvalidPeriod(
                f"[{self.start!r}, {self.end!r}) is not a period",
                hint="give whole microseconds, the end after the start",
            )

    def contains(self, instant: int) -> bool:
        """Whether `instant` lies in the period: its start does, its end does not."""
        return self.start <= instant < self.end


@dataclass(frozen=True, slots=True)
class Cycle:
    """A period a month, begun on local day `day`, or on the month's last day if it is shorter.

    Day 1 is the calendar month. The clamp starts from `day` every month, so a 31st never drifts to the 28th.
    Raises `InvalidPeriod` unless 1 <= `day` <= 31.
    """

    day: int = 1

    def __post_init__(self) -> None:
        if type(self.day) is not int or not 1 <= self.day <= 31:
            raise InvalidPeriod(f"no month begins on day {self.day!r}", hint="give a day from 1 to 31")


CALENDAR_MONTH: Final = Cycle(1)


def anniversary_of(instant: int, zone: str) -> Cycle:
    """Return the cycle that renews on the local day of `instant`, such as an account's opening."""
    return Cycle(wall_clock(instant, zone).day)


def check_zone(name: str) -> str:
    """Return `name` if it is an IANA time zone such as "Europe/Berlin"; otherwise raise `InvalidPeriod`."""
    if not isinstance(name, str):
        raise _unknown_zone(name)
    _zone(name)
    return name


def local_day(instant: int, zone: str) -> str:
    """Return the local date of `instant` as "YYYY-MM-DD".

    Every fact about money asks this. Nearly every quarter of an hour lies within one local day, so the answer
    is kept by quarter; the rest is worked out afresh.
    """
    return _day_of_quarter(instant // QUARTER, zone) or wall_clock(instant, zone).date().isoformat()


def unless_same_quarter(earlier: int, instant: int) -> int | None:
    """An earlier instant, None if it is not known (0) or lies in the same quarter of an hour."""
    return None if earlier == 0 or earlier // QUARTER == instant // QUARTER else earlier


def period_at(cycle: Cycle, zone: str, instant: int) -> Period:
    """Return the period of `cycle` in `zone` that contains `instant`; constant time."""
    wall = wall_clock(instant, zone)
    month = wall.year * 12 + wall.month - 1
    # The wall clock names the month to within one. Boundaries decide, as only they never run backwards.
    while instant < _boundary(cycle.day, zone, month):
        month -= 1
    while instant >= _boundary(cycle.day, zone, month + 1):
        month += 1
    return Period(_boundary(cycle.day, zone, month), _boundary(cycle.day, zone, month + 1))


def period_after(previous: Period, cycle: Cycle, zone: str, instant: int) -> Period:
    """Return the period that contains `instant`, or `previous` if that has not ended by then; constant time.

    Periods go on from `previous.end` without gap or overlap whatever has become of cycle and zone: the next
    begins there, and ends at the first boundary of `cycle` in `zone` more than two days later, lest a change
    make a sliver of a period. After it come the ordinary ones. Jumping over several gives the same period as
    walking through them.
    """
    if instant < previous.end:
        return previous
    following = Period(previous.end, period_at(cycle, zone, previous.end + SLIVER).end)
    return following if instant < following.end else period_at(cycle, zone, instant)


def month_named(name: str, zone: str) -> Period:
    """Return the calendar month of a name such as "2026-04" in `zone`. Raises `InvalidPeriod`."""
    written = re.fullmatch(r"([0-9]{4})-([0-9]{2})", name)
    year, month = map(int, written.groups()) if written else (0, 0)
    if not (1900 < year < 9899 and 1 <= month <= 12):
        raise InvalidPeriod(f"{shortened(name)} is not a month", hint="write it as 2026-04")
    noon = datetime(year, month, 15, 12, tzinfo=UTC)
    return period_at(CALENDAR_MONTH, zone, (noon - _EPOCH) // _MICROSECOND)


def day_at(zone: str, instant: int) -> Period:
    """Return the local day that contains `instant`, from its first instant to the next day's."""
    day = wall_clock(instant, zone).date().toordinal()
    # The wall clock names the day to within one, as it names the month of a period.
    while instant < _begin_of_day(day, zone):
        day -= 1
    while instant >= _begin_of_day(day + 1, zone):
        day += 1
    return Period(_begin_of_day(day, zone), _begin_of_day(day + 1, zone))


def _begin_of_day(ordinal: int, zone: str) -> int:
    day = date.fromordinal(ordinal)
    return _first_instant(day.year, day.month, day.day, zone)


@lru_cache(maxsize=4096)
def _boundary(day: int, zone: str, month: int) -> int:
    """The instant at which month number `month` (year * 12 + month - 1) begins a period."""
    year, month_of_year = month // 12, month % 12 + 1
    return _first_instant(year, month_of_year, min(day, monthrange(year, month_of_year)[1]), zone)


def _first_instant(year: int, month: int, day: int, zone: str) -> int:
    """The first instant whose wall clock in `zone` shows this day, or a later one if it was skipped."""
    midnight = datetime(year, month, day, tzinfo=_zone(zone))
    before = (midnight - _EPOCH) // _MICROSECOND  # by the offset before any change of clocks at midnight
    after = (midnight.replace(fold=1) - _EPOCH) // _MICROSECOND  # by the offset after it
    if before <= after:
        return before
    # Midnight was skipped. The jump lies between the two, not always at 00:00 (Toronto 1919 left at 23:30).
    shown = midnight.replace(tzinfo=None)
    return after + bisect_left(range(after, before), shown, key=lambda instant: _clock(instant, zone))


def wall_clock(instant: int, zone: str) -> datetime:
    """Return the time that a clock on the wall shows at `instant`, without a zone. Raises `InvalidPeriod`."""
    if not EARLIEST <= instant < LATEST:
        raise InvalidPeriod(f"instant {instant} is out of range", hint="give microseconds since 1970, UTC")
    return _clock(instant, zone)


def _clock(instant: int, zone: str) -> datetime:
    """The time that a clock on the wall shows at `instant`, as a datetime without zone."""
    utc = _EPOCH + timedelta(microseconds=instant)
    return utc.astimezone(_zone(zone)).replace(tzinfo=None)


@lru_cache(maxsize=4096)
def _day_of_quarter(quarter: int, zone: str) -> str | None:
    """The one local date of a quarter of an hour; None if midnight or a change of clocks falls inside it."""
    first_instant = quarter * QUARTER
    last_instant = first_instant + QUARTER - 1
    first, last = wall_clock(first_instant, zone), wall_clock(last_instant, zone)
    steady = last - first == timedelta(microseconds=last_instant - first_instant)
    return first.date().isoformat() if steady and first.date() == last.date() else None


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    if name.startswith(_UNPORTABLE):
        raise _unknown_zone(name)
    try:
        return zone_of(name)
    except (KeyError, ValueError, OSError) as error:
        raise _unknown_zone(name) from error


def _unknown_zone(name: object) -> InvalidPeriod:
    shown = repr(name)[:60]
    return InvalidPeriod(f"unknown time zone {shown}", hint="use an IANA name such as Europe/Berlin or UTC")
