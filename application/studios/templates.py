"""Templates: a picture for a platform and a purpose, found by words, and the one that fits a use best."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Final, Generic, TypeVar

from application.studios.presets import Presets
from domain.errors import InvalidInput
from domain.meant import meant
from domain.shapes import pair

PROMPT: Final = "{prompt}"
LEAST_KEPT: Final = Fraction(1, 2)
"""Of the drawn picture's area, by a crop to the size in which it is published."""
_WORD: Final = re.compile(r"[^\W_]{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseTemplate:
    """A platform and a purpose, with the shape `aspect`, the quality and the words that are right for them."""

    WORD: ClassVar[str]

    id: str
    name: str
    platform: str
    purpose: str
    aspect: str
    uses: tuple[str, ...]
    quality: str = "standard"
    style: str = ""
    prompt: str = PROMPT
    negative: str = ""

    def __post_init__(self) -> None:
        if PROMPT not in self.prompt:
            raise ValueError(f"prompt: has no {PROMPT}")
        try:
            pair("aspect", self.aspect)
        except InvalidInput as error:
            raise ValueError(error.message) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Template(BaseTemplate):
    """A picture that is drawn in the shape `aspect`, and published as `finish`, a size in pixels within that shape.

    Few models draw the sizes of platforms: the picture is drawn at least so large where they can, and cropped after.
    """

    WORD: ClassVar[str] = "template"
    finish: str

    def __post_init__(self) -> None:
        BaseTemplate.__post_init__(self)
        try:
            kept = self.kept
        except InvalidInput as error:
            raise ValueError(error.message) from error
        if kept < LEAST_KEPT:
            raise ValueError(f"finish: {self.finish} keeps less than half of a picture of {self.aspect}")

    @property
    def kept(self) -> Fraction:
        """The part of the drawn picture that its publication shows."""
        drawn, shown = Fraction(*pair("aspect", self.aspect)), Fraction(*pair("finish", self.finish))
        return min(drawn, shown) / max(drawn, shown)


T = TypeVar("T", bound=BaseTemplate)


@dataclass(frozen=True, slots=True)
class Fit:
    """A template for a use, with the reason why it is meant for it; of two the one of higher `score` fits better."""

    template: BaseTemplate
    score: int
    reason: str


@dataclass(frozen=True, slots=True)
class Templates(Generic[T]):
    """All templates of a shape, to be looked through."""

    presets: Presets
    shape: type[T]

    def get(self, id: str) -> T:
        """The template of this id. Raises InvalidInput that names the nearest."""
        return self.presets.get(self.shape, id, "template")

    def search(self, text: str = "", platform: str | None = None, purpose: str | None = None) -> tuple[T, ...]:
        """Those that have every word of a text, by id. Raises InvalidInput for an unknown platform or purpose."""
        wanted = _words([text])
        return tuple(
            one
            for one in self._of(platform, purpose)
            if all(any(_starts(word, its) for its in _all(one)) for word in wanted)
        )

    def recommend(self, use: str, platform: str | None = None) -> tuple[Fit, ...]:
        """Those that fit a use, the best first; empty if no template is for anything like it. Raises InvalidInput."""
        wanted = _words([use])
        fits = [fit for one in self._of(platform, None) if (fit := _fit(one, wanted)).score]
        return tuple(sorted(fits, key=lambda fit: (-fit.score, fit.template.id)))

    def _of(self, platform: str | None, purpose: str | None) -> list[T]:
        every = [one for _, one in sorted(self.presets.of(self.shape).items())]
        for field, word in (("platform", platform), ("purpose", purpose)):
            known = sorted({getattr(one, field) for one in every})
            if word is not None and word not in known:
                hint = meant(word, known, f"there are: {', '.join(known)}")
                raise InvalidInput(field, f"no template is for the {field} {word!r}", hint=hint)
        return [one for one in every if platform in (None, one.platform) and purpose in (None, one.purpose)]


def _fit(template: BaseTemplate, wanted: Iterable[str]) -> Fit:
    weights = ((template.uses, 3), ((template.name, template.purpose), 2), ((template.platform,), 1))
    score, found = 0, []
    for word in wanted:
        weight = max(
            (weight for texts, weight in weights if any(_starts(word, its) for its in _words(texts))), default=0
        )
        score += weight
        found += [word] if weight else []
    return Fit(template, score, f"it is for {', '.join(template.uses)}; asked was {', '.join(found)}" if found else "")


def _all(template: BaseTemplate) -> tuple[str, ...]:
    return _words((template.id, template.name, template.platform, template.purpose, *template.uses))


def _words(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for text in texts for word in _WORD.findall(text.lower().replace("_", " "))))


def _starts(word: str, its: str) -> bool:
    """Whether one word begins as the other does, so that "post" finds "posts" and "posts" finds "post"."""
    return its.startswith(word) or (len(its) > 3 and word.startswith(its))
