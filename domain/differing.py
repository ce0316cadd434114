"""Differences that a probe finds are alerts of whoever runs the studio: each is told once a day.

tell_difference ── ProbeDiffered ── the service log, webhooks and letters of the studio's own account
"""

from __future__ import annotations

from domain.alerts import ProbeDiffered, difference_name
from domain.ledger import Fact, Ledger, known_account

DAY = 24 * 60 * 60 * 1_000_000
LONGEST = 200
"""Characters of each of its words."""


def probed_day(now: int) -> int:
    """The beginning of an instant's day, UTC."""
    return now - now % DAY


def tell_difference(
    ledger: Ledger, account: str, difference: str, told: str, wanted: str, now: int, day: int
) -> list[Fact]:
    """Tell of a difference that was found on a day, unless that was done; `ledger.evidence` says so.

    Raises UnknownAccount.
    """
    known_account(ledger, account)
    if ledger.evidence.alarms.get(difference_name(account, difference, day)):
        return []
    return [ProbeDiffered(account, now, difference, told[:LONGEST], wanted[:LONGEST], day)]
