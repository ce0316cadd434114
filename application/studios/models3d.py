"""Models: made of pictures or of words, seen as they turn, and printed.

one picture ──────────> image-to-3d, or sketch-to-3d ──┐
front, back, left … ──> multiview-to-3d ───────────────┼──> GLB ──┬── preview: mesh-preview, if it can be drawn here
words ────────────────> text-to-3d ────────────────────┘          └── convert: mesh-convert to STL or OBJ
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from application.asking.requests import File
from application.ports import Progress, silent
from application.studios.desk import Advised, Served, ServiceDesk, sorted_out
from application.studios.drafting import Drafted, advise, perform
from application.studios.presets import Quality
from domain.errors import ImageStudioError, InvalidInput
from domain.inputs import shortened
from domain.meant import meant
from domain.wishes import Wishes

FORMATS: Final = ("stl", "obj")
SIDES: Final = ("image", "back_image", "left_image", "right_image")
"""The inputs that pictures of one thing are, in the order in which they are given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBrief:
    """The thing in words, and whether it is drawn: `sketch` says that the picture is a drawing of lines.

    `preview` is how the finished model is shown: "webp" or "mp4" for one that turns, "png" for a picture, or "none".
    """

    prompt: str = ""
    sketch: bool = False
    preview: str = "webp"
    quality: str = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshBrief:
    """Nothing but the model's own inputs is said of a file that there is."""


@dataclass(frozen=True, slots=True)
class Models3D:
    """The service."""

    desk: ServiceDesk

    async def __call__(self, *images: File, account: str, progress: Progress = silent, **options: Any) -> Served:
        """Make a model. Options: those of `ModelBrief` and `Caller`, and inputs of the model. Raises as `run` does.

        Its preview is an operation of its own, in `after`; if it cannot be drawn, a note says why, and the model stays.
        """
        brief, drafted = self.draft(images, account, options)
        made = await perform(self.desk, drafted, progress)
        if brief.preview == "none" or not made.result.assets:
            return made
        return await self._shown(made, brief.preview, drafted)

    async def estimate(self, *images: File, account: str, **options: Any) -> Advised:
        """The estimate: what it would cost, at which model and why; nothing is recorded. Options as when it is done."""
        return await advise(self.desk, self.draft(images, account, options)[1])

    async def preview(self, mesh: File, *, account: str, progress: Progress = silent, **options: Any) -> Served:
        """A GLB that turns. Options: those of `Caller`, and inputs of the model that draws it. Raises as `run` does."""
        return await perform(self.desk, self._of_file("mesh-preview", mesh, account, options), progress)

    async def convert(
        self, mesh: File, to: str = "stl", *, account: str, progress: Progress = silent, **options: Any
    ) -> Served:
        """A GLB as "stl" or "obj". Options: those of `Caller`, and inputs of the model. Raises as `run` does."""
        return await perform(self.desk, self._converted(mesh, to, account, options), progress)

    async def estimate_file(self, mesh: File, to: str = "", *, account: str, **options: Any) -> Advised:
        """The estimate of `preview`, or of `convert` if it is said to what. Options as when it is done."""
        if to:
            return await advise(self.desk, self._converted(mesh, to, account, options))
        return await advise(self.desk, self._of_file("mesh-preview", mesh, account, options))

    def draft(self, images: Sequence[File], account: str, options: Mapping[str, Any]) -> tuple[ModelBrief, Drafted]:
        """The brief as it was read, and its request. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, ModelBrief, account, options)
        brief = ModelBrief(**own)
        _check(brief, images)
        kind, note = _way(brief, len(images))
        quality = self.desk.presets.get(Quality, brief.quality, "quality")
        words = {"prompt": (brief.prompt,)} if brief.prompt and images else {}
        inputs = {"prompt": brief.prompt} if kind == "text-to-3d" else {}
        wishes = Wishes(gladly={**quality.gladly, **words})
        media = {name: [image] for name, image in zip(SIDES, images, strict=False)}
        request = caller.request(kind, inputs, media, model=quality.chooses(caller.model), wishes=wishes)
        return brief, Drafted(request, (note,))

    def _converted(self, mesh: File, to: str, account: str, options: Mapping[str, Any]) -> Drafted:
        if to not in FORMATS:
            hint = meant(to, FORMATS, f"choose one of: {', '.join(FORMATS)}")
            raise InvalidInput("to", f"{shortened(to)} is not accepted", hint=hint)
        return self._of_file("mesh-convert", mesh, account, {**options, "output_format": to})

    def _of_file(self, kind: str, mesh: File, account: str, options: Mapping[str, Any]) -> Drafted:
        caller, _ = sorted_out(self.desk, MeshBrief, account, options, kind)
        return Drafted(caller.request(kind, {}, {"mesh": [mesh]}))

    async def _shown(self, made: Served, how: str, drafted: Drafted) -> Served:
        """The model with its preview; without one, and the reason, if that cannot be had."""
        asked = drafted.request
        request = replace(
            asked,
            kind="mesh-preview",
            inputs={"output_format": how},
            media={"mesh": [made.result.assets[0].content]},
            model="auto",
            n=1,
            key=None if asked.key is None else f"{asked.key}/preview",
            wishes=Wishes(),
        )
        try:
            seen = await self.desk.operations.run(request)
        except ImageStudioError as why:
            return replace(made, notes=(*made.notes, f"no preview: {why}"))
        return replace(made, after=(seen,))


def _check(brief: ModelBrief, images: Sequence[File]) -> None:
    previews = ("webp", "mp4", "png", "none")
    if brief.preview not in previews:
        hint = meant(brief.preview, previews, f"choose one of: {', '.join(previews)}")
        raise InvalidInput("preview", f"{shortened(brief.preview)} is not accepted", hint=hint)
    if not images and not brief.prompt:
        raise InvalidInput("image", "is missing", hint="give a picture, or say in words what it is")
    if len(images) > len(SIDES):
        raise InvalidInput("image", f"{len(images)} pictures", hint="give the front, the back, the left and the right")
    if brief.sketch and len(images) != 1:
        raise InvalidInput("sketch", f"{len(images)} pictures", hint="give one drawing")


def _way(brief: ModelBrief, pictures: int) -> tuple[str, str]:
    """The kind of operation, and why it is that one."""
    if not pictures:
        return "text-to-3d", "by its words: no picture was given"
    if brief.sketch:
        return "sketch-to-3d", "of a sketch: it was said to be one"
    if pictures > 1:
        return "multiview-to-3d", f"of {pictures} pictures, each from another side"
    return "image-to-3d", "of one picture: what is behind is guessed"
