"""Faces drawn for the test: nobody's, but with the light and shade by which a face is known; and pictures with text."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int]


def signed(image: Image.Image, text: str = "Hello world", colour: Colour = (255, 255, 255)) -> Image.Image:
    """A picture with a line of text across its lower half, as high as a sixth of it."""
    image = image.copy()
    size = image.height // 6
    place = (image.width // 20, image.height // 2)
    ImageDraw.Draw(image).text(place, text, font=ImageFont.load_default(size), fill=colour)
    return image


def portrait(
    skin: Colour = (216, 172, 148),
    iris: Colour = (60, 90, 60),
    size: int = 240,
    background: Colour = (96, 120, 150),
    tilt: float = 0.0,
) -> Image.Image:
    """A face that looks at us, in the middle of a square; `tilt` is in degrees, counter-clockwise."""
    image = Image.new("RGB", (240, 240), background)
    draw = ImageDraw.Draw(image)
    dark: Colour = tuple(value * 6 // 10 for value in skin)  # type: ignore[assignment]
    hair = (52, 38, 30)
    draw.ellipse((50, 18, 190, 150), fill=hair)
    draw.ellipse((60, 34, 180, 222), fill=skin)
    draw.pieslice((56, 22, 184, 120), 180, 360, fill=hair)
    draw.rectangle((74, 62, 166, 84), fill=skin)
    for x in (92, 148):
        draw.ellipse((x - 24, 84, x + 24, 124), fill=dark)
        draw.rectangle((x - 20, 86, x + 20, 92), fill=hair)
        draw.ellipse((x - 15, 98, x + 15, 116), fill=(240, 240, 238))
        draw.ellipse((x - 8, 99, x + 8, 115), fill=iris)
        draw.ellipse((x - 4, 103, x + 4, 111), fill=(10, 10, 10))
    light: Colour = tuple(min(255, value + 24) for value in skin)  # type: ignore[assignment]
    draw.rectangle((114, 96, 126, 150), fill=light)
    draw.ellipse((104, 140, 136, 160), fill=light)
    draw.ellipse((106, 152, 134, 164), fill=dark)
    draw.ellipse((92, 174, 148, 196), fill=(140, 60, 60))
    draw.rectangle((96, 183, 144, 186), fill=(80, 30, 30))
    image = image.filter(ImageFilter.GaussianBlur(2.2))
    noise = np.random.default_rng(2).normal(0, 3, (240, 240, 1))
    image = Image.fromarray((np.asarray(image) + noise).clip(0, 255).astype(np.uint8))
    if tilt:
        image = image.rotate(tilt, Image.Resampling.BICUBIC, fillcolor=background)
    return image.resize((size, size), Image.Resampling.LANCZOS)
