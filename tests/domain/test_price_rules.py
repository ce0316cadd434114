"""Which price holds is never in doubt, and every change of one is a new book."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidMoney
from domain.inputs import Scalar
from domain.periods import EARLIEST
from domain.pricebook import price_book_of
from domain.pricing import PriceRule, Quote, Unit, Unpriced, ambiguous, quote
from tests.domain.priced import BOOK, NOW, Example, quoted, quoted_for, rule

# Which rule


VARIANTS = Example(
    (
        rule("0.10"),
        rule("0.05", quality="draft"),
        rule("0.20", quality="final"),
        rule("0.25", quality="final", audio=True),
    )
)


@pytest.mark.parametrize(
    ("inputs", "price"),
    [
        ({}, 100_000),
        ({"quality": "usual"}, 100_000),
        ({"quality": "draft"}, 50_000),
        ({"quality": "draft", "audio": True}, 50_000),
        ({"quality": "final", "audio": False}, 200_000),
        ({"quality": "final", "audio": True}, 250_000),
    ],
)
def test_the_rule_with_the_most_conditions_that_match_holds(inputs: dict[str, Scalar], price: int) -> None:
    for order in permutations(VARIANTS.prices):
        assert quoted_for(Example(order), inputs).price == price


def test_a_condition_may_name_several_values() -> None:
    wide = replace(rule("0.02", Unit.SECOND), when={"size": frozenset({"832*480", "480*832"})})
    model = Example((wide, rule("0.04", Unit.SECOND, size="1280*720")))

    assert [quoted(model, size=size, duration=1).price for size in ("832*480", "480*832", "1280*720")] == [
        20_000,
        20_000,
        40_000,
    ]


def test_a_price_changes_at_its_instant_and_not_before() -> None:
    changed = Example((rule("0.04"), replace(rule("0.05"), effective_from=NOW)))

    assert [quoted(changed, at=at).price for at in (EARLIEST, NOW - 1, NOW, NOW + 1)] == [
        40_000,
        40_000,
        50_000,
        50_000,
    ]


@given(
    st.dictionaries(st.integers(-(10**15), 10**15), st.integers(0, 10**6), min_size=1),
    st.integers(-(10**15), 10**15),
)
def test_of_dated_prices_the_latest_in_force_holds(prices: dict[int, int], at: int) -> None:
    rules = [replace(rule(f"{cents}.01"), effective_from=since) for since, cents in prices.items()]
    begun = [since for since in prices if since <= at]

    found = quote(Example(tuple(rules)), BOOK, {}, 1, at)

    if begun:
        assert isinstance(found, Quote)
        assert found.rate == Decimal(f"{prices[max(begun)]}.01")
    else:
        assert isinstance(found, Unpriced)


def test_a_new_general_price_leaves_the_price_of_a_variant_alone() -> None:
    model = Example((rule("0.04"), rule("0.08", quality="hd"), replace(rule("0.05"), effective_from=NOW)))

    assert quoted(model, quality="hd").price == 80_000
    assert quoted(model, quality="sd").price == 50_000


@pytest.mark.parametrize(
    "rules",
    [
        (rule("1"), rule("2")),
        (rule("1", a=1), rule("2", a=1)),
        (rule("1", a=1), rule("2", b=2)),
        (rule("1", a=1, b=2), rule("2", c=3)),
        (rule("1", a=1), replace(rule("2", b=2), effective_from=NOW)),
        (replace(rule("1"), when={"a": frozenset({1, 2})}), replace(rule("2"), when={"a": frozenset({2, 3})})),
    ],
)
def test_rules_that_nothing_decides_between_are_found(rules: tuple[PriceRule, PriceRule]) -> None:
    assert ambiguous(rules) == rules
    assert ambiguous(rules[::-1]) == rules[::-1]


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (rule("1"),),
        (rule("1"), replace(rule("2"), effective_from=NOW)),
        (rule("1"), rule("2", a=1), rule("3", a=1, b=2)),
        (rule("1", a=1), rule("2", a=2)),
        (rule("1", a=1, b=2), rule("2", a=2, c=3)),
    ],
)
def test_rules_that_never_match_together_or_are_narrower_or_later_are_clear(
    rules: tuple[PriceRule, ...],
) -> None:
    assert ambiguous(rules) is None


VALUES = st.frozensets(st.integers(1, 3), min_size=1)
RULES = st.lists(
    st.builds(
        lambda when, since, rate: replace(rule(f"{rate}"), when=when, effective_from=since),
        st.dictionaries(st.sampled_from("abc"), VALUES),
        st.integers(0, 2),
        st.integers(0, 99),
    ),
    max_size=4,
)


@given(RULES, st.fixed_dictionaries({name: st.integers(1, 3) for name in "abc"}), st.integers(0, 3))
def test_where_rules_are_clear_their_order_never_matters(
    rules: list[PriceRule], inputs: dict[str, Scalar], at: int
) -> None:
    if ambiguous(rules) is None:
        answers = {repr(quote(Example(order), BOOK, inputs, 1, at)) for order in permutations(rules)}
        assert len(answers) == 1


# The book


BASE = Example((rule("0.10"), rule("0.20", quality="hd")))
OTHER = Example((rule("0.30"),), id="other")


def version(*models: Example) -> str:
    return price_book_of(models, "USD").version


def test_a_book_is_named_by_its_content() -> None:
    price_book = price_book_of([BASE, OTHER], "USD")

    assert len(price_book.version) == 12
    assert price_book == price_book_of([BASE, OTHER], "USD")
    assert price_book.currency == "USD"


@pytest.mark.parametrize(
    "changed",
    [
        Example((rule("0.11"), BASE.prices[1])),
        Example((BASE.prices[0],)),
        Example((*BASE.prices, rule("0.40", quality="4k"))),
        Example((BASE.prices[0], rule("0.20", quality="4k"))),
        Example((BASE.prices[0], rule("0.20", audio="hd"))),
        Example((replace(BASE.prices[0], cost_rate=Decimal("0.09")), BASE.prices[1])),
        Example((replace(BASE.prices[0], effective_from=NOW), BASE.prices[1])),
        Example((replace(BASE.prices[0], unit=Unit.CALL), BASE.prices[1])),
        Example((replace(BASE.prices[0], minimum=Decimal(1)), BASE.prices[1])),
        Example((replace(BASE.prices[0], maximum=Decimal(1)), BASE.prices[1])),
        Example(BASE.prices, id="renamed"),
    ],
)
def test_the_version_changes_with_every_price(changed: Example) -> None:
    assert version(changed, OTHER) != version(BASE, OTHER)


@pytest.mark.parametrize(
    "same",
    [
        Example(BASE.prices[::-1]),
        Example((rule("0.1"), rule("0.2000", quality="hd"))),
        Example((replace(BASE.prices[0], cost_rate=Decimal("0.1")), BASE.prices[1])),
        Example(BASE.prices, provider="another", unit=Unit.VIDEO),
    ],
)
def test_the_version_changes_with_nothing_else(same: Example) -> None:
    assert version(OTHER, same) == version(BASE, OTHER)


def test_a_model_without_a_price_leaves_the_version_alone() -> None:
    assert version(BASE, Example((), id="mystery")) == version(BASE)


def test_the_version_tells_a_flag_from_a_number_and_a_text() -> None:
    assert len({version(Example((rule("1", a=value),))) for value in (True, 1, "1", "true")}) == 4


def test_the_version_tells_currencies_apart() -> None:
    assert price_book_of([BASE], "EUR").version != version(BASE)
    with pytest.raises(InvalidMoney):
        price_book_of([BASE], "gold")
