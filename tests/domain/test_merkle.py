"""The tree of hashes: as RFC 9162 defines it, and a proof holds for one entry at one place alone."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.merkle import EMPTY, leaf_of, path_to, root_by, root_of

LISTS = st.lists(st.binary(max_size=4), min_size=1, max_size=40)


def by_definition(entries: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word by word."""
    if not entries:
        return sha256(b"").digest()
    if len(entries) == 1:
        return sha256(b"\0" + entries[0]).digest()
    split = 1
    while 2 * split < len(entries):
        split *= 2
    return sha256(b"\1" + by_definition(entries[:split]) + by_definition(entries[split:])).digest()


def test_the_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert root_of([]) == EMPTY == by_definition([])


@given(LISTS)
def test_the_root_is_that_of_the_definition(entries: list[bytes]) -> None:
    assert root_of([leaf_of(entry) for entry in entries]) == by_definition(entries)


@given(LISTS, st.data())
def test_a_path_leads_from_its_leaf_to_the_root_and_from_no_other(entries: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_of(entry) for entry in entries]
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = path_to(leaves, index)
    root = root_of(leaves)
    assert root_by(leaves[index], index, len(leaves), path) == root
    assert root_by(leaf_of(b"another"), index, len(leaves), path) != root
    other = data.draw(st.integers(0, len(leaves) - 1))
    if leaves[other] != leaves[index]:
        assert root_by(leaves[index], other, len(leaves), path) != root
    assert root_by(leaves[index], index, len(leaves), [*path, EMPTY]) is None


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_path_leads_to_a_place_that_there_is_not(index: int, size: int) -> None:
    assert root_by(EMPTY, index, size, []) is None
    with pytest.raises(IndexError):
        path_to([EMPTY] * size, index)
