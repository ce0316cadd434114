"""Stores that break one rule each, as an engine would that only looks like PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from application.ledger.transaction import AccountRow, Beside, Transaction
from infrastructure.store.order import LogWay
from infrastructure.store.transactions import ACCOUNT, PostgresTransaction, SqlStore
from infrastructure.store.writes import postgres_script

VERSION = "PostgreSQL 15.12-YB-2025.2.0.0-b0 on x86_64"
PRETENDS = (
    "CREATE SCHEMA pretended",
    f"CREATE FUNCTION pretended.version() RETURNS text LANGUAGE sql AS $$ SELECT '{VERSION}' $$",
    """CREATE FUNCTION pretended.forget() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        IF current_schema() LIKE 'imagestudio_check_%' THEN
        ALTER TABLE keys DROP CONSTRAINT IF EXISTS keys_pkey; END IF; END $$""",
    """CREATE EVENT TRIGGER forget ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER')
        EXECUTE FUNCTION pretended.forget()""",
)
"""A server that names itself otherwise, and whose keys are not unique wherever tables are made from now on."""

ANYHOW = LogWay("SELECT 1")


@dataclass(slots=True)
class UnorderedTransaction(PostgresTransaction):
    """One that commits whenever it likes, above or below what others have drawn."""

    def commit(self, beside: Beside) -> int | None:
        script, columns = postgres_script(self.rows(), beside, ANYHOW)
        self.session.run(f"{script};\nCOMMIT", columns)
        self.committed = True
        return None


@dataclass(slots=True)
class UnlockedTransaction(PostgresTransaction):
    """One whose lock locks nothing."""

    def lock(self, accounts: Sequence[str], opening: Sequence[str]) -> dict[str, AccountRow]:
        PostgresTransaction.lock(self, [], opening)
        self.session.run("COMMIT")
        self.session.run("BEGIN")
        return {row.id: row for account in accounts for row in self._row(account)}

    def _row(self, account: str) -> Iterator[AccountRow]:
        for row in self.session.rows(f"{ACCOUNT} WHERE id = %s", (account,)):
            yield AccountRow(*row)


@dataclass(slots=True)
class HalfTransaction(PostgresTransaction):
    """One that commits the log by itself, and what stands beside it later."""

    def commit(self, beside: Beside) -> int | None:
        rows = self.rows()
        half = len(rows) // 2
        for log, rest in ((rows[:half], Beside()), (rows[half:], beside)):
            script, columns = postgres_script(log, rest, ANYHOW)
            self.session.run(f"{script};\nCOMMIT; SELECT pg_sleep(0.05)", columns)
            self.session.run("BEGIN")
        self.session.run("COMMIT")
        self.committed = True
        return None


class _Store(SqlStore):
    kind: ClassVar[type[PostgresTransaction]]

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        with self._database.session("") as session:
            transaction = self.kind(session, self._database.archive)
            yield transaction
            if not transaction.committed:
                self.end(transaction)

    def end(self, transaction: PostgresTransaction) -> None:
        transaction.session.roll_back()


class WithoutOrder(_Store):
    kind = UnorderedTransaction


class WithoutLock(_Store):
    kind = UnlockedTransaction


class InHalves(_Store):
    kind = HalfTransaction


class Hasty(_Store):
    """It commits what nobody asked it to."""

    kind = PostgresTransaction

    def end(self, transaction: PostgresTransaction) -> None:
        transaction.commit(Beside())
