"""The part that films from words and from pictures share: a brief becomes one request with wishes.

brief ── template: shape, length, sound, words around the prompt ──┐
         seconds, aspect, resolution, sound: models that can       ├──> Request with wishes, for any of them
         quality, style, negative, seed                            │
         enhance: words that the prompt lacks, by rule ────────────┘
         enhance: by a model ──> an operation of its own before, told and charged
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from application.asking.requests import File
from application.ports import Scalar
from application.studios.desk import Caller, ServiceDesk, check_alone
from application.studios.drafting import Drafted
from application.studios.edit import with_files
from application.studios.enhancing import enhanced
from application.studios.presets import Style
from application.studios.video.presets import (
    VideoEnhancement,
    VideoQuality,
    VideoTemplate,
    lines_wished,
    quality_of,
    usual_length,
    usual_sound,
)
from application.studios.wording import WordsBrief, asking_for_words, check_variations, check_words, varied, within
from domain.catalogue import Strategy
from domain.wishes import Wishes

CALM: Final = "gentle natural motion, steady camera"
"""Said to models that take words of a picture without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotBrief(WordsBrief):
    """The film that is wanted: at least so many `seconds`, an exact decimal.

    `resolution` is its lines, such as "720p", had at least or the model passed over. `sound` has it heard; `audio` is
    a sound of one's own that it is made to.
    """

    resolution: str = ""
    seconds: Decimal | None = None
    sound: bool = False
    audio: File | None = None


def film_request(
    desk: ServiceDesk, kind: str, brief: ShotBrief, caller: Caller, media: Mapping[str, Sequence[File]]
) -> Drafted:
    """The request for a film of a kind; the prompt may be empty if there are files. Raises InvalidInput.

    A strategy takes only models that make a film, and no picture that moves.
    """
    check_variations(caller)
    if brief.prompt or not media:
        check_words(brief)
    check_alone(sound=brief.sound, audio=brief.audio)
    template = desk.presets.get(VideoTemplate, brief.template, "template") if brief.template else None
    quality = quality_of(desk, brief.quality or (template.quality if template else ""))
    caller, files = with_files(desk, kind, caller, media)
    if brief.audio is not None:
        files["audio"] = [brief.audio]
    words, notes = _worded(desk, brief, template)
    inputs: dict[str, Scalar] = {"prompt": words} if words else {}
    model = quality.chooses(caller.model)
    wishes = _wishes(desk, brief, template, quality)
    wishes = replace(wishes, makes="video" if model in list(Strategy) else "")
    request = varied(caller.request(kind, inputs, files, model=model, wishes=wishes), wishes)
    first = asking_for_words(request, {"mode": ("video",)}) if brief.enhance == "model" and words else None
    return Drafted(request, notes, first)


def _worded(desk: ServiceDesk, brief: ShotBrief, template: VideoTemplate | None) -> tuple[str, tuple[str, ...]]:
    if not brief.prompt:
        return "", (f"no words were given: a model that takes some is told {CALM!r}",)
    words = within(brief.prompt, template)
    if brief.enhance != "rule":
        return words, ()
    words, note = enhanced(words, template.purpose if template else "", desk.presets.of(VideoEnhancement))
    return words, (note,)


def _wishes(desk: ServiceDesk, brief: ShotBrief, template: VideoTemplate | None, quality: VideoQuality) -> Wishes:
    """The wishes of every model; one that takes words gets some if there are none."""
    named = brief.style or (template.style if template else "")
    style = desk.presets.get(Style, named, "style") if named else None
    negative = [text for text in (brief.negative, template.negative if template else "") if text]
    seconds = Decimal(template.seconds) if template and brief.seconds is None else brief.seconds
    sound = brief.audio is None and (brief.sound or bool(template and template.sound))
    worded = {} if brief.prompt else {"prompt": (CALM,)}
    return Wishes(
        aspect=brief.aspect or (template.aspect if template else ""),
        seconds=seconds,
        sound=sound,
        seed=brief.seed,
        negative=", ".join(negative),
        words=style.words if style else "",
        gladly={**quality.gladly, **usual_length(seconds), **usual_sound(sound), **worded},
        **lines_wished(brief.resolution, quality),
    )
