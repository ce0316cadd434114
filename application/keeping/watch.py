"""A watch over the log while it is used: read again and again, slowly, and sealed whenever it was found whole.

turn ── taken by one process ── read on from where it was kept ─┬─ a problem ── told, shown by its position; no seal
                                                                └─ whole ────── sealed, and the seal is kept outside

One process of a database reads at a time, and all see how far it is. If it ends, the next one goes on from there, and
the reading after that begins at the first fact again.
"""

from __future__ import annotations

import json
import logging
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final, Protocol

from application.keeping.chains import ChainReader, read_log
from application.keeping.ends import Seal
from application.keeping.walking import LogWalk, Problem, WalkEnd
from domain.errors import StoreError
from domain.value import value

LOGGER = logging.getLogger("imagestudio")
IDLE = 19
"""Times as long as it reads it rests, which leaves it a twentieth of a processor."""
NOTED: Final = 5.0
KEPT: Final = 60.0
"""Seconds after which the position is noted, and after which all is kept that another process needs to go on."""
MOST_STREAMS: Final = 200_000
"""A walk along more is not kept, as that is written whole: whoever goes on begins anew."""


@value
class WatchStanding:
    """How far the log was verified, by whichever process: `verified` in whole, `position` where it is read now.

    `owner` is who reads, empty if nobody does; `at` when the last reading ended, 0 if none did.
    """

    position: int = 0
    verified: int = 0
    problems: tuple[str, ...] = ()
    owner: str = ""
    at: int = 0


class WatchBook(Protocol):
    """The watch, as all processes know it. All of it blocks, and raises StoreUnavailable."""

    def standing(self) -> WatchStanding:
        """How far it is."""

    def take(self, pause: int) -> bool:
        """Have the turn: false if another process has it, or if a reading ended less than so many seconds ago."""

    def walk(self) -> bytes:
        """Whatever the reading before has kept, empty if it came to its end."""

    def note(self, position: int, walk: bytes | None) -> bool:
        """Say how far it is, and keep a walk if there is one; false if the turn was lost."""

    def end(self, verified: int | None, problems: Sequence[str]) -> None:
        """The reading came to its end; `verified` is None if it found problems."""

    def leave(self) -> None:
        """Give the turn back before the end."""


class _Ended(Exception):
    """Nobody watches any more, or another process does."""


@dataclass(slots=True)
class LogWatch:
    """Verifies the log; `keep` gets a seal of all of it, `kept` has the earlier ones."""

    reader: ChainReader
    kept: Callable[[], Sequence[Seal]]
    keep: Callable[[Seal], None]
    book: WatchBook
    _leave: threading.Event = field(default_factory=threading.Event, init=False)
    _since: float = field(default_factory=monotonic, init=False)
    _noted: float = field(default=0.0, init=False)
    _saved: float = field(default=0.0, init=False)

    def standing(self) -> WatchStanding:
        """How far it is, in whichever process; blocks."""
        return self.book.standing()

    def turn(self, pause: int = 0) -> None:
        """Read the log once, unless another process does, or did so `pause` seconds ago; ends soon after `end`."""
        self._since = self._noted = self._saved = monotonic()
        try:
            if self.book.take(pause):
                self._read(*walk_in(self.book.walk()))
        except _Ended:
            self.book.leave()
        except StoreError as error:
            LOGGER.warning("the log could not be verified for now: %s", error)

    def end(self) -> None:
        """Let a reading end at its next page."""
        self._leave.set()

    def _read(self, walk: LogWalk, found: list[Problem]) -> None:
        seal = read_log(self.reader, self.kept(), lambda: self._rest(walk, found), walk, found)
        for problem in found:
            LOGGER.error("the log is damaged: %s", problem)
        self.book.end(None if seal is None else seal.position, [*map(str, found)])
        if seal is not None:
            self.keep(seal)

    def _rest(self, walk: LogWalk, found: Sequence[Problem]) -> None:
        now = monotonic()
        leaves = self._leave.wait(IDLE * (now - self._since))
        if leaves or now - self._noted >= NOTED:
            saves = leaves or now - self._saved >= KEPT
            self._noted, self._saved = now, now if saves else self._saved
            if not self.book.note(walk.position, kept_walk(walk, found) if saves else None):
                raise _Ended
        if leaves:
            raise _Ended
        self._since = monotonic()


def kept_walk(walk: LogWalk, found: Sequence[Problem]) -> bytes | None:
    """A walk and what it found, for whoever goes on; None if it is too large."""
    if len(walk.ends) > MOST_STREAMS:
        return None
    ends = {name: [one.version, one.position, [hash.hex() for hash in one.hashes]] for name, one in walk.ends.items()}
    told = {"ends": ends, "counts": walk.counts, "opened": walk.opened, "last": walk.last, "position": walk.position}
    problems = [[one.position, one.stream, one.version, one.what] for one in found]
    return zlib.compress(json.dumps({**told, "problems": problems}).encode(), 1)


def walk_in(body: bytes) -> tuple[LogWalk, list[Problem]]:
    """The same again; a walk from the beginning if there is nothing, or nothing that can be read."""
    if not body:
        return LogWalk(), []
    try:
        told: dict[str, Any] = json.loads(zlib.decompress(body))
        ends = {
            name: WalkEnd(version, position, tuple(bytes.fromhex(one) for one in hashes))
            for name, (version, position, hashes) in told["ends"].items()
        }
        walk = LogWalk(ends, told["counts"], told["opened"], told["last"], position=told["position"])
        return walk, [Problem(*one) for one in told["problems"]]
    except (zlib.error, ValueError, LookupError, TypeError):
        return LogWalk(), []
