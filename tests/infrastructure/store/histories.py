"""A ledger in which every table beside the log has rows, and what looks at it and mends it without a studio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import insert, inspect, text

from application.asking.requests import Request
from application.keeping.chains import verify_chains
from application.keeping.differences import differences
from application.keeping.mending import Mending, chosen_tables
from application.keeping.tables import MADE, Discrepancy, Ground
from application.library.records import AssetQuery
from application.notifying.planning import HookPlanner
from domain.alerting import AlertTerms
from domain.errors import OperationFailed, OperationPending, OperationRefused
from domain.keys import KeyScope, KeyTerms
from domain.money import Money
from infrastructure.clock import SECOND, now
from infrastructure.service import Studio
from infrastructure.store.database import Database
from infrastructure.store.desks import SqlDesks
from infrastructure.store.facts import FactMapper
from infrastructure.store.reader import SqlReader
from infrastructure.store.relays import RelayTable
from infrastructure.store.schema import METADATA
from infrastructure.working import working
from projections.views.usage import USAGE, UsageFilter
from tests.application.studios import BLIND, JOBS, PRICE, SYNC, database_of, studio_on

LEASE = 60 * SECOND
EVERY = 4
MANY = 26
"""Operations of an account whose periods are kept: at least 60 facts apart, for what three scopes weigh."""


async def tell(url: str, home: Path) -> None:
    """Charged with and without keys, refused under a key, a batch, a job, a payment, a refund, two still open."""
    async with studio_on(url, home, snapshot_every=EVERY, scripted_concurrency=4) as studio:
        await studio.accounts.open("acme", plan="pro", prepaid=True)
        await studio.accounts.add_credit("acme", Money(50 * PRICE, "USD"), "payment-1")
        await studio.accounts.open("zeta", plan="pro")
        await studio.webhooks.add("zeta", "https://shop.example/hooks")
        await studio.alerts.set("acme", AlertTerms(amounts=(PRICE,), shares=(1,)))
        await studio.operations.generate("a lake", account="acme", user="ann", model=SYNC, key="order-1")
        await studio.operations.generate("a fox", account="acme", user="bob", model=SYNC, key="order-2", n=3)
        paid = await studio.operations.generate("a hill", account="acme", model=JOBS)
        with suppress(OperationFailed):
            await studio.operations.generate("x", account="acme", model=SYNC, outcome="fail")
        await studio.upkeep.refund(paid.operation, reason="blurred", reference="ticket-1", account="acme")
        await studio.accounts.change_limit("acme", "images", 1, scope="user:eve")
        with suppress(OperationRefused):
            await studio.operations.generate("a fox", account="acme", user="eve", model=SYNC, key="order-3", n=2)
        for key in ("open-1", None):
            with suppress(OperationPending):
                await studio.operations.generate("x", account="acme", model=BLIND, key=key, outcome="timeout")
        await queue(studio)
        for _ in range(MANY):
            await studio.operations.generate("a lake", account="zeta", model=SYNC, tags={"campaign": "spring"})
        await word(studio)
        await studio.accounts.open("omega", plan="pro")
        for user in ("uma", "vic"):
            await studio.operations.generate("a lake", account="omega", user=user, model=SYNC)
            await studio.upkeep.erase_user(user, account="omega", reason="as asked")
        await studio.alerts.check()
        HookPlanner(studio.webhooks.sending.log, studio.webhooks.tables).advance()
        RelayTable(database_of(studio), "nats/studio").take("somebody", 1, 2)
        with database_of(studio).transaction() as connection:
            for table, row in ELSEWHERE.items():
                connection.execute(insert(METADATA.tables[table]).values(**row))
        past = replace(studio.past, views=replace(studio.past.views, span=MANY))
        await past.rows(USAGE, UsageFilter(account="zeta"), studio.log.reader.end())


WATCH = {"one": 1, "owner": "", "until": 0, "position": 0, "verified": 0, "problems": "[]", "at": 0}
ELSEWHERE: dict[str, dict[str, Any]] = {
    "asset_keys": {"account": "from-elsewhere", "key": bytes(32)},
    "departed": {"stream": "ledger:elsewhere:0"},
    "log_watch": WATCH,
}
"""Rows of what happened to accounts elsewhere, and of whoever verifies."""


async def queue(studio: Studio) -> None:
    """One that a worker has performed, and two that wait."""
    wanted = Request("text-to-image", "zeta", {"prompt": "a lake"}, model=SYNC)
    begun = await studio.operations.submit(wanted, queued=True)
    async with working(studio):
        await studio.operations.wait(begun.operation, account="zeta")
    for priority in ("high", "low"):
        await studio.operations.submit(replace(wanted, priority=priority), queued=True)


async def word(studio: Studio) -> None:
    """Words about an asset, which stand beside the log."""
    [asset, *_] = (await studio.library.list("zeta", AssetQuery(text="lake"))).assets
    await studio.keys.issue("zeta", KeyTerms((KeyScope.READ,)), name="viewer")
    await studio.library.words.describe("zeta", asset.id, title="The lake")
    await studio.library.words.tag("zeta", asset.id, add=["spring"])
    await studio.library.words.make_collection("zeta", "Campaign")
    await studio.library.words.collect("zeta", "Campaign", add=[asset.id])


def write(url: str, home: Path) -> None:
    """The same, without a loop of one's own."""
    asyncio.run(tell(url, home))


@dataclass(frozen=True)
class Ledger:
    """A database with such a history."""

    database: Database

    @property
    def reader(self) -> SqlReader:
        return SqlReader(self.database)

    @property
    def ground(self) -> Ground:
        return Ground(SqlDesks(self.database), self.reader, FactMapper(), now(), LEASE)

    def audit(self) -> list[str]:
        """What the audit finds in the log and in the tables beside it."""
        return [*map(str, verify_chains(self.reader)), *map(str, differences(self.ground))]

    def mend(self, *tables: str, told: bool = False) -> list[Discrepancy]:
        return list(Mending(self.ground, self.reader, chosen_tables(tables or MADE), told=told).run())

    def run(self, sql: str, **values: Any) -> int:
        with self.database.transaction() as connection:
            return connection.execute(text(sql), values).rowcount

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.database.connect() as connection:
            return [dict(row) for row in connection.execute(text(sql)).mappings()]

    def tables(self) -> dict[str, tuple[str, ...]]:
        """The database's own tables and their columns."""
        with self.database.connect() as connection:
            seen = inspect(connection)
            own = [name for name in seen.get_table_names() if not name.startswith("asset_search")]
            return {name: tuple(one["name"] for one in seen.get_columns(name)) for name in own}


@contextmanager
def ledger_at(url: str) -> Iterator[Ledger]:
    database = Database(url)
    try:
        yield Ledger(database)
    finally:
        database.close()


def forge(state: str, **changes: Any) -> str:
    """A snapshot with other contents, and a digest that fits them: what only somebody who knows can write."""
    from hashlib import sha256

    document = json.loads(state)
    document["state"].update(changes)
    state = json.dumps(document["state"], separators=(",", ":"), ensure_ascii=False)
    digest = sha256(state.encode()).hexdigest()
    return f'{{"schema":{document["schema"]},"digest":"{digest}","state":{state}}}'


async def left(studio: Studio, account: str) -> dict[str, int | None]:
    """What an account has left of each measure."""
    return (await studio.accounts.show(account)).left
