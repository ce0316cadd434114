"""The lines of a statement, by what they are about. Amounts are micro-units."""

from __future__ import annotations

from domain.periods import Period
from domain.value import value


@value
class UsageLine:
    """The operations of one model, kind, user and project; `charged` is another period than the statement's for late
    ones. `units` are millionths.
    """

    provider: str
    model: str
    kind: str
    user: str
    project: str | None
    unit: str
    charged: Period | None
    operations: int
    outputs: int
    units: int
    amount: int


@value
class AdjustmentLine:
    """A refund or a rise of an operation, goodwill for a period, or a payment that was taken back and spent before, of
    an account without a balance; `amount` is negative if the account gets it."""

    what: str
    at: int
    operation: str
    charged: Period
    reference: str
    reason: str
    amount: int


@value
class SubscriptionLine:
    """A plan's price for a span; negative where the rest of one is given back that was left."""

    plan: str
    covers: Period
    amount: int


@value
class GrantLine:
    """One grant in the period: what was given of it, and what it paid, less what refunds gave back.

    `lapsed` is what expired or came back too late, and what was `charged_back` with its payment; `revoked` is what
    somebody took back, at `revoked_at` and for a `reason`; both come later than the decision if it was held then.
    `ended` is "expired" or "revoked" if it is over.
    """

    grant: str
    source: str
    expires: int | None
    given: int
    used: int
    lapsed: int
    revoked: int = 0
    ended: str = ""
    revoked_at: int | None = None
    reason: str = ""
    charged_back: int = 0


@value
class CreditLine:
    """An amount that was paid in, or, if it is negative, taken back."""

    at: int
    key: str
    reason: str
    amount: int


@value
class AllowanceLine:
    """A measure that the plan limits over the period: outputs, or micro-units of spend."""

    measure: str
    limit: int
    used: int


@value
class CostShare:
    """The operations whose cost is known in one way: what they were charged, and what they cost us."""

    source: str
    operations: int
    amount: int
    cost: int
