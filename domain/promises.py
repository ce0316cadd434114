"""Promises about an output, as exactly as a request and its model's entry make them, and whether they were kept.

    size = "1536x1024", or width and height ─────────────────> pixels, to the pixel
    duration, of what is made of neither film nor sound ─────> milliseconds, to the second

A word such as "auto", a ratio or "720p" promises nothing exactly. An output that is otherwise is recorded and can be
found; it changes no charge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Final, Protocol

from domain.inputs import Scalar

NEAR_MS: Final = 500
"""A film ends with a whole frame, and lengths are named in seconds: within half of one it is as long as promised."""
_SIZE: Final = re.compile(r"([0-9]{1,5})[x*]([0-9]{1,5})")


class Measurable(Protocol):
    """A file, as far as it is known: pixels as it is shown, milliseconds; None if it does not say."""

    @property
    def width(self) -> int | None: ...
    @property
    def height(self) -> int | None: ...
    @property
    def duration_ms(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Promised:
    """Pixels of both sides, and a length in milliseconds; None for what was not named exactly."""

    sides: tuple[int, int] | None = None
    duration_ms: int | None = None

    def unlike(self, outputs: Iterable[Measurable]) -> int:
        """How many of the outputs are known to be of another size or length."""
        if self.sides is None and self.duration_ms is None:
            return 0
        return sum(map(self._is_broken, outputs))

    def _is_broken(self, one: Measurable) -> bool:
        if self.sides is not None and one.width and one.height and (one.width, one.height) != self.sides:
            return True
        if self.duration_ms is None or one.duration_ms is None:
            return False
        return abs(one.duration_ms - self.duration_ms) > NEAR_MS


NOTHING: Final = Promised()


def promised(inputs: Mapping[str, Scalar], *, timed: bool) -> Promised:
    """The promise of checked inputs; `timed`: a film or a sound goes in, and may decide the length."""
    sides = _sides(inputs)
    length = None if timed else inputs.get("duration")
    if sides is None and length is None:
        return NOTHING
    return Promised(sides, None if length is None else _milliseconds(str(length)))


def _sides(inputs: Mapping[str, Scalar]) -> tuple[int, int] | None:
    size = inputs.get("size")
    if size is not None:
        return _read(str(size))
    width, height = inputs.get("width"), inputs.get("height")
    return (width, height) if type(width) is int and type(height) is int else None


@lru_cache(maxsize=256)
def _read(size: str) -> tuple[int, int] | None:
    found = _SIZE.fullmatch(size)
    return None if found is None else (int(found[1]), int(found[2]))


@lru_cache(maxsize=256)
def _milliseconds(seconds: str) -> int:
    top, bottom = Decimal(seconds).as_integer_ratio()
    return top * 1000 // bottom
