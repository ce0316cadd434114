"""Watermark: pictures marked as somebody's, by a brand kit, a logo or a text; many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

from application.asking.requests import File
from application.ports import Scalar
from application.studios.desk import sorted_out
from application.studios.finishing import Finishing, Piece, given_inputs, pieces_of, type_named
from domain.errors import InvalidInput

KIND: Final = "image-watermark"
_LOOKS: Final = ("position", "opacity", "size", "margin", "color")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandKit:
    """How a brand marks its pictures: a `logo`, the path of a file, or a `text`; where, how large and how strong.

    `size` is percent of the picture's width, `margin` of its shorter side; `opacity` is from 0.05 to 1.
    """

    WORD: ClassVar[str] = "brand"
    id: str
    name: str
    logo: str = ""
    text: str = ""
    color: str = "white"
    position: str = "bottom-right"
    opacity: str = "0.6"
    size: str = "20"
    margin: str = "3"
    tiled: bool = False
    angle: int = 0

    def __post_init__(self) -> None:
        if bool(self.logo) == bool(self.text):
            raise ValueError("logo and text: give one of them")

    def inputs(self) -> dict[str, Scalar]:
        looks: dict[str, Scalar] = {name: getattr(self, name) for name in _LOOKS}
        return {**looks, "tiled": self.tiled, "angle": self.angle, **({"text": self.text} if self.text else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkBrief:
    """A brand kit, or a logo, or a text, and what is said over the kit's looks."""

    brand: str = ""
    logo: Any = None
    text: str = ""
    color: str = ""
    position: str = ""
    opacity: str = ""
    size: str = ""
    margin: str = ""
    tiled: bool = False
    angle: int | None = None
    format: str = ""


@dataclass(frozen=True, slots=True)
class Watermark(Finishing):
    """The service."""

    def draft(self, images: Sequence[File], account: str, options: Mapping[str, Any]) -> list[Piece]:
        """A request a file. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, WatermarkBrief, account, options, KIND)
        brief = WatermarkBrief(**own)
        if sum(map(bool, (brief.brand, brief.logo, brief.text))) != 1:
            raise InvalidInput("brand", "or a logo or a text is needed", hint="give one of brand, logo and text")
        kit = self.desk.presets.get(BrandKit, brief.brand, "brand") if brief.brand else None
        logo = brief.logo or (Path(kit.logo) if kit and kit.logo else None)
        return pieces_of(caller, KIND, _inputs(brief, kit), images, beside={"mark": [logo]} if logo else {})


def _inputs(brief: WatermarkBrief, kit: BrandKit | None) -> dict[str, Scalar]:
    """The kit's looks with what is said over them."""
    looks = {name: getattr(brief, name) for name in (*_LOOKS, "text")}
    own = given_inputs(**looks, tiled=brief.tiled or None, angle=brief.angle, output_format=type_named(brief.format))
    return {**(kit.inputs() if kit else {}), **own}
