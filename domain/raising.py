"""A charge that was too little, raised later: a correction upward, which only whoever runs the studio decides.

    Charged ─ (Adjusted: less …) ─ Adjusted: more

It is booked beside the charge as every correction is, with its reason, and once a reference. A balance that was paid
beforehand has to cover it; limits do not stop it, as the work was admitted and done.
"""

from __future__ import annotations

from domain import lifecycle
from domain.entering import current_period
from domain.errors import IllegalTransition, InvalidInput
from domain.ids import check_id
from domain.ledger import Fact, Ledger, find, known_account
from domain.money import Money
from domain.operation import Settled
from domain.settlement import adjustment


class NotCovered(IllegalTransition):
    """The balance that was paid beforehand does not cover what a charge is to be raised by."""

    code = "not_covered"


def raise_charge(ledger: Ledger, id: str, price: int, cost: int, reason: str, reference: str, now: int) -> list[Fact]:
    """Raise what an operation was charged by `price` micro-units, and change its cost; once a reference.

    Raises NotCovered, IllegalTransition for what was not charged, InvalidInput for no rise or a cost below 0.
    """
    state = find(ledger, id)
    if lifecycle.is_corrected(state, price, cost, reference):
        return []
    check_id("reference", reference)
    if not isinstance(state, Settled):
        raise lifecycle.illegal("raise", state)
    if price <= 0 or state.cost + cost < 0:
        raise InvalidInput("price", "is not raised", hint="a rise is more than 0, and leaves a cost of 0 or more")
    _, current = current_period(ledger, known_account(ledger, state.operation.account), now)
    if current.balance is not None and current.balance < price:
        left, asked = (Money(amount, state.currency) for amount in (max(current.balance, 0), price))
        raise NotCovered(f"a rise by {asked} exceeds the {left} that is left of the balance", hint="pay in first")
    return adjustment(ledger, state, price, cost, reason, reference, now, None)
