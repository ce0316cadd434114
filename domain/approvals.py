"""A person's leave for what costs more than an API key may spend by itself: asked for, and given.

    ApprovalAsked ─ waits until `expires` ─ ApprovalGiven ─ the same request is held, once, at that price

Nothing is held while it waits. A ledger remembers none of them, as few are decided on: a decision names one, and it is
evidence. The decisions are in `domain.approving`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.advice import Hint
from domain.errors import Forbidden, InvalidRequest
from domain.meaning import Kind
from domain.periods import Period
from domain.refusals import Unapproved

# Facts


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """A key asked for more than it may by itself; `quote` is the id by which people approve it.

    `asked` is a digest of the request, whose words are kept nowhere. It is for that model at that price, the most that
    can be charged, until `expires`; whoever repeats the request gets the prices of `at`.
    """

    account: str
    at: int
    period: Period
    quote: str
    api_key: str
    asked: str
    kind: str
    outputs: int
    model: str
    price: int
    currency: str
    expires: int


@dataclass(frozen=True, slots=True)
class ApprovalGiven:
    """Somebody who may has approved it; the log names them as the actor of the fact.

    `in_client` is a person who was asked by the program that shows the key.
    """

    account: str
    at: int
    period: Period
    quote: str
    in_client: bool = False
    reason: str = ""


ApprovalFact = ApprovalAsked | ApprovalGiven


# States


@dataclass(frozen=True, slots=True)
class Approval:
    """A wish that waits, and since when it is approved; None: it waits still, or nobody did in time."""

    asked: ApprovalAsked
    given: int | None = None

    def is_over(self, now: int) -> bool:
        """Whether it is too late to approve it, or to use that."""
        return now >= self.asked.expires

    def covers(self, api_key: str, price: int, now: int) -> bool:
        """Whether the key may ask for it at a price in micro-units by now."""
        is_given = self.given is not None and not self.is_over(now)
        return is_given and self.asked.api_key == api_key and price <= self.asked.price


# Evolve


def evolve_approval(state: Approval | None, fact: ApprovalFact) -> Approval | None:
    """The approval after one more fact; one that is asked for anew waits anew."""
    match fact:
        case ApprovalAsked():
            return Approval(fact)
        case ApprovalGiven():
            return state and replace(state, given=fact.at)


# Errors


class ApprovalNeeded(Forbidden):
    """The API key may not spend that by itself; `waiting` says what a person would approve, and by which quote."""

    code = "approval_needed"

    def __init__(self, message: str, *, waiting: Unapproved, hint: Hint = "") -> None:
        super().__init__(message, hint=hint)
        self.waiting = waiting


class UnknownQuote(InvalidRequest):
    """Nothing of this id waits for approval."""

    code = "unknown_quote"
    kind = Kind.NOT_FOUND

    @classmethod
    def of(cls, id: str) -> UnknownQuote:
        """In the same words wherever it is looked for: whether it is another account's is not told."""
        return cls(f"no quote {id!r}", hint="take it from the refusal that asked for approval")
