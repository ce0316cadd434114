"""Before any money is spent: every limit is checked with what is held, and what is held is held at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import AccountClosed, AccountFact, AccountSuspended, PlanChanged
from domain.admission import Ask, accept, answer_now, refusal_now
from domain.advice import Advice
from domain.counting import left_of
from domain.errors import KeyReused, UnknownAccount
from domain.evidence import Spent
from domain.ledger import Fact, Ledger, PeriodOpened
from domain.operation import (
    Charged,
    Dispatched,
    Held,
    OperationFact,
    ProviderCompleted,
    Rejected,
    Requested,
    Sent,
    Validated,
)
from domain.plans import Limits
from domain.refusals import Refusal
from domain.settlement import complete, fail
from tests.domain.examples import (
    APRIL,
    BILLED,
    CENT,
    DISPATCHED,
    DOLLAR,
    GIVEN_UP,
    HELD,
    IMAGES,
    LATER,
    NOON,
    OPENED,
    OPERATION,
    PREPAID,
    QUOTE,
    REQUESTED,
    SENT,
    SETTLED,
    UNKNOWN_PRICE,
    UNLIMITED,
    VALIDATED,
    after,
    ask,
    keyed,
    known_key,
    limited,
    priced,
    recorded,
)

BY_COUNT = ask(quote=priced(0, 4))
FREE = priced(0)


def kinds(facts: Iterable[Fact]) -> list[type]:
    return [type(fact) for fact in facts]


def rejected(facts: Iterable[Fact]) -> Rejected:
    return next(fact for fact in facts if isinstance(fact, Rejected))


def refused(ledger: Ledger, request: Ask) -> Rejected:
    """The refusal, once it is seen that it alone was recorded."""
    facts = [fact for fact in accept(ledger, request, NOON) if not isinstance(fact, PeriodOpened)]
    assert kinds(facts) == [Requested, Rejected] * len(request.operations)
    return rejected(facts)


def holding(price: int, outputs: int = 1) -> list[Fact]:
    """Another operation, open."""
    other = replace(OPERATION, id="op-0", batch="op-0")
    return [replace(REQUESTED, operation=other), Validated(other, NOON, priced(price, outputs))]


# Done


def test_what_fits_every_limit_is_requested_held_and_sent_in_one_append() -> None:
    assert accept(recorded(BILLED), ask(), NOON) == [REQUESTED, VALIDATED, DISPATCHED]


def test_without_a_sender_it_is_held_until_one_comes() -> None:
    assert accept(recorded(BILLED), ask(sender=None), NOON) == [REQUESTED, VALIDATED]


def test_the_first_request_of_a_period_opens_its_book_in_the_same_append() -> None:
    facts = accept(recorded(OPENED), ask(), NOON)

    assert facts == [BILLED[1], REQUESTED, VALIDATED, DISPATCHED]


def test_a_batch_is_held_operation_by_operation_each_at_its_own_quote() -> None:
    request = ask("op-1", "op-2", quotes=(priced(CENT, 2), priced(3 * CENT, 1)))
    facts = accept(recorded(BILLED), request, NOON)

    held = [(fact.operation.id, fact.quote.price) for fact in facts if isinstance(fact, Validated)]
    assert held == [("op-1", CENT), ("op-2", 3 * CENT)]
    assert kinds(facts) == [Requested, Validated, Dispatched] * 2
    assert {fact.operation.batch for fact in facts if isinstance(fact, OperationFact)} == {"op-1"}


def test_the_local_day_is_that_of_the_account_s_zone() -> None:
    away = replace(OPENED, zone="Pacific/Kiritimati")
    facts = accept(recorded(away), ask(), NOON)

    assert {fact.operation.day for fact in facts if isinstance(fact, OperationFact)} == {"2026-04-11"}


def test_nothing_left_over_is_still_enough() -> None:
    ledger = recorded(BILLED, holding(DOLLAR - 40 * CENT, 6))

    assert kinds(accept(ledger, ask(), NOON)) == [Requested, Validated, Dispatched]


# Refused


@pytest.mark.parametrize("scope", ["account", "user:ann", "project:site"])
def test_a_refusal_names_the_limit_its_scope_what_was_asked_and_what_is_left(scope: str) -> None:
    ledger = recorded(UNLIMITED, limited("images", 9, scope), SENT, holding(0, 3))
    fact = refused(ledger, ask("op-2", quote=priced(0, 3)))

    assert (fact.reason, fact.scope, fact.measure) == ("limit", scope, "images")
    assert (fact.limit, fact.asked, fact.left) == (9, 3, 2)


@pytest.mark.parametrize(("user", "project"), [("bob", "site"), ("ann", "shop"), ("ann", None), ("bob", None)])
def test_a_user_s_or_a_project_s_limit_is_nobody_else_s(user: str, project: str | None) -> None:
    theirs = limited("images", 4, "user:ann" if user != "ann" else "project:site")
    ledger = recorded(UNLIMITED, theirs, SENT)

    assert refused(ledger, ask("op-2")).left == 0
    assert kinds(accept(ledger, ask("op-2", user=user, project=project), NOON))[1] is Validated


def test_the_spend_cap_counts_money() -> None:
    ledger = recorded(BILLED, holding(DOLLAR - 39 * CENT))
    fact = refused(ledger, ask())

    assert (fact.measure, fact.limit, fact.asked, fact.left) == ("spend", DOLLAR, 40 * CENT, 39 * CENT)


@pytest.mark.parametrize("settled", [SENT, SETTLED])
def test_what_is_held_counts_like_what_is_charged(settled: tuple[Fact, ...]) -> None:
    fact = refused(recorded(BILLED, settled), ask("op-2", quote=priced(0, 7)))

    assert (fact.limit, fact.asked, fact.left) == (10, 7, 6)


def test_what_was_released_counts_no_more() -> None:
    assert kinds(accept(recorded(BILLED, GIVEN_UP), ask("op-2", quote=priced(DOLLAR, 10)), NOON))[1] is Validated


def test_a_batch_is_refused_as_a_whole_where_one_of_it_is_too_much() -> None:
    batch = ask("a", "b", "c", quote=priced(0, 4))
    facts = accept(recorded(BILLED), batch, NOON)

    assert kinds(facts) == [Requested, Rejected] * 3
    assert {(fact.asked, fact.left) for fact in facts if isinstance(fact, Rejected)} == {(12, 10)}
    assert left_of(after(recorded(BILLED), facts), "ann", "site", NOON)["images"] == 10


def test_a_limit_of_none_at_all_refuses_the_first() -> None:
    fact = refused(recorded(UNLIMITED, limited("images", 0)), ask())

    assert (fact.limit, fact.asked, fact.left) == (0, 4, 0)


def test_without_a_limit_everything_fits() -> None:
    huge = ask(quote=priced(10**15, 10**9))

    assert kinds(accept(recorded(UNLIMITED), huge, NOON)) == [Requested, Validated, Dispatched]
    assert kinds(accept(recorded(BILLED, limited("images", None), limited("spend", None)), huge, NOON))[1] is Validated


def test_an_uncounted_family_is_limited_by_money_alone() -> None:
    other = ask(family="other", quote=priced(DOLLAR, 1_000))

    assert kinds(accept(recorded(BILLED), other, NOON))[1] is Validated
    assert refused(recorded(BILLED, SENT), replace(other, operations=("op-2",))).measure == "spend"


def test_families_are_counted_apart() -> None:
    ledger = recorded(BILLED, holding(0, 10))

    assert refused(ledger, ask(quote=FREE)).measure == "images"
    assert kinds(accept(ledger, ask(family="edits", quote=FREE), NOON))[1] is Validated


def test_what_costs_nothing_fits_where_no_money_is_left() -> None:
    ledger = recorded(UNLIMITED, limited("spend", 0))

    assert kinds(accept(ledger, ask(quote=FREE), NOON))[1] is Validated
    assert refused(ledger, ask(quote=priced(1))).measure == "spend"


def test_a_limit_lowered_below_what_was_used_leaves_nothing_and_never_less() -> None:
    fact = refused(recorded(BILLED, SENT, limited("images", 2)), ask("op-2", quote=FREE))

    assert (fact.limit, fact.asked, fact.left) == (2, 1, 0)


def test_a_plan_changed_mid_period_counts_what_the_period_has_used() -> None:
    better = PlanChanged("acme", NOON, "better", Limits(images=11))
    ledger = recorded(BILLED, holding(DOLLAR, 10), better)

    assert kinds(accept(ledger, ask(quote=priced(DOLLAR)), NOON))[1] is Validated
    assert refused(ledger, ask(quote=priced(0, 2))).left == 1


def test_a_prepaid_account_spends_what_it_has_paid_and_not_more() -> None:
    fact = refused(recorded(PREPAID, holding(61 * CENT)), ask())

    assert (fact.reason, fact.measure) == ("balance", "balance")
    assert (fact.limit, fact.asked, fact.left) == (39 * CENT, 40 * CENT, 39 * CENT)
    assert kinds(accept(recorded(PREPAID, holding(60 * CENT)), ask(), NOON))[1] is Validated


def test_another_currency_is_refused_and_nothing_is_converted() -> None:
    assert refused(recorded(BILLED), ask(quote=replace(QUOTE, currency="EUR"))).reason == "currency"
    mixed = ask("op-1", "op-2", quotes=(QUOTE, replace(QUOTE, currency="EUR")))
    assert refused(recorded(BILLED), mixed).reason == "currency"


@pytest.mark.parametrize("standing", [AccountSuspended("acme", NOON, "overdue"), AccountClosed("acme", NOON, "ended")])
def test_a_suspended_or_closed_account_is_admitted_nothing_and_settles_what_is_open(standing: AccountFact) -> None:
    ledger = recorded(BILLED, SENT, standing)

    assert refused(ledger, ask("op-2")).reason in standing.__class__.__name__.lower()
    assert [type(fact) for fact in complete(ledger, "op-1", IMAGES, None, LATER)] == [ProviderCompleted, Charged]


def test_what_is_not_in_a_counted_family_has_a_limit_of_its_own() -> None:
    ledger = recorded(UNLIMITED, limited("other", 1))
    captions = ask(quote=priced(0, 1), family="other", kind="caption")
    after(ledger, accept(ledger, captions, NOON))

    assert refused(ledger, replace(captions, operations=("op-2",))).measure == "other"


def test_a_key_that_was_refused_answers_so_until_what_refused_has_changed() -> None:
    ledger = recorded(BILLED, limited("images", 0))
    ledger.evidence.keys["order-17"] = Spent("op-1", "same", refused=True)

    assert accept(ledger, keyed("order-17", "same", "op-2"), NOON) == []
    after(ledger, [limited("images", 4)])
    assert isinstance(accept(ledger, keyed("order-17", "same", "op-2"), NOON)[-1], Dispatched)
    with pytest.raises(KeyReused):
        accept(ledger, keyed("order-17", "another", "op-2"), NOON)


def test_a_key_that_was_admitted_is_never_tried_again() -> None:
    ledger = known_key(recorded(BILLED), "order-17")

    assert accept(ledger, keyed("order-17", "same", "op-2"), NOON) == []


def test_a_refusal_is_recorded_and_holds_nothing() -> None:
    ledger = recorded(BILLED)
    facts = accept(ledger, ask(quote=priced(2 * DOLLAR, 1)), NOON)
    after(ledger, facts)

    assert ledger.current is not None
    assert (ledger.current.open, ledger.current.usage) == ({}, {})


def test_an_unknown_account_is_told_how_to_open_one() -> None:
    for decide in (accept, refusal_now):
        with pytest.raises(UnknownAccount) as refusal:
            decide(Ledger(), ask(), NOON)

        assert refusal.value.advice == Advice("account.open", account="acme")


# An unknown price


def test_an_unknown_price_is_refused_unless_the_account_caps_it() -> None:
    assert refused(recorded(BILLED), ask(quote=UNKNOWN_PRICE)).reason == "unpriced"


def test_a_cap_of_nothing_allows_no_unknown_price() -> None:
    assert refused(recorded(UNLIMITED, limited("unpriced", 0)), ask(quote=UNKNOWN_PRICE)).reason == "unpriced"


def test_under_a_cap_an_unknown_price_holds_the_cap() -> None:
    ledger = recorded(BILLED, limited("unpriced", 25 * CENT))
    facts = accept(ledger, ask(quote=UNKNOWN_PRICE), NOON)

    quote = next(fact.quote for fact in facts if isinstance(fact, Validated))
    assert (quote.price, quote.rate, quote.currency) == (25 * CENT, None, "USD")
    assert left_of(after(ledger, facts), "ann", "site", NOON)["spend"] == 75 * CENT


def test_caps_are_checked_against_the_limits_like_prices() -> None:
    ledger = recorded(BILLED, limited("unpriced", 25 * CENT))

    assert refused(ledger, ask("a", "b", "c", "d", "e", quote=UNKNOWN_PRICE)).measure == "spend"


def test_one_unknown_price_in_a_batch_refuses_it_all() -> None:
    assert refused(recorded(BILLED), ask("op-1", "op-2", quotes=(QUOTE, UNKNOWN_PRICE))).reason == "unpriced"


def test_a_known_price_needs_no_cap() -> None:
    assert answer_now(recorded(BILLED), ask(), NOON).quotes == (QUOTE,)


# Repeated


def test_the_same_request_under_the_same_key_records_nothing() -> None:
    ledger = known_key(recorded(BILLED, SENT), "key-1")

    assert accept(ledger, keyed("key-1", "same", "op-2"), LATER) == []


def test_a_refusal_is_repeated_too_though_there_is_room_now() -> None:
    ledger = known_key(recorded(UNLIMITED), "key-1")

    assert accept(ledger, keyed("key-1", "same", "op-2"), LATER) == []


def test_another_request_under_the_same_key_is_refused_and_nothing_recorded() -> None:
    ledger = known_key(recorded(BILLED, SENT), "key-1")

    with pytest.raises(KeyReused, match="key-1") as refusal:
        accept(ledger, keyed("key-1", "other", "op-2"), LATER)
    assert "op-1" in str(refusal.value)


def test_a_key_whose_content_was_erased_fits_any_request() -> None:
    ledger = known_key(recorded(BILLED), "key-1", fingerprint="")

    assert accept(ledger, keyed("key-1", "other", "op-2"), LATER) == []


def test_a_request_without_a_key_is_new_every_time() -> None:
    ledger = known_key(recorded(BILLED, SENT), "key-1")

    assert kinds(accept(ledger, ask("op-2"), LATER)) == [Requested, Validated, Dispatched]


@pytest.mark.parametrize("mine", [HELD, SENT, SETTLED, GIVEN_UP])
def test_deciding_again_after_a_lost_answer_finds_one_s_own_facts(mine: tuple[Fact, ...]) -> None:
    assert accept(recorded(BILLED, mine), ask(), LATER) == []


# Raced


@given(st.integers(0, 12), st.integers(1, 4), st.integers(0, 12))
def test_of_many_who_race_for_room_exactly_as_many_are_admitted_as_fit(room: int, outputs: int, callers: int) -> None:
    ledger = recorded(UNLIMITED, limited("images", room))
    admitted = 0
    for number in range(callers):
        facts = accept(ledger, ask(f"op-{number}", quote=priced(CENT, outputs)), NOON)
        after(ledger, facts)
        admitted += kinds(facts) == [Requested, Validated, Dispatched]

    assert admitted == min(callers, room // outputs)
    assert left_of(ledger, "ann", "site", NOON)["images"] == room - admitted * outputs


def test_of_two_under_one_key_at_once_the_second_finds_the_first() -> None:
    ledger = recorded(BILLED)
    after(ledger, accept(ledger, keyed("key-1", "same", "op-1"), NOON))

    assert accept(known_key(ledger, "key-1"), keyed("key-1", "same", "op-2"), NOON) == []


def test_what_a_faster_settlement_freed_is_there_for_the_next() -> None:
    ledger = recorded(BILLED, SENT, holding(60 * CENT))
    assert refused(ledger, ask("op-2", quote=priced(1))).left == 0

    after(ledger, fail(ledger, "op-1", "blocked", 0, LATER))

    assert kinds(accept(ledger, ask("op-2"), LATER))[1] is Validated


# What is left


def test_what_is_left_is_what_the_tightest_scope_leaves() -> None:
    ledger = recorded(BILLED, limited("images", 7, "user:ann"), limited("spend", 45 * CENT, "project:site"), SENT)
    left = left_of(ledger, "ann", "site", NOON)

    assert left == {
        "images": 3,
        "edits": 5,
        "videos": None,
        "3d": None,
        "upscales": None,
        "other": None,
        "spend": 5 * CENT,
    }
    assert left_of(ledger, "bob", None, NOON)["images"] == 6


def test_what_is_left_of_a_prepaid_account_is_its_balance() -> None:
    assert left_of(recorded(PREPAID, SENT), "ann", "site", NOON)["balance"] == 60 * CENT


def test_nothing_is_said_of_what_is_left_where_there_is_no_account() -> None:
    assert left_of(Ledger(), "ann", None, NOON) == {}


OVER_IMAGES = Refusal(rule="limit", measure="images", window="period", limit=10, resets_at=APRIL.end)


def test_a_limit_that_refuses_tells_what_was_used_and_what_is_held() -> None:
    other = replace(OPERATION, id="op-3", batch="op-3")
    sent = [replace(fact, operation=other) for fact in SENT]
    refusal = refusal_now(recorded(BILLED, SETTLED, sent), ask("op-2", quote=priced(0, 3)), NOON)

    assert refusal == replace(OVER_IMAGES, asked=3, used=4, held=4, left=2)


def test_an_estimate_says_what_accept_would_and_records_nothing() -> None:
    ledger = recorded(BILLED, SENT)
    wish = ask("op-2", quote=priced(0, 7))

    refusal = refusal_now(ledger, wish, NOON)
    assert refusal == replace(OVER_IMAGES, asked=7, used=0, held=4, left=6)
    assert refusal_now(ledger, BY_COUNT, NOON) is None
    assert ledger == recorded(BILLED, SENT)


def test_deciding_changes_nothing_until_its_facts_are_recorded() -> None:
    ledger = recorded(BILLED, SENT)
    accept(ledger, ask("op-2"), NOON)
    complete(ledger, "op-1", IMAGES, None, LATER)

    assert ledger == recorded(BILLED, SENT)
    assert isinstance(ledger.look_up("op-1"), Sent)


def test_a_held_operation_is_looked_up_by_its_id() -> None:
    ledger = recorded(BILLED, HELD)

    assert ledger.look_up("op-1") == Held(OPERATION, QUOTE, admitted=NOON)
    assert ledger.look_up("op-2") is None
