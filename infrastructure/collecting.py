"""Work that makes many small records and no rings of them: the collector of rings looks less often."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

RARELY: Final = (50_000, 20, 100)
"""New objects between two looks at the youngest, and of how many such looks one is at those that stayed."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """For a process that does this alone, such as a command: it is of the whole process."""
    before = gc.get_threshold()
    gc.set_threshold(*RARELY)
    try:
        yield
    finally:
        gc.set_threshold(*before)
