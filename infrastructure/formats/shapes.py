"""From pixels as they are stored to pixels as they are shown: turned upright, and as wide as their shape makes them."""

from __future__ import annotations

from typing import Final

Size = tuple[int, int]

_NARROWEST, _WIDEST = 0.01, 100.0
_ON_ITS_SIDE: Final = range(5, 9)


def stretched(width: int, across: float, down: float) -> int:
    """A width of pixels that are shown `across` to `down`; a shape that no film has says nothing."""
    shape = across / down
    return max(1, round(width * shape)) if _NARROWEST <= shape <= _WIDEST else width


def on_its_side(matrix: tuple[int, int, int, int]) -> bool:
    """Whether a matrix (a, b, c, d) turns the picture by a quarter, mirrored or not."""
    a, b, c, d = map(abs, matrix)
    return b + c > a + d


def upright_size(size: Size, orientation: int) -> Size:
    """The size under an orientation of Exif, of which the upper four swap the sides."""
    return (size[1], size[0]) if orientation in _ON_ITS_SIDE else size
