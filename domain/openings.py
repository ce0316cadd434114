"""Opening an account, once: its terms as they are agreed, and whether another opening asks for the same.

open_account ─┬─ AccountOpened                      nothing to pay before the first operation
              └─ AccountOpened, PeriodOpened, …     a plan with a price, or a trial: it begins at once
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.account import Account, AccountFact, AccountOpened, Standing
from domain.advice import Advice
from domain.errors import AccountExists, InvalidInput
from domain.ids import check_id, check_reason
from domain.invoices import PROVIDER
from domain.keys import STUDIO
from domain.money import check_currency
from domain.periods import Cycle, check_zone
from domain.plans import Later, Limits, Paying


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms that an account is opened with."""

    plan: str
    limits: Limits
    currency: str = "USD"
    zone: str = "UTC"
    cycle: Cycle = field(default_factory=Cycle)
    prepaid: bool = False
    windows: Mapping[str, Limits] = field(default_factory=dict)
    paying: Paying | None = None
    then: Later | None = None


def open_account(account: Account | None, id: str, terms: Terms, now: int, reason: str = "") -> list[AccountFact]:
    """Open it once; opening it again as it was opened, or as it is by now, records nothing.

    The terms are compared as they were asked: the plan by its name, as a plan's limits are another thing on another
    day. Raises AccountExists on other terms, or if the account is closed.
    """
    check_id("account", id)
    if id == STUDIO or id.startswith(PROVIDER):
        raise InvalidInput("account", f"{id!r} is the studio's own", hint="choose another id")
    check_currency(terms.currency)
    check_zone(terms.zone)
    check_reason(reason)
    if account is None:
        agreed = (terms.plan, terms.limits, terms.currency, terms.zone, terms.cycle, terms.prepaid)
        return [AccountOpened(id, now, *agreed, reason, terms.windows, terms.paying, terms.then)]
    if account.standing is Standing.CLOSED:
        raise AccountExists(f"account {id!r} was closed: {account.reason}", hint="open another")
    differing = [
        f"{name} {was}, not {asked}"
        for name, asked, was, is_now in _compared(account, terms)
        if asked not in (was, is_now)
    ]
    if differing:
        raise AccountExists(
            f"account {id!r} was opened before, on other terms: {'; '.join(differing)}",
            hint=Advice("account.change"),
        )
    return []


def changed_since(account: Account, terms: Terms) -> tuple[str, ...]:
    """The terms asked for by an opening that have changed since, in words."""
    return tuple(
        f"{name} is {is_now}, not {asked}" for name, asked, _, is_now in _compared(account, terms) if asked != is_now
    )


def _compared(account: Account, terms: Terms) -> tuple[tuple[str, object, object, object], ...]:
    """Each term by name: as it is asked for, as the account was opened, and as it is now."""
    opened = account.opened
    return (
        ("plan", terms.plan, opened.plan, account.plan),
        ("currency", terms.currency, opened.currency, account.currency),
        ("zone", terms.zone, opened.zone, account.zone),
        ("cycle day", terms.cycle.day, opened.cycle.day, account.cycle.day),
        ("prepaid", terms.prepaid, opened.prepaid, account.prepaid),
    )
