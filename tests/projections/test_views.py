"""Each view as a pure function of facts: what it counts, where, and that its money is the log's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given

from domain.approvals import ApprovalGiven
from domain.assets import AssetAdded, AssetErased, AssetExpirySet, AssetRestored, AssetTrashed
from domain.booking import GoodwillGiven
from domain.ledger import BalanceReturned, ContentErased, Fact, PeriodEnded, PeriodResumed
from domain.operation import POLICY, Adjusted, Charged, Rejected, Rerouted, Validated
from domain.periods import QUARTER, Cycle, period_at
from projections.engine.alike import AT, signature
from projections.engine.columns import Role
from projections.engine.folding import Folder
from projections.engine.shapes import decoder, shape_of
from projections.engine.view import AnyView
from projections.views import ALL
from projections.views.approvals import APPROVALS
from projections.views.corrections import CORRECTIONS
from projections.views.costs import COSTS
from projections.views.operations import OPERATIONS
from projections.views.periods import PERIODS
from projections.views.usage import USAGE
from tests.domain.examples import (
    APRIL,
    APRIL_BOOK,
    CENT,
    CHARGED,
    COMPLETED,
    CREDIT,
    DOLLAR,
    DROPPED,
    GIVEN_UP,
    HELD,
    LATER,
    MAY,
    NOON,
    OPERATION,
    POSTPONED,
    QUOTE,
    REQUESTED,
    RUNNING,
    SENT,
    SETTLED,
    WAITING,
    of_operation,
)
from tests.infrastructure.store.examples import EXAMPLES as STORED
from tests.projections.histories import CODEC, STEPS, History, Step, folded, stored, trial_balance

REJECTED = Rejected(OPERATION, NOON, "limit", "account", "images", 10, 4, 7, 2, 1, "USD")
REFUND = Adjusted(OPERATION, LATER, MAY, "2026-05-02", -10 * CENT, -CENT, "USD", "sorry", "ticket-1")
LATE_BILL = replace(REFUND, price=0, cost=25 * CENT, reason="late_success", reference="late_success")
RETURNED = BalanceReturned("acme", LATER, APRIL, "op-1", 5 * CENT, "USD")
GIVEN = GoodwillGiven("acme", LATER, APRIL, APRIL, 5 * CENT, "USD", "an outage", "ticket-2")
RESCUED = replace(OPERATION, model="rescuer", provider="harbour")
REROUTED = Rerouted(RESCUED, LATER, replace(QUOTE, model="rescuer", provider="harbour", price=CENT), "refused")

IN_APRIL = ("acme", "ann", APRIL.start, APRIL.end, "text-to-image", "")
IN_MAY = ("acme", "ann", MAY.start, MAY.end, "text-to-image", "")


def at(text: str) -> int:
    """An instant as it is written."""
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000


def only(view: AnyView, *facts: Sequence[Fact] | Fact) -> dict[str, Any]:
    """The one row that these facts make."""
    (row,) = rows(view, *facts).values()
    return row


def rows(view: AnyView, *facts: Sequence[Fact] | Fact) -> dict[Any, dict[str, Any]]:
    """What the facts make of each row, without what they leave blank."""
    flat = [fact for one in facts for fact in (one if isinstance(one, Sequence) else [one])]
    return {
        key: {name: value for name, value in row.items() if value != view.blank[name]}
        for key, row in folded([view], flat)[view.name].items()
    }


EXAMPLES: list[Any] = [
    *(APRIL_BOOK, CREDIT, RETURNED, *RUNNING, COMPLETED, CHARGED, *DROPPED, REJECTED, REFUND, REROUTED, POSTPONED),
    ContentErased("acme", NOON, APRIL, "op-1", "asked", ("5a" * 12,)),
    AssetAdded("acme", NOON, APRIL, "5b" * 12, "ann", None, "image/png", 9, 3, 2, None, "5b" * 12 + ":c", "ef" * 32),
    AssetTrashed("acme", NOON, APRIL, "5a" * 12, "blurred"),
    AssetRestored("acme", NOON, APRIL, "5a" * 12),
    AssetExpirySet("acme", NOON, APRIL, "5a" * 12, LATER),
    AssetErased("acme", NOON, APRIL, "5a" * 12),
    GIVEN,
    WAITING,
    ApprovalGiven("acme", LATER, APRIL, "quote_1"),
    PeriodEnded("acme", NOON, MAY, 7 * CENT, "USD", "a wrong clock"),
    PeriodResumed("acme", NOON, APRIL, "pro", 7 * CENT, CENT, "USD"),
    *STORED,
]
"""Of every fact that a view reads, one."""

# Usage


def test_a_delivered_operation_counts_its_outputs_its_price_and_its_cost() -> None:
    assert rows(USAGE, SETTLED) == {
        IN_APRIL: {
            "operations": 1,
            "asked": 4,
            "charged": 1,
            "outputs": 4,
            "price": 40 * CENT,
            "cost": 30 * CENT,
            "currency": "USD",
        }
    }


def test_a_refused_operation_counts_as_rejected_and_costs_nothing() -> None:
    assert only(USAGE, REQUESTED, REJECTED) == {"operations": 1, "asked": 4, "rejected": 1}


def test_a_failed_operation_counts_as_failed_and_released() -> None:
    failed = only(USAGE, DROPPED)
    assert (failed["failed"], failed["released"]) == (1, 1)
    assert not failed.keys() & {"price", "cost"}


def test_what_a_provider_bills_for_a_failure_is_our_cost() -> None:
    *before, released = DROPPED
    assert only(USAGE, before, replace(released, cost=3 * CENT))["cost"] == 3 * CENT


def test_a_correction_counts_in_the_period_in_which_it_is_made() -> None:
    found = rows(USAGE, SETTLED, REFUND)
    assert found[IN_APRIL]["price"] == 40 * CENT
    assert found[IN_MAY] == {"price": -10 * CENT, "adjusted": -10 * CENT, "cost": -CENT, "currency": "USD"}


def test_users_and_kinds_are_counted_apart() -> None:
    of_bob = [replace(fact, operation=replace(OPERATION, user="bob")) for fact in SETTLED]
    edits = [replace(fact, operation=replace(OPERATION, kind="edit")) for fact in SETTLED]
    assert len(rows(USAGE, SETTLED, of_bob, edits)) == 3


def test_what_an_api_key_asked_for_is_counted_apart() -> None:
    by_key = [replace(fact, operation=replace(OPERATION, api_key="key_7hq2m9x4ka")) for fact in SETTLED]
    found = rows(USAGE, SETTLED, by_key)
    assert found.keys() == {IN_APRIL, (*IN_APRIL[:-1], "key_7hq2m9x4ka")}
    assert [row["price"] for row in found.values()] == [40 * CENT] * 2


# Periods


def test_a_period_begins_with_its_plan_and_what_was_carried_into_it() -> None:
    current = replace(APRIL_BOOK, balance=7 * CENT)
    assert only(PERIODS, current) == {"carried": 7 * CENT, "plan": "pro", "currency": "USD"}


def test_a_period_adds_up_what_was_paid_in_and_what_came_back() -> None:
    totals = only(PERIODS, APRIL_BOOK, CREDIT, CREDIT, RETURNED, SETTLED)
    assert (totals["credits"], totals["returned"], totals["price"]) == (2 * DOLLAR, 5 * CENT, 40 * CENT)


def test_goodwill_lowers_the_price_of_the_period_in_which_it_is_booked() -> None:
    totals = only(PERIODS, APRIL_BOOK, SETTLED, GIVEN)
    assert (totals["price"], totals["adjusted"]) == (35 * CENT, -5 * CENT)


def test_all_users_of_an_account_share_its_period() -> None:
    of_bob = [replace(fact, operation=replace(OPERATION, user="bob")) for fact in SETTLED]
    assert only(PERIODS, SETTLED, of_bob)["charged"] == 2


# Models


def test_a_model_counts_its_exact_units_in_millionths() -> None:
    part = replace(CHARGED, units=Decimal("0.333333"), unit="megapixel")
    many = replace(CHARGED, units=Decimal("1E+1"), unit="megapixel")
    assert (only(COSTS, part, many)["units"], only(COSTS, part)["unit"]) == (10_333_333, "megapixel")


def test_what_was_never_charged_or_released_costs_a_model_nothing() -> None:
    assert rows(COSTS, RUNNING, REQUESTED, REJECTED) == {}


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue", "Europe/Berlin"])
def test_what_models_cost_is_of_a_calendar_month_whenever_accounts_periods_begin(zone: str) -> None:
    november = at("2026-11-01T00:00:00+00:00"), at("2026-12-01T00:00:00+00:00")
    facts = [
        replace(CHARGED, at=instant, operation=replace(OPERATION, period=period_at(Cycle(day), zone, instant)))
        for instant in (november[0], november[1] - 1)
        for day in (1, 15, 31)
    ]
    assert [key[-2:] for key in rows(COSTS, facts)] == [november]
    assert [key[-2] for key in rows(COSTS, replace(CHARGED, at=november[1]))] == [november[1]]


def test_currencies_are_never_added_together() -> None:
    assert len(rows(COSTS, CHARGED, replace(CHARGED, currency="EUR"))) == 2


def test_outputs_that_were_gone_are_counted() -> None:
    found = only(OPERATIONS, *SETTLED[:-2], replace(COMPLETED, lost=2), CHARGED)
    assert (found["lost"], found["state"]) == (2, "charged")


def test_a_job_is_shown_with_its_operation() -> None:
    assert only(OPERATIONS, RUNNING)["job"] == "job-1"


def test_a_rerouted_operation_is_the_cost_of_the_model_that_did_it() -> None:
    charged = replace(CHARGED, operation=RESCUED)
    ((model, provider, *_),) = rows(COSTS, SENT, REROUTED, charged)
    assert (model, provider) == ("rescuer", "harbour")


# Operations


@pytest.mark.parametrize(
    ("facts", "state", "held"),
    [
        ((REQUESTED,), "requested", None),
        ((REQUESTED, REJECTED), "rejected", 0),
        (HELD, "validated", 40 * CENT),
        (SENT, "dispatched", 40 * CENT),
        (RUNNING, "submitted", 40 * CENT),
        ((*SENT, REROUTED), "validated", CENT),
        ((*SENT, POSTPONED), "validated", 40 * CENT),
        ((*RUNNING, COMPLETED), "completed", 40 * CENT),
        (SETTLED, "charged", 0),
        (DROPPED, "released", 0),
    ],
)
def test_an_operation_shows_where_it_is_and_what_it_holds(
    facts: tuple[Fact, ...], state: str, held: int | None
) -> None:
    found = only(OPERATIONS, facts)
    assert (found["state"], found.get("held")) == (state, held)


def test_an_operation_shows_who_asked_for_what_and_when_it_ended() -> None:
    found = only(OPERATIONS, SETTLED)
    who = {"batch": "op-1", "account": "acme", "user": "ann", "project": "site", "currency": "USD"}
    what = {"kind": "text-to-image", "model": "painter", "provider": "atelier", "asked": 4, "outputs": 4}
    what["model_class"] = "real"
    when = {"period_start": APRIL.start, "period_end": APRIL.end, "requested_at": NOON, "settled_at": LATER}
    money = {"price": 40 * CENT, "cost": 30 * CENT, "held": 0, "state": "charged"}
    money |= {"price_source": "quoted", "cost_source": "provider", "drawn": 0, "quoted": 40 * CENT}
    assert found == {**who, **what, **when, **money}


def test_a_refund_lowers_the_price_and_leaves_the_operation_charged() -> None:
    found = only(OPERATIONS, SETTLED, REFUND)
    assert (found["price"], found["adjusted"], found["state"]) == (30 * CENT, -10 * CENT, "charged")


def test_a_late_success_is_flagged_and_costs_us_but_nobody_pays() -> None:
    found = only(OPERATIONS, GIVEN_UP, replace(COMPLETED, late=True), LATE_BILL)
    assert (found["late"], found["cost"], "price" in found) == (1, 25 * CENT, False)
    assert (found["state"], found["reason"]) == ("released", POLICY)


def test_a_rerouted_operation_shows_its_new_model() -> None:
    found = only(OPERATIONS, SENT, REROUTED)
    assert (found["model"], found["provider"]) == ("rescuer", "harbour")


def test_a_row_says_whether_its_model_is_a_real_one_as_far_as_that_was_noted() -> None:
    stand_in = replace(REROUTED, quote=replace(REROUTED.quote, model_class="stand-in"))
    assert only(OPERATIONS, SENT, stand_in)["model_class"] == "stand-in"
    unnoted = [
        replace(fact, quote=replace(fact.quote, model_class=""))
        for fact in (Validated(OPERATION, NOON, QUOTE), REROUTED)
    ]
    assert only(OPERATIONS, REQUESTED, *unnoted).get("model_class") is None


def test_each_operation_has_its_own_row() -> None:
    assert set(rows(OPERATIONS, SETTLED, of_operation("op-2", *SETTLED))) == {("op-1",), ("op-2",)}


# All views

WITH_MONEY = [view for view in ALL if "price" in view.named(Role.SUM) and view is not CORRECTIONS]
"""The views that sum all money up; the others' is worked out from theirs, and corrections are a part of it."""


@given(steps=STEPS)
def test_the_prices_of_any_view_are_what_the_log_charged_and_corrected(steps: list[Step]) -> None:
    facts = History().live(steps).facts
    for name, found in folded(WITH_MONEY, facts).items():
        assert sum(row.get("price", 0) for row in found.values()) == trial_balance(facts), name


@given(steps=STEPS)
def test_the_costs_of_all_views_agree(steps: list[Step]) -> None:
    found = folded(WITH_MONEY, History().live(steps).facts)
    assert len({sum(row.get("cost", 0) for row in rows.values()) for rows in found.values()}) == 1


@given(steps=STEPS)
def test_open_holds_are_what_the_ledger_holds(steps: list[Step]) -> None:
    history = History().live(steps)
    found = folded([OPERATIONS], history.facts)[OPERATIONS.name].values()
    for account, ledger in history.ledgers.items():
        if ledger.current is not None:
            usage = ledger.current.usage.get("account")
            period = ledger.current.period.start
            mine = [row for row in found if (row["account"], row["period_start"]) == (account, period)]
            assert sum(row.get("held", 0) for row in mine) == (usage.held.get("spend", 0) if usage else 0)


@given(steps=STEPS)
@example(steps=[("grant", 2, 1), ("ask", 2, 0), ("deliver", 0, 0)])
def test_a_prepaid_balance_is_explained_by_its_period(steps: list[Step]) -> None:
    history = History().live(steps)
    found, current = folded([PERIODS, OPERATIONS], history.facts), history.ledgers["coin"].current
    if current is None:
        return
    totals = found[PERIODS.name]["coin", current.period.start, current.period.end]
    into = sum(totals.get(name, 0) for name in ("carried", "credits", "returned"))
    rows = found[OPERATIONS.name].values()
    mine = [row for row in rows if (row["account"], row["period_start"]) == ("coin", current.period.start)]
    held = sum(row["held"] - (row.get("drawn") or 0) for row in mine if row.get("held"))  # else it is drawn of a charge
    plans = totals.get("subscriptions", 0) - totals.get("covered", 0)
    assert current.balance == into - totals.get("price", 0) - plans - held


@given(steps=STEPS)
def test_every_amount_is_a_whole_number_and_every_name_a_column(steps: list[Step]) -> None:
    for view in ALL:
        for row in folded([view], History().live(steps).facts)[view.name].values():
            assert {type(value) for value in row.values()} <= {int, str, type(None)}
            assert set(row) <= {*view.named(Role.SUM, Role.FIRST, Role.NOTE)}


@pytest.mark.parametrize(("view", "fact"), [(view, fact) for view in ALL for fact in view.changes])
def test_a_change_is_handed_what_it_reads_under_the_domains_names_and_types(view: AnyView, fact: type[Any]) -> None:
    """A name that the domain does not have is refused; one that a change reads without saying so, stops its view."""
    example = next(one for one in EXAMPLES if type(one) is fact)
    read = decoder(fact, view.changes[fact].names)(CODEC.encode(example)[1])
    for path in view.changes[fact].names:
        here, whole = read, example
        for name in path.split("."):
            here, whole = getattr(here, name), getattr(whole, name)
        assert msgspec.to_builtins(here) == msgspec.to_builtins(whole), path
    assert view.changes[fact].of(read) == view.changes[fact].of(example)


@given(steps=STEPS)
@example(steps=[("grant", 2, 1), *[("ask", 2, 0), ("deliver", 0, 0)] * 3])
def test_facts_that_are_folded_together_come_to_what_they_come_to_one_by_one(steps: list[Step]) -> None:
    facts = History().live(steps).facts
    folder = Folder(ALL, CODEC)
    alone = folder.empty()
    for row in stored(facts):
        folder.fold([row], alone)
    assert folded(ALL, facts) == alone


def test_of_alike_facts_with_others_between_them_the_last_note_stays() -> None:
    euros = [replace(CHARGED, cost_currency=currency) for currency in ("EUR", "GBP", "EUR")]
    row = only(PERIODS, euros)
    assert (row["charged"], row["price"], row["cost_currency"]) == (3, 3 * CHARGED.price, "EUR")


TIMED = [(view, fact) for view in ALL if view.totals for fact, read in view.changes.items() if AT in read.names]


@pytest.mark.parametrize(("view", "fact"), TIMED)
def test_totals_tell_no_more_of_an_instant_than_its_quarter_of_an_hour(view: AnyView, fact: type[Any]) -> None:
    example = next(one for one in EXAMPLES if type(one) is fact)
    quarter = example.at - example.at % QUARTER
    first, last, next_one = (replace(example, at=at) for at in (quarter, quarter + QUARTER - 1, quarter + QUARTER))
    names = view.changes[fact].names
    assert view.changes[fact].of(first) == view.changes[fact].of(last)
    assert signature(fact, names)(first) == signature(fact, names)(last) != signature(fact, names)(next_one)


def test_a_view_of_totals_keeps_no_first_notes() -> None:
    assert [view.name for view in ALL if view.totals and view.firsts] == []


def test_a_name_that_a_fact_does_not_have_cannot_be_read() -> None:
    for name in ("tip", "operation.tip"):
        with pytest.raises(TypeError, match="has no tip"):
            shape_of(Charged, frozenset({"price", name}))


def test_what_nobody_reads_is_not_decoded() -> None:
    shape = shape_of(Charged, frozenset({"operation.id", "price"}))
    assert [field.name for field in msgspec.structs.fields(shape)] == ["operation", "price"]


# Approvals


def test_what_is_asked_again_waits_again() -> None:
    given = ApprovalGiven("acme", NOON + 1, APRIL, "quote_1")
    again = replace(WAITING, at=NOON + 2, price=2 * CENT)
    [found] = folded([APPROVALS], [WAITING, given])[APPROVALS.name].values()
    assert (found["given"], found["price"]) == (NOON + 1, CENT)
    [found] = folded([APPROVALS], [WAITING, given, again])[APPROVALS.name].values()
    assert (found["given"], found["price"], found["asked"]) == (None, 2 * CENT, NOON + 2)
