"""The queue, leases and slots in sums: operations that wait, that are worked on, and the room at providers."""

from __future__ import annotations

from typing import Final

from sqlalchemy import case, func, select

from infrastructure.store.database import Database
from infrastructure.store.schema import LEASES, QUEUE, SLOTS
from projections.engine.tables import live
from projections.views.operations import OPERATIONS

MOST_LINES: Final = 500
"""Accounts and providers for which something waits."""

_LINES: Final = (
    select(QUEUE.c.account, QUEUE.c.provider, func.count(), func.min(QUEUE.c.operation))
    .group_by(QUEUE.c.account, QUEUE.c.provider)
    .order_by(func.count().desc(), QUEUE.c.account, QUEUE.c.provider)
    .limit(MOST_LINES)
)
_WAITING: Final = (
    select(QUEUE.c.provider, func.count(), func.min(QUEUE.c.operation))
    .group_by(QUEUE.c.provider)
    .order_by(QUEUE.c.provider)
)


def waiting_by_provider(database: Database) -> list[tuple[str, int, str]]:
    """Of each provider for which something waits: how many operations, and the id of the first."""
    return [(row[0], row[1], row[2]) for row in database.rows(_WAITING)]


def lines_waiting(database: Database, account: str | None = None) -> list[tuple[str, str | None, int, str]]:
    """The longest lines, of all or of one account: account, provider, how many operations, and the id of the first."""
    found = _LINES if account is None else _LINES.where(QUEUE.c.account == account)
    return [(row[0], row[1], row[2], row[3]) for row in database.rows(found)]


def lines_running(database: Database, account: str | None = None) -> list[tuple[str, str | None, int, str]]:
    """Operations that some process works on, in the same way; without a provider if no view knows them yet."""
    known = live(OPERATIONS).c
    joined = LEASES.outerjoin(live(OPERATIONS), known.id == LEASES.c.operation)
    query = select(LEASES.c.account, known.provider, func.count(), func.min(LEASES.c.operation)).select_from(joined)
    found = query if account is None else query.where(LEASES.c.account == account)
    rows = found.group_by(LEASES.c.account, known.provider).order_by(func.count().desc(), LEASES.c.account)
    return [(row[0], row[1], row[2], row[3]) for row in database.rows(rows.limit(MOST_LINES))]


def work_under_way(database: Database, now: int) -> list[tuple[str, int, int, int]]:
    """Of each process that has leases: its name, its operations, how many of them are over, and when the last ends."""
    over = func.sum(case((LEASES.c.expires < now, 1), else_=0))
    query = select(LEASES.c.owner, func.count(), over, func.max(LEASES.c.expires)).group_by(LEASES.c.owner)
    return [(row[0], row[1], int(row[2]), row[3]) for row in database.rows(query.order_by(LEASES.c.owner))]


def room_at_providers(database: Database, now: int) -> dict[str, tuple[int, int, int | None]]:
    """Of each provider with limits: places, those that are taken, and until when it asked to be left alone."""
    found: dict[str, tuple[int, int, int | None]] = {}
    for provider, number, until in database.rows(select(SLOTS.c.provider, SLOTS.c.number, SLOTS.c.until)):
        places, taken, rests = found.get(provider, (0, 0, None))
        if number > 0:
            places, taken = places + 1, taken + (until >= now)
        elif number < 0 and until > now:
            rests = until
        found[provider] = (places, taken, rests)
    return found
