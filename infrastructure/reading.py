"""A ledger that is only read: its facts, its views and its accounts, without providers, files or a catalogue.

with open_reading(Settings()) as reading:
    await reading.catch_up()
    rows = reading.views.usage("acme")
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from application.accounts import AccountReader
from application.batch import LeaseTerms
from application.differences import differences
from application.log import Codec
from application.tables import Discrepancy, Ground
from application.writer import LedgerWriter
from domain.errors import FactsLost
from infrastructure.clock import SECOND, now
from infrastructure.opening import Access, catch_up, lost_facts, open_log
from infrastructure.settings import Settings, owner_name
from infrastructure.store.database import Database
from infrastructure.store.desks import SqlDesks
from infrastructure.store.reader import SqlReader
from infrastructure.store.tables import SqlIndex
from infrastructure.store.units import SqlStore
from projections.audit import Comparison, compare
from projections.engine import Source
from projections.queries import Views


@dataclass(frozen=True, slots=True)
class Reading:
    """`lost` says which facts the log once had and has no more, where the files know it."""

    settings: Settings
    database: Database
    codec: Codec
    accounts: AccountReader
    lost: FactsLost | None

    @property
    def reader(self) -> SqlReader:
        return SqlReader(self.database)

    @property
    def index(self) -> SqlIndex:
        return SqlIndex(self.database)

    @property
    def views(self) -> Views:
        return Views(self.database, self.reader)

    async def catch_up(self) -> int:
        """Bring the views up to the log; how many facts that took. Raises StoreUnavailable if nobody may write."""
        return await asyncio.to_thread(catch_up, self.settings, self.views, self.codec)

    def differences(self, account: str | None = None) -> Iterator[Discrepancy]:
        """Hold the tables beside the log against it; blocking. Yields nothing where all is well."""
        lease = self.settings.lease_seconds * SECOND
        return differences(Ground(SqlDesks(self.database), self.reader, self.codec, now(), lease), account)

    async def compare(self, account: str | None = None) -> Comparison:
        """Replay the log, or one account's part, and hold every view against it."""
        return await asyncio.to_thread(compare, self.database, Source(self.reader, self.codec), account)


@contextmanager
def open_reading(settings: Settings, *, whole: bool = True) -> Iterator[Reading]:
    """The settings' ledger; blocking. Raises NoLedger, SchemaMismatch, StoreUnavailable.

    And FactsLost, if it has to be `whole`.
    """
    with ExitStack() as stack:
        log = open_log(settings, Access.READ)
        stack.callback(log.close)
        lost = lost_facts(settings, log.database)
        if lost is not None and whole:
            raise lost
        terms = LeaseTerms(owner_name(), settings.lease_seconds * SECOND, settings.snapshot_every)
        writer = LedgerWriter(SqlStore(log.database), log, now, terms)
        stack.callback(writer.close)
        yield Reading(settings, log.database, log.codec, AccountReader(writer), lost)
