"""Convert: films in another container, codec, shape or size, or as pictures that move; in one pass, many films."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from application.asking.requests import File
from application.studios.desk import sorted_out
from application.studios.finishing import Finishing, Piece, given_inputs, pieces_of
from application.studios.social import focus_inputs
from application.studios.video.edit import check_trim
from domain.errors import InvalidInput

KIND: Final = "video-transform"


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoConvertBrief:
    """Into what: `format` is mp4, mov, webm, gif, webp or avif; `aspect` a shape, such as "9:16".

    `focus` is the point that a cut keeps, in shares, such as "0.5,0.3". All else goes by the names of the model's
    inputs, such as codec, fit, resolution, fps, trim and max_seconds.
    """

    format: str = ""
    aspect: str = ""
    focus: Any = None


@dataclass(frozen=True, slots=True)
class VideoConvert(Finishing):
    """The service."""

    def draft(self, images: Sequence[File], account: str, options: Mapping[str, Any]) -> list[Piece]:
        """A request a film. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, VideoConvertBrief, account, options, KIND)
        brief = VideoConvertBrief(**own)
        inputs = given_inputs(
            output_format=brief.format.lower(), aspect_ratio=brief.aspect, **focus_inputs(brief.focus)
        )
        if not {**inputs, **caller.inputs}:
            hint = "say what it becomes, such as a format, a shape or a resolution"
            raise InvalidInput("format", "is missing", hint=hint)
        check_trim(caller.inputs)
        return pieces_of(caller, KIND, inputs, images, "video")
