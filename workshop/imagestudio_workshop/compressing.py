"""Orders that make a picture smaller in bytes, by quality or to a size in bytes.

    file ──┬── what shows nothing left out, pixels untouched ──┐
           └── decoded, upright ── encoded at a quality ───────┴──> the smaller one

A camera's notes beside the picture, such as where it was taken, are left out unless they are to be kept; colours, bits
and frames are kept, or the order is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.beside import METADATA, bare_of, exif_of
from imagestudio_workshop.coding import FORMATS, OPAQUE, StillCoding
from imagestudio_workshop.deep import deep_as_it_is, is_deep
from imagestudio_workshop.encoding import media, moving, refuse_motion
from imagestudio_workshop.opening import animation, moves, still
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.profiles import Picture

SMALL: Final = ("jpeg", "webp", "png", "avif")
WORST, BEST, USUAL = 30, 95, 80
"""Of encoders' qualities; below the worst, fewer pixels look better."""
_SHRINK: Final = 0.85
_SMALLEST_SIDE: Final = 16
_COLOURS: Final = 256

Encode: TypeAlias = Callable[[tuple[int, int], int], Media]
"""A file of a size in pixels, at a quality."""


def compressed(order: LabelledTask) -> Work:
    """Smaller in bytes: at a quality, or the best quality, then the largest size, that fits `target_bytes`.

    Never larger than what came in: where encoding it anew gains nothing, it is delivered as it was, without what was
    written beside it unless `metadata` is "keep". A PNG loses nothing at the best quality; below, it
    has 256 colours.
    """
    source, wish = order.file("image"), order.choice("format", ("auto", *SMALL), "auto")
    quality, target = order.whole("quality", USUAL), order.whole("target_bytes")
    keeps = order.choice("metadata", METADATA, "strip") == "keep"
    same = wish == "auto" or FORMATS[wish] == source.media_type
    bare = (source if keeps else bare_of(source)) if same else None
    if is_deep(source):
        kept = _within(deep_as_it_is(source, wish), target)
        return lambda _variation, _step: source if keeps else kept
    coding = StillCoding(
        format="png",
        ground=order.ground(),
        progressive=order.flag("progressive", default=True),
        few=bool(target) or quality < BEST,
        exif=exif_of(source) if keeps else b"",
    )
    encoder = _moving_encoder if moves(source, "image") else _still_encoder
    chosen, size, encode = encoder(source, wish, coding)

    def work(_variation: int, step: Step) -> Media:
        if bare and target and len(bare.content) <= target:
            return bare
        if target:
            return fitted(encode, size, chosen, target, step)
        step(0.2, f"encoding as {chosen}")
        made = encode(size, quality)
        if bare and not larger(bare, made):
            return bare
        return made if not larger(made, source) else _smaller(encode, size, chosen, made, source)

    return work


def _moving_encoder(source: Media, wish: str, usual: StillCoding) -> tuple[str, tuple[int, int], Encode]:
    chosen = "webp" if wish == "auto" else wish
    refuse_motion(chosen)
    coding = usual.as_format(chosen).checked()
    with animation(source, "image") as frames:
        size = frames.first.size
    return chosen, size, lambda small, quality: moving(source, coding.at(quality), _resized(small))


def _still_encoder(source: Media, wish: str, usual: StillCoding) -> tuple[str, tuple[int, int], Encode]:
    picture = still(source, "image")
    chosen = _fitting(source, picture.image) if wish == "auto" else wish
    coding = usual.as_format(chosen).checked()
    if coding.ground or chosen in OPAQUE:
        picture = coding.fitting(picture)
    # A picture in few colours is smaller, and cleaner, without loss.
    few = wish == "auto" and picture.image.getcolors(_COLOURS) is not None

    def encode(size: tuple[int, int], quality: int) -> Media:
        shaped = _resized(size)(picture)
        made = media(shaped, coding.at(quality))
        exact = media(shaped, StillCoding(format="webp", lossless=True, exif=coding.exif)) if few else made
        return made if larger(exact, made) else exact

    return chosen, picture.size, encode


def _resized(size: tuple[int, int]) -> Callable[[Picture], Picture]:
    def resized(picture: Picture) -> Picture:
        return picture if size == picture.size else picture.of(picture.image.resize(size, Image.Resampling.LANCZOS))

    return resized


def _smaller(encode: Encode, size: tuple[int, int], chosen: str, made: Media, source: Media) -> Media:
    """At a lower quality than was asked for, since it is smallness that was. Raises ProviderRefused."""
    found = best_quality(encode, size, chosen, len(source.content))
    if found is None:
        problem = f"as {chosen} it would have {len(made.content)} bytes instead of {len(source.content)}"
        raise ProviderRefused("not_smaller", f"{problem}; leave the format on auto")
    return found


def larger(one: Media, other: Media) -> bool:
    return len(one.content) > len(other.content)


def _within(bare: Media, target: int) -> Media:
    if target and len(bare.content) > target:
        raise ProviderRefused("target_too_small", f"with all its bits the picture has {len(bare.content)} bytes")
    return bare


def fitted(encode: Encode, full: tuple[int, int], chosen: str, target: int, step: Step) -> Media:
    """The best picture of at most `target` bytes. Raises ProviderRefused where none is so small."""
    size = full
    while min(size) >= _SMALLEST_SIDE or size == full:
        step(0.2 + 0.7 * (1 - size[0] / full[0]), f"trying {size[0]} x {size[1]}")
        if found := best_quality(encode, size, chosen, target):
            return found
        size = max(1, round(size[0] * _SHRINK)), max(1, round(size[1] * _SHRINK))
    raise ProviderRefused("target_too_small", f"no {chosen} of this picture has {target} bytes or fewer")


def best_quality(encode: Encode, size: tuple[int, int], chosen: str, target: int) -> Media | None:
    """By bisection, as bytes rise with quality; a PNG has no quality to search."""
    low, high = (BEST, BEST) if chosen == "png" else (WORST, BEST)
    best = None
    while low <= high:
        quality = (low + high + 1) // 2
        found = encode(size, quality)
        if len(found.content) <= target:
            best, low = found, quality + 1
        else:
            high = quality - 1
    return best


def _fitting(original: Media, image: Image.Image) -> str:
    """JPEG, WebP and AVIF stay what they are; anything else becomes WebP where it is transparent, else JPEG."""
    same = next((name for name in SMALL if FORMATS[name] == original.media_type and name != "png"), None)
    return same or ("webp" if image.mode == "RGBA" else "jpeg")
