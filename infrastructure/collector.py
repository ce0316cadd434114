"""Python's garbage collector while a service runs: it belongs to the host, which gets it back as it was."""

from __future__ import annotations

import gc
import threading
from types import TracebackType
from typing import Final

THRESHOLDS: Final = (20_000, 20, 50)


class Spared:
    """A service makes many short-lived objects beside many that stay: look at the former later, at the latter never.

    Measured at 64 callers: a tenth of the time went into looking at what was not garbage (docs/decisions/0004). The
    first that enters changes it, the last that leaves puts it back; objects that the host froze stay frozen.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before = gc.get_threshold()
        self._froze = False

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside > 1:
                return
            self._before = gc.get_threshold()
            self._froze = not gc.get_freeze_count()
            if self._froze:
                gc.collect()
                gc.freeze()
            gc.set_threshold(*THRESHOLDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside:
                return
            gc.set_threshold(*self._before)
            if self._froze:
                gc.unfreeze()


SPARED: Final = Spared()
