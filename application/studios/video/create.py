"""Create: a film from words, by a template, of a length, in a shape, with sound or without.

brief ── template: shape, length, sound, words around the prompt ──┐
         seconds, aspect, resolution, sound: models that can       ├──> Request with wishes, for any of them
         quality, style, negative, seed                            │
         enhance: words that the prompt lacks, by rule ────────────┘
         enhance: by a model ──> an operation of its own before, told and charged
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from application.studios.desk import sorted_out
from application.studios.drafting import Drafted
from application.studios.enhancing import enhanced
from application.studios.presets import Style
from application.studios.video.presets import (
    VideoEnhancement,
    VideoQuality,
    VideoTemplate,
    picture_of,
    quality_of,
    usual_length,
)
from application.studios.wording import FromWords, WordsBrief, asking_for_words, check_words, varied, within
from domain.wishes import Wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoCreateBrief(WordsBrief):
    """The film that is wanted: at least so many `seconds`, an exact decimal; `sound` has it heard.

    `resolution` is its lines, such as "720p", had at least or the model passed over.
    """

    resolution: str = ""
    seconds: Decimal | None = None
    sound: bool = False


@dataclass(frozen=True, slots=True)
class VideoCreate(FromWords):
    """The service."""

    def draft(self, prompt: str, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request for a brief. Raises InvalidInput."""
        given = {**options, "prompt": prompt}
        caller, own = sorted_out(self.desk, VideoCreateBrief, account, given, "text-to-video")
        brief = VideoCreateBrief(**own)
        check_words(brief, caller)
        template = self.desk.presets.get(VideoTemplate, brief.template, "template") if brief.template else None
        quality = quality_of(self.desk, brief.quality or (template.quality if template else ""))
        words, notes = within(brief.prompt, template), list[str]()
        if brief.enhance == "rule":
            purpose = template.purpose if template else ""
            words, note = enhanced(words, purpose, self.desk.presets.of(VideoEnhancement))
            notes.append(note)
        wishes = self._wishes(brief, template, quality)
        model = quality.chooses(caller.model)
        request = varied(caller.request("text-to-video", {"prompt": words}, {}, model=model, wishes=wishes), wishes)
        first = asking_for_words(request, {"mode": ("video",)}) if brief.enhance == "model" else None
        return Drafted(request, tuple(notes), first)

    def _wishes(self, brief: VideoCreateBrief, template: VideoTemplate | None, quality: VideoQuality) -> Wishes:
        named = brief.style or (template.style if template else "")
        style = self.desk.presets.get(Style, named, "style") if named else None
        negative = [text for text in (brief.negative, template.negative if template else "") if text]
        seconds = Decimal(template.seconds) if template and brief.seconds is None else brief.seconds
        sound = brief.sound or bool(template and template.sound)
        silent = {} if sound else {"generate_audio": (False,)}
        return Wishes(
            aspect=brief.aspect or (template.aspect if template else ""),
            seconds=seconds,
            sound=sound,
            seed=brief.seed,
            negative=", ".join(negative),
            words=style.words if style else "",
            gladly={**quality.gladly, **usual_length(seconds), **silent},
            **picture_of(brief.resolution, quality),
        )
