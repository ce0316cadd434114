"""Opens a studio, and loads only then what carries out requests: a second's work for who only wants the names."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infrastructure.blocking import BlockingStudio
    from infrastructure.service import Studio
    from infrastructure.settings import Settings


@asynccontextmanager
async def open_studio(settings: Settings | None = None, *, serve: bool = True) -> AsyncIterator[Studio]:
    """A studio on the settings' database, closed without losing anything; settings are the environment's if not given.

    With `serve` it is a service: it settles what dead processes left open, and keeps its views up to date. Without,
    as for one script, views are brought up to date by `views.catch_up`. A ledger on SQLite is made if there is none.

    Raises ImageStudioError if the ledger, its files or the catalogue cannot be used.
    """
    await asyncio.to_thread(_load)  # the event loop goes on meanwhile
    from infrastructure import bootstrap

    async with bootstrap.open_studio(settings, serve=serve) as studio:
        yield studio


@contextmanager
def open_blocking(settings: Settings | None = None, *, serve: bool = True) -> Iterator[BlockingStudio]:
    """The studio that `open_studio` opens, without await: from any thread, on an event loop of its own."""
    from infrastructure import blocking

    with blocking.open_blocking(settings, serve=serve) as studio:
        yield studio


@asynccontextmanager
async def working(studio: Studio, *, places: int = 16, seconds: float = 60.0) -> AsyncIterator[None]:
    """Perform what waits in the queue meanwhile, so many operations at a time.

    In the end nothing more is claimed, and what was begun has so many seconds to end; the rest is left to recovery.
    """
    from infrastructure import working as workers

    async with workers.working(studio, places=places, seconds=seconds):
        yield


def _load() -> ModuleType:
    from infrastructure import bootstrap

    return bootstrap
