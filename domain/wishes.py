"""Wishes of a model in words that are no model's own, put into the inputs of each model that is asked.

    Wishes ─ as_wished ─> inputs of one model, or InvalidInput: this model cannot do that
      aspect, covers   width and height · size · aspect_ratio
      size             width and height · size
      seed             seed
      negative         negative_prompt, or a sentence of the prompt
      style, words     style_preset, or words of the prompt
      gladly           whatever of it the model takes

A shape is kept exactly: a model that cannot draw it is passed over. A wish that is asked `gladly` never passes a model
over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import gcd, isqrt, lcm
from typing import Final

from domain.catalogue import Model
from domain.errors import InvalidInput
from domain.inputs import Input, InputType, Scalar, is_accepted, shortened

USUAL_AREA: Final = 1024 * 1024
LONGEST_SIDE: Final = 99_999
_PAIR: Final = re.compile(r"([0-9]{1,5})\s*[:x×]\s*([0-9]{1,5})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """All that may be wanted; what is empty is not.

    `aspect` is width by height, such as "4:5"; with `covers`, a size such as "1080x1350", the picture is made at least
    so large where the model can, and else as large as it can. `size` is exact to the pixel. `style` is a word of
    `style_preset`, and `words` say it to models without one. Of what is asked `gladly` a model gets the first value of
    each input that it accepts.
    """

    aspect: str = ""
    covers: str = ""
    size: str = ""
    seed: int | None = None
    negative: str = ""
    style: str = ""
    words: str = ""
    gladly: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)


def as_wished(model: Model, wishes: Wishes, inputs: Mapping[str, object]) -> dict[str, object]:
    """The inputs with what is wished in the words of the model. A value that is given by name stands as it is given.

    Raises InvalidInput if the model cannot draw the shape, or takes no seed.
    """
    found: dict[str, object] = {**_gladly(model, wishes.gladly), **_style(model, wishes)}
    if wishes.size:
        found |= _sized(model, wishes.size)
    elif wishes.aspect:
        found |= _shaped(model, wishes.aspect, wishes.covers)
    if wishes.seed is not None:
        if "seed" not in model.inputs:
            raise InvalidInput("seed", f"is no input of model {model.id!r}", hint="leave the seed out")
        found["seed"] = wishes.seed
    if wishes.negative and "negative_prompt" in model.inputs:
        found["negative_prompt"] = wishes.negative
    found |= inputs
    prompt = found.get("prompt")
    if isinstance(prompt, str) and (more := _said(model, wishes)):
        found["prompt"] = " ".join((f"{prompt.rstrip(' .,;')}.", *more)) if prompt.strip() else prompt
    return found


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


def _said(model: Model, wishes: Wishes) -> list[str]:
    """Sentences for what the model has no input of its own for."""
    said = []
    if wishes.words and not _takes_style(model, wishes.style):
        said.append(f"{wishes.words.rstrip('.')}.")
    if wishes.negative and "negative_prompt" not in model.inputs:
        said.append(f"Without: {wishes.negative.rstrip('.')}.")
    return said


def _takes_style(model: Model, style: str) -> bool:
    spec = model.inputs.get("style_preset")
    return bool(style) and spec is not None and is_accepted(spec, style)


def _style(model: Model, wishes: Wishes) -> dict[str, object]:
    return {"style_preset": wishes.style} if _takes_style(model, wishes.style) else {}


def _gladly(model: Model, gladly: Mapping[str, tuple[Scalar, ...]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, values in gladly.items():
        spec = model.inputs.get(name)
        fit = [value for value in values if spec is not None and not spec.is_file and is_accepted(spec, value)]
        if fit:
            found[name] = fit[0]
    return found


# Shapes


@dataclass(frozen=True, slots=True)
class _Room:
    """Which sizes a model draws: each side within [least, most] and a multiple of `step`, with so many pixels."""

    usual: int
    wide: tuple[int, int, int]
    high: tuple[int, int, int]
    pixels: tuple[int, int]

    def sized(self, aspect: tuple[int, int], least: tuple[int, int] | None) -> tuple[int, int] | None:
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


def _sized(model: Model, size: str) -> dict[str, object]:
    wide, high = pair("size", size)
    if {"width", "height"} <= model.inputs.keys():
        return {"width": wide, "height": high}
    if "size" in model.inputs:
        return {"size": f"{wide}x{high}"}
    raise InvalidInput("size", f"model {model.id!r} is not told pixels", hint="ask for an aspect, or another model")


def _shaped(model: Model, aspect: str, covers: str) -> dict[str, object]:
    shape = _reduced(*pair("aspect", aspect))
    least = pair("covers", covers) if covers else None
    ratios, size = model.inputs.get("aspect_ratio"), model.inputs.get("size")
    if ratios is not None:
        for choice in ratios.choices:
            if _PAIR.fullmatch(str(choice)) and _reduced(*pair("aspect", str(choice))) == shape:
                return {"aspect_ratio": str(choice)}
    elif {"width", "height"} <= model.inputs.keys():
        if found := _room(model.inputs["width"], model.inputs["height"]).sized(shape, least):
            return {"width": found[0], "height": found[1]}
    elif size is not None and size.type is InputType.SIZE:
        if found := _room_of_size(size).sized(shape, least):
            return {"size": f"{found[0]}x{found[1]}"}
    elif size is not None:
        for choice in size.choices:
            if _PAIR.fullmatch(str(choice)) and _reduced(*pair("aspect", str(choice))) == shape:
                return {"size": str(choice)}
    told = f"model {model.id!r} draws nothing of the shape {shape[0]}:{shape[1]}"
    raise InvalidInput("aspect", told, hint="ask for another aspect, or name no model")


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
