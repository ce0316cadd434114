"""Orders that only re-encode a picture: smaller, by quality or to a size in bytes, or in another format.

    file ──┬── what shows nothing left out, pixels untouched ──┐
           └── decoded, upright ── encoded at a quality ───────┴──> the smaller one

A camera's notes beside the picture, such as where it was taken, are left out; colours, bits and frames are kept, or
the order is refused.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.opening import animation, bits_of, moves, orientation_in, still, too_deep
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.profiles import Picture
from imagestudio_workshop.stripped import stripped
from imagestudio_workshop.strips import Strip

FORMATS: Final = {"jpeg": "image/jpeg", "webp": "image/webp", "png": "image/png"}
WORST, BEST, USUAL = 30, 95, 80
"""Of encoders' qualities; below the worst, fewer pixels look better."""
_SHRINK: Final = 0.85
_SMALLEST_SIDE: Final = 16
_COLOURS: Final = 256
_USUAL_BITS: Final = 8
_USUAL_LEVEL: Final = 6
"""Of zlib's nine; the last, with every filter tried, takes six times as long for two bytes in a hundred."""

Numbers: TypeAlias = npt.NDArray[np.uint32]
Encode: TypeAlias = Callable[[tuple[int, int], int], Media]
"""A file of a size in pixels, at a quality."""


def converted(order: LabelledTask) -> Work:
    """The same picture, or animation, as PNG, JPEG or WebP; what is transparent lies on `background` in a JPEG.

    `depth` is "keep", or "8" for a picture of more bits a channel.
    """
    source, chosen = order.file("image"), order.choice("format", FORMATS, "webp")
    quality, background = order.whole("quality", BEST), order.color("background", "white")
    lossless = chosen == "webp" and order.flag("lossless")
    narrowed = order.choice("depth", ("keep", "8"), "keep") == "8"
    if bits_of(source) > _USUAL_BITS and not narrowed:
        return _as_it_is(_deep(source, chosen))
    if moves(source, "image"):
        _refuse_motion(chosen)
        return _made(lambda: moving(source, chosen, quality, lossless=lossless), chosen)
    picture, bare = still(source, "image", narrowed=narrowed), _upright_png(source) if chosen == "png" else None

    def encode() -> Media:
        made = media(picture, chosen, quality, background=background, lossless=lossless)
        return made if bare is None or larger(bare, made) else bare

    return _made(encode, chosen)


def compressed(order: LabelledTask) -> Work:
    """Smaller in bytes: at a quality, or the best quality, then the largest size, that fits `target_bytes`.

    Never larger than what came in: where encoding it anew gains nothing, it is delivered as it was, without what was
    written beside it.
    """
    source, wish = order.file("image"), order.choice("format", ("auto", *FORMATS), "auto")
    quality, target = order.whole("quality", USUAL), order.whole("target_bytes")
    bare = bare_of(source) if wish == "auto" or FORMATS[wish] == source.media_type else None
    if bits_of(source) > _USUAL_BITS:
        return _as_it_is(_within(_deep(source, wish), target))
    if moves(source, "image"):
        chosen, size, encode = _moving_encoder(source, wish)
    else:
        chosen, size, encode = _still_encoder(source, wish)

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


def _smaller(encode: Encode, size: tuple[int, int], chosen: str, made: Media, source: Media) -> Media:
    """At a lower quality than was asked for, since it is smallness that was. Raises ProviderRefused."""
    found = _best_quality(encode, size, chosen, len(source.content))
    if found is None:
        problem = f"as {chosen} it would have {len(made.content)} bytes instead of {len(source.content)}"
        raise ProviderRefused("not_smaller", f"{problem}; leave the format on auto")
    return found


def _upright_png(source: Media) -> Media | None:
    """A PNG of 8 bits or fewer as it is, since it may be packed better than it would be here."""
    is_upright = source.media_type == "image/png" and orientation_in(source, "image") == 1
    return bare_of(source) if is_upright and bits_of(source) <= _USUAL_BITS else None


def larger(one: Media, other: Media) -> bool:
    return len(one.content) > len(other.content)


def bare_of(source: Media) -> Media | None:
    """The file as it is without what was written beside the picture; None where that cannot be done to it."""
    content = stripped(source.content, source.media_type, orientation_in(source, "image"))
    return None if content is None else Media(content, source.media_type)


def _deep(source: Media, chosen: str) -> Media:
    """A PNG of 16 bits a channel as it is. Raises ProviderRefused where it cannot stay so."""
    bare = bare_of(source) if source.media_type == "image/png" and chosen in ("auto", "png") else None
    if bare is None:
        raise too_deep("image", bits_of(source), "only a PNG can stay so; convert it to a depth of 8 before")
    return bare


def _within(bare: Media, target: int) -> Media:
    if target and len(bare.content) > target:
        raise ProviderRefused("target_too_small", f"with all its bits the picture has {len(bare.content)} bytes")
    return bare


def _refuse_motion(chosen: str) -> None:
    if chosen == "jpeg":
        raise ProviderRefused("animation", "image is an animation, which a JPEG cannot be; ask for WebP or PNG")


def _as_it_is(bare: Media) -> Work:
    return lambda _variation, _step: bare


def _made(encode: Callable[[], Media], chosen: str) -> Work:
    def work(_variation: int, step: Step) -> Media:
        step(0.2, f"encoding as {chosen}")
        return encode()

    return work


def _moving_encoder(source: Media, wish: str) -> tuple[str, tuple[int, int], Encode]:
    _refuse_motion(wish)
    chosen = "webp" if wish == "auto" else wish
    with animation(source, "image") as frames:
        size = frames.first.size
    return chosen, size, lambda small, quality: moving(source, chosen, quality, None if small == size else small)


def _still_encoder(source: Media, wish: str) -> tuple[str, tuple[int, int], Encode]:
    picture = still(source, "image")
    chosen = _fitting(source, picture.image) if wish == "auto" else wish
    # A picture in few colours is smaller, and cleaner, without loss.
    few = wish == "auto" and picture.image.getcolors(_COLOURS) is not None

    def encode(size: tuple[int, int], quality: int) -> Media:
        image = picture.image if size == picture.size else picture.image.resize(size, Image.Resampling.LANCZOS)
        made = media(picture.of(image), chosen, quality, palette=True)
        exact = media(picture.of(image), "webp", quality, lossless=True) if few else made
        return made if larger(exact, made) else exact

    return chosen, picture.size, encode


def fitted(encode: Encode, full: tuple[int, int], chosen: str, target: int, step: Step) -> Media:
    """The best picture of at most `target` bytes. Raises ProviderRefused where none is so small."""
    size = full
    while min(size) >= _SMALLEST_SIDE or size == full:
        step(0.2 + 0.7 * (1 - size[0] / full[0]), f"trying {size[0]} x {size[1]}")
        if found := _best_quality(encode, size, chosen, target):
            return found
        size = max(1, round(size[0] * _SHRINK)), max(1, round(size[1] * _SHRINK))
    raise ProviderRefused("target_too_small", f"no {chosen} of this picture has {target} bytes or fewer")


def _best_quality(encode: Encode, size: tuple[int, int], chosen: str, target: int) -> Media | None:
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


def media(
    picture: Picture,
    chosen: str,
    quality: int,
    *,
    background: str = "white",
    palette: bool = False,
    lossless: bool = False,
) -> Media:
    """Encode as "jpeg", "webp" or "png"; a PNG of `palette` has at most 256 colours."""
    stream, profile, image = io.BytesIO(), picture.profile, picture.image
    match chosen:
        case "jpeg":
            flat = flattened(picture, background).image
            flat.save(stream, "JPEG", quality=quality, optimize=True, progressive=True, icc_profile=profile)
        case "webp":
            image.save(
                stream, "WEBP", quality=quality, method=4, lossless=lossless, exact=lossless, icc_profile=profile
            )
        case _:
            few = reduced(image)
            many = palette and few is image
            return png(picture.of(image.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE) if many else few))
    return Media(stream.getvalue(), FORMATS[chosen])


def png(picture: Picture, *, level: int = _USUAL_LEVEL, label: str = "") -> Media:
    """As a PNG, indexed where it has few colours; `label` says how it was made."""
    stream, text = io.BytesIO(), PngInfo()
    if label:
        text.add_text("Software", label)
    image = reduced(picture.image)
    image.save(stream, "PNG", compress_level=level, icc_profile=picture.profile, pnginfo=text)
    return Media(stream.getvalue(), FORMATS["png"])


def reduced(image: Image.Image) -> Image.Image:
    """The same pixels by number, where they have at most 256 colours in all."""
    found = image.getcolors(_COLOURS) if image.mode in ("RGB", "RGBA") else None
    if not found:
        return image
    colours = np.array(sorted(colour for _, colour in found), dtype=np.uint32)
    pixels = np.asarray(image, dtype=np.uint32)
    codes = _code(colours)
    indexed = Image.fromarray(np.searchsorted(codes, _code(pixels)).astype(np.uint8))
    indexed.putpalette(colours[:, :3].ravel().tolist())
    if image.mode == "RGBA" and (colours[:, 3] < 255).any():
        indexed.info["transparency"] = bytes(colours[:, 3].tolist())
    return indexed


def _code(
    colours: np.ndarray[tuple[int, ...], np.dtype[np.uint32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint32]]:
    """One number a colour, in the order of the colours."""
    code = np.zeros(colours.shape[:-1], dtype=np.uint32)
    for plane in range(colours.shape[-1]):
        code = code << np.uint32(8) | colours[..., plane]
    return code


def moving(
    source: Media, chosen: str, quality: int, size: tuple[int, int] | None = None, *, lossless: bool = False
) -> Media:
    """An animation as "webp" or "png": every frame, for as long as it was shown, as often as it ran."""
    stream = io.BytesIO()
    with animation(source, "image") as frames:
        mode = "RGBA" if frames.clear else "RGB"

        def frame(number: int) -> Image.Image:
            image = frames.frame(number).image.convert(mode)
            return image if size is None else image.resize(size, Image.Resampling.LANCZOS)

        strip = Strip(size or frames.first.size, len(frames.durations), frame, mode)
        how = {"quality": quality, "method": 2, "lossless": lossless} if chosen == "webp" else {}
        times, profile = list(frames.durations), frames.first.profile
        strip.save(stream, chosen, save_all=True, duration=times, loop=frames.plays, icc_profile=profile, **how)
    return Media(stream.getvalue(), FORMATS[chosen])


def flattened(picture: Picture, background: str = "white") -> Picture:
    """Without transparency, laid on a colour."""
    image = picture.image
    if image.mode != "RGBA":
        return picture
    flat = Image.new("RGB", image.size, picture.colour(background))
    flat.paste(image, mask=image.getchannel("A"))
    return picture.of(flat)


def _fitting(original: Media, image: Image.Image) -> str:
    """JPEG and WebP stay what they are; anything else becomes WebP where it is transparent, else JPEG."""
    same = next((name for name, kind in FORMATS.items() if kind == original.media_type and name != "png"), None)
    return same or ("webp" if image.mode == "RGBA" else "jpeg")
