"""The life of an operation: what facts make of it, and decisions, each a pure function to the facts it adds.

    Held ── dispatch ──> Sent ── record_job ──> Running
     └────── postpone ────┤
                          └── complete, fail, release ──> Settled | Dropped      (repeated: no facts)

Holds, balances and periods are the ledger's; here is one operation alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from domain.advice import Advice
from domain.charging import (
    NOT_METERED,
    NOTHING_LOST,
    CostSource,
    LostOutputs,
    Reckoning,
    Told,
    readable,
    reckon,
    reckon_failure,
)
from domain.errors import IllegalTransition, InvalidInput, KeyReused
from domain.ids import check_id
from domain.money import Money
from domain.operation import (
    CORRECTABLE,
    PHASES,
    POLICY,
    TO_BE_SENT,
    UNDER_WAY,
    Adjusted,
    Asked,
    Charged,
    Closed,
    Delivered,
    Dispatched,
    Dropped,
    Held,
    Operation,
    OperationFact,
    Postponed,
    ProviderCompleted,
    ProviderFailed,
    Refused,
    Rejected,
    Released,
    Requested,
    Rerouted,
    Running,
    Sent,
    Settled,
    State,
    Stored,
    Submitted,
    Substituted,
    Validated,
)
from domain.periods import unless_same_quarter
from domain.spending import less, spent_of
from domain.value import maker

_make_asked = maker(Asked)
_make_held = maker(Held)
_make_sent = maker(Sent)
_make_delivered = maker(Delivered)
_make_settled = maker(Settled)
_make_dispatched = maker(Dispatched)
_make_completed = maker(ProviderCompleted)
_make_charged = maker(Charged)
_make_told = maker(Told)

# Evolve


def evolve(state: State | None, fact: OperationFact) -> State:
    """The operation after one more fact; what is recorded is true, so nothing is judged here."""
    match fact:
        case Requested():
            return _make_asked(fact.operation)
        case Rejected():
            return Refused(fact.operation, fact.reason)
        case Substituted():
            return _make_asked(fact.operation)
        case Validated():
            return _make_held(fact.operation, fact.quote, 0, fact.at, fact.drawn)
        case Dispatched() if isinstance(state, TO_BE_SENT):
            return _make_sent(fact.operation, state.quote, fact.attempt, fact.sender, state.admitted, state.drawn)
        case Submitted() if isinstance(state, Sent):
            return Running(fact.operation, state.quote, state.attempts, fact.job, state.admitted, state.drawn)
        case Rerouted() if isinstance(state, TO_BE_SENT):
            return _make_held(fact.operation, fact.quote, state.attempts, state.admitted, fact.drawn)
        case Postponed() if isinstance(state, Sent):
            return _make_held(fact.operation, state.quote, state.attempts, state.admitted, state.drawn)
    return _evolve_outcome(state, fact)


def _evolve_outcome(state: State | None, fact: OperationFact) -> State:
    """How the operation ended, and what was corrected since."""
    match fact:
        case ProviderCompleted() if isinstance(state, UNDER_WAY):
            outputs = len(fact.assets) + fact.lost
            return _make_delivered(fact.operation, state.quote, outputs, fact.cost, state.admitted, state.drawn)
        case ProviderCompleted() if isinstance(state, Dropped) and fact.late:
            return replace(state, late=True)
        case Charged():
            admitted, known = state.admitted if isinstance(state, Delivered) else 0, fact.cost is not None
            return _make_settled(
                fact.operation,
                fact.price,
                fact.currency,
                cost_known=known,
                admitted=admitted,
                cost=fact.cost or 0,
                cost_source=fact.cost_source,
                cost_currency=fact.cost_currency,
                drawn=fact.drawn,
            )
        case Released() if isinstance(state, UNDER_WAY):
            known, cost = fact.cost is not None, fact.cost or 0
            return Dropped(
                fact.operation, fact.reason, state.quote, cost_known=known, cost=cost, admitted=state.admitted
            )
        case Adjusted() if isinstance(state, CORRECTABLE):
            return _corrected(state, fact)
    assert state is not None, f"{type(fact).__name__} cannot come first"
    return state


def _corrected(state: Settled | Dropped, fact: Adjusted) -> State:
    corrections = (*state.corrections, (fact.reference, fact.price, fact.cost))
    known, cost = state.cost_known or fact.revealed, state.cost + fact.cost
    if isinstance(state, Settled):
        adjusted, source = state.adjusted + fact.price, fact.cost_source or state.cost_source
        changed = replace(state, adjusted=adjusted, cost_source=source, drawn=less(state.drawn, fact.back))
        return replace(changed, corrections=corrections, cost_known=known, cost=cost)
    return replace(state, corrections=corrections, cost_known=known, cost=cost)


# Decisions


def dispatch(state: State, attempt: int, sender: str, now: int) -> list[OperationFact]:
    """Allow submission number `attempt` to one sender; a process that finds another's name there must not send."""
    match state:
        case Held(operation, attempts=attempts) | Sent(operation, attempts=attempts) if attempt == attempts + 1:
            return [_make_dispatched(operation, now, attempt, sender)]
        case Sent() | Running():
            return []
        case _ if isinstance(state, Closed):
            return []
    raise illegal("dispatch", state)


def record_job(state: State, job: str, now: int) -> list[OperationFact]:
    """Remember the provider's job id, before any waiting."""
    match state:
        case Sent(operation):
            return [Submitted(operation, now, job)]
        case Running(job=known) if known == job:
            return []
        case _ if isinstance(state, Closed):
            return []
    raise illegal(f"record job {job!r} for", state)


def postpone(state: State, attempt: int, code: str, until: int, now: int) -> list[OperationFact]:
    """Hold it to be sent again, after this attempt at it was definitely refused; empty if it is another's by now."""
    match state:
        case Sent(operation, attempts=attempts) if attempts == attempt:
            return [Postponed(operation, now, code, until)]
    return []


def complete(
    state: State,
    assets: tuple[Stored, ...],
    cost: int | None,
    now: int,
    *,
    usage: Mapping[str, int] = NOT_METERED,
    rough: bool = False,
    lost: LostOutputs = NOTHING_LOST,
    unlike: int = 0,
) -> list[OperationFact]:
    """Charge what was delivered, as `domain.charging` reckons it; charging twice records nothing.

    `unlike` of the assets are of another size or length than was promised, which changes no charge.
    """
    told = _make_told(readable(cost), usage, rough)
    match state:
        case Sent(operation, quote) | Running(operation, quote):
            completed = _completed(operation, assets, now, told, lost, unlike, late=False)
            return [completed, _charged(state, reckon(quote, len(assets), lost, told), now)]
        case Dropped(operation, reason, late=False) if reason == POLICY:
            return [_completed(operation, assets, now, told, lost, unlike, late=True)]
        case _ if isinstance(state, Closed):
            return []
    raise illegal("complete", state)


def fail(
    state: State,
    code: str,
    cost: int | None,
    now: int,
    *,
    usage: Mapping[str, int] = NOT_METERED,
    rough: bool = False,
    why: str = "",
) -> list[OperationFact]:
    """Void the hold after a definite failure, and book our cost; `cost=None`: as if it had been delivered."""
    told = _make_told(readable(cost), usage, rough)
    match state:
        case Held(operation, quote) | Sent(operation, quote) | Running(operation, quote):
            ours, source = reckon_failure(quote, told, billed=cost is None)
            return [ProviderFailed(operation, now, code, dict(usage)), _released(state, code, ours, source, now, why)]
        case _ if isinstance(state, Closed):
            return []
    raise illegal("fail", state)


def release(state: State, reason: str, now: int, why: str = "") -> list[OperationFact]:
    """Void the hold of an operation of unknown outcome, by declared policy; what was never sent costs nothing."""
    match state:
        case Held():
            return [_released(state, reason, 0, CostSource.COUNTED, now, why)]
        case Sent() | Running():
            return [_released(state, reason, None, CostSource.UNKNOWN, now, why)]
        case _ if isinstance(state, Closed):
            return []
    raise illegal("release", state)


def cost_currency_of(state: Settled | Dropped) -> str:
    """The currency of the cost of a closed operation."""
    return state.cost_currency or state.currency if isinstance(state, Settled) else state.quote.cost_currency


def was_corrected(state: State, reference: str) -> bool:
    """Whether a correction was made under this reference."""
    return isinstance(state, CORRECTABLE) and any(made == reference for made, _, _ in state.corrections)


def is_corrected(state: State, price: int, cost: int, reference: str) -> bool:
    """Whether this very correction was made before. Raises KeyReused if its reference was used for another amount."""
    if not isinstance(state, CORRECTABLE) or not was_corrected(state, reference):
        return False
    if (reference, price, cost) not in state.corrections:
        currency = state.currency if isinstance(state, Settled) else state.quote.currency
        earlier = next(
            (Money(price, currency), Money(cost, cost_currency_of(state)))
            for made, price, cost in state.corrections
            if made == reference
        )
        told = f"a change of price by {earlier[0]} and of cost by {earlier[1]}"
        raise KeyReused(
            f"reference {reference!r} was used for another correction of operation {state.operation.id}: {told}",
            hint="take a new reference for a new correction",
        )
    return True


def check_adjustment(state: State, price: int, cost: int, reference: str, *, reveals: bool = False) -> None:
    """A correction changes something and only gives back, and all together give back at most what was charged.

    One that `reveals` an unknown cost changes something even at 0. Raises InvalidInput, IllegalTransition.
    """
    if not reference:
        raise InvalidInput("reference", "an adjustment needs a reference", hint="it makes a repeat harmless")
    check_id("reference", reference)
    match state:
        case Settled(charged=charged, adjusted=adjusted, currency=currency):
            _check_change(state, price, cost, reveals=reveals)
            left = Money(charged + adjusted, currency)
            if price > 0:
                told = f"{Money(price, currency)} would raise a charge"
                raise InvalidInput("price", told, hint="corrections give back")
            if price < -left.micros:
                told = f"a refund of {Money(-price, currency)} exceeds the {left} that is left of the charge"
                raise InvalidInput("price", told, hint="give back at most what is left")
        case Dropped() if price == 0:
            _check_change(state, price, cost, reveals=reveals)
        case _:
            raise illegal("adjust", state)


def _check_change(state: Settled | Dropped, price: int, cost: int, *, reveals: bool) -> None:
    if price == 0 and cost == 0 and not reveals:
        told = f"nothing of operation {state.operation.id} would change"
        raise InvalidInput("price", told, hint="give an amount; of a charge that was given back whole nothing is left")
    if state.cost + cost < 0:
        currency = cost_currency_of(state)
        told = f"a change by {Money(cost, currency)} exceeds the cost of {Money(state.cost, currency)}"
        raise InvalidInput("cost", told, hint="a cost is 0 or more")


def _completed(
    operation: Operation,
    assets: tuple[Stored, ...],
    now: int,
    told: Told,
    lost: LostOutputs,
    unlike: int,
    *,
    late: bool,
) -> ProviderCompleted:
    usage, losses = dict(told.usage), dict(lost.reasons)
    return _make_completed(operation, now, assets, told.bill, late, usage, lost.outputs, losses, told.rough, unlike)


def _charged(state: Sent | Running, found: Reckoning, now: int) -> Charged:
    quote, held = state.quote, state.drawn
    return _make_charged(
        state.operation,
        now,
        outputs=found.outputs,
        unit=found.unit,
        units=found.units,
        price=found.price,
        cost=found.cost,
        currency=quote.currency,
        price_book=quote.price_book,
        price_source=found.price_source,
        cost_source=found.cost_source,
        cost_currency=quote.other_currency,
        listed=found.listed,
        drawn=spent_of(held, found.price) if held else None,
        held=quote.price if quote.price != found.price else None,
        asked=unless_same_quarter(state.admitted, now),
    )


def _released(
    state: Held | Sent | Running, reason: str, cost: int | None, source: CostSource, now: int, why: str
) -> Released:
    quote = state.quote
    return Released(
        state.operation,
        now,
        reason,
        outputs=quote.outputs,
        price=quote.price,
        cost=cost,
        currency=quote.currency,
        cost_source=source,
        why=why,
        cost_currency=quote.other_currency,
        asked=unless_same_quarter(state.admitted, now),
    )


def illegal(action: str, state: State) -> IllegalTransition:
    """The error that an operation's state allows no such action."""
    return IllegalTransition(
        f"cannot {action} operation {state.operation.id}: it is {PHASES[type(state)]}",
        hint=Advice("operation.facts", operation=state.operation.id),
    )
