"""The surroundings of every command: settings with the options over them, the open studio, a bar of progress."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from domain.counts import counted
from domain.errors import InvalidInput, UnknownAccount
from infrastructure.cli.failures import note

if TYPE_CHECKING:
    from application.ports import Progress, Provider
    from infrastructure.assembly import Parts
    from infrastructure.reading import ReadingLedger
    from infrastructure.service import Studio
    from infrastructure.settings import Settings

COMMON = "Common"
PARTS: ContextVar[Parts | None] = ContextVar("parts", default=None)
"""The parts that are exchanged in the studio of the command that is run, if any."""


@dataclass(frozen=True, slots=True)
class CommandSession:
    """One command's surroundings."""

    db: Annotated[
        str | None,
        Option(
            "--db",
            metavar="URL",
            help="Database, as sqlite:///FILE or postgresql://HOST/NAME; otherwise IMAGESTUDIO_DATABASE_URL, "
            "otherwise a SQLite file in your data directory.",
            rich_help_panel=COMMON,
        ),
    ] = None
    config: Annotated[
        Path | None,
        Option(
            "--config",
            metavar="FILE",
            help="Settings in TOML, under those of the environment; otherwise the file that IMAGESTUDIO_CONFIG names.",
            rich_help_panel=COMMON,
        ),
    ] = None
    json: Annotated[bool, Option("--json", help="Print one JSON document.", rich_help_panel=COMMON)] = False

    def settings(self) -> Settings:
        """From the environment, with `--db` over it. Raises InvalidInput naming the variable that is wrong."""
        from infrastructure.settingwords import read_settings

        return read_settings(database_url=self.db, shards="") if self.db is not None else read_settings()

    async def settings_by_shard(self) -> Mapping[str, Settings]:
        """Those of each shard by its name, or of the only ledger, which has none."""
        from asyncio import to_thread

        from infrastructure.shards.opening import settings_of_each

        return await to_thread(settings_of_each, self.settings())

    def check_settings(self) -> None:
        """Warn of settings that there are not. Raises InvalidInput for one that is nearly the name of another."""
        from infrastructure.registry import unknown_settings

        for name, near in unknown_settings().items():
            if near:
                raise InvalidInput(name, "there is no such setting", hint=f"{near} may be meant; otherwise unset it")
            self.warn(f"there is no setting {name}", "unset it; see: imagestudio config")

    @asynccontextmanager
    async def studio(self, *, makes: bool = False, writes: bool = True) -> AsyncIterator[Studio]:
        """An open studio that serves this command alone: it recovers nothing and follows nothing.

        Only one that `makes` a ledger makes one; one that does not write changes nothing.
        """
        from infrastructure.assembly import USUAL
        from infrastructure.bootstrap import open_studio
        from infrastructure.opening import Access

        access = Access.MAKE if makes else Access.WRITE if writes else Access.READ
        async with open_studio(self.settings(), PARTS.get() or USUAL, serve=False, access=access) as studio:
            yield studio

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Studio]:
        """An open studio that does its chores, until the command ends."""
        from infrastructure.assembly import USUAL
        from infrastructure.bootstrap import open_studio
        from infrastructure.opening import Access

        async with open_studio(self.settings(), PARTS.get() or USUAL, access=Access.WRITE) as studio:
            yield studio

    @asynccontextmanager
    async def reading(self, *, whole: bool = True) -> AsyncIterator[ReadingLedger]:
        """The ledger, to be read and not changed; unless it has to be `whole`, also one that lost facts."""
        from infrastructure.reading import open_reading

        with open_reading(self.settings(), whole=whole) as reading:
            yield reading

    async def catch_up(self, reading: ReadingLedger) -> None:
        """Bring the views up to the log; if they cannot be, say how far behind they are."""
        from asyncio import to_thread

        from domain.errors import StoreUnavailable
        from infrastructure.showing.hints import in_shell

        try:
            await to_thread(reading.views.catch_up)
        except StoreUnavailable as error:
            behind = max(view.lag for view in await to_thread(reading.views.status))
            told = f"the views are {counted(behind, 'position')} behind the log, and cannot be brought up to date"
            self.warn(f"{told}: {error.message}", in_shell(error.advice))
        if await to_thread(reading.is_standby):
            told_of = min(view.position for view in await to_thread(reading.views.status))
            self.warn(f"this is a standby, and all is as of position {told_of} of the log", "ask the primary for newer")

    @asynccontextmanager
    async def providers(self) -> AsyncIterator[Mapping[str, Provider]]:
        """The providers alone: what they are asked needs no database."""
        from infrastructure.assembly import USUAL
        from infrastructure.bootstrap import open_providers

        async with open_providers(self.settings(), PARTS.get() or USUAL) as providers:
            yield providers

    def account(self, named: str | None) -> str:
        """The account that was named, else the setting's. Raises UnknownAccount with the command that opens one."""
        account = named if named is not None else self.settings().account
        if not account:
            from infrastructure.showing.hints import OPEN_ONE

            raise UnknownAccount(
                "no account is named: give --account, or set IMAGESTUDIO_ACCOUNT", hint=f"open one with: {OPEN_ONE}"
            )
        return account

    def warn(self, message: str, hint: str) -> None:
        """Something is amiss, yet the answer stands."""
        import json

        text = f"warning: {message}\n hint: {hint}"
        note(json.dumps({"warning": {"message": message, "hint": hint}}) if self.json else text)

    @contextmanager
    def progress(self, what: str) -> Iterator[Progress]:
        """A bar on stderr where somebody watches; silence where nobody does."""
        from application.ports import silent

        if self.json or not sys.stderr.isatty():
            yield silent
            return
        from infrastructure.cli.rendering import progress_bar

        with progress_bar(what) as report:
            yield report
