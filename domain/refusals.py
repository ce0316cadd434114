"""Why the business refused, with every figure that the decision rested on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """The rule that refused: "limit", "balance", "unpriced", "currency", "suspended" or "closed".

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
