"""The channels of a sound: as many as the film has, wherever the encoder can say which is which.

layout of the film ── kept · the same by another name · else mixed to fewer ──> layout of what is written
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

MOST: Final = 8
STEREO: Final = 2

_COUNTS: Final = MappingProxyType(
    {"mono": 1, "stereo": 2, "2.1": 3, "3.0": 3, "4.0": 4, "quad": 4, "5.0": 5, "5.1": 6, "6.1": 7, "7.1": 8}
)
# The layouts, as FFmpeg calls them, that come out of a decoder by the name under which they went into the encoder.
_KEPT: Final = MappingProxyType(
    {
        "aac": ("mono", "stereo", "2.1", "3.0", "4.0", "quad", "5.0", "5.1", "7.1"),
        "libopus": ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1"),
    }
)
_SAME: Final = MappingProxyType({"quad(side)": "quad", "5.0(side)": "5.0", "5.1(side)": "5.1", "6.1(back)": "6.1"})
"""Those behind the listener instead of beside."""

_MIXED: Final = ("5.1", "5.0", "stereo", "mono")
"""The layouts to which others are mixed: to the first that has fewer channels; of two or one, as many."""


def written_layout(codec: str, layout: str, channels: int, most: int = MOST) -> str:
    """The layout in which an encoder gets a sound of so many `channels`; of `most` at most."""
    wanted = _SAME.get(layout, layout)
    if wanted in _KEPT[codec] and _COUNTS[wanted] <= most:
        return wanted
    room = min(most, max(channels - 1, min(channels, STEREO)))
    return next(fewer for fewer in _MIXED if _COUNTS[fewer] <= room)
