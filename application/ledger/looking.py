"""Looks at ledgers as they stand, without their locks: at a committed position, and never at half of a commit.

look ─ those who ask meanwhile ─ begin to read ─ the rows of their accounts ─ what is newer than is remembered ─ seen

A writer that holds the account's lock is not waited for, and does not wait. Decisions are never made on what is seen
here: it may be older by the time it is read.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from application.ledger.log import Codec
from application.ledger.memory import Memory, Remembered
from application.ledger.transaction import Conflict, Store
from domain.counting import left_of
from domain.errors import LogCorrupted, StoreUnavailable
from domain.ledger import Ledger
from domain.tariffs import Selling

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

    @property
    def api_key(self) -> str | None: ...


def left_to(one: For) -> Look[dict[str, int | None]]:
    """Looks at what the limits leave to whom an operation is for."""
    return lambda ledger, now: left_of(ledger, one.user, one.project, now, one.api_key)


@dataclass(slots=True, eq=False)
class PendingLook:
    """One look, and the caller who waits in a loop for what is seen."""

    account: str
    look: Look[Any]
    future: asyncio.Future[Any]
    seen: Any = None
    error: Exception | None = None

    def see(self, found: Remembered | LogCorrupted, now: int) -> None:
        """Look at the ledger, in any thread."""
        try:
            if isinstance(found, LogCorrupted):
                raise found
            self.seen = self.look(found.ledger, max(now, found.ledger.last))
        except Exception as error:  # noqa: BLE001 - handed to the one caller who looks; the others see
            self.error = error

    def tell(self) -> None:
        """In the loop of the caller, who may be gone."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.seen)


class LedgerReader:
    """Remembers ledgers of its own, apart from the writer's, which change while they are decided on."""

    def __init__(self, store: Store, codec: Codec, clock: Callable[[], int], selling: Selling | None = None) -> None:
        """`store` begins transactions that lock nothing and see one moment of the database."""
        self._store, self._clock = store, clock
        self._memory = Memory(codec, REMEMBERED, selling)
        self._lock = threading.Lock()
        self._asked: list[PendingLook] = []
        self._reading = False

    async def look(self, account: str, look: Look[Seen]) -> Seen:
        """The answer of `look`, which is run in another thread, for all who ask meanwhile at once.

        Raises what `look` raises, LogCorrupted, StoreUnavailable.
        """
        loop = asyncio.get_running_loop()
        asked = PendingLook(account, look, loop.create_future())
        with self._lock:
            self._asked.append(asked)
            begins, self._reading = not self._reading, True
        if begins:
            loop.run_in_executor(None, self._read_all)
        seen: Seen = await asked.future
        return seen

    def _read_all(self) -> None:
        while group := self._take():
            self._answer(group)
            loops = {asked.future.get_loop() for asked in group}
            for loop in loops:
                with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                    loop.call_soon_threadsafe(_tell, [one for one in group if one.future.get_loop() is loop])

    def _take(self) -> list[PendingLook]:
        with self._lock:
            group, self._asked = self._asked, []
            self._reading = bool(group)
        return group

    def _answer(self, group: Sequence[PendingLook]) -> None:
        try:
            ledgers = self._brought_up(sorted({asked.account for asked in group}))
            now = self._clock()
            for asked in group:
                asked.see(ledgers[asked.account], now)
        except Exception as error:  # noqa: BLE001 - handed to all who asked; the next are answered
            for asked in group:
                asked.error = error

    def _brought_up(self, accounts: Sequence[str]) -> dict[str, Remembered | LogCorrupted]:
        for attempt in range(1, TRIES + 1):
            try:
                return self._read(accounts)
            except Conflict as error:
                if attempt == TRIES:
                    raise StoreUnavailable(f"the database was lost while reading: {error}", hint="try again") from error
        raise AssertionError("every attempt returns or raises")

    def _read(self, accounts: Sequence[str]) -> dict[str, Remembered | LogCorrupted]:
        read = False
        try:
            with self._store.begin() as transaction:
                found = self._memory.bring_up(transaction, transaction.lock(accounts, []), accounts)
            read = True
        finally:
            if not read:  # what was read in part may be torn
                self._memory.drop(accounts)
        self._memory.keep(one for one in found.values() if isinstance(one, Remembered) and one.revision)
        return found


def _tell(group: Sequence[PendingLook]) -> None:
    for asked in group:
        asked.tell()
