"""The books of a town after all its troubles: what customers were told, what the log says, what the provider counted.

    told ──┐
    log ───┼── the same, order by order
    tally ─┘

The provider knows an order by its prompt, which is its key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.ledger import Fact
from domain.operation import POLICY, Charged, Rejected, Released, Requested, Validated
from infrastructure.service import Studio
from tests.application.asking.test_waiting import until
from tests.application.studios import database_of, facts_of, is_sound
from tests.faults.customers import TIGHT, Customers, Order
from tests.faults.towns import LEASE, MILL, PRICE
from tests.wire.fake.server import Fake

CLOSED = (Charged, Released, Rejected)
ASKING = LEASE * 1_000_000 // 2
"""Microseconds within which the provider is asked about an operation, and the operation given up on its answer."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """How the operations of all orders ended. `unknown` were begun at the provider by a process that died before the
    answer came, or slept until it was given up, or reached the provider after that: nobody could learn what became of
    them, and nothing is charged."""

    charged: int
    refused: int
    never_sent: int
    unknown: int


async def until_settled(studio: Studio) -> None:
    """Wait until every operation has ended, by whoever is left to settle it."""
    await until(lambda: left(studio, "operations WHERE phase NOT IN ('charged', 'released', 'rejected')") == 0)


def left(studio: Studio, where: str) -> int:
    """How many rows there are."""
    with database_of(studio).connect() as connection:
        return int(connection.exec_driver_sql(f"SELECT count(*) FROM {where}").scalar_one())


async def reckon(studio: Studio, customers: Customers, fake: Fake, limit: int) -> Reckoning:
    """Hold all three books against each other. Raises AssertionError for the first thing that is not right."""
    facts = facts_of(studio)
    check_each_ends_once(facts)
    check_limit(facts, limit)
    tally = Counter(str(job.inputs["prompt"]) for job in fake.jobs())
    assert set(tally.values()) <= {1}, f"sent twice: {[key for key, times in tally.items() if times > 1]}"
    made = {str(job.inputs["prompt"]): job.created for job in fake.jobs()}
    ends = {fact.operation.id: fact for fact in facts if isinstance(fact, CLOSED)}
    found = Counter([check_order(studio, order, customers, ends, made) for order in customers.orders])
    assert found["charged"] + found["unknown"] == tally.total(), "the provider knows of orders that nobody made"
    assert [left(studio, table) for table in ("queue", "leases")] == [0, 0]
    assert await is_sound(studio)
    await check_files(studio, facts)
    return Reckoning(found["charged"], found["refused"], found["never sent"], found["unknown"])


def check_each_ends_once(facts: Sequence[Fact]) -> None:
    ends = Counter(fact.operation.id for fact in facts if isinstance(fact, CLOSED))
    assert ends.keys() == {fact.operation.id for fact in facts if isinstance(fact, Requested)}
    assert set(ends.values()) == {1}
    assert {fact.price for fact in facts if isinstance(fact, Charged)} == {PRICE}


def check_limit(facts: Sequence[Fact], limit: int) -> None:
    """At no moment more than the limit was held and charged; in the end exactly so much is, as more was asked."""
    taken = most = 0
    for fact in facts:
        if isinstance(fact, Validated | Released) and fact.operation.account == TIGHT:
            taken += 1 if isinstance(fact, Validated) else -1
            most = max(most, taken)
    assert (taken, most) == (limit, limit)


def check_order(
    studio: Studio, order: Order, customers: Customers, ends: Mapping[str, Fact], made: Mapping[str, int]
) -> str:
    """What became of one order, the same in all books. `made` says when the provider had it, in epoch microseconds."""
    told = customers.told[order.key]
    known = studio.log.index.key(order.account, order.key)
    assert known is not None
    assert known.reference == told.operation
    match ends[told.operation]:
        case Charged():
            assert (told.phase, len(told.pictures), order.key in made) == ("charged", 1, True), order
            return "charged"
        case Rejected():
            assert (told.phase, order.account, order.key in made) == ("rejected", TIGHT, False), order
            return "refused"
        case Released(reason=reason, at=at):
            assert (told.phase, reason) == ("released", POLICY), f"{order} ended by {reason}"
            if order.key not in made:
                return "never sent"
            came_after = made[order.key] > at - ASKING
            assert order.model == MILL or told.pictures or came_after, f"{order} was made and not charged"
            return "unknown"
    raise AssertionError(f"{order} has not ended")


async def check_files(studio: Studio, facts: Sequence[Fact]) -> None:
    """Every picture that was charged is there, as it was told."""
    for fact in facts:
        if isinstance(fact, Charged):
            result = await studio.operations.look(fact.operation.id, account=fact.operation.account)
            assert [Path(output.path or "").read_bytes() for output in result.assets] == [
                output.content for output in result.assets
            ]
