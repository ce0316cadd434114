"""A backup of all shards, each in a folder of its own under one name, and bringing it back.

    no account is being moved ── a ── b ── … each as of a moment of its own ── none was moved meanwhile ── the folder
    folder ── every shard's part into that shard, which is empty ── its accounts and jobs into the directory

A shard is a ledger, and no fact of one names another's, so that their moments need not be one. An account that was
moved between two of them would be in both parts, or in neither: then there is no backup.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import select

from domain.errors import AccountExists, InvalidInput, StoreUnavailable
from infrastructure.copying.accounts import opened_export
from infrastructure.copying.backing import Told, back_up_whole
from infrastructure.copying.parts import MANIFEST, Manifest, read_manifest
from infrastructure.copying.restoring import RestoredLedger, restore
from infrastructure.opening import Access, belonging, open_log
from infrastructure.settings import Settings
from infrastructure.shards.adopting import adopt
from infrastructure.shards.costs import refuse_twice
from infrastructure.shards.directory import Directory
from infrastructure.shards.opening import named_shards, open_directory, settings_of
from infrastructure.store.database import Database
from infrastructure.store.identity import ledger_id
from infrastructure.store.reader import SqlReader
from infrastructure.store.schema import ACCOUNTS

AGAIN: Final = "make the backup again"


def back_up_ledger(settings: Settings, folder: Path, told: Told) -> Manifest:
    """Back up one ledger; blocks. Raises as `back_up_whole`."""
    with closing(open_log(settings, Access.READ)) as log:
        return back_up_whole(log.database, belonging(settings, log), folder, told)


def back_up_shards(settings: Settings, folder: Path, told: Told) -> Mapping[str, Manifest]:
    """Back up every shard into a folder that does not exist yet, and appears whole or not at all; blocks.

    Raises InvalidInput if it is there, LogCorrupted, StoreUnavailable, also if an account is moved meanwhile.
    """
    if folder.exists():
        raise InvalidInput("DIR", f"{folder} is there already", hint="name a new folder; nothing is overwritten")
    unfinished = folder.with_name(f".{folder.name}.shards")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        with open_directory(settings) as directory:
            refuse_twice(directory)
            changes = directory.changes()
            made = {}
            for name, url in named_shards(directory).items():
                made[name] = back_up_ledger(settings_of(settings, name, url), unfinished / name, told)
            refuse_twice(directory)
            _refuse_moved(directory, changes)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return made


def _refuse_moved(directory: Directory, changes: int) -> None:
    """Raises StoreUnavailable if an account was moved since so many changes of the directory."""
    moved = directory.changed_since(changes)
    for name, url in named_shards(directory).items() if moved else ():
        here = [account for account, home in moved.items() if home.shard != name]
        with closing(Database(url, reading=True)) as database:
            left = database.rows(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id.in_(here)).limit(1))
        if left:
            raise StoreUnavailable(f"account {left[0][0]!r} was moved meanwhile", hint=AGAIN)


def restore_shards(folder: Path, settings: Settings, told: Told) -> Mapping[str, RestoredLedger]:
    """Bring a backup of shards back into shards of the same names that are empty, and tell the directory; blocks.

    Stopped, it goes on with the shards that are left.

    Raises InvalidInput for another backup or other shards, and as restoring one ledger does.
    """
    if (folder / MANIFEST).exists():
        raise InvalidInput(
            "DIR", f"{folder} is a backup of one ledger", hint="restore it into a database that is no shard"
        )
    with open_directory(settings) as directory:
        shards = named_shards(directory)
        parts = sorted(one.parent.name for one in folder.glob(f"*/{MANIFEST}"))
        if parts != sorted(shards):
            told_of = f"{folder} has {', '.join(parts) or 'no shard'}, and there are {', '.join(shards)}"
            raise InvalidInput("DIR", told_of, hint="add shards of the same names, and no others")
        found = {}
        for name, url in shards.items():
            one = settings_of(settings, name, url)
            found[name] = _brought_before(folder / name, one) or restore(folder / name, one, told)
            adopt(directory, name, url)
        return found


def _brought_before(folder: Path, settings: Settings) -> RestoredLedger | None:
    """The part that a shard holds already, as a restore brought it that was stopped at a later shard."""
    manifest = read_manifest(folder)
    with closing(Database(settings.database, reading=True)) as database:
        there = ledger_id(database), SqlReader(database).end()
    return RestoredLedger(manifest, manifest.files, None) if there == (manifest.ledger, manifest.position) else None


def place_export(settings: Settings, file: Path) -> Settings:
    """The settings of the ledger that an exported account is to be taken into: of shards, that of its name; blocks.

    Raises AccountExists if another shard has it, InvalidInput for what is no export.
    """
    if not settings.shards:
        return settings
    with opened_export(file) as (_folder, manifest), open_directory(settings) as directory:
        account, shards = manifest.account, named_shards(directory)
        home = directory.home(account) or directory.place(account, sorted(shards))
        if home.moves:
            raise AccountExists(f"account {account!r} is being moved", hint="nothing was taken in")
        return settings_of(settings, home.shard, shards[home.shard])


def adopt_imported(settings: Settings, shard: str) -> None:
    """Have the directory know the jobs of an account that was taken in; blocks."""
    if settings.shards:
        with open_directory(settings) as directory:
            adopt(directory, shard, named_shards(directory)[shard])
