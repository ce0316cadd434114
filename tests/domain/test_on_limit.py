"""A cheaper model does what would pass a limit of money, if the account's terms say so and it fits itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.account import OnLimitChanged
from domain.admission import accept, answer_now, refusal_now
from domain.ledger import Fact, known_account
from domain.operation import Dispatched, Held, Rejected, Requested, Substituted, Validated
from domain.settlement import complete
from domain.terms import change_on_limit
from tests.domain.examples import (
    BILLED,
    CENT,
    DOLLAR,
    IMAGE,
    LATER,
    NOON,
    PREPAID,
    UNLIMITED,
    after,
    ask,
    limited,
    priced,
    recorded,
)

CHEAPER = OnLimitChanged("acme", NOON, "sketcher")
DEAR, CHEAP = priced(40 * CENT, 1), priced(5 * CENT, 1, model="sketcher", provider="yard")
WISH = ask("op-2", quote=DEAR, instead=(CHEAP,))
A_DIME_A_DAY = limited("spend", 10 * CENT, window="day")


def kinds(facts: list[Fact]) -> list[type[Fact]]:
    return [type(fact) for fact in facts]


def test_it_is_done_by_the_cheaper_model_and_the_fact_says_what_was_asked_and_why() -> None:
    ledger = recorded(UNLIMITED, A_DIME_A_DAY, CHEAPER)
    facts = accept(ledger, WISH, NOON)

    assert kinds(facts)[1:] == [Requested, Substituted, Validated, Dispatched]
    requested, substituted, validated = facts[1:4]
    assert isinstance(requested, Requested)
    assert (requested.operation.model, requested.operation.provider) == ("sketcher", "yard")
    why = ("limit", "account", "spend", "day", 10 * CENT, 10 * CENT)
    assert substituted == Substituted(requested.operation, NOON, "painter", "atelier", 40 * CENT, "USD", *why)
    assert isinstance(validated, Validated)
    assert validated.quote == CHEAP

    after(ledger, facts)
    after(ledger, complete(ledger, "op-2", (IMAGE,), None, LATER))
    assert ledger.current is not None
    assert ledger.current.usage["account"].posted["spend"] == 5 * CENT


def test_what_fits_is_done_as_it_was_asked() -> None:
    ledger = recorded(UNLIMITED, limited("spend", DOLLAR), CHEAPER)

    assert Substituted not in kinds(accept(ledger, WISH, NOON))


def test_a_whole_batch_is_done_by_the_cheaper_model_or_none_of_it() -> None:
    ledger = recorded(UNLIMITED, A_DIME_A_DAY, CHEAPER)
    two = ask("a", "b", quote=DEAR, instead=(CHEAP, CHEAP))
    three = ask("a", "b", "c", quote=DEAR, instead=(CHEAP, CHEAP, CHEAP))

    assert kinds(accept(ledger, two, NOON)).count(Substituted) == 2
    refused = accept(ledger, three, NOON)
    assert kinds(refused).count(Rejected) == 3
    assert {fact.operation.model for fact in refused if isinstance(fact, Rejected)} == {"painter"}


def test_a_prepaid_balance_is_stretched_the_same_way() -> None:
    ledger = recorded(PREPAID, CHEAPER)
    facts = accept(ledger, ask("op-2", quote=priced(2 * DOLLAR), instead=(CHEAP,)), NOON)

    assert [fact.reason for fact in facts if isinstance(fact, Substituted)] == ["balance"]


NOT_DONE = {
    "the terms do not say so": ((A_DIME_A_DAY,), WISH),
    "the terms name another by now": ((A_DIME_A_DAY, replace(CHEAPER, model="etcher")), WISH),
    "the terms were taken back": ((A_DIME_A_DAY, CHEAPER, replace(CHEAPER, model="")), WISH),
    "the request would rather be refused": ((A_DIME_A_DAY, CHEAPER), replace(WISH, instead=())),
    "it does not fit either": ((limited("spend", CENT), CHEAPER), WISH),
    "its class is not allowed": (
        (A_DIME_A_DAY, CHEAPER),
        replace(WISH, instead=(replace(CHEAP, model_class="stand-in"),)),
    ),
    "outputs are what is limited": ((limited("images", 0), CHEAPER), WISH),
    "outputs are limited too": ((A_DIME_A_DAY, limited("images", 0, window="life"), CHEAPER), WISH),
}


@pytest.mark.parametrize("why", NOT_DONE)
def test_it_is_refused_as_before_if(why: str) -> None:
    terms, wish = NOT_DONE[why]
    ledger = recorded(UNLIMITED, terms)
    facts = accept(ledger, wish, NOON)

    assert Substituted not in kinds(facts)
    assert kinds(facts)[-1] is Rejected
    assert refusal_now(ledger, wish, NOON) is not None


def test_an_estimate_says_which_model_would_do_it() -> None:
    found = answer_now(recorded(UNLIMITED, A_DIME_A_DAY, CHEAPER), WISH, NOON)

    assert (found.quotes, found.refusal, found.asked) == ((CHEAP,), None, (DEAR,))
    assert found.why is not None
    assert (found.why.measure, found.why.window) == ("spend", "day")


def test_what_is_held_by_it_is_remembered_like_any_other() -> None:
    ledger = recorded(UNLIMITED, A_DIME_A_DAY, CHEAPER)
    facts = accept(ledger, replace(WISH, sender=None), NOON)
    after(ledger, facts)

    [operation] = {fact.operation for fact in facts if isinstance(fact, Validated)}
    assert ledger.look_up("op-2") == Held(operation, CHEAP, 0, NOON)
    assert accept(ledger, WISH, LATER) == []


def test_the_terms_are_changed_once() -> None:
    account = known_account(recorded(BILLED), "acme")
    facts = change_on_limit(account, "sketcher", NOON, "a campaign")

    assert facts == [OnLimitChanged("acme", NOON, "sketcher", "a campaign")]
    assert change_on_limit(known_account(recorded(BILLED, facts), "acme"), "sketcher", NOON) == []
    assert change_on_limit(account, "", NOON) == []
