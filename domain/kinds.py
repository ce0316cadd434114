"""The work that can be asked for: kinds of operations in families, and classes of models by how real they are."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.errors import InvalidInput


class Family(StrEnum):
    """The counter of a plan that an operation uses up; OTHER is captions, conversions and the like."""

    IMAGES = "images"
    EDITS = "edits"
    VIDEOS = "videos"
    MODELS_3D = "3d"
    UPSCALES = "upscales"
    OTHER = "other"


# Whatever delivers a video counts as one, upscaled or edited, as that is what the work costs. Utilities that
# only re-encode a file or write text are not what a plan's allowances are about. Where a provider joins two
# kinds in one call (it replaces a background and relights), the model lists both.
_FAMILIES: Final = {
    Family.IMAGES: "text-to-image reference-to-image",
    Family.EDITS: """
        image-edit inpaint outpaint erase search-replace recolor background-remove background-replace relight
        text-removal image-translate control-sketch control-structure control-style style-transfer face-swap
        face-swap-multi head-swap
    """,
    Family.VIDEOS: """
        text-to-video image-to-video avatar video-extend video-upscale video-style video-edit video-outpaint
        video-face-swap video-background video-translate video-add-audio
    """,
    Family.MODELS_3D: "image-to-3d multiview-to-3d sketch-to-3d text-to-3d",
    Family.UPSCALES: "upscale",
    Family.OTHER: """
        caption classify prompt-optimize image-compress image-convert image-resize image-watermark
        image-social-optimize video-transform video-social-optimize mesh-convert mesh-preview
    """,
}

KINDS: Final[Mapping[str, Family]] = MappingProxyType(
    {kind: family for family, kinds in _FAMILIES.items() for kind in kinds.split()}
)
"""Every kind of operation, with the family it counts in."""


class Class(StrEnum):
    """Whether a model does what its kinds name."""

    REAL = "real"
    """It does: a model of the trade, or honest work that is exactly what the kind names, such as a conversion."""
    STAND_IN = "stand-in"
    """It only imitates that, as a procedural picture does, or comes from a free tier that promises nothing."""
    TEST = "test"
    """It does what its inputs say, for tests."""


ONLY_REAL: Final = frozenset({Class.REAL})
"""The classes that may be chosen unless a call or an account's terms allow more."""


def check_class(word: object) -> Class:
    """The class of this name. Raises InvalidInput."""
    for one in Class:
        if word == one:
            return one
    raise InvalidInput("class", f"{word!r} is not one of {', '.join(Class)}")
