"""One operation, from request to money: at most one submission a dispatch, exactly one terminal money fact.

    Requested ─┬─ Rejected                              (a refusal is a fact, with its reason)
               └─ Validated ─ Dispatched ─ (Submitted) ─┬─ ProviderCompleted ─ Charged ─ (Adjusted …)
                  the hold    may be sent   job id      └─ ProviderFailed ─ Released

`Rerouted` replaces the hold after a definite refusal. After a release by policy a late success is delivered with
its cost and never charged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal

from domain.errors import IllegalTransition, InvalidInput
from domain.periods import Period
from domain.pricing import Quote, price_of

POLICY = "policy"
LATE = "late_success"
SIXTH_PLACE = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Operation:
    """Who asked for what, where and when: carried whole by every fact, so that no view needs a join."""

    id: str
    batch: str
    account: str
    user: str
    project: str | None
    period: Period
    day: str
    kind: str
    family: str
    model: str
    provider: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An output as the log knows it: SHA-256 in hex, bytes, pixels, milliseconds."""

    digest: str
    media_type: str
    size: int
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None


# Facts


@dataclass(frozen=True, slots=True)
class Requested:
    """Somebody asked; `digest` is a keyed hash of the content, which itself is kept erasable elsewhere."""

    operation: Operation
    at: int
    key: str | None
    digest: str
    outputs: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """The business refused: which limit of which scope, what was asked of it, and what is left."""

    operation: Operation
    at: int
    reason: str
    scope: str
    measure: str
    limit: int | None
    asked: int
    left: int | None


@dataclass(frozen=True, slots=True)
class Validated:
    """Admitted: the quoted price and the outputs are held against every limit."""

    operation: Operation
    at: int
    quote: Quote


@dataclass(frozen=True, slots=True)
class Dispatched:
    """May be sent from now on, once, by `sender`."""

    operation: Operation
    at: int
    attempt: int
    sender: str


@dataclass(frozen=True, slots=True)
class Submitted:
    """The provider took it under a job id of its own."""

    operation: Operation
    at: int
    job: str


@dataclass(frozen=True, slots=True)
class Rerouted:
    """Another model after a definite refusal: the operation as it is now, and its new hold."""

    operation: Operation
    at: int
    quote: Quote
    code: str


@dataclass(frozen=True, slots=True)
class ProviderCompleted:
    """The provider delivered; `cost` is what it says it bills, where it says so."""

    operation: Operation
    at: int
    assets: tuple[Stored, ...]
    cost: int | None
    late: bool


@dataclass(frozen=True, slots=True)
class Charged:
    """The posting: what the account pays, what the provider bills us, and by which price book."""

    operation: Operation
    at: int
    outputs: int
    unit: str
    units: Decimal
    price: int
    cost: int
    currency: str
    book: str


@dataclass(frozen=True, slots=True)
class ProviderFailed:
    """The provider definitely failed; `code` is one of the adapter's own words."""

    operation: Operation
    at: int
    code: str


@dataclass(frozen=True, slots=True)
class Released:
    """The hold is void: `price` and `outputs` are free again; `cost` is what the provider bills all the same."""

    operation: Operation
    at: int
    reason: str
    outputs: int
    price: int
    cost: int
    currency: str


@dataclass(frozen=True, slots=True)
class Adjusted:
    """A later correction, booked in the period in which it was made: negative price is a refund."""

    operation: Operation
    at: int
    period: Period
    day: str
    price: int
    cost: int
    currency: str
    reason: str
    reference: str


OperationFact = (
    Requested
    | Rejected
    | Validated
    | Dispatched
    | Submitted
    | Rerouted
    | ProviderCompleted
    | Charged
    | ProviderFailed
    | Released
    | Adjusted
)


# States


@dataclass(frozen=True, slots=True)
class Asked:
    """Requested, and not yet answered."""

    operation: Operation


@dataclass(frozen=True, slots=True)
class Held:
    """Admitted; `attempts` submissions were allowed before and all were definitely refused."""

    operation: Operation
    quote: Quote
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """May have reached the provider."""

    operation: Operation
    quote: Quote
    attempts: int
    sender: str


@dataclass(frozen=True, slots=True)
class Running:
    """The provider works on it."""

    operation: Operation
    quote: Quote
    attempts: int
    job: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """Outputs are safe; the charge follows in the same append."""

    operation: Operation
    quote: Quote
    outputs: int
    cost: int | None


@dataclass(frozen=True, slots=True)
class Settled:
    """Charged; `adjusted` is the sum of later corrections, each known by its reference."""

    operation: Operation
    charged: int
    currency: str
    adjusted: int = 0
    references: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refused:
    """Never held anything."""

    operation: Operation
    reason: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """Released without a charge; `late` once a success after a release by policy was booked."""

    operation: Operation
    reason: str
    currency: str
    late: bool = False
    references: frozenset[str] = frozenset()


Open = Held | Sent | Running | Delivered
Closed = Settled | Dropped | Refused
State = Asked | Open | Closed


PHASES: dict[type[State], str] = {
    Asked: "requested",
    Held: "validated",
    Sent: "dispatched",
    Running: "submitted",
    Delivered: "completed",
    Settled: "charged",
    Dropped: "released",
    Refused: "rejected",
}
"""The stored name of each state."""

CLOSED_PHASES = frozenset(PHASES[state] for state in (Settled, Dropped, Refused))


# Evolve


def evolve(state: State | None, fact: OperationFact) -> State:
    """The operation after one more fact; what is recorded is true, so nothing is judged here."""
    match fact, state:
        case Requested(operation), _:
            return Asked(operation)
        case Rejected(operation, reason=reason), _:
            return Refused(operation, reason)
        case Validated(operation, quote=quote), _:
            return Held(operation, quote)
        case Dispatched(operation, _, attempt, sender), Held(quote=quote) | Sent(quote=quote):
            return Sent(operation, quote, attempt, sender)
        case Submitted(operation, job=job), Sent(quote=quote, attempts=attempts):
            return Running(operation, quote, attempts, job)
        case Rerouted(operation, quote=quote), Held() | Sent():
            return Held(operation, quote, state.attempts)
    return _evolve_outcome(state, fact)


def _evolve_outcome(state: State | None, fact: OperationFact) -> State:
    match fact, state:
        case ProviderCompleted(late=True), Dropped():
            return replace(state, late=True)
        case ProviderCompleted(operation, assets=assets, cost=cost), Held() | Sent() | Running():
            return Delivered(operation, state.quote, len(assets), cost)
        case Charged(operation, price=price, currency=currency), _:
            return Settled(operation, price, currency)
        case Released(operation, reason=reason, currency=currency), _:
            return Dropped(operation, reason, currency)
        case Adjusted(price=price, reference=reference), Settled():
            references = state.references | {reference}
            return replace(state, adjusted=state.adjusted + price, references=references)
        case Adjusted(reference=reference), Dropped():
            return replace(state, references=state.references | {reference})
    assert state is not None, f"{type(fact).__name__} cannot come first"
    return state


# Decisions


def dispatch(state: State, attempt: int, sender: str, now: int) -> list[OperationFact]:
    """Allow submission number `attempt` to one sender; whoever finds another's name there must not send."""
    match state:
        case Held(operation, attempts=attempts) if attempt == attempts + 1:
            return [Dispatched(operation, now, attempt, sender)]
        case Sent(operation, attempts=attempts) if attempt == attempts + 1:
            return [Dispatched(operation, now, attempt, sender)]
        case Sent() | Running() | Settled() | Dropped() | Refused():
            return []
    raise _illegal("dispatch", state)


def submit(state: State, job: str, now: int) -> list[OperationFact]:
    """Remember the provider's job id, before any waiting."""
    match state:
        case Sent(operation):
            return [Submitted(operation, now, job)]
        case Running(job=known) if known == job:
            return []
        case Settled() | Dropped() | Refused():
            return []
    raise _illegal(f"record job {job!r} for", state)


def complete(state: State, assets: tuple[Stored, ...], cost: int | None, now: int) -> list[OperationFact]:
    """Charge what was delivered at its quoted price, never more than the hold; charging twice records nothing."""
    match state:
        case Sent(operation, quote) | Running(operation, quote):
            completed = ProviderCompleted(operation, now, assets, cost, late=False)
            return [completed, charge(operation, quote, len(assets), cost, now)]
        case Dropped(operation, reason="policy", late=False):
            return [ProviderCompleted(operation, now, assets, cost, late=True)]
        case Settled() | Dropped() | Refused():
            return []
    raise _illegal("complete", state)


def charge(operation: Operation, quote: Quote, outputs: int, cost: int | None, now: int) -> Charged:
    """The posting for `outputs` of what was quoted; a price that was unknown is the cost, within the cap."""
    delivered = min(outputs, quote.outputs)
    price, quoted_cost = price_of(quote, delivered)
    if quote.rate is None and cost is not None:
        price = min(cost, quote.price)
    units = (quote.units * delivered / quote.outputs).quantize(SIXTH_PLACE, ROUND_HALF_EVEN).normalize()
    return Charged(
        operation,
        now,
        delivered,
        quote.unit,
        quote.units if delivered == quote.outputs else units,
        price,
        quoted_cost if cost is None else cost,
        quote.currency,
        quote.book,
    )


def fail(state: State, code: str, cost: int, now: int) -> list[OperationFact]:
    """A definite failure voids the hold; our own cost, if any, is booked with it."""
    match state:
        case Held(operation) | Sent(operation) | Running(operation):
            return [ProviderFailed(operation, now, code), _released(state, code, cost, now)]
        case Settled() | Dropped() | Refused():
            return []
    raise _illegal("fail", state)


def release(state: State, reason: str, now: int) -> list[OperationFact]:
    """Void the hold of an operation whose outcome stays unknown, by declared policy."""
    match state:
        case Held() | Sent() | Running():
            return [_released(state, reason, 0, now)]
        case Settled() | Dropped() | Refused():
            return []
    raise _illegal("release", state)


def check_adjustment(state: State, price: int, reference: str) -> None:
    """Corrections only give back, and together never more than was charged. Raises InvalidInput, IllegalTransition."""
    if not reference:
        raise InvalidInput("reference", "an adjustment needs a reference", hint="it makes a repeat harmless")
    match state:
        case Dropped() if price == 0:
            return
        case Settled(charged=charged, adjusted=adjusted):
            if price > 0:
                raise InvalidInput("price", f"{price} micro-units would raise a charge", hint="corrections give back")
            if charged + adjusted + price < 0:
                left = charged + adjusted
                raise InvalidInput("price", f"refund of {-price} micro-units exceeds the {left} that are left")
            return
    raise _illegal("adjust", state)


def _released(state: Held | Sent | Running, reason: str, cost: int, now: int) -> Released:
    quote = state.quote
    return Released(state.operation, now, reason, quote.outputs, quote.price, cost, quote.currency)


def _illegal(action: str, state: State) -> IllegalTransition:
    phase = type(state).__name__.lower()
    return IllegalTransition(
        f"cannot {action} operation {state.operation.id}: it is {phase}",
        hint=f"its facts: imagestudio operation {state.operation.id}",
    )
