"""A ledger that is only read: its facts, its views and its accounts, without providers, files or a catalogue.

with open_reading(Settings()) as reading:
    await reading.catch_up()
    rows = reading.views.rows(USAGE, UsageFilter(account="acme"))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from application.ledger.log import Codec
from domain.errors import FactsLost, ForeignFiles
from infrastructure.opening import Access, StudioLog, catch_up, foreign_files, ledgers_of, lost_facts, open_log
from infrastructure.settings import Settings
from infrastructure.store.database import Database
from infrastructure.store.identity import ledger_id
from infrastructure.store.reader import SqlReader
from projections.queries import Views

if TYPE_CHECKING:
    from application.keeping.accounts import AccountReader
    from application.keeping.tables import Discrepancy
    from infrastructure.store.tables import SqlIndex
    from projections.engine.replay import Replay


@dataclass(frozen=True, slots=True)
class ReadingLedger:
    """`lost` says which facts the log once had and has no more, where the files know it.

    Parts that only some commands ask for are loaded when they do; `open_accounts` opens what shows accounts, once.
    """

    settings: Settings
    database: Database
    codec: Codec
    open_accounts: Callable[[], AccountReader]
    lost: FactsLost | None

    @property
    def foreign(self) -> ForeignFiles | None:
        """The error that the settings' files are another ledger's."""
        return foreign_files(self.settings, ledger_id(self.database))

    @property
    def accounts(self) -> AccountReader:
        return self.open_accounts()

    @property
    def reader(self) -> SqlReader:
        return SqlReader(self.database)

    @property
    def index(self) -> SqlIndex:
        from infrastructure.store.tables import SqlIndex

        return SqlIndex(self.database)

    @property
    def views(self) -> Views:
        return Views(self.database, self.reader)

    async def catch_up(self) -> int:
        """Bring the views up to the log; how many facts that took. Raises StoreUnavailable if nobody may write."""
        from asyncio import to_thread

        return await to_thread(catch_up, self.settings, self.views, self.codec)

    def differences(self, account: str | None = None) -> Iterator[Discrepancy]:
        """Hold the tables beside the log against it; blocking. Yields nothing where all is well."""
        from application.keeping.differences import differences
        from application.keeping.tables import Ground
        from infrastructure.clock import SECOND, now
        from infrastructure.store.desks import SqlDesks

        lease = self.settings.lease_seconds * SECOND
        return differences(Ground(SqlDesks(self.database), self.reader, self.codec, now(), lease), account)

    async def compare(self, account: str | None = None) -> Replay:
        """Replay the log, or one account's part, and hold every view against it."""
        from asyncio import to_thread

        from projections.engine.database import FactSource
        from projections.engine.replay import compare
        from projections.views import ALL

        return await to_thread(compare, self.database, FactSource(self.reader, self.codec), ALL, account)


@contextmanager
def open_reading(settings: Settings, *, whole: bool = True) -> Iterator[ReadingLedger]:
    """The settings' ledger; blocking. Raises NoLedger, SchemaMismatch, StoreUnavailable.

    And FactsLost, if it has to be `whole`.
    """
    with ExitStack() as stack:
        log = open_log(settings, Access.READ)
        stack.callback(log.close)
        lost = lost_facts(settings, log.database)
        if lost is not None and whole:
            raise lost

        yield ReadingLedger(settings, log.database, log.codec, cache(partial(_accounts, log)), lost)


def _accounts(log: StudioLog) -> AccountReader:
    from application.keeping.accounts import AccountReader
    from infrastructure.clock import now

    return AccountReader(ledgers_of(log, now))
