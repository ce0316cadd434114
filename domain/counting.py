"""All limits that an operation meets, from the narrowest window: which one it would pass, and what each of them leaves.

hour, day, period, life ─ each: account, user, project, key ─ each: outputs, money ──> the first that is passed
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Final

from domain.account import Account, InForce
from domain.beginning import begun, next_window
from domain.entering import into_period
from domain.ledger import Ledger, known_account
from domain.periods import Period
from domain.plans import MEASURES
from domain.refusals import Refusal
from domain.totals import PeriodState, scopes_of
from domain.usage import NOTHING_USED, Usage
from domain.value import value
from domain.windows import NARROW, Window

NO_TELLING: Final = (None, None)
Wanted = tuple[tuple[str, int], ...]
"""The amounts that are asked for, by measure."""


@value
class Counting:
    """One window as it stands at an instant: the limits over it, what counts against them, and when it begins anew."""

    window: Window
    limits: InForce
    usage: Mapping[str, Usage]
    resets_at: int | None


@value
class LimitStanding:
    """One limit as it stands: outputs, or micro-units of money; `resets_at` is in epoch microseconds, None for life.

    If use goes on as since the period began, it is `projected` at its end, and from `runs_out_at` on nothing is left,
    None if something is. Of hours, days and life neither is worked out.
    """

    scope: str
    measure: str
    window: str
    limit: int
    used: int
    held: int
    left: int
    resets_at: int | None
    projected: int | None = field(default=None, compare=False)
    runs_out_at: int | None = field(default=None, compare=False)


def over_limit(
    account: Account, current: PeriodState, scopes: Sequence[str], wanted: Wanted, now: int
) -> Refusal | None:
    """The refusal by the narrowest limit that leaves less than is wanted; None if all leave enough."""
    if not account.in_windows:
        return _over(account.in_force, current.usage, scopes, wanted, current)
    for counting in countings(account, current, scopes, now):
        refusal = _over(counting.limits, counting.usage, scopes, wanted, current, counting)
        if refusal is not None:
            return refusal
    return None


def has_outgrown(
    account: Account, current: PeriodState, scopes: Sequence[str], grown: Wanted, admitted: int, now: int
) -> bool:
    """Whether a hold would grow that was taken in a limited hour or day which is over: it may only shrink."""
    return any(
        amount > 0 and measure in account.in_windows[window].get(scope, {})
        for window in NARROW
        if window in account.in_windows and not _holds_both(current, window, admitted, now)
        for scope in scopes
        for measure, amount in grown
    )


def _holds_both(current: PeriodState, window: Window, one: int, other: int) -> bool:
    found = begun(current, window, other)
    return found is not None and found[0].contains(one)


def left_of(
    ledger: Ledger, user: str, project: str | None, now: int, api_key: str | None = None
) -> dict[str, int | None]:
    """The rest that the tightest limit leaves of each measure, holds counted: outputs, micro-units; None: no limit."""
    if ledger.account is None:
        return {}
    account = ledger.account
    _, current, account = into_period(ledger, account, now)
    left: dict[str, int | None] = dict.fromkeys(MEASURES)
    scopes = scopes_of(user, project, api_key)
    if account.in_windows:
        for counting in countings(account, current, scopes, now):
            _leave(left, counting.limits, counting.usage, scopes)
    else:
        _leave(left, account.in_force, current.usage, scopes)
    if current.balance is not None:
        left["balance"] = max(current.balance, 0)
    return left


def _leave(left: dict[str, int | None], limited: InForce, used: Mapping[str, Usage], scopes: Sequence[str]) -> None:
    for scope in scopes:
        limits = limited.get(scope)
        if not limits:
            continue
        usage = used.get(scope, NOTHING_USED)
        for measure, limit in limits.items():
            room, known = limit - usage.taken(measure), left[measure]
            if known is None or room < known:
                left[measure] = max(0, room)


def limit_standings(ledger: Ledger, account: str, now: int) -> tuple[LimitStanding, ...]:
    """Every limit of an account, its users, projects and keys, from the narrowest window. Raises UnknownAccount."""
    known = known_account(ledger, account)
    _, current, known = into_period(ledger, known, now)
    scopes = {scope: None for limits in (known.in_force, *known.in_windows.values()) for scope in limits}
    return tuple(_standings(known, current, tuple(scopes), now))


def countings(account: Account, current: PeriodState, scopes: Sequence[str], now: int) -> Iterator[Counting]:
    """Every window by which the account is limited, from the narrowest, with the totals of these scopes.

    After the end of a period that no other has followed yet there is neither an hour nor a day.
    """
    for window in Window:
        if window is Window.PERIOD:
            yield Counting(window, account.in_force, current.usage, current.period.end)
        elif window is Window.LIFE and window in account.in_windows:
            usage = {scope: _for_life(current, scope) for scope in scopes}
            yield Counting(window, account.in_windows[window], usage, None)
        elif window in account.in_windows and current.period.contains(now):
            span, usage = begun(current, window, now) or (next_window(account, current, window, now), {})
            yield Counting(window, account.in_windows[window], usage, span.end)


def _for_life(current: PeriodState, scope: str) -> Usage:
    """The totals for life; of a scope that is not counted yet, those of the period, with which its counting begins."""
    if current.windows is not None and scope in current.windows.life:
        return current.windows.life[scope].usage
    return current.usage.get(scope, NOTHING_USED)


def _standings(account: Account, current: PeriodState, scopes: Sequence[str], now: int) -> Iterator[LimitStanding]:
    for counting in countings(account, current, scopes, now):
        for scope in scopes:
            usage = counting.usage.get(scope, NOTHING_USED)
            for measure, limit in counting.limits.get(scope, {}).items():
                used, held = usage.posted.get(measure, 0), usage.held.get(measure, 0)
                left = max(limit - used - held, 0)
                ahead = projection(used, left, current.period, now) if counting.window is Window.PERIOD else NO_TELLING
                standing = (scope, measure, str(counting.window), limit, used, held, left, counting.resets_at)
                yield LimitStanding(*standing, *ahead)


def projection(used: int, left: int, period: Period, now: int) -> tuple[int | None, int | None]:
    """The use at a period's end if it goes on so, rounded down, and the instant from which on nothing is left."""
    elapsed = now - period.start
    if elapsed <= 0 or now >= period.end:
        return NO_TELLING
    if used <= 0:
        return max(used, 0), None
    runs_out = now + left * elapsed // used
    return used * (period.end - period.start) // elapsed, runs_out if runs_out < period.end else None


def _over(
    limited: InForce,
    used: Mapping[str, Usage],
    scopes: Sequence[str],
    wanted: Wanted,
    current: PeriodState,
    counting: Counting | None = None,
) -> Refusal | None:
    for scope in scopes:
        limits = limited.get(scope)
        if not limits:
            continue
        usage = used.get(scope, NOTHING_USED)
        for measure, asked in wanted:
            limit = limits.get(measure)
            if limit is None:
                continue
            if asked > limit - usage.taken(measure) and asked > 0:
                over = counting or Counting(Window.PERIOD, limited, used, current.period.end)
                return _refusal(over, usage, scope, measure, limit, asked)
    return None


def _refusal(over: Counting, usage: Usage, scope: str, measure: str, limit: int, asked: int) -> Refusal:
    return Refusal(
        rule="limit",
        scope=scope,
        measure=measure,
        window=str(over.window),
        limit=limit,
        asked=asked,
        used=usage.posted.get(measure, 0),
        held=usage.held.get(measure, 0),
        left=max(limit - usage.taken(measure), 0),
        resets_at=over.resets_at,
    )
