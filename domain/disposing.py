"""Decisions about an account's assets: each is one fact, and none if it is so already.

    trash ─ restore ─ expire ─ erase

`seen` is when the asset was last made or used, epoch microseconds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from domain.assets import (
    NEVER_DECIDED,
    AssetErased,
    AssetExpirySet,
    AssetRestored,
    AssetState,
    AssetTrashed,
    Disposal,
    as_seen,
    check_not_erased,
)
from domain.entering import current_period
from domain.errors import IllegalTransition, InvalidInput
from domain.ids import check_reason
from domain.ledger import Fact, Ledger, find, known_account
from domain.operation import Closed


@dataclass(frozen=True, slots=True)
class SeenAsset:
    """An asset, when it was last seen, and the operations that came with it and may be open still."""

    id: str
    seen: int
    used_by: tuple[str, ...] = ()


def trash_asset(ledger: Ledger, account: str, asset: SeenAsset, reason: str, now: int) -> list[Fact]:
    """Put it into the trash. Raises AssetMissing if it is erased."""
    check_reason(reason)
    state = _state(ledger, asset)
    check_not_erased(asset.id, state)
    if state.disposal is Disposal.TRASHED:
        return []
    facts, current = current_period(ledger, known_account(ledger, account), now)
    return [*facts, AssetTrashed(account, now, current.period, asset.id, reason)]


def restore_asset(ledger: Ledger, account: str, asset: SeenAsset, reason: str, now: int) -> list[Fact]:
    """Take it out of the trash. Raises AssetMissing if it is erased."""
    check_reason(reason)
    state = _state(ledger, asset)
    check_not_erased(asset.id, state)
    if state.disposal is Disposal.KEPT:
        return []
    facts, current = current_period(ledger, known_account(ledger, account), now)
    return [*facts, AssetRestored(account, now, current.period, asset.id, reason)]


def expire_asset(
    ledger: Ledger, account: str, asset: SeenAsset, expires: int | None, reason: str, now: int
) -> list[Fact]:
    """Set when it is erased by itself, or that it never is. Raises AssetMissing, and InvalidInput for the past."""
    check_reason(reason)
    state = _state(ledger, asset)
    check_not_erased(asset.id, state)
    if state.expires == expires:
        return []
    if expires is not None and expires <= now:
        raise InvalidInput("expires", "is not in the future", hint="erase it now instead")
    facts, current = current_period(ledger, known_account(ledger, account), now)
    return [*facts, AssetExpirySet(account, now, current.period, asset.id, expires, reason)]


def erase_assets(ledger: Ledger, account: str, assets: Collection[SeenAsset], reason: str, now: int) -> list[Fact]:
    """Note that files are deleted, for ever. Raises IllegalTransition while an operation that came with one is open."""
    check_reason(reason)
    going = [asset for asset in assets if _state(ledger, asset).disposal is not Disposal.ERASED]
    for asset in going:
        for operation in asset.used_by:
            if not isinstance(find(ledger, operation), Closed):
                what = f"asset {asset.id} is an input of operation {operation}, which is still open"
                raise IllegalTransition(what, hint="wait until it ends")
    if not going:
        return []
    facts, current = current_period(ledger, known_account(ledger, account), now)
    return [*facts, *(AssetErased(account, now, current.period, asset.id, reason) for asset in going)]


def _state(ledger: Ledger, asset: SeenAsset) -> AssetState:
    return as_seen(ledger.evidence.assets.get(asset.id, NEVER_DECIDED), asset.seen)
