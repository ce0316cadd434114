"""Changes of an account's terms: its plan, its zone, which models may be chosen, and whether it may ask at all."""

from __future__ import annotations

from collections.abc import Mapping

from domain.account import (
    Account,
    AccountClosed,
    AccountFact,
    AccountResumed,
    AccountSuspended,
    ConsentChanged,
    OnLimitChanged,
    PlanChanged,
    Standing,
    TimeZoneChanged,
    check_not_closed,
)
from domain.errors import InvalidInput
from domain.ids import check_reason
from domain.kinds import Class, check_class
from domain.periods import check_zone
from domain.plans import FREE, NO_WINDOWS, Limits, Paying


def change_plan(
    account: Account,
    plan: str,
    limits: Limits,
    now: int,
    reason: str = "",
    windows: Mapping[str, Limits] = NO_WINDOWS,
    paying: Paying | None = None,
) -> list[PlanChanged]:
    """Move to a plan; its limits hold at once, also for what was used in this period. No price is settled."""
    check_not_closed(account)
    check_reason(reason)
    same = (account.plan, account.limits, account.windows, account.paying) == (plan, limits, windows, paying or FREE)
    return [] if same else [PlanChanged(account.id, now, plan, limits, reason, dict(windows), paying)]


def change_time_zone(account: Account, zone: str, now: int, reason: str = "") -> list[AccountFact]:
    """Move the account's midnights, from the next period on. Raises InvalidPeriod for an unknown zone."""
    check_not_closed(account)
    check_reason(reason)
    return [] if check_zone(zone) == account.zone else [TimeZoneChanged(account.id, now, zone, reason)]


def change_consent(account: Account, model_class: str, now: int, *, given: bool, reason: str = "") -> list[AccountFact]:
    """Let models of a class be chosen for the account, or no more; real ones always may. Raises InvalidInput."""
    check_reason(reason)
    wanted = check_class(model_class)
    if wanted is Class.REAL and not given:
        raise InvalidInput("class", "real models may always be chosen", hint="suspend the account instead")
    if (wanted in account.allowed) == given:
        return []
    return [ConsentChanged(account.id, now, str(wanted), given, reason)]


def change_on_limit(account: Account, model: str, now: int, reason: str = "") -> list[AccountFact]:
    """Let a cheaper model do what would pass a limit of money; empty: refuse it. Raises InvalidInput."""
    check_not_closed(account)
    check_reason(reason)
    return [] if account.on_limit == model else [OnLimitChanged(account.id, now, model, reason)]


def suspend(account: Account, reason: str, now: int) -> list[AccountFact]:
    """Admit nothing new for a while; what is open goes on. Raises InvalidInput without a reason, or if it is closed."""
    check_reason(reason, needed=True)
    check_not_closed(account)
    return [] if account.standing is Standing.SUSPENDED else [AccountSuspended(account.id, now, reason)]


def resume(account: Account, reason: str, now: int) -> list[AccountFact]:
    """Admit requests again."""
    check_reason(reason, needed=True)
    check_not_closed(account)
    return [] if account.standing is Standing.OPEN else [AccountResumed(account.id, now, reason)]


def close(account: Account, reason: str, now: int) -> list[AccountFact]:
    """Admit nothing new for ever; what is open is settled, and corrections are still booked."""
    check_reason(reason, needed=True)
    return [] if account.standing is Standing.CLOSED else [AccountClosed(account.id, now, reason)]
