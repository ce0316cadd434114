"""How long tests wait for what has to happen. None asserts how long anything takes: a slow machine is not a failure."""

from __future__ import annotations

import time
from collections.abc import Callable

SECONDS = 120.0
"""After which what never happens is given up; less than the limit of a test, so that the test itself says what."""


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Look again and again until it holds, or say what never came to be."""
    for _ in range(int(SECONDS / 0.05)):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(what)
