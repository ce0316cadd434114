"""API keys: issued once, changed until they are revoked, and asked under the lock whether they may ask."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.account import Account, AccountClosed, AccountFact, LimitChanged, evolve
from domain.actor import Actor, ActorKind, actor
from domain.admission import accept
from domain.authority import KeyHolder
from domain.counting import left_of
from domain.errors import Forbidden, IllegalTransition, InvalidInput, Unauthenticated, UnknownAccount, UnknownApiKey
from domain.issuing import MOST_KEYS, SealedKey, change_key, check_key, issue_key, open_studios_account, revoke_key
from domain.keys import STUDIO, KeyChanged, KeyIssued, KeyRevoked, KeyScope, KeyTerms
from domain.keytext import ALPHABET, id_in, mint, sealed
from domain.limiting import change_limit
from domain.operation import Charged, Rejected, Requested, Validated
from domain.plans import MEASURES
from domain.settlement import complete
from tests.domain.examples import APRIL_BOOK, BILLED, CENT, IMAGE, LATER, NOON, OPENED, after, ask, priced, recorded

KEY = SealedKey("key_7hq2m9x4ka", "3c" * 32, "0badcafe")
OTHER = replace(KEY, id="key_0000000000", digest="4d" * 32)
OPERATE = KeyTerms((KeyScope.OPERATE,))
ISSUED = KeyIssued("acme", NOON, KEY.id, KEY.digest, KEY.pepper, OPERATE)
REVOKED = KeyRevoked("acme", LATER, KEY.id)


def account(*facts: AccountFact) -> Account:
    known = evolve(None, OPENED)
    for fact in facts:
        known = evolve(known, fact)
    return known


def asked(*ids: str, **changes: Any) -> Any:
    """By the key, for the account itself."""
    return ask(*ids, **{"api_key": KEY.id, "user": "acme", "project": None, **changes})


# Its text


@given(noise=st.binary(min_size=32, max_size=32))
def test_a_secret_names_its_key_and_is_known_by_its_form(noise: bytes) -> None:
    made = mint(noise)
    assert id_in(made.secret) == made.id
    assert made.secret not in repr(made)
    assert (len(made.id), len(made.secret)) == (14, 52)


@given(noise=st.binary(min_size=32, max_size=32), place=st.integers(4, 51), sign=st.sampled_from(ALPHABET))
def test_a_secret_with_one_sign_wrong_is_none(noise: bytes, place: int, sign: str) -> None:
    secret = mint(noise).secret
    wrong = f"{secret[:place]}{sign}{secret[place + 1 :]}"
    assert (id_in(wrong) is None) == (wrong != secret)


@pytest.mark.parametrize("text", ["", "isk_", "sk-abc", None, 7, "isk_" + "0" * 48, " ", "isk_" + "i" * 48])
def test_what_is_not_a_secret_names_no_key(text: object) -> None:
    assert id_in(text) is None


def test_a_secret_is_kept_under_a_pepper() -> None:
    secret = mint(bytes(range(32))).secret
    assert sealed(secret, b"one") != sealed(secret, b"two")
    assert secret not in sealed(secret, b"one")


# Decisions


def test_a_key_is_issued_once() -> None:
    facts = issue_key(account(), KEY, OPERATE, NOON)
    assert facts == [ISSUED]
    assert issue_key(account(*facts), KEY, OPERATE, LATER) == []


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (KeyTerms(()), "scope"),
        (KeyTerms((KeyScope.READ, KeyScope.READ)), "scope"),
        (KeyTerms(("fly",)), "scope"),  # type: ignore[arg-type]
        (replace(OPERATE, user="an n"), "user"),
        (replace(OPERATE, project=""), "project"),
        (replace(OPERATE, user="ann", forwards=True), "user"),
        (replace(OPERATE, expires=NOON), "expires"),
        (replace(OPERATE, expires="tomorrow"), "expires"),  # type: ignore[arg-type]
        (replace(OPERATE, approve_above=-1), "approve_above"),
        (replace(OPERATE, per_minute=0), "per_minute"),
        (replace(OPERATE, per_minute=True), "per_minute"),
        (replace(OPERATE, forwards="yes"), "forwards"),  # type: ignore[arg-type]
    ],
)
def test_terms_that_cannot_be_are_not_recorded(terms: KeyTerms, field: str) -> None:
    with pytest.raises(InvalidInput) as error:
        issue_key(account(), KEY, terms, NOON)
    assert error.value.field == field
    with pytest.raises(InvalidInput):
        change_key(account(ISSUED), KEY.id, terms, NOON)


def test_an_account_gets_no_more_keys_than_fit_into_memory() -> None:
    many = {f"key_{number:010}": account(ISSUED).keys[KEY.id] for number in range(MOST_KEYS)}
    full = replace(account(), keys=many)
    with pytest.raises(InvalidInput, match="2,000"):
        issue_key(full, KEY, OPERATE, NOON)
    assert issue_key(replace(full, keys=dict([*many.items()][1:])), KEY, OPERATE, NOON) == [ISSUED]


def test_a_closed_account_gets_no_key_and_its_keys_can_be_revoked() -> None:
    closed = account(ISSUED, AccountClosed("acme", NOON, "the contract ended"))
    with pytest.raises(InvalidInput):
        issue_key(closed, OTHER, OPERATE, LATER)
    assert revoke_key(closed, KEY.id, LATER) == [REVOKED]


def test_a_key_is_changed_as_a_whole_and_not_without_a_change() -> None:
    terms = KeyTerms((KeyScope.READ,), user="ann")
    facts = change_key(account(ISSUED), KEY.id, terms, LATER, "ticket 1")
    assert facts == [KeyChanged("acme", LATER, KEY.id, terms, "ticket 1")]
    changed = account(ISSUED, *facts)
    assert change_key(changed, KEY.id, terms, LATER) == []
    assert (changed.keys[KEY.id].terms, changed.keys[KEY.id].digest) == (terms, KEY.digest)


def test_a_key_is_revoked_once_and_for_ever() -> None:
    revoked = account(ISSUED, *revoke_key(account(ISSUED), KEY.id, LATER))
    assert revoke_key(revoked, KEY.id, LATER) == []
    assert issue_key(revoked, KEY, OPERATE, LATER) == []
    with pytest.raises(IllegalTransition):
        change_key(revoked, KEY.id, KeyTerms((KeyScope.READ,)), LATER)


def test_no_key_of_another_account_can_be_changed_revoked_or_limited() -> None:
    with pytest.raises(UnknownApiKey):
        change_key(account(), KEY.id, OPERATE, NOON)
    with pytest.raises(UnknownApiKey):
        revoke_key(account(), KEY.id, NOON)
    with pytest.raises(UnknownApiKey):
        change_limit(account(), f"key:{KEY.id}", "spend", 1, NOON)


def test_the_studios_own_account_pays_for_nothing() -> None:
    [opened] = open_studios_account(None, "USD", NOON)
    studio = evolve(None, opened)
    assert open_studios_account(studio, "USD", LATER) == []
    assert studio.in_force["account"] == dict.fromkeys(MEASURES, 0)
    with pytest.raises(InvalidInput):
        issue_key(studio, KEY, OPERATE, NOON)
    assert issue_key(studio, KEY, KeyTerms((KeyScope.ADMIN,)), NOON)


# Under the lock


def test_what_a_key_asks_names_it_in_every_fact() -> None:
    facts = accept(recorded(BILLED, ISSUED), asked(), NOON)
    assert [type(fact) for fact in facts][:2] == [Requested, Validated]
    assert {fact.operation.api_key for fact in facts} == {KEY.id}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "facts",
    [
        (),
        (replace(ISSUED, key=OTHER.id),),
        (ISSUED, replace(REVOKED, at=NOON)),
        (replace(ISSUED, terms=replace(OPERATE, expires=LATER)),),
    ],
    ids=["none", "another's", "revoked", "expired"],
)
def test_a_key_that_opens_nothing_asks_for_nothing(facts: tuple[AccountFact, ...]) -> None:
    with pytest.raises(Unauthenticated):
        accept(recorded(BILLED, facts), asked(), LATER)


@pytest.mark.parametrize(
    ("terms", "user", "project", "allowed"),
    [
        (OPERATE, "acme", None, True),
        (OPERATE, "acme", "site", True),
        (OPERATE, "ann", None, False),
        (replace(OPERATE, forwards=True), "ann", None, True),
        (replace(OPERATE, user="ann"), "ann", None, True),
        (replace(OPERATE, user="ann"), "bob", None, False),
        (replace(OPERATE, user="ann"), "acme", None, False),
        (replace(OPERATE, project="site"), "acme", "site", True),
        (replace(OPERATE, project="site"), "acme", "shop", False),
        (replace(OPERATE, project="site"), "acme", None, False),
        (KeyTerms((KeyScope.READ,)), "acme", None, False),
        (KeyTerms((KeyScope.ADMIN,)), "acme", None, False),
        (KeyTerms((KeyScope.ADMIN, KeyScope.OPERATE)), "acme", None, True),
    ],
)
def test_a_key_asks_for_those_whom_its_terms_name(
    terms: KeyTerms, user: str, project: str | None, allowed: bool
) -> None:
    known = account(replace(ISSUED, terms=terms))
    if allowed:
        check_key(known, KEY.id, user, project, NOON)
    else:
        with pytest.raises(Forbidden):
            check_key(known, KEY.id, user, project, NOON)


def test_the_limit_of_a_key_counts_what_it_holds_and_what_it_was_charged() -> None:
    limit = change_limit(account(ISSUED), f"key:{KEY.id}", "spend", 10 * CENT, NOON)
    ledger = recorded(OPENED, ISSUED, limit, APRIL_BOOK)
    after(ledger, accept(ledger, asked("op-1", quote=priced(4 * CENT)), NOON))
    after(ledger, complete(ledger, "op-1", (IMAGE,), None, NOON))
    after(ledger, accept(ledger, asked("op-2", quote=priced(4 * CENT)), NOON))
    assert left_of(ledger, "acme", None, NOON, KEY.id)["spend"] == 2 * CENT
    *_, rejected = accept(ledger, asked("op-3", quote=priced(4 * CENT)), NOON)
    assert isinstance(rejected, Rejected)
    assert (rejected.scope, rejected.measure, rejected.limit) == (f"key:{KEY.id}", "spend", 10 * CENT)
    assert (rejected.used, rejected.held, rejected.left) == (4 * CENT, 4 * CENT, 2 * CENT)
    others = accept(ledger, ask("op-4", quote=priced(4 * CENT), user="acme", project=None), NOON)
    assert isinstance(others[1], Validated)


def test_a_limit_of_another_key_does_not_matter() -> None:
    other = replace(ISSUED, key=OTHER.id)
    limit = LimitChanged("acme", NOON, f"key:{OTHER.id}", "spend", 0, inherited=False)
    facts = accept(recorded(BILLED, ISSUED, other, limit), asked(), NOON)
    assert isinstance(facts[1], Validated)


def test_a_repeat_of_the_same_append_is_answered_although_the_key_was_revoked_since() -> None:
    ledger = recorded(BILLED, ISSUED)
    after(ledger, [*accept(ledger, asked(), NOON), REVOKED])
    assert accept(ledger, asked(), LATER) == []


def test_what_is_charged_later_names_the_key_too() -> None:
    ledger = recorded(BILLED, ISSUED)
    after(ledger, accept(ledger, asked("op-1", quote=priced(4 * CENT)), NOON))
    *_, charged = complete(ledger, "op-1", (IMAGE,), None, LATER)
    assert isinstance(charged, Charged)
    assert charged.operation.api_key == KEY.id


# Whoever shows it


def test_a_holder_acts_for_its_account_alone() -> None:
    holder = KeyHolder("acme", KEY.id, OPERATE)
    assert holder.account_for() == holder.account_for("acme") == "acme"
    with pytest.raises(UnknownAccount):
        holder.account_for("beta")
    with pytest.raises(Forbidden):
        holder.require_studio()
    assert holder.actor == Actor(ActorKind.KEY, KEY.id) == actor(f"key:{KEY.id}")


def test_a_key_of_the_studio_acts_for_every_account_and_says_for_which() -> None:
    holder = KeyHolder(STUDIO, KEY.id, KeyTerms((KeyScope.ADMIN,)))
    holder.require_studio()
    assert holder.account_for("beta") == "beta"
    with pytest.raises(InvalidInput):
        holder.account_for()


@pytest.mark.parametrize("scope", KeyScope)
def test_a_holder_may_do_what_its_scopes_say_and_read(scope: KeyScope) -> None:
    holder = KeyHolder("acme", KEY.id, KeyTerms((scope,)))
    assert {one for one in KeyScope if holder.may(one)} == {scope, KeyScope.READ}
    for one in {*KeyScope} - {scope, KeyScope.READ}:
        with pytest.raises(Forbidden):
            holder.require(one)


def test_a_fixed_user_stays_and_one_who_is_named_counts_only_if_the_key_forwards() -> None:
    assert KeyHolder("acme", KEY.id, replace(OPERATE, user="ann")).user_for("bob") == "ann"
    assert KeyHolder("acme", KEY.id, OPERATE).user_for("bob") is None
    assert KeyHolder("acme", KEY.id, replace(OPERATE, forwards=True)).user_for("bob") == "bob"
    assert KeyHolder("acme", KEY.id, OPERATE).project_for("site") == "site"
    assert KeyHolder("acme", KEY.id, replace(OPERATE, project="shop")).project_for("site") == "shop"


@pytest.mark.parametrize(
    ("above", "price", "needed"),
    [(None, None, False), (None, 10**9, False), (CENT, CENT, False), (CENT, CENT + 1, True), (0, None, True)],
)
def test_a_price_above_an_amount_needs_approval_and_so_does_one_that_nobody_knows(
    above: int | None, price: int | None, needed: bool
) -> None:
    assert replace(OPERATE, approve_above=above).needs_approval(price) is needed
