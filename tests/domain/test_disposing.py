"""Assets are trashed, restored, due and erased by one fact each, and by none if they are so already."""

from __future__ import annotations

from dataclasses import replace

import pytest

from domain.assets import NEVER_DECIDED, AssetErased, AssetExpirySet, AssetRestored, AssetTrashed, evolve_asset
from domain.disposing import SeenAsset, erase_assets, expire_asset, restore_asset, trash_asset
from domain.errors import AssetMissing, IllegalTransition, InvalidInput
from domain.ledger import Fact, Ledger, PeriodOpened, evolve
from tests.domain.examples import APRIL, BILLED, HELD, IN_MAY, LATER, NOON, OPENED, SETTLED, recorded

PICTURE = "5a" * 12
SEEN = SeenAsset(PICTURE, NOON)
TRASHED = AssetTrashed("acme", LATER, APRIL, PICTURE, "blurred")
RESTORED = AssetRestored("acme", LATER, APRIL, PICTURE)
ERASED = AssetErased("acme", LATER, APRIL, PICTURE)


def ledger(*facts: Fact) -> Ledger:
    """An account that has decided this about the picture."""
    found = recorded(BILLED)
    found.evidence.assets[PICTURE] = NEVER_DECIDED
    for fact in facts:
        evolve(found, fact)
    return found


def test_an_asset_is_trashed_once() -> None:
    assert trash_asset(ledger(), "acme", SEEN, "blurred", LATER) == [TRASHED]
    assert trash_asset(ledger(TRASHED), "acme", SEEN, "again", LATER + 1) == []


def test_what_is_not_in_the_trash_needs_no_restoring() -> None:
    assert restore_asset(ledger(TRASHED), "acme", SEEN, "", LATER) == [RESTORED]
    assert restore_asset(ledger(), "acme", SEEN, "", LATER) == []
    assert restore_asset(ledger(TRASHED, RESTORED), "acme", SEEN, "", LATER) == []


def test_what_is_erased_stays_erased() -> None:
    gone = ledger(ERASED)
    for decide in (trash_asset, restore_asset):
        with pytest.raises(AssetMissing, match="is erased"):
            decide(gone, "acme", SEEN, "", LATER + 1)
    with pytest.raises(AssetMissing):
        expire_asset(gone, "acme", SEEN, None, "", LATER + 1)
    assert erase_assets(gone, "acme", [SEEN], "", LATER + 1) == []


def test_what_is_seen_again_is_kept_again_and_can_be_disposed_of_again() -> None:
    again = replace(SEEN, seen=LATER + 5)
    assert restore_asset(ledger(TRASHED), "acme", again, "", LATER + 9) == []
    assert trash_asset(ledger(ERASED), "acme", again, "", LATER + 9) == [replace(TRASHED, at=LATER + 9, reason="")]
    assert erase_assets(ledger(ERASED), "acme", [again], "", LATER + 9) == [replace(ERASED, at=LATER + 9)]


def test_an_expiry_is_set_changed_and_taken_back() -> None:
    due = AssetExpirySet("acme", LATER, APRIL, PICTURE, IN_MAY)
    assert expire_asset(ledger(), "acme", SEEN, IN_MAY, "", LATER) == [due]
    assert expire_asset(ledger(due), "acme", SEEN, IN_MAY, "", LATER) == []
    assert expire_asset(ledger(due), "acme", SEEN, None, "", LATER) == [replace(due, expires=None)]
    assert expire_asset(ledger(), "acme", SEEN, None, "", LATER) == []
    with pytest.raises(InvalidInput, match="not in the future"):
        expire_asset(ledger(), "acme", SEEN, LATER, "", LATER)


def test_an_input_of_an_open_operation_is_not_erased() -> None:
    used = replace(SEEN, used_by=("op-1",))
    for facts in (HELD, SETTLED):
        found = ledger(*facts)
        if facts is HELD:
            with pytest.raises(IllegalTransition, match="op-1, which is still open"):
                erase_assets(found, "acme", [used], "", LATER)
        else:
            assert erase_assets(found, "acme", [used], "", LATER) == [ERASED]


def test_a_decision_opens_the_period_that_it_is_made_in() -> None:
    opened, trashed = trash_asset(ledger(), "acme", SEEN, "", IN_MAY)
    assert isinstance(opened, PeriodOpened)
    assert isinstance(trashed, AssetTrashed)
    assert opened.period == trashed.period


def test_an_erased_asset_forgets_when_it_was_due() -> None:
    due = AssetExpirySet("acme", LATER, APRIL, PICTURE, IN_MAY)
    assert evolve_asset(evolve_asset(NEVER_DECIDED, due), ERASED).expires is None


def test_assets_that_no_decision_names_are_not_remembered() -> None:
    found = recorded(OPENED)
    evolve(found, TRASHED)
    assert found.evidence.assets == {}
