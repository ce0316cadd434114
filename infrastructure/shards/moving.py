"""One account moved from a shard to another; stopped at any moment, the same command goes on.

    here    left ── what is open is settled ── copied ─────────────────── what was left is erased, and counts no more
    there                                        └─ arrived ── found there ─┘

The facts AccountLeft and AccountArrived say who decides, and the directory where to look. Between the two nobody
decides, and whoever asks is told to try again. Each step finds out by itself whether it was done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final

from sqlalchemy import func, insert, select

from application.ledger.group import Proposal
from application.ports import silent
from domain.counts import counted
from domain.errors import InvalidInput, StoreUnavailable, UnknownAccount
from domain.ledger import Fact, Ledger
from domain.operation import CLOSED_PHASES
from domain.relocation import arrive, leave
from infrastructure.assembly import USUAL, Parts
from infrastructure.bootstrap import open_studio
from infrastructure.copying.accounts import export_account, import_account
from infrastructure.opening import Access, belonging, claimed, open_log
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.shards.directory import Directory, Home
from infrastructure.shards.opening import named_shards, open_directory, settings_of
from infrastructure.store.database import Database
from infrastructure.store.reader import SqlReader
from infrastructure.store.schema import ACCOUNTS, DEPARTED, OPERATIONS

LOOK: Final = 0.2
"""Seconds between looks whether anything is still open."""
STEPS: Final = ("left", "noted", "settled", "copied", "arrived", "found", "erased", "hidden")
"""The points between which a move may be stopped, in their order."""


@dataclass(frozen=True, slots=True)
class MovedAccount:
    """An account that was moved, from where and to where."""

    account: str
    origin: str
    shard: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMove:
    """One move: `reached` is told of each of STEPS, and what is open has so many `seconds` to be settled."""

    settings: Settings
    directory: Directory
    account: str
    to: str
    reason: str
    seconds: float
    parts: Parts
    reached: Callable[[str], None]

    async def run(self) -> MovedAccount:
        """Do what is left of it. Raises InvalidInput, UnknownAccount, StoreUnavailable."""
        home = await asyncio.to_thread(self._home)
        origin = home.moved_from or home.shard
        if home.shard != self.to:
            await self._leave(origin)
            await self._change(Home(origin, moving_to=self.to), "noted")
            await self._settled(origin)
            await asyncio.to_thread(self._copy, origin)
            self.reached("copied")
            await self._arrive(origin)
            await self._change(Home(self.to, moved_from=origin), "found")
        if origin != self.to:
            await self._clear(origin)
        await asyncio.to_thread(self.directory.write, self.account, Home(self.to))
        return MovedAccount(self.account, origin, self.to)

    def _home(self) -> Home:
        """Its home, if it may go where it is wanted. Raises InvalidInput, UnknownAccount."""
        shards, home = named_shards(self.directory), self.directory.home(self.account)
        if self.to not in shards:
            raise InvalidInput("to", f"there is no shard {self.to!r}", hint=f"there are: {', '.join(shards)}")
        if home is None:
            raise UnknownAccount(f"no account {self.account!r} in any shard")
        going = home.moving_to or (home.shard if home.moved_from is not None else self.to)
        if going != self.to:
            told = f"account {self.account!r} is on its way to {going!r}"
            raise InvalidInput("to", told, hint="let it arrive first")
        if home == Home(home.shard) and home.shard != self.to and self._is_in(self.to):
            told = f"shard {self.to!r} has facts of account {self.account!r} from before it was moved"
            raise InvalidInput("to", told, hint="name a shard in which it never was")
        return home

    async def _change(self, home: Home, step: str) -> None:
        await asyncio.to_thread(self.directory.write, self.account, home)
        self.reached(step)

    async def _leave(self, origin: str) -> None:
        """Nothing new is decided any more."""
        async with self._studio(origin) as studio:
            await self._decide(studio, lambda ledger, now: leave(ledger, self.account, self.to, now, self.reason))
        self.reached("left")

    async def _settled(self, origin: str) -> None:
        """Wait for what is open, without holding anybody else up. Raises StoreUnavailable once that takes too long."""
        deadline = monotonic() + self.seconds
        with closing(Database(self._of(origin).database, reading=True)) as database:
            while still_open := await asyncio.to_thread(open_of, database, self.account):
                if monotonic() >= deadline:
                    told = f"account {self.account!r} has {counted(still_open, 'open operation')} still"
                    raise StoreUnavailable(
                        told, hint="nothing new is admitted meanwhile; move it again once they ended"
                    )
                await asyncio.sleep(LOOK)
        self.reached("settled")

    def _copy(self, origin: str) -> None:
        """All of it is there in one transaction, or nothing is."""
        source, target = self._of(origin), self._of(self.to)
        if self._is_in(self.to):
            return
        with TemporaryDirectory(prefix="imagestudio-move-") as held:
            file = Path(held) / "account.tar"
            with closing(open_log(source, Access.READ)) as here:
                export_account(here.database, belonging(source, here), self.account, file, silent, with_files=True)
            with closing(open_log(target, Access.WRITE)) as there:
                import_account(there.database, there.codec, claimed(target, there), file, silent)

    def _is_in(self, shard: str) -> bool:
        with closing(Database(self._of(shard).database, reading=True)) as database:
            return bool(database.rows(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == self.account)))

    async def _arrive(self, origin: str) -> None:
        async with self._studio(self.to) as studio:
            await self._decide(studio, lambda ledger, now: arrive(ledger, self.account, self.to, origin, now))
        self.reached("arrived")

    async def _clear(self, origin: str) -> None:
        """Erase what is personal where it was, and let views count it no more."""
        async with self._studio(origin) as studio:
            await studio.upkeep.erase_account(self.account, reason=f"moved to shard {self.to}")
            self.reached("erased")
            await asyncio.to_thread(self._hide, origin)
            await asyncio.to_thread(studio.audit.rebuild)
            self.reached("hidden")

    def _hide(self, origin: str) -> None:
        with closing(Database(self._of(origin).database)) as database:
            known = {row[0] for row in database.rows(select(DEPARTED.c.stream))}
            new = [{"stream": one} for one in SqlReader(database).streams_of(self.account) if one not in known]
            with database.transaction() as connection:
                if new:
                    connection.execute(insert(DEPARTED), new)

    def _of(self, shard: str) -> Settings:
        return settings_of(self.settings, shard, self.directory.shards()[shard])

    def _studio(self, shard: str) -> AbstractAsyncContextManager[Studio]:
        return open_studio(self._of(shard), self.parts, serve=False, access=Access.WRITE)

    async def _decide(self, studio: Studio, decide: Callable[[Ledger, int], list[Fact]]) -> None:
        actor = str(studio.accounts.operator)
        await studio.accounts.writer.put(Proposal(self.account, decide, actor=actor))


def open_of(database: Database, account: str) -> int:
    """How many operations of an account are open."""
    open_now = (OPERATIONS.c.account == account) & OPERATIONS.c.phase.not_in(sorted(CLOSED_PHASES))
    return int(database.rows(select(func.count()).select_from(OPERATIONS).where(open_now))[0][0])


async def move_account(
    settings: Settings,
    account: str,
    to: str,
    *,
    reason: str = "",
    seconds: float = 60.0,
    parts: Parts = USUAL,
    reached: Callable[[str], None] = lambda _step: None,
) -> MovedAccount:
    """Move an account to a shard, or do what is left of that.

    Raises UnknownAccount, InvalidInput, StoreUnavailable if operations are still open, or a database is away.
    """
    with open_directory(settings) as directory:
        move = AccountMove(
            settings=settings,
            directory=directory,
            account=account,
            to=to,
            reason=reason,
            seconds=seconds,
            parts=replace(parts, moves=True),
            reached=reached,
        )
        return await move.run()
