"""A backup brought back into an empty place, verified before, on the way and after.

    manifest and parts by their digests ── files by theirs ── the log's chains, and their seal ── an audit of the whole

The ledger appears when all of it is there: a SQLite file gets its name at the end, PostgreSQL commits once. Stopped
before, the same command begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select, text

from domain.counts import counted
from domain.errors import FactsLost, InvalidInput, SchemaMismatch, StoreError, StoreUnavailable
from infrastructure.copying.backing import Told
from infrastructure.copying.chained import ChainedRows
from infrastructure.copying.parts import FILES, Manifest, read_manifest, read_part
from infrastructure.copying.rows import put_facts, put_rows, row_of_line
from infrastructure.files.alone import alone
from infrastructure.files.belonging import MARKER, read_marker
from infrastructure.files.folder import LocalFolder
from infrastructure.files.naming import digest_in
from infrastructure.files.place import FilePlace
from infrastructure.files.saving import flush_folder
from infrastructure.files.verifying import verified_pieces
from infrastructure.files.where import place_of
from infrastructure.opening import Access, belonging, open_log
from infrastructure.sealfiles import check_sealed
from infrastructure.settings import Settings
from infrastructure.store.database import Database
from infrastructure.store.migrations import HEAD, is_empty, upgrade_schema
from infrastructure.store.schema import ACCOUNTS, ASSET_WORDS, LEDGER, LOG, METADATA
from infrastructure.store.urls import SQLITE, parse_url, sqlite_file, sqlite_url
from infrastructure.store.wording import reindex_words


@dataclass(frozen=True, slots=True)
class RestoredLedger:
    """A ledger that was brought back, and which facts it lost since, if a kept seal knows of newer ones."""

    manifest: Manifest
    files: int
    lost: FactsLost | None


def restore(source: Path, settings: Settings, told: Told) -> RestoredLedger:
    """Bring a backup back into the settings' database and files, which both have to be empty; blocks.

    Raises InvalidInput for what is no whole backup or no empty place, LogCorrupted, AssetDamaged, StoreUnavailable.
    """
    told(0.0, "checking the backup")
    manifest = read_manifest(source)
    if manifest.schema != HEAD:
        wanted = f"the backup's schema is {manifest.schema}, and this program's {HEAD}"
        raise SchemaMismatch(wanted, hint="restore it with the program that made it, and then upgrade")
    files = LocalFolder(source / FILES)
    _check_files(files, manifest)
    place = place_of(settings)
    _check_empty(place, files)
    target = parse_url(settings.database)
    if target.get_backend_name() == SQLITE:
        _restore_file(source, sqlite_file(target), manifest, told, lambda: _bring_files(files, place, told))
    else:
        _restore_into(source, settings.database, manifest, told, lambda: _bring_files(files, place, told))
    with closing(open_log(settings, Access.READ)) as log:
        belonging(settings, log).adopt()  # files may be of facts that came after the tables were read
        return RestoredLedger(manifest, manifest.files, _lost(settings, log.database))


def _check_files(files: LocalFolder, manifest: Manifest) -> None:
    """Every file of the backup is what its name says. Raises AssetDamaged."""
    count = 0
    for one in files.files():
        for _ in verified_pieces(files.read(one.name), digest_in(one.name)):
            pass
        count += 1
    if count != manifest.files:
        raise InvalidInput(
            "DIR", f"has {counted(count, 'file')}, and had {manifest.files:,}", hint="take another backup"
        )


def _check_empty(place: FilePlace, files: LocalFolder) -> None:
    """The place has nothing, or what a restore that was stopped brought of this backup."""
    strange = next((one.name for one in place.files() if one.is_whole and not files.exists(one.name)), None)
    if read_marker(place) is not None or strange is not None:
        what = f"such as {strange or MARKER}"
        raise InvalidInput("files", f"{place.where} has files already, {what}", hint="name an empty place")


def _restore_file(source: Path, file: Path, manifest: Manifest, told: Told, bring: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".{file.name}.part")
    with alone(file, "db"):
        if file.exists():
            raise InvalidInput("db", f"{file} is there already", hint="name a file that does not exist")
        _remove(unfinished)
        try:
            _restore_into(source, sqlite_url(unfinished), manifest, told, bring)
            if unfinished.with_name(f"{unfinished.name}-wal").exists():
                raise StoreUnavailable(f"{unfinished} was not written to its end", hint="restore it again")
            unfinished.rename(file)
            flush_folder(file.absolute().parent)
        finally:
            _remove(unfinished)


def _remove(file: Path) -> None:
    for one in (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm")):
        one.unlink(missing_ok=True)


def _restore_into(source: Path, url: str, manifest: Manifest, told: Told, bring: Any) -> None:
    with closing(Database(url)) as database:
        if not is_empty(database) and not _has_nothing(database):
            raise InvalidInput("db", "the database is not empty", hint="name one without tables")
        upgrade_schema(url)
        bring()
        with database.transaction() as connection, database.patiently(connection):
            _put_all(connection, source, manifest, told)


def _has_nothing(database: Database) -> bool:
    """Whether it has our tables alone, without a row: what a restore that was stopped leaves on PostgreSQL."""
    try:
        with database.connect() as connection:
            return not any(
                connection.execute(select(func.count()).select_from(one)).scalar() for one in (LOG, ACCOUNTS, LEDGER)
            )
    except StoreError:
        return False


def _put_all(connection: Connection, source: Path, manifest: Manifest, told: Told) -> None:
    chained = ChainedRows()
    for count, (name, part) in enumerate(manifest.parts.items()):
        told(0.3 + 0.4 * count / len(manifest.parts), f"table {name}")
        table = METADATA.tables.get(name)
        if table is None:
            raise InvalidInput("DIR", f"has a table that is not known: {name}")
        rows: Iterator[dict[str, Any]] = (row_of_line(table, line) for line in read_part(source, part))
        if table is LOG:
            put_facts(connection, chained.passed(rows))
        else:
            put_rows(connection, table, rows)
    if str(chained.seal()) != manifest.seal:
        raise InvalidInput("DIR", f"its log is {chained.seal()}, and was sealed as {manifest.seal}")
    reindex_words(connection)
    if connection.dialect.name != SQLITE:
        for table, column in ((LOG, "position"), (ASSET_WORDS, "row")):
            where = f"pg_get_serial_sequence('{table.name}', '{column}')"
            newest = f"(SELECT coalesce(max({column}), 0) + 1 FROM {table.name})"
            connection.execute(text(f"SELECT setval({where}, {newest}, false)"))


def _bring_files(files: LocalFolder, place: FilePlace, told: Told) -> None:
    for count, one in enumerate(files.files()):
        told(0.1 + 0.2 * count / (count + 100), f"file {count:,}")
        place.put(one.name, verified_pieces(files.read(one.name), digest_in(one.name)))


def _lost(settings: Settings, database: Database) -> FactsLost | None:
    """Whether a seal is kept of facts that came after the backup; such a ledger is not opened for writing."""
    try:
        check_sealed(settings, database)
    except FactsLost as error:
        return error
    return None
