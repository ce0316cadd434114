"""Whether the clock may be believed: a clock that is ahead moves accounts into months that have not begun, for good.

about to record ─┬─ it goes on as steadily as the machine ── believed
                 └─ first, after a while, or it jumped
                      ├─ the database has a clock of its own ── near, or ClockAhead
                      ├─ it has none, first ── the newest fact is of the last year, or ClockAhead
                      └─ it has none (SQLite), it jumped ── ClockAhead
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from domain.advice import Advice
from domain.errors import ClockAhead
from domain.periods import local_day

Believe = Callable[[int], None]
"""Raises ClockAhead for an instant at which nothing may be recorded."""

SECOND = 1_000_000
DAY = 24 * 60 * 60 * SECOND

LONGEST_REST = 366 * DAY
"""A ledger may rest for months; after so long its operator says which day it is."""

AGAIN = 10 * 60 * SECOND
"""So long after it was asked, the database's clock is asked again."""


class Witness(Protocol):
    """Another that knows the time."""

    def clock(self) -> int | None:
        """The database's own clock; None if it has none but this machine's."""

    def newest(self) -> int | None:
        """The instant of the fact that was recorded last; None before the first."""


@dataclass(slots=True)
class Timekeeper:
    """Holds this machine's clock against what else knows the time; instants and spans in microseconds.

    `steady` goes on as time does and is never set; without one the clock is somebody's own, which may leap, but not by
    years. `tolerance` is how far the clock may be ahead. `today` is the day that the operator says it is.
    """

    witness: Witness
    tolerance: int
    steady: Callable[[], int] | None = None
    today: str | None = None
    _offset: int | None = field(default=None, init=False)
    _asked: int = field(default=0, init=False)

    def believe(self, now: int) -> None:
        """Raise ClockAhead, a StoreUnavailable, if the clock that says `now` may not be believed."""
        passed = self.steady() if self.steady is not None else now
        offset = now - passed
        if self._offset is not None and offset - self._offset <= self.tolerance and passed - self._asked < AGAIN:
            return
        theirs = self.witness.clock()
        if theirs is not None:
            self._compare(now, theirs)
        elif self._offset is not None and self.steady is not None:
            self._refuse_jump(now, now - (offset - self._offset), offset - self._offset)
        else:
            self._compare_with_newest(now)
        self._offset, self._asked = offset, passed

    def _compare(self, now: int, theirs: int) -> None:
        if now - theirs > (LONGEST_REST if self.steady is None else self.tolerance):
            raise ClockAhead(
                f"this machine's clock says {in_utc(now)}, the database's {in_utc(theirs)}; nothing was recorded",
                hint=Advice("clock.compare"),
            )

    def _refuse_jump(self, now: int, expected: int, jump: int) -> None:
        if jump > self.tolerance:
            raise ClockAhead(
                f"this machine's clock jumped to {in_utc(now)} and should say {in_utc(expected)}; nothing was recorded",
                hint=Advice("clock.restart"),
            )

    def _compare_with_newest(self, now: int) -> None:
        newest = self.witness.newest()
        if newest is None or now - newest <= LONGEST_REST or self.today == local_day(now, "UTC"):
            return
        raise ClockAhead(
            f"this machine's clock says {in_utc(now)}, the newest fact is of {in_utc(newest)}; nothing was recorded",
            hint=Advice("clock.day", day=local_day(now, "UTC")),
        )


def believe_all(_now: int) -> None:
    """For those who know their clock."""


def in_utc(instant: int) -> str:
    """An instant as people read it, to the second, in UTC."""
    second = instant // SECOND % 86_400
    return f"{local_day(instant, 'UTC')}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z"
