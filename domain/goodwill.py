"""Goodwill: an amount given back that corrects no single charge, and never more than its period was charged.

    charges of the period's operations − refunds of these − goodwill for the period ≥ 0

Both kinds of correction are decided under the account's lock and against the same sum, so that neither can pass it.
"""

from __future__ import annotations

from domain.booking import GoodwillGiven
from domain.entering import current_period
from domain.errors import InvalidInput, KeyReused
from domain.ids import check_id, check_reason
from domain.ledger import Fact, Ledger, known_account
from domain.money import Money
from domain.periods import Period, local_day


def give_goodwill(
    ledger: Ledger, account: str, period: Period, amount: int, reason: str, reference: str, now: int
) -> list[Fact]:
    """Give an amount back for the charges of a period, once a reference, in the period that is open now.

    `ledger.evidence` has the account's goodwill, and what the period was charged. Raises InvalidInput for no amount, no
    reason or more than is left of the charges, KeyReused if the reference was used for another.
    """
    known = known_account(ledger, account)
    check_reason(reason, needed=True)
    check_id("reference", reference)
    if _was_given(ledger, known.zone, period, amount, reference):
        return []
    if amount <= 0:
        what = f"{Money(amount, known.currency)} gives nothing back"
        raise InvalidInput("amount", what, hint="give an amount of more than 0")
    left = Money(left_to_give(ledger, period), known.currency)
    if amount > left.micros:
        name = local_day(period.start, known.zone)
        what = f"{Money(amount, known.currency)} exceeds the {left} that is left of the charges of period {name}"
        raise InvalidInput("amount", what, hint="give at most what is left")
    facts, current = current_period(ledger, known, now)
    given = GoodwillGiven(account, now, current.period, period, amount, known.currency, reason, reference)
    return [*facts, given]


def left_to_give(ledger: Ledger, period: Period) -> int:
    """The rest of a period's charges after refunds and goodwill, as the evidence says."""
    given = sum(one.amount for one in ledger.evidence.goodwill if one.corrects == period)
    return max((ledger.evidence.charged or 0) - given, 0)


def given_under(ledger: Ledger, reference: str) -> GoodwillGiven | None:
    """The goodwill that was given under a reference; None if none was."""
    return next((one for one in ledger.evidence.goodwill if one.reference == reference), None)


def _was_given(ledger: Ledger, zone: str, period: Period, amount: int, reference: str) -> bool:
    earlier = given_under(ledger, reference)
    if earlier is None:
        return False
    if (earlier.corrects, earlier.amount) != (period, amount):
        told = f"{Money(earlier.amount, earlier.currency)} for period {local_day(earlier.corrects.start, zone)}"
        raise KeyReused(
            f"reference {reference!r} was used for another goodwill: {told}",
            hint="take a new reference for a new correction",
        )
    return True
