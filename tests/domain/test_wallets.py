"""Plans that are paid for, and credit that is granted: what is charged, given, spent, given back and lapses, when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import AccountSuspended, PlanChanged, PlanScheduled
from domain.admission import accept, reroute
from domain.bookkeeping import Bookkeeper
from domain.entering import after_due, current_period, due_at, into_period
from domain.errors import InvalidInput, KeyReused
from domain.evidence import Spent
from domain.granting import Granted, charge_back, give_grant, revoke_grant, spent_key
from domain.ledger import Fact, Ledger, evolve, period_stream, stream_of
from domain.openings import Terms, open_account
from domain.operation import Adjusted, Charged, Rejected, Validated
from domain.periods import Period
from domain.planning import begin_account, beginning_of, move_to_plan, schedule_plan
from domain.plans import Limits, Paying, Plan, Trial
from domain.settlement import add_credit, adjust, complete, fail, release
from domain.spending import given_back
from domain.statement import StatementFold
from domain.subscription import allowance_cut, prorated
from domain.terms import change_time_zone, close, suspend
from domain.wallet import (
    Back,
    Draw,
    DrawsSettled,
    GrantEnded,
    GrantGiven,
    GrantRevoked,
    GrantsCarried,
    Source,
    SubscriptionCharged,
    Wallet,
    sum_of,
)
from tests.domain.examples import APRIL, CENT, DOLLAR, IMAGES, IN_MAY, JUNE, LATER, MAY, NOON, ask, priced
from tests.domain.wall_clocks import DAY, utc

HALF = Period(utc("2026-04-16"), APRIL.end)
"""The second half of April."""
MID_APRIL, IN_JUNE = HALF.start, utc("2026-06-02T09:00")
PRO = Plan("pro", 30 * DOLLAR, Limits())
STUDIO = Plan("studio", 30 * DOLLAR, Limits(), allowance=20 * DOLLAR)
FREE = Plan("free", 0, Limits())


class Book:
    """An account whose decisions are recorded as they are made, and posted as the books post them."""

    def __init__(self, plan: Plan = FREE, at: int = APRIL.start, *, prepaid: bool = False, then: Plan = PRO) -> None:
        self.ledger: Any = Ledger()
        self.facts: list[Any] = []
        self.keeper, self.balances = Bookkeeper(), dict[str, int]()
        begins = beginning_of(plan, then, at)
        terms = begins.agreed(Terms(plan.id, begins.terms.limits, prepaid=prepaid))
        self.record(begin_account(open_account(None, "acme", terms, at), begins.given, at))

    def record(self, facts: Iterable[Fact]) -> list[Any]:
        recorded = [*facts]
        for fact in recorded:
            evolve(self.ledger, fact)
            self.facts.append(fact)
            for posting in self.keeper.post(fact):
                for end, sign in ((posting.source, 1), (posting.destination, -1)):
                    self.balances[end.name] = self.balances.get(end.name, 0) + sign * posting.amount
            key = spent_key(fact)
            if key is not None:
                self.ledger.evidence.keys[key[0]] = Spent(key[0], key[1])
        return recorded

    def do(self, decide: Callable[..., list[Fact]], *args: Any, **named: Any) -> list[Any]:
        return self.record(decide(self.ledger, *args, **named))

    def grant(self, id: str, amount: int, now: int = LATER, **terms: Any) -> list[Any]:
        return self.do(give_grant, "acme", id, Granted(amount, **terms), now)

    def buy(self, id: str, price: int, now: int = LATER, **changes: Any) -> list[Any]:
        return self.do(accept, ask(id, quote=priced(price), **changes), now)

    def deliver(self, id: str, now: int = LATER, made: int = 1) -> list[Any]:
        return self.do(complete, id, IMAGES[:made], None, now)

    @property
    def wallet(self) -> Wallet:
        assert self.ledger.current is not None
        return self.ledger.current.wallet or Wallet()

    def left(self) -> dict[str, tuple[int, int]]:
        """What each grant has free and holds."""
        return {one.id: (one.left, one.held) for one in self.wallet.grants.values()}

    def of(self, kind: type[Any]) -> list[Any]:
        return [fact for fact in self.facts if type(fact) is kind]


# The price of a plan


def test_a_plans_price_is_charged_when_it_begins_and_at_the_beginning_of_each_period() -> None:
    book = Book(PRO)

    book.record(current_period(book.ledger, book.ledger.account, IN_MAY)[0])

    assert [(one.price, one.covers, one.period) for one in book.of(SubscriptionCharged)] == [
        (30 * DOLLAR, APRIL, APRIL),
        (30 * DOLLAR, MAY, MAY),
    ]
    assert book.balances == {"receivable": 60 * DOLLAR, "subscriptions": -60 * DOLLAR}
    assert current_period(book.ledger, book.ledger.account, IN_MAY)[0] == []


def test_an_account_that_is_opened_within_a_period_pays_for_the_rest_of_it() -> None:
    assert [(one.price, one.covers) for one in Book(PRO, MID_APRIL).of(SubscriptionCharged)] == [(15 * DOLLAR, HALF)]


def test_periods_of_which_nobody_took_notice_are_paid_for_once_by_whoever_comes_first() -> None:
    book = Book(STUDIO)

    book.record(current_period(book.ledger, book.ledger.account, JUNE.start + DAY)[0])

    charged = book.of(SubscriptionCharged)
    assert [(one.covers, one.period, one.price) for one in charged] == [
        (APRIL, APRIL, 30 * DOLLAR),
        (MAY, JUNE, 30 * DOLLAR),
        (JUNE, JUNE, 30 * DOLLAR),
    ]
    assert [one.allowance for one in charged] == [f"allowance:{APRIL.start}", "", f"allowance:{JUNE.start}"]
    assert [one.amount for one in book.of(GrantEnded)] == [20 * DOLLAR]


def test_a_plan_without_a_price_costs_and_records_nothing() -> None:
    book = Book(FREE)

    assert len(book.facts) == 1
    assert len(current_period(book.ledger, book.ledger.account, IN_MAY)[0]) == 1
    assert due_at(book.ledger, book.ledger.account) is None


def test_a_closed_account_pays_for_no_plan_any_more_and_a_suspended_one_does() -> None:
    for end, times in ((close, 1), (suspend, 2)):
        book = Book(PRO)
        book.record(end(book.ledger.account, "over", LATER))
        book.record(current_period(book.ledger, book.ledger.account, IN_MAY)[0])
        assert len(book.of(SubscriptionCharged)) == times


@pytest.mark.parametrize(
    "change",
    [lambda known, now: close(known, "over", now), lambda known, now: change_time_zone(known, "Asia/Tokyo", now)],
    ids=["closing", "another zone"],
)
def test_what_was_due_before_terms_change_is_due_by_those_until_then_whoever_noticed_it(change: Any) -> None:
    """Nobody took notice of May; the account is changed in it, and what follows is as if somebody had."""
    books = [Book(STUDIO), Book(STUDIO)]
    books[0].record(current_period(books[0].ledger, books[0].ledger.account, MAY.start)[0])

    for book in books:
        book.record(after_due(book.ledger, "acme", change, IN_MAY))
        book.record(current_period(book.ledger, book.ledger.account, IN_JUNE)[0])

    noticed, unnoticed = ([(one.covers, one.price) for one in book.of(SubscriptionCharged)] for book in books)
    assert noticed == unnoticed
    assert noticed[:2] == [(APRIL, 30 * DOLLAR), (MAY, 30 * DOLLAR)]
    assert books[0].balances == books[1].balances


def test_a_change_that_changes_nothing_records_nothing_that_is_due() -> None:
    book = Book(STUDIO)
    assert after_due(book.ledger, "acme", lambda known, now: change_time_zone(known, "UTC", now), IN_MAY) == []


def test_a_prepaid_account_that_cannot_pay_its_plan_asks_for_nothing_until_it_paid_in() -> None:
    book = Book(PRO, prepaid=True)

    assert book.buy("a", 0)[-1].reason == "balance"
    book.do(add_credit, 31 * DOLLAR, "credit:1", LATER)
    assert type(book.buy("b", DOLLAR)[-2]) is Validated
    assert book.balances["wallet:available"] == 0


# Changes of plan


def test_a_change_now_gives_the_rest_of_the_old_price_back_and_charges_the_new_one_for_as_long() -> None:
    book = Book(PRO)

    book.do(move_to_plan, "acme", Plan("big", 100 * DOLLAR, Limits(images=7)), MID_APRIL)

    assert [one.price for one in book.of(SubscriptionCharged)] == [30 * DOLLAR, -15 * DOLLAR, 50 * DOLLAR]
    assert book.ledger.account.limits == Limits(images=7)
    assert book.do(move_to_plan, "acme", Plan("big", 100 * DOLLAR, Limits(images=7)), MID_APRIL) == []


def test_a_change_to_and_fro_earns_nothing_even_if_the_allowance_was_spent_meanwhile() -> None:
    book = Book(FREE)
    big = Plan("big", 50 * DOLLAR, Limits(), allowance=50 * DOLLAR)

    book.do(move_to_plan, "acme", big, APRIL.start)
    book.buy("a", 50 * DOLLAR, APRIL.start)
    book.do(move_to_plan, "acme", FREE, APRIL.start)

    assert sum(one.price for one in book.of(SubscriptionCharged)) == 50 * DOLLAR
    assert book.left() == {f"allowance:{APRIL.start}": (0, 50 * DOLLAR)}


def test_the_allowance_is_taken_back_with_the_price_and_the_new_one_given_for_the_rest() -> None:
    book = Book(STUDIO)
    book.buy("a", 8 * DOLLAR, LATER)
    book.deliver("a", LATER)

    book.do(move_to_plan, "acme", Plan("big", 60 * DOLLAR, Limits(), allowance=40 * DOLLAR), MID_APRIL)

    assert book.left() == {f"allowance:{APRIL.start}": (2 * DOLLAR, 0), f"allowance:{MID_APRIL}": (20 * DOLLAR, 0)}
    assert [one.price for one in book.of(SubscriptionCharged)] == [30 * DOLLAR, -15 * DOLLAR, 30 * DOLLAR]
    assert "breakage" not in book.balances


def test_a_change_at_the_periods_end_waits_for_it_and_may_be_undone() -> None:
    book = Book(PRO)
    big = Plan("big", 100 * DOLLAR, Limits(images=7))

    assert [type(fact) for fact in book.do(schedule_plan, "acme", big, LATER)] == [PlanScheduled]
    assert book.do(schedule_plan, "acme", big, LATER) == []
    book.do(schedule_plan, "acme", PRO, LATER)
    assert book.ledger.account.next is None
    book.do(schedule_plan, "acme", big, LATER)
    facts, current, account = into_period(book.ledger, book.ledger.account, IN_MAY)

    assert (account.plan, account.limits, current.period) == ("big", Limits(images=7), MAY)
    assert book.ledger.account.plan == "pro"
    book.record(facts)
    assert type(facts[0]) is PlanChanged
    assert [one.price for one in book.of(SubscriptionCharged)] == [30 * DOLLAR, 100 * DOLLAR]


def test_the_first_request_of_a_period_is_held_against_the_plan_that_begins_with_it() -> None:
    book = Book(PRO)
    book.do(schedule_plan, "acme", Plan("small", 0, Limits(images=0)), LATER)

    refused = book.buy("a", CENT, IN_MAY)[-1]

    assert (refused.reason, refused.measure, refused.limit) == ("limit", "images", 0)


def test_a_trial_costs_nothing_and_is_followed_by_its_plan_from_its_end_on_whoever_notices_when() -> None:
    tried = replace(STUDIO, trial=Trial(15, Limits(images=3), {"day": Limits(images=2)}, 5 * DOLLAR))
    early, late = (Book(tried, APRIL.start, then=tried) for _ in range(2))

    assert early.ledger.account.limits == Limits(images=3)
    assert early.ledger.account.in_windows["day"]["account"] == {"images": 2}
    assert early.left() == {"trial": (5 * DOLLAR, 0)}
    assert early.buy("a", 6 * DOLLAR)[-1].reason == "overage"
    assert type(early.buy("b", 5 * DOLLAR)[-2]) is Validated
    assert early.of(SubscriptionCharged) == []
    for book, now in ((early, MID_APRIL + 1), (late, HALF.end - 1)):
        book.record(current_period(book.ledger, book.ledger.account, now)[0])
        assert [(one.price, one.covers) for one in book.of(SubscriptionCharged)] == [(15 * DOLLAR, HALF)]
        assert book.ledger.account.limits == Limits()
    assert [(one.grant, one.amount) for one in late.of(GrantEnded)] == [("trial", 5 * DOLLAR)]


def test_a_trial_that_ended_in_a_period_of_which_nobody_took_notice_is_paid_from_its_end() -> None:
    tried = replace(PRO, trial=Trial(45))
    book = Book(tried, APRIL.start, then=tried)

    book.record(current_period(book.ledger, book.ledger.account, JUNE.start)[0])

    rest = Period(APRIL.start + 45 * DAY, MAY.end)
    assert [(one.covers, one.price) for one in book.of(SubscriptionCharged)] == [
        (rest, prorated(30 * DOLLAR, rest, MAY)),
        (JUNE, 30 * DOLLAR),
    ]


@pytest.mark.parametrize("field", [field.name for field in fields(Plan) if field.name != "tariff"])
def test_nothing_in_a_plan_is_dead(field: str) -> None:
    """Each field of a plan changes what an account may do, or what it pays; its tariff has tests of its own."""
    others: dict[str, Any] = {
        "id": "other",
        "price": 31 * DOLLAR,
        "limits": Limits(images=0),
        "windows": {"day": Limits(images=0)},
        "allowance": 21 * DOLLAR,
        "overage": Decimal(2),
        "trial": Trial(5, Limits(images=0)),
        "currency": "EUR",
    }

    def story(plan: Plan) -> object:
        try:
            book = Book(FREE)
            book.do(move_to_plan, "acme", plan, APRIL.start)
            if plan.trial is not None:
                book = Book(plan, then=plan)
            book.buy("a", 25 * DOLLAR)
            return book.facts
        except InvalidInput as error:
            return error.message

    assert story(replace(STUDIO, **{field: others[field]})) != story(STUDIO)


@pytest.mark.parametrize("field", [field.name for field in fields(Trial)])
def test_nothing_in_a_trial_is_dead(field: str) -> None:
    tried = Trial(15, Limits(images=3), {}, 5 * DOLLAR)
    others: dict[str, Any] = {
        "days": 16,
        "limits": Limits(),
        "windows": {"day": Limits(images=1)},
        "allowance": 0,
        "then": "free",
    }

    def story(trial: Trial) -> list[Fact]:
        plan = replace(STUDIO, trial=trial)
        book = Book(plan, then=FREE if trial.then else plan)
        book.record(current_period(book.ledger, book.ledger.account, HALF.end - 1)[0])
        return book.facts

    assert story(replace(tried, **{field: others[field]})) != story(tried)


# Grants


def test_grants_are_spent_in_their_order_and_the_accounts_own_money_is_last() -> None:
    book = Book(STUDIO, prepaid=True)
    book.do(add_credit, 100 * DOLLAR, "credit:1", LATER)
    book.grant("paid", DOLLAR, source="paid")
    book.grant("old", DOLLAR)
    book.grant("new", DOLLAR, LATER + 1)
    book.grant("soon", DOLLAR, LATER + 2, expires=IN_MAY)
    book.grant("urgent", DOLLAR, LATER + 3, priority=0)
    book.grant("later", DOLLAR, LATER + 3, priority=9)

    book.buy("a", 30 * DOLLAR, LATER + 4)

    held = book.of(Validated)[0].drawn
    order = [f"allowance:{APRIL.start}", "soon", "old", "new", "urgent", "later", "paid"]
    assert [(one.grant, one.amount) for one in held] == [(order[0], 20 * DOLLAR), *((id, DOLLAR) for id in order[1:])]
    assert book.balances["wallet:held"] == -4 * DOLLAR


def test_a_grant_pays_only_for_its_kinds_or_their_families() -> None:
    book = Book()
    book.grant("films", DOLLAR, kinds=("videos",))
    book.grant("pictures", DOLLAR, kinds=("text-to-image",))

    book.buy("a", 3 * DOLLAR)

    assert [one.grant for one in book.of(Validated)[0].drawn] == ["pictures"]


def test_a_charge_spends_what_was_held_first_and_the_rest_goes_back() -> None:
    book = Book(prepaid=True)
    book.do(add_credit, 10 * DOLLAR, "credit:1", LATER)
    book.grant("a", 3 * DOLLAR)
    book.grant("b", 3 * DOLLAR, LATER + 1)
    book.do(accept, ask("op", quote=priced(8 * DOLLAR, 2)), LATER + 2)
    assert (book.left(), book.ledger.current.balance) == ({"a": (0, 3 * DOLLAR), "b": (0, 3 * DOLLAR)}, 8 * DOLLAR)

    charged = book.do(complete, "op", IMAGES[:1], None, LATER + 3)[1]

    assert charged.drawn == (Draw("a", "promotional", 3 * DOLLAR), Draw("b", "promotional", DOLLAR))
    assert (book.left(), book.ledger.current.balance) == ({"a": (0, 0), "b": (2 * DOLLAR, 0)}, 10 * DOLLAR)
    assert book.balances["credits:promotional"] == -2 * DOLLAR


def test_a_release_gives_everything_back_to_where_it_came_from() -> None:
    book = Book()
    book.grant("a", 3 * DOLLAR)
    book.buy("op", 5 * DOLLAR)

    book.do(release, "op", "policy", LATER + 1)

    assert book.left() == {"a": (3 * DOLLAR, 0)}
    assert book.balances["credits:promotional"] == -3 * DOLLAR


def test_no_two_requests_are_granted_the_same_money() -> None:
    book = Book(prepaid=True)
    book.grant("a", 3 * DOLLAR)

    assert type(book.buy("x", 2 * DOLLAR)[-2]) is Validated
    refused = book.buy("y", 2 * DOLLAR)[-1]
    assert (refused.reason, refused.asked) == ("balance", DOLLAR)
    assert book.left() == {"a": (DOLLAR, 2 * DOLLAR)}


def test_a_batch_takes_from_grants_one_operation_after_the_other() -> None:
    book = Book()
    book.grant("a", 3 * DOLLAR)

    book.do(accept, ask("x", "y", quote=priced(2 * DOLLAR)), LATER)

    assert [sum_of(one.drawn) for one in book.of(Validated)] == [2 * DOLLAR, DOLLAR]


def test_another_model_is_paid_by_what_the_first_one_held() -> None:
    book = Book()
    book.grant("a", 3 * DOLLAR)
    book.buy("op", 2 * DOLLAR)

    book.do(reroute, "op", priced(2 * DOLLAR, model="other"), "blocked", 2, "desk-1", LATER + 1)

    assert book.left() == {"a": (DOLLAR, 2 * DOLLAR)}


def test_what_is_over_can_be_held_no_more_and_what_was_held_is_spent_all_the_same() -> None:
    book = Book()
    book.grant("a", 3 * DOLLAR, expires=LATER + 10)
    book.buy("op", 2 * DOLLAR, LATER + 1)

    facts = book.buy("other", DOLLAR, LATER + 10)
    assert (facts[0].grant, facts[0].amount, facts[0].over) == ("a", DOLLAR, True)
    assert book.of(Validated)[1].drawn is None
    book.deliver("op", LATER + 11)
    assert book.balances["promotions"] == 2 * DOLLAR
    assert book.left() == {}


@pytest.mark.parametrize(("expires", "due"), [(JUNE.start + DAY, JUNE.start + DAY), (None, None)])
def test_of_a_closed_account_only_the_end_of_its_grants_falls_due(expires: int | None, due: int | None) -> None:
    book = Book(STUDIO)
    book.grant("gift", CENT, expires=expires)
    book.record(close(book.ledger.account, "over", LATER))
    book.record(current_period(book.ledger, book.ledger.account, MAY.start)[0])

    assert due_at(book.ledger, book.ledger.account) == due


def test_what_a_release_sets_free_of_a_grant_that_is_over_lapses_at_once() -> None:
    book = Book()
    book.grant("a", 3 * DOLLAR, expires=LATER + 10, source="paid")
    book.buy("op", 2 * DOLLAR, LATER + 1)
    book.buy("other", DOLLAR, LATER + 10)

    facts = book.do(release, "op", "policy", LATER + 11)

    assert [(one.grant, one.amount) for one in facts if type(one) is GrantEnded] == [("a", 2 * DOLLAR)]
    assert (book.balances["breakage"], book.balances["credits:paid"]) == (-3 * DOLLAR, 0)


def test_what_an_ended_periods_operation_held_is_settled_in_the_open_one() -> None:
    book = Book(prepaid=True)
    book.grant("a", 3 * DOLLAR)
    book.do(add_credit, 5 * DOLLAR, "credit:1", LATER)
    book.do(accept, ask("op", quote=priced(4 * DOLLAR, 2)), LATER)
    book.record(current_period(book.ledger, book.ledger.account, IN_MAY)[0])
    assert [one.held for one in book.of(GrantsCarried)[0].grants] == [3 * DOLLAR]

    facts = book.do(complete, "op", IMAGES[:1], None, IN_MAY)

    settled = next(fact for fact in facts if type(fact) is DrawsSettled)
    assert (settled.period, sum_of(settled.held), sum_of(settled.spent)) == (MAY, 3 * DOLLAR, 2 * DOLLAR)
    assert (book.left(), book.ledger.current.balance) == ({"a": (DOLLAR, 0)}, 5 * DOLLAR)


def test_an_allowance_dies_with_its_period_and_never_pays_in_the_next() -> None:
    book = Book(STUDIO)
    book.buy("a", 5 * DOLLAR, LATER)
    book.deliver("a", LATER)

    book.buy("b", DOLLAR, IN_MAY)

    assert [(one.amount, one.over) for one in book.of(GrantEnded)] == [(15 * DOLLAR, True)]
    assert [one.grant for one in book.of(Validated)[1].drawn] == [f"allowance:{MAY.start}"]
    assert book.balances["breakage"] == -15 * DOLLAR


# Overage


@pytest.mark.parametrize(("overage", "price"), [(Decimal(1), 25), (Decimal("1.5"), 37.5), (Decimal(0), 0)])
def test_what_the_allowance_does_not_cover_is_sold_at_its_own_factor(overage: Decimal, price: float) -> None:
    book = Book(replace(STUDIO, overage=overage))

    book.buy("a", 25 * DOLLAR)

    held = book.of(Validated)[0]
    assert held.quote.price == price * DOLLAR
    assert sum_of(held.drawn) == (20 * DOLLAR if overage == 1 else 0)
    book.deliver("a")
    assert book.of(Charged)[0].price == price * DOLLAR


def test_what_the_allowance_does_not_cover_may_be_refused_unless_a_grant_does() -> None:
    book = Book(replace(STUDIO, overage=None))

    refused = book.buy("a", 25 * DOLLAR)[-1]
    assert type(refused) is Rejected
    assert (refused.reason, refused.left, refused.asked) == ("overage", 20 * DOLLAR, 25 * DOLLAR)
    book.grant("more", 5 * DOLLAR)
    assert sum_of(book.buy("b", 25 * DOLLAR)[-2].drawn) == 25 * DOLLAR


# Refunds


def test_a_refund_gives_the_accounts_own_money_back_first_and_then_what_was_spent_last() -> None:
    book = Book()
    book.grant("a", 3 * DOLLAR)
    book.grant("b", 3 * DOLLAR, LATER + 1, source="paid")
    book.buy("op", 8 * DOLLAR, LATER + 2)
    book.deliver("op", LATER + 3)

    book.do(adjust, "op", -3 * DOLLAR, 0, "sorry", "r1", LATER + 4)
    book.do(adjust, "op", -5 * DOLLAR, 0, "sorry", "r2", LATER + 5)

    first, second = book.of(Adjusted)
    assert first.back == (Back("b", "paid", DOLLAR, "grant"),)
    assert second.back == (Back("b", "paid", 2 * DOLLAR, "grant"), Back("a", "promotional", 3 * DOLLAR, "grant"))
    assert book.left() == {"a": (3 * DOLLAR, 0), "b": (3 * DOLLAR, 0)}
    assert book.balances["receivable"] == 0
    assert book.balances["adjustments:painter"] == 8 * DOLLAR


def test_of_a_refund_to_what_is_over_the_given_lapses_and_the_paid_is_the_accounts_own() -> None:
    book = Book(prepaid=True)
    book.grant("a", 3 * DOLLAR, expires=LATER + 10)
    book.grant("b", 3 * DOLLAR, source="paid", expires=LATER + 10)
    book.buy("op", 6 * DOLLAR, LATER + 1)
    book.deliver("op", LATER + 2)

    book.do(adjust, "op", -6 * DOLLAR, 0, "sorry", "r1", IN_MAY)

    assert [(one.grant, one.to) for one in book.of(Adjusted)[0].back] == [("b", "balance"), ("a", "lapsed")]
    assert book.ledger.current.balance == 3 * DOLLAR
    assert (book.balances["promotions"], book.balances["wallet:available"]) == (0, -3 * DOLLAR)


# References


def test_a_grant_counts_once_a_reference_and_on_other_terms_is_refused() -> None:
    book = Book()
    book.grant("gift", DOLLAR)

    assert book.grant("gift", DOLLAR) == []
    for other in ({"amount": 2 * DOLLAR}, {"amount": DOLLAR, "source": "paid"}, {"amount": DOLLAR, "priority": 3}):
        with pytest.raises(KeyReused):
            book.grant("gift", **other)


@pytest.mark.parametrize(
    ("reference", "terms", "told"),
    [
        ("g", {"amount": 0}, "amount"),
        ("g", {"amount": -1}, "amount"),
        ("g", {"amount": 1, "source": "allowance"}, "source"),
        ("g", {"amount": 1, "priority": -1}, "priority"),
        ("g", {"amount": 1, "expires": NOON}, "expires"),
        ("g", {"amount": 1, "kinds": ("text-to-imag",)}, "kinds"),
        ("trial", {"amount": 1}, "reference"),
        ("allowance:1", {"amount": 1}, "reference"),
        ("a b", {"amount": 1}, "reference"),
    ],
)
def test_what_is_no_grant_is_refused_and_nothing_recorded(reference: str, terms: dict[str, Any], told: str) -> None:
    book = Book()
    before = len(book.facts)

    with pytest.raises(InvalidInput) as refusal:
        book.grant(reference, **terms)

    assert (refusal.value.field, len(book.facts)) == (told, before)


def test_an_account_has_a_hundred_grants_at_most_and_a_used_one_makes_room() -> None:
    book = Book()
    for number in range(100):
        book.grant(f"g{number}", CENT, LATER + number)
    with pytest.raises(InvalidInput, match="100 grants"):
        book.grant("more", CENT, LATER + 100)

    book.buy("op", CENT, LATER + 101)
    book.deliver("op", LATER + 102)

    assert [type(fact) for fact in book.grant("more", CENT, LATER + 103)] == [GrantEnded, GrantGiven]
    assert len(book.wallet.grants) == 100


def test_a_payment_is_taken_back_once_and_nothing_is_admitted_until_it_is_covered() -> None:
    book = Book(prepaid=True)
    book.do(add_credit, 5 * DOLLAR, "credit:p1", LATER)
    book.buy("a", 4 * DOLLAR, LATER)

    assert len(book.do(charge_back, "acme", "p1", 5 * DOLLAR, LATER, "disputed")) == 1
    assert book.do(charge_back, "acme", "p1", 5 * DOLLAR, LATER, "disputed") == []
    with pytest.raises(KeyReused):
        book.do(charge_back, "acme", "p1", 4 * DOLLAR, LATER, "disputed")
    assert book.ledger.current.balance == -4 * DOLLAR
    book.grant("gift", DOLLAR)
    assert book.buy("b", CENT)[-1].reason == "balance"
    book.do(add_credit, 4 * DOLLAR, "credit:p2", LATER)
    assert type(book.buy("c", DOLLAR)[-2]) is Validated
    assert book.balances["payments"] == 4 * DOLLAR


def test_a_payment_that_was_not_made_or_was_less_is_not_taken_back() -> None:
    book = Book(prepaid=True)
    book.do(add_credit, 5 * DOLLAR, "credit:p1", LATER)

    for payment, amount, reason in (("p2", 1, "x"), ("p1", 6 * DOLLAR, "x"), ("p1", 0, "x"), ("p1", 1, "")):
        with pytest.raises(InvalidInput):
            book.do(charge_back, "acme", payment, amount, LATER, reason)
    facts = book.do(charge_back, "acme", "p1", DOLLAR, LATER, "disputed", suspend=True)
    assert type(facts[-1]) is AccountSuspended


def test_two_changes_of_plan_at_one_instant_keep_their_allowances_apart() -> None:
    """A clock that is behind stands still for the ledger, whose instants never go back."""
    book = Book(STUDIO)
    for id, allowance in (("a", 20 * DOLLAR), ("b", 10 * DOLLAR)):
        book.do(move_to_plan, "acme", Plan(id, 30 * DOLLAR, Limits(), allowance=allowance), LATER)
        book.buy(id, DOLLAR, LATER)

    assert len({one.grant for one in book.of(GrantGiven)}) == 3
    assert sum(held for _, held in book.left().values()) == 2 * DOLLAR
    for id in ("a", "b"):
        book.deliver(id, LATER)
    assert -book.balances["allowance"] == book.wallet.total("allowance")


# Grants that are revoked


def test_a_grant_that_is_revoked_gives_up_what_is_left_and_not_what_is_held() -> None:
    book = Book()
    book.grant("gift", 10 * DOLLAR)
    book.buy("a", 3 * DOLLAR)
    book.buy("b", 2 * DOLLAR)

    [fact] = book.do(revoke_grant, "acme", "gift", LATER + 1, "abuse")

    assert (fact.amount, fact.reason) == (5 * DOLLAR, "abuse")
    assert book.left() == {"gift": (0, 5 * DOLLAR)}
    assert book.do(revoke_grant, "acme", "gift", LATER + 2, "again") == []
    assert book.buy("c", DOLLAR, LATER + 2)[-2].drawn is None
    assert book.deliver("a", LATER + 3)[-1].drawn == (Draw("gift", "promotional", 3 * DOLLAR),)
    lapsed = book.do(release, "b", "policy", LATER + 4)[1:]
    assert [(one.amount, one.over, one.reason) for one in lapsed] == [(2 * DOLLAR, True, "revoked")]
    assert (book.balances["promotions"], book.balances["credits:promotional"]) == (3 * DOLLAR, 0)
    assert book.grant("gift", 10 * DOLLAR, LATER + 6) == []


def test_a_refund_of_what_a_revoked_grant_paid_lapses_and_what_is_held_goes_on_into_the_next_period() -> None:
    book = Book()
    book.grant("gift", 10 * DOLLAR)
    book.buy("a", 3 * DOLLAR)
    book.deliver("a")
    book.buy("b", 2 * DOLLAR)
    book.do(revoke_grant, "acme", "gift", LATER + 1, "abuse")

    [refund] = book.do(adjust, "a", -DOLLAR, 0, "sorry", "r1", LATER + 2)

    assert refund.back == (Back("gift", "promotional", DOLLAR, "lapsed"),)
    carried = book.record(current_period(book.ledger, book.ledger.account, IN_MAY)[0])
    [going_on] = [fact for fact in carried if type(fact) is GrantsCarried]
    assert [(one.id, one.held) for one in going_on.grants] == [("gift", 2 * DOLLAR)]
    assert going_on.revoked == ("gift",)
    assert book.left() == {"gift": (0, 2 * DOLLAR)}
    [ended] = [fact for fact in book.do(release, "b", "policy", IN_MAY + 1) if isinstance(fact, GrantEnded)]
    assert (ended.amount, ended.reason) == (2 * DOLLAR, "revoked")


def test_only_what_was_given_for_nothing_is_revoked_and_for_a_reason() -> None:
    book = Book(STUDIO)
    book.grant("pack", DOLLAR, source="paid")
    book.grant("gift", DOLLAR)
    book.grant("short", DOLLAR, expires=LATER + 5)
    before = len(book.facts)

    for grant, reason in (
        ("pack", "x"),
        ("none", "x"),
        ("trial", "x"),
        ("gift", ""),
        (f"allowance:{APRIL.start}", "x"),
    ):
        with pytest.raises(InvalidInput):
            book.do(revoke_grant, "acme", grant, LATER, reason)
    assert book.do(revoke_grant, "acme", "short", LATER + 5, "late") == []
    assert len(book.facts) == before
    assert [type(one) for one in book.do(revoke_grant, "acme", "gift", LATER + 6, "x")] == [GrantEnded, GrantRevoked]


# Sums


@given(price=st.integers(0, 10**12), start=st.integers(0, 999), length=st.integers(1, 1000))
def test_parts_of_a_period_cost_their_share_and_never_more_than_the_whole(price: int, start: int, length: int) -> None:
    whole, end = Period(0, 1000), min(start + length, 1000)
    parts = [
        prorated(price, Period(*span), whole) for span in ((0, start), (start, end), (end, 1000)) if span[0] < span[1]
    ]

    assert abs(sum(parts) - price) <= 2
    assert all(0 <= part <= price for part in parts)


@given(price=st.integers(0, 10**9), allowance=st.integers(1, 10**9), left=st.integers(0, 10**9), at=st.integers(1, 999))
def test_nobody_is_given_back_more_than_was_paid_nor_an_allowance_that_was_spent(
    price: int, allowance: int, left: int, at: int
) -> None:
    from domain.wallet import Grant

    left = min(left, allowance)
    paid = SubscriptionCharged("acme", 0, APRIL, "p", price, "USD", Period(0, 1000), "a")
    back, cut = allowance_cut(paid, Grant("a", Source.ALLOWANCE, 0, 1000, (), 0, allowance, left), Period(at, 1000))

    assert 0 <= back <= prorated(price, Period(at, 1000), Period(0, 1000))
    assert 0 <= cut <= left
    assert not (back and not cut) or prorated(allowance, Period(at, 1000), Period(0, 1000)) == 0


def test_a_refund_is_split_backwards_over_what_was_spent() -> None:
    spent = (Draw("a", "promotional", 5), Draw("b", "paid", 3))

    assert given_back(None, spent, 4, NOON) == (Back("b", "paid", 3, "balance"), Back("a", "promotional", 1, "lapsed"))
    assert given_back(None, None, 4, NOON) is None


def test_a_statement_bills_the_plan_and_takes_off_what_grants_paid() -> None:
    book = Book(STUDIO)
    book.grant("gift", 3 * DOLLAR)
    book.buy("a", 22 * DOLLAR)
    book.deliver("a")
    book.do(adjust, "a", -DOLLAR, 0, "sorry", "r1", LATER)
    fold = StatementFold(APRIL)
    for fact in book.facts:
        fold.add(fact)

    read = fold.finish("acme", "UTC", 1, "", None)

    assert [(one.plan, one.amount) for one in read.subscription] == [("studio", 30 * DOLLAR)]
    assert {one.grant: (one.given, one.used, one.lapsed) for one in read.grants} == {
        f"allowance:{APRIL.start}": (20 * DOLLAR, 20 * DOLLAR, 0),
        "gift": (3 * DOLLAR, DOLLAR, 0),
    }
    assert read.total == 30 * DOLLAR == book.balances["receivable"]
    assert read.left_of_grants == 2 * DOLLAR


def test_a_statement_says_until_when_a_grant_is_in_each_period_that_it_is_spent_in() -> None:
    book = Book()
    book.grant("gift", 3 * DOLLAR, expires=JUNE.start + DAY)
    book.grant("pack", 3 * DOLLAR, source=Source.PAID)
    book.buy("a", 4 * DOLLAR, IN_MAY)
    book.deliver("a", IN_MAY)
    fold = StatementFold(MAY)
    for fact in book.facts:
        if stream_of(fact) == period_stream("acme", MAY):
            fold.add(fact)

    read = fold.finish("acme", "UTC", 1, "", None, 6 * DOLLAR)

    assert [(one.grant, one.expires, one.used) for one in read.grants] == [
        ("gift", JUNE.start + DAY, 3 * DOLLAR),
        ("pack", None, DOLLAR),
    ]


def test_a_failed_operation_leaves_no_trace_in_any_grant() -> None:
    book = Book(STUDIO)
    book.buy("a", 5 * DOLLAR)

    book.do(fail, "a", "blocked", 0, LATER)

    assert book.left() == {f"allowance:{APRIL.start}": (20 * DOLLAR, 0)}
    assert Paying(0) == FREE.paying
