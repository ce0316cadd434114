"""The one place that names concrete classes: settings in, the facades of a studio out.

    settings ─ catalogue ─ log ─ files ─┬─ feed ─ writer ─┐
                                        ├─ assets ────────┼─ performer ─ the facades ─ Studio
                                        └─ providers ─────┘

A part is made when the first asks for it. Whoever adds a facade adds a property for it, and a field to `Studio`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, cached_property, partial

from application.asking.approvals import Approvals
from application.asking.choosing import Chooser
from application.asking.consent import Consents
from application.asking.operations import Operations
from application.asking.preparing import Preparer
from application.asking.results import LARGEST_HELD
from application.following.feed import Feed
from application.following.log import Log
from application.keeping.accounts import Accounts
from application.keeping.billed import BilledReader, WorkedOut
from application.keeping.keys import Keys
from application.keeping.pastsales import PastSales
from application.keeping.providers import Providers
from application.keeping.reconciliation import Reconciler
from application.keeping.renewing import Renewals
from application.keeping.repricing import Repricing
from application.keeping.simulating import Simulations
from application.keeping.statements import Statements
from application.keeping.upkeep import Upkeep
from application.ledger.facts import OperationFacts
from application.ledger.group import LeaseTerms
from application.ledger.looking import LedgerReader
from application.ledger.timekeeping import Timekeeper
from application.ledger.transaction import Store
from application.ledger.writer import Clock, LedgerWriter
from application.library.library import Library
from application.library.naming import AssetNames
from application.notifying.webhooks import Webhooks
from application.performing.gates import Gates
from application.performing.histories import Histories
from application.performing.outputs import PAUSES, Outputs
from application.performing.ownership import Ownership
from application.performing.performer import Performer
from application.performing.recording import Recording
from application.performing.recovery import Recoverer
from application.performing.worker import Worker
from application.ports import AssetStore, Downloads, MediaReader, Provider
from application.ports.slots import Slots
from application.providing.quotes import ProviderQuotes
from domain.actor import actor
from domain.operation import Postponed, Validated
from infrastructure.alerting import alerts_of
from infrastructure.archiving.archiving import PeriodArchive
from infrastructure.asking import approvals_of, the_entry
from infrastructure.auditing import audit_of
from infrastructure.catalogue import load_catalogue
from infrastructure.chores import move_on
from infrastructure.clock import SECOND, new_id, new_secret, now, steady
from infrastructure.copying.sending import AccountCopies
from infrastructure.customers import accounts_of
from infrastructure.desks import services_of
from infrastructure.files.belonging import Belonging
from infrastructure.files.shelf import Shelf
from infrastructure.files.where import place_of
from infrastructure.hooks.mailing import AnyPost
from infrastructure.hooks.parts import hook_post, sender_of, webhooks_of
from infrastructure.invoicing import CostsOfLedgers, invoices_of
from infrastructure.keeping import upkeep_of
from infrastructure.keyrings import keys_of
from infrastructure.libraries import library_of
from infrastructure.opening import Access, belonging, catch_up, ledgers_of, open_log
from infrastructure.past import past_of
from infrastructure.plugins import ProviderSettings
from infrastructure.queues import Queues
from infrastructure.recorded import CostsInViews
from infrastructure.registry import build_providers, switched_off, told_settings
from infrastructure.relaying.parts import relay_of
from infrastructure.seals import seals_of
from infrastructure.service import Studio
from infrastructure.settings import Settings, owner_name
from infrastructure.store.database import Database
from infrastructure.store.erasedusers import shown_codec
from infrastructure.store.growth import growth_of
from infrastructure.store.identity import ImportedKeys, asset_key, established_id
from infrastructure.store.queue import SqlQueue
from infrastructure.store.reader import SqlReader
from infrastructure.store.slots import SqlSlots
from infrastructure.store.tables import SqlContents, SqlIndex, SqlLeases
from infrastructure.store.transactions import SqlStore
from infrastructure.store.witness import SqlWitness
from infrastructure.store.wording import SqlWords
from infrastructure.supplies import (
    contexts,
    input_downloads,
    looking,
    media_reader,
    output_downloads,
    remote,
    throughputs,
    writer_options,
)
from infrastructure.tariffs import load_sales
from infrastructure.telemetry.around import Around
from projections.books import Books
from projections.engine.database import FactSource
from projections.engine.projector import Projector
from projections.queries import Views
from projections.views import ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Parts that may be exchanged from outside, as benchmarks and other applications do; None takes the usual part.

    A `clock` of one's own may leap unless a `steady` one beside it, which is never set, says how time goes on.
    """

    assets: AssetStore | None = None
    read_media: MediaReader | None = None
    providers: Mapping[str, Provider] | None = None
    clock: Clock = now
    steady: Clock | None = None
    store: Callable[[Database], Store] = SqlStore
    slots: Callable[[Database], Slots] = SqlSlots
    room: Database | None = None
    """The database of those slots, if it is another one."""
    months: CostsOfLedgers | None = None
    """Our costs by month, if they are also in other ledgers than this one."""
    address: Callable[[], str] | None = None
    """The URL of the ledger's database, asked at each new connection, if it may be another one by then."""
    moves: bool = False
    """Whether this process moves accounts to other ledgers."""
    pauses: Sequence[float] = PAUSES
    largest_held: int = LARGEST_HELD


USUAL = Parts()


class Assembly:
    """The parts of one studio; whatever is opened for them is closed by the stack, last first.

    Making it opens the ledger, after the catalogue was found right and before anything else is made.
    """

    def __init__(self, settings: Settings, parts: Parts, access: Access, stack: ExitStack, around: Around) -> None:
        self.settings, self.parts, self.access, self.stack, self.around = settings, parts, access, stack, around
        stack.callback(around.close)
        self.catalogue, self.price_book = load_catalogue(settings.catalogues)
        charged = settings.plan_prices == "charged"
        self.plans, self.selling = load_sales(settings.plans, self.price_book, charged=charged)
        self.log = open_log(settings, access, files=parts.assets is None)
        stack.callback(self.log.close)
        self.database, self.codec, self.clock = self.log.database, self.log.codec, parts.clock
        self.database.follow(parts.address)
        self.reader, self.index = SqlReader(self.database), SqlIndex(self.database)
        self.contents = SqlContents(self.database)
        self.files = self._claimed()
        self.owner, self.operator = owner_name(), actor(settings.actor)

    def _claimed(self) -> Belonging | None:
        """The settings' files, taken for this ledger; None if files are kept elsewhere, or nothing is written."""
        if self.parts.assets is not None or self.access is Access.READ:
            return None
        files = belonging(self.settings, self.log)
        files.claim()
        self.stack.callback(move_on, files)
        return files

    # The ledger

    @cached_property
    def feed(self) -> Feed:
        feed = Feed(self.reader, growth_of(self.database))
        self.stack.callback(feed.close)
        return feed

    @cached_property
    def timekeeper(self) -> Timekeeper:
        """Who brings a clock of their own answers for it, but for leaps of years."""
        tolerance = self.settings.clock_seconds * SECOND
        machines = steady if self.clock is now else None
        return Timekeeper(SqlWitness(self.database), tolerance, self.parts.steady or machines, self.settings.today)

    @cached_property
    def writer(self) -> LedgerWriter:
        terms = LeaseTerms(
            self.owner, self.settings.lease_seconds * SECOND, self.settings.snapshot_every, self.parts.moves
        )
        options = writer_options(self.settings, self.selling)
        store, believe = self.parts.store(self.database), self.timekeeper.believe
        writer = LedgerWriter(store, self.log, self.clock, terms, options, believe)
        writer.after_commit = self.feed.appended
        self.stack.callback(writer.close)
        return writer

    @cached_property
    def ownership(self) -> Ownership:
        leases, believe = SqlLeases(self.database), self.timekeeper.believe
        return Ownership(self.owner, self.settings.lease_seconds * SECOND, leases, self.clock, believe=believe)

    # Files

    @cached_property
    def pool(self) -> Executor:
        return self.stack.enter_context(ThreadPoolExecutor(self.settings.workers, thread_name_prefix="worker"))

    @cached_property
    def shelf(self) -> Shelf:
        place = place_of(self.settings)
        waiters = self.stack.enter_context(ThreadPoolExecutor(place.waiters, thread_name_prefix="waiter"))
        return Shelf(place, self.pool, looking(self.settings), waiters)

    @cached_property
    def assets(self) -> AssetStore:
        return self.parts.assets or self.shelf

    @cached_property
    def names(self) -> AssetNames:
        """By the ledger's key; whoever only reads names no new asset, and finds none if there is no key yet."""
        if self.access is not Access.READ:
            established_id(self.database)
        return AssetNames(asset_key(self.database), ImportedKeys(self.database))

    @cached_property
    def downloads(self) -> tuple[Downloads, Downloads]:
        """Of inputs, and of outputs."""
        return input_downloads(self.settings), output_downloads(self.settings, self.provider_settings)

    # Providers, and work at them

    @cached_property
    def provider_settings(self) -> Mapping[str, ProviderSettings]:
        return told_settings(self.settings, self.parts.providers)

    @cached_property
    def by_name(self) -> Mapping[str, Provider]:
        made = contexts(self.settings, self.pool, self.downloads[1], self.around.hook)
        return self.parts.providers or build_providers(self.provider_settings, made)

    @cached_property
    def off(self) -> Mapping[str, str]:
        """Whoever hands a provider in wants it."""
        return {} if self.parts.providers else switched_off(self.settings, self.by_name)

    @cached_property
    def performer(self) -> Performer:
        largest, pauses = self.settings.largest_output, self.parts.pauses
        outputs = Outputs(self.assets, self.downloads[1], self.clock, asyncio.sleep, largest, self.names, pauses)
        recording = self.around.recording(Recording(self.writer, self.ownership))
        asked = self.around.providers(self.by_name, remote(self.provider_settings))
        kept, charge_lost = self.around.outputs(outputs), self.settings.lost_outputs == "charge"
        usual = Performer(recording, asked, kept, self.index, self.gates, charge_lost=charge_lost, off=self.off)
        return self.around.performer(usual)

    @cached_property
    def gates(self) -> Gates:
        limits, lease = throughputs(self.provider_settings), self.settings.lease_seconds * SECOND
        return Gates(limits, self.parts.slots(self.database), self.owner, lease, self.clock)

    @cached_property
    def facts(self) -> OperationFacts:
        return OperationFacts(self.reader, self.codec)

    @cached_property
    def histories(self) -> Histories:
        return Histories(self.facts, self.contents, self.catalogue, self.assets, self.price_book)

    # Asking

    @cached_property
    def preparer(self) -> Preparer:
        quotes = ProviderQuotes(self.by_name, self.clock, self.settings.provider_quotes)
        consents = Consents(self.writer, self.ledgers, self.selling)
        chooser = Chooser(self.catalogue, self.price_book, quotes, self.by_name, self.off, consents)
        return Preparer(
            chooser,
            self.assets,
            self.parts.read_media or media_reader(self.settings, self.pool),
            self.downloads[0],
            new_id,
            new_secret,
            self.settings.largest_file,
            self.names,
            self.library.content,
            self.around.context,
        )

    @cached_property
    def ledgers(self) -> LedgerReader:
        return ledgers_of(self.log, self.clock, self.selling)

    # The facades

    @cached_property
    def operations(self) -> Operations:
        return the_entry(self)

    @cached_property
    def approvals(self) -> Approvals:
        return approvals_of(self)

    @cached_property
    def accounts(self) -> Accounts:
        return accounts_of(self)

    @cached_property
    def renewals(self) -> Renewals:
        return Renewals(self.ledgers, self.writer, self.index, self.clock)

    @cached_property
    def keys(self) -> Keys:
        return keys_of(self)

    @cached_property
    def hook_post(self) -> AnyPost:
        return hook_post(self.settings)

    @cached_property
    def webhooks(self) -> Webhooks:
        return webhooks_of(self)

    @cached_property
    def projector(self) -> Projector:
        return Projector(self.database, FactSource(self.reader, self.codec), ALL)

    @cached_property
    def views(self) -> Views:
        """Who only reads has no projector of their own."""
        reading = partial(catch_up, self.settings, self.database, self.codec)
        return Views(self.database, self.reader, reading if self.database.reading else self.projector.catch_up)

    @cached_property
    def providers(self) -> Providers:
        costs, refresh = CostsInViews(self.views), partial(asyncio.to_thread, self.views.catch_up)
        reconciler = Reconciler(self.performer, self.histories, costs, self.index, self.writer, refresh)
        return Providers(self.by_name, self.off, reconciler, self.clock, self.operations.notified)

    @cached_property
    def recoverer(self) -> Recoverer:
        grace, abandon = self.settings.grace_seconds, self.settings.abandon_seconds
        return Recoverer(self.performer, self.histories, grace * SECOND, abandon * SECOND)

    def make_worker(self, places: int) -> Worker:
        topics = frozenset({*self.codec.names_of(Validated), *self.codec.names_of(Postponed)})
        return Worker(SqlQueue(self.database), self.recoverer, self.feed, places, topics)

    @cached_property
    def upkeep(self) -> Upkeep:
        return upkeep_of(self)

    @cached_property
    def words(self) -> SqlWords:
        return SqlWords(self.database)

    @cached_property
    def library(self) -> Library:
        return library_of(self)

    @cached_property
    def studio(self) -> Studio:
        return Studio(
            operations=self.operations,
            accounts=self.accounts,
            keys=self.keys,
            approvals=self.approvals,
            alerts=alerts_of(self),
            webhooks=self.webhooks,
            views=self.views,
            log=Log(self.reader, self.codec, self.index, self.feed),
            books=Books(self.database, FactSource(self.reader, shown_codec(self.database, self.codec))),
            audit=audit_of(self.settings, self.database, self.codec, self.views, self.clock),
            past=past_of(self.settings, self.database, self.codec, self.clock),
            copies=AccountCopies(self.database, self.files),
            seals=seals_of(self),
            queues=Queues(self.database, self.clock, self.parts.room or self.database),
            providers=self.providers,
            upkeep=self.upkeep,
            invoices=invoices_of(self),
            statements=Statements(BilledReader(self.reader, self.codec, WorkedOut()), self.writer, self.operator),
            repricing=Repricing(PastSales(self.reader, self.codec, self.contents), self.writer, self.operator),
            simulations=Simulations(PastSales(self.reader, self.codec, self.contents), self.price_book.currency),
            library=self.library,
            catalogue=self.catalogue,
            open_services=cache(partial(services_of, self)),
            make_worker=self.make_worker,
            around_requests=self.around.requests,
            make_sender=partial(sender_of, self),
            archiving=PeriodArchive(self.database, self.codec, self.clock),
            relay=relay_of(self),
        )
