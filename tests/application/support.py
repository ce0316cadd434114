"""A writer on a real database, whose every step can be watched and broken; and the decisions tests put to it."""

from __future__ import annotations

import asyncio
import hmac
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from application.ledger.group import LeaseTerms, Proposal, Receipt
from application.ledger.saving import LedgerLog
from application.ledger.transaction import ContentRow, KeyRow, Transaction
from application.ledger.writer import LedgerWriter, WriterOptions
from domain import settlement
from domain.admission import Ask, accept
from domain.ledger import Fact, Ledger
from domain.openings import Terms, open_account
from domain.plans import Limits
from infrastructure.clock import SECOND
from infrastructure.store.database import Database
from infrastructure.store.guarding import TRIGGER_NAMES
from infrastructure.store.migrations.guard import arm
from infrastructure.store.reader import SqlReader
from infrastructure.store.transactions import SqlStore, SqlTransaction
from tests import patience
from tests.domain.examples import IMAGE, NOON, ask, priced

CENT = 10_000
PATIENCE = patience.SECONDS
"""Seconds after which a test that waits for something gives up; nothing is asserted about how long it took."""

Step = Callable[[str], None]


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


class TappedTransaction:
    """The real unit; before and after each of its methods the tap is told, and may raise or kill."""

    def __init__(self, transaction: Transaction, tap: Step, rows: Counter[str]) -> None:
        self._unit, self._tap, self._rows = transaction, tap, rows

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._unit, name)

        def told(*args: Any) -> Any:
            self._tap(f"before {name}")
            answer = method(*args)
            self._rows[name] += len(answer) if isinstance(answer, list | dict) else answer is not None
            self._tap(f"after {name}")
            return answer

        return told


class TappedStore(SqlStore):
    """The real store, with units that tell what they do; `rows` counts what they read, by method."""

    def __init__(self, database: Database, tap: Step) -> None:
        super().__init__(database)
        self._tap = tap
        self.transaction: SqlTransaction | None = None
        self.rows: Counter[str] = Counter()

    @contextmanager
    def begin(self) -> Iterator[Transaction]:
        self._tap("before begin")
        with super().begin() as transaction:
            self._tap("after begin")
            assert isinstance(transaction, SqlTransaction)
            self.transaction = transaction
            yield cast(Transaction, TappedTransaction(transaction, self._tap, self.rows))


@dataclass
class Steps:
    """Counts the steps of a tapped store, and raises the errors that were planned for one of them, in order."""

    seen: list[str] = field(default_factory=list)
    planned: dict[str, list[BaseException | Callable[[], None]]] = field(default_factory=dict)

    def __call__(self, step: str) -> None:
        self.seen.append(step)
        plans = self.planned.get(step)
        if plans:
            plan = plans.pop(0)
            if isinstance(plan, BaseException):
                raise plan
            plan()

    def plan(self, step: str, *plans: BaseException | Callable[[], None]) -> None:
        self.planned.setdefault(step, []).extend(plans)

    def count(self, step: str) -> int:
        return self.seen.count(step)

    @property
    def commits(self) -> int:
        return self.count("after commit")


class Office:
    """What one process has: a writer, on connections of its own."""

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], int] | None = None,
        options: WriterOptions | None = None,
        snapshot_every: int = 1_000_000,
        owner: str = "desk-1",
        lock_seconds: float = 10,
        statement_seconds: float = 30,
    ) -> None:
        self.database = Database(url, lock_seconds=lock_seconds, statement_seconds=statement_seconds)
        self.reader = SqlReader(self.database)
        self.clock = clock or Clock()
        self.steps = Steps()
        self.log = LedgerLog({"PERSISTENCE_MODULE": "infrastructure.store", "IMAGESTUDIO_DATABASE_URL": url})
        terms = LeaseTerms(owner, 60 * SECOND, snapshot_every)
        self.store = TappedStore(self.database, self.steps)
        self.writer = LedgerWriter(self.store, self.log, self.clock, terms, options)

    def close(self) -> None:
        self.writer.close()
        self.log.close()
        self.database.close()

    def do(self, *proposals: Proposal) -> list[Receipt]:
        """Append them one after another."""
        return [self.writer.append(proposal) for proposal in proposals]

    def facts(self, account: str | None = None) -> list[Fact]:
        """The whole log, or one account's part, as it is stored."""
        codec = self.log.codec
        links = [entry.link for entry in self.reader.read(0, 1_000_000)]
        facts = [codec.decode(link.topic, link.state) for link in links]
        return [fact for fact in facts if account is None or account_of(fact) == account]

    def vandalise(self, statement: str, *values: object) -> None:
        """Change the log as whoever owns the database can: without its triggers."""
        with self.database.transaction() as connection:
            for name in TRIGGER_NAMES[self.database.dialect]:
                connection.exec_driver_sql(f"DROP TRIGGER {name}" + ("" if self.database.is_sqlite else " ON log"))
            mark = "?" if self.database.is_sqlite else "%s"
            assert connection.exec_driver_sql(statement.replace("?", mark), values).rowcount == 1
            arm(connection)


@contextmanager
def desk(url: str, **options: Any) -> Iterator[Office]:
    opened = Office(url, **options)
    try:
        yield opened
    finally:
        opened.close()


def account_of(fact: Fact) -> str:
    operation = getattr(fact, "operation", None)
    return str(getattr(fact, "account", None) or operation.account)  # type: ignore[union-attr]


# Decisions

SECRET, BODY = b"secret", b"{}"
"""What was asked of every operation here, and the secret of its digest."""


def opening(account: str = "acme", limits: Limits | None = None, **terms: Any) -> Proposal:
    wanted = Terms("pro", limits or Limits(), **terms)

    def decide(ledger: Ledger, now: int) -> list[Fact]:
        return [*open_account(ledger.account, account, wanted, now)]

    return Proposal(account, decide, opening=True)


def asking(*ids: str, price: int = 4 * CENT, **changes: Any) -> Ask:
    """A request for one image an operation; `price` in micro-units."""
    return ask(*ids, quote=priced(price), **{"digest": hmac.new(SECRET, BODY, "sha256").hexdigest(), **changes})


def accepting(wanted: Ask) -> Proposal:
    """As the intake puts it: with its key, and with content that is erasable."""
    key = KeyRow(wanted.account, wanted.key, wanted.batch, wanted.fingerprint) if wanted.key else None
    content = ContentRow(wanted.batch, wanted.account, SECRET, BODY.decode())
    return Proposal(
        wanted.account,
        lambda ledger, now: accept(ledger, wanted, now),
        own=wanted.operations,
        key=key,
        content=content,
    )


def completing(id: str = "op-1", account: str = "acme") -> Proposal:
    def decide(ledger: Ledger, now: int) -> list[Fact]:
        return settlement.complete(ledger, id, (IMAGE,), None, now)

    return Proposal(account, decide, operations=(id,), patient=True)


def refunding(id: str, amount: int, reference: str, account: str = "acme") -> Proposal:
    def decide(ledger: Ledger, now: int) -> list[Fact]:
        return settlement.adjust(ledger, id, -amount, 0, "blurred", reference, now)

    return Proposal(account, decide, operations=(id,))


def raising(error: Exception, account: str = "acme") -> Proposal:
    def decide(_ledger: Ledger, _now: int) -> list[Fact]:
        raise error

    return Proposal(account, decide)


def looking(account: str = "acme", look: Callable[[Ledger, int], Any] = lambda ledger, _now: ledger) -> Proposal:
    """Decides nothing and looks."""
    return Proposal(account, lambda _ledger, _now: [], look=look)


class Gate:
    """A decision that keeps the writer busy until it is opened, so that what comes meanwhile forms one group."""

    def __init__(self, account: str = "gate") -> None:
        self.entered, self._open = threading.Event(), threading.Event()
        self.proposal = Proposal(account, self._decide, patient=True)

    def _decide(self, _ledger: Ledger, _now: int) -> list[Fact]:
        self.entered.set()
        assert self._open.wait(PATIENCE), "the gate was never opened"
        return []

    def open(self) -> None:
        self._open.set()


Answer = Receipt | BaseException


async def in_one_group(writer: LedgerWriter, proposals: Sequence[Proposal]) -> list[Answer]:
    """Put them to the writer while it is busy; every outcome or error, in order."""
    gate = Gate()
    busy = writer.put(gate.proposal)
    assert await asyncio.to_thread(gate.entered.wait, PATIENCE)
    waiting = [writer.put(proposal) for proposal in proposals]
    await asyncio.sleep(0)  # the loop hands over what was queued in one turn
    gate.open()
    await busy
    return await asyncio.gather(*waiting, return_exceptions=True)
