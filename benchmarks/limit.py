"""About the limit in Python: the same batches of the same rows, with plain dicts, no rules, no hashes and no views.

    callers (asyncio) ─ queue ─ one writer thread: lock rows ─ dicts and JSON ─ write all with the commit ─ callers

The tables, the columns, the number and size of rows of every table, the transactions, the fsyncs and the round
trips are the studio's: two appends an operation, three facts and then two, each batch one lock and one write with
the commit; where another process has written to an account, its facts are read and folded. What is missing is what
the studio adds: inputs checked, a price quoted, limits checked, states that cannot be wrong, hash chains (their
columns hold 32 constant bytes), idempotency, a provider's port, results, views. Statements are the drivers' own;
the JSON library is msgspec.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg2

from benchmarks.limit_sql import HASH, Rows, open_tables
from benchmarks.timing import Stopwatch, Timed, Totals, drive
from infrastructure.clock import new_id, now

Json = dict[str, Any]
Ticket = tuple[str, str, bool, asyncio.Future[None]]
"""Account, operation, whether it settles rather than asks, and who waits."""

GROUP = 512
LEASE = 600_000_000
ACTOR = "studio:benchmark"
OWNER = "0123456789abcdef0123456789abcdef"
DIGEST = "d" * 64
PERIOD = {"start": 1_793_491_200_000_000, "end": 1_796_083_200_000_000}
QUOTE: Json = {
    "model": "scripted-image",
    "provider": "scripted",
    "unit": "image",
    "units": "1",
    "rate": "0.04",
    "price": 40_000,
    "cost": 40_000,
    "currency": "USD",
    "price_book": "0123456789abcdef",
    "outputs": 1,
    "model_class": "test",
}
POSTED = {name: QUOTE[name] for name in ("outputs", "unit", "units", "price", "cost", "currency", "price_book")}
POSTED |= {"price_source": "quoted", "cost_source": "quoted"}
ASSET = {
    "digest": DIGEST,
    "media_type": "image/png",
    "size": 64,
    "width": 64,
    "height": 64,
    "duration_ms": None,
    "id": "5a" * 12,
}
BODY = '{"kind":"text-to-image","media":{},"models":{"scripted-image":{"prompt":"a lighthouse at dusk"}}}'
SECRET = b"s" * 32

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode


class Limit:
    """Two appends an operation, batched, with nothing in between."""

    def __init__(self, url: str) -> None:
        self._tables = open_tables(url)
        self._states: dict[str, Json] = {}
        self._queue: list[Ticket] = []
        self._collected: list[Ticket] = []
        self._changed = threading.Condition()
        self._closing = False
        self._runner = asyncio.Runner()
        self._loop = self._runner.get_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def prepare(self, accounts: Sequence[str]) -> None:
        self._tables.open(sorted(set(accounts)), f"ledger:{{}}:{PERIOD['start']}")

    def measure(self, accounts: Sequence[str], seconds: float) -> Timed:
        watch = Stopwatch()
        latencies = self._runner.run(drive(self._operation, accounts, seconds))
        return watch.stop(latencies)

    def totals(self) -> Totals:
        """Operations charged, twice: without views nothing else counts them."""
        charged = self._tables.charged()
        return Totals(charged, charged)

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._tables.close()
        self._runner.close()

    async def _operation(self, account: str) -> None:
        id = new_id()
        await self._append(account, id, settles=False)
        await self._append(account, id, settles=True)

    def _append(self, account: str, id: str, *, settles: bool) -> asyncio.Future[None]:
        future = self._loop.create_future()
        if not self._collected:
            self._loop.call_soon(self._flush)
        self._collected.append((account, id, settles, future))
        return future

    def _flush(self) -> None:
        with self._changed:
            self._queue += self._collected
            self._changed.notify()
        self._collected = []

    def _take(self) -> list[Ticket]:
        with self._changed:
            while not self._queue and not self._closing:
                self._changed.wait()
            tickets, self._queue = self._queue[:GROUP], self._queue[GROUP:]
            return tickets

    def _run(self) -> None:
        while tickets := self._take():
            error: Exception | None = None
            try:
                self._commit(tickets)
            except (sqlite3.Error, psycopg2.Error) as refusal:
                error = refusal
            self._loop.call_soon_threadsafe(_resolve, tickets, error)

    def _commit(self, tickets: Sequence[Ticket]) -> None:
        accounts = sorted({ticket[0] for ticket in tickets})
        states = self._states
        for id, (revision, stream, version) in self._tables.lock(accounts).items():
            state = states.get(id)
            if state is None:
                state = states[id] = {"stream": stream, "revision": 0, "version": 0} | {
                    "asked": {},
                    "open": {},
                    "held": {},
                    "posted": {},
                }
            if state["revision"] != revision:
                self._catch_up(state, revision, version)
        rows = Rows()
        instant = now()
        for account, id, settles, _ in tickets:
            if settles:
                _settle(rows, states[account], id, instant)
            else:
                _accept(rows, states[account], account, id, instant)
        for account in accounts:
            state = states[account]
            rows.accounts.append((state["revision"], state["version"], HASH, account))
        self._tables.write(rows)

    def _catch_up(self, state: Json, revision: int, version: int) -> None:
        for topic, id, text in self._tables.newer(state["stream"], state["version"]):
            _fold(state, topic, id, decode(text))
        state["revision"], state["version"] = revision, version


def _resolve(tickets: Sequence[Ticket], error: Exception | None) -> None:
    for *_, future in tickets:
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)


def _accept(rows: Rows, state: Json, account: str, id: str, now: int) -> None:
    operation = {
        "id": id,
        "batch": id,
        "account": account,
        "user": "ann",
        "project": None,
        "period": PERIOD,
        "day": "2026-11-23",
        "kind": "text-to-image",
        "family": "images",
        "model": "scripted-image",
        "provider": "scripted",
        "api_key": None,
    }
    asked = {"operation": operation, "at": now, "key": None, "digest": DIGEST, "outputs": 1}
    _record(rows, state, "operation.requested", id, asked)
    _record(rows, state, "operation.validated", id, {"at": now, "quote": QUOTE})
    sent = {"at": now, "attempt": 1, "sender": OWNER}
    _record(rows, state, "operation.dispatched", id, sent)
    rows.requested.append((id, account, state["stream"]))
    rows.leased.append((id, account, OWNER, now + LEASE))
    rows.contents.append((id, account, SECRET, BODY))


def _settle(rows: Rows, state: Json, id: str, now: int) -> None:
    completed = {"at": now, "assets": [ASSET], "cost": None, "late": False}
    _record(rows, state, "operation.provider_completed", id, completed)
    _record(rows, state, "operation.charged", id, {"at": now, **POSTED})
    rows.moved.append((QUOTE["price"], id))
    rows.closed.append((id,))


def _record(rows: Rows, state: Json, topic: str, id: str, fact: Json) -> None:
    state["version"] += 1
    state["revision"] += 1
    _fold(state, topic, id, fact)
    rows.log.append((state["stream"], state["version"], topic, id, ACTOR, encode(fact).decode(), HASH))


def _fold(state: Json, topic: str, id: str, fact: Json) -> None:
    """The account's totals and open operations, as dicts; the first fact alone says what was asked for."""
    if topic == "operation.requested":
        state["asked"][id] = fact["operation"]
    elif topic == "operation.validated":
        operation = state["open"][id] = state["asked"].pop(id)
        _add(state["held"], operation, fact["quote"], 1)
    elif topic == "operation.charged":
        operation = state["open"].pop(id)
        _add(state["held"], operation, QUOTE, -1)
        _add(state["posted"], operation, fact, 1)


def _add(totals: Json, operation: Json, amounts: Json, sign: int) -> None:
    for scope in ("account", operation["user"]):
        for measure, amount in ((operation["family"], amounts["outputs"]), ("spend", amounts["price"])):
            key = f"{scope}:{measure}"
            totals[key] = totals.get(key, 0) + sign * amount
