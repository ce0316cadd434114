"""Why the business refused, or waits for a person, with every figure that the decision rested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The rule that refused: "limit", "balance", "overage", "unpriced", "currency", "suspended" or "closed".

    Of a limit, `scope` and `measure` say which, `window` over what it counts, and `resets_at` when it begins anew, in
    epoch microseconds. Amounts are outputs, or micro-units of `currency`; None is not known, or not limited.
    """

    rule: str
    scope: str = "account"
    measure: str = ""
    window: str = ""
    limit: int | None = None
    asked: int = 0
    used: int | None = None
    held: int | None = None
    left: int | None = None
    currency: str = ""
    resets_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unapproved:
    """A request that needs a person's approval: `price` is the most that it comes to, `above` what its key may alone.

    Both are micro-units of `currency`. If the price is not `known`, it is what would be held. `left` is what would be
    left of each limit once it was done. `quote` is the id to approve it by until `expires`; empty: not asked for yet.
    """

    api_key: str
    kind: str
    outputs: int
    model: str
    price: int
    currency: str
    known: bool = True
    above: int = 0
    quote: str = ""
    expires: int | None = None
    left: Mapping[str, int | None] = field(default_factory=dict)
