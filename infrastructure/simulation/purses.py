"""One account as the naive model knows it: its limits, what it used, holds and owes, and its grants.

It follows the facts of wallets by the written rules (docs/wallets.md), in plain dictionaries and whole numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Json = dict[str, Any]
Draw = tuple[str, str, int]
"""A grant, its source and an amount of it."""
RANK: Final = ("allowance", "promotional", "paid")
"""The sources of grants in the order in which they are spent."""
FAR: Final = 2**63


class BrokenPromise(Exception):
    """An invariant does not hold; the text says which, and of what."""


def agree(*, that: bool, invariant: str, told: str) -> None:
    """Raise BrokenPromise unless it is so."""
    if not that:
        raise BrokenPromise(f"{invariant}: {told}")


@dataclass(slots=True)
class Gift:
    """One grant: where it comes from, when it ends, what for, and how much of it is free and held."""

    source: str
    priority: int
    ends: int
    kinds: tuple[str, ...]
    given: int
    left: int
    held: int = 0

    @property
    def order(self) -> tuple[int, int, int, int]:
        """Its place among those that are spent; of equal ones the id decides."""
        return RANK.index(self.source), self.priority, self.ends, self.given


@dataclass(slots=True)
class Deed:
    """One operation as its facts tell it; amounts in micro-units."""

    account: str
    user: str
    family: str
    period: int
    batch: str
    kind: str = ""
    phase: str = ""
    model: str = ""
    provider: str = ""
    hold: int = 0
    outputs: int = 0
    attempts: int = 0
    sent: set[int] = field(default_factory=set)
    charged: int | None = None
    made: int = 0
    adjusted: int = 0
    references: dict[str, tuple[int, int]] = field(default_factory=dict)
    late: bool = False
    erased: bool = False
    drawn: list[Draw] = field(default_factory=list)
    """The part of the hold that grants pay, then that of the charge."""
    own: int = 0
    """The rest, which is the account's own money, less what of it was given back."""
    settled: tuple[list[Draw], list[Draw]] = ([], [])
    """The last that was held of grants and set free, and what of it was spent."""


@dataclass(slots=True)
class Pocket:
    """One account: its limits, what its periods used and hold, and what is left of what it paid in."""

    limits: dict[str, int | None]
    prepaid: bool
    changed: dict[tuple[str, str], int | None] = field(default_factory=dict)
    period: tuple[int, int] = (0, 0)
    used: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    held: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    paid_in: int = 0
    charged: int = 0
    holding: int = 0
    adjusted: int = 0
    plans: int = 0
    stopped: bool = False
    last: int = 0
    keys: dict[str, str] = field(default_factory=dict)
    payments: dict[str, int] = field(default_factory=dict)
    gifts: dict[str, Gift] = field(default_factory=dict)
    given: dict[str, int] = field(default_factory=dict)
    """Every grant that ever was, with its amount."""
    taken_back: set[str] = field(default_factory=set)
    paid_until: int = 0

    @property
    def available(self) -> int:
        """The part of what was paid in that is neither spent nor held."""
        return self.paid_in - self.charged - self.adjusted - self.holding - self.plans

    def limit(self, scope: str, measure: str) -> int | None:
        """None: no limit."""
        if (scope, measure) in self.changed:
            return self.changed[scope, measure]
        return self.limits.get(measure) if scope == "account" else None

    # Grants: what is taken from which, by the written order

    def wanted(self, price: int, deed: Deed, at: int) -> list[Draw]:
        """Whatever grants pay of a price: the smallest by the written rule again and again, until it is paid."""
        found, rest = list[Draw](), price
        may = {
            id: one
            for id, one in self.gifts.items()
            if one.left > 0 and one.ends > at and (not one.kinds or {deed.kind, deed.family} & {*one.kinds})
        }
        while rest and may:
            id = min(may, key=lambda name: (*may[name].order, name))
            part = min(may.pop(id).left, rest)
            found.append((id, self.gifts[id].source, part))
            rest -= part
        return found

    def hold(self, deed: Deed, price: int, drawn: list[Draw]) -> None:
        """Hold a price, a part of it of grants."""
        deed.hold, deed.drawn, deed.own = price, drawn, price - sum(amount for *_, amount in drawn)
        self.holding += deed.own
        for id, _, amount in drawn:
            self.gifts[id].left -= amount
            self.gifts[id].held += amount

    def free(self, deed: Deed, spent: list[Draw]) -> None:
        """The hold is over, and so much of grants is spent."""
        self.holding -= deed.own
        deed.settled = (deed.drawn, spent)
        for id, _, amount in deed.drawn:
            self.gifts[id].held -= amount
            self.gifts[id].left += amount
        for id, _, amount in spent:
            self.gifts[id].left -= amount

    def refund(self, id: str, deed: Deed, price: int, back: list[tuple[str, str, int, str]], at: int) -> None:
        """The account's own money first, then what was spent last; a grant that is over gets nothing back."""
        own = min(-price, deed.own)
        rest, expected, kept = -price - own, list[tuple[str, str, int, str]](), list[Draw]()
        for grant, source, amount in reversed(deed.drawn):
            part = min(amount, rest)
            rest -= part
            if part:
                expected.append((grant, source, part, self._where(grant, source, at)))
            if amount - part:
                kept.insert(0, (grant, source, amount - part))
        agree(
            that=back == expected, invariant="W3", told=f"{-price} of {id} goes back to {back}, and not to {expected}"
        )
        deed.own, deed.drawn = deed.own - own, kept
        self.adjusted += price
        for grant, _, amount, to in back:
            if to == "grant":
                self.gifts[grant].left += amount
            self.adjusted += amount if to != "balance" else 0

    def _where(self, grant: str, source: str, at: int) -> str:
        one = self.gifts.get(grant)
        if one is not None and one.ends > at:
            return "grant"
        return "balance" if source == "paid" else "lapsed"

    # Facts about wallets

    def follow(self, account: str, topic: str, fact: Json) -> None:
        """One more fact about the account's wallet. Raises BrokenPromise."""
        handle = FACTS.get(topic)
        if handle is not None:
            handle(self, account, fact)

    def _plan_charged(self, account: str, fact: Json) -> None:
        """W5: each instant is paid for once, unless the plan was changed."""
        self.plans += fact["price"]
        start, end = fact["covers"]["start"], fact["covers"]["end"]
        if fact["price"] < 0:
            self.paid_until = min(self.paid_until, start)
            return
        told = f"{account} pays from {start} on for what is paid until {self.paid_until}"
        agree(that=start >= self.paid_until, invariant="W5", told=told)
        self.paid_until = end

    def _given(self, account: str, fact: Json) -> None:
        """W1: each reference counts once."""
        id, amount = fact["grant"], fact["amount"]
        agree(that=id not in self.given, invariant="W1", told=f"grant {id} of {account} was given twice")
        self.given[id] = amount
        ends = FAR if fact["expires"] is None else fact["expires"]
        self.gifts[id] = Gift(fact["source"], fact["priority"], ends, tuple(fact["kinds"]), fact["at"], amount)

    def _ended(self, account: str, fact: Json) -> None:
        """W2: all that is left lapses, once it is over, and never what is held."""
        id, one = fact["grant"], self.gifts[fact["grant"]]
        told = f"{fact['amount']} of grant {id} of {account} ended, {one.left} is left, {one.held} held"
        agree(that=0 <= fact["amount"] <= one.left, invariant="W2", told=told)
        one.left -= fact["amount"]
        if not fact["over"]:
            return
        is_over = fact["at"] >= one.ends or not fact["amount"]
        agree(that=is_over and not one.left, invariant="W2", told=told)
        if not one.held:
            del self.gifts[id]

    def _revoked(self, account: str, fact: Json) -> None:
        """W4: what is left of a promotional grant, once, and nothing that is held."""
        id = fact["grant"]
        one = self.gifts.get(id)
        right = one is not None and one.source == "promotional" and one.ends > fact["at"]
        agree(that=right, invariant="W4", told=f"grant {id} of {account} was revoked, and is {one}")
        assert one is not None
        agree(
            that=one.left == fact["amount"], invariant="W4", told=f"{fact['amount']} of {id} revoked, {one.left} left"
        )
        one.left, one.ends = 0, fact["at"]
        if not one.held:
            del self.gifts[id]

    def _carried(self, account: str, fact: Json) -> None:
        """W2: grants go on as they were, but for those of which nothing is left and that are over."""
        told = {one["id"]: (one["left"], one["held"]) for one in fact["grants"]}
        known = {id: (one.left, one.held) for id, one in self.gifts.items()}
        gone = {id for id, one in self.gifts.items() if not one.left and not one.held and one.ends <= fact["at"]}
        agree(
            that=told == {id: one for id, one in known.items() if id not in gone},
            invariant="W2",
            told=f"{account} carries {told}, and has {known}",
        )
        for id in gone:
            del self.gifts[id]

    def _taken_back(self, account: str, fact: Json) -> None:
        """W6: once, no more than was paid, and of a grant what is left of it first."""
        grant, amount, taken = fact.get("grant"), fact["amount"], fact.get("taken") or 0
        name = f"grant {grant}" if grant is not None else f"payment {fact['key']}"
        paid = self.given.get(grant, 0) if grant is not None else self.payments.get(f"credit:{fact['key']}", 0)
        agree(that=name not in self.taken_back, invariant="W6", told=f"{name} of {account} was taken back twice")
        agree(that=amount <= paid, invariant="W6", told=f"{amount} of {name} of {account} taken back, {paid} was paid")
        self.taken_back.add(name)
        one = self.gifts.get(grant or "")
        left = 0 if one is None or one.ends <= fact["at"] else min(one.left, amount)
        agree(that=taken == left, invariant="W6", told=f"{taken} of {name} of {account} was unspent, and is {left}")
        if one is not None:
            one.left -= taken
        self.paid_in -= amount - taken


FACTS: Final[Mapping[str, Callable[[Pocket, str, Json], None]]] = {
    "wallet.subscription_charged": Pocket._plan_charged,
    "wallet.grant_given": Pocket._given,
    "wallet.grant_ended": Pocket._ended,
    "wallet.grant_revoked": Pocket._revoked,
    "wallet.grants_carried": Pocket._carried,
    "wallet.charged_back": Pocket._taken_back,
}
"""Facts about wallets, and what follows them here."""


def draws_in(told: list[Json] | None) -> list[Draw]:
    """Draws as a fact has them."""
    return [(one["grant"], one["source"], one["amount"]) for one in told or ()]
