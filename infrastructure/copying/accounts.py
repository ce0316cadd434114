"""One account, written out of a ledger and taken into another: its facts as they are, with their hashes and ids.

    export   one moment ── the account's streams, what stands beside them, its files if they are wanted ──> one file
    import   digests ── chains, seal ── files ── key ── one transaction: all of it, at the other log's end, or nothing

The facts keep their streams, versions and hashes, and get new positions. Assets keep their ids, so the key that those
were made with comes along. Nothing that is open is taken in, as two ledgers would settle it.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, text

from application.ledger.log import Codec
from application.ledger.transaction import Conflict
from domain.account import Account
from domain.account import evolve as evolve_account
from domain.counts import counted
from domain.errors import AccountExists, InvalidInput, StoreUnavailable, UnknownAccount
from domain.inputs import shortened
from domain.ledger import account_stream
from domain.operation import CLOSED_PHASES
from domain.streams import account_of
from infrastructure.clock import now
from infrastructure.copying.backing import CopiedFiles, Told, copy_files
from infrastructure.copying.chained import ChainedRows
from infrastructure.copying.parts import (
    FILES,
    MANIFEST,
    Manifest,
    TablePart,
    read_manifest,
    read_part,
    write_manifest,
    write_part,
)
from infrastructure.copying.rows import line_of, one_moment, put_facts, put_rows, row_of_line, stored_rows, whole_rows
from infrastructure.files.alone import alone
from infrastructure.files.belonging import Belonging
from infrastructure.files.folder import LocalFolder
from infrastructure.files.naming import account_folder, digest_in
from infrastructure.files.saving import flush_folder
from infrastructure.files.verifying import verified_pieces
from infrastructure.showing.formats import iso
from infrastructure.store.database import Database
from infrastructure.store.identity import FRESH, key_of_account
from infrastructure.store.migrations import HEAD
from infrastructure.store.order import COMMIT_ORDER
from infrastructure.store.reader import SqlReader
from infrastructure.store.schema import (
    ACCOUNTS,
    ASSET_COLLECTIONS,
    ASSET_KEYS,
    ASSET_TAGS,
    ASSET_WORDS,
    COLLECTED_ASSETS,
    CONTENTS,
    ERASED_USERS,
    JOBS,
    KEY_NAMES,
    KEYS,
    LOG,
    OPERATION_TAGS,
    OPERATIONS,
    WORDS,
)
from infrastructure.store.wording import reindex_words
from projections.engine.checkpoints import others_erased

OWN: Final = (
    OPERATIONS,
    KEYS,
    CONTENTS,
    OPERATION_TAGS,
    ASSET_WORDS,
    ASSET_TAGS,
    ASSET_COLLECTIONS,
    COLLECTED_ASSETS,
    KEY_NAMES,
    ERASED_USERS,
)
"""Tables whose rows name their account."""
SAFE: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9]+)*(/[a-z0-9_-]+)*(/[a-z0-9_.-]+)?")
"""Names in an export: of a table's part, or of a file in an account's folder."""
TAKEN: Final = {one.name: one for one in (LOG, ACCOUNTS, *OWN, JOBS, WORDS, ASSET_KEYS)}


@dataclass(frozen=True, slots=True)
class AccountCopy:
    """An export: what its manifest says, and whether files are in it."""

    account: str
    manifest: Manifest
    with_files: bool


@dataclass(frozen=True, slots=True)
class ImportedAccount:
    """An account that was taken in: its facts, and the first and the last of their new positions."""

    account: str
    facts: int
    first: int
    last: int
    files: int


def export_account(
    database: Database, files: Belonging, account: str, target: Path, told: Told, *, with_files: bool
) -> AccountCopy:
    """Write an account into one new file, which appears whole or not at all; blocks.

    Raises UnknownAccount, InvalidInput if the file is there or being written, LogCorrupted, StoreUnavailable.
    """
    try:
        with (
            alone(target, "out"),
            TemporaryDirectory(prefix=f".{target.name}.", dir=target.absolute().parent) as held,
        ):
            if target.exists():
                hint = "name a new file; nothing is overwritten"
                raise InvalidInput("out", f"{target} is there already", hint=hint)
            folder = Path(held) / "account"
            folder.mkdir(mode=0o700)
            parts, chained = _write_parts(database, account, folder)
            copied = _copy(files, account, folder, told) if with_files else CopiedFiles()
            counts = (copied.files, copied.size, copied.missing, copied.damaged)
            at = (SqlReader(database).end(), iso(now()), str(chained.seal()))
            manifest = Manifest(files.id, HEAD, *at, parts, *counts, account=account)
            write_manifest(folder, manifest)
            _pack(folder, Path(held) / "packed", target)
    except OSError as error:
        raise StoreUnavailable(f"{target} cannot be written: {error}", hint="is there space?") from error
    return AccountCopy(account, manifest, with_files)


def _copy(files: Belonging, account: str, folder: Path, told: Told) -> CopiedFiles:
    return copy_files(files, LocalFolder(folder / FILES), told, account_folder(account))


def _pack(folder: Path, packed: Path, target: Path) -> None:
    """One file of the folder, durable under its name; the manifest comes first."""
    with tarfile.open(packed, "w") as tar:
        tar.add(folder / MANIFEST, MANIFEST)
        for file in sorted(folder.rglob("*")):
            if file.is_file() and file.name != MANIFEST:
                tar.add(file, str(file.relative_to(folder)))
    packed.chmod(0o600)
    with packed.open("rb") as written:
        os.fsync(written.fileno())
    packed.rename(target)
    flush_folder(target.absolute().parent)


def _write_parts(database: Database, account: str, folder: Path) -> tuple[dict[str, TablePart], ChainedRows]:
    chained = ChainedRows()
    streams = SqlReader(database).streams_of(account)
    with one_moment(database) as connection:
        if connection.execute(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == account)).first() is None:
            raise UnknownAccount(f"no account {account!r}")
        mine = select(OPERATIONS.c.id).where(OPERATIONS.c.account == account)
        chosen: dict[Table, ColumnElement[bool]] = {ACCOUNTS: ACCOUNTS.c.id == account}
        chosen |= {one: one.c.account == account for one in OWN}
        chosen |= {one: one.c.operation.in_(mine) for one in (JOBS, WORDS)}
        facts = chained.passed(whole_rows(connection, database.archive, streams))
        parts = {LOG.name: write_part(folder, LOG.name, (line_of([*row.values()]) for row in facts))}
        for table, condition in chosen.items():
            parts[table.name] = write_part(folder, table.name, map(line_of, stored_rows(connection, table, condition)))
        key = [line_of([account, key_of_account(connection, account)])]
        parts[ASSET_KEYS.name] = write_part(folder, ASSET_KEYS.name, key)
    return parts, chained


@contextmanager
def opened_export(file: Path) -> Iterator[tuple[Path, Manifest]]:
    """An export's parts in a folder, each of which is what was written. Raises InvalidInput."""
    with TemporaryDirectory(prefix="imagestudio-import-") as held:
        folder = Path(held)
        try:
            with tarfile.open(file, "r:") as tar:
                _unpack(tar, folder)
        except FileNotFoundError as error:
            raise InvalidInput("FILE", f"{file} does not exist") from error
        except (OSError, tarfile.TarError) as error:
            raise InvalidInput("FILE", f"{file} is no export of an account: {error}") from error
        manifest = read_manifest(folder)
        if not manifest.account or set(manifest.parts) != set(TAKEN):
            raise InvalidInput("FILE", f"{file} is no export of an account", hint="see: export-account")
        if manifest.schema != HEAD:
            raise InvalidInput("FILE", f"its schema is {manifest.schema}, and this program's {HEAD}")
        yield folder, manifest


def _unpack(tar: tarfile.TarFile, folder: Path) -> None:
    """Plain files under the folder alone. Raises InvalidInput for anything else, which no export has."""
    for member in tar:
        content = tar.extractfile(member) if member.isreg() else None
        if content is None or not SAFE.fullmatch(member.name) or ".." in member.name:
            raise InvalidInput("FILE", f"has {shortened(member.name)} in it, which no export has")
        target = folder / member.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            shutil.copyfileobj(content, file)


def import_account(database: Database, codec: Codec, files: Belonging, file: Path, told: Told) -> ImportedAccount:
    """Take an account in, all of it or nothing; blocks.

    Raises AccountExists, InvalidInput for what is no export, or has open operations or webhooks, LogCorrupted,
    AssetDamaged, StoreUnavailable.
    """
    told(0.0, "checking the export")
    with opened_export(file) as (folder, manifest):
        account = manifest.account
        _check_free(database, account)
        _check_closed(folder, manifest)
        terms = _checked_log(folder, manifest, codec)
        if any(hook.paused is None for hook in terms.webhooks.values()):
            told_so = f"account {account!r} has webhooks, which would be told all of it again"
            raise InvalidInput("FILE", told_so, hint="remove or pause them, and export it again")
        brought = _bring(LocalFolder(folder / FILES), files, account, manifest)
        _bring_key(database, folder, manifest)
        told(0.5, "taking it in")
        try:
            with database.transaction() as connection, database.patiently(connection):
                first, last = _put(connection, folder, manifest)
        except Conflict as error:
            told_so = f"operations, keys or jobs of account {account!r} are in this ledger already"
            raise InvalidInput("FILE", told_so, hint="it can be taken into another ledger") from error
    return ImportedAccount(account, manifest.parts[LOG.name].rows, first, last, brought)


def _check_free(database: Database, account: str) -> None:
    rows = database.rows(select(ACCOUNTS.c.id).where(ACCOUNTS.c.id == account))
    if rows:
        raise AccountExists(f"account {account!r} is in this ledger already", hint="nothing was taken in")


def _check_closed(folder: Path, manifest: Manifest) -> None:
    opened = [row["id"] for row in _rows(folder, manifest, OPERATIONS) if row["phase"] not in CLOSED_PHASES]
    if opened:
        told_so = f"{counted(len(opened), 'of its operations is', 'of its operations are')} open, such as {opened[0]}"
        raise InvalidInput("FILE", told_so, hint="wait until they are settled, or cancel them, and export it again")


def _checked_log(folder: Path, manifest: Manifest, codec: Codec) -> Account:
    """The account's terms, once its facts follow from each other, are its own, and are what was sealed."""
    chained, terms = ChainedRows(), None
    for row in chained.passed(_rows(folder, manifest, LOG)):
        if account_of(row["stream"]) != manifest.account:
            raise InvalidInput("FILE", f"has facts of another account, in {row['stream']}")
        fact = codec.decode(row["topic"], row["state"].encode())
        if row["stream"] == account_stream(manifest.account):
            terms = evolve_account(terms, fact)  # type: ignore[arg-type]  # its own stream has these alone
    if str(chained.seal()) != manifest.seal or terms is None:
        raise InvalidInput("FILE", f"its log is {chained.seal()}, and was sealed as {manifest.seal}")
    return terms


def _rows(folder: Path, manifest: Manifest, table: Table) -> Iterator[dict[str, Any]]:
    return (row_of_line(table, line) for line in read_part(folder, manifest.parts[table.name]))


def _bring(source: LocalFolder, files: Belonging, account: str, manifest: Manifest) -> int:
    """Bring the files first: without facts they are needed by nobody, and are swept."""
    count = 0
    for one in source.files():
        if one.name.partition("/")[0] != account_folder(account):
            raise InvalidInput("FILE", f"has a file of another account, {one.name}")
        files.place.put(one.name, verified_pieces(source.read(one.name), digest_in(one.name)))
        count += 1
    if count != manifest.files:
        raise InvalidInput("FILE", f"has {counted(count, 'file')}, and had {manifest.files:,}")
    return count


def _bring_key(database: Database, folder: Path, manifest: Manifest) -> None:
    """The key of its assets' ids goes first, until every process that works here has read it.

    By itself it changes nothing: whoever would open an account of this id would name its assets by it.
    """
    with database.transaction() as connection:
        connection.execute(delete(ASSET_KEYS).where(ASSET_KEYS.c.account == manifest.account))
        put_rows(connection, ASSET_KEYS, _rows(folder, manifest, ASSET_KEYS))
    sleep(2 * FRESH)


def _put(connection: Connection, folder: Path, manifest: Manifest) -> tuple[int, int]:
    """All rows, the facts at the end of the log, in the order of commits; their first and last position."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(COMMIT_ORDER)
    before = connection.execute(select(func.coalesce(func.max(LOG.c.position), 0))).scalar_one()
    facts = ({**row, "position": before + count} for count, row in enumerate(_rows(folder, manifest, LOG), 1))
    last = before + put_facts(connection, facts)
    for name, table in TAKEN.items():
        if name not in (LOG.name, ASSET_WORDS.name, ASSET_KEYS.name):
            count = put_rows(connection, table, _rows(folder, manifest, table))
            if count and table is ERASED_USERS:
                others_erased(connection)
    words = _rows(folder, manifest, ASSET_WORDS)
    put_rows(connection, ASSET_WORDS, ({n: v for n, v in row.items() if n != "row"} for row in words))
    reindex_words(connection, manifest.account)
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT setval(pg_get_serial_sequence('log', 'position'), {last})"))
    return before + 1, last
