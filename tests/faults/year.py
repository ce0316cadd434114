"""A simulated year: accounts in twelve zones are used, corrected, billed, voided and billed again, and all is added up.

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
PRICED = ("operation.charged", "operation.adjusted", "ledger.usage_booked")
Added = tuple[int, int, str]
"""A row's version, the amount that it adds to a bill, and its name."""


def added_up(url: str) -> Mapping[str, Sequence[Added]]:
    """By stream, what each row of the log adds to a bill: read as it is stored, and by nothing of ours."""
    with Database(url).session("") as session:
        rows = session.rows("SELECT stream, version, topic, state FROM log ORDER BY position", ())
    amounts = defaultdict[str, list[Added]](list)
    for stream, version, topic, state in rows:
        fact = json.loads(state)
        amount = fact["price"] if topic in PRICED else -fact["amount"] if topic == "ledger.goodwill_given" else 0
        amounts[stream].append((version, amount, topic))
    return amounts


async def live(studio: Studio, clock: Clock, accounts: Sequence[str], steps: int, random: Random) -> None:
    """So many things happen at any instants of the year."""
    for number, account in enumerate(accounts):
        zone, prepaid = ZONES[number % len(ZONES)], number % 2 == 0
        await studio.accounts.open(account, plan="enterprise", zone=zone, prepaid=prepaid)
        if prepaid:
            await studio.accounts.add_credit(account, Money.parse("100", "USD"), "first")
    operations = defaultdict[str, list[str]](list)
    for number, at in enumerate(sorted(random.randrange(BEGIN, END) for _ in range(steps))):
        clock.now, account = max(clock.now, at), random.choice(accounts)
        await step(studio, account, operations[account], random, f"s-{number}")


async def step(studio: Studio, account: str, operations: list[str], random: Random, name: str) -> None:
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
    left, billed = 0, 0
    periods = await studio.statements.periods(account)
    for one in periods:
        read = (await studio.statements.preview(account, one.name)).statement
        rows = amounts[period_stream(account, one.period)]
        assert read.total == sum(amount for version, amount, _ in rows if version <= read.version), (account, one.name)
        assert read.opening in (None, left)
        left, billed = read.closing or 0, billed + read.total
    rows = [row for one in periods for row in amounts[period_stream(account, one.period)]]
    assert billed == sum(amount for _, amount, topic in rows if topic != "ledger.usage_booked"), account
    numbers = [one.number for one in await studio.statements.list(account)]
    assert numbers == [f"{account}-{number:04d}" for number in range(1, len(numbers) + 1)]
    return len(numbers)


async def simulate(url: str, home: Path, accounts: int, steps: int, seed: int = 1) -> int:
    """A year; how many statements were issued. Raises AssertionError if anything does not add up."""
    names, random, clock = [f"a{number}" for number in range(accounts)], Random(seed), Clock(BEGIN)
    async with studio_on(url, home, clock=clock) as studio:
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
