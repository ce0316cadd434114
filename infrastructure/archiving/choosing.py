"""Which closed periods can leave the log, and why the others cannot: in doubt a period stays.

closed ── over before the day asked for ── not the account's current one ── nothing open in it ── every follower past it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Select, func, select, text

from application.ledger.log import Codec, Head
from application.ledger.reader import LogFilter
from domain.billing import PeriodClosed
from domain.closing import period_name
from domain.counts import counted
from domain.errors import IllegalTransition, LogCorrupted
from domain.ledger import period_stream
from domain.operation import CLOSED_PHASES
from domain.periods import local_day
from infrastructure.store.database import Database
from infrastructure.store.reader import SqlReader
from infrastructure.store.schema import (
    ACCOUNTS,
    ALERT_MARK,
    ARCHIVED_STREAMS,
    DEPARTED,
    LOG,
    OPERATIONS,
    RELAYS,
    WEBHOOK_MARK,
)
from projections.engine.tables import CHECKPOINTS

PAGE: Final = 1_000
FOLLOWERS: Final[Mapping[str, Select[tuple[str, int]]]] = {
    "the view": select(CHECKPOINTS.c.view, CHECKPOINTS.c.position).where(CHECKPOINTS.c.token.is_(None)),
    "webhooks": select(WEBHOOK_MARK.c.one, WEBHOOK_MARK.c.position),
    "alerts": select(ALERT_MARK.c.one, ALERT_MARK.c.position),
    "the relay": select(RELAYS.c.target, RELAYS.c.position),
}
"""Whoever reads the log in its order, and how far each is."""

_LEAVES: Final = text(
    """SELECT 1 FROM log JOIN operations ON operations.id = log.operation AND operations.stream = log.stream
    WHERE log.stream = :stream AND log.version > :begun AND log.version < :end AND NOT EXISTS (
        SELECT 1 FROM log AS elsewhere WHERE elsewhere.operation = log.operation
        AND (elsewhere.stream <> log.stream OR elsewhere.version = :end))
    LIMIT 1"""
)
"""Whether a stream has facts that can leave: of operations that no other stream has facts of, nor its last fact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPeriod:
    """A closed period whose facts after version `head.version`, and before the closed one's `end`, are to leave the
    log; `first` and `last` are the positions of these two. All of the operation `stays` that the last one is about."""

    account: str
    name: str
    stream: str
    head: Head
    end: Head
    first: int
    last: int
    stays: str | None


@dataclass(frozen=True, slots=True)
class LeftPeriod:
    """A closed period that stays in the log, and why."""

    account: str
    name: str
    reason: str


@dataclass(slots=True)
class PeriodChoice:
    """The periods that can leave, by their last positions, and those that stay."""

    ready: list[ClosedPeriod] = field(default_factory=list)
    left: list[LeftPeriod] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Standing:
    """All that speaks against a period, as all of it is now."""

    current: Mapping[str, str]
    open: Mapping[str, int]
    archived: Mapping[str, tuple[int, bytes]]
    behind: tuple[str, int] | None
    before: str

    def reason(self, closed: PeriodClosed, stream: str, last: int) -> str:
        """Why it stays; empty if it can leave."""
        if self.before and local_day(closed.period.end, closed.zone) > self.before:
            return f"it ends after {self.before}"
        if self.current.get(closed.account) == stream:
            return "it is the account's current period"
        if self.open.get(stream):
            return counted(self.open[stream], "of its operations is open", "of its operations are open")
        if self.behind is not None and self.behind[1] < last:
            return f"it ends at position {last:,}, and {self.behind[0]} read the log up to {self.behind[1]:,}"
        return ""


def chosen_periods(database: Database, codec: Codec, before: str = "") -> PeriodChoice:
    """The closed periods whose facts are still in the log; those stay that end after the day `before`, where they are.

    Raises IllegalTransition of a ledger that accounts have left, LogCorrupted, StoreUnavailable.
    """
    if database.rows(select(DEPARTED.c.stream).limit(1)):
        told = "accounts have moved away from this ledger to another shard, and its periods are not archived"
        raise IllegalTransition(told, hint="archive ledgers that are one database")
    standing, choice = _standing(database, before), PeriodChoice()
    for closed in _closings(SqlReader(database), codec):
        _sort(database, standing, closed, choice)
    return choice


def _sort(database: Database, standing: _Standing, closed: PeriodClosed, choice: PeriodChoice) -> None:
    stream, name = period_stream(closed.account, closed.period), period_name(closed.period, closed.zone)
    done = standing.archived.get(stream)
    begun = max(1, done[0] if done is not None else 0)
    if not database.rows(_LEAVES, {"stream": stream, "begun": begun, "end": closed.version}):
        return  # all of it is archived that can be
    ends = _ends(database, closed, stream, begun)
    head = Head(begun, done[1]) if done is not None else ends[begun].head if begun in ends else None
    if head is None or begun + 1 not in ends or closed.version not in ends:
        raise LogCorrupted(f"stream {stream} lacks entries between versions {begun} and {closed.version}")
    last = ends[closed.version]
    if last.head.hash.hex() != closed.head:
        raise LogCorrupted(f"stream {stream} version {closed.version} is not what was closed")
    reason = standing.reason(closed, stream, last.position)
    if reason:
        choice.left.append(LeftPeriod(closed.account, name, reason))
        return
    choice.ready.append(
        ClosedPeriod(
            account=closed.account,
            name=name,
            stream=stream,
            head=head,
            end=last.head,
            first=ends[begun + 1].position,
            last=last.position,
            stays=last.about,
        )
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """An entry's place in the log and in its stream, and the operation that it is about."""

    position: int
    head: Head
    about: str | None


def _ends(database: Database, closed: PeriodClosed, stream: str, begun: int) -> dict[int, _Entry]:
    """The entries around what is to leave, by their versions."""
    versions = (begun, begun + 1, closed.version)
    query = select(LOG.c.version, LOG.c.position, LOG.c.hash, LOG.c.operation).where(LOG.c.stream == stream)
    rows = database.rows(query.where(LOG.c.version.in_(versions)))
    return {row[0]: _Entry(row[1], Head(row[0], bytes(row[2])), row[3]) for row in rows}


def _closings(reader: SqlReader, codec: Codec) -> Iterator[PeriodClosed]:
    last, which = 0, LogFilter(topics=codec.names_of(PeriodClosed))
    while page := reader.read(last, PAGE, which):
        for entry in page:
            fact = codec.decode(entry.link.topic, entry.link.state)
            assert isinstance(fact, PeriodClosed), "a stored name is of one fact"
            yield fact
        last = page[-1].position


def _standing(database: Database, before: str) -> _Standing:
    opened = select(OPERATIONS.c.stream, func.count()).where(OPERATIONS.c.phase.not_in(sorted(CLOSED_PHASES)))
    places = [
        (f"{kind} {row[0]}" if isinstance(row[0], str) else kind, int(row[1]))
        for kind, query in FOLLOWERS.items()
        for row in database.rows(query)
    ]
    return _Standing(
        dict(database.rows(select(ACCOUNTS.c.id, ACCOUNTS.c.stream))),
        dict(database.rows(opened.group_by(OPERATIONS.c.stream))),
        _archived(database),
        min(places, key=lambda place: place[1], default=None),
        before,
    )


def _archived(database: Database) -> dict[str, tuple[int, bytes]]:
    """The last version of each stream that is archived, and its hash."""
    kept = ARCHIVED_STREAMS.c
    rows = database.rows(select(kept.stream, kept.last_version, kept.hash).order_by(kept.last_version))
    return {row[0]: (row[1], bytes(row[2])) for row in rows}
