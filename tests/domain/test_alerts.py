"""Alerts as pure decisions: set, removed, and a threshold told once a span, which may lock the account."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.account import AccountSuspended, LimitChanged
from domain.alerting import AlertTerms, Crossing, added_by, has_reached, raise_alert, remove_alert, set_alert, value_of
from domain.alerts import Alert, AlertRaised, AlertRemoved, AlertSet, Threshold, UnknownAlert, alarm_name, alert_id
from domain.errors import InvalidInput
from domain.ledger import Ledger
from domain.operation import CANCELLED
from tests.domain.examples import APRIL, BILLED, CENT, CHARGED, LATER, NOON, RELEASED, after, recorded

TERMS = AlertTerms(shares=(80, 100), amounts=(25 * CENT,), locks=True)
ID = alert_id("account", "spend", "period")
SET = AlertSet("acme", NOON, ID, "account", "spend", "period", (80, 100), (25 * CENT,), locks=True)
CROSSING = Crossing(Threshold(share=100), APRIL, 7, NOON, 110 * CENT, 100 * CENT)


def with_alert(*facts: Any) -> Ledger:
    return recorded(BILLED, (SET, *facts))


def told(ledger: Ledger, crossing: Crossing = CROSSING, *, raised: bool = False) -> list[Any]:
    ledger.evidence.alarms[alarm_name("acme", ID, crossing.span.start, crossing.threshold.name)] = raised
    return raise_alert(ledger, "acme", ID, crossing, LATER)


def test_an_alert_is_set_once_and_set_again_with_other_thresholds() -> None:
    account = recorded(BILLED).account
    assert account is not None
    assert set_alert(account, TERMS, NOON) == [SET]
    known = with_alert().account
    assert known is not None
    assert set_alert(known, replace(TERMS, shares=(100, 80, 80)), NOON) == []
    assert set_alert(known, replace(TERMS, locks=False), NOON) == [replace(SET, locks=False)]


def test_an_alert_is_removed_once() -> None:
    known = with_alert().account
    assert known is not None
    assert remove_alert(known, ID, NOON, "over") == [AlertRemoved("acme", NOON, ID, "over")]
    gone = with_alert(AlertRemoved("acme", NOON, ID)).account
    assert gone is not None
    with pytest.raises(UnknownAlert):
        remove_alert(gone, ID, NOON)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (AlertTerms(), "at"),
        (AlertTerms(shares=(0,)), "at"),
        (AlertTerms(shares=(1_001,)), "at"),
        (AlertTerms(amounts=(0,)), "at"),
        (AlertTerms(amounts=tuple(range(1, 12))), "at"),
        (AlertTerms(shares=(80,), measure="cost"), "at"),
        (AlertTerms(amounts=(5,), measure="failure_rate"), "at"),
        (AlertTerms(shares=(80,), measure="beauty"), "measure"),
        (AlertTerms(shares=(80,), window="life"), "window"),
        (AlertTerms(shares=(80,), scope="team:a"), "scope"),
        (AlertTerms(shares=(80,), scope="user:"), "scope"),
    ],
)
def test_terms_that_make_no_alert_are_refused_by_their_field(terms: AlertTerms, field: str) -> None:
    account = recorded(BILLED).account
    assert account is not None
    with pytest.raises(InvalidInput) as refused:
        set_alert(account, terms, NOON)
    assert refused.value.field == field


def test_a_threshold_is_told_with_its_figures_and_the_highest_locks_the_account() -> None:
    raised = AlertRaised(
        *("acme", LATER, ID, "account", "spend", "period", APRIL.start, APRIL.end),
        *("100%", 110 * CENT, 100 * CENT, "USD", NOON, 7, True),
    )
    locked = AccountSuspended("acme", LATER, f"alert {ID} reached 100%")
    assert told(with_alert()) == [raised, locked]
    lower = replace(CROSSING, threshold=Threshold(share=80))
    assert told(with_alert(), lower) == [replace(raised, threshold="80%", locked=False)]


def test_a_threshold_that_was_told_is_not_told_again_and_a_told_one_is_known_to_the_next_decision() -> None:
    assert told(with_alert(), raised=True) == []
    ledger = with_alert()
    after(ledger, told(ledger))
    assert raise_alert(ledger, "acme", ID, CROSSING, LATER) == []
    assert ledger.account is not None
    assert ledger.account.alerts[ID].raised is not None


def test_an_account_that_is_suspended_already_is_not_suspended_again() -> None:
    [raised] = told(with_alert(AccountSuspended("acme", NOON, "an invoice")))
    assert (raised.locked, raised.threshold) == (False, "100%")


def test_an_alert_or_a_threshold_that_is_no_more_is_not_told() -> None:
    assert told(with_alert(AlertRemoved("acme", NOON, ID))) == []
    assert told(with_alert(replace(SET, shares=(90,)))) == []


def test_a_share_of_no_limit_is_never_reached_and_a_rate_needs_enough_that_ended() -> None:
    alert = Alert(ID, "account", "spend", "period", (80,), (), locks=False, since=NOON)
    assert not has_reached(alert, Threshold(share=80), 10**12, None)
    assert has_reached(alert, Threshold(share=80), 80, 100)
    assert not has_reached(alert, Threshold(share=80), 79, 100)
    assert value_of("failure_rate", {"failed": 10, "charged": 9}) is None
    assert value_of("failure_rate", {"failed": 5, "charged": 15}) == 25


def test_a_fact_counts_in_its_scopes_and_what_was_cancelled_did_not_fail() -> None:
    assert added_by(CHARGED, "user:ann") == added_by(CHARGED, "account")
    assert added_by(CHARGED, "user:bob") == {}
    assert added_by(RELEASED, "account")["failed"] == 1
    assert added_by(replace(RELEASED, reason=CANCELLED), "account")["failed"] == 0
    assert added_by(LimitChanged("acme", NOON, "account", "spend", 1, inherited=False), "account") == {}
