"""The one place that names concrete classes: settings in, an open studio out.

async with open_studio(Settings()) as studio:
    await studio.accounts.open("acme", plan="pro")
    result = await studio.operations.generate("a lake at dawn", account="acme", user="ann")
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from application.asking.choosing import Chooser
from application.asking.consent import Consents
from application.asking.intake import Intake
from application.asking.operations import Operations
from application.asking.preparing import Preparer
from application.asking.results import LARGEST_HELD, Results
from application.following.feed import Feed
from application.following.log import Log
from application.keeping.accounts import Accounts
from application.keeping.providers import Providers
from application.keeping.reconciliation import Reconciler
from application.keeping.tables import Ground
from application.keeping.upkeep import Upkeep
from application.ledger.group import LeaseTerms
from application.ledger.timekeeping import Timekeeper
from application.ledger.writer import Clock, LedgerWriter, WriterOptions
from application.library.files import AssetFiles
from application.library.library import Library
from application.library.naming import AssetNames
from application.performing.histories import Histories
from application.performing.intervention import Intervention
from application.performing.outputs import PAUSES, Outputs
from application.performing.ownership import Ownership
from application.performing.performer import Performer
from application.performing.recording import Recording
from application.performing.recovery import Recoverer
from application.ports import AssetStore, Downloads, Media, MediaReader, Provider
from application.providing.mistakes import close_all
from application.providing.quotes import ProviderQuotes
from domain.actor import actor
from domain.catalogue import Catalogue
from domain.pricing import PriceBook
from infrastructure.catalogue import load_catalogue
from infrastructure.chores import keeping_views, move_on, recovering, renewing, staying_marked
from infrastructure.clock import SECOND, new_id, new_secret, now, steady
from infrastructure.collector import SPARED
from infrastructure.downloads import HttpDownloads
from infrastructure.files.belonging import Belonging
from infrastructure.files.shelf import Shelf
from infrastructure.files.where import place_of
from infrastructure.media import LimitedBy, look_at, read_media
from infrastructure.opening import Access, StudioLog, belonging, catch_up, ledgers_of, open_log, open_source, references
from infrastructure.plugins import ProviderContext, ProviderSettings
from infrastructure.recorded import CostsInViews
from infrastructure.registry import Contexts, build_providers, switched_off, told_settings, unknown_settings
from infrastructure.service import Studio
from infrastructure.settings import Settings, owner_name, revealed
from infrastructure.shelves import AssetsInViews
from infrastructure.store.database import Database
from infrastructure.store.desks import SqlDesks
from infrastructure.store.growth import growth_of
from infrastructure.store.identity import asset_key, established_id
from infrastructure.store.reader import SqlReader
from infrastructure.store.tables import SqlContents, SqlIndex, SqlLeases
from infrastructure.store.transactions import SqlStore
from infrastructure.store.witness import SqlWitness
from infrastructure.wire.client import open_client
from projections.audit import Audit
from projections.engine.database import FactSource
from projections.engine.projector import Projector
from projections.queries import Views
from projections.views import ALL

if TYPE_CHECKING:
    from application.studios.services import Services

LOGGER = logging.getLogger("imagestudio")


@dataclass(frozen=True, slots=True)
class Parts:
    """Parts that may be exchanged from outside, as benchmarks and other applications do; None takes the usual part."""

    assets: AssetStore | None = None
    read_media: MediaReader | None = None
    providers: Mapping[str, Provider] | None = None
    clock: Clock = now
    pauses: Sequence[float] = PAUSES
    largest_held: int = LARGEST_HELD


USUAL = Parts()


@asynccontextmanager
async def open_studio(
    settings: Settings | None = None, parts: Parts = USUAL, *, serve: bool = True, access: Access = Access.MAKE
) -> AsyncIterator[Studio]:
    """A studio on the settings' database, its schema checked, its writer running; closed without losing anything.

    With `serve` it is a service: it settles what dead processes left open and keeps its views up to date. Without,
    as for one command, views are brought up to date when they are asked. A new SQLite file is made unless `access` says
    otherwise. Raises NoLedger, SchemaMismatch, ForeignFiles, FactsLost, StoreUnavailable, CatalogueError.
    """
    if settings is None:
        for name, near in unknown_settings().items():
            LOGGER.warning("there is no setting %s%s", name, f"; {near} may be meant" if near else "")
    settings = settings or Settings()
    with ExitStack() as stack:
        opened = await asyncio.to_thread(_build, settings, parts, access, stack)
        studio = opened.studio
        chores = [asyncio.create_task(renewing(opened.ownership))]
        try:
            if opened.files is not None:
                chores.append(asyncio.create_task(staying_marked(opened.files, settings.lease_seconds)))
            if serve:
                stack.enter_context(SPARED)
                chores.append(asyncio.create_task(recovering(studio.upkeep, settings.lease_seconds)))
                stack.enter_context(keeping_views(opened.projector, studio.log.feed))
            yield studio
        finally:
            await studio.operations.close()
            for chore in chores:
                chore.cancel()
            for ended in await asyncio.gather(*chores, return_exceptions=True):
                if isinstance(ended, Exception):
                    LOGGER.error("a chore of the studio ended too early", exc_info=ended)
            try:
                await close_all(studio.providers.by_name)
                for downloads in opened.downloads:
                    await downloads.close()
            finally:
                await asyncio.to_thread(stack.close)


@asynccontextmanager
async def open_providers(settings: Settings) -> AsyncIterator[Mapping[str, Provider]]:
    """The providers by name, without a ledger, for those who only ask what can be used here."""
    own = told_settings(settings)
    downloads = _downloads(settings, own)
    with ThreadPoolExecutor(settings.workers, thread_name_prefix="worker") as pool:
        providers = build_providers(own, _contexts(settings, pool, downloads))
        try:
            yield providers
        finally:
            await close_all(providers)
            await downloads.close()


@dataclass(frozen=True, slots=True)
class Foundation:
    """The parts that stand on the database and the catalogue's files."""

    database: Database
    log: StudioLog
    feed: Feed
    writer: LedgerWriter
    catalogue: Catalogue
    price_book: PriceBook
    shelf: Shelf
    read_media: MediaReader
    inputs: Downloads
    files: Belonging | None

    @property
    def reader(self) -> SqlReader:
        return SqlReader(self.database)

    @property
    def index(self) -> SqlIndex:
        return SqlIndex(self.database)

    @property
    def contents(self) -> SqlContents:
        return SqlContents(self.database)


def _build(settings: Settings, parts: Parts, access: Access, stack: ExitStack) -> Opened:
    """Build in the order of dependence; whatever was opened is closed by the stack, last first."""
    owner = owner_name()
    catalogue, price_book = load_catalogue(settings.catalogues)
    log = open_log(settings, access, files=parts.assets is None)
    stack.callback(log.close)
    database = log.database
    files = _claimed(settings, log, stack) if parts.assets is None and access is not Access.READ else None
    lease = settings.lease_seconds * SECOND
    terms = LeaseTerms(owner, lease, settings.snapshot_every)
    believe = _timekeeper(settings, parts.clock, database).believe
    feed = Feed(SqlReader(database), growth_of(database))
    stack.callback(feed.close)
    writer = LedgerWriter(SqlStore(database), log, parts.clock, terms, _writing(settings), believe)
    writer.after_commit = feed.appended
    stack.callback(writer.close)
    place = place_of(settings)
    waiters = stack.enter_context(ThreadPoolExecutor(place.waiters, thread_name_prefix="waiter"))
    pool = stack.enter_context(ThreadPoolExecutor(settings.workers, thread_name_prefix="worker"))
    limits = LimitedBy("IMAGESTUDIO_LARGEST_OUTPUT", "IMAGESTUDIO_MOST_PIXELS")
    looking = partial(look_at, max_bytes=settings.largest_output, max_pixels=settings.most_pixels, settings=limits)
    shelf = Shelf(place, pool, looking, waiters)
    read = parts.read_media or _media_reader(settings, pool)
    # Addresses that callers name may not lead into the networks that only providers' outputs may come from.
    inputs = HttpDownloads(settings.own_origins, proxy=revealed(settings.proxy))
    foundation = Foundation(database, log, feed, writer, catalogue, price_book, shelf, read, inputs, files)
    assets = parts.assets or foundation.shelf
    own = told_settings(settings, parts.providers)
    downloads = _downloads(settings, own)
    names = AssetNames(_asset_key(database, access))
    outputs = Outputs(assets, downloads, parts.clock, asyncio.sleep, settings.largest_output, names, parts.pauses)
    providers = parts.providers or build_providers(own, _contexts(settings, pool, downloads))
    performer = Performer(
        Recording(writer, Ownership(owner, lease, SqlLeases(database), parts.clock, believe=believe)),
        providers,
        outputs,
        foundation.index,
        charge_lost=settings.lost_outputs == "charge",
        # Whoever hands a provider in wants it.
        off={} if parts.providers else switched_off(settings, providers),
    )
    results = Results(foundation.reader, log.codec, assets, foundation.index, foundation.contents, parts.largest_held)
    operations = Histories(results, foundation.contents, catalogue, assets)
    return _opened(foundation, performer, operations, settings)


@dataclass(frozen=True, slots=True)
class Opened:
    """A studio, and what is kept going or closed with it."""

    studio: Studio
    ownership: Ownership
    projector: Projector
    downloads: Sequence[Downloads]
    files: Belonging | None


def _asset_key(database: Database, access: Access) -> bytes:
    """The ledger's; whoever only reads names no new asset, and finds none if there is no key yet."""
    if access is not Access.READ:
        established_id(database)
    return asset_key(database)


def _writing(settings: Settings) -> WriterOptions:
    return WriterOptions(waiting=settings.most_waiting, waiting_seconds=settings.statement_seconds)


def _claimed(settings: Settings, log: StudioLog, stack: ExitStack) -> Belonging:
    """The settings' files, taken for the log's ledger, and marked once more when all is closed."""
    files = belonging(settings, log)
    files.claim()
    stack.callback(move_on, files)
    return files


def _opened(foundation: Foundation, performer: Performer, histories: Histories, settings: Settings) -> Opened:
    database, reader, codec = foundation.database, foundation.reader, foundation.log.codec
    operations = _operations(foundation, performer, histories, settings)
    projector = Projector(database, FactSource(reader, codec), ALL)
    advance = partial(catch_up, settings, database, codec) if database.reading else projector.advance
    views = Views(database, reader, advance)
    studio = Studio(
        operations=operations,
        accounts=Accounts(
            operations.intake.ledgers,
            foundation.writer,
            foundation.index,
            performer.outputs.clock,
            foundation.price_book.currency,
            operations.operator,
        ),
        views=views,
        log=Log(reader, codec, foundation.index, foundation.feed),
        audit=_audit(foundation, performer.ownership, views, settings),
        providers=_providers(foundation, operations, histories, views),
        upkeep=_upkeep(foundation, operations, histories, settings),
        library=_library(foundation, performer.outputs, views),
        catalogue=foundation.catalogue,
        open_services=cache(partial(_services, operations, foundation.catalogue, settings)),
    )
    downloads = (foundation.inputs, performer.outputs.downloads)
    return Opened(studio, performer.ownership, projector, downloads, foundation.files)


def _operations(foundation: Foundation, performer: Performer, histories: Histories, settings: Settings) -> Operations:
    outputs, writer = performer.outputs, foundation.writer
    ledgers = ledgers_of(foundation.log, outputs.clock)
    quotes = ProviderQuotes(performer.providers, outputs.clock, settings.provider_quotes)
    offering = (quotes, performer.providers, performer.off, Consents(writer, ledgers))
    chooser = Chooser(foundation.catalogue, foundation.price_book, *offering)
    preparer = Preparer(
        chooser,
        outputs.assets,
        foundation.read_media,
        foundation.inputs,
        new_id,
        new_secret,
        settings.largest_file,
        outputs.names,
    )
    return Operations(
        intake=Intake(preparer, writer, ledgers, performer.ownership, histories.results),
        performer=performer,
        results=histories.results,
        intervention=Intervention(performer, histories),
        feed=foundation.feed,
        operator=actor(settings.actor),
        wait_seconds=settings.wait_seconds,
    )


def _services(operations: Operations, catalogue: Catalogue, settings: Settings) -> Services:
    from application.studios.desk import ServiceDesk
    from application.studios.services import services
    from infrastructure.studios import load_presets

    clock = operations.performer.outputs.clock
    return services(ServiceDesk(operations, catalogue, load_presets(settings.presets), clock))


def _audit(foundation: Foundation, ownership: Ownership, views: Views, settings: Settings) -> Audit:
    database, reader, codec = foundation.database, foundation.reader, foundation.log.codec
    return Audit(
        database=database,
        reader=reader,
        codec=codec,
        views=views,
        ground=lambda: Ground(SqlDesks(database), reader, codec, ownership.clock(), ownership.lease),
        open_source=partial(open_source, settings),
    )


def _providers(foundation: Foundation, operations: Operations, histories: Histories, views: Views) -> Providers:
    performer, refresh = operations.performer, partial(asyncio.to_thread, views.catch_up)
    reconciler = Reconciler(performer, histories, CostsInViews(views), foundation.index, foundation.writer, refresh)
    return Providers(performer.providers, performer.off, reconciler, performer.ownership.clock, operations.notified)


def _upkeep(foundation: Foundation, operations: Operations, histories: Histories, settings: Settings) -> Upkeep:
    grace, performer = settings.grace_seconds, operations.performer
    return Upkeep(
        Recoverer(performer, histories, grace * SECOND, settings.abandon_seconds * SECOND),
        references(foundation.log),
        histories.results,
        foundation.writer,
        foundation.contents,
        foundation.shelf,
        performer.outputs.names,
        performer.outputs.clock,
        operations.operator,
        grace,
    )


def _library(foundation: Foundation, outputs: Outputs, views: Views) -> Library:
    files = AssetFiles(foundation.reader, foundation.log.codec, foundation.contents, outputs.names)
    return Library(AssetsInViews(views), files, outputs.assets, partial(asyncio.to_thread, views.catch_up))


def _timekeeper(settings: Settings, clock: Clock, database: Database) -> Timekeeper:
    """Who brings a clock of their own answers for it, but for leaps of years."""
    tolerance = settings.clock_seconds * SECOND
    return Timekeeper(SqlWitness(database), tolerance, steady if clock is now else None, settings.today)


def _downloads(settings: Settings, providers: Mapping[str, ProviderSettings]) -> HttpDownloads:
    theirs = [origin for own in providers.values() for origin in own.origins]
    return HttpDownloads((*settings.own_origins, *theirs), proxy=revealed(settings.proxy))


def _contexts(settings: Settings, pool: Executor, downloads: Downloads) -> Contexts:
    """The context that each provider is built with: a client of its own, and what all share."""
    client = partial(open_client, proxy=revealed(settings.proxy))

    def context(name: str, own: ProviderSettings) -> ProviderContext[ProviderSettings]:
        return ProviderContext(
            name=name, settings=own, open_client=client, downloads=downloads, executor=pool, home=settings.home
        )

    return context


def _media_reader(settings: Settings, pool: Executor) -> MediaReader:
    """Reading decodes every pixel, so it is done in the pool."""
    reading = partial(read_media, max_bytes=settings.largest_file, max_pixels=settings.most_pixels)

    async def read(content: bytes, *, field: str, media_types: Sequence[str] = ()) -> Media:
        work = partial(reading, content, field=field, media_types=media_types)
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    return read
