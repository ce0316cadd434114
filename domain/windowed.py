"""Totals of the windows beside the billing period: of an hour and a day, of every scope; for life, of those limited so.

    WindowOpened ─ (holds, charges, releases of what was admitted in it) …   an hour or a day, within one period
    LifeCounted  ─ (the same of its period and later ones | LifeMoved) … ─ LifeCounted, carried into the next period

An account with no such limit has none of this. Each window begins by a fact, so that no process folds another for its
own tables of time zones, and an operation counts where it was admitted, whenever it ends. If that hour or day is over,
nothing is counted and nothing freed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from domain.operation import (
    TO_BE_SENT,
    UNDER_WAY,
    Adjusted,
    Charged,
    Delivered,
    Operation,
    OperationFact,
    Released,
    Rerouted,
    State,
    Validated,
)
from domain.periods import Period
from domain.usage import Usage, add_amounts

SCOPES_A_FACT: Final = 50

# Facts


@dataclass(frozen=True, slots=True)
class Taken:
    """The amounts that a scope has used and holds, by measure, where its counting goes on.

    For life, `since` is the beginning of the first period that counts.
    """

    posted: Mapping[str, int]
    held: Mapping[str, int]
    since: int | None = None


@dataclass(frozen=True, slots=True)
class WindowOpened:
    """An hour or a day begins to count, with what was admitted in it before by each scope, if anything was."""

    account: str
    at: int
    period: Period
    window: str
    span: Period
    taken: Mapping[str, Taken] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LifeCounted:
    """The totals for life of these scopes as they are now: where their counting begins, or goes on in a new period."""

    account: str
    at: int
    period: Period
    taken: Mapping[str, Taken]


@dataclass(frozen=True, slots=True)
class LifeMoved:
    """An operation of an ended period was settled, or holds another amount: the change of what counts for life.

    `held_outputs` and `held_price` are the changes of what is held, `outputs` and `price` of what is used.
    """

    account: str
    at: int
    period: Period
    operation_id: str
    scopes: tuple[str, ...]
    family: str
    held_outputs: int
    held_price: int
    outputs: int
    price: int
    currency: str


WindowFact = WindowOpened | LifeCounted | LifeMoved


# States


@dataclass(slots=True)
class OpenWindow:
    """The hour or the day that was begun last: by scope, what was admitted in it has used and holds."""

    span: Period
    usage: dict[str, Usage] = field(default_factory=dict)


@dataclass(slots=True)
class Lifetime:
    """One scope's totals for life: of the operations of the period that began at `since`, and of all later ones."""

    since: int
    usage: Usage


@dataclass(slots=True)
class Windows:
    """All that counts beside the period: an hour and a day by their names, and totals for life by scope."""

    narrow: dict[str, OpenWindow] = field(default_factory=dict)
    life: dict[str, Lifetime] = field(default_factory=dict)

    @property
    def scopes(self) -> int:
        """How many totals there are."""
        return len(self.life) + sum(len(window.usage) for window in self.narrow.values())

    def copy(self) -> Windows:
        """One in which other windows can begin."""
        return Windows(dict(self.narrow), dict(self.life))

    def counted_for_life(self, scopes: Sequence[str], operation: Operation) -> tuple[str, ...]:
        """The scopes for whose life an operation counts."""
        began = operation.period.start
        return tuple([scope for scope in scopes if scope in self.life and began >= self.life[scope].since])


# Evolve


def evolve_windows(windows: Windows, fact: WindowFact) -> None:
    """Begin to count, or go on from what is said."""
    match fact:
        case WindowOpened():
            usage = {scope: _usage(taken) for scope, taken in fact.taken.items()}
            windows.narrow[fact.window] = OpenWindow(fact.span, usage)
        case LifeCounted():
            for scope, taken in fact.taken.items():
                since = fact.period.start if taken.since is None else taken.since
                windows.life[scope] = Lifetime(since, _usage(taken))
        case LifeMoved():
            for scope in fact.scopes:
                usage_of_scope = windows.life[scope].usage
                add_amounts(usage_of_scope.held, fact.family, fact.held_outputs, fact.held_price)
                add_amounts(usage_of_scope.posted, fact.family, fact.outputs, fact.price)


def _usage(taken: Taken) -> Usage:
    return Usage(dict(taken.posted), dict(taken.held))


def move_in_windows(windows: Windows, scopes: Sequence[str], before: State | None, fact: OperationFact) -> None:
    """Hold, capture and release where an operation of this period was admitted."""
    family = fact.operation.family
    match fact:
        case Validated(quote=quote):
            for usage in _counting(windows, scopes, fact.operation, fact.at):
                add_amounts(usage.held, family, quote.outputs, quote.price)
        case Charged() if isinstance(before, Delivered):
            for usage in _counting(windows, scopes, fact.operation, before.admitted):
                add_amounts(usage.held, family, -before.quote.outputs, -before.quote.price)
                add_amounts(usage.posted, family, fact.outputs, fact.price)
        case Released() if isinstance(before, UNDER_WAY):
            for usage in _counting(windows, scopes, fact.operation, before.admitted):
                add_amounts(usage.held, family, -before.quote.outputs, -before.quote.price)
        case Rerouted(quote=quote) if isinstance(before, TO_BE_SENT):
            for usage in _counting(windows, scopes, fact.operation, before.admitted):
                add_amounts(usage.held, family, quote.outputs - before.quote.outputs, quote.price - before.quote.price)


def carried_for_life(windows: Windows | None) -> Windows | None:
    """The part that a new period begins with, if there is any."""
    return Windows(life=windows.life) if windows is not None and windows.life else None


def counted_for_life(account: str, period: Period, life: Mapping[str, Lifetime], now: int) -> list[WindowFact]:
    """Totals for life as they are, in facts that are small enough to be recorded."""
    known = list(life.items())
    return [
        LifeCounted(account, now, period, {scope: _taken(one) for scope, one in known[first : first + SCOPES_A_FACT]})
        for first in range(0, len(known), SCOPES_A_FACT)
    ]


def _taken(one: Lifetime) -> Taken:
    return Taken(dict(one.usage.posted), dict(one.usage.held), one.since)


def correct_in_windows(windows: Windows, scopes: Sequence[str], fact: Adjusted) -> None:
    """A refund frees the hour and the day that it names, and what counts for life."""
    operation = fact.operation
    for name in fact.windows:
        for scope in scopes:
            add_amounts(_usage_in(windows.narrow[name], scope).posted, operation.family, 0, fact.price)
    for scope in windows.counted_for_life(scopes, operation):
        add_amounts(windows.life[scope].usage.posted, operation.family, 0, fact.price)


def _counting(windows: Windows, scopes: Sequence[str], operation: Operation, admitted: int) -> Iterator[Usage]:
    """The totals of every window in which an operation counts that was admitted at this instant."""
    for window in windows.narrow.values():
        if window.span.contains(admitted):
            for scope in scopes:
                yield _usage_in(window, scope)
    for scope in windows.counted_for_life(scopes, operation):
        yield windows.life[scope].usage


def _usage_in(window: OpenWindow, scope: str) -> Usage:
    usage = window.usage.get(scope)
    if usage is None:
        usage = window.usage[scope] = Usage()
    return usage
