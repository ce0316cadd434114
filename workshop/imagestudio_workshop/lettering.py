"""Texts drawn as pictures, at any size, in Roboto (Apache 2.0): Latin, Greek and Cyrillic letters.

If its package is not there, Pillow's own font is used, which has the letters of ASCII and few others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

from PIL import Image, ImageDraw, ImageFont

from imagestudio.plugin import ProviderRefused

Font: TypeAlias = ImageFont.ImageFont | ImageFont.FreeTypeFont
Colour: TypeAlias = tuple[int, int, int, int]

SMALLEST: Final = 8
_ABSENT: Final = "\U0010fffd"


@dataclass(frozen=True, slots=True)
class Lettering:
    """A text, how high its letters are in pixels, their colour, and how wide a line may be."""

    text: str
    size: int
    colour: str
    most: float

    @property
    def outline(self) -> int:
        return max(1, self.size // 12)

    def drawn(self) -> Image.Image:
        """As large as the text is, with an outline that is read on any ground; transparent around it."""
        draw = ImageDraw.Draw(Image.new("RGBA", (1, 1)))
        font, outline = font_of(self.size), self.outline
        lines = broken(self.text, draw, font, self.most)
        left, top, right, bottom = draw.multiline_textbbox((0, 0), lines, font, align="center", stroke_width=outline)
        picture = Image.new("RGBA", (max(1, round(right - left)), max(1, round(bottom - top))), (0, 0, 0, 0))
        ImageDraw.Draw(picture).multiline_text(
            (-left, -top), lines, self.colour, font, align="center", stroke_width=outline, stroke_fill=(0, 0, 0, 220)
        )
        return picture


def font_of(size: int) -> Font:
    """The font, with letters so many pixels high."""
    file = _file()
    return ImageFont.load_default(size) if file is None else ImageFont.truetype(file, size)


@cache
def _file() -> str | None:
    try:
        from font_roboto import font_files
    except ImportError:
        return None
    found: str = font_files["Roboto"]
    return found


def writable(text: str) -> str:
    """The text without blanks about it. Raises ProviderRefused where there is none, or no letter in the font for it."""
    text, font = text.strip(), font_of(20)
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
