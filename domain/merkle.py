"""A tree of hashes over a list: one root for all of it, and a short proof that one entry is in it (RFC 9162, 2.1).

leaves   a   b   c          leaf  SHA-256(0x00 || entry)
          ╲ ╱    │          node  SHA-256(0x01 || left || right)
           ab    c          the left part has the largest power of two of entries that leaves some to the right
            ╲   ╱
            root
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

LEAF, NODE = b"\0", b"\1"
EMPTY: Final = sha256(b"").digest()
"""The root of an empty list."""


def leaf_of(entry: bytes) -> bytes:
    """The hash that stands for an entry, of 32 bytes."""
    return sha256(LEAF + entry).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves in their order."""
    if not leaves:
        return EMPTY
    level = list(leaves)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)] + odd
    return level[0]


def path_to(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes beside the way from a leaf to the root, from below. Raises IndexError."""
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    level, path = list(leaves), []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        odd = level[-1:] if len(level) % 2 else []
        level = [_node(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)] + odd
        index //= 2
    return path


def root_by(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """The root of a list of `size` that has this leaf at `index`, if the path is right; None for an impossible one.

    As RFC 9162, 2.1.3.2.
    """
    if not 0 <= index < size:
        return None
    at, last, found = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return None
        if at % 2 or at == last:
            found = _node(beside, found)
            while not at % 2 and at:
                at, last = at // 2, last // 2
        else:
            found = _node(found, beside)
        at, last = at // 2, last // 2
    return found if last == 0 else None


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(NODE + left + right).digest()
