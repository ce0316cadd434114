"""What a child does until it kills itself: one operation, from request to view, told step by step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from application.asking.requests import Request
from application.performing.recovery import Recovered
from application.ports import Asset, AssetStore, Delivery, Job, Media, Progress, Provider, Recovery, Task
from infrastructure.assembly import Parts
from infrastructure.bootstrap import open_studio
from infrastructure.files.shelf import shelf_in
from infrastructure.media import look_at
from infrastructure.providers.scripted import ScriptedProvider
from tests.application.studios import LOCAL, SYNC, later, picture, settings_for, studio_on
from tests.application.support import Step, TappedStore
from tests.faults.processes import Reaper
from tests.infrastructure.providers.building import built

MARKS = {"after lock", "before commit", "after commit"} | {
    f"{when} {what}" for when in ("before", "after") for what in ("save", "submit", "collect", "receive")
}
"""Of a transaction only these: death in between leaves no other trace."""


class TappedProvider:
    """A provider as it is; before and after each call the tap is told."""

    def __init__(self, provider: Provider, tap: Step) -> None:
        self._provider, self._tap = provider, tap

    @property
    def name(self) -> str:
        return self._provider.name

    @property
    def recovery(self) -> Recovery:
        return self._provider.recovery

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        self._tap("before submit")
        answer = await self._provider.submit(task, progress)
        self._tap("after submit")
        return answer

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        self._tap("before collect")
        delivery = await self._provider.collect(task, job, progress)
        self._tap("after collect")
        return delivery

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
        return await self._provider.find(task)

    async def cancel(self, task: Task, job: Job | None) -> bool:
        return await self._provider.cancel(task, job)

    async def check(self) -> str:
        return await self._provider.check()

    def lacks(self, route: str) -> str:
        return self._provider.lacks(route)

    async def close(self) -> None:
        await self._provider.close()


class TappedAssets:
    """The real files; the tap is told before and after each is saved or received, and after each piece that comes."""

    def __init__(self, assets: AssetStore, tap: Step) -> None:
        self._assets, self._tap = assets, tap

    async def save(self, account: str, media: Media) -> Asset:
        self._tap("before save")
        asset = await self._assets.save(account, media)
        self._tap("after save")
        return asset

    async def receive(
        self, account: str, content: AsyncIterator[bytes], media_types: Sequence[str], *, field: str = "output"
    ) -> Asset:
        self._tap("before receive")
        asset = await self._assets.receive(account, self._told(content), media_types, field=field)
        self._tap("after receive")
        return asset

    async def _told(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in content:
            yield piece
            self._tap("while receiving")

    async def load(self, account: str, asset: Asset) -> Media:
        return await self._assets.load(account, asset)

    def pieces(self, account: str, asset: Asset) -> Iterator[bytes]:
        return self._assets.pieces(account, asset)

    async def exists(self, account: str, asset: Asset) -> bool:
        return await self._assets.exists(account, asset)

    def path(self, account: str, asset: Asset) -> str | None:
        return self._assets.path(account, asset)

    def where(self, account: str, asset: Asset) -> str:
        return self._assets.where(account, asset)


LOOK = partial(look_at, max_bytes=10**8, max_pixels=10**8)


def tapped_parts(home: Path, tap: Step) -> Parts:
    pool = ThreadPoolExecutor(2)
    folder = home / "scripted"
    providers: dict[str, Provider] = {
        "scripted": ScriptedProvider(folder, executor=pool),
        "blind": ScriptedProvider(folder, name="blind", recovery=Recovery.BLIND, executor=pool),
        "local": built("local", executor=pool),
    }
    tapped = {name: TappedProvider(provider, tap) for name, provider in providers.items()}
    assets = TappedAssets(shelf_in(home / "assets", pool, LOOK), tap)
    return Parts(assets=assets, providers=tapped, store=partial(TappedStore, tap=tap))


@contextmanager
def statements(tap: Step) -> Iterator[None]:
    """Every statement of this process that writes is a step."""

    def told(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(("INSERT", "UPDATE", "COMMIT")):
            tap(f"after {statement}")

    event.listen(Engine, "after_cursor_execute", told)
    yield
    event.remove(Engine, "after_cursor_execute", told)


def request_for(model: str, account: str) -> Request:
    """Under a key named as the account."""
    if model == LOCAL:
        return Request(
            "image-edit", account, {"prompt": "sepia"}, {"image": [picture()]}, key=account, allow="stand-in"
        )
    return Request("text-to-image", account, {"prompt": "a lake", "seed": 7}, model=model, key=account)


async def perform(url: str, home: Path, model: str, account: str, last: int) -> None:
    """Ask, perform, settle and project; dead after step `last`, if there are that many."""
    reaper = Reaper(last)

    def tap(step: str) -> None:
        if step in MARKS:
            reaper(step)

    async with open_studio(settings_for(url, home), tapped_parts(home, tap), serve=False) as studio:
        await studio.operations.run(request_for(model, account))
        with statements(reaper) if model == SYNC else nullcontext():  # views are one for all models
            studio.views.catch_up()


async def recover(url: str, home: Path) -> list[Recovered]:
    """What another process does, long after."""
    async with studio_on(url, home, clock=later()) as studio:
        return await studio.upkeep.recover()
