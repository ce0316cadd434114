"""Edits that a prompt can ask for by word, done on the real picture in the order in which the words stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageEnhance, ImageFilter, ImageOps

Edit = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """`pattern` finds it in a prompt, `word` names it to people.

    If `shape` is set, `edit` moves pixels about, transparency included; otherwise it recolours RGB in place.
    """

    word: str
    pattern: str
    edit: Edit
    shape: bool = False


def wanted(prompt: str) -> list[Adjustment]:
    """The operations that the prompt names, each once, by where it is named first; words never overlap."""
    found: list[tuple[int, int, Adjustment]] = []
    for operation in OPERATIONS:
        match = re.search(rf"\b(?:{operation.pattern})\b", prompt.casefold())
        if match and not any(start < match.end() and match.start() < end for start, end, _ in found):
            found.append((match.start(), match.end(), operation))
    return [operation for _, _, operation in sorted(found, key=lambda entry: entry[0])]


def apply(operation: Adjustment, image: Image.Image, strength: float) -> Image.Image:
    """`strength` 1 is the edit itself, less is weaker, more is stronger; shapes know no strength."""
    if operation.shape:
        return operation.edit(image)
    before = image.convert("RGB")
    after = Image.blend(before, operation.edit(before), strength)
    if image.mode == "RGBA":
        after.putalpha(image.getchannel("A"))
    return after


def _radius(image: Image.Image, share: float) -> float:
    """A share of the picture's shorter side, so that a filter looks the same at every size."""
    return max(1.0, min(image.size) * share)


def _enhanced(enhancer: Callable[[Image.Image], ImageEnhance._Enhance], factor: float) -> Edit:
    return lambda image: enhancer(image).enhance(factor)


def _matrix(*rows: float) -> Edit:
    """Mixes red, green and blue; four numbers a row, the last one added."""
    return lambda image: image.convert("RGB", rows)


def _grayscale(image: Image.Image) -> Image.Image:
    return image.convert("L").convert("RGB")


def _blur(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(_radius(image, 0.012)))


def _sharpen(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.UnsharpMask(_radius(image, 0.003), 180, 2))


def _posterize(image: Image.Image) -> Image.Image:
    return ImageOps.posterize(image.filter(ImageFilter.MedianFilter(3)), 3)


def _sketch(image: Image.Image) -> Image.Image:
    """Colour dodge of the grey picture by its own blurred negative: what pencils leave white stays white."""
    gray = np.asarray(image.convert("L"), dtype=np.float32)
    soft = image.convert("L").filter(ImageFilter.GaussianBlur(_radius(image, 0.006)))
    dodged = gray / np.maximum(np.asarray(soft, dtype=np.float32), 1) * 255
    pencil = np.clip(255 - (255 - np.clip(dodged, 0, 255)) * 2.2, 0, 255)
    return Image.fromarray(pencil.astype(np.uint8)).convert("RGB")


def _edges(image: Image.Image) -> Image.Image:
    gray = image.convert("L").filter(ImageFilter.GaussianBlur(_radius(image, 0.0015)))
    across, down = np.gradient(np.asarray(gray, dtype=np.float32))
    strength = np.hypot(across, down)
    scaled = strength / max(1.0, float(np.percentile(strength, 99.5))) * 255
    return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8)).convert("RGB")


def _vignette(image: Image.Image) -> Image.Image:
    width, height = image.size
    x, y = np.linspace(-1, 1, width)[None, :], np.linspace(-1, 1, height)[:, None]
    light = np.clip(1.12 - 0.52 * (x * x + y * y) ** 1.1, 0.05, 1)
    mask = Image.fromarray((light * 255).astype(np.uint8))
    return ImageChops.multiply(image, Image.merge("RGB", (mask, mask, mask)))


def _pixelate(image: Image.Image) -> Image.Image:
    block = max(2, round(min(image.size) / 48))
    small = image.resize((max(1, image.width // block), max(1, image.height // block)), Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.NEAREST)


def _glow(image: Image.Image) -> Image.Image:
    soft = image.filter(ImageFilter.GaussianBlur(_radius(image, 0.02)))
    return Image.blend(image, ImageChops.screen(image, soft), 0.6)


def _vintage(image: Image.Image) -> Image.Image:
    faded = ImageEnhance.Contrast(_SEPIA(image)).enhance(0.85)
    return _vignette(Image.blend(image, faded, 0.7))


def _emboss(image: Image.Image) -> Image.Image:
    return image.convert("L").filter(ImageFilter.EMBOSS).convert("RGB")


def _square(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _border(image: Image.Image) -> Image.Image:
    white = (255,) * len(image.getbands())
    return ImageOps.expand(image, round(_radius(image, 0.05)), white)


def _turned(how: Image.Transpose) -> Edit:
    return lambda image: image.transpose(how)


_SEPIA = _matrix(0.393, 0.769, 0.189, 0, 0.349, 0.686, 0.168, 0, 0.272, 0.534, 0.131, 0)

# Longer phrases stand before the words that they contain: "rotate left" is not "rotate".
OPERATIONS = (
    Adjustment("grayscale", r"gr[ae]y-?\s?scale|black (?:and|&) white|b&w|monochrome|gr[ae]y", _grayscale),
    Adjustment("sepia", r"sepia", _SEPIA),
    Adjustment("vintage", r"vintage|retro|old photo", _vintage),
    Adjustment("blur", r"blur(?:red|ry)?|soften|softer", _blur),
    Adjustment("sharpen", r"sharp(?:en|er|ened)?|crisp(?:er)?", _sharpen),
    Adjustment("brighten", r"bright(?:en|er|ened|ness)?|lighten|lighter", _enhanced(ImageEnhance.Brightness, 1.3)),
    Adjustment("darken", r"dark(?:en|er|ened)?|dim", _enhanced(ImageEnhance.Brightness, 0.68)),
    Adjustment("contrast", r"(?:more |high |higher )?contrast|punchy", _enhanced(ImageEnhance.Contrast, 1.45)),
    Adjustment("saturate", r"saturated?|vivid|vibrant|colou?rful", _enhanced(ImageEnhance.Color, 1.65)),
    Adjustment("desaturate", r"desaturated?|muted|faded?", _enhanced(ImageEnhance.Color, 0.45)),
    Adjustment("warm", r"warm(?:er)?", _matrix(1.14, 0.03, 0, 4, 0, 1.02, 0, 1, 0, 0, 0.82, 0)),
    Adjustment("cool", r"cool(?:er)?|cold(?:er)?", _matrix(0.84, 0, 0, 0, 0, 1.0, 0.02, 1, 0, 0.03, 1.14, 4)),
    Adjustment("invert", r"invert(?:ed)?|negative", ImageOps.invert),
    Adjustment("posterize", r"posteri[sz]ed?|cartoon|comic", _posterize),
    Adjustment("sketch", r"(?:pencil )?sketch|(?:pencil )?drawing", _sketch),
    Adjustment("edges", r"edges?|outlines?", _edges),
    Adjustment("emboss", r"emboss(?:ed)?", _emboss),
    Adjustment("glow", r"glow(?:ing)?|dreamy|bloom", _glow),
    Adjustment("vignette", r"vignette", _vignette),
    Adjustment("pixelate", r"pixelated?|pixel art|pixels", _pixelate),
    Adjustment(
        "rotate left",
        r"(?:rotated?|turn)(?: it)? (?:left|counter-?clockwise|anti-?clockwise)",
        _turned(Image.Transpose.ROTATE_90),
        shape=True,
    ),
    Adjustment("upside down", r"upside[ -]down|rotated? 180", _turned(Image.Transpose.ROTATE_180), shape=True),
    Adjustment("rotate", r"rotated?", _turned(Image.Transpose.ROTATE_270), shape=True),
    Adjustment("mirror", r"mirror(?:ed)?|flip horizontal(?:ly)?", _turned(Image.Transpose.FLIP_LEFT_RIGHT), shape=True),
    Adjustment("flip", r"flip(?:ped)?(?: vertical(?:ly)?)?", _turned(Image.Transpose.FLIP_TOP_BOTTOM), shape=True),
    Adjustment("square", r"(?:crop(?:ped)? )?(?:to )?(?:a )?square|crop", _square, shape=True),
    Adjustment("border", r"(?:white )?border|frame", _border, shape=True),
)
