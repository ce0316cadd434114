"""Content as it is read, checked against the digest that it is kept under."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from domain.errors import AssetDamaged


def verified_pieces(pieces: Iterator[bytes], digest: str) -> Iterator[bytes]:
    """The same pieces; the last comes once the digest is known to be the same. Raises AssetDamaged instead of it."""
    hash, last = hashlib.sha256(), b""
    for piece in pieces:
        hash.update(piece)
        if last:
            yield last
        last = piece
    if hash.hexdigest() != digest:
        raise AssetDamaged(f"the content of asset {digest} has changed", hint="restore this file from a backup")
    yield last
