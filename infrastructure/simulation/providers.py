"""Providers of the simulated world, as they are at the other end of the wire: what they took, made, billed and told.

submit ─┬─ refused, or asked to wait: nothing was taken
        ├─ taken ─┬─ delivered or failed, at once or as a job
        │         └─ and the answer lost
        └─ lost on the way there

All that was taken is known here for ever, whichever process asked and whether it lives.
"""

from __future__ import annotations

import asyncio
import random
import struct
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from application.ports import (
    Bill,
    Delivery,
    Job,
    Media,
    Progress,
    ProviderRefused,
    ProviderUnknown,
    Recovery,
    Task,
    TaskFailed,
)
from infrastructure.simulation.model import NaiveLedger
from infrastructure.simulation.purses import BrokenPromise, agree

SIDE = 2
NEVER = 10**9


@dataclass(slots=True)
class Work:
    """A submission that was taken: its job's id, what becomes of it, and when (seconds)."""

    provider: str
    operation: str
    attempt: int
    job: str
    model: str
    outcome: str
    ends: float
    cost: int | None
    since: int
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class Weather:
    """How often what goes wrong, of a hundred submissions."""

    refused: float = 3
    waits: float = 3
    failed: float = 6
    billed: float = 3
    lost: float = 4
    untaken: float = 3
    never: float = 1
    slow: float = 3
    odd: float = 2


CALM = Weather(0, 0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(slots=True)
class Works:
    """All providers together: what they have taken, and what the log must have said before."""

    chance: random.Random
    model: NaiveLedger
    clock: Callable[[], int]
    weather: Weather = field(default_factory=Weather)
    taken: dict[str, list[Work]] = field(default_factory=lambda: defaultdict(list))
    by_job: dict[str, Work] = field(default_factory=dict)
    broken: Callable[[BrokenPromise], None] = lambda _error: None
    ended: Callable[[Work], None] = lambda _work: None
    """Lived of each job that was taken, so that callbacks can be made of it."""

    def take(self, provider: str, task: Task, *, repeatable: bool) -> Work:
        """Take a submission; what is sent without leave, or a second time, ends the world."""
        try:
            self._check(provider, task, repeatable=repeatable)
        except BrokenPromise as error:
            self.broken(error)  # who asked would take it for a mistake of the provider's
        work = self._drawn(provider, task)
        self.taken[task.operation].append(work)
        self.by_job[work.job] = work
        return work

    def _check(self, provider: str, task: Task, *, repeatable: bool) -> None:
        deed = self.model.deeds.get(task.operation)
        told = f"attempt {task.attempt} at {task.operation} was sent to {provider}"
        agree(that=deed is not None and task.attempt in deed.sent, invariant="F1", told=f"{told} before it was a fact")
        before = [work for work in self.taken[task.operation] if work.provider == provider]
        again = not before or repeatable
        agree(that=again, invariant="I7", told=f"{told}, which had taken it: it is paid twice")

    def _drawn(self, provider: str, task: Task) -> Work:
        chance, weather, now = self.chance, self.weather, asyncio.get_running_loop().time()
        drawn, job = chance.random() * 100, f"job-{chance.getrandbits(48):012x}"
        outcome, ends = "done", now + chance.random() * 5
        for kind, share in (
            ("failed", weather.failed),
            ("billed", weather.billed),
            ("never", weather.never),
            ("slow", weather.slow),
            ("odd", weather.odd),
        ):
            if drawn < share:
                outcome = kind
                break
            drawn -= share
        if outcome == "never":
            ends = float(NEVER)
        elif outcome == "slow":
            outcome, ends = "done", now + chance.choice((90, 900, 7_200))
        cost = chance.choice((None, None, 10_000, 40_000, 90_000))
        return Work(provider, task.operation, task.attempt, job, task.model, outcome, ends, cost, self.clock())


class SimulatedProvider:
    """One provider as one process sees it; `jobs`: it hands out jobs instead of answering with the work."""

    def __init__(self, works: Works, name: str, recovery: Recovery, *, jobs: bool) -> None:
        self._works, self._jobs = works, jobs
        self.name, self.recovery = name, recovery

    def lacks(self, route: str) -> str:  # noqa: ARG002
        return ""

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        chance, weather = self._works.chance, self._works.weather
        await asyncio.sleep(chance.random() * 0.2)
        drawn = chance.random() * 100
        if drawn < weather.refused:
            raise ProviderRefused("blocked", "it is not done here", final=chance.random() < 0.3)
        if drawn < weather.refused + weather.waits:
            raise ProviderRefused("rate_limited", "too many", retry_after=chance.choice((0.5, 2.0, 30.0, 4_000.0)))
        if drawn < weather.refused + weather.waits + weather.untaken:
            raise ProviderUnknown("connection_lost", "nothing came there")
        work = self._works.take(self.name, task, repeatable=self.recovery is Recovery.REPEATABLE)
        if chance.random() * 100 < weather.lost:
            await asyncio.sleep(chance.random() * 3)
            raise ProviderUnknown("timeout", "no answer in time")
        if self._jobs:
            self._works.ended(work)
            return Job(work.job)
        return await self._end(work, task, progress)

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        work = self._works.by_job.get(job.id)
        if work is None:
            raise TaskFailed("unknown_job", "there is no such job")
        return await self._end(work, task, progress)

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
        await asyncio.sleep(self._works.chance.random() * 0.2)
        if self.recovery is not Recovery.FINDABLE:
            raise ProviderUnknown("not_findable", "nobody can be asked")
        if self._works.chance.random() * 100 < self._works.weather.lost:
            raise ProviderUnknown("timeout", "no answer in time")
        works = [one for one in self._works.taken.get(task.operation, ()) if one.provider == self.name]
        return tuple(Job(one.job) for one in works if one.attempt == task.attempt)

    async def cancel(self, task: Task, job: Job | None) -> bool:  # noqa: ARG002
        work = None if job is None else self._works.by_job.get(job.id)
        if work is None or work.ends <= asyncio.get_running_loop().time():
            return False
        work.stopping.set()
        return True

    async def bills(self, since: int, until: int) -> AsyncIterator[Bill]:
        for work in list(self._works.by_job.values()):
            if work.provider == self.name and work.cost is not None and since <= work.since < until:
                yield Bill(work.job, work.cost, work.since, work.model)

    async def check(self) -> str:
        return "simulated"

    async def close(self) -> None:
        """Holds nothing open."""

    async def _end(self, work: Work, task: Task, progress: Progress) -> Delivery:
        loop = asyncio.get_running_loop()
        patience = loop.time() + task.deadline
        with suppress(TimeoutError):
            async with asyncio.timeout_at(min(work.ends, patience)):
                await work.stopping.wait()
        progress(1.0, "over")
        if work.stopping.is_set():
            raise TaskFailed("stopped", "it was stopped")
        if work.ends > loop.time():
            raise ProviderUnknown("timeout", "it has not ended yet")
        if work.outcome == "failed":
            raise TaskFailed("blocked", "it was not made")
        if work.outcome == "billed":
            raise TaskFailed("blocked", "it was not made, and is billed", cost=work.cost)
        made = task.outputs if work.outcome != "odd" else max(task.outputs - 1, 1)
        return Delivery(tuple(_picture(f"{work.job}/{place}") for place in range(made)), work.cost)


def _picture(name: str) -> Media:
    """A small PNG with a text in it, so that no two have one digest."""
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((SIDE + 1) * SIDE))
    chunks = ((b"IHDR", header), (b"tEXt", b"Comment\0" + name.encode()), (b"IDAT", pixels), (b"IEND", b""))
    content = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)
    return Media(content, "image/png", SIDE, SIDE)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
