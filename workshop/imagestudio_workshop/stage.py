"""The parts that a whole picture shares: the canvas, its colours, its words and where the light stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from imagestudio_workshop.color import color
from imagestudio_workshop.noise import Field
from imagestudio_workshop.palettes import Palette


@dataclass(slots=True)
class Stage:
    """`picture` is linear light (3, H, W) and is painted over in place, from back to front.

    Positions are in units of the picture's height: x runs from 0 to `aspect`, y from 0 at the top to 1.
    """

    picture: Field
    palette: Palette
    words: frozenset[str]
    rng: np.random.Generator
    tile: Field
    horizon: float
    light: tuple[float, float]
    waterline: float = 1.0
    kept: dict[str, Field] | None = None
    """Copies of the picture as it grew, by name, where somebody wants them."""

    @property
    def height(self) -> int:
        return int(self.picture.shape[1])

    @property
    def width(self) -> int:
        return int(self.picture.shape[2])

    @property
    def aspect(self) -> float:
        return self.width / self.height

    def keep(self, name: str) -> None:
        if self.kept is not None:
            self.kept[name] = self.picture.copy()

    def columns(self, count: int | None = None) -> Field:
        """x of the middle of each of `count` columns, of shape (1, count)."""
        count = count or self.width
        return ((np.arange(count, dtype=np.float32) + 0.5) * np.float32(self.aspect / count))[None, :]

    def rows(self, first: int = 0, last: int | None = None) -> Field:
        """y of the middle of each pixel row in the range, of shape (rows, 1)."""
        last = self.height if last is None else last
        return ((np.arange(first, last, dtype=np.float32) + 0.5) / np.float32(self.height))[:, None]

    def rows_of(self, count: int) -> Field:
        """y of the middle of each of `count` rows, of shape (count, 1)."""
        return ((np.arange(count, dtype=np.float32) + 0.5) / np.float32(count))[:, None]

    def has(self, *words: str) -> bool:
        return not self.words.isdisjoint(words)

    def glow(self) -> Field:
        return color(self.palette.light)
