"""One table decides what an operation comes to: every way of being quoted, by every way of being delivered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bounds import Meter
from domain.charging import CostSource, LostOutputs, Told, least_certain, reckon, reckon_failure
from domain.pricing import Quote, Unpriced, capped_quote

CENT = 10_000
METERS = (
    Meter("text_in", Decimal("0.000005"), Decimal("0.000005"), 100),
    Meter("cached", Decimal("0.00000125"), Decimal("0.00000125"), 0),
    Meter("image_out", Decimal("0.00003"), Decimal("0.00003"), 8_000),
    Meter("text_out", Decimal(0), Decimal(0), None),
)
PRICED = Quote("m", "p", "image", Decimal(4), Decimal("0.10"), 40 * CENT, 30 * CENT, "USD", "book", 4)
METERED = Quote("m", "p", "call", Decimal(1), Decimal("0.2405"), 240_500, 240_500, "USD", "book", 4, METERS)
UNPRICED = Unpriced("m", "p", "no price is known", 4, "book")
CAPPED = capped_quote(UNPRICED, 80 * CENT, "USD")
UNBOUNDED = tuple(replace(meter, most=None) if meter.most else meter for meter in METERS)
RATED = capped_quote(replace(UNPRICED, meters=UNBOUNDED), 80 * CENT, "USD")
"""Its rates are known, and no bound."""

BILL = Told(20 * CENT)
COUNTED = Told(usage={"text_in": 20, "image_out": 784})
"""Comes to 23 620."""
PART = Told(usage={"image_out": 784})
"""What went in was not told: 500 at most, beside 23 520."""
STRANGE = Told(usage={"text_in": 20, "image_out": 784, "svg": 9})
"""Something was counted that has no rate."""
NOTHING = Told()

P, C, Q, K, E, U = CostSource

DELIVERIES: Mapping[str, tuple[int, LostOutputs]] = {
    "all": (4, LostOutputs()),
    "part": (1, LostOutputs()),
    "lost": (1, LostOutputs(3)),
    "lost, charged": (1, LostOutputs(3, charged=True)),
    "more": (5, LostOutputs()),
    "nothing": (0, LostOutputs(4)),
}

COUNTED_AND_BILLED, ROUGHLY = replace(COUNTED, bill=20 * CENT), replace(COUNTED, rough=True)

# What is quoted and told; price and cost of each delivery in micro-units; how both are known.
TABLE: dict[str, tuple[Quote, Told, str, str, CostSource, CostSource]] = {
    "priced": (
        PRICED, NOTHING,
        "400000 100000 100000 400000 400000      0",
        "300000  75000 300000 300000 300000 300000", Q, Q),
    "priced, billed": (
        PRICED, BILL,
        "400000 100000 100000 400000 400000      0",
        "200000 200000 200000 200000 200000 200000", Q, P),
    "metered": (
        METERED, COUNTED,
        " 23620  23620   5905  23620  18896      0",
        " 23620  23620  23620  23620  23620  23620", C, C),
    "metered, billed": (
        METERED, COUNTED_AND_BILLED,
        " 23620  23620   5905  23620  18896      0",
        "200000 200000 200000 200000 200000 200000", C, P),
    "metered in part": (
        METERED, PART,
        " 24020  24020   6005  24020  19216      0",
        " 24020  24020  24020  24020  24020  24020", E, E),
    "metered roughly": (
        METERED, ROUGHLY,
        " 23620  23620   5905  23620  18896      0",
        " 23620  23620  23620  23620  23620  23620", E, E),
    "metered, uncounted": (
        METERED, NOTHING,
        "240500  60125  60125 240500 240500      0",
        "240500  60125 240500 240500 240500 240500", E, E),
    "metered, strange": (
        METERED, STRANGE,
        "240500  60125  60125 240500 240500      0",
        "     -      -      -      -      -      -", E, U),
    "unknown": (
        CAPPED, NOTHING,
        "800000 200000 200000 800000 800000      0",
        "     -      -      -      -      -      -", K, U),
    "unknown, billed": (
        CAPPED, BILL,
        "200000 200000  50000 200000 160000      0",
        "200000 200000 200000 200000 200000 200000", P, P),
    "unknown, counted": (
        RATED, COUNTED,
        " 23620  23620   5905  23620  18896      0",
        " 23620  23620  23620  23620  23620  23620", C, C),
    "unknown in part": (
        RATED, PART,
        "800000 200000 200000 800000 800000      0",
        "     -      -      -      -      -      -", K, U),
    "unknown, strange": (
        RATED, STRANGE,
        "800000 200000 200000 800000 800000      0",
        "     -      -      -      -      -      -", K, U),
}  # fmt: skip
CELLS = [
    pytest.param(quote, told, delivery, (price, price_source), (cost, cost_source), id=f"{name}: {delivery}")
    for name, (quote, told, prices, costs, price_source, cost_source) in TABLE.items()
    for delivery, price, cost in zip(DELIVERIES, prices.split(), costs.split(), strict=True)
]


@pytest.mark.parametrize(("quote", "told", "delivery", "price", "cost"), CELLS)
def test_every_cell_of_the_table(
    quote: Quote, told: Told, delivery: str, price: tuple[str, CostSource], cost: tuple[str, CostSource]
) -> None:
    kept, lost = DELIVERIES[delivery]
    found = reckon(quote, kept, lost, told)

    assert (found.price, found.price_source) == (int(price[0]), price[1])
    assert (found.cost, found.cost_source) == (None if cost[0] == "-" else int(cost[0]), cost[1])


@pytest.mark.parametrize("delivery", DELIVERIES)
def test_as_many_outputs_are_charged_as_came_of_those_that_were_asked_for(delivery: str) -> None:
    kept, lost = DELIVERIES[delivery]
    outputs = {"all": 4, "part": 1, "lost": 1, "lost, charged": 4, "more": 4, "nothing": 0}[delivery]

    assert {reckon(quote, kept, lost, told).outputs for quote, told, *_ in TABLE.values()} == {outputs}


def test_a_price_that_the_hold_cuts_off_is_capped_and_its_cost_is_what_was_counted() -> None:
    found = reckon(METERED, 4, told=Told(usage={"text_in": 0, "image_out": 9_000}))

    assert (found.price, found.price_source) == (METERED.price, K)
    assert (found.cost, found.cost_source) == (270_000, C)


def test_cached_tokens_have_a_rate_of_their_own() -> None:
    found = reckon(METERED, 4, told=Told(usage={"text_in": 0, "cached": 1_000, "image_out": 439}))

    assert (found.price, found.cost, found.cost_source) == (14_420, 14_420, C)


def test_what_comes_out_without_a_rate_is_counted_and_not_billed() -> None:
    with_text = Told(usage={"text_in": 20, "image_out": 784, "text_out": 335})
    found = reckon(METERED, 4, told=with_text)

    assert (found.price, found.cost, found.price_source) == (23_620, 23_620, C)
    assert (found.unit, found.units) == ("token", Decimal(1_139))


# Failures


@dataclass(frozen=True)
class Failure:
    """What is told of a failure, and what it costs us."""

    quote: Quote
    told: Told
    billed: bool
    cost: int | None
    source: CostSource = field(default=U)


FAILURES = {
    "it said that it bills nothing": Failure(PRICED, Told(0), False, 0, P),
    "it said what it bills": Failure(PRICED, BILL, False, 20 * CENT, P),
    "its bill cannot be read": Failure(PRICED, NOTHING, False, None),
    "billed as a delivery": Failure(PRICED, NOTHING, True, 30 * CENT, Q),
    "counted": Failure(METERED, COUNTED, True, 23_620, C),
    "counted in part": Failure(METERED, PART, True, 24_020, E),
    "metered, and not counted": Failure(METERED, NOTHING, True, 240_500, E),
    "of unknown price": Failure(CAPPED, NOTHING, True, None),
    "of unknown price, counted": Failure(RATED, COUNTED, True, 23_620, C),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_a_failure_costs_us(name: str) -> None:
    one = FAILURES[name]

    assert reckon_failure(one.quote, one.told, billed=one.billed) == (one.cost, one.source)


# Whatever is told

counts = st.dictionaries(st.sampled_from(["text_in", "cached", "image_out", "text_out", "svg"]), st.integers(-5, 10**9))
tolds = st.builds(Told, st.none() | st.integers(0, 10**15), counts, st.booleans())
losts = st.builds(LostOutputs, st.integers(0, 9), st.booleans())


@given(st.sampled_from([PRICED, METERED, CAPPED, RATED]), st.integers(0, 9), losts, tolds)
def test_a_price_is_never_more_than_was_held_nor_less_than_nothing(
    quote: Quote, kept: int, lost: LostOutputs, told: Told
) -> None:
    found = reckon(quote, kept, lost, told)

    assert 0 <= found.price <= quote.price
    assert (found.cost is None) == (found.cost_source is U)
    assert found.price_source is not U
    assert found.cost is None or found.cost >= 0


@given(st.lists(st.none() | st.sampled_from(CostSource)))
def test_a_sum_is_known_as_its_least_certain_part_is(sources: list[CostSource | None]) -> None:
    found = least_certain(sources)

    assert found in sources or (found is None and not any(sources))
    assert U not in sources or found is U
