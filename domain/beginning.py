"""Windows begin: an hour or a day with the first operation in it, and all with the first limit that needs them.

    terms change, an operation is asked for ─┬─ WindowOpened   an hour or a day that has not begun to count
                                             └─ LifeCounted    scopes that are limited for life from now on

A limit that is set, or comes with a plan, holds at once, also for what was admitted before in its hour or day: that is
counted from the facts of the period since then (`Evidence.recent`). A limit for life counts from the beginning of the
period it is set in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.account import Account, AccountFact
from domain.account import evolve as evolve_account
from domain.ledger import Fact, Ledger, evolve
from domain.operation import OperationFact, Requested
from domain.periods import Period
from domain.totals import PeriodState
from domain.usage import NOTHING_USED, Usage
from domain.windowed import Lifetime, Taken, WindowOpened, counted_for_life
from domain.windows import NARROW, Window, next_span


def begun(current: PeriodState, window: Window, now: int) -> tuple[Period, dict[str, Usage]] | None:
    """The hour or the day that holds this instant, and what counts in it; None if none has begun."""
    if current.windows is None or window not in current.windows.narrow:
        return None
    last = current.windows.narrow[window]
    return (last.span, last.usage) if last.span.contains(now) else None


def next_window(account: Account, current: PeriodState, window: Window, now: int) -> Period:
    """The hour or the day that would begin with an operation at this instant."""
    last = None if current.windows is None else current.windows.narrow.get(window)
    return next_span(window, account.zone, current.period, last.span.end if last else current.period.start, now)


def begin_windows(
    account: Account, current: PeriodState, scopes: Sequence[str], now: int, recent: Iterable[Fact] = ()
) -> list[Fact]:
    """The facts with which all begins that the account's limits need and that does not count yet.

    `recent` are the facts of the period since then, if anything can have been admitted before in an hour or a day.
    """
    return begin_narrow(account, current, now, recent) + _counted_from_now(account, current, scopes, now)


def begin_narrow(account: Account, current: PeriodState, now: int, recent: Iterable[Fact] = ()) -> list[Fact]:
    """The same of an hour and a day alone."""
    facts: list[Fact] = []
    for window in NARROW:
        if window in account.in_windows and begun(current, window, now) is None:
            span = next_window(account, current, window, now)
            taken = _taken_since(current.period, recent, span.start) if recent else {}
            facts.append(WindowOpened(account.id, now, current.period, str(window), span, taken))
    return facts


def change_limits(ledger: Ledger, changes: Sequence[AccountFact], now: int) -> list[Fact]:
    """Changes of an account's limits, and the beginning of all windows that they need in a period that is open."""
    account, current = _changed(ledger, changes), ledger.current
    if current is None or not current.period.contains(now) or not account.in_windows:
        return [*changes]
    scopes = tuple({scope: None for limits in account.in_windows.values() for scope in limits})
    return [*changes, *begin_windows(account, current, scopes, now, ledger.evidence.recent)]


def needed_since(ledger: Ledger, changes: Sequence[AccountFact], now: int) -> int | None:
    """The instant from which `change_limits` needs the period's facts; None if it needs none."""
    account, current = _changed(ledger, changes), ledger.current
    if current is None or not current.period.contains(now):
        return None
    spans = [
        next_window(account, current, window, now)
        for window in NARROW
        if window in account.in_windows and begun(current, window, now) is None
    ]
    return min((span.start for span in spans), default=None)


def _changed(ledger: Ledger, changes: Sequence[AccountFact]) -> Account:
    account = ledger.account
    for fact in changes:
        account = evolve_account(account, fact)
    assert account is not None, "limits are an account's"
    return account


def _counted_from_now(account: Account, current: PeriodState, scopes: Sequence[str], now: int) -> list[Fact]:
    limited = account.in_windows.get(Window.LIFE)
    if limited is None:
        return []
    known = {} if current.windows is None else current.windows.life
    new = {
        scope: Lifetime(current.period.start, current.usage.get(scope, NOTHING_USED))
        for scope in scopes
        if limited.get(scope) and scope not in known
    }
    return [*counted_for_life(account.id, current.period, new, now)]


def _taken_since(period: Period, recent: Iterable[Fact], start: int) -> dict[str, Taken]:
    """The amounts that operations which were requested from `start` on have used and hold, by scope."""
    counted, requested = Ledger(current=PeriodState(period, None)), set[str]()
    for fact in recent:
        if not isinstance(fact, OperationFact):
            continue
        if isinstance(fact, Requested) and fact.at >= start:
            requested.add(fact.operation.id)
        if fact.operation.id in requested:
            evolve(counted, fact)
    assert counted.current is not None
    return {scope: Taken(usage.posted, usage.held) for scope, usage in counted.current.usage.items()}
