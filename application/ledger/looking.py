"""Looks at ledgers as they stand, without their locks: at a committed position, and never at half of a commit.

begin to read ─ the account's row ─ what is newer than what is remembered ─ look

A writer that holds the account's lock is not waited for, and does not wait. Decisions are never made on what is seen
here: it may be older by the time it is read.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from application.ledger.log import Codec
from application.ledger.memory import Memory, Remembered
from application.ledger.transaction import Conflict, Store
from domain.admission import left_of
from domain.errors import LogCorrupted, StoreUnavailable
from domain.ledger import Ledger

Seen = TypeVar("Seen")

Look = Callable[[Ledger, int], Seen]
"""Sees something in a ledger at an instant; it must not keep the ledger."""

REMEMBERED = 10_000
"""The weight of all states that are kept to be looked at again."""

TRIES = 2
"""A look changes nothing, so one whose connection was lost is repeated."""


class For(Protocol):
    """Whom an operation is for."""

    @property
    def user(self) -> str: ...

    @property
    def project(self) -> str | None: ...


def left_to(one: For) -> Look[dict[str, int | None]]:
    """Looks at what the limits leave to whom an operation is for."""
    return lambda ledger, now: left_of(ledger, one.user, one.project, now)


class LedgerReader:
    """Remembers ledgers of its own, apart from the writer's, which change while they are decided on."""

    def __init__(self, store: Store, codec: Codec, clock: Callable[[], int]) -> None:
        """`store` begins transactions that lock nothing and see one moment of the database."""
        self._store, self._clock = store, clock
        self._memory = Memory(codec, REMEMBERED)
        self._turn = threading.Lock()

    async def look(self, account: str, look: Look[Seen]) -> Seen:
        """What `look` sees of the account's ledger; it is run in another thread.

        Raises what `look` raises, LogCorrupted, StoreUnavailable.
        """
        return await asyncio.to_thread(self._look, account, look)

    def _look(self, account: str, look: Look[Seen]) -> Seen:
        with self._turn:
            ledger = self._brought_up(account).ledger
            return look(ledger, max(self._clock(), ledger.last))

    def _brought_up(self, account: str) -> Remembered:
        for attempt in range(1, TRIES + 1):
            try:
                return self._read(account)
            except Conflict as error:
                if attempt == TRIES:
                    raise StoreUnavailable(f"the database was lost while reading: {error}", hint="try again") from error
        raise AssertionError("every attempt returns or raises")

    def _read(self, account: str) -> Remembered:
        read = False
        try:
            with self._store.begin() as transaction:
                rows = transaction.lock([account], [])
                found = self._memory.bring_up(transaction, rows, [account])[account]
            if isinstance(found, LogCorrupted):
                raise found
            read = True
        finally:
            if not read:  # what was read in part may be torn
                self._memory.drop([account])
        if found.revision:
            self._memory.keep([found])
        return found
