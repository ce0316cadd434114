"""What may become of an operation: decisions over its states, each a pure function to the facts it adds.

    Held ── dispatch ──> Sent ── submit ──> Running
                          └── complete, fail, release ──> Settled | Dropped      (repeated: no facts)

Holds, balances and periods are the ledger's; here is one operation alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType

from domain.errors import IllegalTransition, InvalidInput, KeyReused
from domain.inputs import plain
from domain.money import LARGEST_AMOUNT, Money, share
from domain.operation import (
    POLICY,
    Charged,
    Dispatched,
    Dropped,
    Held,
    Operation,
    OperationFact,
    ProviderCompleted,
    ProviderFailed,
    Refused,
    Released,
    Running,
    Sent,
    Settled,
    State,
    Stored,
    Submitted,
)
from domain.pricing import Quote, Unit, is_counted, metered, price_of

MILLION = 1_000_000
TOKENS = str(Unit.TOKEN)


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


@dataclass(frozen=True, slots=True)
class Lost:
    """Outputs that the provider delivered and nobody could fetch, and whether they are charged all the same."""

    outputs: int = 0
    charged: bool = False


NOTHING_LOST = Lost()
NOT_METERED: Mapping[str, int] = MappingProxyType({})


def complete(
    state: State,
    assets: tuple[Stored, ...],
    cost: int | None,
    now: int,
    *,
    usage: Mapping[str, int] = NOT_METERED,
    lost: Lost = NOTHING_LOST,
) -> list[OperationFact]:
    """Charge what was delivered at its quoted price, never more than the hold; charging twice records nothing."""
    bill = readable(cost)
    match state:
        case Sent(operation, quote) | Running(operation, quote):
            completed = ProviderCompleted(
                operation, now, assets, bill, late=False, usage=dict(usage), lost=lost.outputs
            )
            made = len(assets) + lost.outputs
            outputs = made if lost.charged else len(assets)
            part = bill if bill is None or outputs == made else share(bill, made, outputs)
            posting = charge(operation, quote, outputs, part, now, usage)
            return [completed, replace(posting, cost=billed(quote, made, bill, usage)) if lost.outputs else posting]
        case Dropped(operation, reason, late=False) if reason == POLICY:
            return [ProviderCompleted(operation, now, assets, bill, late=True, usage=dict(usage), lost=lost.outputs)]
        case Settled() | Dropped() | Refused():
            return []
    raise _illegal("complete", state)


def charge(
    operation: Operation,
    quote: Quote,
    outputs: int,
    cost: int | None,
    now: int,
    usage: Mapping[str, int] = NOT_METERED,
) -> Charged:
    """The posting for `outputs` of what was quoted; a price that was unknown is the cost, within the cap."""
    delivered = min(outputs, quote.outputs)
    price, _ = price_of(quote, delivered)
    unit, units = quote.unit, _units_of(quote, delivered)
    if quote.meters and usage and delivered:
        price, _ = metered(quote, usage)
        if is_counted(quote, usage):
            unit, units = TOKENS, Decimal(sum(usage.values()))
    elif quote.rate is None and cost is not None and delivered:
        price = min(cost, quote.price)
    bill = billed(quote, outputs, cost, usage)
    return Charged(operation, now, delivered, unit, units, price, bill, quote.currency, quote.book)


def billed(quote: Quote, outputs: int, cost: int | None, usage: Mapping[str, int] = NOT_METERED) -> int:
    """What `outputs` cost us: what the provider says, or else what it counted, or else the quote's share."""
    if cost is not None:
        return cost
    return metered(quote, usage)[1] if quote.meters and usage else price_of(quote, min(outputs, quote.outputs))[1]


def readable(cost: int | None) -> int | None:
    """A bill in micro-units as it came from outside, or None where it is no amount that could be booked."""
    return cost if type(cost) is int and 0 <= cost <= LARGEST_AMOUNT else None


def _units_of(quote: Quote, delivered: int) -> Decimal:
    """The delivered share of the quoted units, which are whole millionths: in integers, as no context may round it."""
    if delivered == quote.outputs:
        return quote.units
    top, bottom = quote.units.as_integer_ratio()
    whole, millionths = divmod(share(top * MILLION // bottom, quote.outputs, delivered), MILLION)
    return Decimal(plain(Decimal(f"{whole}.{millionths:06d}")))


def fail(state: State, code: str, cost: int | None, now: int) -> list[OperationFact]:
    """A definite failure voids the hold; our own cost, if any, is booked with it, None being what was quoted."""
    match state:
        case Held(operation, quote) | Sent(operation, quote) | Running(operation, quote):
            ours = quote.cost if cost is None else readable(cost) or 0
            return [ProviderFailed(operation, now, code), _released(state, code, ours, now)]
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


def was_corrected(state: State, reference: str) -> bool:
    """Whether a correction was made under this reference."""
    return isinstance(state, Settled | Dropped) and any(made == reference for made, _, _ in state.corrections)


def is_corrected(state: State, price: int, cost: int, reference: str) -> bool:
    """Whether this very correction was made before. Raises KeyReused if its reference was used for another amount."""
    if not isinstance(state, Settled | Dropped) or not was_corrected(state, reference):
        return False
    if (reference, price, cost) not in state.corrections:
        currency = state.currency if isinstance(state, Settled) else state.quote.currency
        earlier = next(
            (Money(price, currency), Money(cost, currency))
            for made, price, cost in state.corrections
            if made == reference
        )
        told = f"a change of price by {earlier[0]} and of cost by {earlier[1]}"
        raise KeyReused(
            f"reference {reference!r} was used for another correction of operation {state.operation.id}: {told}",
            hint="take a new reference for a new correction",
        )
    return True


def check_adjustment(state: State, price: int, cost: int, reference: str) -> None:
    """Corrections change something, only give back, and together never more than was charged.

    Raises InvalidInput, IllegalTransition.
    """
    if not reference:
        raise InvalidInput("reference", "an adjustment needs a reference", hint="it makes a repeat harmless")
    match state:
        case Settled(charged=charged, adjusted=adjusted, currency=currency):
            _check_change(state, price, cost)
            left = Money(charged + adjusted, currency)
            if price > 0:
                told = f"{Money(price, currency)} would raise a charge"
                raise InvalidInput("price", told, hint="corrections give back")
            if price < -left.micros:
                told = f"a refund of {Money(-price, currency)} exceeds the {left} that is left of the charge"
                raise InvalidInput("price", told, hint="give back at most what is left")
        case Dropped() if price == 0:
            _check_change(state, price, cost)
        case _:
            raise _illegal("adjust", state)


def _check_change(state: Settled | Dropped, price: int, cost: int) -> None:
    if price == 0 and cost == 0:
        told = f"nothing of operation {state.operation.id} would change"
        raise InvalidInput("price", told, hint="give an amount; of a charge that was given back whole nothing is left")


def _released(state: Held | Sent | Running, reason: str, cost: int, now: int) -> Released:
    quote = state.quote
    return Released(state.operation, now, reason, quote.outputs, quote.price, cost, quote.currency)


def _illegal(action: str, state: State) -> IllegalTransition:
    phase = type(state).__name__.lower()
    return IllegalTransition(
        f"cannot {action} operation {state.operation.id}: it is {phase}",
        hint=f"its facts: imagestudio operation {state.operation.id}",
    )
