"""Example facts, and how a test is given them: one account, one painter, one operation in April."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from domain.account import AccountOpened, LimitChanged
from domain.admission import Ask
from domain.approvals import ApprovalAsked
from domain.charging import CostSource
from domain.evidence import Spent
from domain.ledger import CreditAdded, Fact, Ledger, PeriodOpened, evolve
from domain.operation import (
    POLICY,
    Charged,
    Dispatched,
    Given,
    Operation,
    Postponed,
    ProviderCompleted,
    ProviderFailed,
    Released,
    Requested,
    Stored,
    Submitted,
    Validated,
)
from domain.periods import CALENDAR_MONTH, Period
from domain.plans import Limits
from domain.pricing import Quote, Unpriced
from domain.zones import zones_version
from tests.domain.wall_clocks import MINUTE, utc

ZONES = zones_version()
HOUR = 60 * MINUTE
NOON = utc("2026-04-10T12:00")
LATER = NOON + MINUTE
IN_MAY = utc("2026-05-02T09:00")
MARCH = Period(utc("2026-03-01"), utc("2026-04-01"))
APRIL = Period(utc("2026-04-01"), utc("2026-05-01"))
MAY = Period(utc("2026-05-01"), utc("2026-06-01"))
JUNE = Period(utc("2026-06-01"), utc("2026-07-01"))
CENT = 10_000
DOLLAR = 100 * CENT

# The account

LIMITS = Limits(images=10, edits=5, spend=DOLLAR)
OPENED = AccountOpened("acme", NOON, "pro", LIMITS, "USD", "UTC", CALENDAR_MONTH, prepaid=False)
APRIL_BOOK = PeriodOpened("acme", NOON, APRIL, "pro", LIMITS, None, "USD", ZONES)
BILLED = (OPENED, APRIL_BOOK)
"""Pays afterwards, within limits."""

UNLIMITED = (replace(OPENED, limits=Limits()), replace(APRIL_BOOK, limits=Limits()))
CREDIT = CreditAdded("acme", NOON, APRIL, DOLLAR, "USD", "payment-1")
PREPAID = (
    replace(OPENED, limits=Limits(), prepaid=True),
    replace(APRIL_BOOK, limits=Limits(), balance=0),
    CREDIT,
)
"""Has paid one dollar, and has no other limit."""

# One operation

QUOTE = Quote("painter", "atelier", "image", Decimal(4), Decimal("0.10"), 40 * CENT, 30 * CENT, "USD", "book-1", 4)
"""Four images for 40 cents, which cost us 30."""

UNKNOWN_PRICE = Unpriced("newcomer", "atelier", "no price is known", 1, "book-1")
OPERATION = Operation(
    "op-1", "op-1", "acme", "ann", "site", APRIL, "2026-04-10", "text-to-image", "images", "painter", "atelier"
)
REQUESTED = Requested(OPERATION, NOON, None, "digest", 4)
VALIDATED = Validated(OPERATION, NOON, QUOTE)
DISPATCHED = Dispatched(OPERATION, NOON, 1, "desk-1")
SUBMITTED = Submitted(OPERATION, NOON, "job-1")
HELD = (REQUESTED, VALIDATED)
SENT = (*HELD, DISPATCHED)
RUNNING = (*SENT, SUBMITTED)
POSTPONED = Postponed(OPERATION, NOON, "rate_limited", LATER)

IMAGE = Stored("ab" * 32, "image/png", 1_234, 512, 512, id="5a" * 12)
IMAGES = (IMAGE,) * 4
BROUGHT = Given("image", "b5" * 12, "image/jpeg", 5_678, 800, 600)
"""A picture that a request came with."""
COMPLETED = ProviderCompleted(OPERATION, LATER, IMAGES, 30 * CENT, late=False)
KNOWN = (CostSource.QUOTED, CostSource.PROVIDER)
CHARGED = Charged(OPERATION, LATER, 4, "image", Decimal(4), 40 * CENT, 30 * CENT, "USD", "book-1", *KNOWN)
SETTLED = (*SENT, COMPLETED, CHARGED)
FAILED = ProviderFailed(OPERATION, LATER, "blocked")
RELEASED = Released(OPERATION, LATER, "blocked", 4, 40 * CENT, 0, "USD", CostSource.PROVIDER)
DROPPED = (*SENT, FAILED, RELEASED)
GIVEN_UP = (*SENT, replace(RELEASED, reason=POLICY, cost=None, cost_source=CostSource.UNKNOWN))
"""Released by policy: what became of it was never learned."""


def recorded(*facts: Fact | Iterable[Fact]) -> Ledger:
    """The ledger after these facts, some of which may come in groups."""
    ledger = Ledger()
    for one in facts:
        for fact in one if isinstance(one, Iterable) else (one,):
            evolve(ledger, fact)
    return ledger


def after(ledger: Ledger, facts: Iterable[Fact]) -> Ledger:
    """The same ledger once another caller's decision was recorded."""
    for fact in facts:
        evolve(ledger, fact)
    return ledger


def priced(price: int, outputs: int = 1, **changes: Any) -> Quote:
    """A quote of `price` micro-units for `outputs` images, at no margin."""
    plain = replace(QUOTE, units=Decimal(outputs), price=price, cost=price, outputs=outputs)
    return replace(plain, **changes)


def ask(*ids: str, quote: Quote | Unpriced = QUOTE, **changes: Any) -> Ask:
    """A request for operations of these ids, all quoted alike, to be sent at once by desk-1."""
    operations = ids or ("op-1",)
    plain = Ask(
        account="acme",
        user="ann",
        project="site",
        batch=operations[0],
        operations=operations,
        kind="text-to-image",
        family="images",
        key=None,
        fingerprint="",
        digest="digest",
        quotes=(quote,) * len(operations),
        sender="desk-1",
    )
    return replace(plain, **changes)


def keyed(key: str, fingerprint: str = "same", *ids: str, **changes: Any) -> Ask:
    """A request under an idempotency key."""
    return ask(*ids, key=key, fingerprint=fingerprint, **changes)


def known_key(ledger: Ledger, key: str, reference: str = "op-1", fingerprint: str = "same") -> Ledger:
    """The ledger with the evidence that a key was used, as it is loaded under the lock."""
    ledger.evidence.keys[key] = Spent(reference, fingerprint)
    return ledger


def limited(measure: str, limit: int | None, scope: str = "account", window: str = "period") -> LimitChanged:
    """One changed limit."""
    return LimitChanged("acme", NOON, scope, measure, limit, inherited=False, window=window)


def of_operation(id: str, *facts: Any) -> list[Fact]:
    """The same facts, about another operation."""
    return [replace(fact, operation=replace(fact.operation, id=id, batch=id)) for fact in facts]


def in_may(*, balance: int | None = None, limits: Limits = LIMITS) -> PeriodOpened:
    """The period state of May."""
    return PeriodOpened("acme", IN_MAY, MAY, "pro", limits, balance, "USD", ZONES)


WAITING = ApprovalAsked(
    "acme", NOON, APRIL, "quote_1", "key_1", "ef" * 32, "text-to-image", 2, "painter", CENT, "USD", NOON + 1_000_000
)
