"""What a key may not spend by itself waits for a person: nothing is held before, and once after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.account import LimitChanged
from domain.admission import AS_HELD, Leeway, accept, needs_approval, reroute
from domain.approvals import Approval, ApprovalAsked, ApprovalGiven, ApprovalNeeded, UnknownQuote
from domain.approving import VALID, ask_approval, give_approval
from domain.errors import Forbidden, InvalidInput, KeyReused
from domain.keys import KeyIssued, KeyScope, KeyTerms
from domain.ledger import Ledger
from domain.operation import Rejected, Rerouted, Validated
from domain.refusals import Unapproved
from domain.settlement import dispatch
from tests.domain.examples import (
    APRIL,
    BILLED,
    CENT,
    IN_MAY,
    LATER,
    NOON,
    UNKNOWN_PRICE,
    after,
    ask,
    in_may,
    priced,
    recorded,
)

KEY, ADMIN, QUOTE_ID = "key_7hq2m9x4ka", "key_0000000000", "quote_1"
TERMS = KeyTerms((KeyScope.OPERATE,), approve_above=4 * CENT)
ISSUED = KeyIssued("acme", NOON, KEY, "3c" * 32, "0badcafe", TERMS)
DEAR = priced(5 * CENT, 1)
WANTED = Unapproved(
    api_key=KEY, kind="text_to_image", outputs=1, model=DEAR.model, price=5 * CENT, currency="USD", above=4 * CENT
)
ASKED = ApprovalAsked(
    "acme", NOON, APRIL, QUOTE_ID, KEY, "digest", "text_to_image", 1, DEAR.model, 5 * CENT, "USD", NOON + VALID
)
GIVEN = ApprovalGiven("acme", LATER, APRIL, QUOTE_ID)
TOO_LATE = NOON + VALID


def asked(id: str = "op-1", **changes: Any) -> Any:
    """By the key, for the account itself."""
    return ask(id, **{"api_key": KEY, "user": "acme", "project": None, "quote": DEAR, **changes})


def named(id: str = "op-1", **changes: Any) -> Any:
    """The same, naming the quote."""
    return replace(asked(id, **changes), quote=QUOTE_ID)


def ledger_with(*facts: ApprovalAsked | ApprovalGiven, terms: KeyTerms = TERMS) -> Ledger:
    """A ledger whose evidence is the approval that the facts lead to."""
    ledger = recorded(BILLED, replace(ISSUED, terms=terms))
    ledger.evidence.approvals[QUOTE_ID] = None
    return after(ledger, facts)


# What the ledger decides about a request


@pytest.mark.parametrize(
    ("quote", "known", "price"), [(DEAR, True, 5 * CENT), (UNKNOWN_PRICE, False, CENT)], ids=["dear", "not known"]
)
def test_what_a_key_may_not_spend_by_itself_is_not_held(quote: Any, known: bool, price: int) -> None:
    unpriced = LimitChanged("acme", NOON, "account", "unpriced", CENT, inherited=False)
    ledger = recorded(BILLED, ISSUED, unpriced)
    with pytest.raises(ApprovalNeeded, match=r"needs approval above 0\.04 USD") as refused:
        accept(ledger, asked(quote=quote), NOON)
    waiting = refused.value.waiting
    assert (waiting.price, waiting.known, waiting.above, waiting.quote) == (price, known, 4 * CENT, "")
    assert needs_approval(ledger, asked(quote=quote), [priced(price, rate=None if not known else DEAR.rate)])


@pytest.mark.parametrize(
    ("terms", "changes"),
    [
        (TERMS, {"quote": priced(4 * CENT)}),
        (replace(TERMS, approve_above=None), {}),
        (TERMS, {"api_key": None}),
    ],
    ids=["just so much", "no such terms", "no key"],
)
def test_what_it_may_spend_goes_through(terms: KeyTerms, changes: dict[str, Any]) -> None:
    facts = accept(ledger_with(terms=terms), asked(**changes), NOON)
    assert isinstance(facts[1], Validated)


def test_the_price_of_all_that_is_asked_at_once_counts() -> None:
    wanted = replace(asked(quote=priced(3 * CENT)), operations=("a", "b"), quotes=(priced(3 * CENT),) * 2)
    with pytest.raises(ApprovalNeeded, match=r"costs 0\.06 USD"):
        accept(ledger_with(), wanted, NOON)


def test_a_limit_refuses_before_anybody_is_asked() -> None:
    limit = LimitChanged("acme", NOON, f"key:{KEY}", "spend", CENT, inherited=False)
    *_, rejected = accept(recorded(BILLED, ISSUED, limit), asked(), NOON)
    assert isinstance(rejected, Rejected)


def test_what_is_approved_is_held_by_the_key_that_asked_at_that_price_in_time() -> None:
    assert isinstance(accept(ledger_with(ASKED, GIVEN), named(), LATER)[1], Validated)
    for wanted in (named(quote=priced(6 * CENT)), asked()):
        with pytest.raises(ApprovalNeeded):
            accept(ledger_with(ASKED, GIVEN), wanted, LATER)
    with pytest.raises(ApprovalNeeded) as refused:
        accept(ledger_with(ASKED), named(), LATER)
    assert (refused.value.waiting.quote, refused.value.waiting.expires) == (QUOTE_ID, TOO_LATE)
    other = recorded(BILLED, ISSUED, replace(ISSUED, key=ADMIN))
    other.evidence.approvals[QUOTE_ID] = Approval(ASKED, LATER)
    with pytest.raises(ApprovalNeeded):
        accept(other, named(api_key=ADMIN), LATER)
    with pytest.raises(InvalidInput, match="does not hold any more"):
        accept(ledger_with(ASKED, GIVEN), named(), TOO_LATE)


@pytest.mark.parametrize(("terms", "falls_back"), [(TERMS, False), (replace(TERMS, approve_above=None), True)])
def test_a_key_that_does_not_decide_alone_falls_back_to_nothing_dearer(terms: KeyTerms, falls_back: bool) -> None:
    ledger = ledger_with(terms=terms)
    after(ledger, accept(ledger, asked(quote=priced(3 * CENT), sender=None), NOON))
    after(ledger, dispatch(ledger, "op-1", 1, "desk-1", NOON))
    spare = priced(4 * CENT, model="spare")
    facts = reroute(ledger, "op-1", spare, "blocked", 2, "desk-1", LATER, replace(AS_HELD, most=9 * CENT))
    assert isinstance(facts[0], Rerouted) is falls_back
    again = ledger_with(terms=terms)
    after(again, accept(again, asked(quote=priced(3 * CENT)), NOON))
    assert isinstance(reroute(again, "op-1", priced(3 * CENT), "blocked", 2, "desk-1", LATER, Leeway())[0], Rerouted)


# Asking and giving


def test_what_needs_approval_waits_once() -> None:
    ledger = ledger_with()
    facts = ask_approval(ledger, "acme", WANTED, QUOTE_ID, "digest", NOON)
    assert facts == [ASKED]
    after(ledger, facts)
    assert ledger.evidence.approvals[QUOTE_ID] == Approval(ASKED)
    assert ask_approval(ledger, "acme", WANTED, QUOTE_ID, "digest", LATER) == []
    assert ask_approval(ledger_with(ASKED, GIVEN), "acme", WANTED, QUOTE_ID, "digest", LATER) == []
    with pytest.raises(KeyReused, match="another request"):
        ask_approval(ledger, "acme", WANTED, QUOTE_ID, "other", LATER)


@pytest.mark.parametrize(
    ("facts", "wanted", "now"),
    [
        ((ASKED,), replace(WANTED, price=6 * CENT), LATER),
        ((ASKED, GIVEN), replace(WANTED, model="other"), LATER),
        ((ASKED, GIVEN), WANTED, TOO_LATE),
    ],
    ids=["another price", "another model", "too late"],
)
def test_another_price_or_model_and_what_is_over_wait_anew(facts: Any, wanted: Unapproved, now: int) -> None:
    ledger = ledger_with(*facts)
    found = ask_approval(ledger, "acme", wanted, QUOTE_ID, "digest", now)
    assert [(type(one), one.price, one.model) for one in found if isinstance(one, ApprovalAsked)] == [
        (ApprovalAsked, wanted.price, wanted.model)
    ]
    after(ledger, found)
    approval = ledger.evidence.approvals[QUOTE_ID]
    assert approval is not None
    assert approval.given is None


def test_an_approval_is_given_once_by_another_key_or_a_person() -> None:
    for approver in (None, ADMIN):
        ledger = ledger_with(ASKED)
        facts = give_approval(ledger, "acme", QUOTE_ID, approver, LATER, reason="a campaign")
        assert facts == [replace(GIVEN, reason="a campaign")]
        after(ledger, facts)
        assert give_approval(ledger, "acme", QUOTE_ID, approver, TOO_LATE) == []


def test_a_key_never_approves_what_it_asked_for_but_the_person_before_its_client_may() -> None:
    with pytest.raises(Forbidden, match="does not approve that itself"):
        give_approval(ledger_with(ASKED), "acme", QUOTE_ID, KEY, LATER)
    with pytest.raises(Forbidden, match="does not let the person before its client"):
        give_approval(ledger_with(ASKED), "acme", QUOTE_ID, KEY, LATER, in_client=True)
    lets = replace(TERMS, approve_in_client=True)
    with pytest.raises(Forbidden, match="does not approve that itself"):
        give_approval(ledger_with(ASKED, terms=lets), "acme", QUOTE_ID, KEY, LATER)
    facts = give_approval(ledger_with(ASKED, terms=lets), "acme", QUOTE_ID, KEY, LATER, in_client=True)
    assert facts == [replace(GIVEN, in_client=True)]


def test_what_nobody_asked_for_or_is_over_cannot_be_approved() -> None:
    with pytest.raises(UnknownQuote, match="no quote 'quote_1'"):
        give_approval(ledger_with(), "acme", QUOTE_ID, None, LATER)
    with pytest.raises(InvalidInput, match="does not hold any more"):
        give_approval(ledger_with(ASKED), "acme", QUOTE_ID, None, TOO_LATE)


def test_an_approval_is_recorded_in_the_period_in_which_it_is_given() -> None:
    ledger = ledger_with(replace(ASKED, expires=IN_MAY + 1))
    facts = give_approval(ledger, "acme", QUOTE_ID, None, IN_MAY)
    assert [facts[0], facts[-1]] == [in_may(), replace(GIVEN, at=IN_MAY, period=in_may().period)]
