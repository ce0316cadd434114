"""What is metered is held at its most and settled on what was counted; a provider's quote takes the book's place."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.bounds import Meter
from domain.charging import CostSource, LostOutputs, Told, reckon
from domain.lifecycle import complete
from domain.operation import POLICY, Charged, Dropped, OperationFact, ProviderCompleted, Sent
from domain.pricing import Quote, Unpriced, capped_quote, quoted_by_provider
from tests.domain.examples import CENT, IMAGE, IMAGES, LATER, OPERATION, QUOTE, UNKNOWN_PRICE

METERS = (
    Meter("image_output", Decimal("0.00003"), Decimal("0.00002"), 8_000),
    Meter("text_input", Decimal("0.000005"), Decimal("0.000004"), 2_000),
)
MOST = 25 * CENT
METERED = Quote("m", "p", "call", Decimal(1), Decimal("0.25"), MOST, 17 * CENT, "USD", "book-1", 1, METERS)
SENT = Sent(OPERATION, METERED, 1, "desk-1")

counts = st.integers(0, 20_000)


def posting(facts: list[OperationFact]) -> Charged:
    [charged] = [fact for fact in facts if isinstance(fact, Charged)]
    return charged


def test_what_was_counted_is_charged_each_at_its_rate() -> None:
    usage = {"image_output": 4_160, "text_input": 13}
    charged = posting(complete(SENT, (IMAGE,), None, LATER, usage=usage))

    assert charged.price == 4_160 * 30 + 13 * 5
    assert charged.cost == 4_160 * 20 + 13 * 4
    assert (charged.unit, charged.units, charged.outputs) == ("token", Decimal(4_173), 1)


def test_what_was_counted_is_in_the_log() -> None:
    completed = complete(SENT, (IMAGE,), None, LATER, usage={"text_input": 9})[0]

    assert isinstance(completed, ProviderCompleted)
    assert completed.usage == {"text_input": 9}


@given(counts, counts)
def test_a_metered_price_is_never_more_than_was_held(outputs: int, inputs: int) -> None:
    usage = {"image_output": outputs, "text_input": inputs}
    charged = posting(complete(SENT, (IMAGE,), None, LATER, usage=usage))

    assert charged.price == min(outputs * 30 + inputs * 5, MOST)
    assert charged.cost == outputs * 20 + inputs * 4


@pytest.mark.parametrize("usage", [{}, {"moons": 3}, {"image_output": 5, "moons": 3}])
def test_where_nothing_that_has_a_rate_was_counted_the_quote_is_the_price(usage: dict[str, int]) -> None:
    assert posting(complete(SENT, (IMAGE,), None, LATER, usage=usage)).price == MOST


@pytest.mark.parametrize("usage", [{"image_output": -50}, {"image_output": 4_000, "text_input": -1}])
def test_a_count_below_nothing_is_as_unknown_as_none_and_never_makes_a_price_negative(usage: dict[str, int]) -> None:
    charged = posting(complete(SENT, (IMAGE,), None, LATER, usage=usage))

    assert (charged.price_source, charged.cost_source) == (CostSource.ESTIMATED, CostSource.ESTIMATED)
    assert (charged.price, charged.cost) == (MOST, 17 * CENT)
    assert (charged.unit, charged.units) == (METERED.unit, METERED.units)


def test_a_count_whose_amount_is_beyond_64_bits_is_charged_at_the_quote() -> None:
    found = reckon(METERED, 1, told=Told(usage={"image_output": 2**63 - 1, "text_input": 0}))

    assert (found.price, found.cost) == (MOST, 17 * CENT)


def test_the_provider_s_own_bill_is_the_cost_whatever_was_counted() -> None:
    assert posting(complete(SENT, (IMAGE,), 7 * CENT, LATER, usage={"image_output": 9})).cost == 7 * CENT


def test_nothing_delivered_is_nothing_charged_whatever_was_counted() -> None:
    assert posting(complete(SENT, (), None, LATER, usage={"image_output": 9}, lost=LostOutputs(1))).price == 0


def test_small_counts_are_added_before_they_are_rounded() -> None:
    rates = tuple(Meter(name, Decimal("0.0000004"), Decimal("0.0000004"), 10) for name in ("a", "b", "c"))
    quote = replace(METERED, meters=rates)

    found = reckon(quote, 1, told=Told(usage={"a": 1, "b": 1, "c": 1}))

    assert (found.price, found.cost) == (1, 1)


# Lost outputs


def test_lost_outputs_cost_the_account_nothing_and_us_what_they_cost() -> None:
    state = Sent(OPERATION, QUOTE, 1, "desk-1")
    facts = complete(state, IMAGES[:3], None, LATER, lost=LostOutputs(1))
    charged, completed = posting(facts), facts[0]

    assert isinstance(completed, ProviderCompleted)
    assert (completed.lost, charged.outputs, charged.price, charged.cost) == (1, 3, 30 * CENT, 30 * CENT)


def test_lost_outputs_are_charged_where_that_is_the_policy() -> None:
    state = Sent(OPERATION, QUOTE, 1, "desk-1")
    charged = posting(complete(state, IMAGES[:3], 30 * CENT, LATER, lost=LostOutputs(1, charged=True)))

    assert (charged.outputs, charged.price, charged.cost) == (4, 40 * CENT, 30 * CENT)


def test_what_was_lost_after_a_release_by_policy_charges_nothing_either() -> None:
    facts = complete(Dropped(OPERATION, POLICY, QUOTE), IMAGES[:1], None, LATER, lost=LostOutputs(3))

    assert [type(fact) for fact in facts] == [ProviderCompleted]


def test_a_capped_price_is_never_charged_for_what_was_lost() -> None:
    capped = capped_quote(replace(UNKNOWN_PRICE, outputs=2), 100 * CENT, "USD")
    state = Sent(OPERATION, capped, 1, "desk-1")

    unknown = posting(complete(state, IMAGES[:1], None, LATER, lost=LostOutputs(1)))
    told = posting(complete(state, IMAGES[:1], 40 * CENT, LATER, lost=LostOutputs(1)))

    assert (unknown.price, unknown.cost) == (50 * CENT, None)
    assert (unknown.price_source, unknown.cost_source) == (CostSource.CAPPED, CostSource.UNKNOWN)
    assert (told.price, told.cost) == (20 * CENT, 40 * CENT)


# The provider's own quote


def test_a_passed_on_price_follows_the_provider_s_quote_and_the_book_s_stays_visible() -> None:
    price_book = replace(QUOTE, price=40 * CENT, cost=40 * CENT)
    quote = quoted_by_provider(price_book, 37 * CENT, "USD")

    assert (quote.price, quote.cost, quote.listed) == (37 * CENT, 37 * CENT, 40 * CENT)
    assert quote.rate is not None
    assert quote.rate * quote.units == Decimal("0.37")


def test_a_price_of_our_own_stands_and_only_the_cost_follows() -> None:
    price_book = replace(QUOTE, price=40 * CENT, cost=30 * CENT)
    quote = quoted_by_provider(price_book, 37 * CENT, "USD")

    assert (quote.price, quote.cost, quote.listed) == (40 * CENT, 37 * CENT, 40 * CENT)
    assert (quote.rate, quote.units) == (price_book.rate, price_book.units)


def test_a_price_nobody_knew_is_known_once_the_provider_quotes_it() -> None:
    unknown: Unpriced = UNKNOWN_PRICE
    quote = quoted_by_provider(unknown, 37 * CENT, "USD")

    assert (quote.price, quote.cost, quote.rate, quote.listed) == (37 * CENT, 37 * CENT, Decimal("0.37"), None)


@given(st.integers(0, 10**12))
def test_a_provider_s_quote_is_explained_by_rate_and_units(amount: int) -> None:
    quote = quoted_by_provider(replace(QUOTE, cost=QUOTE.price), amount, "USD")

    assert quote.rate is not None
    assert quote.rate * quote.units * 1_000_000 == quote.price == amount
