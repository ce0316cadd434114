"""Enhance: a film with more lines, to a target or by a factor.

target, or factor of the film's own lines ──> each model: the least resolution that reaches it, or it is passed over
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Final

from application.studios.desk import check_alone
from application.studios.video.remaking import RemakeBrief, RemakeTerms, Remaking
from domain.errors import InvalidInput
from domain.footage import lines_of
from domain.inputs import plain, shortened

USUAL_TARGET: Final = "1080p"


@dataclass(frozen=True, slots=True, kw_only=True)
class EnhanceBrief(RemakeBrief):
    """How large: `target` is lines, such as "720p", "1080p" or "4k"; `factor` multiplies those that there are."""

    target: str = ""
    factor: Decimal | None = None


@dataclass(frozen=True, slots=True)
class VideoEnhance(Remaking):
    """The service."""

    KIND: ClassVar[str] = "video-upscale"
    BRIEF: ClassVar[type[RemakeBrief]] = EnhanceBrief

    def terms(self, brief: EnhanceBrief) -> RemakeTerms:
        """The lines that are wanted. Raises InvalidInput."""
        check_alone(target=brief.target, factor=brief.factor)
        if brief.resolution:
            raise InvalidInput("resolution", "is told by the target here", hint="give a target or a factor")
        if brief.factor is not None:
            if brief.factor <= 1:
                raise InvalidInput("factor", f"{plain(brief.factor)} enlarges nothing", hint="ask for more than 1")
            return RemakeTerms(wishes={"lines": 0, "or_less": False, "times": brief.factor})
        target = brief.target or USUAL_TARGET
        lines = lines_of(target)
        if not lines:
            raise InvalidInput("target", f"{shortened(target)} is none", hint="such as 720p, 1080p or 4k")
        return RemakeTerms(wishes={"lines": lines, "or_less": False, "times": Decimal(1)})
