"""The notes beside a picture in its file: left out, or kept as EXIF of the picture as it is shown."""

from __future__ import annotations

from typing import Final

from PIL import Image

from imagestudio.plugin import Media
from imagestudio_workshop.opening import orientation_in
from imagestudio_workshop.reading import opened_picture
from imagestudio_workshop.stripped import stripped

METADATA: Final = ("strip", "keep")
_DETAILS, _PLACE = 0x8769, 0x8825
# Description, maker, model, program, instant, artist, copyright (CIPA DC-008, table 4): not how pixels are stored.
_TOLD: Final = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298)
_SIZES: Final = (0xA002, 0xA003)
"""Pixels across and down, which are those of the file that it came from."""


def bare_of(source: Media) -> Media | None:
    """The file as it is without what was written beside the picture; None where that cannot be done to it."""
    content = stripped(source.content, source.media_type, orientation_in(source, "image"))
    return None if content is None else Media(content, source.media_type)


def exif_of(source: Media) -> bytes:
    """The words of a camera or a program on the picture, which is upright now; empty if there are none."""
    with opened_picture(source, "image") as image:
        given = image.getexif()
        kept = Image.Exif()
        kept.update({tag: given[tag] for tag in _TOLD if tag in given})
        for part in (_DETAILS, _PLACE):
            told = {tag: value for tag, value in given.get_ifd(part).items() if tag not in _SIZES}
            if told:
                kept.get_ifd(part).update(told)
                kept[part] = kept.get_ifd(part)
    return kept.tobytes() if len(kept) else b""
