"""An account's export for whoever is elsewhere: written into a file of this machine, and read from there as it is sent.

async with studio.copies.exported("acme") as copy:
    ...  # copy.file, until it is left
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from domain.errors import IllegalTransition

if TYPE_CHECKING:
    from infrastructure.copying.accounts import AccountCopy
    from infrastructure.files.belonging import Belonging
    from infrastructure.store.database import Database


@dataclass(frozen=True, slots=True)
class SentCopy:
    """A file that is there for a while, and what is in it."""

    file: Path
    copy: AccountCopy


@dataclass(frozen=True, slots=True)
class AccountCopies:
    """Exports of accounts; `files` are those of the ledger, None if they are kept by something else."""

    database: Database
    files: Belonging | None

    async def export(self, account: str, target: Path, *, with_files: bool = False) -> AccountCopy:
        """Write an account into one new file, which appears whole or not at all.

        Raises UnknownAccount, InvalidInput if the file is there, LogCorrupted, StoreUnavailable.
        """
        if self.files is None:
            raise IllegalTransition("this studio's files are not its own", hint="export where the ledger is kept")
        from infrastructure.copying.accounts import export_account

        told = (self.database, self.files, account, target, _silent)
        return await asyncio.to_thread(export_account, *told, with_files=with_files)

    @asynccontextmanager
    async def exported(self, account: str, *, with_files: bool = False) -> AsyncIterator[SentCopy]:
        """The same in a file that is deleted when it is left. Raises as `export`."""
        with TemporaryDirectory(prefix="imagestudio-export-") as folder:
            file = Path(folder) / "account.tar"
            yield SentCopy(file, await self.export(account, file, with_files=with_files))


def _silent(_fraction: float, _message: str) -> None:
    """Nobody watches."""
