"""A provider's invoice is recorded once a number, drift is a fact beside it, and a difference is settled once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from functools import reduce

import pytest

from domain.account import Account, AccountFact, evolve
from domain.errors import CurrencyMismatch, IllegalTransition, InvalidInput, InvalidPeriod
from domain.invoices import (
    CostDrifted,
    DifferenceBooked,
    InvoiceExists,
    InvoiceLine,
    InvoiceRecorded,
    InvoiceVoided,
    UnknownInvoice,
)
from domain.invoicing import (
    MOST_LINES,
    ComputedCosts,
    ReceivedInvoice,
    book_difference,
    open_difference,
    open_provider,
    record_invoice,
    void_invoice,
)
from domain.openings import Terms, open_account
from domain.periods import CALENDAR_MONTH, month_named
from domain.plans import Limits
from domain.postings import Before, booked_in, postings_of
from tests.domain.examples import APRIL, CENT, DOLLAR, IN_MAY, MAY, NOON
from tests.domain.wall_clocks import utc

ATELIER = "@provider:atelier"
OPENED = open_provider(None, "atelier", "USD", "UTC", NOON)
RECEIVED = ReceivedInvoice("INV-7", APRIL, DOLLAR, "USD", allowed=Decimal(2))
RECORDED = InvoiceRecorded(ATELIER, IN_MAY, APRIL, "INV-7", DOLLAR, "USD")
KNOWN = ComputedCosts(98 * CENT, 0)


def account(*facts: AccountFact) -> Account:
    found = reduce(evolve, [*OPENED, *facts], None)
    assert found is not None
    return found


def record(known: Account, computed: ComputedCosts = KNOWN, **changes: object) -> list[AccountFact]:
    return record_invoice(known, replace(RECEIVED, **changes), computed, IN_MAY)  # type: ignore[arg-type]


def moved(facts: Iterable[AccountFact]) -> list[tuple[str, str, int]]:
    found = [one for fact in facts for one in postings_of(fact, Before(prepaid=False))]
    return [(str(one.source), str(one.destination), one.amount) for one in found]


def test_an_invoice_is_recorded_once_a_number() -> None:
    assert record(account()) == [RECORDED]
    assert record(account(RECORDED)) == []
    for changes in ({"amount": DOLLAR + 1}, {"period": MAY}, {"lines": (InvoiceLine("all", DOLLAR),)}):
        with pytest.raises(InvoiceExists, match="INV-7"):
            record(account(RECORDED), **changes)


def test_what_differs_by_more_than_is_allowed_is_an_alert_beside_it() -> None:
    assert record(account(), ComputedCosts(102 * CENT, 0)) == [RECORDED]
    drifted = CostDrifted(ATELIER, IN_MAY, APRIL, "INV-7", DOLLAR, 102 * CENT + 1, 3, Decimal(2), "USD")
    assert record(account(), ComputedCosts(102 * CENT + 1, 3)) == [RECORDED, drifted]
    assert account(RECORDED, drifted).invoicing.invoices["INV-7"].drifted
    assert record(account(), ComputedCosts(DOLLAR, 0), allowed=Decimal(0)) == [RECORDED]


def test_all_invoices_of_a_month_are_held_against_its_costs() -> None:
    second = record(account(RECORDED), ComputedCosts(2 * DOLLAR, 0), number="INV-8")
    assert [type(fact) for fact in second] == [InvoiceRecorded]
    other_month = record(account(RECORDED), ComputedCosts(2 * DOLLAR, 0), number="INV-8", period=MAY)
    assert other_month == [] or isinstance(other_month[-1], CostDrifted)


def test_a_voided_number_may_be_recorded_again_with_what_is_right() -> None:
    voided = void_invoice(account(RECORDED), "INV-7", "a slip", IN_MAY)
    assert voided == [InvoiceVoided(ATELIER, IN_MAY, APRIL, "INV-7", DOLLAR, "USD", "a slip")]
    known = account(RECORDED, *voided)
    assert void_invoice(known, "INV-7", "again", IN_MAY) == []
    assert known.invoicing.months() == []
    again = record(known, ComputedCosts(90 * CENT, 0), amount=90 * CENT)
    assert [type(fact) for fact in again] == [InvoiceRecorded]
    assert account(RECORDED, *voided, *again).invoicing.invoices["INV-7"].amount == 90 * CENT
    with pytest.raises(UnknownInvoice, match="INV-9"):
        void_invoice(known, "INV-9", "none", IN_MAY)
    with pytest.raises(InvalidInput, match="reason"):
        void_invoice(account(RECORDED), "INV-7", "", IN_MAY)


def test_the_rest_of_a_difference_is_booked_once() -> None:
    known = account(RECORDED)
    booked = book_difference(known, APRIL, KNOWN, "accepted", IN_MAY)
    assert booked == [DifferenceBooked(ATELIER, IN_MAY, APRIL, 2 * CENT, "USD", "accepted")]
    settled = account(RECORDED, *booked)
    assert open_difference(settled.invoicing, APRIL, KNOWN.known) == 0
    assert book_difference(settled, APRIL, KNOWN, "again", IN_MAY) == []
    corrected = ComputedCosts(99 * CENT, 0)
    back = book_difference(settled, APRIL, corrected, "a cost was learned", IN_MAY)
    assert back == [DifferenceBooked(ATELIER, IN_MAY, APRIL, -CENT, "USD", "a cost was learned")]
    with pytest.raises(IllegalTransition, match="nobody knows what 1"):
        book_difference(known, APRIL, ComputedCosts(98 * CENT, 1), "too early", IN_MAY)
    with pytest.raises(IllegalTransition, match="2026-05 has no invoice"):
        book_difference(known, MAY, KNOWN, "too early", IN_MAY)


def test_what_they_move_in_the_books() -> None:
    payable, invoiced, difference = (f"{name}:atelier" for name in ("payable", "invoiced", "difference"))
    voided = InvoiceVoided(ATELIER, IN_MAY, APRIL, "INV-7", DOLLAR, "USD", "a slip")
    credit = replace(RECORDED, amount=-DOLLAR)
    more = DifferenceBooked(ATELIER, IN_MAY, APRIL, 2 * CENT, "USD", "accepted")
    assert moved([RECORDED, voided]) == [(payable, invoiced, DOLLAR), (invoiced, payable, DOLLAR)]
    assert moved([credit, replace(RECORDED, amount=0)]) == [(invoiced, payable, DOLLAR)]
    assert moved([more, replace(more, amount=-CENT)]) == [(difference, payable, 2 * CENT), (payable, difference, CENT)]
    assert {booked_in(fact) for fact in (RECORDED, voided, more)} == {APRIL}


def test_nobody_opens_a_providers_ledger_or_uses_it_and_its_zone_stays() -> None:
    terms = Terms("pro", Limits(), "USD", "UTC", CALENDAR_MONTH, False)
    with pytest.raises(InvalidInput, match="the studio's own"):
        open_account(None, ATELIER, terms, NOON)
    known = account()
    assert known.in_force["account"] == dict.fromkeys(known.in_force["account"], 0)
    assert open_provider(known, "atelier", "USD", "UTC", NOON) == []
    with pytest.raises(InvalidInput, match="months in UTC, not in Asia/Tokyo"):
        open_provider(known, "atelier", "USD", "Asia/Tokyo", NOON)


def test_an_invoice_that_cannot_be_is_refused() -> None:
    for changes, what in (
        ({"currency": "EUR"}, "is in EUR"),
        ({"period": month_named("2026-06", "UTC")}, "has not begun"),
        ({"number": "INV 7"}, "number"),
        ({"lines": (InvoiceLine("a", 1),)}, "come to"),
        ({"lines": (InvoiceLine("", DOLLAR),)}, "name"),
        ({"lines": (InvoiceLine("a", DOLLAR, "", Decimal(0)),)}, "quantity"),
        ({"lines": (InvoiceLine("a", DOLLAR, "", Decimal("NaN")),)}, "quantity"),
        ({"lines": (InvoiceLine("a", 1),) * (MOST_LINES + 1)}, "more than"),
        ({"reason": "two\nlines"}, "reason"),
    ):
        with pytest.raises((InvalidInput, CurrencyMismatch), match=what):
            record(account(), **changes)


def test_a_month_is_named_by_its_digits_and_begins_in_the_zone() -> None:
    assert month_named("2026-04", "UTC") == APRIL
    assert month_named("2026-04", "Asia/Tokyo").start == utc("2026-03-31T15:00")
    for name in ("2026-4", "2026-13", "2026-00", "2026", "2026-04-01", "٢٠٢٦-04", "0001-01", ""):
        with pytest.raises(InvalidPeriod):
            month_named(name, "UTC")
