"""Orders that only re-encode a picture: smaller, by quality or to a size in bytes, or in another format.

What a camera wrote beside the picture, such as where it was taken, is left out; its colour profile is kept.
"""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from application.ports import Media, ProviderRefused
from infrastructure.providers.local.orders import Order, Step, Work

FORMATS: Final = {"jpeg": "image/jpeg", "webp": "image/webp", "png": "image/png"}
WORST, BEST, USUAL = 30, 95, 80
"""Of encoders' qualities; below the worst, fewer pixels look better."""
_SHRINK: Final = 0.85
_SMALLEST_SIDE: Final = 16
_COLOURS: Final = 256


def converted(order: Order) -> Work:
    """The same picture as PNG, JPEG or WebP; what is transparent lies on `background` in a JPEG."""
    image, chosen = order.picture(), order.choice("format", FORMATS, "webp")
    quality, background = order.whole("quality", BEST), order.color("background", "white")
    lossless = chosen == "webp" and order.flag("lossless")

    def work(_variation: int, step: Step) -> Media:
        step(0.2, f"encoding as {chosen}")
        return media(image, chosen, quality, background=background, lossless=lossless)

    return work


def compressed(order: Order) -> Work:
    """Smaller in bytes: at a quality, or the best quality, then the largest size, that fits `target_bytes`.

    Never larger than what came in: where encoding it anew gains nothing, that is what is delivered.
    """
    original, image = order.file("image"), order.picture()
    chosen = order.choice("format", ("auto", *FORMATS), "auto")
    chosen = _fitting(original, image) if chosen == "auto" else chosen
    quality, target = order.whole("quality", USUAL), order.whole("target_bytes")

    def work(_variation: int, step: Step) -> Media:
        if target:
            return fitted(image, chosen, target, step)
        step(0.2, f"encoding as {chosen}")
        smaller = media(image, chosen, quality, palette=True)
        kept = original.media_type == FORMATS[chosen] and len(original.content) <= len(smaller.content)
        return original if kept else smaller

    return work


def fitted(image: Image.Image, chosen: str, target: int, step: Step) -> Media:
    """The best picture of at most `target` bytes. Raises ProviderRefused where none is so small."""
    size = image.size
    while min(size) >= _SMALLEST_SIDE or size == image.size:
        smaller = image if size == image.size else image.resize(size, Image.Resampling.LANCZOS)
        step(0.2 + 0.7 * (1 - size[0] / image.width), f"trying {size[0]} x {size[1]}")
        if found := _best_quality(smaller, target, chosen):
            return found
        size = max(1, round(size[0] * _SHRINK)), max(1, round(size[1] * _SHRINK))
    raise ProviderRefused("target_too_small", f"no {chosen} of this picture has {target} bytes or fewer")


def _best_quality(image: Image.Image, target: int, chosen: str) -> Media | None:
    """By bisection, as bytes rise with quality; a PNG has no quality to search."""
    low, high = (BEST, BEST) if chosen == "png" else (WORST, BEST)
    best = None
    while low <= high:
        quality = (low + high + 1) // 2
        found = media(image, chosen, quality, palette=True)
        if len(found.content) <= target:
            best, low = found, quality + 1
        else:
            high = quality - 1
    return best


def media(
    image: Image.Image,
    chosen: str,
    quality: int,
    *,
    background: str = "white",
    palette: bool = False,
    lossless: bool = False,
) -> Media:
    """Encode as "jpeg", "webp" or "png"; a PNG of `palette` has at most 256 colours."""
    stream, profile = io.BytesIO(), image.info.get("icc_profile")
    match chosen:
        case "jpeg":
            flat = flattened(image, background)
            flat.save(stream, "JPEG", quality=quality, optimize=True, progressive=True, icc_profile=profile)
        case "webp":
            image.save(stream, "WEBP", quality=quality, method=4, lossless=lossless, icc_profile=profile)
        case _:
            indexed = image.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE) if palette else image
            indexed.save(stream, "PNG", optimize=True, icc_profile=profile)
    return Media(stream.getvalue(), FORMATS[chosen], image.width, image.height)


def flattened(image: Image.Image, background: str = "white") -> Image.Image:
    """Without transparency, laid on a colour."""
    if image.mode != "RGBA":
        return image
    flat = Image.new("RGB", image.size, background)
    flat.paste(image, mask=image.getchannel("A"))
    return flat


def _fitting(original: Media, image: Image.Image) -> str:
    """JPEG and WebP stay what they are; anything else becomes WebP where it is transparent, else JPEG."""
    same = next((name for name, kind in FORMATS.items() if kind == original.media_type and name != "png"), None)
    return same or ("webp" if image.mode == "RGBA" else "jpeg")
