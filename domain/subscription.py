"""The price of a plan for a part of a period, and what of it is given back when the plan is left.

    price of a part    = price × length of the part / length of the period                 rounded once, half to even
    allowance of it    = the same
    given back         = price paid × rest / span paid × (allowance taken back / allowance of the rest)
    taken back         = the smaller of the allowance of the rest, and what is left of it

So whoever has spent the allowance is given back less of the price, and a change to and fro earns nothing.
"""

from __future__ import annotations

from domain.periods import Period
from domain.wallet import Grant, SubscriptionCharged


def prorated(amount: int, part: Period, whole: Period) -> int:
    """The share of a part of a period in an amount, in micro-units."""
    return _half_even(amount * (part.end - part.start), whole.end - whole.start)


def allowance_cut(paid: SubscriptionCharged, allowance: Grant | None, rest: Period) -> tuple[int, int]:
    """The price that is given back for the rest of what was paid for, and the allowance that is taken back for it."""
    length, left = paid.covers.end - paid.covers.start, rest.end - rest.start
    if allowance is None:
        return _half_even(paid.price * left, length), 0
    due = _half_even(allowance.amount * left, length)
    cut = min(due, allowance.left)
    if not due:
        return _half_even(paid.price * left, length), 0
    return _half_even(paid.price * left * cut, length * due), cut


def _half_even(top: int, bottom: int) -> int:
    whole, rest = divmod(top, bottom)
    return whole + (2 * rest > bottom or (2 * rest == bottom and whole % 2 == 1))
