"""A caller's own callbacks: one that raises is a caller's mistake, and neither the operation's end nor a provider's.

Its error is logged once, by its kind and its place; it is called again all the same, as it may have been one call.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from application.ports import Media, Progress, glimpsed, silent

LOGGER = logging.getLogger("imagestudio")


class Heard:
    """A progress callback that can be called wherever work is carried on, with whatever it is told."""

    __slots__ = ("_progress", "_told")

    def __init__(self, progress: Callable[..., object]) -> None:
        self._progress = progress
        self._told = False

    def __call__(self, *told: Any) -> None:
        with self:
            self._progress(*told)

    def glimpse(self, picture: Media, number: int) -> None:
        with self:
            glimpsed(self._progress, picture, number)

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> bool:
        if not isinstance(error, Exception):
            return False
        if not self._told:
            self._told = True
            raised = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{PurePath(raised.filename).name}:{raised.lineno}"
            LOGGER.error("a progress callback raised %s at %s; the work goes on", type(error).__name__, place)
        return True


def heard(progress: Progress) -> Progress:
    """The callback, made safe; nobody's is left as it is."""
    return progress if progress is silent or isinstance(progress, Heard) else Heard(progress)


def parts_of(progress: Progress, count: int) -> list[Progress]:
    """One callback an operation; what is told is how much of the whole batch is done, and never less than before."""
    done = [0.0] * count

    def part(place: int) -> Progress:
        def tell(fraction: float, message: str) -> None:
            done[place] = max(done[place], fraction)
            progress(sum(done) / count, message)

        return tell

    return [part(place) for place in range(count)]
