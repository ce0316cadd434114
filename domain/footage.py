"""How long a film is, how large, and whether it is heard, in the inputs of each model.

    8 seconds ───────── lasting ───> duration: the least that covers it
    "16:9", 720 lines ─ framed ────> resolution and aspect_ratio · size · width and height: the least that has them
    twice its lines ─── more_lines ─> resolution: the least that has them, of a film that has fewer
    sound ───────────── sounding ──> generate_audio · nothing, if the model always makes some

A model that cannot is told by an InvalidInput, and passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Final

from domain.catalogue import Model
from domain.counts import counted
from domain.errors import InvalidInput
from domain.inputs import NUMBERS, FileInfo, Input, InputType, Scalar, plain
from domain.objections import OutOfReach
from domain.shapes import pair, same_shape, shaped

SOUND: Final = "sound"
"""The mode of a model that makes sound without being told to."""
WORDS: Final = {"2k": 1440, "4k": 2160, "8k": 4320}
"""Lines of a film, by the word for its resolution."""
_LINES: Final = re.compile(r"([0-9]{2,4})[pP]?")
USUAL_SHAPE: Final = "16:9"
SHAPES: Final = frozenset({"aspect_ratio", "size", "width", "height"})
"""Inputs that tell a model its picture's shape."""


def lines_of(word: object) -> int:
    """The lines of a resolution such as "720p" or "4k": pixels of the shorter side; 0 for another word."""
    text = str(word).strip().lower()
    written = _LINES.fullmatch(text)
    return int(written[1]) if written else WORDS.get(text, 0)


# Length


def lasting(model: Model, seconds: Decimal) -> dict[str, object]:
    """The least length that covers so many seconds. Raises InvalidInput."""
    spec = model.inputs.get("duration")
    if seconds <= 0:
        raise InvalidInput("seconds", f"{plain(seconds)} s is no length", hint="ask for more than 0 s")
    if spec is None or spec.type not in NUMBERS:
        told = f"model {model.id!r} is not told how long"
        raise InvalidInput("seconds", told, hint="leave the length out, or take another model")
    found = _covering(spec, seconds)
    if found is None:
        most = max(map(Decimal, spec.choices)) if spec.choices else spec.maximum or Decimal(0)
        told = f"{plain(seconds)} s asked, and model {model.id!r} makes {plain(most)} s at most"
        raise OutOfReach("seconds", told, most=most, hint=f"ask for at most {plain(most)} s, or another model")
    return {"duration": found}


def _covering(spec: Input, seconds: Decimal) -> Scalar | None:
    """The least value of a number's that is not below `seconds`; None if there is none."""
    if spec.choices:
        return min((one for one in spec.choices if isinstance(one, int) and one >= seconds), default=None)
    least = max(seconds, spec.minimum or Decimal(0))
    if spec.type is InputType.INTEGER:
        step = spec.multiple_of or 1
        least = Decimal(ceil(Fraction(least) / step) * step)  # as Decimal's own // cuts towards zero
    if spec.maximum is not None and least > spec.maximum:
        return None
    return int(least) if spec.type is InputType.INTEGER else plain(least)


# Size


def framed(model: Model, aspect: str, lines: int, *, or_less: bool) -> dict[str, object]:
    """The least picture of exactly this shape, if one is named, that has so many lines.

    `or_less` takes the most that the model has instead. Raises InvalidInput.
    """
    resolutions, size = model.inputs.get("resolution"), model.inputs.get("size")
    if resolutions is not None and resolutions.choices:
        rest = shaped(model, aspect, "") if aspect else {}
        words = [(lines_of(word), word) for word in resolutions.choices]
        return {"resolution": _least(model, words, lines, or_less=or_less), **rest}
    if size is not None and size.choices:
        sizes = [(min(pair("size", one)), one) for one in _of_shape(size.choices, aspect)]
        return {"size": _least(model, sizes, lines, or_less=or_less)} if sizes else shaped(model, aspect, "")
    if {"width", "height"} <= model.inputs.keys():
        return _drawn(model, aspect, lines, or_less=or_less)
    if not or_less:
        raise _too_few(model, lines, 0)
    return shaped(model, aspect, "") if aspect else {}


def follows(model: Model, aspect: str, picture: FileInfo | None) -> bool:
    """Whether a model that is told no shape films a picture that has this one already."""
    told = SHAPES & model.inputs.keys()
    if not aspect or told or picture is None or not picture.width or not picture.height:
        return False
    return same_shape(f"{picture.width}:{picture.height}", aspect)


def more_lines(model: Model, lines: int, times: Decimal, film: FileInfo | None) -> dict[str, object]:
    """The least resolution that has `lines`, or else `times` the film's own. Raises InvalidInput."""
    own = min(film.width or 0, film.height or 0) if film else 0
    if not lines and not own:
        raise InvalidInput("factor", "the film's size cannot be read", hint="name a target instead")
    wanted = lines or ceil(own * times)
    if own >= wanted:
        raise InvalidInput("target", f"the film has {counted(own, 'line')} already", hint=f"ask for more than {own}")
    return framed(model, "", wanted, or_less=False)


def _of_shape(sizes: Iterable[object], aspect: str) -> list[str]:
    return [str(one) for one in sizes if not aspect or same_shape(str(one), aspect)]


def _least(model: Model, choices: Sequence[tuple[int, Scalar]], lines: int, *, or_less: bool) -> Scalar:
    """The first of those with the fewest lines that are enough. Raises InvalidInput."""
    enough = [one for one in choices if one[0] >= lines]
    if not enough and not or_less:
        raise _too_few(model, lines, max(have for have, _ in choices))
    best = min(have for have, _ in enough) if enough else max(have for have, _ in choices)
    return next(value for have, value in choices if have == best)


def _drawn(model: Model, aspect: str, lines: int, *, or_less: bool) -> dict[str, object]:
    usual = [model.inputs[side].default for side in ("width", "height")]
    shape = aspect or (f"{usual[0]}:{usual[1]}" if all(usual) else USUAL_SHAPE)
    wide, high = pair("aspect", shape)
    short = min(wide, high)
    found = shaped(model, shape, f"{-(-lines * wide // short)}x{-(-lines * high // short)}")
    has = min(side for side in found.values() if isinstance(side, int))
    if has < lines and not or_less:
        raise _too_few(model, lines, has)
    return found


def _too_few(model: Model, lines: int, most: int) -> InvalidInput:
    if not most:
        told = f"model {model.id!r} is not told how many lines"
        return InvalidInput("resolution", told, hint="leave the resolution out, or take another model")
    told = f"{lines} lines asked, and model {model.id!r} makes {most} at most"
    return OutOfReach("resolution", told, most=Decimal(most), hint=f"ask for at most {most}p, or another model")


# Sound


def sounding(model: Model) -> dict[str, object]:
    """With sound. Raises InvalidInput if the model makes none."""
    if "generate_audio" in model.inputs:
        return {"generate_audio": True}
    if SOUND in model.modes:
        return {}
    raise InvalidInput("sound", f"model {model.id!r} makes none", hint="leave sound out, or take another model")
