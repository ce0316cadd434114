"""Inputs that a model accepts, made from its own entry: the least it needs, and the values that pick one of its prices.

    Model, words of a variant ("480p/audio") ── chosen ──> values ── sample ──> Sample: inputs, and the facts of files

Whoever needs real files makes them after the facts; nothing else about them matters.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from math import isqrt

from domain.catalogue import Model
from domain.inputs import MEDIA_TYPES, NUMBERS, FileInfo, Input, InputType, Scalar, plain

SIDE = 64
SECONDS = Decimal(5)
WORDS = "a fox"
# Texts that mean something to a provider; any other may be anything.
TEXTS = {"model_id": "black-forest-labs/FLUX.1-Kontext-dev", "language": "german"}


@dataclass(frozen=True)
class Sample:
    """What a caller gives: values, and files by input."""

    inputs: Mapping[str, object]
    media: Mapping[str, tuple[FileInfo, ...]]


def sample(model: Model, chosen: Mapping[str, object] | None = None, seconds: Decimal = SECONDS) -> Sample:
    """The least that `model` accepts, with a prompt where it takes one; sounds and videos last `seconds`, or as near
    to that as they may."""
    named = {"prompt", *model.one_of[:1]}
    needed = [spec for spec in model.inputs.values() if spec.required or spec.name in named]
    values = {spec.name: value_of(spec) for spec in needed if not spec.is_file}
    files = {spec.name: (file_of(spec, seconds),) for spec in needed if spec.is_file}
    return Sample({**values, **(chosen or {})}, files)


def everything(model: Model, seconds: Decimal = SECONDS) -> Sample:
    """All that `model` accepts at once, each value the last or the largest; two files where several may be given."""
    given = [spec for spec in model.inputs.values() if spec.name not in model.not_both[1:]]
    values = {spec.name: largest(spec) for spec in given if not spec.is_file}
    files = {spec.name: (file_of(spec, seconds),) * min(2, spec.many) for spec in given if spec.is_file}
    return Sample(values, files)


def largest(spec: Input) -> Scalar:
    """The last or largest value that one input accepts, where there is one."""
    if spec.choices and spec.type is not InputType.SIZE:
        return spec.choices[-1]
    if spec.type is InputType.FLAG:
        return True
    if spec.maximum is None or spec.type not in NUMBERS:
        return value_of(spec)
    return int(spec.maximum) if spec.type is InputType.INTEGER else plain(spec.maximum)


def value_of(spec: Input) -> Scalar:
    """A value within the limits of one input."""
    match spec.type:
        case InputType.TEXT:
            return TEXTS.get(spec.name, WORDS)[: spec.max_chars]
        case InputType.INTEGER:
            return spec.choices[0] if spec.choices else int(spec.minimum or spec.maximum or 1)
        case InputType.DECIMAL:
            return plain(spec.minimum or spec.maximum or Decimal(1))
        case InputType.FLAG:
            return False
        case InputType.CHOICE:
            return spec.choices[0]
        case _:
            side = side_of(spec)
            return f"{side}x{side}"


def file_of(spec: Input, seconds: Decimal = SECONDS) -> FileInfo:
    """The facts of a small file within the limits of one input."""
    media_type = (spec.media_types or MEDIA_TYPES[spec.type])[0]
    milliseconds = max(spec.min_ms or 1, min(int(seconds * 1000), spec.max_ms or 10**9))
    side = side_of(spec)
    match spec.type:
        case InputType.IMAGE:
            return FileInfo(media_type, 1_000, side, side)
        case InputType.VIDEO:
            return FileInfo(media_type, 1_000, side, side, milliseconds)
        case _:
            return FileInfo(media_type, 1_000, duration_ms=milliseconds)


def side_of(spec: Input) -> int:
    """The side of the smallest square that is allowed, or of one a bit larger."""
    side, step = max(SIDE, spec.min_side or 0, isqrt(max((spec.min_pixels or 1) - 1, 0)) + 1), spec.multiple_of or 1
    return -(-side // step) * step


def chosen(model: Model, words: str) -> list[dict[str, object]]:
    """All ways to ask for a variant such as "low/rect", one choice of values each.

    A word that no input of the model knows is a property of all that it does. Two words may be about one input.
    """
    ways = [found for word in words.split("/") if (found := list(_choices(model, word)))]
    return [dict(pair for pair in pairs) for pairs in product(*ways)]


def _choices(model: Model, word: str) -> Iterator[tuple[str, object]]:
    for spec in model.inputs.values():
        match spec.type:
            case InputType.CHOICE:
                yield from ((spec.name, choice) for choice in spec.choices if word in _names(str(choice)))
            case InputType.INTEGER:
                yield from ((spec.name, choice) for choice in spec.choices if word == f"{choice}s")
            case InputType.FLAG if spec.name == "generate_audio" and word.endswith("audio"):
                yield spec.name, word == "audio"


def _names(choice: str) -> set[str]:
    """What a choice may be called: itself, and of a size its shape and the lines of its shorter side."""
    width, _, height = choice.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        return {choice.lower()}
    sides = (int(width), int(height))
    return {"square" if sides[0] == sides[1] else "rect", f"{min(sides)}p"}
