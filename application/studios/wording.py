"""The part that is common to all that is made of words: the prompt within a template, bettered, and in variations.

prompt ── within a template's words ── by rule ──> Request ──┬── seeds 7, 8, 9 … for its variations
                                                             └── first: a model writes better words
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from application.asking.requests import Request, Variant
from application.ports import Progress, Scalar, silent
from application.studios.desk import Advised, Caller, Served, ServiceDesk
from application.studios.drafting import Drafted, advise, perform
from application.studios.templates import PROMPT, BaseTemplate
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.wishes import Wishes

MOST: Final = 10
"""Variations that one may choose among."""
ENHANCERS: Final = ("", "rule", "model")
USUAL: Final = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class WordsBrief:
    """The thing that is wanted, in words. An empty field is as the template has it; `aspect` is a shape.

    `enhance` is "rule" or "model".
    """

    prompt: str
    template: str = ""
    style: str = ""
    quality: str = ""
    negative: str = ""
    aspect: str = ""
    seed: int | None = None
    enhance: str = ""


@dataclass(frozen=True, slots=True)
class FromWords(ABC):
    """A service that makes something new of words."""

    desk: ServiceDesk

    @abstractmethod
    def draft(self, prompt: str, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request for a brief. Raises InvalidInput."""

    async def __call__(self, prompt: str, *, account: str, progress: Progress = silent, **options: Any) -> Served:
        """Do it. Options: those of its brief and of `Caller`, and inputs of the model. Raises as `run` does."""
        return await perform(self.desk, self.draft(prompt, account, options), progress)

    async def estimate(self, prompt: str, *, account: str, **options: Any) -> Advised:
        """The estimate: what it would cost, at which model and why; nothing is recorded. Options as when it is done."""
        return await advise(self.desk, self.draft(prompt, account, options))


def check_variations(caller: Caller) -> None:
    """Raises InvalidInput."""
    if type(caller.n) is not int or not 1 <= caller.n <= MOST:
        raise InvalidInput("n", f"{shortened(caller.n)} variations", hint=f"ask for 1 to {MOST}")


def check_words(brief: WordsBrief) -> None:
    """Raises InvalidInput."""
    if not brief.prompt.strip():
        raise InvalidInput("prompt", "is empty", hint="write what you want")
    if brief.enhance not in ENHANCERS:
        raise InvalidInput("enhance", f"{shortened(brief.enhance)} is no way to do it", hint="choose rule or model")


def within(prompt: str, template: BaseTemplate | None) -> str:
    """The prompt within the template's words."""
    return prompt if template is None else template.prompt.replace(PROMPT, prompt.strip().rstrip("."))


def varied(request: Request, wishes: Wishes) -> Request:
    """Each variation of a seed with one that follows it, so that each can be made again alone."""
    if wishes.seed is None or request.n == 1:
        return request
    each = tuple(Variant(wishes=replace(wishes, seed=wishes.seed + place)) for place in range(request.n))
    return replace(request, n=1, each=each)


def asking_for_words(request: Request, gladly: Mapping[str, tuple[Scalar, ...]]) -> Request:
    """The request for better words, of a model that gets what it takes `gladly`."""
    return replace(
        request,
        kind="prompt-optimize",
        inputs={"prompt": request.inputs["prompt"]},
        media={},
        model="auto",
        n=1,
        key=request.key and f"{request.key}/words",
        wishes=Wishes(gladly=gladly) if gladly else None,
        each=(),
    )
