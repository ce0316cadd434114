"""Control: a picture made from words and another picture, which gives its lines, its structure or its style."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from application.asking.requests import File
from application.ports import Progress, Scalar, silent
from application.studios.desk import Advised, Served, ServiceDesk, sorted_out
from application.studios.drafting import Drafted, advise, perform
from application.studios.presets import Quality, Style
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.meant import meant
from domain.wishes import Wishes

STRENGTHS: Final = {"sketch": "control_strength", "structure": "control_strength", "style": "fidelity"}
"""The things that are kept of a picture, each with the input that says how strictly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlBrief:
    """Things that are kept, and how strictly: `strength` is an exact decimal from "0" to "1"."""

    keep: str = "structure"
    strength: str = ""
    style: str = ""
    quality: str = "standard"
    negative: str = ""
    aspect: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """The service."""

    desk: ServiceDesk

    async def __call__(
        self, image: File, prompt: str, *, account: str, progress: Progress = silent, **options: Any
    ) -> Served:
        """Do it. Options: those of `ControlBrief` and `Caller`, and inputs of the model. Raises as `run` does."""
        return await perform(self.desk, self.draft(image, prompt, account, options), progress)

    async def estimate(self, image: File, prompt: str, *, account: str, **options: Any) -> Advised:
        """The estimate: what it would cost, at which model and why; nothing is recorded. Options as when it is done."""
        return await advise(self.desk, self.draft(image, prompt, account, options))

    def draft(self, image: File, prompt: str, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, ControlBrief, account, options)
        brief = ControlBrief(**own)
        if brief.keep not in STRENGTHS:
            hint = meant(brief.keep, STRENGTHS, f"choose one of: {', '.join(STRENGTHS)}")
            raise InvalidInput("keep", f"a picture has no {shortened(brief.keep)} to keep", hint=hint)
        quality = self.desk.presets.get(Quality, brief.quality, "quality")
        style = self.desk.presets.get(Style, brief.style, "style") if brief.style else None
        inputs: dict[str, Scalar] = {"prompt": prompt}
        if brief.strength:
            inputs[STRENGTHS[brief.keep]] = brief.strength
        wishes = Wishes(
            aspect=brief.aspect,
            negative=brief.negative,
            style=style.id if style else "",
            words=style.words if style else "",
            gladly=quality.gladly,
        )
        model = quality.chooses(caller.model)
        request = caller.request(f"control-{brief.keep}", inputs, {"image": [image]}, model=model, wishes=wishes)
        return Drafted(request)
