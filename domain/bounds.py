"""The most that a provider can count in one request, as far as the request itself says it: formulas with numbers.

    prompt ───────────────────── bytes ─────┐
    files, and their pixels ──── files ─────┤
                           └──── patches ───┼──> the most of one meter
    size of the output ───────── axes ──────┘

The numbers are the catalogue's. A formula says None if the request does not tell what it needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from domain.inputs import FileInfo, Scalar

_SIZE: Final = re.compile(r"([0-9]{1,5})[x*]([0-9]{1,5})")
_MEGAPIXEL: Final = 1024 * 1024
_NARROWEST: Final = 3


class Formula(StrEnum):
    """How a most follows from the inputs that are named."""

    BYTES = "bytes"
    """One a byte of texts in UTF-8, as a token is at least one, and `plus` for what the provider adds."""
    FILES = "files"
    """`each` file."""
    PATCHES = "patches"
    """Of each picture as many squares of `side` pixels as cover it, once its short side is at least a third of its long
    one and both are `zoom` times as long; at least `floor` and at most `budget`."""
    AXES = "axes"
    """Of the picture of a size, as many as `factor` steps on its long side have with their share on its short one,
    more for more pixels (OpenAI's own calculator), `reserve` per cent on top; at least `floor` a megapixel."""

    TIMES = "times"
    """`each` as often as a number among the inputs says; none, if it is not given."""


OF_FILES: Final = frozenset({Formula.FILES, Formula.PATCHES})
"""The formulas that are taken of files, and not of values."""

Sized = Mapping[str, Sequence[FileInfo]]
_NEEDED: Final[Mapping[Formula, frozenset[str]]] = {
    Formula.BYTES: frozenset({"plus"}),
    Formula.FILES: frozenset({"each"}),
    Formula.PATCHES: frozenset({"side", "budget", "zoom", "floor"}),
    Formula.AXES: frozenset({"factor", "reserve", "floor"}),
    Formula.TIMES: frozenset({"each"}),
}
"""The numbers that each formula takes."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A formula, the inputs it is taken of, and its numbers."""

    by: Formula
    of: tuple[str, ...]
    numbers: Mapping[str, int]

    def most(self, inputs: Mapping[str, Scalar], files: Sized) -> int | None:
        """The most in one call, or for one output; None if it cannot be told."""
        return _FORMULAS[self.by](self, inputs, files)

    def content(self) -> list[object]:
        """The parts that a price book is made of."""
        return [str(self.by), list(self.of), dict(sorted(self.numbers.items()))]

    def wrong(self) -> str:
        """The mistake in the numbers; empty if nothing is."""
        needed = _NEEDED[self.by]
        if self.numbers.keys() == needed:
            return ""
        return f"by {self.by} takes {', '.join(sorted(needed))}"


def _bytes(bound: Bound, inputs: Mapping[str, Scalar], _files: Sized) -> int:
    texts = [str(inputs[name]) for name in bound.of if name in inputs]
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) + bound.numbers["plus"]


def _each_file(bound: Bound, _inputs: Mapping[str, Scalar], files: Sized) -> int:
    return sum(len(files.get(name, ())) for name in bound.of) * bound.numbers["each"]


def _patches(bound: Bound, _inputs: Mapping[str, Scalar], files: Sized) -> int | None:
    counts = [_patches_of(bound, one) for name in bound.of for one in files.get(name, ())]
    return None if any(count is None for count in counts) else sum(count or 0 for count in counts)


def _patches_of(bound: Bound, picture: FileInfo) -> int | None:
    if not picture.width or not picture.height:
        return None
    numbers = bound.numbers
    long = max(picture.width, picture.height)
    short = max(min(picture.width, picture.height), -(-long // _NARROWEST))
    across, down = (-(-side * numbers["zoom"] // numbers["side"]) for side in (long, short))
    return max(numbers["floor"], min(across * down, numbers["budget"]))


def _axes(bound: Bound, inputs: Mapping[str, Scalar], _files: Sized) -> int | None:
    sides = _sides(bound, inputs)
    if sides is None or not min(sides):
        return None
    short, long = min(sides), max(sides)
    pixels, factor = short * long, bound.numbers["factor"]
    steps = factor * ((2 * factor * short + long) // (2 * long))
    drawn = -(-steps * (2_000_000 + pixels) // 4_000_000)
    elder = -(-bound.numbers["floor"] * pixels // _MEGAPIXEL)
    return max(-(-drawn * (100 + bound.numbers["reserve"]) // 100), elder)


def _times(bound: Bound, inputs: Mapping[str, Scalar], _files: Sized) -> int:
    return sum(int(inputs.get(name, 0)) for name in bound.of) * bound.numbers["each"]


def _sides(bound: Bound, inputs: Mapping[str, Scalar]) -> tuple[int, int] | None:
    found = _SIZE.fullmatch(str(inputs.get(bound.of[0], "")))
    return None if found is None else (int(found[1]), int(found[2]))


_FORMULAS: Final[Mapping[Formula, Callable[[Bound, Mapping[str, Scalar], Sized], int | None]]] = {
    Formula.BYTES: _bytes,
    Formula.FILES: _each_file,
    Formula.PATCHES: _patches,
    Formula.AXES: _axes,
    Formula.TIMES: _times,
}


@dataclass(frozen=True, slots=True)
class Meter:
    """One thing that a provider counts while it works, such as tokens: what each costs us and our account, in
    currency units, and the most of it that this very call can come to; None if nobody says."""

    name: str
    rate: Decimal
    cost: Decimal
    most: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metering:
    """A meter of a price rule: its rates, and how its most follows from the request.

    `most` holds if `bound` says nothing of a request; `per_output`: it is that of one output.
    """

    name: str
    rate: Decimal
    cost: Decimal
    most: int | None = None
    bound: Bound | None = None
    per_output: bool = False

    def of(self, inputs: Mapping[str, Scalar], measured: Mapping[str, Sequence[FileInfo]], outputs: int) -> Meter:
        """The meter of one request."""
        most = None if self.bound is None else self.bound.most(inputs, measured)
        most = self.most if most is None else most
        if most is not None and self.per_output:
            most *= outputs
        return Meter(self.name, self.rate, self.cost, most)
