"""Another model after a definite refusal: one hold is exchanged for another, within every limit, in one append."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.account import ConsentChanged
from domain.admission import AS_HELD, Leeway, accept, reroute
from domain.counting import left_of
from domain.errors import IllegalTransition, UnknownOperation
from domain.ledger import BalanceReturned, Fact, Ledger
from domain.operation import Dispatched, Held, ProviderFailed, Released, Rerouted, Running, Sent
from domain.plans import Limits
from domain.pricing import Quote, Unpriced
from domain.settlement import complete, fail, release
from tests.domain.examples import (
    BILLED,
    CENT,
    DOLLAR,
    DROPPED,
    GIVEN_UP,
    HELD,
    IMAGES,
    IN_MAY,
    LATER,
    MAY,
    NOON,
    OPERATION,
    PREPAID,
    QUOTE,
    RUNNING,
    SENT,
    SETTLED,
    UNKNOWN_PRICE,
    UNLIMITED,
    after,
    ask,
    in_may,
    limited,
    priced,
    recorded,
)

SPARE = priced(20 * CENT, 4, model="spare", provider="guild")
SPARE_OPERATION = replace(OPERATION, model="spare", provider="guild")
REROUTED = Rerouted(SPARE_OPERATION, LATER, SPARE, "blocked")
SENT_AGAIN = Dispatched(SPARE_OPERATION, LATER, 2, "desk-1")
ENDED = (*PREPAID, *SENT, in_may(balance=60 * CENT, limits=Limits()))
"""Sent in April, held from a prepaid balance, and May has begun."""


ANY_PRICE = Leeway(most=100 * DOLLAR)


def rerouted(
    ledger: Ledger,
    wish: Quote | Unpriced = SPARE,
    attempt: int = 2,
    sender: str = "desk-1",
    leeway: Leeway = AS_HELD,
) -> list[Fact]:
    return reroute(ledger, "op-1", wish, "blocked", attempt, sender, LATER, leeway)


def is_given_up(facts: list[Fact]) -> bool:
    return [type(fact) for fact in facts] == [ProviderFailed, Released]


# Done


def test_a_refused_operation_is_held_for_another_model_and_sent_in_one_append() -> None:
    assert rerouted(recorded(BILLED, SENT)) == [REROUTED, SENT_AGAIN]


def test_the_new_hold_replaces_the_old_one() -> None:
    ledger = recorded(BILLED, SENT)
    after(ledger, rerouted(ledger, replace(SPARE, outputs=3)))

    left = left_of(ledger, "ann", "site", LATER)
    assert (left["images"], left["spend"]) == (7, 80 * CENT)
    assert ledger.look_up("op-1") == Sent(SPARE_OPERATION, replace(SPARE, outputs=3), 2, "desk-1", NOON)


def test_it_is_charged_at_the_new_model_s_price() -> None:
    ledger = recorded(BILLED, SENT, REROUTED, SENT_AGAIN)
    after(ledger, complete(ledger, "op-1", IMAGES, None, LATER))

    assert left_of(ledger, "ann", "site", LATER)["spend"] == 80 * CENT


@pytest.mark.parametrize("dearer", [60 * CENT, DOLLAR])
def test_what_grows_needs_room_for_the_growth_alone(dearer: int) -> None:
    facts = rerouted(recorded(BILLED, SENT), replace(SPARE, price=dearer), leeway=ANY_PRICE)

    assert facts[0] == replace(REROUTED, quote=replace(SPARE, price=dearer))


def test_a_price_above_what_is_held_is_not_taken_unless_the_request_allows_it() -> None:
    held, dearer = replace(SPARE, price=QUOTE.price), replace(SPARE, price=QUOTE.price + 1)

    assert not is_given_up(rerouted(recorded(BILLED, SENT), held))
    assert is_given_up(rerouted(recorded(BILLED, SENT), dearer))
    assert not is_given_up(rerouted(recorded(BILLED, SENT), dearer, leeway=Leeway(most=dearer.price)))
    assert is_given_up(rerouted(recorded(BILLED, SENT), dearer, leeway=Leeway(most=dearer.price - 1)))


def test_a_class_is_not_reached_that_neither_the_request_nor_the_terms_allow() -> None:
    stand_in = replace(SPARE, model_class="stand-in")
    allowed = ConsentChanged("acme", NOON, "stand-in", given=True)

    assert is_given_up(rerouted(recorded(BILLED, SENT), stand_in))
    assert not is_given_up(rerouted(recorded(BILLED, SENT), stand_in, leeway=Leeway(frozenset({"real", "stand-in"}))))
    assert not is_given_up(rerouted(recorded(BILLED, SENT, allowed), stand_in))
    assert is_given_up(rerouted(recorded(BILLED, SENT, allowed, replace(allowed, given=False)), stand_in))
    assert is_given_up(rerouted(recorded(BILLED, SENT, allowed), replace(SPARE, model_class="test")))


def test_what_shrinks_fits_even_where_a_limit_was_lowered_meanwhile() -> None:
    assert rerouted(recorded(BILLED, SENT, limited("spend", 0), limited("images", 0))) == [REROUTED, SENT_AGAIN]


def test_an_account_s_cap_allows_a_model_of_unknown_price() -> None:
    facts = rerouted(recorded(BILLED, SENT, limited("unpriced", 25 * CENT)), UNKNOWN_PRICE)

    assert isinstance(facts[0], Rerouted)
    assert (facts[0].quote.price, facts[0].quote.rate) == (25 * CENT, None)


# Refused


@pytest.mark.parametrize(
    "limit",
    [
        limited("spend", 49 * CENT),
        limited("spend", 49 * CENT, "user:ann"),
        limited("spend", 49 * CENT, "project:site"),
    ],
)
def test_a_dearer_model_that_overruns_a_limit_ends_the_operation_instead(limit: Fact) -> None:
    dearer = replace(SPARE, price=50 * CENT)
    assert is_given_up(rerouted(recorded(UNLIMITED, limit, SENT), dearer, leeway=ANY_PRICE))


def test_more_outputs_than_a_limit_has_room_for_end_it_too() -> None:
    ledger = recorded(UNLIMITED, limited("images", 5), SENT)

    assert is_given_up(rerouted(ledger, replace(SPARE, outputs=6)))
    assert not is_given_up(rerouted(ledger, replace(SPARE, outputs=5)))


def test_a_balance_is_not_overdrawn() -> None:
    ledger = recorded(PREPAID, SENT)

    assert is_given_up(rerouted(ledger, replace(SPARE, price=DOLLAR + 1), leeway=ANY_PRICE))
    assert not is_given_up(rerouted(ledger, replace(SPARE, price=DOLLAR), leeway=ANY_PRICE))


def test_another_currency_ends_it() -> None:
    assert is_given_up(rerouted(recorded(BILLED, SENT), replace(SPARE, currency="EUR")))


@pytest.mark.parametrize("wish", [UNKNOWN_PRICE, replace(SPARE, rate=None)])
def test_an_unknown_price_ends_it_where_the_account_caps_none(wish: Quote | Unpriced) -> None:
    assert is_given_up(rerouted(recorded(BILLED, SENT), wish))


def test_what_could_not_be_rerouted_holds_nothing_more() -> None:
    ledger = recorded(BILLED, SENT)
    after(ledger, rerouted(ledger, replace(SPARE, price=2 * DOLLAR), leeway=ANY_PRICE))

    assert left_of(ledger, "ann", "site", LATER)["spend"] == DOLLAR


@pytest.mark.parametrize("story", [HELD, RUNNING])
def test_only_what_was_sent_and_refused_at_once_is_rerouted(story: tuple[Fact, ...]) -> None:
    assert isinstance(recorded(BILLED, story).look_up("op-1"), Held | Running)
    with pytest.raises(IllegalTransition):
        rerouted(recorded(BILLED, story))


def test_an_unknown_operation_is_not_rerouted() -> None:
    with pytest.raises(UnknownOperation):
        rerouted(recorded(BILLED))


# Repeated and raced


def test_a_reroute_repeated_records_nothing() -> None:
    ledger = recorded(BILLED, SENT)
    after(ledger, rerouted(ledger))

    assert rerouted(ledger) == []


def test_of_two_who_reroute_one_refusal_only_the_first_may_send() -> None:
    ledger = recorded(BILLED, SENT)
    after(ledger, rerouted(ledger, sender="desk-2"))

    assert rerouted(ledger, replace(SPARE, model="third"), sender="desk-1") == []


def test_a_refusal_of_the_second_model_goes_on_to_the_third() -> None:
    ledger = recorded(BILLED, SENT, REROUTED, SENT_AGAIN)
    facts = rerouted(ledger, replace(SPARE, model="third"), attempt=3)

    assert [type(fact) for fact in facts] == [Rerouted, Dispatched]
    assert isinstance(facts[1], Dispatched)
    assert (facts[1].attempt, facts[1].operation.model) == (3, "third")


@pytest.mark.parametrize("ended", [SETTLED, DROPPED, GIVEN_UP])
def test_what_ended_meanwhile_is_not_sent_again(ended: tuple[Fact, ...]) -> None:
    assert rerouted(recorded(BILLED, ended)) == []


def test_what_was_refused_by_a_limit_is_not_sent_to_another_model() -> None:
    ledger = recorded(BILLED)
    after(ledger, accept(ledger, ask(quote=replace(QUOTE, price=2 * DOLLAR)), LATER))

    assert rerouted(ledger) == []


# After its period has ended


def test_an_ended_period_s_hold_may_shrink_and_the_rest_is_spendable_now() -> None:
    ledger = recorded(ENDED)
    facts = reroute(ledger, "op-1", SPARE, "blocked", 2, "desk-1", IN_MAY)
    after(ledger, facts)

    assert facts[2:] == [BalanceReturned("acme", IN_MAY, MAY, "op-1", 20 * CENT, "USD")]
    assert left_of(ledger, "ann", None, IN_MAY)["balance"] == 80 * CENT


def test_an_ended_period_s_hold_may_not_grow_as_its_limits_are_gone() -> None:
    dearer = replace(SPARE, price=41 * CENT)
    facts = reroute(recorded(ENDED), "op-1", dearer, "blocked", 2, "desk-1", IN_MAY, ANY_PRICE)

    assert [type(fact) for fact in facts] == [ProviderFailed, Released, BalanceReturned]


def test_a_hold_of_the_same_size_returns_nothing() -> None:
    facts = reroute(recorded(ENDED), "op-1", replace(SPARE, price=40 * CENT), "blocked", 2, "desk-1", IN_MAY)

    assert [type(fact) for fact in facts] == [Rerouted, Dispatched]


@pytest.mark.parametrize("ending", ["complete", "fail", "release"])
def test_whatever_becomes_of_it_every_micro_unit_comes_back_or_is_charged_once(ending: str) -> None:
    ledger = recorded(ENDED)
    facts = reroute(ledger, "op-1", SPARE, "blocked", 2, "desk-1", IN_MAY)
    after(ledger, facts)
    if ending == "complete":
        facts += complete(ledger, "op-1", IMAGES[:1], None, IN_MAY)
    elif ending == "fail":
        facts += fail(ledger, "op-1", "blocked", 0, IN_MAY)
    else:
        facts += release(ledger, "op-1", "policy", IN_MAY)

    returned = sum(fact.amount for fact in facts if isinstance(fact, BalanceReturned))
    assert returned == (35 * CENT if ending == "complete" else 40 * CENT)
