"""The sum that an operation comes to: one table for its price, our cost, and how each of them is known.

    what was quoted        │ price                                   │ cost, if nobody billed
    ───────────────────────┼─────────────────────────────────────────┼─────────────────────────────────────
    priced                 │ the quote                    (quoted)   │ the quote                 (quoted)
    metered, counted       │ what was counted             (counted)  │ what was counted          (counted)
    metered, a part of it  │ that, and the most of the rest          │ the same
                           │                              (estimated)│                           (estimated)
    metered, not counted   │ the most it can come to      (estimated)│ the same                  (estimated)
    unknown, billed        │ the bill                     (provider) │
    unknown, counted       │ what was counted             (counted)  │ what was counted          (counted)
    unknown                │ the cap                      (capped)   │ not known                 (unknown)

A bill, if there is one, is the cost (provider). A price that the hold cuts off is capped. If the quote has a sale, what
is counted or billed for all that was made is priced by its terms first, and then shared. Whatever was quoted:

* The account pays for what it got of what it asked for: of all that was made, as many outputs as were kept, and lost
  ones only if that is the policy; of more than it asked for, the share of as many as it asked for.
* We pay for all that was made, and for no more than was asked for if nobody says what the rest costs.
* Where nothing came, the price is nothing, and the cost is as above.
* A count without a rate leaves the cost unknown, and the price the most that was held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.errors import InvalidMoney
from domain.inputs import plain
from domain.money import LARGEST_AMOUNT, share, total
from domain.pricing import Quote, Unit
from domain.selling import Sale
from domain.value import maker, value

_MILLION: Final = 1_000_000
_TOKENS: Final = str(Unit.TOKEN)


class CostSource(StrEnum):
    """How an amount is known."""

    PROVIDER = "provider"
    """The provider said what it bills."""
    COUNTED = "counted"
    """The provider counted, and each count has a rate."""
    QUOTED = "quoted"
    """By a price that was known before."""
    CAPPED = "capped"
    """By the hold, which it does not exceed."""
    ESTIMATED = "estimated"
    """By the most that was not counted can be."""
    UNKNOWN = "unknown"
    """Nobody knows: there is no amount."""


_FROM_CERTAIN: Final = (
    CostSource.PROVIDER,
    CostSource.COUNTED,
    CostSource.QUOTED,
    CostSource.CAPPED,
    CostSource.ESTIMATED,
    CostSource.UNKNOWN,
)


def least_certain(sources: Iterable[CostSource | None]) -> CostSource | None:
    """How a sum is known: as its least certain part; None if nothing is said of any."""
    return max((one for one in sources if one is not None), key=_FROM_CERTAIN.index, default=None)


@dataclass(frozen=True, slots=True)
class LostOutputs:
    """Outputs that were delivered and could not be kept, by the reason why, and whether they are charged all the same.

    Reasons are codes, such as "gone".
    """

    outputs: int = 0
    charged: bool = False
    reasons: Mapping[str, int] = field(default_factory=dict)


NOTHING_LOST: Final = LostOutputs()
NOT_METERED: Final[Mapping[str, int]] = MappingProxyType({})


@value
class Told:
    """A provider's word on the money: its bill in micro-units, and what it counted, by the names of meters.

    `rough` counts were not all told apart, and are taken for the dearest that they can be.
    """

    bill: int | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    rough: bool = False


NOTHING_TOLD: Final = Told()


@value
class Reckoning:
    """The charge and our cost, in micro-units; a cost of None is not known. `listed` is the price book's price in the
    currency of the charge, None if it was not sold for another."""

    outputs: int
    unit: str
    units: Decimal
    price: int
    price_source: CostSource
    cost: int | None
    cost_source: CostSource
    listed: int | None = None


@dataclass(frozen=True, slots=True)
class _Counted:
    """The sum of all counts, before any share is taken."""

    price: int
    cost: int
    source: CostSource


_make_reckoning = maker(Reckoning)


def reckon(quote: Quote, kept: int, lost: LostOutputs = NOTHING_LOST, told: Told = NOTHING_TOLD) -> Reckoning:
    """Price and cost of a delivery of which `kept` outputs are safe; the price is never more than was held."""
    made = kept + lost.outputs
    outputs = min(made if lost.charged else kept, quote.outputs)
    counted = _counted(quote, told)
    cost, cost_source = _cost(quote, min(made, quote.outputs), counted, told)
    if counted is not None:
        tokens = share(sum(told.usage.values()), made, outputs) if outputs else 0
        unit, units = _TOKENS, Decimal(tokens)
    else:
        unit, units = quote.unit, _units_of(quote, outputs)
    price, price_source = _price(quote, made, outputs, counted, told)
    listed = None if quote.sale is None else _listed(quote, quote.sale, made, outputs, counted)
    return _make_reckoning(outputs, unit, units, price, price_source, cost, cost_source, listed)


def reckon_failure(quote: Quote, told: Told, *, billed: bool) -> tuple[int | None, CostSource]:
    """Our cost of an accepted submission that failed; `billed`: as if it had been delivered."""
    if not billed:
        return told.bill, CostSource.UNKNOWN if told.bill is None else CostSource.PROVIDER
    return _cost(quote, quote.outputs, _counted(quote, told), told)


def part_of(amount: int, parts: int, place: int) -> int:
    """The part at a place, from 0, of an amount split evenly: by the largest remainder, the first get what is left."""
    each, left = divmod(abs(amount), parts)
    part = each + (place < left)
    return part if amount >= 0 else -part


def expected(quote: Quote) -> CostSource:
    """How an amount is known before anything is done: what is metered is the most that it can be."""
    if quote.rate is None:
        return CostSource.UNKNOWN
    return CostSource.ESTIMATED if quote.meters else CostSource.QUOTED


def readable(bill: int | None) -> int | None:
    """A bill in micro-units as it came from outside, or None if it is not an amount that could be booked."""
    return bill if type(bill) is int and 0 <= bill <= LARGEST_AMOUNT else None


def _price(quote: Quote, made: int, outputs: int, counted: _Counted | None, told: Told) -> tuple[int, CostSource]:
    """By what was counted or billed for all that was made, or else by what was quoted for all that was asked for."""
    if counted is not None:
        whole = _sold(quote, counted.price, counted.cost, made)
        return _within(quote, whole, made, outputs, counted.source)
    if quote.rate is None and told.bill is not None:
        return _within(quote, _sold(quote, told.bill, told.bill, made), made, outputs, CostSource.PROVIDER)
    source = CostSource.CAPPED if quote.rate is None else expected(quote)
    return _part(quote.price, quote.outputs, outputs), source


def _sold(quote: Quote, listed: int, cost: int, made: int) -> int:
    """The price of all that is counted or billed, by the terms of the quote; no amount is beyond 64 bits."""
    if quote.sale is None:
        return listed
    try:
        return quote.sale.price_of(listed, cost, made)
    except InvalidMoney:
        return LARGEST_AMOUNT


def _listed(quote: Quote, sale: Sale, made: int, outputs: int, counted: _Counted | None) -> int | None:
    """The outputs that the account got at the price book's price; None if that is not known, or no amount."""
    if counted is not None:
        listed = share(counted.price, made, outputs) if outputs else 0
    elif sale.listed is not None:
        listed = _part(sale.listed, quote.outputs, outputs)
    else:
        return None
    try:
        return sale.listed_for(listed)
    except InvalidMoney:
        return None


def _within(quote: Quote, whole: int, made: int, outputs: int, source: CostSource) -> tuple[int, CostSource]:
    part = share(whole, made, outputs) if outputs else 0
    return (part, source) if part <= quote.price else (quote.price, CostSource.CAPPED)


def _cost(quote: Quote, made: int, counted: _Counted | None, told: Told) -> tuple[int | None, CostSource]:
    if told.bill is not None:
        return told.bill, CostSource.PROVIDER
    if counted is not None:
        return counted.cost, counted.source
    if quote.rate is None or _counts_what_has_no_rate(quote, told):
        return None, CostSource.UNKNOWN
    return _part(quote.cost, quote.outputs, made), expected(quote)


def _part(amount: int, parts: int, taken: int) -> int:
    """The share of equal parts; most deliveries are whole."""
    return amount if taken == parts else share(amount, parts, taken)


def _counted(quote: Quote, told: Told) -> _Counted | None:
    """None if nothing was counted, or what was counted does not say what it comes to.

    A count below nothing is as unknown as none: a count never makes a price negative.
    """
    usage = told.usage
    if not quote.meters or not usage or min(usage.values()) < 0 or _counts_what_has_no_rate(quote, told):
        return None
    missing = [meter for meter in quote.meters if meter.name not in usage and (meter.rate or meter.cost)]
    if any(meter.most is None for meter in missing):
        return None
    counts = [(meter, usage.get(meter.name, meter.most or 0)) for meter in quote.meters]
    try:
        price = total((meter.rate, count) for meter, count in counts)
        cost = total((meter.cost, count) for meter, count in counts)
    except InvalidMoney:
        return None
    rough = told.rough or any(meter.most for meter in missing)
    return _Counted(price, cost, CostSource.ESTIMATED if rough else CostSource.COUNTED)


def _counts_what_has_no_rate(quote: Quote, told: Told) -> bool:
    """Of metered work; what nobody asked about of work at a fixed price costs nothing more."""
    if not quote.meters:
        return False
    rated = {meter.name for meter in quote.meters}
    return any(count and name not in rated for name, count in told.usage.items())


def _units_of(quote: Quote, outputs: int) -> Decimal:
    """The share of the quoted units, which are whole millionths: in integers, as no decimal context may round it."""
    if outputs == quote.outputs:
        return quote.units
    top, bottom = quote.units.as_integer_ratio()
    whole, millionths = divmod(share(top * _MILLION // bottom, quote.outputs, outputs), _MILLION)
    return Decimal(plain(Decimal(f"{whole}.{millionths:06d}")))
