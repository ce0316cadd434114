"""Facts about what was billed, in words: closings, statements, late usage and goodwill."""

from __future__ import annotations

from domain.billing import BillingFact, PeriodClosed, StatementIssued, StatementVoided, statement_number
from domain.booking import BookingFact, GoodwillGiven, UsageBooked
from domain.counts import counted
from domain.money import Money
from infrastructure.showing.formats import span


def billed_in_words(fact: BillingFact | BookingFact) -> tuple[Money | None, str]:
    """The money that the fact is about, if any, and the rest in words."""
    match fact:
        case UsageBooked():
            when = span(fact.operation.period.start, fact.operation.period.end)
            return Money(fact.price, fact.currency), f"billed in this period, as {when} is closed"
        case PeriodClosed():
            left = Money(fact.closing, fact.currency) if fact.closing is not None else None
            carried = f"; {counted(fact.open, 'operation')} open, billed later" if fact.open else ""
            whole = (
                f"{span(fact.period.start, fact.period.end, fact.zone)} is closed at version {fact.version}{carried}"
            )
            return left, f"{whole}{_because(fact.reason)}"
        case StatementIssued():
            instead = f", instead of {statement_number(fact.account, fact.replaces)}" if fact.replaces else ""
            named = f"{statement_number(fact.account, fact.number)}{instead}{_because(fact.reason)}"
            return Money(fact.total, fact.currency), named
        case StatementVoided():
            return None, f"{statement_number(fact.account, fact.number)} holds no more{_because(fact.reason)}"
        case GoodwillGiven():
            when = span(fact.corrects.start, fact.corrects.end)
            told = f"goodwill for {when}, reference {fact.reference}{_because(fact.reason)}"
            return Money(-fact.amount, fact.currency), told


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
