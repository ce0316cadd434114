"""Prices to customers: the most specific rule, tiers by volume, discounts, and one exact formula rounded once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import PlanChanged
from domain.admission import AS_HELD, accept, reroute
from domain.agreeing import DiscountAgreed, TariffAgreed, agree_discount, agree_tariff, percent_of
from domain.bounds import Meter
from domain.charging import LostOutputs, Told, reckon
from domain.errors import InvalidInput
from domain.exchange import ExchangeRate, ExchangeRates, exchange_of
from domain.funding import at_factor
from domain.ledger import Fact, Ledger
from domain.operation import Charged, Rejected, Rerouted, Validated
from domain.plans import Limits
from domain.pricing import Quote
from domain.sales import is_worth
from domain.selling import Sale
from domain.settlement import complete, fail
from domain.tariffs import Buyer, Discount, Errand, Rule, Selling, Tier, counted_by, sold, tariff_of
from tests.domain.examples import (
    CENT,
    DOLLAR,
    IMAGES,
    LATER,
    NOON,
    QUOTE,
    UNKNOWN_PRICE,
    UNLIMITED,
    after,
    ask,
    limited,
    priced,
    recorded,
)

ERRAND = Errand("text-to-image", "images", NOON)
BUYER = Buyer("pro", "USD")


def rule(factor: str = "1", of: str = "cost", added: int = 0, **when: str) -> Rule:
    return Rule(
        tiers=(Tier(0, Decimal(factor), added),), when={name: frozenset([one]) for name, one in when.items()}, of=of
    )


def tiered(*tiers: tuple[int, str], by: str = "family") -> Rule:
    return Rule(tiers=tuple(Tier(after, Decimal(factor)) for after, factor in tiers), of="cost", by=by)


def selling(*rules: Rule, discounts: tuple[Discount, ...] = (), exchange: ExchangeRates | None = None) -> Selling:
    retail = tariff_of("retail", 0, rules, discounts)
    return Selling("USD", {"retail": [retail]}, {"pro": "retail"}, exchange or ExchangeRates())


def price(selling: Selling, quote: Quote = QUOTE, errand: Errand = ERRAND, buyer: Buyer = BUYER) -> int:
    return sold(selling, buyer, errand, (quote,))[0].price


# Rules


def test_a_markup_is_on_the_cost_or_on_the_price_books_price() -> None:
    assert price(selling(rule("1.5"))) == 45 * CENT
    assert price(selling(rule("1.5", of="list"))) == 60 * CENT
    assert price(selling(rule("2", added=CENT))) == 64 * CENT


def test_the_rule_that_names_the_most_holds_and_a_model_names_its_provider_too() -> None:
    rules = [rule("2"), rule("3", provider="atelier"), rule("4", model="painter"), rule("5", provider="other")]

    assert price(selling(*rules)) == 4 * 30 * CENT
    assert price(selling(*rules[:2])) == 3 * 30 * CENT
    assert price(selling(*rules, rule("6", model="painter", plan="pro"))) == 6 * 30 * CENT
    assert price(selling(*rules, rule("6", model="painter", plan="free"))) == 4 * 30 * CENT


def test_without_a_rule_for_it_work_is_sold_at_the_price_books_price() -> None:
    (quote,) = sold(selling(rule("3", provider="other")), BUYER, ERRAND, (QUOTE,))

    assert (quote.price, quote.cost) == (QUOTE.price, QUOTE.cost)
    assert quote.sale is not None
    assert (quote.sale.tariff, quote.sale.rule, quote.sale.listed) == ("retail", "", QUOTE.price)


def test_who_has_no_tariff_buys_as_if_there_were_none() -> None:
    assert sold(selling(rule("9")), Buyer("free", "USD"), ERRAND, (QUOTE,)) == (QUOTE,)


@pytest.mark.parametrize(
    "rules",
    [
        (rule("2", kind="upscale"), rule("3", provider="atelier")),
        (rule("2"), rule("3")),
        (rule("2", model="painter"), rule("3", provider="atelier", plan="pro")),
    ],
)
def test_rules_between_which_nothing_decides_are_refused(rules: tuple[Rule, Rule]) -> None:
    with pytest.raises(InvalidInput, match="neither names more"):
        tariff_of("retail", 0, rules)


def test_a_third_rule_may_decide_between_two() -> None:
    both = (rule("2", kind="text-to-image"), rule("3", provider="atelier"))
    decided = (*both, rule("4", kind="text-to-image", provider="atelier"))

    assert price(selling(*decided)) == 4 * 30 * CENT


def test_the_version_is_of_what_a_tariff_says() -> None:
    one = tariff_of("retail", 0, [rule("1.5"), rule("2", kind="upscale")])

    assert one.version == tariff_of("retail", 0, [rule("2", kind="upscale"), rule("1.50")]).version
    assert one.version != tariff_of("retail", 0, [rule("1.5")]).version
    assert one.version != tariff_of("retail", 1, [rule("1.5"), rule("2", kind="upscale")]).version


def test_the_latest_tariff_in_force_holds() -> None:
    dated = [tariff_of("retail", 0, [rule("2")]), tariff_of("retail", LATER, [rule("3")])]
    both = Selling("USD", {"retail": dated}, {"pro": "retail"})

    assert price(both) == 60 * CENT
    assert price(both, errand=replace(ERRAND, at=LATER)) == 90 * CENT


# Tiers


@given(
    volume=st.integers(0, 40),
    edges=st.lists(st.integers(1, 30), unique=True, max_size=4).map(sorted),
    outputs=st.lists(st.integers(1, 8), min_size=1, max_size=5),
)
def test_an_operation_is_in_the_tier_of_its_first_output(volume: int, edges: list[int], outputs: list[int]) -> None:
    tiers = [(0, "10"), *((edge, str(9 - place)) for place, edge in enumerate(edges))]
    named = dict.fromkeys(counted_by("images", "painter"), volume)
    quotes = tuple(priced(7, many) for many in outputs)

    found = sold(selling(tiered(*tiers)), BUYER, replace(ERRAND, volume=named), quotes)

    for many, quote in zip(outputs, found, strict=True):
        first = [int(factor) for edge, factor in tiers if edge <= volume][-1]
        assert quote.price == 7 * first
        volume += many


@pytest.mark.parametrize(
    "tiers", [((5, "1"),), ((0, "1"), (5, "2")), ((0, "2"), (5, "1"), (5, "1")), ((0, "3"), (9, "2"), (5, "1"))]
)
def test_tiers_begin_at_the_first_output_follow_one_another_and_never_rise(tiers: tuple[tuple[int, str], ...]) -> None:
    with pytest.raises(InvalidInput):
        tariff_of("retail", 0, [tiered(*tiers)])


def ledger_selling(one: Selling, *facts: Fact) -> Ledger:
    ledger = recorded(UNLIMITED, *facts)
    ledger.selling = one
    return ledger


def held(facts: list[Fact]) -> list[Quote]:
    return [fact.quote for fact in facts if isinstance(fact, Validated | Rerouted)]


def test_what_is_held_counts_towards_a_tier_and_what_is_released_does_no_more() -> None:
    ledger = ledger_selling(selling(tiered((0, "2"), (4, "1"))))

    first = accept(ledger, ask("a"), NOON)
    after(ledger, first)
    second = accept(ledger, ask("b"), NOON)
    after(ledger, second)
    after(ledger, fail(ledger, "a", "blocked", 0, LATER))
    after(ledger, fail(ledger, "b", "blocked", 0, LATER))
    third = accept(ledger, ask("c"), LATER)

    assert [held(facts)[0].price for facts in (first, second, third)] == [60 * CENT, 30 * CENT, 60 * CENT]
    assert ledger.current is not None
    assert ledger.current.volume == {"family:images": 0, "model:painter": 0}


def test_what_was_charged_counts_by_the_outputs_that_came() -> None:
    ledger = ledger_selling(selling(tiered((0, "2"), (4, "1"))))
    after(ledger, accept(ledger, ask("a"), NOON))
    after(ledger, complete(ledger, "a", IMAGES[:3], None, LATER))

    assert ledger.current is not None
    assert ledger.current.volume == {"family:images": 3, "model:painter": 3}
    assert held(accept(ledger, ask("b"), LATER))[0].price == 60 * CENT


def test_the_operations_of_a_batch_come_one_before_another() -> None:
    ledger = ledger_selling(selling(tiered((0, "2"), (4, "1"))))

    assert [quote.price for quote in held(accept(ledger, ask("a", "b", "c"), NOON))] == [
        60 * CENT,
        30 * CENT,
        30 * CENT,
    ]


def test_a_fallback_is_sold_by_the_same_rules_and_does_not_come_after_itself() -> None:
    ledger = ledger_selling(selling(tiered((0, "2"), (4, "1"))))
    after(ledger, accept(ledger, ask("a"), NOON))
    spare = replace(QUOTE, model="spare", cost=20 * CENT)

    (quote,) = held(reroute(ledger, "a", spare, "blocked", 2, "desk-1", LATER, AS_HELD))

    assert (quote.price, quote.model) == (40 * CENT, "spare")


@pytest.mark.parametrize(
    ("held", "cost", "price", "is_done"), [(5, 5, 9, True), (5, 7, 7, True), (5, 8, 7, False), (9, 8, 7, True)]
)
def test_another_model_costs_us_no_more_than_is_paid_for_it_or_than_the_first_would(
    held: int, cost: int, price: int, *, is_done: bool
) -> None:
    first, other = priced(held * CENT), priced(price * CENT, model="spare")
    sold = replace(other, cost=cost * CENT, sale=Sale(7 * CENT, "USD"))

    assert is_worth(first, sold) is is_done
    assert is_worth(first, replace(other, cost=cost * CENT))


def test_limits_hold_against_what_work_is_sold_for() -> None:
    ledger = ledger_selling(selling(rule("3")), PlanChanged("acme", NOON, "pro", Limits(spend=DOLLAR)))

    facts = accept(ledger, ask("a", "b"), NOON)

    (refused, _) = [fact for fact in facts if isinstance(fact, Rejected)]
    assert (refused.measure, refused.asked) == ("spend", 180 * CENT)


# Discounts


def test_a_discount_takes_its_share_of_the_price_while_it_lasts() -> None:
    off = Discount(percent=Decimal("12.5"), start=NOON, end=LATER)

    assert price(selling(rule("2"), discounts=(off,))) == 525_000
    assert price(selling(rule("2"), discounts=(off,)), errand=replace(ERRAND, at=LATER)) == 60 * CENT
    assert price(selling(rule("2"), discounts=(replace(off, when={"plan": frozenset(["free"])}),))) == 60 * CENT


def test_discounts_of_the_same_work_at_the_same_time_are_refused_and_one_after_another_are_not() -> None:
    one = Discount(percent=Decimal(5), end=NOON)

    with pytest.raises(InvalidInput, match="two discounts"):
        tariff_of("retail", 0, [], [one, replace(one, start=NOON - 1, end=LATER)])
    assert tariff_of("retail", 0, [], [one, replace(one, start=NOON, end=LATER)]).discounts


def test_an_accounts_own_tariff_and_discount_take_the_place_of_the_plans() -> None:
    retail = tariff_of("retail", 0, [rule("2")], [Discount(percent=Decimal(50))])
    partners = tariff_of("partners", 0, [rule("1.1")])
    both = Selling("USD", {"retail": [retail], "partners": [partners]}, {"pro": "retail"})
    own = DiscountAgreed("acme", NOON, Decimal(10), NOON, LATER)

    def charged(*facts: Fact, at: int = NOON) -> int:
        ledger = recorded(UNLIMITED, *facts)
        ledger.selling = both
        return held(accept(ledger, ask("a"), at))[0].price

    assert charged() == 30 * CENT
    assert charged(TariffAgreed("acme", NOON, "partners")) == 33 * CENT
    assert charged(own) == 54 * CENT
    assert charged(own, at=LATER) == 30 * CENT
    assert charged(TariffAgreed("acme", NOON, "partners"), own) == 29 * CENT + 7_000


def test_what_is_agreed_again_records_nothing() -> None:
    ledger = recorded(UNLIMITED, TariffAgreed("acme", NOON, "partners"))
    assert ledger.account is not None
    agreed = ledger.account.agreed

    assert agree_tariff("acme", agreed, "partners", LATER) == []
    assert agree_tariff("acme", agreed, "", LATER, "over") == [TariffAgreed("acme", LATER, "", "over")]
    assert agree_discount("acme", agreed, Decimal(0), LATER) == []
    with pytest.raises(InvalidInput):
        agree_discount("acme", agreed, Decimal(5), LATER, start=LATER, end=NOON)


@pytest.mark.parametrize("text", ["101", "-1", "1e1", "ten", "0.0000001", "NaN"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        percent_of(text)


# The formula

AMOUNTS = st.integers(0, 10**12)
FACTORS = st.decimals(0, 50, places=6)


@given(
    amounts=st.tuples(AMOUNTS, AMOUNTS),
    outputs=st.integers(1, 100),
    factor=FACTORS,
    added=st.integers(0, 10**9),
    percent=st.decimals(0, 100, places=6),
    rate=st.none() | st.decimals("0.000001", 200, places=9),
    of=st.sampled_from(["cost", "list"]),
)
def test_the_price_is_the_formula_in_fractions_rounded_once(
    amounts: tuple[int, int],
    outputs: int,
    factor: Decimal,
    added: int,
    percent: Decimal,
    rate: Decimal | None,
    of: str,
) -> None:
    sale = Sale(listed=amounts[0], currency="USD", of=of, factor=factor, added=added, percent=percent, rate=rate)

    exact = (amounts[0] if of == "list" else amounts[1]) * Fraction(factor) + added * outputs
    exact *= (100 - Fraction(percent)) / 100 * Fraction(rate if rate is not None else 1)

    assert sale.price_of(*amounts, outputs) == round(exact)


# What is counted and delivered

METERED = replace(priced(DOLLAR, 2, meters=(Meter("tokens", Decimal("0.002"), Decimal("0.001"), 500),)), cost=50 * CENT)


def test_what_was_counted_is_sold_by_the_same_terms_and_never_above_the_hold() -> None:
    (quote,) = sold(selling(rule("3", added=CENT)), BUYER, ERRAND, (METERED,))
    told = Told(usage={"tokens": 100})

    assert quote.price == 3 * 50 * CENT + 2 * CENT
    assert reckon(quote, 2, told=told).price == 3 * 10 * CENT + 2 * CENT
    assert reckon(quote, 1, LostOutputs(1), told).price == (3 * 10 * CENT + 2 * CENT) // 2
    assert reckon(quote, 2, told=Told(usage={"tokens": 10**9})).price == quote.price


def test_a_part_pays_its_share_of_what_the_whole_was_sold_for() -> None:
    (quote,) = sold(selling(rule("1.1")), BUYER, ERRAND, (QUOTE,))

    assert (quote.price, reckon(quote, 1).price, reckon(quote, 1).cost) == (33 * CENT, 82_500, 75_000)


def test_a_price_that_nobody_knows_stays_unknown_and_a_bill_is_sold_within_its_cap() -> None:
    ledger = ledger_selling(selling(rule("2")), limited("unpriced", DOLLAR))
    after(ledger, accept(ledger, ask("a", quote=UNKNOWN_PRICE), NOON))
    (charged,) = [fact for fact in complete(ledger, "a", IMAGES[:1], 30 * CENT, LATER) if isinstance(fact, Charged)]

    assert (charged.price, charged.cost) == (60 * CENT, 30 * CENT)

    after(ledger, accept(ledger, ask("b", quote=UNKNOWN_PRICE), NOON))
    (charged,) = [fact for fact in complete(ledger, "b", IMAGES[:1], 90 * CENT, LATER) if isinstance(fact, Charged)]
    assert (charged.price, charged.cost) == (DOLLAR, 90 * CENT)


# Other currencies

TO_EUR = ExchangeRate("USD", "EUR", Decimal("0.9"), "ECB", 0)
TO_JPY = ExchangeRate("USD", "JPY", Decimal("155.123456"), "ECB", 0)


def test_an_account_in_another_currency_pays_at_the_rate_of_its_instant_and_costs_stay_the_providers() -> None:
    later = replace(TO_EUR, rate=Decimal("0.8"), effective_from=LATER)
    one = selling(rule("2"), exchange=exchange_of([later, TO_EUR, TO_JPY]))

    (quote,) = sold(one, Buyer("pro", "EUR"), ERRAND, (QUOTE,))

    assert (quote.price, quote.currency, quote.cost, quote.cost_currency) == (54 * CENT, "EUR", 30 * CENT, "USD")
    assert quote.sale is not None
    assert (quote.sale.rate, quote.sale.rate_source, quote.sale.rate_from) == (Decimal("0.9"), "ECB", 0)
    assert price(one, errand=replace(ERRAND, at=LATER), buyer=Buyer("free", "EUR")) == 32 * CENT
    assert price(one, buyer=Buyer("free", "JPY")) == round(Fraction("155.123456") * 40 * CENT)


def test_without_a_rate_nothing_is_converted() -> None:
    assert sold(selling(), Buyer("pro", "EUR"), ERRAND, (QUOTE,)) == (QUOTE,)


def test_two_rates_of_one_pair_from_one_instant_are_refused() -> None:
    with pytest.raises(InvalidInput):
        exchange_of([TO_EUR, replace(TO_EUR, rate=Decimal(1))])


def test_an_overage_is_a_factor_of_the_sale_and_stays_when_work_is_priced_again() -> None:
    listed, (sold_quote,) = QUOTE, sold(selling(rule("1.5", added=CENT)), BUYER, ERRAND, (QUOTE,))

    once, twice = at_factor(listed, Decimal("1.25")), at_factor(sold_quote, Decimal("1.25"))

    assert (once.price, once.rate, once.cost) == (50 * CENT, QUOTE.rate, QUOTE.cost)
    assert twice.price == round(Fraction("1.25") * (45 * CENT + 4 * CENT))
    for quote in (once, twice):
        assert quote.sale is not None
        assert quote.sale.price_of(QUOTE.price, QUOTE.cost, 4) == quote.price == reckon(quote, 4).price
        assert quote.sale.rule.endswith("overage")
