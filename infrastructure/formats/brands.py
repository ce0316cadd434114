"""The type of a file of boxes by its brands: film, sound or still picture (ISO/IEC 14496-12; MIME Sniffing, 6.2.1).

The first brand says what a file is best opened as, the compatible ones what else it may be opened as. A maker's own
brand is often the first of a common film, so those behind it count too; if none is known, what the file holds does.
"""

from __future__ import annotations

from typing import Final

from infrastructure.formats.boxes import Boxes, TooMuch
from infrastructure.formats.measured import unsigned
from infrastructure.formats.stills import read_still

MP4: Final = "video/mp4"
QUICKTIME: Final = "video/quicktime"
HEIC: Final = "image/heic"
AVIF: Final = "image/avif"

_MOST_BRANDS: Final = 4096
_STILLS: Final = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), HEIC),
    **dict.fromkeys((b"avif", b"avis"), AVIF),
}
_ANY_STILL: Final = frozenset({b"mif1", b"mif2", b"msf1", b"miaf", *_STILLS})
_CODED: Final = {b"hvc1": HEIC, b"av01": AVIF}
_SOUNDS: Final = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "})
_FILMS: Final = frozenset(
    {b"avc1", b"hvc1", b"hev1", b"dash", b"msdh", b"MSNV", b"M4V ", b"M4VH", b"M4VP", b"f4v ", b"F4V "}
)
_FILM_PREFIXES: Final = (b"mp4", b"iso", b"cmf", b"XAVC")
_NO_FILMS: Final = frozenset({b"crx ", b"jp2 ", b"jpx ", b"jpm ", b"mjp2", b"mj2s", b"jxl ", b"styp"})
"""Raw photographs and JPEG 2000 are made of the same boxes."""
_OLD_QUICKTIME: Final = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})
"""With what a QuickTime film began before there were brands."""


def branded(content: memoryview) -> str | None:
    """The media type of a file of boxes, or None where it is none or of a kind not known."""
    kind = bytes(content[4:8])
    if kind in _OLD_QUICKTIME:
        return QUICKTIME if _holds_tracks(content) else None
    if kind != b"ftyp":
        return None
    first, *others = _brands(content)
    if first in _SOUNDS:
        return "audio/mp4"
    if first in _ANY_STILL:
        return _still(content, first, others)
    return QUICKTIME if first == b"qt  " else _film(content, [first, *others])


def _brands(content: memoryview) -> list[bytes]:
    """The first brand and the compatible ones; between them stands a version."""
    end = min(unsigned(content, 0, 4), _MOST_BRANDS, len(content))
    return [bytes(content[8:12]), *(bytes(content[at : at + 4]) for at in range(16, end - 3, 4))]


def _film(content: memoryview, brands: list[bytes]) -> str | None:
    if brands[0] in _NO_FILMS:
        return None
    if any(brand in _FILMS or brand.startswith(_FILM_PREFIXES) for brand in brands):
        return MP4
    if any(brand.startswith(b"3g2") for brand in brands):
        return "video/3gpp2"
    if any(brand.startswith((b"3gp", b"3gr", b"3gs", b"3ge", b"3gg")) for brand in brands):
        return "video/3gpp"
    if b"qt  " in brands:
        return QUICKTIME
    return MP4 if _holds_tracks(content) else None


def _still(content: memoryview, first: bytes, others: list[bytes]) -> str | None:
    still = read_still(content)
    if still is None:
        return AVIF if first == b"avis" and _holds_tracks(content) else None
    named = next((_STILLS[brand] for brand in (first, *others) if brand in _STILLS), None)
    return named or _CODED.get(still.coded)


def _holds_tracks(content: memoryview) -> bool:
    try:
        return len(Boxes().first(content, b"moov", b"trak")) > 0
    except TooMuch:
        return False
