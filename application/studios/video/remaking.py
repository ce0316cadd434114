"""The part that services share which change a film: its brief becomes one request of one kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from application.asking.requests import File
from application.ports import Scalar
from application.studios.desk import Caller, ServiceDesk, sorted_out
from application.studios.drafting import Drafted, Retouching
from application.studios.edit import with_files
from application.studios.video.presets import VideoQuality, lines_wished, quality_of
from application.studios.wording import check_variations, varied
from domain.wishes import Wishes

FILM: Final = "video"
"""The input that the film is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemakeBrief:
    """The change in words, and how well it is made; `resolution`, such as "720p", is had at least.

    `negative` is not to be seen.
    """

    prompt: str = ""
    quality: str = ""
    resolution: str = ""
    negative: str = ""
    seed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemakeTerms:
    """The part of a request that is of one service alone."""

    inputs: Mapping[str, Scalar] = field(default_factory=dict)
    media: Mapping[str, Sequence[File]] = field(default_factory=dict)
    wishes: Mapping[str, Any] = field(default_factory=dict)
    gladly: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remaking(Retouching):
    """A service that changes one film by one request of its `KIND`; it says what is its own by `terms`."""

    KIND: ClassVar[str]
    BRIEF: ClassVar[type[RemakeBrief]] = RemakeBrief

    def draft(self, image: File, account: str, options: Mapping[str, Any]) -> Drafted:
        """The request. Raises InvalidInput."""
        caller, own = sorted_out(self.desk, self.BRIEF, account, options, self.KIND)
        brief = self.BRIEF(**own)
        return changed_film(self.desk, self.KIND, brief, caller, {FILM: [image]}, self.terms(brief))

    def terms(self, brief: Any) -> RemakeTerms:  # noqa: ARG002
        """The part of the request that is this service's own. Raises InvalidInput."""
        return RemakeTerms()


def changed_film(
    desk: ServiceDesk,
    kind: str,
    brief: RemakeBrief,
    caller: Caller,
    media: Mapping[str, Sequence[File]],
    terms: RemakeTerms,
) -> Drafted:
    """The request for a change of a kind. Raises InvalidInput."""
    check_variations(caller)
    quality = quality_of(desk, brief.quality)
    caller, files = with_files(desk, kind, caller, {**media, **terms.media})
    inputs = {**({"prompt": brief.prompt} if brief.prompt else {}), **terms.inputs}
    wishes = _wishes(brief, quality, terms)
    model = quality.chooses(caller.model)
    return Drafted(varied(caller.request(kind, inputs, files, model=model, wishes=wishes), wishes), terms.notes)


def _wishes(brief: RemakeBrief, quality: VideoQuality, terms: RemakeTerms) -> Wishes:
    own = {**lines_wished(brief.resolution, quality), **terms.wishes}
    gladly = {**quality.gladly, **terms.gladly}
    return Wishes(negative=brief.negative, seed=brief.seed, gladly=gladly, **own)
