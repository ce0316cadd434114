"""Orders for several edits of a film at once, so that it is encoded once and quality is lost once.

pictures  cut ── less grain ── held steady ── faster or slower ── written on ──┐
sound     cut ── less hiss ── as loud as wanted ── faster or slower ── evened ─┴──> film
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.chains import Chain, all_of
from imagestudio_workshop.film.edits import GRAIN, degrained, faster, noisy_parts, speed_of, with_sound
from imagestudio_workshop.film.remaking import FilmChanges, container_of, has_sound, remade
from imagestudio_workshop.film.sound import evened_strictly, louder, tempo, without_hiss
from imagestudio_workshop.film.spans import is_cut, span_of
from imagestudio_workshop.film.steady import STRENGTHS, followed, steadying
from imagestudio_workshop.film.titles import title_of
from imagestudio_workshop.film.writer import Coding
from imagestudio_workshop.orders import LabelledTask, Step, Work

_FOLLOWING: Final = 0.35
_MEASURING: Final = 0.1
"""Of the whole work, each if it is done."""


@dataclass(frozen=True, slots=True)
class EditPlan:
    """Changes that are known before any work, and those that are found by it: how the camera moves, if it is to be held
    with a strength, and how loud the sound is, if it is to be evened."""

    changes: FilmChanges
    steady: int = 0
    loudness: float | None = None


def edited(order: LabelledTask) -> Work:
    """All edits that an order names. Raises ProviderRefused if it names none."""
    film = order.file("video")
    wanted = _wanted(order, film)

    def work(_variation: int, step: Step) -> Media:
        begun, changes = 0.0, wanted.changes
        if wanted.steady:
            walk = followed(film, _part(step, 0.0, _FOLLOWING), changes.start, changes.end)
            begun, changes = _FOLLOWING, replace(changes, change=steadying(walk, wanted.steady))
        if wanted.loudness is not None:
            step(begun, "measuring the sound")
            evened = evened_strictly(film, changes, wanted.loudness)
            begun, changes = begun + _MEASURING, replace(changes, sound=(*(changes.sound or ()), *evened))
        return remade(film, changes, _part(step, begun, 1.0))

    return work


def _part(step: Step, begin: float, end: float) -> Step:
    return lambda fraction, message: step(begin + (end - begin) * fraction, message)


def _wanted(order: LabelledTask, film: Media) -> EditPlan:
    asked = order.task.inputs
    steady = order.whole("stabilize")
    if "stabilize" in asked and steady not in STRENGTHS:
        raise ProviderRefused("unsupported_stabilize", "a camera is held with a strength from 1 to 100")
    changes = FilmChanges(coding=Coding(container_of(film)))
    if is_cut(order):
        kept = span_of(order, film)
        changes = replace(changes, start=kept.start, end=kept.end, sound=())
    changes = _shown(order, film, changes)
    changes = _heard(order, film, changes, to_be_evened="loudness" in asked)
    if changes == FilmChanges(coding=changes.coding) and not steady:
        raise ProviderRefused("nothing_to_do", "no edit is asked for")
    return EditPlan(changes, steady, order.number("loudness", 0) if "loudness" in asked else None)


def _shown(order: LabelledTask, film: Media, changes: FilmChanges) -> FilmChanges:
    """The changes of pictures."""
    asked, speed = order.task.inputs, speed_of(order, 1)
    then: list[Chain] = [faster(film, speed)] if speed != 1 else []
    if "text" in asked:
        then.append(title_of(order, "text_"))
    if "denoise" in asked and noisy_parts(order, "denoise_of", film)[0]:
        changes = replace(changes, first=degrained(order.choice("denoise", GRAIN)))
    return replace(changes, video=all_of(*then) if then or changes.end is not None else None, speed=speed)


def _heard(order: LabelledTask, film: Media, changes: FilmChanges, *, to_be_evened: bool) -> FilmChanges:
    """The changes of the sound, but for that which has to be measured."""
    asked, speed = order.task.inputs, changes.speed
    filters = [*(changes.sound or ())]
    if "denoise" in asked and noisy_parts(order, "denoise_of", film)[1]:
        filters += without_hiss(order.choice("denoise", GRAIN))
    if "volume" in asked or to_be_evened:
        with_sound(order)
    if "volume" in asked:
        filters += louder(order.number("volume", 1))
    if speed != 1 and has_sound(film):
        filters += tempo(speed)
    return replace(changes, sound=tuple(filters) if filters or changes.sound is not None or to_be_evened else None)
