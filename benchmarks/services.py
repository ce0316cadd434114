"""The share that studio services add to the operation they call: processor time, and calls of Python functions.

the request that a service builds, run directly ──┐
the service itself ───────────────────────────────┴──> what the service adds to it
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from io import BytesIO
from time import process_time
from types import FrameType
from typing import Any

from PIL import Image

from application.studios.services import Services
from benchmarks.stores import Place, Stores
from infrastructure.bootstrap import open_studio
from infrastructure.settings import Settings

WARM = 20


@dataclass(frozen=True, slots=True)
class Added:
    """One service: microseconds that its draft takes and its operation, and calls with and without it."""

    service: str
    draft: float
    operation: float
    calls: int
    calls_alone: int


def measure(stores: Stores, database: str, times: int, say: Callable[[str], None]) -> list[Added]:
    """Each service so many times, at models of this machine that do next to nothing."""
    with stores.fresh(database) as place:
        found = asyncio.run(_measure(place, times))
    for one in found:
        say(
            f"{database:10} {one.service:8} drafts in {one.draft:6.1f} us, {100 * one.draft / one.operation:4.1f} % of"
            f" its operation's {one.operation:8.1f} us; calls {one.calls_alone:5} -> {one.calls:5}"
        )
    return found


async def _measure(place: Place, times: int) -> list[Added]:
    settings = Settings(home=place.folder, database_url=place.url, scripted_enabled=True)
    async with open_studio(settings, serve=False) as studio:
        await studio.accounts.open("acme", plan="enterprise")
        return [await _added(name, draft, studio.operations.run, times) for name, draft in _drafts(studio.services)]


def _drafts(services: Services) -> list[tuple[str, Callable[[], Any]]]:
    """Each service's draft of a brief that uses much of what is preset; a scripted model does it."""
    written = BytesIO()
    Image.new("RGB", (64, 64), "red").save(written, "PNG")
    picture = written.getvalue()
    drawing = {"style": "anime", "negative": "people", "enhance": "rule", "model": "scripted-image"}
    editing = {"prompt": "sepia", "negative": "people", "model": "scripted-edit"}
    return [
        ("create", lambda: services.create.draft("a red kettle", "acme", drawing)),
        ("edit", lambda: services.edit.draft(picture, "image-edit", "acme", editing)),
        ("control", lambda: services.control.draft(picture, "a fox", "acme", {"model": "scripted-edit"})),
        ("upscale", lambda: services.upscale.draft(picture, "acme", {"model": "scripted-upscale"})),
    ]


async def _added(name: str, draft: Callable[[], Any], run: Callable[[Any], Awaitable[object]], times: int) -> Added:
    request = draft().request
    for _ in range(WARM):
        await run(request)
    begun = process_time()
    for _ in range(times):
        await run(request)
    operation = (process_time() - begun) / times
    begun = process_time()
    for _ in range(times):
        draft()
    drafted = (process_time() - begun) / times
    alone = await _counted(lambda: run(request))
    return Added(name, drafted * 1e6, operation * 1e6, await _counted(lambda: run(draft().request)), alone)


async def _counted(work: Callable[[], Awaitable[object]]) -> int:
    """Calls of Python functions in this thread meanwhile."""
    calls = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        await work()
    finally:
        sys.setprofile(None)
    return calls
