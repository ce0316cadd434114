"""Orders for another format, another colour space or fewer bits of the same picture, or animation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PIL import ImageCms

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.beside import METADATA, bare_of, exif_of
from imagestudio_workshop.coding import FORMATS, UNPROFILED, StillCoding
from imagestudio_workshop.compressing import larger
from imagestudio_workshop.deep import deep_as, is_deep
from imagestudio_workshop.encoding import media, moving, refuse_motion
from imagestudio_workshop.opening import moves, orientation_in, still
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.profiles import Picture
from imagestudio_workshop.spaces import SPACES, profile_of

_KEEP: Final = "keep"


def converted(order: LabelledTask) -> Work:
    """The picture in another format, space or depth; what is transparent lies on `background` where one is named.

    `color_space` and `depth` are "keep", or one of `SPACES` and "8" for a picture of more bits a channel.
    """
    source, coding = order.file("image"), _coding(order)
    space, narrowed = order.choice("color_space", (_KEEP, *SPACES), _KEEP), order.choice("depth", (_KEEP, "8"), _KEEP)
    if space not in (_KEEP, "srgb") and coding.format in UNPROFILED:
        raise ProviderRefused("unsupported_color_space", f"a {coding.format} can only be in sRGB")
    if is_deep(source) and narrowed == _KEEP:
        return _deep(source, coding, space)
    if moves(source, "image"):
        refuse_motion(coding.format)
        return _made(lambda: moving(source, coding, lambda picture: in_space(picture, space)), coding)
    picture = in_space(still(source, "image", narrowed=True), space)
    bare = _bare_png(source) if coding.format == "png" and space == _KEEP and not coding.ground else None

    def encode() -> Media:
        made = media(picture, coding)
        return made if bare is None or larger(bare, made) or coding.exif else bare

    return _made(encode, coding)


def _coding(order: LabelledTask) -> StillCoding:
    keeps = order.choice("metadata", METADATA, "strip") == _KEEP
    return StillCoding(
        format=order.choice("format", FORMATS, "webp"),
        quality=order.whole("quality", 95),
        ground=order.ground(),
        lossless=order.flag("lossless"),
        progressive=order.flag("progressive", default=True),
        exif=exif_of(order.file("image")) if keeps else b"",
    ).checked()


def in_space(picture: Picture, space: str) -> Picture:
    """The same colours in another space. Raises ProviderRefused where the picture's own profile leads nowhere."""
    if space == _KEEP:
        return picture
    try:
        return picture.through(profile_of(space))
    except ImageCms.PyCMSError as error:
        raise ProviderRefused("unsupported_colours", "the picture's profile leads to no other colour space") from error


def _deep(source: Media, coding: StillCoding, space: str) -> Work:
    if space != _KEEP:
        raise ProviderRefused("too_deep", "colours are brought to another space in 8 bits; ask for a depth of 8")
    if coding.exif or coding.ground:
        raise ProviderRefused("too_deep", "a picture of 16 bits is written without metadata and without a background")
    made = deep_as(source, coding.format)
    return lambda _variation, _step: made


def _bare_png(source: Media) -> Media | None:
    """A PNG of 8 bits or fewer as it is, since it may be packed better than it would be here."""
    is_upright = source.media_type == FORMATS["png"] and orientation_in(source, "image") == 1
    return bare_of(source) if is_upright and not is_deep(source) else None


def _made(encode: Callable[[], Media], coding: StillCoding) -> Work:
    def work(_variation: int, step: Step) -> Media:
        step(0.2, f"encoding as {coding.format}")
        return encode()

    return work
