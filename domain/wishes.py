"""Wishes of a model in words that are no model's own, put into the inputs of each model that is asked.

    Wishes ─ as_wished ─> inputs of one model, or InvalidInput: this model cannot do that
      aspect, covers   width and height · size · aspect_ratio
      size             width and height · size
      seed             seed
      negative         negative_prompt, or a sentence of the prompt
      style, words     style_preset, or words of the prompt
      mode             a model that works in this way
      longest          factor · resolution, by the picture that is enlarged
      seconds          duration: the least that covers it
      lines            resolution · size · width and height: the least that has them
      sound            generate_audio, or a model that always makes some
      times            resolution: the film's own lines so many times
      makes            a model whose output is of this type
      gladly           whatever of it the model takes

A shape is kept exactly: a model that cannot draw it is passed over. A wish that is asked `gladly` never passes a model
over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal

from domain.catalogue import NO_FILES, Model
from domain.errors import InvalidInput, OtherMode
from domain.footage import follows, framed, lasting, more_lines, sounding
from domain.inputs import FileInfo, Scalar, is_accepted, plain
from domain.shapes import grown, shaped, sized


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """All that may be wanted; what is empty is not.

    `aspect` is width by height, such as "4:5"; with `covers`, a size such as "1080x1350", the picture is made at least
    so large where the model can, and else as large as it can. `size` is exact to the pixel. `style` is a word of
    `style_preset`, and `words` say it to models without one. `longest` is what the longer side of an enlarged picture
    has at least, in pixels. A film lasts at least `seconds`, and has at least so many `lines`, pixels of its shorter
    side; with `or_less` as many as the model has, if that is fewer. A film that is enlarged gets `times` its own
    lines, or `lines` that it has not yet. `makes` is the first word of a media type, such as "video". Of what is asked
    `gladly` a model gets the first
    value of each input that it accepts.
    """

    aspect: str = ""
    covers: str = ""
    size: str = ""
    seed: int | None = None
    negative: str = ""
    style: str = ""
    words: str = ""
    mode: str = ""
    longest: int = 0
    seconds: Decimal | None = None
    lines: int = 0
    or_less: bool = False
    sound: bool = False
    times: Decimal | None = None
    makes: str = ""
    gladly: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)


LATER = frozenset({"seconds", "lines", "or_less", "sound", "times", "makes"})
"""Wishes that there were not from the beginning."""


def compared(wishes: Wishes) -> dict[str, object]:
    """The wishes as a repeat under the same key is compared by them, decimals as texts.

    A later wish that is not said is not compared, so that keys of before it stay what they were.
    """
    usual = Wishes()
    said = {one.name: getattr(wishes, one.name) for one in fields(wishes)}
    told = {name: value for name, value in said.items() if name not in LATER or value != getattr(usual, name)}
    return {name: plain(value) if isinstance(value, Decimal) else value for name, value in told.items()}


def as_wished(
    model: Model, wishes: Wishes, inputs: Mapping[str, object], media: Mapping[str, Sequence[FileInfo]] = NO_FILES
) -> dict[str, object]:
    """The inputs with what is wished in the words of the model. A value that is given by name stands as it is given.

    Raises InvalidInput if the model cannot draw the shape, takes no seed, or works in another way.
    """
    if wishes.mode and wishes.mode not in model.modes:
        own = f"it works in: {', '.join(model.modes)}" if model.modes else "name another model"
        raise OtherMode("mode", f"model {model.id!r} does not work in the mode {wishes.mode}", hint=own)
    if wishes.makes and not model.outputs[0].startswith(f"{wishes.makes}/"):
        told = f"model {model.id!r} makes {model.outputs[0]}"
        raise OtherMode("model", told, hint=f"name one that makes a {wishes.makes}")
    found: dict[str, object] = {**_gladly(model, wishes.gladly), **_style(model, wishes)}
    found |= {**_sides(model, wishes, media), **_footage(model, wishes)}
    if wishes.longest:
        found |= grown(model, wishes.longest, next(iter(media.get("image", ())), None))
    if wishes.seed is not None:
        if "seed" not in model.inputs:
            raise InvalidInput("seed", f"is no input of model {model.id!r}", hint="leave the seed out")
        found["seed"] = wishes.seed
    if wishes.negative and "negative_prompt" in model.inputs:
        found["negative_prompt"] = wishes.negative
    found |= inputs
    prompt = found.get("prompt")
    if isinstance(prompt, str) and (more := _said(model, wishes)):
        found["prompt"] = " ".join((f"{prompt.rstrip(' .,;')}.", *more)) if prompt.strip() else prompt
    return found


def _sides(model: Model, wishes: Wishes, media: Mapping[str, Sequence[FileInfo]]) -> dict[str, object]:
    if wishes.size:
        return sized(model, wishes.size)
    if wishes.times is not None:
        return more_lines(model, wishes.lines, wishes.times, next(iter(media.get("video", ())), None))
    aspect = "" if follows(model, wishes.aspect, next(iter(media.get("image", ())), None)) else wishes.aspect
    if wishes.lines:
        return framed(model, aspect, wishes.lines, or_less=wishes.or_less)
    return shaped(model, aspect, wishes.covers) if aspect else {}


def _footage(model: Model, wishes: Wishes) -> dict[str, object]:
    long = {} if wishes.seconds is None else lasting(model, wishes.seconds)
    return {**long, **(sounding(model) if wishes.sound else {})}


def _said(model: Model, wishes: Wishes) -> list[str]:
    """Sentences for what the model has no input of its own for."""
    said = []
    if wishes.words and not _takes_style(model, wishes.style):
        said.append(f"{wishes.words.rstrip('.')}.")
    if wishes.negative and "negative_prompt" not in model.inputs:
        said.append(f"Without: {wishes.negative.rstrip('.')}.")
    return said


def _takes_style(model: Model, style: str) -> bool:
    spec = model.inputs.get("style_preset")
    return bool(style) and spec is not None and is_accepted(spec, style)


def _style(model: Model, wishes: Wishes) -> dict[str, object]:
    return {"style_preset": wishes.style} if _takes_style(model, wishes.style) else {}


def _gladly(model: Model, gladly: Mapping[str, tuple[Scalar, ...]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, values in gladly.items():
        spec = model.inputs.get(name)
        fit = [value for value in values if spec is not None and not spec.is_file and is_accepted(spec, value)]
        if fit:
            found[name] = fit[0]
    return found
