"""Sums of an account whose quarters are over, remembered: each is added up once a process, and only the rest anew.

    since ──────── quarters that are over ──────── the last quarter ── until
            remembered: no fact of theirs can come      summed up now, with the position

An account's instants never go back, so that nothing new falls into a quarter before its last one. Whatever changes
those rows otherwise is another generation: a view that was built anew, users that were erased, streams that left.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, select, text

from domain.periods import QUARTER
from projections.calendars import spans
from projections.engine.database import ViewDatabase
from projections.engine.tables import CHECKPOINTS, live
from projections.summing import Summed, SumQuestion, UsageSums, merged_sums, sum_up
from projections.views.quarters import QUARTERS

KEPT: Final = 100
"""Questions."""
MOST_GROUPS: Final = 5_000
"""Of more groups a question is asked anew each time."""
MANY: Final = 8
"""Quarters that are worth it."""
BUILT: Final = {
    True: text("SELECT schema_version, (SELECT count(*) FROM departed) FROM pragma_schema_version"),
    False: text("SELECT CAST(to_regclass('usage_quarters') AS oid), (SELECT count(*) FROM departed)"),
}
"""By whether it is SQLite: what is another one once the table is another one, and the streams that left."""


@dataclass(frozen=True, slots=True)
class ClosedSums:
    """The groups and totals of all that ended before a quarter, of one generation of the view."""

    generation: Hashable
    until: int
    rows: tuple[Summed, ...]
    totals: tuple[Summed, ...]


@dataclass(slots=True, eq=False)
class RememberedSums:
    """Answers as `sum_up` does; for all threads."""

    database: ViewDatabase
    _kept: OrderedDict[Hashable, ClosedSums] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def sum_up(self, asked: SumQuestion, after: str | None = None, limit: int | None = None) -> UsageSums:
        """Raises as `summing.sum_up`."""
        asked.check()
        cut = self._cut(asked)
        closed = None if cut is None else self._closed(replace(asked, top=None, until=None), cut)
        if closed is None:
            return sum_up(self.database, asked, after, limit)
        return self._together(asked, closed, after, limit)

    def _cut(self, asked: SumQuestion) -> int | None:
        """The end of what is over: at an edge of the calendar that is asked for; None if it is not worth it."""
        if asked.wanted.account is None or asked.since is None or asked.asks_tags:
            return None
        last = self._last(asked.wanted.account)
        cut = None if last is None else min(last, last if asked.until is None else asked.until)
        if cut is not None and asked.grain is not None and cut > asked.since:
            cut = spans(asked.grain, asked.zone, asked.since, cut)[-1][0]
        return None if cut is None or cut - asked.since < MANY * QUARTER else cut

    def _together(self, asked: SumQuestion, closed: ClosedSums, after: str | None, limit: int | None) -> UsageSums:
        ends = asked.until is not None and asked.until <= closed.until
        rest = replace(asked, top=None, since=closed.until, until=closed.until + QUARTER if ends else asked.until)
        now = sum_up(self.database, rest)
        rows, totals = (closed.rows, closed.totals) if ends else _added(closed, now)
        if not rows and after is None:
            asked.wanted.missed()
        end = asked.until if ends else None if now.span is None else now.span[1]
        span = (asked.since or 0, end or closed.until)
        return merged_sums(replace(now, question=asked, totals=totals, span=span, next=None), rows, after, limit)

    def _closed(self, asked: SumQuestion, cut: int) -> ClosedSums | None:
        """All that ended before a quarter; None if it is too much to be kept."""
        key, generation = (asked.by, asked.zone, asked.since, asked.wanted), self._generation()
        with self._lock:
            known = self._kept.get(key)
        if known is not None and (known.generation != generation or known.until > cut):
            known = None
        since = asked.since if known is None else known.until
        if known is None or known.until < cut:
            more = sum_up(self.database, replace(asked, since=since, until=cut))
            rows, totals = (more.rows, more.totals) if known is None else _added(known, more)
            known = ClosedSums(generation, cut, rows, totals)
        if len(known.rows) > MOST_GROUPS or self._generation() != generation:
            return None
        with self._lock:
            self._kept[key] = known
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return known

    def _generation(self) -> Hashable:
        erased = self.database.ask("sums erased", _erased, {"view": QUARTERS.name})
        return (*map(tuple, erased), *map(tuple, self.database.rows(BUILT[self.database.is_sqlite])))

    def _last(self, account: str) -> int | None:
        """The last quarter in which anything of an account ended."""
        return self.database.ask("sums last", _last, {"whose": account})[0][0]  # type: ignore[no-any-return]


def _erased() -> Select[Any]:
    return select(CHECKPOINTS.c.erased).where(CHECKPOINTS.c.view == bindparam("view"))


def _last() -> Select[Any]:
    table = live(QUARTERS).c
    return select(func.max(table.quarter)).where(table.account == bindparam("whose"))


def _added(closed: ClosedSums, more: UsageSums) -> tuple[tuple[Summed, ...], tuple[Summed, ...]]:
    return _sums([closed.rows, more.rows]), _sums([closed.totals, more.totals])


def _sums(found: Iterable[Sequence[Summed]]) -> tuple[Summed, ...]:
    """Groups that are the same, added up; in the order of their first."""
    groups: dict[Any, Summed] = {}
    for one in chain(*found):
        key = (tuple(one.group.items()), one.currency)
        known = groups.get(key)
        if known is None:
            groups[key] = one
            continue
        sums = {name: known.sums[name] + value for name, value in one.sums.items()}
        groups[key] = replace(known, sums=sums, cost_currency=max(known.cost_currency, one.cost_currency))
    return tuple(groups.values())
