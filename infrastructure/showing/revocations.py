"""Revocations of grants as they mattered to an operation, in sentences.

revoked before it was asked for    it could have paid, and did not
revoked while it was held          what was held could still be spent
revoked after the charge           that stays paid, and a refund of it lapses
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from domain.funding import OVERAGE
from domain.money import Money
from domain.operation import Charged, Rejected, Released, Requested, Rerouted, Validated
from domain.wallet import Draws, sum_of
from infrastructure.showing.formats import iso

if TYPE_CHECKING:
    from application.keeping.revocations import RevokedGrant
    from application.keeping.stories import Event

OF_MONEY: Final = frozenset(("balance", OVERAGE))
"""Rules by which is refused what more credit would have paid."""


def revoked_in_words(events: Sequence[Event], revocations: Sequence[RevokedGrant]) -> Iterator[str]:
    """A sentence for each revocation that mattered to the operation of these events."""
    for one in revocations:
        asked = events[0]
        told = _missed(events, one) if one.position < asked.position else _while_it_ran(events, one)
        if told:
            yield told


def _missed(events: Sequence[Event], one: RevokedGrant) -> str:
    """It would have paid a part of what nothing else paid, had it not been revoked."""
    asked = events[0].fact
    assert isinstance(asked, Requested), "an operation begins with Requested"
    if not one.could_pay(asked.operation, asked.at) or not any(_lacks(event.fact) for event in events):
        return ""
    left = Money(one.fact.amount, one.fact.currency)
    return f"Grant {one.fact.grant} paid nothing of it: {_decided(one)} before, with {left} of it left."


def _lacks(fact: object) -> bool:
    """Whether something was left that no grant paid."""
    match fact:
        case Rejected(reason=reason):
            return reason in OF_MONEY
        case Validated(quote=quote, drawn=drawn) | Rerouted(quote=quote, drawn=drawn):
            return quote.price > sum_of(drawn)
    return False


def _while_it_ran(events: Sequence[Event], one: RevokedGrant) -> str:
    grant = one.fact.grant
    before = [event.fact for event in events if event.position < one.position]
    held = next((_part(fact.drawn, grant) for fact in reversed(before) if isinstance(fact, Validated | Rerouted)), 0)
    settled = next((fact for fact in before if isinstance(fact, Charged | Released)), None)
    if isinstance(settled, Charged):
        paid = _part(settled.drawn, grant)
        stays = f"{Money(paid, settled.currency)} that it had paid stay paid, and what is refunded of it lapses"
        return f"Grant {grant}: {_decided(one)} afterwards; {stays}." if paid else ""
    if settled is not None or not held:
        return ""
    told = (
        f"{Money(held, one.fact.currency)} that were held of it could still be spent; what was not, is revoked as well"
    )
    return f"Grant {grant}: {_decided(one)} meanwhile; {told}."


def _decided(one: RevokedGrant) -> str:
    return f"it was revoked on {iso(one.fact.at)} by {one.actor} ({one.fact.reason})"


def _part(drawn: Draws | None, grant: str) -> int:
    return sum(one.amount for one in drawn or () if one.grant == grant)
