"""The terms of an account: opened once, changed by facts, and what each decision about them answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from domain.account import (
    Account,
    AccountClosed,
    AccountFact,
    AccountResumed,
    AccountSuspended,
    LimitChanged,
    PlanChanged,
    Standing,
    TimeZoneChanged,
    evolve,
    project_scope,
    user_scope,
)
from domain.advice import Advice
from domain.errors import AccountExists, InvalidInput, InvalidMoney, InvalidPeriod
from domain.ids import LONGEST_ID
from domain.limiting import change_limit, inherit_limit
from domain.money import LARGEST_AMOUNT
from domain.openings import Terms, changed_since, open_account
from domain.periods import Cycle
from domain.plans import MEASURES, Limits
from domain.terms import change_plan, change_time_zone, close, resume, suspend
from tests.domain.examples import LATER, LIMITS, NOON, OPENED

TERMS = Terms("pro", LIMITS)
ROOMY = Limits(images=100)
SET_TO_THREE = LimitChanged("acme", LATER, "account", "images", 3, inherited=False)
INHERITED = LimitChanged("acme", LATER, "account", "images", None, inherited=True)
FOR_ANN = replace(SET_TO_THREE, scope="user:ann")
CAPPED = replace(SET_TO_THREE, measure="unpriced")
IN_BERLIN = TimeZoneChanged("acme", LATER, "Europe/Berlin")


def account(*facts: AccountFact) -> Account:
    return then(evolve(None, OPENED), facts)


def then(terms: Account, facts: Iterable[AccountFact]) -> Account:
    for fact in facts:
        terms = evolve(terms, fact)
    return terms


# Opening


def test_an_account_is_opened_on_its_terms() -> None:
    assert open_account(None, "acme", TERMS, NOON) == [OPENED]


def test_an_opened_account_has_the_terms_it_was_opened_on() -> None:
    terms = account()

    assert (terms.id, terms.plan, terms.limits, terms.currency) == ("acme", "pro", LIMITS, "USD")
    assert (terms.zone, terms.cycle, terms.prepaid, terms.opened) == ("UTC", Cycle(1), False, OPENED)


def test_opening_it_again_on_the_same_terms_records_nothing() -> None:
    assert open_account(account(), "acme", TERMS, LATER) == []


def test_it_was_opened_on_its_first_terms_whatever_has_changed_since() -> None:
    changed = account(PlanChanged("acme", LATER, "free", ROOMY), IN_BERLIN, SET_TO_THREE)

    assert open_account(changed, "acme", TERMS, LATER) == []
    assert changed_since(changed, TERMS) == ("plan is free, not pro", "zone is Europe/Berlin, not UTC")


def test_a_plan_that_means_other_limits_by_now_is_the_same_plan() -> None:
    assert open_account(account(), "acme", replace(TERMS, limits=ROOMY), LATER) == []
    assert changed_since(account(), replace(TERMS, limits=ROOMY)) == ()


def test_opening_it_as_it_is_by_now_is_no_mistake_either() -> None:
    changed = account(PlanChanged("acme", LATER, "free", ROOMY), IN_BERLIN)

    assert open_account(changed, "acme", replace(TERMS, plan="free", zone="Europe/Berlin"), LATER) == []
    with pytest.raises(AccountExists, match="plan pro, not enterprise"):
        open_account(changed, "acme", replace(TERMS, plan="enterprise"), LATER)


@pytest.mark.parametrize(
    "others",
    [
        replace(TERMS, plan="free"),
        replace(TERMS, currency="EUR"),
        replace(TERMS, zone="Europe/Berlin"),
        replace(TERMS, cycle=Cycle(15)),
        replace(TERMS, prepaid=True),
    ],
)
def test_opening_it_again_on_any_other_term_is_refused(others: Terms) -> None:
    with pytest.raises(AccountExists, match="acme") as refusal:
        open_account(account(), "acme", others, LATER)

    assert refusal.value.advice == Advice("account.change")


def test_of_two_who_open_it_at_once_the_second_finds_it_open() -> None:
    first = open_account(None, "acme", TERMS, NOON)
    raced = evolve(None, first[0])

    assert open_account(raced, "acme", TERMS, NOON) == []
    with pytest.raises(AccountExists):
        open_account(raced, "acme", replace(TERMS, plan="free"), NOON)


# Suspending and closing


SUSPENDED = AccountSuspended("acme", LATER, "overdue")
RESUMED = AccountResumed("acme", LATER, "paid")
CLOSED = AccountClosed("acme", LATER, "the contract ended")


def test_an_account_is_suspended_and_resumed_with_a_reason_and_each_once() -> None:
    assert suspend(account(), "overdue", LATER) == [SUSPENDED]
    assert suspend(account(SUSPENDED), "again", LATER) == []
    assert resume(account(SUSPENDED), "paid", LATER) == [RESUMED]
    assert resume(account(), "paid", LATER) == []
    assert (account(SUSPENDED).standing, account(SUSPENDED).reason) == (Standing.SUSPENDED, "overdue")
    assert account(SUSPENDED, RESUMED) == account()


@pytest.mark.parametrize("terms", [account(), account(SUSPENDED)])
def test_an_account_is_closed_once_and_for_ever(terms: Account) -> None:
    assert close(terms, "the contract ended", LATER) == [CLOSED]
    assert close(then(terms, [CLOSED]), "again", LATER) == []
    with pytest.raises(AccountExists, match="was closed: the contract ended"):
        open_account(then(terms, [CLOSED]), "acme", TERMS, LATER)


@pytest.mark.parametrize(
    "change",
    [
        lambda terms: suspend(terms, "overdue", LATER),
        lambda terms: resume(terms, "paid", LATER),
        lambda terms: change_plan(terms, "free", ROOMY, LATER),
        lambda terms: change_limit(terms, "account", "images", 3, LATER),
        lambda terms: inherit_limit(terms, "account", "images", LATER),
        lambda terms: change_time_zone(terms, "Europe/Berlin", LATER),
    ],
)
def test_a_closed_account_changes_no_more(change: Callable[[Account], object]) -> None:
    with pytest.raises(InvalidInput, match="was closed: the contract ended"):
        change(account(CLOSED))


@pytest.mark.parametrize("decide", [suspend, resume, close])
@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * 201])
def test_a_reason_is_one_line(decide: Callable[[Account, str, int], object], reason: str) -> None:
    with pytest.raises(InvalidInput, match="reason"):
        decide(account(), reason, LATER)


@pytest.mark.parametrize("id", ["", "a b", "a\tb", "a\nb", "a\0b", "\u2028", "\u00a0", "x" * (LONGEST_ID + 1)])
def test_an_id_is_short_and_holds_no_space_and_nothing_unprintable(id: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        open_account(None, id, TERMS, NOON)

    assert refusal.value.field == "account"


@pytest.mark.parametrize("id", ["a", "x" * LONGEST_ID, "user:ann", "Zoë/7", "顧客-1"])
def test_an_opaque_id_is_whatever_can_be_printed(id: str) -> None:
    assert open_account(None, id, TERMS, NOON)[0].account == id


def test_an_account_has_a_currency_that_people_pay_in() -> None:
    with pytest.raises(InvalidMoney):
        open_account(None, "acme", replace(TERMS, currency="usd"), NOON)


def test_an_account_has_a_time_zone_that_exists() -> None:
    with pytest.raises(InvalidPeriod):
        open_account(None, "acme", replace(TERMS, zone="Mars/Olympus"), NOON)


# Its plan


def test_another_plan_brings_its_limits_at_once() -> None:
    facts = change_plan(account(), "free", ROOMY, LATER)

    assert facts == [PlanChanged("acme", LATER, "free", ROOMY)]
    assert [then(account(), facts).limit("account", measure) for measure in ("images", "spend")] == [100, None]


def test_changing_to_the_same_plan_records_nothing() -> None:
    assert change_plan(account(), "pro", LIMITS, LATER) == []


def test_the_same_plan_with_new_limits_is_a_change() -> None:
    assert change_plan(account(), "pro", ROOMY, LATER) == [PlanChanged("acme", LATER, "pro", ROOMY)]


def test_of_two_who_change_the_plan_the_second_decides_on_what_the_first_left() -> None:
    raced = then(account(), change_plan(account(), "free", ROOMY, LATER))

    assert change_plan(raced, "free", ROOMY, LATER) == []
    assert change_plan(raced, "pro", LIMITS, LATER) == [PlanChanged("acme", LATER, "pro", LIMITS)]


@pytest.mark.parametrize("broken", [-1, True, 1.5, "1", LARGEST_AMOUNT + 1])
def test_a_plan_cannot_have_a_broken_limit(broken: int) -> None:
    with pytest.raises(InvalidInput):
        change_plan(account(), "odd", Limits(images=broken), LATER)


def test_a_changed_limit_outlives_a_change_of_plan() -> None:
    terms = account(SET_TO_THREE, PlanChanged("acme", LATER, "free", ROOMY))

    assert terms.limit("account", "images") == 3


# Its limits


def test_a_limit_is_changed() -> None:
    facts = change_limit(account(), "account", "images", 3, LATER)

    assert facts == [SET_TO_THREE]
    assert then(account(), facts).limit("account", "images") == 3


@pytest.mark.parametrize("limit", [None, 0])
def test_a_limit_may_become_unlimited_or_none_at_all(limit: int | None) -> None:
    facts = change_limit(account(), "account", "images", limit, LATER)

    assert then(account(), facts).limit("account", "images") is limit


def test_changing_a_limit_leaves_every_other_as_it_was() -> None:
    terms = account(SET_TO_THREE)

    assert [terms.limit("account", measure) for measure in ("edits", "spend", "videos")] == [5, 1_000_000, None]
    assert terms.limit("user:ann", "images") is None


def test_changing_a_limit_to_what_it_is_records_nothing() -> None:
    assert change_limit(account(SET_TO_THREE), "account", "images", 3, LATER) == []


def test_a_limit_set_to_what_the_plan_says_is_a_change_as_the_plan_may_change() -> None:
    facts = change_limit(account(), "account", "images", LIMITS.images, LATER)

    assert then(account(), [*facts, PlanChanged("acme", LATER, "free", ROOMY)]).limit("account", "images") == 10


def test_of_two_who_change_a_limit_the_second_decides_on_what_the_first_left() -> None:
    raced = then(account(), change_limit(account(), "account", "images", 3, LATER))

    assert change_limit(raced, "account", "images", 3, LATER) == []
    assert change_limit(raced, "account", "images", 4, LATER) == [replace(SET_TO_THREE, limit=4)]


@pytest.mark.parametrize("broken", [-1, True, 1.5, "1", LARGEST_AMOUNT + 1])
def test_a_broken_limit_is_refused(broken: int) -> None:
    with pytest.raises(InvalidInput):
        change_limit(account(), "account", "images", broken, LATER)


@pytest.mark.parametrize("scope", [user_scope("ann"), project_scope("site")])
@pytest.mark.parametrize("measure", MEASURES)
def test_users_and_projects_have_no_limit_until_they_are_given_one(scope: str, measure: str) -> None:
    facts = change_limit(account(), scope, measure, 3, LATER)

    assert account().limit(scope, measure) is None
    assert then(account(), facts).limit(scope, measure) == 3


@pytest.mark.parametrize("scope", ["", "user", "user:", "group:ann", "user:a b", "account:acme", "User:ann"])
def test_a_limit_is_of_the_account_a_user_or_a_project(scope: str) -> None:
    with pytest.raises(InvalidInput):
        change_limit(account(), scope, "images", 3, LATER)
    with pytest.raises(InvalidInput):
        inherit_limit(account(), scope, "images", LATER)


@pytest.mark.parametrize(
    ("scope", "measure"), [("account", "imagse"), ("account", "captions"), ("user:ann", "unpriced")]
)
def test_only_what_is_measured_can_be_limited(scope: str, measure: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        change_limit(account(), scope, measure, 3, LATER)
    with pytest.raises(InvalidInput):
        inherit_limit(account(), scope, measure, LATER)

    assert "images" in str(refusal.value)


def test_an_account_may_cap_what_one_operation_of_unknown_price_holds() -> None:
    facts = change_limit(account(), "account", "unpriced", 3, LATER)

    assert (account().unpriced_cap, facts) == (None, [CAPPED])
    assert then(account(), facts).unpriced_cap == 3


# Inheriting them again


def test_a_limit_is_the_plan_s_again_once_its_change_is_undone() -> None:
    facts = inherit_limit(account(SET_TO_THREE), "account", "images", LATER)

    assert facts == [INHERITED]
    assert then(account(SET_TO_THREE), facts).limit("account", "images") == 10


def test_a_user_without_a_limit_of_their_own_is_unlimited_again() -> None:
    facts = inherit_limit(account(FOR_ANN), "user:ann", "images", LATER)

    assert then(account(FOR_ANN), facts).limit("user:ann", "images") is None


def test_without_a_cap_again_unknown_prices_are_refused_again() -> None:
    facts = inherit_limit(account(CAPPED), "account", "unpriced", LATER)

    assert then(account(CAPPED), facts).unpriced_cap is None


def test_inheriting_what_was_never_changed_records_nothing() -> None:
    assert inherit_limit(account(), "account", "images", LATER) == []
    assert inherit_limit(account(FOR_ANN), "account", "images", LATER) == []


def test_of_two_who_undo_a_change_the_second_finds_it_undone() -> None:
    raced = then(account(SET_TO_THREE), inherit_limit(account(SET_TO_THREE), "account", "images", LATER))

    assert inherit_limit(raced, "account", "images", LATER) == []


# Its time zone


def test_an_account_moves_to_another_zone() -> None:
    facts = change_time_zone(account(), "Europe/Berlin", LATER)

    assert facts == [IN_BERLIN]
    assert then(account(), facts).zone == "Europe/Berlin"


def test_moving_to_where_it_is_records_nothing() -> None:
    assert change_time_zone(account(IN_BERLIN), "Europe/Berlin", LATER) == []


def test_moving_to_nowhere_is_refused() -> None:
    with pytest.raises(InvalidPeriod):
        change_time_zone(account(), "Mars/Olympus", LATER)


def test_of_two_who_move_it_the_second_decides_on_what_the_first_left() -> None:
    raced = then(account(), change_time_zone(account(), "Europe/Berlin", LATER))

    assert change_time_zone(raced, "Europe/Berlin", LATER) == []
    assert change_time_zone(raced, "UTC", LATER) == [TimeZoneChanged("acme", LATER, "UTC")]


def test_terms_already_given_out_are_not_changed_by_later_facts() -> None:
    before = account(FOR_ANN)

    then(before, [replace(FOR_ANN, limit=9), SET_TO_THREE])

    assert (before.limit("user:ann", "images"), before.limit("account", "images")) == (3, 10)
