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
from application.ports import Progress, Scalar, silent
from application.studios.desk import ServiceDesk, sorted_out
from application.studios.finishing import AdvisedSet, FinishedSet, Piece, advise_all, finish, given_inputs
from application.studios.presets import Presets
from application.studios.social import SAFE_SIDES, among_formats, chosen_among, focus_inputs
from domain.errors import InvalidInput
from domain.inputs import plain
from domain.shapes import pair

KIND: Final = "video-social-optimize"
FILM, THUMBNAIL, GUIDES = "film", "thumbnail", "guides"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFormat:
    """A place for films on a platform: its pixels, and the most seconds, bytes and frames a second (0: any number).

    `safe` are the pixels that the platform may lay something over: at the top, right, bottom and left. `source` is
    the page where that was read, on the day `checked`.
    """

    WORD: ClassVar[str] = "video-format"
    id: str
    name: str
    platform: str
    size: str
    max_seconds: int
    max_bytes: int
    fps: int
    source: str
    checked: str
    safe: tuple[int, int, int, int] = (0, 0, 0, 0)

    def __post_init__(self) -> None:
        try:
            width, height = pair("size", self.size)
        except InvalidInput as error:
            raise ValueError(error.message) from error
        top, right, bottom, left = self.safe
        if min(self.safe) < 0 or top + bottom >= height or left + right >= width:
            raise ValueError(f"safe: {self.safe} leaves nothing of {self.size}")
        if width % 2 or height % 2:
            raise ValueError(f"size: {self.size} has an odd side, as no film has")

    def inputs(self, output: str) -> dict[str, Scalar]:
        """The inputs for its film, its thumbnail, or that with guides."""
        width, height = pair("size", self.size)
        limits = given_inputs(fps=self.fps or None, max_bytes=self.max_bytes or None) if output == FILM else {}
        lines: dict[str, Scalar] = dict(zip(SAFE_SIDES, self.safe, strict=True)) if output == GUIDES else {}
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


@dataclass(frozen=True, slots=True)
class VideoSocial:
    """The service."""

    desk: ServiceDesk

    async def __call__(self, film: File, *, account: str, progress: Progress = silent, **options: Any) -> FinishedSet:
        """Do it. Options: those of `VideoSocialBrief` and `Caller`, and inputs of the model. Raises as `run` does."""
        return await finish(self.desk, [self.draft(film, account, options)], progress)

    async def estimate(self, film: File, *, account: str, **options: Any) -> AdvisedSet:
        """The estimate of all of it; nothing is recorded. Options as when it is done."""
        return await advise_all(self.desk, [self.draft(film, account, options)])

    def formats(self, platform: str = "") -> tuple[VideoFormat, ...]:
        """Every format, or those of a platform. Raises InvalidInput that names the nearest."""
        return video_formats_of(self.desk.presets, platform)

    def draft(self, film: File, account: str, options: Mapping[str, Any]) -> Piece:
        """One request for all formats. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, VideoSocialBrief, account, options, KIND)
        brief = VideoSocialBrief(**own)
        wanted = chosen_among(self.desk.presets.of(VideoFormat), brief.platforms)
        outputs = (FILM, *((THUMBNAIL,) if brief.thumbnails else ()), *((GUIDES,) if brief.guides else ()))
        each = [_inputs(one, output, brief) for one in wanted for output in outputs]
        names = tuple(one.id if output == FILM else f"{one.id}-{output}" for one in wanted for output in outputs)
        shared = given_inputs(fit=brief.fit, background=brief.background, **focus_inputs(brief.focus))
        request = caller.request(KIND, shared, {"video": [film]}, n=1, each=each)
        return Piece(request, names, film, (f"{len(wanted)} of the formats, admitted together",))


def _inputs(one: VideoFormat, output: str, brief: VideoSocialBrief) -> dict[str, Scalar]:
    """Of one format's film or picture."""
    trimmed = {"trim": brief.trim} if one.max_seconds else {}
    at = {"at": plain(brief.at)} if brief.at is not None and output != FILM else {}
    return {**one.inputs(output), **trimmed, **at}


def video_formats_of(presets: Presets, name: object = "") -> tuple[VideoFormat, ...]:
    """Every format by id, or the one of an id, or all of a platform. Raises InvalidInput that names the nearest."""
    return among_formats(presets.of(VideoFormat), name)
