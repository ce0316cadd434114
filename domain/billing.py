"""Bills of an account: periods that are closed for good, and the statements that were issued of them.

    PeriodClosed ─ StatementIssued ─ (StatementVoided ─ StatementIssued, under a new number, …)

Facts of the account's own stream, so that its lock makes numbers without gaps, and so that both are known whichever
period is current. Periods are closed in their order. Whatever is recorded of a closed period's operations later is
billed in the open one (`domain.booking`). The decisions are in `domain.closing`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from domain.errors import InvalidRequest
from domain.meaning import Kind
from domain.periods import Period
from domain.streams import NEVER
from domain.value import SPARE, value

# Facts


@value
class PeriodClosed:
    """The period takes no more charges: its statement is of the first `version` facts of its stream, whose last has
    the hash `head` (hex).

    `zone` is the one whose days the period's are. A prepaid account's money, held or not, was `opening` and is
    `closing`, in micro-units. `open` operations that hold `held` are carried: they are billed when they are settled.
    `granted` is the rest of all grants before and after the period, None if there were none.
    """

    account: str
    at: int
    period: Period
    zone: str
    version: int
    head: str
    opening: int | None
    closing: int | None
    open: int
    held: int
    currency: str
    reason: str = ""
    granted: tuple[int, int] | None = field(default=None, metadata=SPARE)


@value
class StatementIssued:
    """A closed period's statement has a number, one more than the account's last; `replaces` is the voided one's, 0 if
    there was none.

    `digest` (SHA-256, hex) is of its content in a `form`, which says words, columns and rounding; `total` is what it
    comes to, in micro-units and whole minor units of the currency.
    """

    account: str
    at: int
    period: Period
    number: int
    form: int
    digest: str
    total: int
    currency: str
    replaces: int = 0
    reason: str = ""


@value
class StatementVoided:
    """The statement holds no more; its number is never another's."""

    account: str
    at: int
    period: Period
    number: int
    reason: str


BillingFact = PeriodClosed | StatementIssued | StatementVoided

# Errors


class UnknownPeriod(InvalidRequest):
    """The account has no billing period of this name."""

    code = "unknown_period"
    kind = Kind.NOT_FOUND


class UnknownStatement(InvalidRequest):
    """The account has no statement of this number."""

    code = "unknown_statement"
    kind = Kind.NOT_FOUND


# States


@dataclass(frozen=True, slots=True)
class Issued:
    """A statement that was issued; `voided` is when it was voided."""

    period: Period
    digest: str
    voided: int | None = None


@dataclass(frozen=True, slots=True)
class BillingState:
    """Every period that begins before `until` is closed; `closing` is what the last of them left of a balance, and
    `granted` of all grants."""

    until: int = NEVER
    closing: int = 0
    granted: int = 0
    statements: Mapping[int, Issued] = field(default_factory=dict)

    def is_closed(self, period: Period) -> bool:
        """Whether a period's statement is fixed."""
        return period.start < self.until

    def valid(self, period: Period) -> int | None:
        """The number of the statement of a period that was not voided."""
        found = [number for number, one in self.statements.items() if one.period == period and one.voided is None]
        return found[-1] if found else None

    def last(self, period: Period) -> int:
        """The number of the newest statement of a period, voided or not; 0 if there was none."""
        return max((number for number, one in self.statements.items() if one.period == period), default=0)


NOTHING_BILLED: Final = BillingState()

LONGEST_COUNT: Final = 12
"""Digits; no account has as many statements."""

# Evolve


def evolve_billing(billing: BillingState, fact: BillingFact) -> BillingState:
    """The bills after one more fact."""
    match fact:
        case PeriodClosed():
            granted = fact.granted[1] if fact.granted else 0
            return replace(billing, until=fact.period.end, closing=fact.closing or 0, granted=granted)
        case StatementIssued():
            issued = Issued(fact.period, fact.digest)
            return replace(billing, statements={**billing.statements, fact.number: issued})
        case StatementVoided():
            voided = replace(billing.statements[fact.number], voided=fact.at)
            return replace(billing, statements={**billing.statements, fact.number: voided})


def statement_number(account: str, number: int) -> str:
    """The number as it is written: the account's id, and a count of at least four digits."""
    return f"{account}-{number:04d}"


def counted_in(account: str, text: str) -> int | None:
    """The count in a statement's number as it is written; None of any other text, as of a period's name."""
    prefix, _, count = text.rpartition("-")
    if prefix != account or not (count.isascii() and count.isdecimal() and len(count) <= LONGEST_COUNT):
        return None
    return int(count) if text == statement_number(account, int(count)) else None
