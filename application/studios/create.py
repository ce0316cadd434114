"""Create: a picture from words, by a template, in a style, at a quality.

brief ── template: shape, style, words around the prompt ──┐
         style, quality, negative, seed                    ├──> Request with wishes, for any model that can
         enhance: words that the prompt lacks, by rule ────┘
         enhance: by a model ──> an operation of its own before, told and charged
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.studios.desk import check_alone, sorted_out
from application.studios.drafting import Drafted
from application.studios.enhancing import enhanced
from application.studios.presets import Enhancement, Quality, Style
from application.studios.templates import Template
from application.studios.wording import (
    USUAL,
    FromWords,
    WordsBrief,
    asking_for_words,
    check_variations,
    check_words,
    varied,
    within,
)
from domain.wishes import Wishes


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBrief(WordsBrief):
    """The picture that is wanted; `size` is exact pixels."""

    size: str = ""


@dataclass(frozen=True, slots=True)
class Create(FromWords):
    """The service."""

    def draft(self, prompt: str, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request for a brief. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, CreateBrief, account, {**options, "prompt": prompt})
        brief = CreateBrief(**own)
        check_variations(caller)
        check_words(brief)
        check_alone(aspect=brief.aspect, size=brief.size)
        template = self.desk.presets.get(Template, brief.template, "template") if brief.template else None
        quality = self.desk.presets.get(Quality, brief.quality or (template.quality if template else USUAL), "quality")
        words, notes = within(brief.prompt, template), _drawn(brief, template)
        if brief.enhance == "rule":
            words, note = enhanced(words, template.purpose if template else "", self.desk.presets.of(Enhancement))
            notes = (*notes, note)
        wishes = self._wishes(brief, template, quality)
        model = quality.chooses(caller.model)
        request = caller.request("text-to-image", {"prompt": words}, {}, model=model, wishes=wishes)
        request = varied(request, wishes)
        return Drafted(request, notes, asking_for_words(request, {}) if brief.enhance == "model" else None)

    def _wishes(self, brief: CreateBrief, template: Template | None, quality: Quality) -> Wishes:
        style = self._style(brief.style or (template.style if template else ""))
        negative = [text for text in (brief.negative, template.negative if template else "") if text]
        drawn = (template.aspect, template.finish) if template and not (brief.aspect or brief.size) else ("", "")
        return Wishes(
            aspect=brief.aspect or drawn[0],
            covers=drawn[1],
            size=brief.size,
            seed=brief.seed,
            negative=", ".join(negative),
            style=style.id if style else "",
            words=style.words if style else "",
            gladly=quality.gladly,
        )

    def _style(self, id: str) -> Style | None:
        return self.desk.presets.get(Style, id, "style") if id else None


def _drawn(brief: CreateBrief, template: Template | None) -> tuple[str, ...]:
    if template is None:
        return ()
    drawn = brief.size or brief.aspect or template.aspect
    return (f"template {template.id}: drawn {drawn}, published as {template.finish}",)
