"""Opens a studio, keeps it going, and closes it.

async with open_studio(Settings()) as studio:
    await studio.accounts.open("acme", plan="pro")
    result = await studio.operations.generate("a lake at dawn", account="acme", user="ann")
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from application.ports import Provider
from application.providing.mistakes import close_all
from infrastructure.assembly import USUAL, Assembly, Parts
from infrastructure.chores import (
    expiring,
    keeping_views,
    looking_for_drift,
    paying_plans,
    recovering,
    renewing,
    staying_marked,
    watching,
)
from infrastructure.collector import SPARED
from infrastructure.opening import Access
from infrastructure.registry import build_providers, told_settings, unknown_settings
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.settingwords import read_settings
from infrastructure.supplies import contexts, output_downloads
from infrastructure.telemetry.around import Around, telemetry_of

LOGGER = logging.getLogger("imagestudio")
HOUR = 3600


@asynccontextmanager
async def open_studio(
    settings: Settings | None = None, parts: Parts = USUAL, *, serve: bool = True, access: Access = Access.MAKE
) -> AsyncIterator[Studio]:
    """A studio on the settings' database, its schema checked, its writer running; closed without losing anything.

    With `serve` it is a service: it settles what dead processes left open and keeps its views up to date. Without,
    as for one command, views are brought up to date when they are asked. A new SQLite file is made unless `access` says
    otherwise. Raises NoLedger, SchemaMismatch, ForeignFiles, FactsLost, StoreUnavailable, CatalogueError.
    """
    if settings is None:
        for name, near in unknown_settings().items():
            LOGGER.warning("there is no setting %s%s", name, f"; {near} may be meant" if near else "")
    used = settings or read_settings()
    if used.shards:
        from infrastructure.shards.opening import open_over_shards

        async with open_over_shards(used, parts, partial(_open_one, serve=serve, access=access)) as several:
            yield several
    else:
        async with _open_one(used, parts, serve=serve, access=access) as studio:
            yield studio


@asynccontextmanager
async def _open_one(used: Settings, parts: Parts, *, serve: bool, access: Access) -> AsyncIterator[Studio]:
    """A studio of one ledger."""
    with ExitStack() as stack:
        around = telemetry_of(used, serve=serve)
        made = await asyncio.to_thread(_assembled, used, parts, access, stack, around)
        chores = [asyncio.create_task(chore) for chore in _chores(made, serve=serve)]
        try:
            if serve:
                stack.enter_context(SPARED)
                stack.enter_context(keeping_views(made.projector, made.feed))
            yield made.studio
        finally:
            await made.operations.close()
            await _ended(chores)
            try:
                await close_all(made.by_name)
                for downloads in made.downloads:
                    await downloads.close()
                await made.hook_post.close()
            finally:
                await asyncio.to_thread(stack.close)


def _chores(made: Assembly, *, serve: bool) -> Iterator[Coroutine[Any, Any, None]]:
    """The work that goes on while it is open."""
    seconds = made.settings.lease_seconds
    yield renewing(made.ownership, made.gates)
    if made.files is not None:
        yield staying_marked(made.files, seconds)
    if serve:
        yield recovering(made.upkeep, seconds)
        yield expiring(made.library, seconds)
        yield paying_plans(made.renewals, seconds)
        yield looking_for_drift(made.studio.invoices, HOUR)
        if made.settings.reports is not None:
            yield _reporting(made, made.settings.reports)
        yield watching(made.studio.seals.watch, made.settings.seal_minutes)


async def _reporting(made: Assembly, folder: Path) -> None:
    """Make reports of periods that are over; what draws them is loaded by whoever wants that."""
    from infrastructure.clock import now
    from infrastructure.documents.brand import load_brand
    from infrastructure.reports.making import ReportFolder, reporting

    brand = await asyncio.to_thread(load_brand, made.settings.report_brand)
    await reporting(ReportFolder(made.studio, folder, brand, now))


async def _ended(chores: Sequence[asyncio.Task[None]]) -> None:
    for chore in chores:
        chore.cancel()
    for ended in await asyncio.gather(*chores, return_exceptions=True):
        if isinstance(ended, Exception):
            LOGGER.error("a chore of the studio ended too early", exc_info=ended)


def _assembled(settings: Settings, parts: Parts, access: Access, stack: ExitStack, around: Around) -> Assembly:
    made = Assembly(settings, parts, access, stack, around)
    _ = made.studio  # all of it is made in this thread
    return made


@asynccontextmanager
async def open_providers(settings: Settings, parts: Parts = USUAL) -> AsyncIterator[Mapping[str, Provider]]:
    """The providers by name, without a ledger, for those who only ask what can be used here."""
    own = told_settings(settings, parts.providers)
    downloads = output_downloads(settings, own)
    with ThreadPoolExecutor(settings.workers, thread_name_prefix="worker") as pool:
        providers = parts.providers or build_providers(own, contexts(settings, pool, downloads))
        try:
            yield providers
        finally:
            await close_all(providers)
            await downloads.close()
