"""An open studio on a real database, with real files and the scripted provider's journal to count submissions in."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from PIL import Image

from application.asking.results import LARGEST_HELD
from application.performing.outputs import PAUSES
from application.ports import Delivery, Job, Progress, Provider, ProviderUnknown, Recovery, Task, TaskFailed
from domain.ledger import Fact
from domain.operation import Charged, OperationFact
from domain.periods import local_day
from infrastructure.assembly import Parts
from infrastructure.bootstrap import open_studio
from infrastructure.clock import SECOND, now
from infrastructure.providers.scripted import ScriptedProvider, Submission
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.store.database import Database
from infrastructure.store.reader import SqlReader
from tests.application.support import CENT, PATIENCE

SYNC, JOBS, BLIND, LOCAL = "scripted-image", "scripted-findable", "scripted-blind", "local-canvas"
PRICE = 4 * CENT
"""Of one scripted image, in micro-units."""

SMALL = {"width": 64, "height": 64}
"""Quick to paint."""

GRACE = 15 * 60 * SECOND
LONG_AFTER = 2 * GRACE
"""Every lease and every grace is over."""


def settings_for(url: str, home: Path, **changes: Any) -> Settings:
    """With what tests ask of: the scripted providers, which are off elsewhere."""
    usual = {"wait_seconds": 20, "scripted_enabled": True, "blind_enabled": True}
    return Settings(home=home, database_url=url, **{**usual, **changes})


@asynccontextmanager
async def studio_on(
    url: str,
    home: Path,
    *,
    clock: Callable[[], int] = now,
    steady: Callable[[], int] | None = None,
    providers: Mapping[str, Provider] | None = None,
    serve: bool = False,
    pauses: Sequence[float] = PAUSES,
    largest_held: int = LARGEST_HELD,
    **changes: Any,
) -> AsyncIterator[Studio]:
    """A studio; `changes` are settings."""
    parts = Parts(providers=providers, clock=clock, steady=steady, pauses=pauses, largest_held=largest_held)
    async with open_studio(settings_for(url, home, **changes), parts, serve=serve) as studio:
        yield studio


NO_PAUSES = (0.0, 0.0, 0.0)
"""An output is tried as often as ever, without anybody waiting in between."""


class Pause:
    """Where a scripted provider waits, given a delay, until it is let go on."""

    def __init__(self) -> None:
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, _seconds: float) -> None:
        self.reached.set()
        await self.go_on.wait()

    async def until_reached(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.reached.wait()

    def providers(self, home: Path) -> dict[str, Provider]:
        """The scripted providers as they are, but for this."""
        folder = home / "scripted"
        blind = ScriptedProvider(folder, name="blind", recovery=Recovery.BLIND, sleep=self)
        return {"scripted": ScriptedProvider(folder, sleep=self), "blind": blind}


def later(by: int = LONG_AFTER) -> Callable[[], int]:
    """The clock of somebody who comes so many microseconds after now."""
    return lambda: now() + by


def zone_amid_its_month() -> str:
    """A zone in which no month ends within two hours, for whoever comes later in the same period."""
    this, next = (local_day(now() + hours * 4 * GRACE, "UTC")[:7] for hours in (0, 2))
    return "UTC" if this == next else "Pacific/Kiritimati"


def submissions(home: Path, provider: str = "scripted") -> tuple[Submission, ...]:
    """What reached the provider, counted across processes."""
    recovery = Recovery.BLIND if provider == "blind" else Recovery.FINDABLE
    return ScriptedProvider(home / "scripted", name=provider, recovery=recovery).submissions()


def database_of(studio: Studio) -> Database:
    """The studio's own, with its pool."""
    reader = studio.log.reader
    assert isinstance(reader, SqlReader)
    return reader.database


def facts_of(studio: Studio, account: str | None = None) -> list[Fact]:
    """The whole log, decoded; or what is about one account's operations."""
    links = [entry.link for entry in studio.log.reader.read(0, 1_000_000)]
    facts = [studio.log.codec.decode(link.topic, link.state) for link in links]
    if account is None:
        return facts
    return [fact for fact in facts if isinstance(fact, OperationFact) and fact.operation.account == account]


def timeline(studio: Studio, operation: str) -> list[Fact]:
    """What was recorded about an operation."""
    return studio.log.facts(operation)


def count(facts: Iterable[Fact], kind: type) -> int:
    return sum(isinstance(fact, kind) for fact in facts)


def charged(facts: Iterable[Fact]) -> int:
    """All that was charged, in micro-units."""
    return sum(fact.price for fact in facts if isinstance(fact, Charged))


def picture(width: int = 8, height: int = 8, color: str = "red") -> bytes:
    """A small PNG."""
    stream = io.BytesIO()
    Image.new("RGB", (width, height), color).save(stream, "PNG")
    return stream.getvalue()


async def is_sound(studio: Studio) -> bool:
    """Chains hold, every table beside the log says what it says, and every view equals its replay."""
    studio.views.catch_up()
    return not [*studio.audit.verify(), *studio.audit.differences()] and studio.audit.compare().equal


class Deaf(ScriptedProvider):
    """Does what it is asked, and its answer is lost on the way."""

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        with suppress(TaskFailed):
            await super().submit(task, progress)
        raise ProviderUnknown("connection_lost", "the answer never came")


class Held:
    """A provider as it is, whose answer is kept back at a pause."""

    def __init__(self, provider: Provider, pause: Pause) -> None:
        self._provider, self._pause = provider, pause
        self.name, self.recovery = provider.name, provider.recovery
        self.collect, self.find, self.cancel = provider.collect, provider.find, provider.cancel
        self.check, self.lacks, self.close = provider.check, provider.lacks, provider.close

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        answer = await self._provider.submit(task, progress)
        await self._pause(0)
        return answer
