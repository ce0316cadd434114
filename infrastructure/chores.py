"""An open studio's chores: renew its leases, keep its views up, settle what dead processes left open, erase in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager

from application.following.feed import Feed
from application.keeping.invoices import Invoices
from application.keeping.renewing import Renewals
from application.keeping.upkeep import Upkeep
from application.keeping.watch import LogWatch
from application.library.library import Library
from application.performing.gates import Gates
from application.performing.ownership import Ownership
from domain.errors import ImageStudioError, StoreError
from infrastructure.clock import SECOND
from infrastructure.files.belonging import Belonging
from projections.engine.projector import NET, Projector, ProjectorThread

MINUTE = 60

LOGGER = logging.getLogger("imagestudio")


@contextmanager
def keeping_views(projector: Projector, feed: Feed) -> Iterator[None]:
    """Keep the views up with the log meanwhile."""
    with closing(ProjectorThread(projector, poll=NET)) as thread, feed.listening(thread.appended):
        yield


async def recovering(upkeep: Upkeep, seconds: int) -> None:
    """Settle what dead processes left open: at once, and then whenever another lease may have ended."""
    while True:
        try:
            for one in await upkeep.recover():
                LOGGER.info("recovered: %s, now %s", one.action, one.phase, extra={"operation": one.operation})
        except StoreError as error:
            LOGGER.warning("nothing could be recovered for now: %s", error)
        await asyncio.sleep(seconds)


async def expiring(library: Library, seconds: int) -> None:
    """Erase assets whose time is over, every so often."""
    while True:
        await asyncio.sleep(seconds)
        try:
            erased = await library.erase_due()
            if erased.assets:
                LOGGER.info("erased %d assets whose time was over", len(erased.assets))
        except ImageStudioError as error:
            LOGGER.warning("assets whose time is over could not be erased for now: %s", error)


async def paying_plans(renewals: Renewals, seconds: int) -> None:
    """Record what became due of quiet accounts, every so often."""
    while True:
        try:
            if renewed := await renewals.turn():
                LOGGER.info("recorded what was due of %d accounts", renewed)
        except ImageStudioError as error:
            LOGGER.warning("what was due of quiet accounts could not be recorded for now: %s", error)
        await asyncio.sleep(seconds)


async def looking_for_drift(invoices: Invoices, seconds: int) -> None:
    """Tell of providers' invoices that differ by now from our costs, every so often."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await invoices.check()
        except ImageStudioError as error:
            LOGGER.warning("providers' invoices could not be looked at for now: %s", error)


async def staying_marked(files: Belonging, seconds: int) -> None:
    """Note beside the files how far the log is, so that a process that is killed leaves it noted, too."""
    while True:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(move_on, files)


def move_on(files: Belonging) -> None:
    try:
        files.move_on()
    except StoreError as error:  # the marker stays behind, which is never wrong
        LOGGER.warning("how far the log is could not be noted beside the files: %s", error)


async def renewing(ownership: Ownership, gates: Gates) -> None:
    """Renew the leases of what this process works on, and of its slots at providers, well before they end."""
    while True:
        await asyncio.sleep(ownership.lease / SECOND / 3)
        try:
            await ownership.renew()
            await gates.renew()
        except StoreError as error:  # the leases may run out; recovery and the ledger's state keep that safe
            LOGGER.warning("leases could not be renewed: %s", error)


async def watching(watch: LogWatch, minutes: int) -> None:
    """Verify the log, again and again, and have it sealed; one process does, and so many minutes after the last.

    It looks every minute: whoever has the turn may have ended.
    """
    try:
        while True:
            await asyncio.sleep(MINUTE)
            await asyncio.to_thread(watch.turn, minutes * MINUTE)
    finally:
        watch.end()
