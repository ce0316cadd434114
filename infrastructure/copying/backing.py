"""A backup of a whole ledger, taken while others go on: its tables as of one moment, and the files that they name.

    one moment of the database ── every table ── the log's chains hold ──> parts ─┐
    the files that the log needs ── each by its digest ─────────────────> files ──┴─ manifest ── the folder has its name

Files are copied after the tables: a fact is recorded when its files are durable, so none is missing that was not lost
or erased. A backup that was stopped has another name, and is begun anew.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from domain.counts import counted
from domain.errors import AssetDamaged, InvalidInput, StoreUnavailable
from infrastructure.clock import now
from infrastructure.copying.chained import ChainedRows
from infrastructure.copying.parts import FILES, Manifest, TablePart, write_manifest, write_part
from infrastructure.copying.rows import line_of, one_moment, stored_rows, whole_rows
from infrastructure.files.alone import alone
from infrastructure.files.belonging import Belonging
from infrastructure.files.folder import LocalFolder
from infrastructure.files.naming import digest_in, home_of, is_thumbnail
from infrastructure.files.place import FilePlace, KeptFile
from infrastructure.files.saving import flush_folder
from infrastructure.files.verifying import verified_pieces
from infrastructure.showing.formats import iso
from infrastructure.store.database import Database
from infrastructure.store.migrations import HEAD
from infrastructure.store.schema import LEDGER, LOG, METADATA

LEFT_OUT: Final = frozenset({"milestones", "slots", "search_mark", "archive_segments", "archived_streams"})
"""Tables that nobody misses: shortcuts, who is at a provider just now, and the archive's, whose facts are in the log's
part."""

Told = Callable[[float, str], None]

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
"""It is the copy that has no space: what is read takes none."""


@dataclass(frozen=True, slots=True)
class CopiedFiles:
    """Files by how they ended: copied, with their bytes; not there any more; and not what was written."""

    files: int = 0
    size: int = 0
    missing: int = 0
    damaged: int = 0


def back_up_whole(database: Database, files: Belonging, target: Path, told: Told) -> Manifest:
    """Back a ledger up into a folder that does not exist yet, and appears whole or not at all.

    Raises InvalidInput if it is there or being written, LogCorrupted if the log is damaged, StoreUnavailable.
    """
    unfinished = target.with_name(f".{target.name}.part")
    with ExitStack() as held:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(alone(target, "DIR"))
            if target.exists():
                hint = "name a new folder; nothing is overwritten"
                raise InvalidInput("DIR", f"{target} is there already", hint=hint)
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(mode=0o700)
        except OSError as error:
            raise StoreUnavailable(f"{target} cannot be made: {error}", hint="may you write there?") from error
        held.callback(shutil.rmtree, unfinished, ignore_errors=True)
        manifest = _written(database, files, unfinished, told)
        unfinished.rename(target)
        flush_folder(target.absolute().parent)
    return manifest


def _written(database: Database, files: Belonging, folder: Path, told: Told) -> Manifest:
    chained = ChainedRows()
    with one_moment(database) as connection:
        ledger = connection.execute(LEDGER.select()).first()
        parts: dict[str, TablePart] = {}
        for count, table in enumerate(METADATA.sorted_tables):
            if table.name not in LEFT_OUT:
                told(0.6 * count / len(METADATA.tables), f"table {table.name}")
                whole = whole_rows(connection, database.archive) if table is LOG else ()
                rows = _log_rows(whole, chained) if table is LOG else map(line_of, stored_rows(connection, table))
                parts[table.name] = write_part(folder, table.name, rows)
    copied = copy_files(files, LocalFolder(folder / FILES), told)
    counts = (copied.files, copied.size, copied.missing, copied.damaged)
    id = "" if ledger is None else str(ledger.id)
    manifest = Manifest(id, HEAD, chained.position, iso(now()), str(chained.seal()), parts, *counts)
    write_manifest(folder, manifest)
    return manifest


def _log_rows(rows: Iterable[dict[str, Any]], chained: ChainedRows) -> Iterator[bytes]:
    return (line_of([*row.values()]) for row in chained.passed(rows))


def copy_files(files: Belonging, target: FilePlace, told: Told, account: str | None = None) -> CopiedFiles:
    """Copy the files that the log needs, of all accounts or of one account's folder; each is checked by its digest."""
    needed = files.known()
    if account is not None:
        needed = {account: needed.get(account, ())}
    total, found, size, damaged = sum(map(len, needed.values())), 0, 0, 0
    for one in files.place.files():
        folder = one.name.partition("/")[0]
        if not one.is_whole or is_thumbnail(one.name) or digest_in(one.name) not in needed.get(folder, ()):
            continue
        try:
            size += _copied(files.place, one, target)
            found += 1
        except AssetDamaged:
            damaged += 1
        except FileNotFoundError:
            continue
        told(0.6 + 0.4 * found / max(total, 1), f"{found:,} of {counted(total, 'file')}")
    return CopiedFiles(found, size, max(0, total - found - damaged), damaged)


def _copied(source: FilePlace, one: KeptFile, target: FilePlace) -> int:
    name = home_of(one.name)
    try:
        target.put(name, verified_pieces(source.read(one.name), digest_in(name)))
    except StoreUnavailable as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno not in FULL:
            raise
        told = f"{name} cannot be written to {target.where}: {error.__cause__.strerror}"
        raise StoreUnavailable(told, hint="is there space?") from error
    return one.size
