"""Money that an account may spend before its own: its plan's allowance, and grants of credit with terms of their own.

    SubscriptionCharged ─ GrantGiven (allowance) ─┐
    GrantGiven (promotional, paid) ───────────────┴─ Validated takes from them ─┬─ Charged spends, the rest goes back
                                                                                └─ Released: all goes back
    GrantEnded: the rest of one that is over, or was taken back · ChargedBack: a payment that was taken back
    GrantRevoked: the rest of what was given for nothing, taken back

Spent first is what was included in the price, then what was given, then what was paid for; of each the smallest
priority first, then what ends soonest, then the oldest. The account's own money is last (decision 63).

An operation of an ended period is settled in that period's stream, so `DrawsSettled` says the same in the open one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from domain.periods import Period
from domain.value import SPARE, value

NEVER: Final = 2**63 - 1
"""The end, as an instant, of what does not end."""


class Source(StrEnum):
    """The origin of money that is not the account's balance, in the order in which it is spent."""

    ALLOWANCE = "allowance"
    """Included in the price of a plan."""
    PROMOTIONAL = "promotional"
    """Given for nothing."""
    PAID = "paid"
    """Paid for, as credits in advance."""


_RANK: Final = {source: rank for rank, source in enumerate(Source)}


@value
class Draw:
    """Micro-units of one grant that an operation holds, has spent or gets back."""

    grant: str
    source: str
    amount: int


Draws = tuple[Draw, ...]


def sum_of(draws: Draws | None) -> int:
    """All of it; None is nothing."""
    return sum([one.amount for one in draws]) if draws else 0


@value
class Grant:
    """One grant as it stands: `left` is free, `held` is for open operations. No `kinds` are all kinds of operation."""

    id: str
    source: str
    priority: int
    expires: int | None
    kinds: tuple[str, ...]
    given: int
    amount: int
    left: int
    held: int = 0

    @property
    def order(self) -> tuple[int, int, int, int, str]:
        """Its place among those that are spent."""
        return (_RANK[Source(self.source)], self.priority, self.ends, self.given, self.id)

    @property
    def ends(self) -> int:
        return NEVER if self.expires is None else self.expires

    def is_over(self, now: int) -> bool:
        return self.ends <= now

    def pays_for(self, kind: str, family: str) -> bool:
        """Whether it may be spent for a kind of operation; kinds are named by themselves or by their family."""
        return not self.kinds or kind in self.kinds or family in self.kinds


@value
class Back:
    """A part of a refund that came from a grant: back `to` the "grant", or if that is over "lapsed" or to the
    "balance"."""

    grant: str
    source: str
    amount: int
    to: str


Backs = tuple[Back, ...]
TO_GRANT, TO_BALANCE, LAPSED = "grant", "balance", "lapsed"


# Facts


@value
class SubscriptionCharged:
    """A plan's price for a span; negative gives back the rest of one that was left. `allowance` names its grant."""

    account: str
    at: int
    period: Period
    plan: str
    price: int
    currency: str
    covers: Period
    allowance: str = ""


@value
class GrantGiven:
    """Money that may be spent until `expires`, on these `kinds`; `grant` is its reference.

    Of an allowance `unpaid` is the part that is more than the plan's price.
    """

    account: str
    at: int
    period: Period
    grant: str
    source: str
    amount: int
    currency: str
    priority: int = 0
    expires: int | None = None
    kinds: tuple[str, ...] = ()
    reason: str = ""
    unpaid: int = 0


@value
class GrantEnded:
    """An amount of a grant can be spent no more: all that was left if it is `over`, and why: by the words of ENDS."""

    account: str
    at: int
    period: Period
    grant: str
    source: str
    amount: int
    currency: str
    over: bool
    reason: str = ""


@value
class GrantsCarried:
    """All grants as they go on in a new period, and up to where the plan's price is charged; `revoked` are those of
    them that were revoked, and are held.
    """

    account: str
    at: int
    period: Period
    grants: tuple[Grant, ...]
    charged_until: int
    revoked: tuple[str, ...] | None = field(default=None, metadata=SPARE)


@value
class DrawsSettled:
    """An operation of an ended period came to its end: what it had held of grants, and what of that it spent."""

    account: str
    at: int
    period: Period
    operation_id: str
    held: Draws
    spent: Draws


@value
class ChargedBack:
    """A payment, or a part of one, was taken back; the balance may become less than nothing.

    If it was for a `grant`, `taken` was still left of that, and only the rest is owed.
    """

    account: str
    at: int
    period: Period
    amount: int
    currency: str
    key: str
    reason: str
    grant: str | None = field(default=None, metadata=SPARE)
    taken: int | None = field(default=None, metadata=SPARE)


@value
class GrantRevoked:
    """A promotional grant is over from now on, by somebody's decision: `amount` was left, and what is held of it can
    still be spent.
    """

    account: str
    at: int
    period: Period
    grant: str
    source: str
    amount: int
    currency: str
    reason: str


EXPIRED, USED_UP, PLAN_CHANGED, REVOKED = ENDS = ("expired", "used up", "plan changed", "revoked")
"""The words for why something of a grant can be spent no more."""

WalletFact = SubscriptionCharged | GrantGiven | GrantEnded | GrantsCarried | DrawsSettled | ChargedBack | GrantRevoked


# States


@dataclass(slots=True)
class Wallet:
    """The grants of an account in one period, up to where its plan's price is charged, and the charge of now."""

    grants: dict[str, Grant] = field(default_factory=dict)
    charged_until: int = 0
    subscription: SubscriptionCharged | None = None
    due: int = NEVER
    """When the next grant is over."""
    revoked: frozenset[str] = frozenset()
    """Grants that were revoked, and are still held."""

    def copy(self) -> Wallet:
        return Wallet(dict(self.grants), self.charged_until, self.subscription, self.due, self.revoked)

    def carried(self, grants: Iterable[Grant]) -> tuple[tuple[Grant, ...], int, tuple[str, ...] | None]:
        """These grants as `GrantsCarried` tells a new period of them."""
        known = tuple(grants)
        revoked = tuple(one.id for one in known if one.id in self.revoked) if self.revoked else ()
        return known, self.charged_until, revoked or None

    def end_of(self, grant: str) -> str:
        """Why a grant that is over is so."""
        return REVOKED if grant in self.revoked else EXPIRED

    def free(self, kind: str, family: str, now: int) -> list[Grant]:
        """The grants that may pay for a kind of operation, in the order in which they are spent."""
        grants = self.grants.values()
        found = [one for one in grants if one.left > 0 and not one.is_over(now) and one.pays_for(kind, family)]
        return sorted(found, key=lambda one: one.order) if len(found) > 1 else found

    def held(self, draws: Draws | None, sign: int) -> None:
        """Hold what is free, or set free what is held."""
        for one in draws or ():
            grant = self.grants[one.grant]
            taken = sign * one.amount
            self._put(replace(grant, left=grant.left - taken, held=grant.held + taken))

    def spent(self, draws: Draws | None) -> None:
        """Take what was free away for good."""
        for one in draws or ():
            grant = self.grants[one.grant]
            self._put(replace(grant, left=grant.left - one.amount))

    def give_back(self, back: Backs | None) -> None:
        """A refund of what was spent, as far as it goes back to grants."""
        for one in back or ():
            if one.to == TO_GRANT:
                grant = self.grants[one.grant]
                self._put(replace(grant, left=grant.left + one.amount))

    def settled(self, held: Draws | None, spent: Draws | None) -> None:
        """A hold is over: a part of it is spent, and the rest free."""
        self.held(held, -1)
        self.spent(spent)

    def _put(self, grant: Grant) -> None:
        self.grants[grant.id] = grant
        if grant.ends < self.due:
            self.due = grant.ends

    def over(self, now: int) -> list[Grant]:
        """Those that are over, with an amount that nobody holds, or with nothing more at all."""
        if now < self.due:
            return []
        ended = [one for one in self.grants.values() if one.is_over(now) and (one.left or not one.held)]
        return sorted(ended, key=lambda one: one.order)

    def total(self, source: str) -> int:
        """All of one source, with what is held of it."""
        return sum(one.left + one.held for one in self.grants.values() if one.source == source)


# Evolve


def evolve_wallet(wallet: Wallet, fact: WalletFact) -> None:
    """The wallet after one more fact, changed in place; the balance is the period's."""
    match fact:
        case SubscriptionCharged():
            wallet.charged_until = max(wallet.charged_until, fact.covers.end)
            wallet.subscription = fact if fact.price >= 0 else None
        case GrantGiven():
            terms = (fact.grant, fact.source, fact.priority, fact.expires, fact.kinds)
            wallet.grants[fact.grant] = Grant(*terms, fact.at, fact.amount, fact.amount)
        case GrantEnded():
            _end(wallet, fact)
        case GrantRevoked():
            _revoke(wallet, fact)
        case GrantsCarried():
            wallet.grants = {one.id: one for one in fact.grants}
            wallet.charged_until, wallet.revoked = fact.charged_until, frozenset(fact.revoked or ())
        case DrawsSettled():
            wallet.settled(fact.held, fact.spent)
        case ChargedBack():
            if fact.grant is not None and fact.taken:
                wallet.spent((Draw(fact.grant, Source.PAID, fact.taken),))
    wallet.due = min((one.ends for one in wallet.grants.values() if one.left or not one.held), default=NEVER)


def _end(wallet: Wallet, fact: GrantEnded) -> None:
    grant = wallet.grants[fact.grant]
    grant = replace(grant, left=grant.left - fact.amount)
    if fact.over and not grant.held:
        del wallet.grants[grant.id]
        wallet.revoked -= {grant.id}
    else:
        wallet.grants[grant.id] = grant


def _revoke(wallet: Wallet, fact: GrantRevoked) -> None:
    """It is over now; it stays as long as something is held of it, and what comes back of that lapses."""
    grant = wallet.grants[fact.grant]
    if grant.held:
        wallet.grants[grant.id] = replace(grant, left=grant.left - fact.amount, expires=fact.at)
        wallet.revoked |= {grant.id}
    else:
        del wallet.grants[grant.id]


# What is owed, and the account's own


def owed_of(fact: ChargedBack) -> int:
    """The part of a payment that was taken back for which nothing is left to take: the balance's, or owed."""
    return fact.amount - (fact.taken or 0)


def own_part(back: Backs | None, amount: int) -> int:
    """The part of a refund of `amount` that is the account's own money again."""
    return amount - sum([one.amount for one in back or () if one.to != TO_BALANCE])
