"""A simulated year: accounts in twelve zones pay plans, are granted credit, used and billed, and all adds up.

python -m tests.faults.year [ACCOUNTS] [STEPS]          50 accounts and 6,000 steps, on SQLite in a folder of its own
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from domain.errors import InvalidRequest, OperationRefused
from domain.ledger import period_stream
from domain.money import Money
from infrastructure.service import Studio
from infrastructure.store.database import Database
from infrastructure.store.migrations import upgrade_schema
from tests.application.studios import SYNC, is_sound, studio_on
from tests.application.support import Clock
from tests.domain.wall_clocks import utc

ZONES = (
    *("UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Kathmandu"),
    *("Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Africa/Casablanca", "America/St_Johns", "Asia/Tokyo"),
)
BEGIN, END = utc("2028-01-01"), utc("2029-02-15")
DAY = 24 * 60 * 60 * 1_000_000
PLANS = """
[[plan]]
id = "club"
price = "2.00"
allowance = "0.30"

[[plan]]
id = "guild"
price = "3.50"
allowance = "0.10"
overage = "refused"
trial = { days = 40, allowance = "0.20", then = "club" }

[[plan]]
id = "order"
price = "1.00"
allowance = "0.50"
overage = "1.25"
"""
PRICED = ("operation.charged", "operation.adjusted", "ledger.usage_booked", "wallet.subscription_charged")
Added = tuple[int, int, str, int]
"""A row's version, the amount that it adds to a bill, its name, and by how much it changes what grants have left."""


def added_up(url: str) -> Mapping[str, Sequence[Added]]:
    """By stream, what each row of the log adds to a bill: read as it is stored, and by nothing of ours."""
    with Database(url).session("") as session:
        rows = session.rows("SELECT stream, version, topic, state FROM facts ORDER BY position", ())
    amounts = defaultdict[str, list[Added]](list)
    for stream, version, topic, state in rows:
        fact = json.loads(state)
        amount = fact["price"] if topic in PRICED else -fact["amount"] if topic == "ledger.goodwill_given" else 0
        granted = sum(one["amount"] for one in fact.get("drawn", ())) if topic in PRICED else 0
        back = [one for one in fact.get("back", ()) if one["to"] != "balance"]
        amount += sum(one["amount"] for one in back) - granted
        left = sum(one["amount"] for one in back if one["to"] == "grant") - granted
        left += {"wallet.grant_given": 1, "wallet.grant_ended": -1, "wallet.grant_revoked": -1}.get(
            topic, 0
        ) * fact.get("amount", 0)
        amounts[stream].append((version, amount, topic, left))
    return amounts


async def live(studio: Studio, clock: Clock, accounts: Sequence[str], steps: int, random: Random) -> None:
    """So many things happen at any instants of the year."""
    for number, account in enumerate(accounts):
        zone, prepaid = ZONES[number % len(ZONES)], number % 2 == 0
        plan = ("enterprise", "club", "guild", "order")[number % 4]
        await studio.accounts.open(account, plan=plan, zone=zone, prepaid=prepaid)
        if prepaid:
            await studio.accounts.add_credit(account, Money.parse("100", "USD"), "first")
    operations = defaultdict[str, list[str]](list)
    for number, at in enumerate(sorted(random.randrange(BEGIN, END) for _ in range(steps))):
        clock.now, account = max(clock.now, at), random.choice(accounts)
        await step(studio, clock, account, operations[account], random, f"s-{number}")


async def step(studio: Studio, clock: Clock, account: str, operations: list[str], random: Random, name: str) -> None:
    choice, back = random.random(), Money(random.randrange(1, 30_000), "USD")
    with suppress(InvalidRequest, OperationRefused):
        if choice < 0.7:
            made = await studio.operations.generate(
                "a lake", account=account, user=f"u{len(operations) % 3}", model=SYNC
            )
            operations.append(made.operation)
        elif choice < 0.8 and operations:
            one = random.choice(operations)
            await studio.upkeep.refund(one, account=account, amount=back, reason="spoilt", reference=name)
        elif choice < 0.85:
            await studio.statements.goodwill(account, back, reason="an outage", reference=name)
        elif choice < 0.87:
            await studio.accounts.change_time_zone(account, random.choice(ZONES))
        elif choice < 0.91:
            expires = random.choice((None, clock.now + random.randrange(1, 90) * DAY))
            source, kinds = random.choice(("promotional", "paid")), random.choice(((), ("images",), ("videos",)))
            terms: dict[str, Any] = {
                "source": source,
                "kinds": kinds,
                "expires": expires,
                "priority": random.randrange(3),
            }
            await studio.accounts.grant(account, Money(back.micros * 10, "USD"), name, **terms)
        elif choice < 0.93:
            at, plan = random.choice(("now", "period-end")), random.choice(("club", "guild", "order"))
            await studio.accounts.change_plan(account, plan, at=at)
        elif choice < 0.94:
            await studio.accounts.add_credit(account, Money(back.micros * 100, "USD"), name)
            if random.random() < 0.5:
                await studio.accounts.charge_back(account, name, back, "disputed")
        else:
            await bill(studio, account, random)


async def bill(studio: Studio, account: str, random: Random) -> None:
    """Close the first period that is over, and issue its statement, now and then twice."""
    closed = await studio.statements.close(account, carry=True)
    issued = await studio.statements.issue(account, closed.name)
    if random.random() < 0.2:
        await studio.statements.void(account, issued.number, "a wrong name")
        await studio.statements.issue(account, closed.name)


async def check(studio: Studio, account: str, amounts: Mapping[str, Sequence[Added]]) -> int:
    """Each bill is what the raw log adds up to, and opens with what the last one left; how many there are."""
    left, billed, granted = 0, 0, 0
    periods = await studio.statements.periods(account)
    for one in periods:
        read = (await studio.statements.preview(account, one.name)).statement
        rows = amounts[period_stream(account, one.period)]
        there = [row for row in rows if row[0] <= read.version]
        assert read.total == sum(amount for _, amount, _, _ in there), (account, one.name)
        assert read.opening in (None, left)
        assert read.granted == granted, (account, one.name)
        granted += sum(change for _, _, _, change in there)
        assert read.left_of_grants == granted, (account, one.name)
        left, billed = read.closing or 0, billed + read.total
    rows = [row for one in periods for row in amounts[period_stream(account, one.period)]]
    assert billed == sum(amount for _, amount, topic, _ in rows if topic != "ledger.usage_booked"), account
    assert granted >= sum(one.left + one.held for one in (await studio.accounts.wallet(account)).grants), account
    numbers = [one.number for one in await studio.statements.list(account)]
    assert numbers == [f"{account}-{number:04d}" for number in range(1, len(numbers) + 1)]
    return len(numbers)


async def simulate(url: str, home: Path, accounts: int, steps: int, seed: int = 1) -> int:
    """A year; how many statements were issued. Raises AssertionError if anything does not add up."""
    names, random, clock = [f"a{number}" for number in range(accounts)], Random(seed), Clock(BEGIN)
    (home / "plans.toml").write_text(PLANS)
    plans = (home / "plans.toml",)
    async with studio_on(url, home, clock=clock, plans=plans, plan_prices="charged") as studio:
        await live(studio, clock, names, steps, random)
        clock.now = END
        for account in names:
            with suppress(InvalidRequest):  # until none is over any more
                while True:
                    await bill(studio, account, random)
        amounts = added_up(url)
        issued = sum([await check(studio, account, amounts) for account in names])
        assert list(studio.audit.bills()) == []
        assert await is_sound(studio)
    return issued


def main() -> None:
    accounts, steps = (int(text) for text in (*sys.argv[1:], "50", "6000")[:2])
    with tempfile.TemporaryDirectory() as home:
        url = f"sqlite:///{home}/year.db"
        upgrade_schema(url)
        issued = asyncio.run(simulate(url, Path(home), accounts, steps))
    sys.stdout.write(f"{issued} statements of {accounts} accounts add up\n")


if __name__ == "__main__":
    main()
