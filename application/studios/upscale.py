"""Upscale: a picture with more pixels, in one of three ways, as large as is wanted.

target, or longest side ──┬── mode auto: 3000 pixels or more: conservative, else fast
                          └── each model: the least factor or resolution that reaches it, or it is passed over
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from application.asking.requests import File
from application.studios.desk import check_alone, sorted_out
from application.studios.drafting import Drafted, Retouching
from application.studios.presets import Quality
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.meant import meant
from domain.wishes import Wishes

MODES: Final = ("auto", "fast", "conservative", "creative")
CAREFUL: Final = 3_000
"""Pixels of the longer side from which on what is invented is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enlargement:
    """A use of a picture that it is enlarged for: its longer side has at least so many pixels then."""

    WORD: ClassVar[str] = "enlargement"
    id: str
    name: str
    longest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscaleBrief:
    """How large, and how: `target` is an enlargement such as "print", `longest` pixels of the longer side instead.

    `prompt` tells what is seen to models that want to know.
    """

    mode: str = "auto"
    target: str = ""
    longest: int | None = None
    quality: str = "standard"
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Upscale(Retouching):
    """The service."""

    def draft(self, image: File, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request for a larger picture. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, UpscaleBrief, account, options, "upscale")
        brief = UpscaleBrief(**own)
        if brief.mode not in MODES:
            hint = meant(brief.mode, MODES, f"choose one of: {', '.join(MODES)}")
            raise InvalidInput("mode", f"there is no way to enlarge {shortened(brief.mode)}", hint=hint)
        longest = self._longest(brief)
        mode, note = _way(brief.mode, longest)
        quality = self.desk.presets.get(Quality, brief.quality, "quality")
        gladly = {**quality.gladly, "prompt": (brief.prompt,)} if brief.prompt else quality.gladly
        wishes = Wishes(mode=mode, longest=longest, gladly=gladly)
        model = quality.chooses(caller.model)
        return Drafted(caller.request("upscale", {}, {"image": [image]}, model=model, wishes=wishes), (note,))

    def _longest(self, brief: UpscaleBrief) -> int:
        check_alone(target=brief.target, longest=brief.longest)
        if brief.target:
            return self.desk.presets.get(Enlargement, brief.target, "target").longest
        if brief.longest is not None and brief.longest < 1:
            raise InvalidInput("longest", f"{brief.longest} pixels", hint="ask for one or more")
        return brief.longest or 0


def _way(mode: str, longest: int) -> tuple[str, str]:
    """The mode, and why it is that one."""
    if mode != "auto":
        return mode, f"mode {mode}: it was named"
    if longest >= CAREFUL:
        return "conservative", f"mode conservative: at {longest} pixels what is invented is seen"
    return ("fast", f"mode fast: {longest} pixels are few") if longest else ("", "any mode: no size was named")
