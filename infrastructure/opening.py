"""Opens a ledger: the settings' database, its schema checked, and the files that belong to it.

             no ledger there    an older schema    files
    READ     refused            refused            their marker is read: refused if the log lost facts
    WRITE    refused            refused            claimed for the ledger
    MAKE     a new one is made  refused            claimed; with files of another ledger nothing is made

Reading makes and changes nothing, but that views are brought up to the log if the database can be written to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from application.ledger.log import Codec
from application.ledger.saving import LedgerLog
from domain.advice import Advice
from domain.errors import FactsLost, ForeignFiles, NoLedger, StoreError, ViewsHeld
from infrastructure.files.belonging import Belonging, lost, moved, others_files, read_marker, refuse_occupied
from infrastructure.files.naming import account_folder
from infrastructure.files.where import place_of
from infrastructure.sealfiles import check_sealed
from infrastructure.settings import Settings
from infrastructure.shards.marking import check_shard
from infrastructure.store import ARCHIVE, DATABASE_URL, LOCK_SECONDS, READING, STATEMENT_SECONDS, Factory
from infrastructure.store.database import Database
from infrastructure.store.identity import ImportedKeys, asset_key, established_id, ledger_id
from infrastructure.store.migrations import HEAD, check_schema, ensure_schema, is_empty, revision_of
from infrastructure.store.opening import check_opening
from infrastructure.store.reader import SqlReader
from infrastructure.store.urls import SQLITE, parse_url, sqlite_file
from projections.queries import statuses

if TYPE_CHECKING:
    from application.keeping.references import References
    from application.ledger.looking import LedgerReader
    from domain.tariffs import Selling
    from projections.engine.database import FactSource

PATIENCE = 2.0
"""Seconds in which somebody else who brings the views up to the log may do so."""


class Access(Enum):
    """The use that a ledger is opened for."""

    READ = auto()
    WRITE = auto()
    MAKE = auto()
    """To write, and to make it if there is none."""


class StudioLog(LedgerLog):
    """The library's application, on our persistence module."""

    @property
    def database(self) -> Database:
        assert isinstance(self.factory, Factory)
        return self.factory.database


def open_log(settings: Settings, access: Access, *, files: bool = True) -> StudioLog:
    """The log on the settings' database, whose schema is this program's; `files` says whether its files are used, too.

    Raises NoLedger, SchemaMismatch, ForeignFiles, StoreUnavailable.
    """
    if not _exists(settings):
        if access is not Access.MAKE:
            raise _no_ledger(settings)
        _make_room(settings, files=files)
    environment = {
        "PERSISTENCE_MODULE": Factory.__module__,
        DATABASE_URL: settings.database,
        LOCK_SECONDS: str(settings.lock_seconds),
        STATEMENT_SECONDS: str(settings.statement_seconds),
        ARCHIVE: str(settings.archive),
    }
    log = StudioLog({**environment, **({READING: "y"} if access is Access.READ else {})})
    with ExitStack() as stack:
        stack.callback(log.close)
        _check(settings, log.database, access, files=files)
        stack.pop_all()
    return log


def open_source(settings: Settings) -> FactSource:
    """The log, for a process that only reads it."""
    from projections.engine.database import FactSource

    log = open_log(settings, Access.READ)
    return FactSource(SqlReader(log.database), log.codec)


def _check(settings: Settings, database: Database, access: Access, *, files: bool) -> None:
    if database.is_sqlite and is_empty(database):
        if access is not Access.MAKE:
            raise _no_ledger(settings)
        _make_room(settings, files=files)
        ensure_schema(database)
    check_schema(database)
    if access is not Access.READ:
        check_shard(database, settings.shard)
        check_opening(database)
        check_sealed(settings, database)


def _exists(settings: Settings) -> bool:
    url = parse_url(settings.database)
    return url.get_backend_name() != SQLITE or sqlite_file(url).exists()


def _make_room(settings: Settings, *, files: bool) -> None:
    """For a new ledger: the folder of its file. Raises ForeignFiles if its files would be another ledger's."""
    if files:
        refuse_occupied(place_of(settings))
    make_folder(settings)


def make_folder(settings: Settings) -> None:
    """The folder of a SQLite file that is to be made."""
    url = parse_url(settings.database)
    if url.get_backend_name() == SQLITE:
        sqlite_file(url).parent.mkdir(parents=True, exist_ok=True)


def _no_ledger(settings: Settings) -> NoLedger:
    file = sqlite_file(parse_url(settings.database))
    what = "is empty" if file.exists() else "does not exist"
    return NoLedger(
        f"there is no ledger in {file}: the file {what}",
        hint=Advice("database.find"),
    )


def claimed(settings: Settings, log: StudioLog) -> Belonging:
    """The settings' files, taken for the log's ledger. Raises ForeignFiles, FactsLost, StoreUnavailable."""
    files = belonging(settings, log)
    files.claim()
    return files


def belonging(settings: Settings, log: StudioLog) -> Belonging:
    """The settings' files and the log's ledger, which gets an id if it has none. Raises StoreUnavailable."""
    id, reader = established_id(log.database), SqlReader(log.database)
    return Belonging(place_of(settings), id, reader, references(log).by_folder)


@contextmanager
def open_files(settings: Settings) -> Iterator[Belonging]:
    """The settings' files and their ledger, not claimed yet. Raises NoLedger, SchemaMismatch, StoreUnavailable."""
    with closing(open_log(settings, Access.WRITE)) as log:
        yield belonging(settings, log)


@dataclass(frozen=True, slots=True)
class DatabaseStanding:
    """How a database stands: the revision of its schema, which ledger it is, which facts it lost, and that the files
    are another ledger's; how many segments its archive has, and which of them are not there."""

    revision: str | None
    ledger: str | None
    lost: FactsLost | None
    foreign: ForeignFiles | None = None
    segments: int = 0
    missing: tuple[str, ...] = ()

    @property
    def is_damaged(self) -> bool:
        """Whether something is gone, or another ledger's; an older schema is whole."""
        return bool(self.lost or self.foreign or self.missing)


def standing(settings: Settings) -> DatabaseStanding:
    """How the settings' database stands; changes nothing. Raises NoLedger, StoreUnavailable."""
    if not _exists(settings):
        raise _no_ledger(settings)
    patience, archive = settings.lock_seconds, settings.archive
    with closing(Database(settings.database, lock_seconds=patience, reading=True, archive=archive)) as database:
        revision = revision_of(database)
        if revision != HEAD:
            return DatabaseStanding(revision, None, None)
        id = ledger_id(database)
        troubles = lost_facts(settings, database), foreign_files(settings, id)
        kept = database.archive
        return DatabaseStanding(revision, id, *troubles, len(kept.records()), tuple(kept.missing()))


def ledgers_of(log: StudioLog, clock: Callable[[], int], selling: Selling | None = None) -> LedgerReader:
    """The log's ledgers, to look at; `selling` says what would be sold for how much."""
    from application.ledger.looking import LedgerReader
    from infrastructure.store.transactions import SqlReadings

    return LedgerReader(SqlReadings(log.database), log.codec, clock, selling)


def references(log: StudioLog) -> References:
    """Which files the log needs."""
    from application.keeping.references import References
    from application.library.naming import AssetNames
    from infrastructure.store.tables import SqlContents

    names = AssetNames(asset_key(log.database), ImportedKeys(log.database))
    return References(SqlReader(log.database), log.codec, SqlContents(log.database), account_folder, names)


def foreign_files(settings: Settings, ledger: str | None) -> ForeignFiles | None:
    """The error that the settings' files are another ledger's, or nobody's, or moved; for those who only read."""
    place = place_of(settings)
    try:
        marker = read_marker(place)
    except ForeignFiles as error:
        return error
    except StoreError:
        return None
    if marker is None or marker.ledger != ledger:
        return None if marker is None else others_files(place, marker.ledger, ledger)
    return moved(place, marker) if marker.moved else None


def lost_facts(settings: Settings, database: Database) -> FactsLost | None:
    """The error that the settings' files have seen facts that their ledger does not have; for those who only read.

    A standby may be behind, and files that cannot be read say nothing.
    """
    place = place_of(settings)
    try:
        marker = read_marker(place)
    except StoreError:
        return None
    if marker is None or marker.ledger != ledger_id(database) or database.is_standby():
        return None
    return lost(place, marker, SqlReader(database))


def catch_up(settings: Settings, known: Database, codec: Codec) -> int:
    """Bring the views up to the log for those who only read; how many facts that took.

    Opens the database for writing only if a view is behind. Raises StoreUnavailable, ViewsHeld if they stay behind
    although nothing is wrong with them.
    """
    reader = SqlReader(known)
    behind = [view for view in statuses(known, reader) if view.lag and view.error is None]
    if not behind:
        return 0
    from projections.engine.database import FactSource
    from projections.engine.projector import Projector
    from projections.views import ALL

    patience, archive = settings.lock_seconds, settings.archive
    with closing(Database(settings.database, lock_seconds=patience, archive=archive)) as database:
        projector = Projector(database, FactSource(SqlReader(database), codec), ALL)
        taken, end = projector.advance(), behind[0].position + behind[0].lag
        if not projector.wait_for(end, PATIENCE, [view.view for view in behind]):
            held = [view.view for view in statuses(known, reader) if view.position < end and view.error is None]
            if held:
                raise ViewsHeld(
                    f"a rebuild that goes on, or was left behind, holds {', '.join(held)}", hint=Advice("views.rebuild")
                )
        return taken
