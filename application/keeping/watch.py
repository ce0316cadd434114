"""A watch over the log while it is used: read again and again, slowly, and sealed whenever it was found whole.

read to the end ─┬─ a problem ── told, shown by its position; nothing is sealed any more
                 └─ whole ────── sealed, and the seal is kept outside
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from application.keeping.chains import ChainReader, verified_seal
from application.keeping.ends import Seal
from domain.errors import StoreError

LOGGER = logging.getLogger("imagestudio")
IDLE = 19
"""Times as long as it reads it rests, which leaves it a twentieth of a processor."""


class _Ended(Exception):
    """Nobody watches any more."""


@dataclass(slots=True)
class LogWatch:
    """How far the log was verified in this process; `keep` gets a seal of all of it, `kept` has the earlier ones."""

    reader: ChainReader
    kept: Callable[[], Sequence[Seal]]
    keep: Callable[[Seal], None]
    position: int = field(default=0, init=False)
    """Up to which the current reading came."""
    verified: int = field(default=0, init=False)
    """Up to which the last whole reading found the log undamaged."""
    problems: tuple[str, ...] = field(default=(), init=False)
    _leave: threading.Event = field(default_factory=threading.Event, init=False)
    _since: float = field(default_factory=monotonic, init=False)

    def turn(self) -> None:
        """Read the log once; blocks, and ends soon after `end`."""
        self._since = monotonic()
        try:
            found, seal = verified_seal(self.reader, self.kept(), self._rest)
            self.problems = tuple(map(str, found))
            for problem in self.problems:
                LOGGER.error("the log is damaged: %s", problem)
            if seal is not None:
                self.verified = seal.position
                self.keep(seal)
        except _Ended:
            return
        except StoreError as error:
            LOGGER.warning("the log could not be verified for now: %s", error)

    def end(self) -> None:
        """Let a reading end at its next page."""
        self._leave.set()

    def _rest(self, position: int) -> None:
        self.position = position
        if self._leave.wait(IDLE * (monotonic() - self._since)):
            raise _Ended
        self._since = monotonic()
