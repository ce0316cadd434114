"""Decisions about limits: what one scope of an account may use of a measure over a window, on top of its plan.

    change_limit ─ inherit_limit

A scope is the account, or a user, a project or an API key in it.
"""

from __future__ import annotations

from domain.account import ACCOUNT, UNPRICED, Account, AccountFact, LimitChanged, check_not_closed
from domain.errors import InvalidInput
from domain.ids import check_id, check_reason
from domain.issuing import known_key
from domain.plans import MEASURES, check_limit
from domain.windows import Window, check_window


def change_limit(
    account: Account,
    scope: str,
    measure: str,
    limit: int | None,
    now: int,
    reason: str = "",
    window: str = Window.PERIOD,
) -> list[AccountFact]:
    """Set one limit: whole outputs or micro-units over a window, None for no limit. Raises InvalidInput."""
    check_not_closed(account)
    _check_limited(account, scope, measure, window)
    check_reason(reason)
    check_limit(measure, limit)
    changed = account.changed(window).get(scope, {})
    if measure in changed and changed[measure] == limit:
        return []
    return [LimitChanged(account.id, now, scope, measure, limit, inherited=False, reason=reason, window=str(window))]


def inherit_limit(
    account: Account, scope: str, measure: str, now: int, reason: str = "", window: str = Window.PERIOD
) -> list[AccountFact]:
    """Undo a change of limit: the plan's own holds again. Raises InvalidInput."""
    check_not_closed(account)
    _check_limited(account, scope, measure, window)
    check_reason(reason)
    if measure not in account.changed(window).get(scope, {}):
        return []
    return [LimitChanged(account.id, now, scope, measure, None, inherited=True, reason=reason, window=str(window))]


def _check_limited(account: Account, scope: str, measure: str, window: str) -> None:
    _check_scope(account, scope)
    is_period = check_window(window) is Window.PERIOD
    allowed = (*MEASURES, UNPRICED) if scope == ACCOUNT and is_period else MEASURES
    if measure not in allowed:
        raise InvalidInput("measure", f"{measure!r} is not one of {', '.join(allowed)}")


def _check_scope(account: Account, scope: str) -> None:
    if scope == ACCOUNT:
        return
    level, _, subject = scope.partition(":")
    if level == "key":
        known_key(account, subject)
        return
    if level not in ("user", "project"):
        raise InvalidInput("scope", f"{scope!r} is not 'account', 'user:ID', 'project:ID' or 'key:ID'")
    check_id(level, subject)
