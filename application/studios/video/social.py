"""Social: one film for many platforms at once, each with its thumbnail, admitted together or not at all.

film ── formats ──> one request, a variation a format: its pixels, seconds, frames and bytes, cut or shown whole
                └── and one for its thumbnail, and one that shows what the platform lays over it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final

from application.asking.requests import File
from application.ports import Scalar
from application.studios.desk import sorted_out
from application.studios.finishing import Piece, given_inputs
from application.studios.platforms import ForPlatforms, PlatformFormat, chosen_among
from application.studios.social import focus_inputs
from domain.inputs import plain

KIND: Final = "video-social-optimize"
FILM, THUMBNAIL, GUIDES = "film", "thumbnail", "guides"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFormat(PlatformFormat):
    """A place for films: the most seconds, frames a second and bytes, each 0 for any number."""

    WORD: ClassVar[str] = "video-format"
    max_seconds: int
    fps: int

    def __post_init__(self) -> None:
        PlatformFormat.__post_init__(self)
        width, height = self.pixels()
        if width % 2 or height % 2:
            raise ValueError(f"size: {self.size} has an odd side, as no film has")

    def inputs(self, output: str) -> dict[str, Scalar]:
        """The inputs for its film, its thumbnail, or that with guides."""
        width, height = self.pixels()
        limits = given_inputs(fps=self.fps or None, max_bytes=self.max_bytes or None) if output == FILM else {}
        lines = self.safe_lines() if output == GUIDES else {}
        seconds = given_inputs(max_seconds=self.max_seconds or None)
        return {"width": width, "height": height, "output": output, **seconds, **limits, **lines}


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoSocialBrief:
    """The formats or whole platforms, how the film is fitted (crop, center, pad, blur), and the point to keep.

    A text names several with commas between them. `trim` is the part that is kept of a film that is longer than a
    format shows: beginning, middle or end. The thumbnail is that `at` a second, or the best of several.
    """

    platforms: Sequence[str] | str = ()
    fit: str = "crop"
    focus: Any = None
    background: str = ""
    trim: str = "beginning"
    thumbnails: bool = True
    at: Decimal | None = None
    guides: bool = False


class VideoSocial(ForPlatforms[VideoFormat]):
    """The service."""

    __slots__ = ()

    @property
    def known(self) -> Mapping[str, VideoFormat]:
        """Every format of films by id."""
        return self.desk.presets.of(VideoFormat)

    def draft(self, file: File, account: str, options: Mapping[str, Any]) -> Piece:
        """One request for all formats. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, VideoSocialBrief, account, options, KIND)
        brief = VideoSocialBrief(**own)
        wanted = chosen_among(self.known, brief.platforms)
        outputs = (FILM, *((THUMBNAIL,) if brief.thumbnails else ()), *((GUIDES,) if brief.guides else ()))
        each = [_inputs(one, output, brief) for one in wanted for output in outputs]
        names = tuple(one.id if output == FILM else f"{one.id}-{output}" for one in wanted for output in outputs)
        shared = given_inputs(fit=brief.fit, background=brief.background, **focus_inputs(brief.focus))
        request = caller.request(KIND, shared, {"video": [file]}, n=1, each=each)
        return Piece(request, names, file, (f"{len(wanted)} of the formats, admitted together",))


def _inputs(one: VideoFormat, output: str, brief: VideoSocialBrief) -> dict[str, Scalar]:
    """Of one format's film or picture."""
    trimmed = {"trim": brief.trim} if one.max_seconds else {}
    at = {"at": plain(brief.at)} if brief.at is not None and output != FILM else {}
    return {**one.inputs(output), **trimmed, **at}
