"""Makes a log of a wanted size the honest way: real decisions, through the writer, in large groups; then copies it.

Every event is one that the studio itself would have written, with its hash, its index row and its lease, so that
whatever is measured on the result is measured on the real thing. Filling PostgreSQL is copying the SQLite file's rows.
"""

from __future__ import annotations

import asyncio
import io
import random
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import psycopg2

from application.ledger.group import LeaseTerms, Proposal
from application.ledger.saving import LedgerLog
from application.ledger.transaction import ContentRow
from application.ledger.writer import LedgerWriter, WriterOptions
from benchmarks.openings import limiting, opening
from benchmarks.ours import database_of
from domain import settlement
from domain.admission import Ask, accept
from domain.ledger import Fact, Ledger
from domain.operation import Sent, Stored
from domain.pricing import Quote
from infrastructure.clock import SECOND, new_id, now
from infrastructure.store import DATABASE_URL, Factory
from infrastructure.store.transactions import SqlStore
from infrastructure.store.urls import parse_url

GROUP = 1_000
EVENTS_EACH = 5
YEARS = 10 * 365 * 86_400 * SECOND
KINDS = (("text-to-image", "images"), ("image-edit", "edits"), ("upscale", "upscales"), ("text-to-video", "videos"))
STORED = Stored("a" * 64, "image/png", 123_456, 1024, 1024)
SECRET, BODY = b"s" * 32, '{"kind":"text-to-image","media":{},"models":{"m":{"prompt":"a lighthouse at dusk"}}}'
FAILED_IN_100, CORRECTED_IN_100 = 5, 2


@dataclass(frozen=True, slots=True)
class Size:
    """How many events, about, on how many accounts, in how many months until now; and operations left open."""

    events: int
    accounts: int = 1
    months: int = 0
    open: int = 0
    group: int = GROUP
    """Operations that are asked for in one transaction, at one instant."""


@dataclass(slots=True)
class Clock:
    """Stands at one instant for a group."""

    instant: int

    def __call__(self) -> int:
        return self.instant


class Filler:
    """Writes operations in groups: all of a group are asked in one transaction and settled in the next."""

    def __init__(self, url: str, size: Size) -> None:
        self._size = size
        self._log = LedgerLog({"PERSISTENCE_MODULE": Factory.__module__, DATABASE_URL: url})
        self._clock = Clock(now() - size.months * 30 * 86_400 * SECOND)
        terms = LeaseTerms("benchmark", YEARS, 2_000)
        options = WriterOptions(waiting=1_000_000, group=2 * GROUP)
        self._writer = LedgerWriter(SqlStore(database_of(self._log)), self._log, self._clock, terms, options)
        self._random = random.Random(1)
        self._accounts = ["hot"] if size.accounts == 1 else [f"account-{n:05}" for n in range(size.accounts)]
        self._events = 0

    def close(self) -> None:
        self._writer.close()
        self._log.close()

    async def run(self) -> None:
        """Open the accounts, leave some operations open, and settle the others until there are events enough."""
        await self._all(proposal for account in self._accounts for proposal in opening(account))
        if self._size.accounts > 1:
            await self._all(limiting(account, "videos", 0) for account in self._accounts[::10])
        for start in range(0, self._size.open, GROUP):
            await self._all(map(self._asking, self._new(min(GROUP, self._size.open - start))))
        step = (now() - self._clock.instant) * self._size.group * EVENTS_EACH // self._size.events
        while self._events < self._size.events:
            self._clock.instant += step if self._size.months else 0
            await self._group()

    async def _group(self) -> None:
        asks = self._new(min(self._size.group, (self._size.events - self._events) // EVENTS_EACH + 1))
        accepted = await self._all(map(self._asking, asks))
        admitted = [one for one, held in zip(asks, accepted, strict=True) if held]
        await self._all(map(self._settling, admitted))
        if self._size.accounts > 1:
            corrected = [ask for ask in admitted if ask.cycle_of(100) < CORRECTED_IN_100]
            await self._all(map(_correcting, corrected))

    async def _all(self, proposals: Iterable[Proposal]) -> list[bool]:
        """Append them together; which of them left an operation open."""
        receipts = await asyncio.gather(*[self._writer.put(proposal) for proposal in proposals])
        self._events += sum(len(receipt.facts) for receipt in receipts)
        return [any(isinstance(state, Sent) for state in receipt.states.values()) for receipt in receipts]

    def _new(self, count: int) -> list[Planned]:
        draw = self._random
        return [Planned(draw.choice(self._accounts), draw.randrange(1_000_000)) for _ in range(count)]

    def _asking(self, planned: Planned) -> Proposal:
        ask = planned.ask
        content = ContentRow(ask.batch, ask.account, SECRET, BODY)
        return Proposal(ask.account, lambda ledger, at: accept(ledger, ask, at), own=ask.operations, content=content)

    def _settling(self, planned: Planned) -> Proposal:
        id = planned.ask.batch

        def settle(ledger: Ledger, at: int) -> list[Fact]:
            if planned.cycle_of(100) >= 100 - FAILED_IN_100:
                return settlement.fail(ledger, id, "blocked", 0, at)
            return settlement.complete(ledger, id, (replace(STORED, id=id.replace("-", "")[8:]),), None, at)

        return Proposal(planned.ask.account, settle, operations=(id,), patient=True)


class Planned:
    """One operation, whose kind, user, model and fate are read off a random number."""

    __slots__ = ("ask", "number")

    def __init__(self, account: str, number: int) -> None:
        self.number = number
        kind, family = KINDS[number % len(KINDS)]
        model = number // 7 % 20
        user, project = f"user-{number // 11 % 5}", "spring" if number % 3 == 0 else None
        route = (f"model-{model}", f"provider-{model % 4}")
        quote = Quote(*route, "image", Decimal(1), Decimal("0.04"), 40_000, 30_000, "USD", "0123456789abcdef", 1)
        id = new_id()
        self.ask = Ask(account, user, project, id, (id,), kind, family, None, "", "d" * 64, (quote,), "benchmark")

    def cycle_of(self, length: int) -> int:
        """A number below `length` that has nothing to do with kind, model and user."""
        return self.number // 1_000 % length


def _correcting(planned: Planned) -> Proposal:
    id = planned.ask.batch

    def correct(ledger: Ledger, at: int) -> list[Fact]:
        return settlement.adjust(ledger, id, 0, -1_000, "goodwill", "r1", at)

    return Proposal(planned.ask.account, correct, operations=(id,))


def fill(url: str, size: Size) -> None:
    """Fill a database that has the schema."""
    filler = Filler(url, size)
    try:
        asyncio.run(filler.run())
    finally:
        filler.close()


# Copying a filled SQLite file into PostgreSQL

TABLES = ("log", "accounts", "operations", "leases", "contents", "snapshots")
ROWS = 20_000
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy(source: str, target: str) -> None:
    """All rows of the ledger from a SQLite database to a PostgreSQL one that has the schema and no rows."""
    dsn = parse_url(target).set(drivername="postgresql").render_as_string(hide_password=False)
    reading = sqlite3.connect(str(parse_url(source).database))
    writing = psycopg2.connect(dsn)
    with reading, writing, writing.cursor() as cursor:
        for table in TABLES:
            rows = reading.execute(f"SELECT * FROM {table}")
            columns = ", ".join(f'"{column[0]}"' for column in rows.description)
            while chunk := rows.fetchmany(ROWS):
                cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", _lines(chunk))
        cursor.execute("SELECT setval(pg_get_serial_sequence('log', 'position'), (SELECT max(position) FROM log))")
    reading.close()
    with writing.cursor() as cursor:
        writing.autocommit = True
        cursor.execute("VACUUM ANALYZE")
    writing.close()


def _lines(rows: Sequence[tuple[Any, ...]]) -> io.StringIO:
    return io.StringIO("".join("\t".join(map(_cell, row)) + "\n" for row in rows))


def _cell(value: Any) -> str:
    match value:
        case None:
            return "\\N"
        case bytes():
            return "\\\\x" + value.hex()
        case str():
            return value.translate(ESCAPES)
    return str(value)
