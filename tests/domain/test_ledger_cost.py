"""Applying and deciding cost the same with one open operation and with ten thousand, by count and not by clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, NoReturn, get_args

import pytest

from domain.account import (
    AccountClosed,
    AccountFact,
    AccountOpened,
    AccountResumed,
    AccountSuspended,
    ConsentChanged,
    OnLimitChanged,
    PlanChanged,
    TimeZoneChanged,
)
from domain.admission import Leeway, accept, refusal_now, reroute
from domain.agreeing import DiscountAgreed, TariffAgreed
from domain.alerts import AlertFact
from domain.approvals import ApprovalFact
from domain.assets import AssetFact
from domain.booking import GoodwillGiven
from domain.closing import Closing, close_period, issue_statement, void_statement
from domain.counting import left_of
from domain.departures import DepartureFact
from domain.erased import ErasureDone, UserErased
from domain.evidence import Spent
from domain.granting import Granted, charge_back, give_grant, revoke_grant
from domain.invoices import InvoiceFact
from domain.keys import KeyFact
from domain.ledger import Fact, Ledger, LedgerFact, PeriodEnded, PeriodResumed
from domain.operation import OPERATION_FACTS, Held, State
from domain.planning import move_to_plan, schedule_plan
from domain.plans import Limits, Plan
from domain.settlement import add_credit, adjust, complete, dispatch, erase_content, fail, postpone, record_job, release
from domain.statement import StatementFold
from domain.streams import NEVER
from domain.tagging import change_tags
from domain.tags import TagChange
from domain.webhooks import WebhookFact
from tests.domain.examples import (
    APRIL,
    CENT,
    DOLLAR,
    IMAGES,
    IN_MAY,
    LATER,
    MAY,
    OPERATION,
    PREPAID,
    QUOTE,
    after,
    ask,
    limited,
    priced,
    recorded,
)


class Counted(dict[str, State]):
    """Open operations that nobody may walk through; every other look at them is counted."""

    looks = 0

    def look(self, name: str, *args: Any) -> Any:
        self.looks += 1
        return getattr(super(), name)(*args)

    def walk(self, *args: Any) -> NoReturn:
        raise AssertionError("the open operations were walked through")

    def __iter__(self) -> Iterator[str]:
        self.walk()

    def __contains__(self, id: object) -> bool:
        return bool(self.look("__contains__", id))

    def __getitem__(self, id: str) -> State:
        state: State = self.look("__getitem__", id)
        return state

    def __setitem__(self, id: str, state: State) -> None:
        self.look("__setitem__", id, state)

    def get(self, *args: Any) -> Any:
        return self.look("get", *args)

    def pop(self, *args: Any) -> Any:
        return self.look("pop", *args)

    keys = values = items = copy = __len__ = __reversed__ = __eq__ = walk


def look_only(ledger: Ledger) -> list[Fact]:
    assert refusal_now(ledger, ask("f"), LATER) is None
    assert left_of(ledger, "ann", "site", LATER)["balance"]
    return []


def close_april(ledger: Ledger) -> list[Fact]:
    ledger.evidence.end = (1, "")
    return close_period(ledger, Closing(A_STATEMENT, NEVER, carry=True), IN_MAY)


def take_back(ledger: Ledger) -> list[Fact]:
    ledger.evidence.keys["credit:payment-2"] = Spent("credit:payment-2", "1")
    return charge_back(ledger, "acme", "payment-2", 1, LATER, "disputed")


def revoke(ledger: Ledger) -> list[Fact]:
    ledger.evidence.keys["grant:promo"] = Spent("grant:promo", "1 promotional 0 None ")
    return revoke_grant(ledger, "acme", "promo", LATER, "abuse")


A_STATEMENT = StatementFold(APRIL).finish("acme", "UTC", 1, "", 0)
Step = Callable[[Ledger], Iterable[Fact]]
TERMS = (
    limited("images", 300),
    limited("images", 300, window="day"),
    limited("spend", 300 * CENT, "user:ann", window="life"),
    TimeZoneChanged("acme", LATER, "Asia/Tokyo"),
    ConsentChanged("acme", LATER, "stand-in", given=True),
    OnLimitChanged("acme", LATER, "spare"),
    TariffAgreed("acme", LATER, ""),
    DiscountAgreed("acme", LATER, Decimal(5), LATER, IN_MAY),
    PlanChanged("acme", LATER, "big", Limits(images=200)),
    AccountSuspended("acme", LATER, "overdue"),
    AccountResumed("acme", LATER, "paid"),
)
OTHER = priced(CENT, 1, model="spare")
A_LIFE: tuple[Step, ...] = (
    lambda ledger: accept(ledger, ask("a", "b", "c", quote=OTHER), LATER),
    lambda ledger: accept(ledger, ask("d", quote=OTHER, sender=None), LATER),
    lambda ledger: accept(ledger, ask("a"), LATER),
    lambda ledger: accept(ledger, ask("e", quote=replace(OTHER, currency="EUR")), LATER),
    look_only,
    lambda ledger: reroute(ledger, "a", QUOTE, "blocked", 2, "desk-1", LATER, Leeway(most=QUOTE.price)),
    lambda ledger: record_job(ledger, "b", "job-1", LATER),
    lambda ledger: complete(ledger, "b", IMAGES, None, LATER),
    lambda ledger: adjust(ledger, "b", -1, 0, "sorry", "ticket-1", LATER),
    lambda ledger: dispatch(ledger, "d", 1, "desk-1", LATER),
    lambda ledger: postpone(ledger, "d", 1, "too_many", LATER + 1, LATER),
    lambda ledger: fail(ledger, "c", "blocked", 0, LATER),
    lambda ledger: add_credit(ledger, 1, "payment-2", LATER),
    lambda ledger: [*TERMS],
    lambda ledger: give_grant(ledger, "acme", "gift", Granted(2 * CENT, expires=MAY.start + 1), LATER),
    lambda ledger: give_grant(ledger, "acme", "promo", Granted(1), LATER),
    revoke,
    lambda ledger: accept(ledger, ask("w", quote=OTHER), LATER),
    lambda ledger: move_to_plan(ledger, "acme", Plan("paid", 1, Limits(), allowance=1), LATER),
    lambda ledger: schedule_plan(ledger, "acme", Plan("other", 1, Limits()), LATER),
    take_back,
    lambda ledger: accept(ledger, ask("h", quote=OTHER), LATER),
    lambda ledger: accept(ledger, ask("s", quote=priced(9 * DOLLAR), instead=(OTHER,)), LATER),
    lambda ledger: accept(ledger, ask("g"), IN_MAY),
    lambda ledger: release(ledger, "a", "policy", IN_MAY),
    lambda ledger: release(ledger, "w", "policy", IN_MAY),
    lambda ledger: complete(ledger, "a", IMAGES, None, IN_MAY),
    lambda ledger: fail(ledger, "h", "blocked", 0, IN_MAY),
    lambda ledger: erase_content(ledger, ["b"], "the customer asked", IN_MAY),
    lambda ledger: change_tags(ledger, "acme", ["b"], TagChange({"team": "red"}), IN_MAY),
    close_april,
    lambda ledger: release(ledger, "d", "policy", IN_MAY),
    lambda ledger: issue_statement(ledger, replace(A_STATEMENT, currency="USD"), "", IN_MAY, form=1),
    lambda ledger: void_statement(ledger, "acme", 1, "a wrong name", IN_MAY),
    lambda ledger: [GoodwillGiven("acme", IN_MAY, MAY, APRIL, 1, "USD", "sorry", "ticket-2")],
    lambda ledger: [AccountClosed("acme", IN_MAY, "the contract ended")],
)


ONCE = {AccountOpened, PeriodEnded, PeriodResumed}
"""What begins a ledger, and what an operator does after a wrong clock, which may look at all that is open."""


def looks_at(open_operations: int) -> list[tuple[int, list[Fact]]]:
    """How often each step of a life looks at the open operations, of which there are so many, and its facts."""
    ledger = recorded(PREPAID, limited("unpriced", CENT))
    crowd = Counted({f"other-{number}": Held(OPERATION, QUOTE) for number in range(open_operations)})
    assert ledger.current is not None
    ledger.current.open = crowd
    counts = []
    for step in A_LIFE:
        crowd.looks = 0
        facts = list(step(ledger))
        after(ledger, facts)
        counts.append((crowd.looks, facts))
    return counts


def test_applying_and_deciding_cost_the_same_with_one_open_operation_and_with_ten_thousand() -> None:
    alone = looks_at(1)

    assert looks_at(10_000) == alone
    assert sum(looks for looks, _ in alone) > len(A_LIFE)


def test_the_life_that_is_measured_holds_every_kind_of_fact() -> None:
    """Facts about assets and approvals change the evidence alone; those about keys, webhooks and the like the terms."""
    unseen = {*get_args(AssetFact), *get_args(ApprovalFact), *get_args(KeyFact), *get_args(WebhookFact)}
    unseen |= {*get_args(InvoiceFact), *get_args(AlertFact), *get_args(DepartureFact), ErasureDone, UserErased}
    met = {type(fact) for _, facts in looks_at(1) for fact in facts} | unseen

    assert {*get_args(AccountFact), *get_args(LedgerFact), *OPERATION_FACTS} - met == ONCE


def test_whoever_walks_through_the_open_operations_is_caught() -> None:
    walks: list[Callable[[Counted], object]] = [
        list,
        len,
        dict,
        sorted,
        dict[str, State]().update,
        lambda crowd: {**crowd},
    ]
    for walk in walks:
        with pytest.raises(AssertionError):
            walk(Counted({"op-1": Held(OPERATION, QUOTE)}))
