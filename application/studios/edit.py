"""Edit: a picture changed in any way that the catalogue knows, with a map of what each way can be given.

kind, picture, options ── files apart from values ──> Request for any model that takes them
kind ── field_map ──> what a form asks for
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from application.asking.requests import File
from application.ports import Progress, silent
from application.studios.desk import Advised, Caller, Served, ServiceDesk, several, sorted_out
from application.studios.drafting import Drafted, advise, perform
from application.studios.fields import FieldMap, field_map
from application.studios.presets import Quality
from domain.errors import UnknownKind
from domain.kinds import KINDS, Family
from domain.meant import meant
from domain.wishes import Wishes

EDITS: Final = tuple(kind for kind, family in KINDS.items() if family is Family.EDITS)
"""Every way to edit, by the name of its kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditBrief:
    """All that is wanted besides the inputs of the kind; `negative` may have to go into the prompt."""

    quality: str = "standard"
    negative: str = ""
    aspect: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """The service."""

    desk: ServiceDesk

    async def __call__(
        self, image: File, kind: str = "image-edit", *, account: str, progress: Progress = silent, **options: Any
    ) -> Served:
        """Do it. Options: those of `EditBrief` and `Caller`, and inputs and files of the kind. Raises as `run` does."""
        return await perform(self.desk, self.draft(image, kind, account, options), progress)

    async def estimate(self, image: File, kind: str = "image-edit", *, account: str, **options: Any) -> Advised:
        """The estimate: what it would cost, at which model and why; nothing is recorded. Options as when it is done."""
        return await advise(self.desk, self.draft(image, kind, account, options))

    def fields(self, kind: str) -> FieldMap:
        """The fields of a way to edit. Raises UnknownKind that names the nearest."""
        return field_map(self.desk.catalogue, _edit(kind), self.desk.clock())

    def draft(self, image: File, kind: str, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request for an edit. Raises InvalidInput, UnknownKind."""
        caller, own = sorted_out(self.desk, EditBrief, account, options, _edit(kind))
        brief = EditBrief(**own)
        quality = self.desk.presets.get(Quality, brief.quality, "quality")
        caller, media = with_files(self.desk, kind, caller, {"image": [image]})
        wishes = Wishes(negative=brief.negative, aspect=brief.aspect, gladly=quality.gladly)
        return Drafted(caller.request(kind, {}, media, model=quality.chooses(caller.model), wishes=wishes))


def with_files(
    desk: ServiceDesk, kind: str, caller: Caller, media: Mapping[str, Sequence[File]]
) -> tuple[Caller, dict[str, Sequence[File]]]:
    """The caller's inputs without those that are files of the kind, which come beside `media`; of one alone a list."""
    models = [model for model in desk.catalogue if kind in model.kinds]
    names = {name for name in caller.inputs if any(name in one.inputs and one.inputs[name].is_file for one in models)}
    files = {name: several(value) for name, value in caller.inputs.items() if name in names}
    values = {name: value for name, value in caller.inputs.items() if name not in names}
    return replace(caller, inputs=values), {**media, **files}


def _edit(kind: str) -> str:
    if kind not in EDITS:
        hint = meant(str(kind), EDITS, f"there are: {', '.join(EDITS)}")
        raise UnknownKind(f"there is no way to edit {kind!r}", hint=hint)
    return kind
