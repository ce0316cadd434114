"""A file is brought into the library by one fact, and by none if people have brought it before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.account import AccountClosed, AccountSuspended
from domain.adding import NewAsset, add_asset
from domain.assets import NEVER_DECIDED, AssetAdded, AssetErased, AssetRestored, AssetTrashed
from domain.errors import IllegalTransition, InvalidInput, UnknownAccount
from domain.ledger import Fact, Ledger, PeriodOpened, evolve
from tests.domain.examples import APRIL, BILLED, IN_MAY, LATER, recorded

PICTURE = "5a" * 12
NEW = NewAsset(
    asset=PICTURE,
    user="ann",
    project=None,
    media_type="image/png",
    size=20_480,
    width=640,
    height=480,
    duration_ms=None,
    content=f"{PICTURE}:c1",
    digest="ef" * 32,
)
ADDED = AssetAdded(
    "acme", LATER, APRIL, PICTURE, "ann", None, "image/png", 20_480, 640, 480, None, f"{PICTURE}:c1", "ef" * 32
)
TRASHED = AssetTrashed("acme", LATER, APRIL, PICTURE, "blurred")
ERASED = AssetErased("acme", LATER, APRIL, PICTURE)


def ledger(*facts: Fact) -> Ledger:
    found = recorded(BILLED)
    found.evidence.assets[PICTURE] = NEVER_DECIDED
    for fact in facts:
        evolve(found, fact)
    return found


def test_a_file_is_added_once() -> None:
    assert add_asset(ledger(), "acme", NEW, LATER) == [ADDED]
    assert add_asset(ledger(ADDED), "acme", replace(NEW, content=f"{PICTURE}:c2"), LATER + 1) == []


def test_one_from_the_trash_is_restored_and_one_that_was_erased_is_added_again() -> None:
    again = AssetRestored("acme", LATER + 1, APRIL, PICTURE)
    assert add_asset(ledger(ADDED, TRASHED), "acme", NEW, LATER + 1) == [again]
    assert add_asset(ledger(ADDED, TRASHED, again), "acme", NEW, LATER + 2) == []
    assert add_asset(ledger(ADDED, ERASED), "acme", NEW, LATER + 1) == [replace(ADDED, at=LATER + 1)]


def test_one_that_only_operations_have_seen_is_added_so_that_it_stays_without_them() -> None:
    assert add_asset(ledger(TRASHED), "acme", NEW, LATER) == [ADDED]


def test_a_new_period_is_opened_first() -> None:
    opened, added = add_asset(ledger(), "acme", NEW, IN_MAY)
    assert (type(opened), type(added)) == (PeriodOpened, AssetAdded)


@pytest.mark.parametrize("closing", [AccountSuspended, AccountClosed])
def test_nothing_is_brought_to_an_account_that_may_ask_for_nothing(
    closing: type[AccountSuspended | AccountClosed],
) -> None:
    with pytest.raises(IllegalTransition, match="nothing is brought into its library"):
        add_asset(ledger(closing("acme", LATER, "overdue")), "acme", NEW, LATER)


def test_an_unknown_account_and_ids_that_are_none_are_told() -> None:
    with pytest.raises(UnknownAccount):
        add_asset(Ledger(), "acme", NEW, LATER)
    for wrong in (replace(NEW, user="a b"), replace(NEW, project="")):
        with pytest.raises(InvalidInput):
            add_asset(ledger(), "acme", wrong, LATER)
