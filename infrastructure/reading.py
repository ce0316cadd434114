"""A ledger that is only read: its facts, its views and its accounts, without providers, files or a catalogue.

with open_reading(Settings()) as reading:
    await asyncio.to_thread(reading.views.catch_up)
    rows = reading.views.rows(USAGE, UsageFilter(account="acme"))
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING

from application.ledger.log import Codec
from domain.errors import FactsLost, ForeignFiles
from infrastructure.opening import (
    Access,
    StudioLog,
    catch_up,
    foreign_files,
    ledgers_of,
    lost_facts,
    open_log,
)
from infrastructure.settings import Settings
from infrastructure.store.database import Database
from infrastructure.store.erasedusers import shown_codec
from infrastructure.store.identity import ledger_id
from infrastructure.store.reader import SqlReader
from projections.queries import Views

if TYPE_CHECKING:
    from application.keeping.accountviews import AccountReader
    from application.keeping.keys import KeyReader
    from application.keeping.statements import StatementReader
    from application.keeping.watch import WatchStanding
    from application.notifying.alerts import AlertReader
    from application.notifying.reading import WebhookReader
    from infrastructure.past import Past
    from infrastructure.store.tables import SqlContents, SqlIndex
    from projections.audit import Audit
    from projections.books import Books


@dataclass(frozen=True, slots=True)
class ReadingLedger:
    """`lost` says which facts the log once had and has no more, where the files know it.

    Parts that only some commands ask for are loaded when they do: `open_accounts` and the like open, once, what shows
    them.
    """

    settings: Settings
    database: Database
    codec: Codec
    open_accounts: Callable[[], AccountReader]
    open_keys: Callable[[], KeyReader]
    open_webhooks: Callable[[], WebhookReader]
    open_alerts: Callable[[], AlertReader]
    lost: FactsLost | None

    @property
    def by_shard(self) -> Mapping[str, ReadingLedger]:
        """The ledgers that this one is made of, by the names of their shards; the only one has none."""
        return {"": self}

    def ledger_of(self, account: str) -> ReadingLedger:  # noqa: ARG002  # each account is in the only one
        """The ledger that an account is in; blocks. Raises StoreUnavailable."""
        return self

    def refuse_twice(self) -> None:
        """Raises StoreUnavailable while an account is in two ledgers, of several."""

    def is_standby(self) -> bool:
        """Whether the database only follows another, and may be behind it. Raises StoreUnavailable."""
        return self.database.is_standby()

    @property
    def foreign(self) -> ForeignFiles | None:
        """The error that the settings' files are another ledger's."""
        return foreign_files(self.settings, ledger_id(self.database))

    @property
    def accounts(self) -> AccountReader:
        return self.open_accounts()

    @property
    def keys(self) -> KeyReader:
        return self.open_keys()

    @property
    def statements(self) -> StatementReader:
        from application.keeping.billed import BilledReader
        from application.keeping.statements import StatementReader

        return StatementReader(BilledReader(self.reader, self.codec))

    @property
    def alerts(self) -> AlertReader:
        return self.open_alerts()

    @property
    def webhooks(self) -> WebhookReader:
        return self.open_webhooks()

    @property
    def reader(self) -> SqlReader:
        return SqlReader(self.database)

    @property
    def index(self) -> SqlIndex:
        from infrastructure.store.tables import SqlIndex

        return SqlIndex(self.database)

    @property
    def contents(self) -> SqlContents:
        from infrastructure.store.tables import SqlContents

        return SqlContents(self.database)

    @property
    def views(self) -> Views:
        """They can be brought up to the log, unless nobody may write: StoreUnavailable."""
        return Views(self.database, self.reader, partial(catch_up, self.settings, self.database, self.codec))

    @property
    def books(self) -> Books:
        from projections.books import Books
        from projections.engine.database import FactSource

        return Books(self.database, FactSource(self.reader, shown_codec(self.database, self.codec)))

    @property
    def past(self) -> Past:
        from infrastructure.clock import now
        from infrastructure.past import past_of

        return past_of(self.settings, self.database, self.codec, now)

    def watched(self) -> WatchStanding | None:
        """How far services verified the log, None of several logs; blocks."""
        from infrastructure.clock import now
        from infrastructure.store.watchbook import SqlWatchBook

        return SqlWatchBook(self.database, "", now).standing()

    @property
    def audit(self) -> Audit:
        from infrastructure.auditing import audit_of
        from infrastructure.clock import now

        return audit_of(self.settings, self.database, self.codec, self.views, now)


@contextmanager
def open_reading(settings: Settings, *, whole: bool = True) -> Iterator[ReadingLedger]:
    """The settings' ledger; blocking. Raises NoLedger, SchemaMismatch, StoreUnavailable.

    And FactsLost, if it has to be `whole`.
    """
    if settings.shards:
        from infrastructure.shards.reading import open_reading_over

        with open_reading_over(settings, partial(_open_one, whole=whole)) as several:
            yield several
    else:
        with _open_one(settings, whole=whole) as reading:
            yield reading


@contextmanager
def _open_one(settings: Settings, *, whole: bool) -> Iterator[ReadingLedger]:
    with ExitStack() as stack:
        log = open_log(settings, Access.READ)
        stack.callback(log.close)
        lost = lost_facts(settings, log.database)
        if lost is not None and whole:
            raise lost

        accounts, keys = cache(partial(_accounts, log)), cache(partial(_keys, log))
        webhooks = cache(partial(_webhooks, log))
        alerts = cache(partial(_alerts, settings, log))
        yield ReadingLedger(settings, log.database, log.codec, accounts, keys, webhooks, alerts, lost)


def _accounts(log: StudioLog) -> AccountReader:
    from application.keeping.accountviews import AccountReader
    from infrastructure.clock import now

    return AccountReader(ledgers_of(log, now))


def _keys(log: StudioLog) -> KeyReader:
    from application.keeping.keys import KeyReader
    from infrastructure.clock import now
    from infrastructure.store.keynames import SqlKeyNames

    return KeyReader(ledgers=ledgers_of(log, now), names=SqlKeyNames(log.database))


def _alerts(settings: Settings, log: StudioLog) -> AlertReader:
    from infrastructure.alerting import alert_reader
    from infrastructure.clock import now

    bring_up = partial(catch_up, settings, log.database, log.codec)
    return alert_reader(ledgers_of(log, now), SqlReader(log.database), log.codec, bring_up)


def _webhooks(log: StudioLog) -> WebhookReader:
    from infrastructure.clock import now
    from infrastructure.hooks.parts import webhook_reader

    return webhook_reader(ledgers_of(log, now), log.database)
