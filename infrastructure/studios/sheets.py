"""A contact sheet: pictures in a grid on white, each as it is shown, with its line below."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError

CELL: Final = 320
LINES: Final = 48
"""Pixels below each picture, for two lines."""
GAP: Final = 12
ACROSS: Final = 4


def contact_sheet(tiles: Sequence[tuple[str, bytes]]) -> bytes:
    """A PNG of all; what is no picture is a blank with its line."""
    columns = max(1, min(ACROSS, len(tiles)))
    rows = -(-len(tiles) // columns) or 1
    size = (columns * (CELL + GAP) + GAP, rows * (CELL + LINES + GAP) + GAP)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for place, (text, content) in enumerate(tiles):
        left, top = GAP + place % columns * (CELL + GAP), GAP + place // columns * (CELL + LINES + GAP)
        picture = _thumbnail(content)
        sheet.paste(picture, (left + (CELL - picture.width) // 2, top + (CELL - picture.height) // 2))
        for line, words in enumerate(text.split("\n")[:2]):
            draw.text((left, top + CELL + 4 + 20 * line), _cut(words, draw, font), "black", font)
    written = BytesIO()
    sheet.save(written, "PNG")
    return written.getvalue()


def _thumbnail(content: bytes) -> Image.Image:
    """The picture, turned as it is shown, on white, no larger than a cell."""
    try:
        with Image.open(BytesIO(content)) as opened:
            opened.draft("RGB", (CELL, CELL))
            picture = ImageOps.exif_transpose(opened)
            if picture.mode.startswith("I"):  # 16 bits of grey
                picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
            picture = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError):
        return Image.new("RGB", (CELL, CELL), "lightgrey")
    picture.thumbnail((CELL, CELL), Image.Resampling.LANCZOS)
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground


def _cut(words: str, draw: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """As much of a line as fits below a picture."""
    if draw.textlength(words, font) <= CELL:
        return words
    kept = len(words)
    while kept and draw.textlength(f"{words[:kept]}…", font) > CELL:
        kept -= 1
    return f"{words[:kept]}…"
