"""The one clock, ids that sort by it, and secrets."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SECOND = 1_000_000
"""Microseconds."""

PIECE = 32
"""Bytes; 256 bits are enough for a key, and an id needs 80."""
PIECES = 256

_pieces: deque[bytes] = deque()
os.register_at_fork(after_in_child=_pieces.clear)


def now() -> int:
    """Epoch microseconds UTC."""
    return time.time_ns() // 1_000


STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while the machine sleeps, where there is such a clock, as the one on the wall does."""


def steady() -> int:
    """Microseconds since some moment: a clock that nobody sets."""
    return time.clock_gettime_ns(STEADY) // 1_000


@contextmanager
def drawn_from(clock: Callable[[], int], pieces: Callable[[], bytes]) -> Iterator[None]:
    """Meanwhile all ids and secrets of this process come from somebody's own clock and pieces of 32 random bytes, as
    those of a simulation do, which is to be the same each time."""
    before = _DRAW[:]
    _DRAW[:] = [(clock, pieces)]
    try:
        yield
    finally:
        _DRAW[:] = before


def new_id() -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then random bits, so that newer ids sort after older ones."""
    clock, random = _DRAW[0]
    milliseconds = f"{(clock() // 1_000) & ((1 << 48) - 1):012x}"
    noise = random().hex()
    variant = "89ab"[int(noise[3], 16) & 3]
    return f"{milliseconds[:8]}-{milliseconds[8:]}-7{noise[:3]}-{variant}{noise[4:7]}-{noise[7:19]}"


def new_secret() -> bytes:
    """Thirty-two random bytes, to key one batch's digest."""
    return _DRAW[0][1]()


def _random() -> bytes:
    """A piece of the kernel's randomness, given out once; many are read at a time.

    Reading lets other threads run, and where these are busy an event loop that reads for every id waits for them.
    """
    try:
        return _pieces.popleft()
    except IndexError:
        read = os.urandom(PIECE * PIECES)
        first, *others = (read[at : at + PIECE] for at in range(0, len(read), PIECE))
        _pieces.extend(others)
        return first


_DRAW: list[tuple[Callable[[], int], Callable[[], bytes]]] = [(now, _random)]
"""The clock and the randomness of new ids."""
