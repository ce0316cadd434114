"""How large a picture of a shape a model draws, and how far it enlarges one, in its own inputs.

    "4:5", covering "1080x1350" ─ shaped ──> width and height · size · aspect_ratio
    "1024x768" ───────────────── sized ───> width and height · size
    a longer side of 4096 ────── grown ────> factor · resolution · nothing, if it always reaches that

Each is exact or is refused by an InvalidInput: this model cannot.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from math import gcd, isqrt, lcm
from typing import Final

from domain.catalogue import Model
from domain.errors import InvalidInput
from domain.inputs import FileInfo, Input, InputType, shortened

USUAL_AREA: Final = 1024 * 1024
LONGEST_SIDE: Final = 99_999
_PAIR: Final = re.compile(r"([0-9]{1,5})\s*[:x×]\s*([0-9]{1,5})")
RESOLUTIONS: Final = {"2k": 2048, "4k": 3840, "8k": 7680}
"""Pixels that the longer side has at least, by the word for a resolution."""


def pair(field: str, text: object) -> tuple[int, int]:
    """Width and height of a shape or a size. Raises InvalidInput."""
    written = _PAIR.fullmatch(text.strip()) if isinstance(text, str) else None
    wide, high = (int(written[1]), int(written[2])) if written else (0, 0)
    if not wide or not high:
        raise InvalidInput(
            field, f"must be width and height, not {shortened(text)}", hint='such as "4:5" or "1080x1350"'
        )
    return wide, high


def _reduced(wide: int, high: int) -> tuple[int, int]:
    """The shape of a size in its smallest numbers."""
    common = gcd(wide, high)
    return wide // common, high // common


def same_shape(one: str, other: str) -> bool:
    """Whether two shapes or sizes are of one shape; a word such as "auto" is of none. Raises InvalidInput."""
    both = [_reduced(*pair("aspect", text)) for text in (one, other) if _PAIR.fullmatch(text.strip())]
    return len(both) == 2 and both[0] == both[1]


@dataclass(frozen=True, slots=True)
class _Room:
    """Which sizes a model draws: each side within [least, most] and a multiple of `step`, with so many pixels."""

    usual: int
    wide: tuple[int, int, int]
    high: tuple[int, int, int]
    pixels: tuple[int, int]

    def fitting(self, aspect: tuple[int, int], least: tuple[int, int] | None) -> tuple[int, int] | None:
        """The size of exactly this shape next to what is wanted; None if there is none."""
        a, b = aspect
        (low_w, high_w, step_w), (low_h, high_h, step_h) = self.wide, self.high
        unit = lcm(step_w // gcd(a, step_w), step_h // gcd(b, step_h))
        low = max(-(-low_w // a), -(-low_h // b), _root_above(self.pixels[0], a * b), 1)
        high = min(high_w // a, high_h // b, isqrt(self.pixels[1] // (a * b)))
        low, high = -(-low // unit) * unit, high // unit * unit
        if low > high:
            return None
        wanted = max(-(-least[0] // a), -(-least[1] // b)) if least else isqrt(self.usual // (a * b))
        scale = min(max(-(-wanted // unit) * unit, low), high)
        return a * scale, b * scale


def _root_above(pixels: int, area: int) -> int:
    """The least whole number whose square times `area` is at least so many pixels."""
    return isqrt(-(-pixels // area) - 1) + 1 if pixels > 0 else 0


def sized(model: Model, size: str) -> dict[str, object]:
    """Exactly so many pixels. Raises InvalidInput."""
    wide, high = pair("size", size)
    if {"width", "height"} <= model.inputs.keys():
        return {"width": wide, "height": high}
    if "size" in model.inputs:
        return {"size": f"{wide}x{high}"}
    raise InvalidInput("size", f"model {model.id!r} is not told pixels", hint="ask for an aspect, or another model")


def shaped(model: Model, aspect: str, covers: str) -> dict[str, object]:
    """Exactly this shape, and at least as large as `covers` where the model can. Raises InvalidInput."""
    shape = _reduced(*pair("aspect", aspect))
    least = pair("covers", covers) if covers else None
    ratios, size = model.inputs.get("aspect_ratio"), model.inputs.get("size")
    if ratios is not None:
        if choice := _choice_of(ratios, shape):
            return {"aspect_ratio": choice}
    elif {"width", "height"} <= model.inputs.keys():
        if found := _room(model.inputs["width"], model.inputs["height"]).fitting(shape, least):
            return {"width": found[0], "height": found[1]}
    elif size is not None and size.type is InputType.SIZE:
        if found := _room_of_size(size).fitting(shape, least):
            return {"size": f"{found[0]}x{found[1]}"}
    elif size is not None and (choice := _choice_of(size, shape)):
        return {"size": choice}
    told = f"model {model.id!r} draws nothing of the shape {shape[0]}:{shape[1]}"
    raise InvalidInput("aspect", told, hint="ask for another aspect, or name no model")


def _choice_of(input: Input, shape: tuple[int, int]) -> str:
    """The first choice of an input that is of this shape, empty if none is."""
    pairs = (str(choice) for choice in input.choices if _PAIR.fullmatch(str(choice)))
    return next((one for one in pairs if _reduced(*pair("aspect", one)) == shape), "")


def _room(width: Input, height: Input) -> _Room:
    sides = [
        (_whole(side.minimum, 1), _whole(side.maximum, LONGEST_SIDE), side.multiple_of or 1) for side in (width, height)
    ]
    given = [side.default for side in (width, height)]
    usual = [side for side in given if isinstance(side, int)]
    return _Room(usual[0] * usual[1] if len(usual) == 2 else USUAL_AREA, sides[0], sides[1], (0, LONGEST_SIDE**2))


def _room_of_size(spec: Input) -> _Room:
    side = (spec.min_side or 1, spec.max_side or LONGEST_SIDE, spec.multiple_of or 1)
    default = _PAIR.fullmatch(str(spec.default))
    usual = int(default[1]) * int(default[2]) if default else USUAL_AREA
    return _Room(usual, side, side, (spec.min_pixels or 0, spec.max_pixels or LONGEST_SIDE**2))


def _whole(limit: Decimal | None, otherwise: int) -> int:
    return otherwise if limit is None else int(limit)


# Enlarging


def grown(model: Model, longest: int, picture: FileInfo | None) -> dict[str, object]:
    """So far that the longer side has what is wanted; of a picture of unknown size, as far as it goes.

    Raises InvalidInput if the picture is as large already, or the model does not go so far.
    """
    wide, high = (picture.width or 0, picture.height or 0) if picture else (0, 0)
    side = max(wide, high)
    if side >= longest:
        raise InvalidInput("longest", f"the picture has {side} pixels already", hint=f"ask for more than {side}")
    if factors := model.inputs.get("factor"):
        steps = sorted(int(factor) for factor in factors.choices)
        able = [factor for factor in steps if side * factor >= longest] or ([] if side else steps[-1:])
        found: dict[str, object] = {"factor": able[0]} if able else {}
    elif resolutions := model.inputs.get("resolution"):
        words = [str(word) for word in resolutions.choices if RESOLUTIONS.get(str(word).lower(), 0) >= longest]
        found = {"resolution": words[0]} if words else {}
    elif (side * model.times if model.times else _reach(model.reaches, wide, high)) >= longest:
        return {}
    else:
        found = {}
    if not found:
        what = f"{wide}x{high}" if side else "a picture of unknown size"
        told = f"model {model.id!r} does not enlarge {what} to {longest} pixels a side"
        raise InvalidInput("longest", told, hint="ask for less, or begin with a larger picture")
    return found


def _reach(pixels: int, wide: int, high: int) -> int:
    """The longer side of a picture that is enlarged to so many pixels."""
    return isqrt(pixels * max(wide, high) ** 2 // (wide * high)) if wide and high else 0
