"""The usual way: an ORM session a request, a summary row that is read, checked, counted up and written back.

    read summary ─ check limit ─ call provider ─ summary.images += 1 ─ insert log row ─ commit

It is written as most products write it, and tuned where that costs nothing: one commit an operation, rows found by
primary key, `expire_on_commit` off, one thread a caller, SQLAlchemy's own pool (5 connections and 10 more), the
database's durability on. There is no hold, no life cycle, no idempotency, no hash, no event; the provider is
instant. Two callers of one account who read the same count both write the same count back: one update is lost, and
`totals` shows how many were.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

from sqlalchemy import BigInteger, Engine, Text, create_engine, event, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.timing import Stopwatch, Timed, Totals, drive_threads
from infrastructure.store.urls import parse_url

PERIOD = "2026-11"
LIMIT = 1_000_000_000
PRICE = 40_000
PROMPT = "a lighthouse at dusk"
WAIT_SECONDS = 60


class Base(DeclarativeBase):
    """The product's tables."""


class UsageSummary(Base):
    """What an account used this month: the row that everybody counts up."""

    __tablename__ = "product_usage"

    account: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[str] = mapped_column(Text, primary_key=True)
    images: Mapped[int] = mapped_column(BigInteger, default=0)
    spend: Mapped[int] = mapped_column(BigInteger, default=0)
    updated: Mapped[int] = mapped_column(BigInteger, default=0)


class UsageLog(Base):
    """One row an operation."""

    __tablename__ = "product_operation"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    account: Mapped[str] = mapped_column(Text, index=True)
    user: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    model: Mapped[str] = mapped_column(Text)
    provider: Mapped[str] = mapped_column(Text)
    prompt: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    price: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Text)
    created: Mapped[int] = mapped_column(BigInteger)


class OverLimit(Exception):
    """The summary says that the account has used all it may."""


def instant_provider(prompt: str) -> str:
    """What the product waits for, without the waiting."""
    return sha256(prompt.encode()).hexdigest()


class Usual:
    """Full operations the usual way, on one database."""

    def __init__(self, url: str, provider: Callable[[str], str] = instant_provider) -> None:
        self._provider = provider
        self._engine = _engine(url)
        self._pool = ThreadPoolExecutor(max_workers=128)
        Base.metadata.create_all(self._engine)

    def prepare(self, accounts: Sequence[str]) -> None:
        for account in sorted(set(accounts)):
            self._open(account)

    def measure(self, accounts: Sequence[str], seconds: float) -> Timed:
        watch = Stopwatch()
        latencies = drive_threads(self._pool, self.operation, accounts, seconds)
        return watch.stop(latencies)

    def operation(self, account: str) -> None:
        """One request. Raises OverLimit."""
        with Session(self._engine, expire_on_commit=False) as session:
            summary = session.get_one(UsageSummary, (account, PERIOD))
            if summary.images + 1 > LIMIT:
                raise OverLimit(account)
            digest = self._provider(PROMPT)
            now = time.time_ns() // 1000
            summary.images = summary.images + 1
            summary.spend = summary.spend + PRICE
            summary.updated = now
            session.add(_log_row(account, digest, now))
            session.commit()

    def totals(self) -> Totals:
        """The rows of the log, and the sum of the summaries: fewer by the updates that were lost."""
        with Session(self._engine) as session:
            recorded = session.scalar(select(func.count()).select_from(UsageLog)) or 0
            return Totals(recorded, int(session.scalar(select(func.sum(UsageSummary.images))) or 0))

    def close(self) -> None:
        self._pool.shutdown()
        self._engine.dispose()

    def _open(self, account: str) -> None:
        with Session(self._engine) as session:
            if session.get(UsageSummary, (account, PERIOD)) is None:
                session.add(UsageSummary(account=account, period=PERIOD, images=0, spend=0, updated=0))
                try:
                    session.commit()
                except IntegrityError:  # another process opened it just now
                    session.rollback()


def _log_row(account: str, digest: str, now: int) -> UsageLog:
    return UsageLog(
        id=uuid.uuid4().hex,
        account=account,
        user="ann",
        kind="text-to-image",
        model="model",
        provider="instant",
        prompt=PROMPT,
        digest=digest,
        price=PRICE,
        cost=PRICE,
        status="done",
        created=now,
    )


def _engine(url: str) -> Engine:
    parsed = parse_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, pool_timeout=WAIT_SECONDS)
    engine = create_engine(parsed, pool_timeout=WAIT_SECONDS, connect_args={"timeout": WAIT_SECONDS})
    event.listen(engine, "connect", _set_up_sqlite)
    return engine


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
