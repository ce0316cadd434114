"""Create: a picture from words, by a template, in a style, at a quality.

brief ── template: shape, style, words around the prompt ──┐
         style, quality, negative, seed                    ├──> Request with wishes, for any model that can
         enhance: words that the prompt lacks, by rule ────┘
         enhance: by a model ──> an operation of its own before, told and charged
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from application.asking.requests import Request, Variant
from application.ports import Progress, Scalar, silent
from application.studios.desk import Advised, Caller, Served, ServiceDesk, sorted_out
from application.studios.drafting import Drafted, advise, perform
from application.studios.enhancing import enhanced
from application.studios.presets import Quality, Style
from application.studios.templates import PROMPT, Template
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.wishes import Wishes

MOST: Final = 10
"""Variations that one may choose among."""
ENHANCERS: Final = ("", "rule", "model")
USUAL: Final = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateBrief:
    """The picture that is wanted. An empty field is as the template has it; `aspect` is a shape, `size` exact pixels.

    `enhance` is "rule" or "model".
    """

    prompt: str
    template: str = ""
    style: str = ""
    quality: str = ""
    negative: str = ""
    aspect: str = ""
    size: str = ""
    seed: int | None = None
    enhance: str = ""


@dataclass(frozen=True, slots=True)
class Create:
    """The service."""

    desk: ServiceDesk

    async def __call__(self, prompt: str, *, account: str, progress: Progress = silent, **options: Any) -> Served:
        """Do it. Options: those of `CreateBrief` and `Caller`, and inputs of the model. Raises as `run` does."""
        return await perform(self.desk, self.draft(prompt, account, options), progress)

    async def estimate(self, prompt: str, *, account: str, **options: Any) -> Advised:
        """The estimate: what it would cost, at which model and why; nothing is recorded. Options as when it is done."""
        return await advise(self.desk, self.draft(prompt, account, options))

    def draft(self, prompt: str, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request for a brief. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, CreateBrief, account, {**options, "prompt": prompt})
        brief = CreateBrief(**own)
        _check(brief, caller)
        template = self._template(brief)
        quality = self.desk.presets.get(Quality, brief.quality or (template.quality if template else USUAL), "quality")
        words, notes = _worded(brief, template)
        if brief.enhance == "rule":
            words, note = enhanced(words, template.purpose if template else "", self.desk.presets)
            notes = (*notes, note)
        wishes = self._wishes(brief, template, quality)
        model = quality.chooses(caller.model)
        request = caller.request("text-to-image", {"prompt": words}, {}, model=model, wishes=wishes)
        if brief.seed is not None and caller.n > 1:  # the seeds that follow, so that each can be made again alone
            each = tuple(Variant(wishes=replace(wishes, seed=brief.seed + place)) for place in range(caller.n))
            request = replace(request, n=1, each=each)
        first = _asking_for_words(request) if brief.enhance == "model" else None
        return Drafted(request, notes, first)

    def _template(self, brief: CreateBrief) -> Template | None:
        return self.desk.presets.get(Template, brief.template, "template") if brief.template else None

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


def _check(brief: CreateBrief, caller: Caller) -> None:
    if type(caller.n) is not int or not 1 <= caller.n <= MOST:
        raise InvalidInput("n", f"{shortened(caller.n)} variations", hint=f"ask for 1 to {MOST}")
    if not brief.prompt.strip():
        raise InvalidInput("prompt", "is empty", hint="write what you want")
    if brief.enhance not in ENHANCERS:
        raise InvalidInput("enhance", f"{shortened(brief.enhance)} is no way to do it", hint="choose rule or model")
    if brief.aspect and brief.size:
        raise InvalidInput("aspect and size", "exclude each other", hint="give one of them")


def _worded(brief: CreateBrief, template: Template | None) -> tuple[str, tuple[str, ...]]:
    """The prompt within the template's words, and what is to be known of that."""
    if template is None:
        return brief.prompt, ()
    note = (
        f"template {template.id}: drawn {brief.size or brief.aspect or template.aspect}, published as {template.finish}"
    )
    return template.prompt.replace(PROMPT, brief.prompt.strip().rstrip(".")), (note,)


def _asking_for_words(request: Request) -> Request:
    inputs: dict[str, Scalar] = {"prompt": request.inputs["prompt"]}
    key = request.key and f"{request.key}/words"
    return replace(request, kind="prompt-optimize", inputs=inputs, model="auto", n=1, key=key, wishes=None, each=())
