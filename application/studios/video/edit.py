"""Edit: films cut, held steady, written on, made faster, louder or clean; any number of edits in one pass, many films.

options ── inputs of the kind, by the names of its field map ──> one request a film, and one encoding
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from application.asking.requests import File
from application.ports import Scalar
from application.studios.desk import sorted_out
from application.studios.fields import FieldMap, field_map
from application.studios.finishing import Finishing, Piece, pieces_of
from domain.errors import InvalidInput

KIND: Final = "video-edit"
LOUDNESS: Final = "-14"
"""Of films as most platforms want them, in LUFS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoEditBrief:
    """The one wish that is no input of a model: `normalize` evens the sound to `LOUDNESS`, if no other is named."""

    normalize: bool = False


@dataclass(frozen=True, slots=True)
class VideoEdit(Finishing):
    """The service."""

    def fields(self) -> FieldMap:
        """The fields that an edit can be given, for whoever draws a form; each is an option by its name."""
        return field_map(self.desk.catalogue, KIND, self.desk.clock())

    def draft(self, images: Sequence[File], account: str, options: Mapping[str, Any]) -> list[Piece]:
        """A request a film. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, VideoEditBrief, account, options, KIND)
        inputs: dict[str, Scalar] = {}
        if VideoEditBrief(**own).normalize and "loudness" not in caller.inputs:
            inputs["loudness"] = LOUDNESS
        if not {**inputs, **caller.inputs}:
            raise InvalidInput("edit", "is missing", hint="say what is to be done, such as trim, speed or text")
        check_trim(caller.inputs)
        return pieces_of(caller, KIND, inputs, images, "video")


def check_trim(inputs: Mapping[str, Scalar]) -> None:
    """Raises InvalidInput for an end of a film of which nobody said how long it is."""
    if "trim" in inputs and "max_seconds" not in inputs:
        raise InvalidInput("max_seconds", "is missing", hint="say how many seconds are kept")
