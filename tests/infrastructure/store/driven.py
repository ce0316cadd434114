"""A ledger on a real database, driven through its own writer; and what a vandal with the file would do to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from application.ledger.group import LeaseTerms, Proposal
from application.ledger.saving import LedgerLog
from application.ledger.transaction import JobRow
from application.ledger.writer import LedgerWriter
from domain import settlement
from domain.admission import Ask, accept
from domain.ledger import Fact, Ledger
from domain.openings import Terms, open_account
from domain.operation import Stored
from domain.plans import Limits
from infrastructure.store.database import Database
from infrastructure.store.guarding import TRIGGER_NAMES
from infrastructure.store.migrations.guard import arm
from infrastructure.store.reader import SqlReader
from infrastructure.store.transactions import SqlStore
from tests.infrastructure.store.examples import NOW, QUOTE

PICTURES = (Stored("ab" * 32, "image/png", 9), Stored("cd" * 32, "image/png", 9))
MONTH = 31 * 24 * 3600 * 1_000_000


class DrivenLedger:
    """One database with its writer; each instant is a microsecond after the last, unless the clock is moved."""

    def __init__(self, url: str) -> None:
        env = {"PERSISTENCE_MODULE": "infrastructure.store", "IMAGESTUDIO_DATABASE_URL": url}
        self.database = Database(url)
        self.reader = SqlReader(self.database)
        self._ticks = count(NOW)
        self.later = 0
        self._log = LedgerLog(env=env)
        self.codec = self._log.codec
        terms = LeaseTerms("tests", 60_000_000, 1_000)
        self._writer = LedgerWriter(SqlStore(self.database), self._log, self._clock, terms)

    def _clock(self) -> int:
        return next(self._ticks) + self.later

    def close(self) -> None:
        self._writer.close()
        self._log.close()
        self.database.close()

    def open(self, account: str) -> None:
        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return [*open_account(ledger.account, account, Terms("pro", Limits(), prepaid=False), now)]

        self._writer.append(Proposal(account, decide, opening=True))

    def accept(self, account: str, id: str) -> None:
        ask = Ask(account, "ann", None, id, (id,), "text_to_image", "images", None, "", "", (QUOTE,), "host:1")
        self._writer.append(Proposal(account, lambda ledger, now: accept(ledger, ask, now), own=(id,)))

    def submit(self, account: str, id: str, job: str) -> None:
        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.record_job(ledger, id, job, now)

        row = JobRow("scripted", job, id)
        self._writer.append(Proposal(account, decide, operations=(id,), job=row, patient=True))

    def complete(self, account: str, id: str) -> None:
        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return settlement.complete(ledger, id, PICTURES, None, now)

        self._writer.append(Proposal(account, decide, operations=(id,), patient=True))

    def run(self, account: str, *ids: str) -> None:
        """Operations from request to charge."""
        for id in ids:
            self.accept(account, id)
            self.complete(account, id)

    def vandalise(self, *statements: str) -> None:
        """Drop the triggers, as whoever holds the file can, and run what they would refuse; then put them back."""
        with self.database.transaction() as connection:
            for name in TRIGGER_NAMES[self.database.dialect]:
                on = "" if self.database.is_sqlite else " ON log"
                connection.exec_driver_sql(f"DROP TRIGGER {name}{on}")
            for statement in statements:
                assert connection.exec_driver_sql(statement).rowcount, f"vandalised nothing: {statement}"
            arm(connection)


@contextmanager
def driven_ledger(url: str) -> Iterator[DrivenLedger]:
    opened = DrivenLedger(url)
    try:
        yield opened
    finally:
        opened.close()
