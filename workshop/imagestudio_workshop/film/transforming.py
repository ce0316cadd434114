"""Orders for a film stored or shown otherwise, in one pass: container, codec, span, shape, size, frames, bytes.

film ── span ── faster or slower ── fewer frames ── shape ── lines ──┬── at a quality, or in so many bytes ──> film
                                                                     └── gif, webp, avif ──> moving picture
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.chains import Chain, all_of, chain_of, resized
from imagestudio_workshop.film.edits import faster, speed_of
from imagestudio_workshop.film.fitting import Size, fit_of, in_aspect, shown_size, with_lines
from imagestudio_workshop.film.looping import MOVING, USUAL_RATE, moving_picture
from imagestudio_workshop.film.marks import Filters
from imagestudio_workshop.film.remaking import FilmChanges, container_of, frames_a_second, has_sound, remade
from imagestudio_workshop.film.sizing import is_storable, smaller, within_bytes
from imagestudio_workshop.film.sound import tempo
from imagestudio_workshop.film.spans import is_cut, span_of
from imagestudio_workshop.film.writer import CODECS, CONTAINERS, QUALITIES, USUAL, Coding
from imagestudio_workshop.orders import LabelledTask, Work

FORMATS: Final = (*CONTAINERS, *MOVING)
_PICTURED: Final = ("codec", "quality", "speed", "fps", "aspect_ratio", "resolution", "most_lines", "target_bytes")
"""The inputs that change pictures or how they are encoded, besides a span."""
_ONLY_SMALLER: Final = {"quality", "most_lines"}
"""Those that ask for nothing but fewer bytes, of which there may be none to be had."""
_MOVING_LINES: Final = 360
"""Of a moving picture of which no size is named."""


def transformed(order: LabelledTask) -> Work:
    """All that an order names. Raises ProviderRefused if it cannot be had, or nothing is asked for."""
    film = order.file("video")
    kind = order.choice("format", FORMATS, container_of(film))
    if kind in MOVING:
        return _moving(order, film, kind)
    asked = {name for name in _PICTURED if name in order.task.inputs} | ({"span"} if is_cut(order) else set())
    coding = Coding(kind, _codec(order), order.choice("quality", (*QUALITIES, USUAL), USUAL))
    if not asked and is_storable(film, kind):
        return _copied(film, coding)
    changes, size = _changes(order, film, coding)
    if target := order.whole("target_bytes"):
        return lambda _variation, step: within_bytes(film, changes, target, step, size)
    if asked <= _ONLY_SMALLER and size == shown_size(film) and kind == container_of(film):
        return lambda _variation, step: smaller(film, changes, step)
    return lambda _variation, step: remade(film, changes, step)


def _copied(film: Media, coding: Coding) -> Work:
    """The same film in another container, bit by bit where that holds its sound."""
    if CONTAINERS[coding.container] == film.media_type:
        raise ProviderRefused("nothing_to_do", f"the film is {coding.container} already, and nothing else is asked for")
    return lambda _variation, step: remade(film, FilmChanges(coding=coding), step)


def _codec(order: LabelledTask) -> str:
    return order.choice("codec", CODECS) if "codec" in order.task.inputs else ""


def _changes(order: LabelledTask, film: Media, coding: Coding) -> tuple[FilmChanges, Size]:
    """Of a film, and the size of what is made."""
    speed, span = speed_of(order, 1), span_of(order, film) if is_cut(order) else None
    chain, size = _shaped(order, film, speed, order.whole("fps"))
    sound: Filters | None = () if span or speed != 1 or coding.quality else None
    if speed != 1 and has_sound(film):
        sound = tempo(speed)
    changes = FilmChanges(chain, sound, coding=coding, speed=speed)
    return (replace(changes, start=span.start, end=span.end) if span else changes), size


def _shaped(order: LabelledTask, film: Media, speed: float, rate: int) -> tuple[Chain, Size]:
    """The chain of pictures, and their size at its end."""
    chains, shown = [faster(film, speed)] if speed != 1 else [], shown_size(film)
    if rate and frames_a_second(film) > rate:
        chains.append(chain_of(("fps", str(rate))))
    size = with_lines(order, in_aspect(order, shown))
    if "aspect_ratio" in order.task.inputs:
        chains.append(fit_of(order, film, size, "crop"))
    elif size != shown:
        chains.append(resized(*size))
    return all_of(*chains), size


def _moving(order: LabelledTask, film: Media, kind: str) -> Work:
    for name in ("codec", "target_bytes", "speed"):
        if name in order.task.inputs:
            raise ProviderRefused(f"unsupported_{name}", f"a moving picture such as {kind} is made without {name}")
    chain, size = _shaped(order, film, 1, 0)
    if not {"resolution", "most_lines"} & order.task.inputs.keys() and min(size) > _MOVING_LINES:
        lines = _MOVING_LINES / min(size)
        chain = all_of(chain, resized(round(size[0] * lines), round(size[1] * lines)))
    quality = order.choice("quality", (*QUALITIES, USUAL), USUAL)
    return moving_picture(film, span_of(order, film), kind, chain, order.whole("fps", USUAL_RATE), quality)
