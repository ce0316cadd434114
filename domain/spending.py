"""How amounts are taken from grants, spent, and given back.

taken_from ── a price, of grants in their order ── Draws that are held ── spent_of a charge ── less what follows
given_back ── a refund, of what was spent last first ── Backs, each to its grant, to the balance, or lapsed
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from domain.wallet import LAPSED, TO_BALANCE, TO_GRANT, Back, Backs, Draw, Draws, Grant, Source, Wallet


def taken_from(grants: Iterable[Grant], price: int) -> Draws:
    """The parts of a price that grants pay, in their order: at most all of it."""
    draws, rest = list[Draw](), price
    for one in grants:
        part = min(one.left, rest)
        if part > 0:
            draws.append(Draw(one.id, one.source, part))
            rest -= part
    return tuple(draws)


def spent_of(held: Draws | None, price: int) -> Draws | None:
    """The parts of a charge that come from what was held, in the order in which it was taken; the rest goes back."""
    if not held:
        return None
    spent, rest = list[Draw](), price
    for one in held:
        part = min(one.amount, rest)
        if part > 0:
            spent.append(replace(one, amount=part))
            rest -= part
    return tuple(spent) or None


def given_back(wallet: Wallet | None, spent: Draws | None, amount: int, now: int) -> Backs | None:
    """The parts of a refund that come from grants, what was spent last first.

    Of a grant that is over, what was given for nothing or with a plan lapses, and what was paid for is the balance's.
    """
    back, rest = list[Back](), amount
    for one in reversed(spent or ()):
        part = min(one.amount, rest)
        if part > 0:
            back.append(Back(one.grant, one.source, part, _where(wallet, one, now)))
            rest -= part
    return tuple(back) or None


def _where(wallet: Wallet | None, spent: Draw, now: int) -> str:
    grant = None if wallet is None else wallet.grants.get(spent.grant)
    if grant is not None and not grant.is_over(now):
        return TO_GRANT
    return TO_BALANCE if spent.source == Source.PAID else LAPSED


def less(draws: Draws | None, others: Sequence[Draw | Back] | None) -> Draws | None:
    """Draws without the amounts of others."""
    if not draws or not others:
        return draws
    gone: dict[str, int] = {}
    for one in others:
        gone[one.grant] = gone.get(one.grant, 0) + one.amount
    left = [replace(one, amount=one.amount - gone.get(one.grant, 0)) for one in draws]
    return tuple([one for one in left if one.amount > 0]) or None
