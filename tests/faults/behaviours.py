"""A play: requests, whatever the provider does with them, deaths and recoveries, on one database, and what must hold.

scene ── one of two processes ──> studio ── Mortal ──> adapter ── fake provider
  └── the books after each scene ── at the end: everything is settled, exactly once
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

from application.ports import Delivery, Job, Progress, Provider, Task
from application.providing.callbacks import Callbacks
from domain.errors import ImageStudioError
from domain.money import Money
from domain.operation import (
    Adjusted,
    Charged,
    Dispatched,
    OperationFact,
    ProviderCompleted,
    Released,
    Rerouted,
    Validated,
)
from domain.periods import Period
from infrastructure.clock import SECOND
from infrastructure.providers.wavespeed import WaveSpeed
from infrastructure.service import Studio
from tests.application.studios import facts_of, is_sound
from tests.domain.wall_clocks import utc
from tests.faults.worlds import HOOKS, POND, ROUTES, World, ask
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

DAY = 86_400
ABANDONED = 2 * DAY
"""Seconds after which a job that never ends is given up."""
LONG = 60 * DAY * SECOND
BEGINNING = utc("2027-01-30")
"""The month ends soon, wherever the calendar on the wall stands."""
PAID = 100 * POND


class Mortal:
    """The adapter, under whose feet the process dies where it is told to; and which can stop what has not ended."""

    def __init__(self, provider: WaveSpeed, fake: Fake) -> None:
        self._provider, self._fake = provider, fake
        self.name, self.recovery = provider.name, provider.recovery
        self.lacks, self.find, self.check, self.close = provider.lacks, provider.find, provider.check, provider.close
        self.notify, self.quote, self.bills = provider.notify, provider.quote, provider.bills
        self.receive = provider.receive
        self.dies = ""

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        self._live("before it is sent")
        answer = await self._provider.submit(task, progress)
        self._live("before its job is recorded")
        return answer

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        self._live("before it is waited for")
        delivery = await self._provider.collect(task, job, progress)
        self._live("before it is kept")
        return delivery

    async def cancel(self, task: Task, job: Job | None) -> bool:
        if job is None or self._fake.job(job.id).ended:
            return False
        self._fake.change(job.id, Behaviour(ending="cancelled"))
        return True

    def _live(self, where: str) -> None:
        if self.dies == where:
            raise asyncio.CancelledError(f"died {where}")


DEATHS = ("before it is sent", "before its job is recorded", "before it is waited for", "before it is kept")


@dataclass
class Process:
    """One open studio; `stack` closes it."""

    studio: Studio
    provider: Mortal
    callbacks: Callbacks
    stack: AsyncExitStack


@dataclass
class Play:
    """The world, its two processes, and what goes on behind the scenes."""

    world: World
    processes: list[Process] = field(default_factory=list)
    behind: list[asyncio.Task[object]] = field(default_factory=list)

    @property
    def fake(self) -> Fake:
        return self.world.fake

    async def open(self) -> Process:
        mortals: list[Mortal] = []

        def mortal(provider: Provider) -> Provider:
            assert isinstance(provider, WaveSpeed)
            mortals.append(Mortal(provider, self.fake))
            return mortals[0]

        stack = AsyncExitStack()
        opening = self.world.studio(mortal, abandon_seconds=ABANDONED, wait_seconds=1)
        studio = await stack.enter_async_context(opening)
        return Process(studio, mortals[0], studio.providers.callbacks("wavespeed"), stack)

    async def restart(self, which: int) -> None:
        await self.processes[which].stack.aclose()
        self.processes[which] = await self.open()

    async def ask(self, which: int, behaviours: Sequence[Behaviour], n: int, death: str) -> None:
        """In the foreground: over, or dead, before the next scene."""
        for behaviour in behaviours:
            self.fake.next("wavespeed", behaviour)
        process = self.processes[which]
        process.provider.dies = death
        await quietly(process.studio.operations.run(ask("cheapest", n=n)))
        self.fake.heal("wavespeed")
        if death:
            await self.restart(which)

    async def begin(self, which: int, behaviour: Behaviour) -> None:
        """Behind the scenes: the provider has it, and its answer is held back."""
        before = len(self.fake.submissions())
        self.fake.next("wavespeed", replace(behaviour, held=True))
        running = quietly(self.processes[which].studio.operations.run(ask("cheapest")))
        self.behind.append(asyncio.create_task(running))
        await asyncio.to_thread(self.fake.wait_for, lambda: len(self.fake.submissions()) > before)

    async def go_on(self) -> None:
        """Whatever goes on behind the scenes comes to its end."""
        self.fake.release()
        await asyncio.gather(*self.behind)
        self.behind.clear()

    async def recover(self, which: int, seconds: int) -> None:
        self.world.advance(seconds)
        await quietly(self.processes[which].studio.upkeep.recover())

    async def call_back(self, which: int, job: int, kind: str) -> None:
        if jobs := self.fake.jobs():
            told = jobs[job % len(jobs)]
            operation, mac = told.webhook.removeprefix(f"{HOOKS}/").split("/")
            headers, body = self.fake.message(told.id, kind)
            await quietly(self.processes[which].callbacks.take(operation, mac, headers, body))

    async def change(self, job: int, behaviour: Behaviour) -> None:
        """A job that has not ended will end otherwise than it would have."""
        if going := [one for one in self.fake.jobs() if not one.ended]:
            self.fake.change(going[job % len(going)].id, behaviour)

    async def cancel(self, which: int, operation: int) -> None:
        if operations := sorted(self.books().holds):
            await quietly(
                self.processes[which].studio.operations.cancel(operations[operation % len(operations)], account="acme")
            )

    async def reconcile(self, which: int) -> None:
        now = self.world.clock()
        await quietly(
            self.processes[which].studio.providers.reconcile("wavespeed", now - LONG, now + SECOND, correct=True)
        )

    def books(self) -> Books:
        return Books.read(facts_of(self.processes[0].studio, "acme"))

    async def check(self) -> None:
        """What holds whatever has happened."""
        books, studio = self.books(), self.processes[0].studio
        jobs = Counter((job.webhook.split("/")[-2], job.path) for job in self.fake.jobs())
        assert max(jobs.values(), default=0) <= 1, "two jobs for one attempt"
        sent = Counter(submission.path for submission in self.fake.submissions())
        assert sent <= books.dispatched, "more was sent than was dispatched"
        assert max(books.attempts.values(), default=0) <= 1, "an attempt was dispatched twice"
        for operation, posted in books.money.items():
            assert len(posted) == 1, f"{operation} has {posted}"
            assert posted[0] <= books.quoted[operation]
        view = await studio.accounts.show("acme")
        current = {operation for operation, period in books.periods.items() if period == view.period}
        held = [price for operation, price in books.holds.items() if operation in current]
        assert (view.held["spend"], view.open) == (sum(held), len(held))
        assert view.used["spend"] == sum(books.money[operation][0] for operation in current & books.money.keys())
        assert view.balance == PAID - sum(books.holds.values()) - sum(posted[0] for posted in books.money.values())
        assert books.late <= {operation for operation, posted in books.money.items() if posted == [0]}
        assert not any(books.adjusted), "a correction moved a price"

    async def end(self) -> None:
        """The provider comes to itself, time passes, and everything is settled; what it tells then changes nothing."""
        await self.go_on()
        self.fake.heal()
        for _ in range(3):
            await self.recover(0, DAY + 1)
            await self.check()
        books = self.books()
        assert not books.holds
        assert books.money.keys() == books.quoted.keys()
        await self.tell_all()
        await self.check()
        assert self.books().money == books.money
        assert await is_sound(self.processes[0].studio)

    async def tell_all(self) -> None:
        """Jobs that were given up end well after all, and the provider calls back about each, and bills it."""
        for number, job in enumerate(self.fake.jobs()):
            if job.behaviour.ending == "never":
                self.fake.change(job.id, Behaviour())
            await self.call_back(1, number, "signed")
        await self.reconcile(0)


async def quietly(work: Awaitable[object]) -> None:
    """What a caller is told, or whether it died, is not what is looked at here."""
    with suppress(ImageStudioError, asyncio.CancelledError):
        await work


@dataclass
class Books:
    """The facts about all operations, as somebody adds them up who knows nothing of the ledger.

    `holds` are of those that are open, `money` are the postings of those that are not, 0 where they were released.
    """

    quoted: dict[str, int] = field(default_factory=dict)
    money: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    attempts: Counter[tuple[str, int]] = field(default_factory=Counter)
    dispatched: Counter[str] = field(default_factory=Counter)
    adjusted: list[int] = field(default_factory=list)
    late: set[str] = field(default_factory=set)
    periods: dict[str, Period] = field(default_factory=dict)

    @classmethod
    def read(cls, facts: Sequence[object]) -> Books:
        books = cls()
        for fact in facts:
            if isinstance(fact, OperationFact):
                books.add(fact, fact.operation.id)
        return books

    def add(self, fact: OperationFact, id: str) -> None:
        match fact:
            case Validated() | Rerouted():
                self.quoted[id], self.periods[id] = fact.quote.price, fact.operation.period
            case Dispatched():
                self.attempts[id, fact.attempt] += 1
                self.dispatched[ROUTES[fact.operation.model]] += 1
            case Charged():
                self.money[id].append(fact.price)
            case Released():
                self.money[id].append(0)
            case Adjusted():
                self.adjusted.append(fact.price)
            case ProviderCompleted(late=True):
                self.late.add(id)

    @property
    def holds(self) -> Mapping[str, int]:
        return {id: price for id, price in self.quoted.items() if id not in self.money}


@asynccontextmanager
async def playing(world: World) -> AsyncIterator[Play]:
    """Two processes and a prepaid account; whatever is still open is closed."""
    world.advance_to(BEGINNING)
    play = Play(world)
    play.processes = [await play.open(), await play.open()]
    try:
        accounts = play.processes[0].studio.accounts
        await accounts.open("acme", plan="enterprise", prepaid=True)
        await accounts.add_credit("acme", Money(PAID, "USD"), "payment-1")
        yield play
    finally:
        play.fake.release()
        await asyncio.gather(*play.behind, return_exceptions=True)
        for process in play.processes:
            await process.stack.aclose()
