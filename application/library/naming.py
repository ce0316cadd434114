"""The ids of assets: the same bytes are one asset of an account, and nobody can tell from an id which they are.

    the ledger's asset key ─┐
    account, SHA-256 ───────┴─ keyed BLAKE2b ── 24 hex digits

So lineage folds from the log alone: an operation names its inputs and its outputs by these ids, and whether two are
the same file shows, but not which file an input was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from application.ports import Asset
from domain.operation import Given
from domain.value import maker

ID_BYTES: Final = 12


_make_asset = maker(Asset)


@dataclass(frozen=True, slots=True)
class AssetNames:
    """Names assets by the ledger's key, which is made with the ledger and stays the same for ever.

    `own` is the key of an account that came from another ledger, by whose key its assets were named; None of others.
    """

    key: bytes = field(repr=False)
    own: Callable[[str], bytes | None] = field(default=lambda _account: None, repr=False)

    def id(self, account: str, digest: str) -> str:
        """The id of an account's file; an account's id holds no space, so the two cannot run together."""
        key = self.own(account) or self.key
        return blake2b(f"{account} {digest}".encode(), key=key, digest_size=ID_BYTES).hexdigest()

    def named(self, account: str, asset: Asset) -> Asset:
        """The same file with its id."""
        id = self.id(account, asset.digest)
        return _make_asset(asset.digest, asset.media_type, asset.size, asset.width, asset.height, asset.duration_ms, id)

    def given(self, account: str, field: str, asset: Asset) -> Given:
        """An input file as the log may know it."""
        id = self.id(account, asset.digest)
        return Given(field, id, asset.media_type, asset.size, asset.width, asset.height, asset.duration_ms)
