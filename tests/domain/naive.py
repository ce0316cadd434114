"""A ledger kept the slow way: a desk that writes the log, and sums over all of it to compare the fast one with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from domain.evidence import Spent
from domain.ledger import (
    BalanceReturned,
    CreditAdded,
    Decide,
    Fact,
    Ledger,
    PeriodOpened,
    account_stream,
    evolve,
    period_stream,
    stream_of,
)
from domain.lifecycle import evolve as evolve_operation
from domain.operation import (
    Adjusted,
    Charged,
    Dispatched,
    Operation,
    OperationFact,
    ProviderCompleted,
    Rejected,
    Released,
    Requested,
    Rerouted,
    State,
    Submitted,
    Validated,
)
from domain.periods import Period
from domain.pricing import Quote
from domain.zones import zone_of
from tests.domain.wall_clocks import EPOCH, MICROSECOND, MINUTE, wall


@dataclass
class NaiveLedger:
    """What the writer does for one account, in one thread and without a database."""

    account: str
    ledger: Ledger = field(default_factory=Ledger)
    log: list[Fact] = field(default_factory=list)
    keys: dict[str, Spent] = field(default_factory=dict)

    def decide(self, decide: Decide, clock: int, *operations: str, key: tuple[str, Spent] | None = None) -> list[Fact]:
        """Load the evidence a decision names, decide, and record; where it raises nothing is recorded."""
        for id in operations:
            if self.ledger.look_up(id) is None:
                self.ledger.evidence.found |= self._folded(id)
        if key is not None and key[0] in self.keys:
            self.ledger.evidence.keys[key[0]] = self.keys[key[0]]
        facts = decide(self.ledger, max(clock, self.ledger.last))
        for fact in facts:
            evolve(self.ledger, fact)
        self.log += facts
        if key is not None and facts:
            self.keys[key[0]] = self.ledger.evidence.keys[key[0]] = key[1]
        return facts

    def rebuilt(self) -> Ledger:
        """The ledger as a new process reads it: terms, then the current period's stream, forgetting all it can.

        The last instant is the account's, as an ended period's stream may hold a later one than the current.
        """
        ledger = Ledger()
        state = self.ledger.current
        streams = [account_stream(self.account)] + (
            [] if state is None else [period_stream(self.account, state.period)]
        )
        for stream in streams:
            for fact in self.stream(stream):
                evolve(ledger, fact)
                ledger.forget()
        ledger.last = max(fact.at for fact in self.log)
        return ledger

    def stream(self, name: str) -> list[Fact]:
        return [fact for fact in self.log if stream_of(fact) == name]

    def _folded(self, id: str) -> dict[str, State]:
        state: State | None = None
        for fact in self.log:
            if isinstance(fact, OperationFact) and fact.operation.id == id:
                state = evolve_operation(state, fact)
        return {} if state is None else {id: state}


@dataclass
class Life:
    """One operation as its facts tell it, with no idea of states."""

    operation: Operation
    facts: list[OperationFact] = field(default_factory=list)

    def last(self, kind: type[OperationFact]) -> OperationFact | None:
        return next((fact for fact in reversed(self.facts) if isinstance(fact, kind)), None)

    @property
    def quote(self) -> Quote | None:
        """The hold's, as it was last replaced."""
        quotes = [fact.quote for fact in self.facts if isinstance(fact, Validated | Rerouted)]
        return quotes[-1] if quotes else None

    @property
    def endings(self) -> list[OperationFact]:
        return [fact for fact in self.facts if isinstance(fact, Charged | Released)]

    @property
    def is_open(self) -> bool:
        return self.quote is not None and not self.endings

    @property
    def is_sent(self) -> bool:
        return self.is_open and self.last(Dispatched) is not None

    @property
    def attempts(self) -> int:
        return sum(isinstance(fact, Dispatched) for fact in self.facts)

    @property
    def has_job(self) -> bool:
        return self.last(Submitted) is not None

    @property
    def held(self) -> int:
        return self.quote.price if self.is_open and self.quote is not None else 0

    @property
    def charged(self) -> int:
        return sum(fact.price for fact in self.facts if isinstance(fact, Charged))

    @property
    def refunded(self) -> int:
        return -sum(fact.price for fact in self.facts if isinstance(fact, Adjusted))

    @property
    def cost_is_unknown(self) -> bool:
        """Whether it ended at a cost that nobody knew, and that no correction has told since."""
        ended = any(fact.cost is None for fact in self.facts if isinstance(fact, Charged | Released))
        return ended and not any(fact.revealed for fact in self.facts if isinstance(fact, Adjusted))

    @property
    def references(self) -> set[str]:
        return {fact.reference for fact in self.facts if isinstance(fact, Adjusted)}

    @property
    def bill(self) -> int | None:
        completed = self.last(ProviderCompleted)
        return completed.cost if isinstance(completed, ProviderCompleted) else None

    def taken(self, measure: str) -> int:
        """What it takes of a limit of its own period: open holds, charges, less what was refunded within it."""
        if measure == "spend":
            within = [fact for fact in self.facts if isinstance(fact, Adjusted)]
            given_back = sum(fact.price for fact in within if fact.period == self.operation.period)
            return self.held + self.charged + given_back
        if measure != self.operation.family:
            return 0
        delivered = sum(fact.outputs for fact in self.facts if isinstance(fact, Charged))
        return delivered + (self.quote.outputs if self.is_open and self.quote is not None else 0)


def lives(log: Iterable[Fact]) -> dict[str, Life]:
    """Every operation of the log."""
    found: dict[str, Life] = {}
    for fact in log:
        if isinstance(fact, OperationFact):
            life = found.setdefault(fact.operation.id, Life(fact.operation))
            life.facts.append(fact)
    return found


def scopes(user: str, project: str | None, api_key: str | None) -> list[str]:
    known = ["account", f"user:{user}"] + ([f"project:{project}"] if project else [])
    return known + ([f"key:{api_key}"] if api_key else [])


def scopes_of_life(life: Life) -> list[str]:
    return scopes(life.operation.user, life.operation.project, life.operation.api_key)


def taken(all_lives: Iterable[Life], period: Period, scope: str, measure: str) -> int:
    """What a scope has taken of a measure in one period."""
    return sum(
        life.taken(measure) for life in all_lives if life.operation.period == period and scope in scopes_of_life(life)
    )


def taken_in(all_lives: Iterable[Life], span: Period, window: str, scope: str, measure: str) -> int:
    """What a scope has taken in an hour or a day: by what was requested in it, less what was refunded within it."""
    mine = [life for life in all_lives if scope in scopes_of_life(life)]
    inside = [life for life in mine if span.contains(life.facts[0].at)]
    if measure != "spend":
        return sum(life.taken(measure) for life in inside)
    refunds = [fact for life in inside for fact in life.facts if isinstance(fact, Adjusted) and span.contains(fact.at)]
    return sum(life.held + life.charged for life in inside) + sum(fact.price for fact in refunds)


def taken_for_life(all_lives: Iterable[Life], since: int, scope: str, measure: str) -> int:
    """What a scope has taken since the period that began then, less all that was refunded."""
    mine = [life for life in all_lives if scope in scopes_of_life(life)]
    counted = [life for life in mine if life.operation.period.start >= since]
    if measure != "spend":
        return sum(life.taken(measure) for life in counted)
    return sum(life.held + life.charged - life.refunded for life in counted)


def clock_window(window: str, instant: int, zone: str) -> Period:
    """The hour or the day around an instant, of a zone whose clocks change by whole hours at whole hours by night."""
    shown = wall(instant, zone)
    if window == "hour":
        start = instant - (instant % (60 * MINUTE))
        return Period(start, start + 60 * MINUTE)
    following = shown.date() + timedelta(days=1)
    return Period(*(_first(day, zone) for day in (shown.date(), following)))


def _first(day: date, zone: str) -> int:
    return (datetime(day.year, day.month, day.day, tzinfo=zone_of(zone)) - EPOCH) // MICROSECOND


Posting = tuple[object, object, int]
OUTSIDE, EARNED = "outside", "earned"


def postings(log: Sequence[Fact]) -> Iterator[Posting]:
    """Every movement of money between pockets: (source, destination, amount); each period has two of its own."""
    holds: dict[str, int] = {}
    periods: dict[str, Period] = {}
    before: Period | None = None
    for fact in log:
        match fact:
            case PeriodOpened(period=period, balance=balance):
                if before is not None and balance is not None:
                    yield free(before), free(period), balance
                before = period
            case CreditAdded(period=period, amount=amount):
                yield OUTSIDE, free(period), amount
            case BalanceReturned(period=period, operation_id=id, amount=amount):
                yield free(periods[id]), free(period), amount
            case OperationFact(operation=operation):
                periods[operation.id] = operation.period
                yield from _of_operation(fact, holds)


def _of_operation(fact: OperationFact, holds: dict[str, int]) -> Iterator[Posting]:
    period, id = fact.operation.period, fact.operation.id
    if isinstance(fact, Validated | Rerouted):
        yield held(period), free(period), holds.get(id, 0)
        yield free(period), held(period), fact.quote.price
        holds[id] = fact.quote.price
    elif isinstance(fact, Charged):
        yield held(period), EARNED, fact.price
        yield held(period), free(period), holds.pop(id) - fact.price
    elif isinstance(fact, Released):
        yield held(period), free(period), holds.pop(id)
    elif isinstance(fact, Adjusted):
        yield EARNED, free(fact.period), -fact.price


def free(period: Period) -> object:
    return "free", period


def held(period: Period) -> object:
    return "held", period


def trial_balance(log: Sequence[Fact]) -> dict[object, int]:
    """What is in every pocket."""
    pockets: dict[object, int] = defaultdict(int)
    for source, destination, amount in postings(log):
        pockets[source] -= amount
        pockets[destination] += amount
    return pockets


def month_of(instant: int, zone: str) -> Period:
    """The calendar month around an instant."""
    shown = wall(instant, zone)
    following = (shown.replace(day=28) + timedelta(days=4)).replace(day=1)
    return Period(_midnight(shown.year, shown.month, zone), _midnight(following.year, following.month, zone))


def _midnight(year: int, month: int, zone: str) -> int:
    return (datetime(year, month, 1, tzinfo=zone_of(zone)) - EPOCH) // MICROSECOND


def fair_share(total: int, parts: int, taken: int) -> int:
    """What `taken` of `parts` people get who are dealt `total` coins one by one."""
    each = [total // parts + (number < total % parts) for number in range(parts)]
    return sum(each[:taken])


def is_refused(life: Life) -> bool:
    return life.last(Rejected) is not None


def requests_of(log: Iterable[Fact], key: str) -> set[str]:
    """The batches that were requested under a key."""
    return {fact.operation.batch for fact in log if isinstance(fact, Requested) and fact.key == key}
