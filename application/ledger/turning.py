"""Work that is done in turns: by a thread of its own, or by whoever owns the time, as a simulation does.

woken ── a turn ──┬── there is more: rest for so long, then the next
                  └── nothing is left: sleep until woken
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

Turn = Callable[[], float | None]
"""Does some of what there is to do; the seconds until the next turn, None if nothing is left."""


class TurnGiver(Protocol):
    """Whoever gives the turns."""

    def wake(self) -> None:
        """There is something to do; cheap, and from any thread."""

    def end(self) -> None:
        """Return once nothing is left to do; no turn is given after that."""


BeginTurns = Callable[[str, Turn], TurnGiver]
"""Gives turns from now on; the name tells people whose they are."""


class TurningThread:
    """A thread that does nothing else."""

    def __init__(self, name: str, turn: Turn) -> None:
        self._turn = turn
        self._woken, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """See `TurnGiver`."""
        self._woken.set()

    def end(self) -> None:
        """See `TurnGiver`; a rest is cut short."""
        self._ending.set()
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._woken.clear()
            rest = self._turn()
            if rest is not None:
                self._ending.wait(rest)
            elif self._ending.is_set():
                return
            else:
                self._woken.wait()
