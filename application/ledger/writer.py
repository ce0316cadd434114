"""The one writer of a process: it commits the decisions of many callers in groups, one transaction a group.

    append ─ queue ─ lock rows ─ bring states up ─ decide, encode ─ append ─ commit ─ futures

A hot account is as fast as many, and any number of processes share a database without conflicts: the account row is
the lock, and everything is decided under it. It works in turns, which a thread of its own gives it.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from application.ledger.group import Group, LeaseTerms, Mailbox, Proposal, Receipt, Ticket
from application.ledger.log import Link
from application.ledger.memory import Memory
from application.ledger.timekeeping import Believe, believe_all
from application.ledger.transaction import CommitUnknown, Conflict, ServerChanged, Store, TablesGone, TooSlow
from application.ledger.turning import BeginTurns, TurningThread
from domain.account import Account
from domain.errors import ClockAhead, ImageStudioError, Overloaded, ShuttingDown, StoreUnavailable
from domain.tariffs import Selling

if TYPE_CHECKING:
    from application.ledger.saving import LedgerLog

Clock = Callable[[], int]
"""Now, in epoch microseconds UTC; the only clock there is."""


@dataclass(frozen=True, slots=True)
class WriterOptions:
    """Room and patience: counts, and seconds where so named; `remembered` is the weight of all states in memory.

    New work waits `waiting_seconds` for its turn at most, and a group that loses is decided again for as long.
    """

    waiting: int = 10_000
    group: int = 512
    remembered: int = 100_000
    conflicts: int = 8
    retry_seconds: float = 0.2
    waiting_seconds: float = 30.0
    timer: Callable[[], float] = monotonic
    selling: Selling | None = None


class FutureMailbox:
    """Hands one receipt to a thread that waits for it."""

    def __init__(self) -> None:
        self.future: Future[Receipt] = Future()

    def deliver(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            if ticket.error is not None:
                self.future.set_exception(ticket.error)
            elif ticket.receipt is not None:
                self.future.set_result(ticket.receipt)


class LoopMailbox:
    """Hands receipts to one event loop, all of a group in one wake-up, and collects what that loop asks in one turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop, enqueue: Callable[[Iterable[Ticket]], None]) -> None:
        self._loop = loop
        self._enqueue = enqueue
        self._waiting: dict[Ticket, asyncio.Future[Receipt]] = {}
        self._collected: list[Ticket] = []

    def append(self, proposal: Proposal) -> asyncio.Future[Receipt]:
        """Queue the decision; a caller that is cancelled stops waiting, its decision goes on."""
        ticket = Ticket(proposal, self)
        future: asyncio.Future[Receipt] = self._loop.create_future()
        if not self._collected:
            self._loop.call_soon(self._flush)
        self._collected.append(ticket)
        self._waiting[ticket] = future
        return future

    def _flush(self) -> None:
        collected, self._collected = self._collected, []
        self._enqueue(collected)

    def deliver(self, tickets: Sequence[Ticket]) -> None:
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._resolve, tickets)

    def _resolve(self, tickets: Sequence[Ticket]) -> None:
        for ticket in tickets:
            future = self._waiting.pop(ticket)
            if future.done():
                continue
            if ticket.error is not None:
                future.set_exception(ticket.error)
            elif ticket.receipt is not None:
                future.set_result(ticket.receipt)


class LedgerWriter:
    """Takes decisions from any thread or event loop and answers each after the commit that holds its facts."""

    def __init__(
        self,
        store: Store,
        log: LedgerLog,
        clock: Clock,
        terms: LeaseTerms,
        options: WriterOptions | None = None,
        believe: Believe = believe_all,
        begin_turns: BeginTurns = TurningThread,
    ) -> None:
        """`begin_turns` says who gives it its turns, if not a thread of its own."""
        self._store, self._log, self._clock, self._terms = store, log, clock, terms
        self._options = options or WriterOptions()
        self._believe = believe
        self.after_commit: Callable[[int | None, Sequence[Link]], None] = _nothing
        """Called after each commit with what it appended and the last position, in the writer's thread; quickly."""
        self._codec = log.codec
        self._memory = Memory(self._codec, self._options.remembered, self._options.selling)
        self._queue: deque[Ticket] = deque()
        self._impatient = 0
        self._changing = threading.Lock()
        self._closing = threading.Event()
        self._stopped = False
        self._rest = 0.0
        self._ports: dict[asyncio.AbstractEventLoop, LoopMailbox] = {}
        self._turns = begin_turns("ledger-writer", self.turn)

    def append(self, proposal: Proposal) -> Receipt:
        """Append and wait, for callers without an event loop. Raises what `put` does."""
        port = FutureMailbox()
        self._enqueue([Ticket(proposal, port)])
        return port.future.result()

    def put(self, proposal: Proposal) -> asyncio.Future[Receipt]:
        """As `Ledgers.put` says."""
        loop = asyncio.get_running_loop()
        port = self._ports.get(loop)
        if port is None:
            self._ports = {known: port for known, port in self._ports.items() if not known.is_closed()}
            port = self._ports[loop] = LoopMailbox(loop, self._enqueue)
        return port.append(proposal)

    def known_terms(self, account: str) -> Account | None:
        """The account's terms as this process last saw them, without asking the database; None if it did not."""
        return self._memory.terms(account)

    def close(self) -> None:
        """Write everything accepted so far, then stop; a patient decision that cannot be written is given up now."""
        self._closing.set()
        self._turns.end()

    def turn(self) -> float | None:
        """Write one group of what waits; the seconds to rest before the next turn, None if nothing waits any more."""
        if tickets := self._take():
            self._write_all(tickets)
        with self._changing:
            self._stopped = self._closing.is_set() and not self._queue
            rest, self._rest = (self._rest if self._queue else None), 0.0
        return rest

    def _enqueue(self, tickets: Iterable[Ticket]) -> None:
        turned_away = []
        now = self._options.timer()
        with self._changing:
            for ticket in tickets:
                ticket.since = now
                ticket.error = self._no_room(ticket.proposal)
                if ticket.error is None:
                    self._queue.append(ticket)
                    self._impatient += not ticket.proposal.patient
                else:
                    turned_away.append(ticket)
        self._turns.wake()
        _deliver(turned_away)

    def _no_room(self, proposal: Proposal) -> ImageStudioError | None:
        """Back-pressure is for new work alone: what was begun always finds room."""
        if self._stopped or (not proposal.patient and self._closing.is_set()):
            return ShuttingDown("the studio is closing", hint="repeat the request, under the same key, elsewhere")
        if not proposal.patient and self._impatient >= self._options.waiting:
            return Overloaded(
                f"{self._options.waiting} requests wait to be recorded; this one was not",
                hint="try again shortly, or raise the writer's room",
            )
        return None

    def _write_all(self, tickets: list[Ticket]) -> None:
        until = self._options.timer() + self._options.waiting_seconds
        groups = [tickets]
        while groups:
            group = groups.pop()
            try:
                self._write(group, until)
            except Exception as error:  # noqa: BLE001 - the outermost loop: who caused it learns it, the writer lives on
                groups += self._apart(group, error)

    def _apart(self, tickets: list[Ticket], error: Exception) -> list[list[Ticket]]:
        """The halves, to be decided again, of what can never be written together; alone, a ticket fails its caller."""
        self._forget(tickets)
        middle = len(tickets) // 2
        if middle:
            return [tickets[middle:], tickets[:middle]]
        tickets[0].error = error
        _deliver(tickets)
        return []

    def _forget(self, tickets: Sequence[Ticket], unknown: bool = False) -> None:
        """The decisions were lost with their transaction, or may have been."""
        self._memory.drop(ticket.proposal.account for ticket in tickets)
        for ticket in tickets:
            ticket.again, ticket.receipt, ticket.error = True, None, None
            ticket.unknown |= unknown

    def _take(self) -> list[Ticket]:
        with self._changing:
            tickets = [self._queue.popleft() for _ in range(min(len(self._queue), self._options.group))]
            self._impatient -= [ticket.proposal.patient for ticket in tickets].count(False)
        return self._in_time(tickets) if tickets else tickets

    def _in_time(self, tickets: list[Ticket]) -> list[Ticket]:
        """The group without the new work that has waited too long: its callers are told while they still listen."""
        seconds = self._options.waiting_seconds
        if self._options.timer() - tickets[0].since <= seconds:  # the oldest
            return tickets
        longest = self._options.timer() - seconds
        late = [ticket for ticket in tickets if not ticket.proposal.patient and ticket.since < longest]
        error = StoreUnavailable(
            f"the database is so slow that this request waited {seconds:g} seconds to be recorded; it was not",
            hint="try again shortly",
        )
        _fail(late, error)
        return [ticket for ticket in tickets if ticket.error is None] or self._take()

    def _write(self, tickets: list[Ticket], until: float) -> None:
        """Commit the group; the only retry loop: what was lost is read again under the locks and decided again."""
        for attempt in range(1, self._options.conflicts + 1):
            try:
                self._commit(tickets)
                _deliver(tickets)
                return
            except (Conflict, StoreUnavailable) as error:
                self._forget(tickets, isinstance(error, CommitUnknown))
                in_time = self._options.timer() < until
                if isinstance(error, TooSlow) and len(tickets) > 1 and in_time:
                    raise  # half of it may be fast enough
                if isinstance(error, TablesGone):  # no waiting brings them back under this program
                    _fail(tickets, _unavailable(error))
                    return
                lost = isinstance(error, (Conflict, ServerChanged))
                if not lost or not in_time or attempt == self._options.conflicts:
                    self._give_back(tickets, _unavailable(error))
                    return

    def _commit(self, tickets: Sequence[Ticket]) -> None:
        with self._store.begin() as transaction:
            group = Group(transaction, self._codec, self._terms, self._clock())
            group.run(tickets, self._memory)
            if group.links:
                self._believe(group.now)
            self._memory.keep(group.commit(self._log))
        if group.links:
            self.after_commit(group.position, group.links)

    def _give_back(self, tickets: Sequence[Ticket], error: StoreUnavailable) -> None:
        """New work is told at once; what must be written waits for the database, unless the studio closes."""
        closing = self._closing.is_set()
        _fail([ticket for ticket in tickets if closing or not ticket.proposal.patient], error)
        with self._changing:
            self._queue.extendleft(reversed([ticket for ticket in tickets if ticket.error is None]))
            waiting = [*self._queue] if closing else []
            if closing:  # a database that does not work must not keep who closes for each of them
                self._queue.clear()
                self._impatient = 0
        _fail(waiting, error)
        self._rest = self._options.retry_seconds


def _nothing(_position: int | None, _links: Sequence[Link]) -> None:
    """Nobody follows the log here."""


def _unavailable(error: Conflict | StoreUnavailable) -> StoreUnavailable:
    if type(error) is StoreUnavailable or isinstance(error, ClockAhead):
        return error
    if isinstance(error, StoreUnavailable):
        return StoreUnavailable(error.outer, hint=error.advice, inner=error.inner)
    return StoreUnavailable("the database kept refusing", hint="nothing was recorded; try again", inner=str(error))


def _fail(tickets: Sequence[Ticket], error: StoreUnavailable) -> None:
    """Tell each caller the truth: whether a commit that held its decision went unanswered."""
    for ticket in tickets:
        ticket.error = _perhaps_recorded(error) if ticket.unknown else error
    _deliver(tickets)


def _perhaps_recorded(error: StoreUnavailable) -> StoreUnavailable:
    return StoreUnavailable(
        f"{error.outer}; this may have been recorded all the same",
        hint="repeat it under its key, which tells and does nothing twice; what was begun is settled by recovery",
    )


def _deliver(tickets: Iterable[Ticket]) -> None:
    by_port: dict[Mailbox, list[Ticket]] = {}
    for ticket in tickets:
        by_port.setdefault(ticket.port, []).append(ticket)
    for port, theirs in by_port.items():
        port.deliver(theirs)
