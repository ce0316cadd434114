"""Texts drawn as pictures, at any size, in Roboto (Apache 2.0): Latin, Greek and Cyrillic letters.

If its package is not there, Pillow's own font is used, which has the letters of ASCII and few others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final, TypeAlias

from PIL import Image, ImageColor, ImageDraw, ImageFont

from imagestudio.plugin import ProviderRefused

Font: TypeAlias = ImageFont.ImageFont | ImageFont.FreeTypeFont
Colour: TypeAlias = tuple[int, int, int, int]

SMALLEST: Final = 8
_ABSENT: Final = "\U0010fffd"


FACES: Final = MappingProxyType(
    {
        "regular": "Roboto",
        "italic": "RobotoItalic",
        "light": "RobotoLight",
        "medium": "RobotoMedium",
        "bold": "RobotoBold",
        "bold-italic": "RobotoBoldItalic",
        "black": "RobotoBlack",
    }
)
"""The cuts of the font, and what its package calls them."""
REGULAR: Final = "regular"
_SHARED: Final = re.compile(r"(.+)@(0?\.[0-9]{1,4}|[01](?:\.0{1,4})?)")
_OUTLINE: Final = (0, 0, 0, 220)
_AROUND: Final = 0.35
"""How far a ground reaches beyond its text, in heights of letters."""


@dataclass(frozen=True, slots=True)
class Lettering:
    """A text, how high its letters are in pixels, their colour, and how wide a line may be.

    On a `ground` of a colour of its own, or else with an outline; `align` is "left", "center" or "right".
    """

    text: str
    size: int
    colour: Colour
    most: float
    face: str = REGULAR
    align: str = "center"
    ground: Colour | None = None

    @property
    def outline(self) -> int:
        return 0 if self.ground else max(1, self.size // 12)

    def drawn(self) -> Image.Image:
        """As large as the text and its ground are; transparent around it."""
        draw = ImageDraw.Draw(Image.new("RGBA", (1, 1)))
        font, around = font_of(self.size, self.face), round(self.size * _AROUND) if self.ground else 0
        lines = broken(self.text, draw, font, self.most - 2 * around)
        how = {"align": self.align, "stroke_width": self.outline}
        left, top, right, bottom = draw.multiline_textbbox((0, 0), lines, font, **how)  # type: ignore[arg-type]
        size = max(1, round(right - left)) + 2 * around, max(1, round(bottom - top)) + 2 * around
        picture = Image.new("RGBA", size, self.ground or (0, 0, 0, 0))
        # Drawn apart and laid over, as drawing would replace the ground, and its transparency with it.
        letters = Image.new("RGBA", size, (*self.colour[:3], 0))
        ImageDraw.Draw(letters).multiline_text(
            (around - left, around - top),
            lines,
            self.colour,
            font,
            stroke_fill=_OUTLINE,
            **how,  # type: ignore[arg-type]
        )
        return Image.alpha_composite(picture, letters) if self.ground else letters


def tint_of(written: str) -> Colour:
    """A colour as it is written: a name, "#rrggbb" or "#rrggbbaa", or one of these with "@" and how much of it there
    is, such as "black@0.5". Raises ValueError."""
    shared = _SHARED.fullmatch(written)
    colour = ImageColor.getcolor(shared[1] if shared else written, "RGBA")
    assert isinstance(colour, tuple)
    red, green, blue, alpha = colour
    return red, green, blue, round(alpha * float(shared[2])) if shared else alpha


def font_of(size: int, face: str = REGULAR) -> Font:
    """The font, with letters so many pixels high."""
    file = _file(face)
    return ImageFont.load_default(size) if file is None else ImageFont.truetype(file, size)


@cache
def _file(face: str) -> str | None:
    try:
        from font_roboto import font_files
    except ImportError:
        return None
    found: str = font_files[FACES[face]]
    return found


def writable(text: str, face: str = REGULAR) -> str:
    """The text without blanks about it. Raises ProviderRefused where there is none, or no letter in the font for it."""
    text, font = text.strip(), font_of(20, face)
    if not text:
        raise ProviderRefused("missing_text", "there is no text to write")
    if isinstance(font, ImageFont.FreeTypeFont) and (unknown := _unknown(text, font)):
        raise ProviderRefused("unsupported_text", f"the font has no letter for {len(unknown)} of the characters")
    return text


def _unknown(text: str, font: ImageFont.FreeTypeFont) -> set[str]:
    """Characters for which the font draws its sign for what it has not."""
    missing = bytes(font.getmask(_ABSENT))
    return {letter for letter in set(text) if not letter.isspace() and bytes(font.getmask(letter)) == missing}


def broken(text: str, draw: ImageDraw.ImageDraw, font: Font, most: float) -> str:
    """Lines of words that are no wider than `most` pixels, where a single word is not."""
    lines: list[str] = []
    for paragraph in text.splitlines():
        now = ""
        for word in paragraph.split():
            longer = f"{now} {word}".strip()
            if now and draw.textlength(longer, font) > most:
                lines.append(now)
                longer = word
            now = longer
        lines.append(now)
    return "\n".join(lines)
