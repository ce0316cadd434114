"""The studio for scripts: the same methods without await, from any thread, on an event loop of its own.

with open_blocking(Settings()) as studio:
    studio.accounts.open("acme", plan="pro")
    result = studio.operations.generate("a lake at dawn", account="acme", user="ann")
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from threading import Thread, current_thread
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from application.asking.operations import Operations
from application.asking.requests import File, Result
from application.keeping.accounts import Accounts
from application.keeping.keys import Keys
from application.keeping.providers import Providers
from application.keeping.upkeep import Upkeep
from application.library.library import Library
from application.ports import Progress, silent
from domain.catalogue import Catalogue
from domain.errors import ShuttingDown
from infrastructure.assembly import USUAL, Parts
from infrastructure.bootstrap import open_studio
from infrastructure.service import Studio
from infrastructure.settings import Settings
from projections.audit import Audit
from projections.queries import Views

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
P = ParamSpec("P")
R = TypeVar("R")


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="studio", daemon=True)
        self._thread.start()
        self._open = True

    def run(self, work: Coroutine[Any, Any, R]) -> R:
        """The result of `work`, or its error. Whoever stops waiting, as by Ctrl-C, cancels it."""
        if current_thread() is self._thread:
            work.close()
            raise RuntimeError("a progress callback cannot wait for the studio that called it")
        if not self._open:
            work.close()
            raise ShuttingDown("the studio was closed", hint="work inside the with block")
        future: Future[R] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def close(self) -> None:
        """End the loop, once; what still runs in it is cancelled first."""
        self._open = False
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Blocking(Generic[T_co]):
    """Runs the methods of its subject on the loop, and waits for them."""

    def __init__(self, subject: T_co, loop: Loop) -> None:
        self._subject = subject
        self._loop = loop


def _waiting(method: Callable[Concatenate[T, P], Coroutine[Any, Any, R]]) -> Callable[Concatenate[Blocking[T], P], R]:
    """The method without await, of the same arguments."""

    @wraps(method)
    def call(self: Blocking[T], /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._loop.run(method(self._subject, *args, **kwargs))

    return call


class BlockingOperations(Blocking[Operations]):
    """Whatever is asked of models. Progress callbacks are called from the studio's own thread."""

    run = _waiting(Operations.run)
    submit = _waiting(Operations.submit)
    wait = _waiting(Operations.wait)
    look = _waiting(Operations.look)
    cancel = _waiting(Operations.cancel)
    notified = _waiting(Operations.notified)
    estimate = _waiting(Operations.estimate)
    account_of = _waiting(Operations.account_of)
    answered = _waiting(Operations.answered)

    def generate(self, prompt: str, *, account: str, progress: Progress = silent, **options: Any) -> Result:
        """As `Operations.generate`."""
        return self._loop.run(self._subject.generate(prompt, account=account, progress=progress, **options))

    def edit(self, image: File, prompt: str, *, account: str, progress: Progress = silent, **options: Any) -> Result:
        """As `Operations.edit`."""
        return self._loop.run(self._subject.edit(image, prompt, account=account, progress=progress, **options))

    def upscale(self, image: File, *, account: str, progress: Progress = silent, **options: Any) -> Result:
        """As `Operations.upscale`."""
        return self._loop.run(self._subject.upscale(image, account=account, progress=progress, **options))


class BlockingAccounts(Blocking[Accounts]):
    """The use cases of those who run accounts."""

    open = _waiting(Accounts.open)
    show = _waiting(Accounts.show)
    limits = _waiting(Accounts.limits)
    change_plan = _waiting(Accounts.change_plan)
    change_limit = _waiting(Accounts.change_limit)
    inherit_limit = _waiting(Accounts.inherit_limit)
    change_time_zone = _waiting(Accounts.change_time_zone)
    end_period = _waiting(Accounts.end_period)
    suspend = _waiting(Accounts.suspend)
    resume = _waiting(Accounts.resume)
    close = _waiting(Accounts.close)
    allow = _waiting(Accounts.allow)
    forbid = _waiting(Accounts.forbid)
    add_credit = _waiting(Accounts.add_credit)
    on_limit = _waiting(Accounts.on_limit)


class BlockingKeys(Blocking[Keys]):
    """The use cases of those who administer API keys."""

    issue = _waiting(Keys.issue)
    list = _waiting(Keys.list)
    show = _waiting(Keys.show)
    change = _waiting(Keys.change)
    revoke = _waiting(Keys.revoke)
    known = _waiting(Keys.known)
    ensure_first_key = _waiting(Keys.ensure_first_key)


class BlockingProviders(Blocking[Providers]):
    """The providers' side of the table."""

    reconcile = _waiting(Providers.reconcile)


class BlockingLibrary(Blocking[Library]):
    """The asset library."""

    list = _waiting(Library.list)
    show = _waiting(Library.show)
    lineage = _waiting(Library.lineage)
    known = _waiting(Library.known)
    of_operation = _waiting(Library.of_operation)
    trash = _waiting(Library.trash)
    restore = _waiting(Library.restore)
    expire = _waiting(Library.expire)
    erase = _waiting(Library.erase)
    empty_trash = _waiting(Library.empty_trash)
    erase_due = _waiting(Library.erase_due)
    archive = _waiting(Library.archive)


class BlockingUpkeep(Blocking[Upkeep]):
    """The studio's housekeeping."""

    recover = _waiting(Upkeep.recover)
    working = _waiting(Upkeep.working)
    adjust = _waiting(Upkeep.adjust)
    refund = _waiting(Upkeep.refund)
    erase = _waiting(Upkeep.erase)
    find_unneeded = _waiting(Upkeep.find_unneeded)
    sweep = _waiting(Upkeep.sweep)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockingStudio:
    """An open studio; views and audit are a studio's own, which block anyway."""

    operations: BlockingOperations
    accounts: BlockingAccounts
    keys: BlockingKeys
    views: Views
    audit: Audit
    providers: BlockingProviders
    upkeep: BlockingUpkeep
    library: BlockingLibrary
    catalogue: Catalogue


def _blocking(studio: Studio, loop: Loop) -> BlockingStudio:
    return BlockingStudio(
        operations=BlockingOperations(studio.operations, loop),
        accounts=BlockingAccounts(studio.accounts, loop),
        keys=BlockingKeys(studio.keys, loop),
        views=studio.views,
        audit=studio.audit,
        providers=BlockingProviders(studio.providers, loop),
        upkeep=BlockingUpkeep(studio.upkeep, loop),
        library=BlockingLibrary(studio.library, loop),
        catalogue=studio.catalogue,
    )


@contextmanager
def open_blocking(
    settings: Settings | None = None, parts: Parts = USUAL, *, serve: bool = True
) -> Iterator[BlockingStudio]:
    """The studio that `open_studio` opens, for code without an event loop; also inside one, where it blocks it."""
    loop = Loop()
    try:
        opened = open_studio(settings, parts, serve=serve)
        studio = loop.run(_awaited(opened.__aenter__()))
        try:
            yield _blocking(studio, loop)
        finally:
            loop.run(_awaited(opened.__aexit__(None, None, None)))
    finally:
        loop.close()


async def _awaited(work: Awaitable[R]) -> R:
    return await work
