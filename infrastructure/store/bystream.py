"""An account's entries after a position, in the order of the log, however many it has.

    each stream ── halved to where it stood then ── its next rows, by its own index ──┐
                                                                                      ├── merged by position
    near the log's end ── the last rows of all, and of them the account's ────────────┘

Asked for streams and for the order of positions at once, a database sorts all that the account ever did. Versions that
are not in the log any more, as they were archived, are passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, bindparam, select

from infrastructure.store.database import Database
from infrastructure.store.schema import LOG
from infrastructure.store.transactions import ENTRY

NEAR: Final = 2_000
"""Positions before the log's end of which all rows are looked at: whoever follows asks there, again and again."""
ROW: Final = (*ENTRY, LOG.c.position)
Placed = tuple[int, int]
"""A version of a stream, and its position."""


class StreamRows:
    """The rows of some streams as one list, whose order is the log's; blocking. Raises StoreUnavailable."""

    def __init__(self, database: Database, topics: Sequence[str], upto: int, near: int = NEAR) -> None:
        """Of these topics, if any are named; `upto` is the last position, inclusive."""
        self._database, self._topics, self._upto, self._near = database, topics, upto, near

    def after(self, streams: Sequence[str], position: int, limit: int) -> list[Any]:
        """The next rows after a position, at most so many."""
        if self._upto - position <= self._near:
            return list(self._database.rows(self._last_of_all(streams, position, limit)))
        found: list[Any] = []
        last = self._upto
        for stream in streams:
            found += self._of(stream, position, last, limit)
            if len(found) >= limit:
                found = sorted(found, key=_position)[:limit]
                last = _position(found[-1])
        return sorted(found, key=_position)

    def _of(self, stream: str, after: int, last: int, limit: int) -> Sequence[Any]:
        """The next rows of one stream, of those up to a position."""
        first, end = self._edge("first of stream", _first, stream), self._edge("end of stream", _end, stream)
        if first is None or end is None or first[1] > last or end[1] <= after:
            return ()
        since = first[0] - 1 if first[1] > after else self._version(stream, first[0], end[0], after)
        upto = end[0] if end[1] <= last else self._version(stream, first[0], end[0], last)
        if since >= upto:
            return ()
        query = select(*ROW).where(LOG.c.stream == stream, LOG.c.version > since, LOG.c.version <= upto)
        if self._topics:
            query = query.where(LOG.c.topic.in_(self._topics))
        return self._database.rows(query.order_by(LOG.c.version).limit(limit))

    def _last_of_all(self, streams: Sequence[str], after: int, limit: int) -> Select[Any]:
        """Of the log's last rows; the bound keeps it from being read by streams."""
        last = select(LOG).where(LOG.c.position > after, LOG.c.position <= self._upto)
        rows = last.order_by(LOG.c.position).limit(self._near).subquery()
        query = select(*(rows.c[one.name] for one in ROW)).where(rows.c.stream.in_(streams))
        if self._topics:
            query = query.where(rows.c.topic.in_(self._topics))
        return query.order_by(rows.c.position).limit(limit)

    def _version(self, stream: str, low: int, high: int, position: int) -> int:
        """A version with all that the stream has up to a position, and nothing after it, found by halving.

        `low` is of an entry up to there, `high` of one after it.
        """
        while high - low > 1:
            middle = (low + high) // 2
            version, place = self._database.ask("entry until", _until, {"whose": stream, "upto": middle})[0]
            low, high = (middle, high) if place <= position else (low, version)
        return low

    def _edge(self, name: str, query: Any, stream: str) -> Placed | None:
        rows = self._database.ask(name, query, {"whose": stream})
        return (rows[0][0], rows[0][1]) if rows else None


def _position(row: Any) -> int:
    return int(row[-1])


def _of_stream() -> Select[Any]:
    return select(LOG.c.version, LOG.c.position).where(LOG.c.stream == bindparam("whose")).limit(1)


def _first() -> Select[Any]:
    return _of_stream().order_by(LOG.c.version)


def _end() -> Select[Any]:
    return _of_stream().order_by(LOG.c.version.desc())


def _until() -> Select[Any]:
    return _end().where(LOG.c.version <= bindparam("upto"))
