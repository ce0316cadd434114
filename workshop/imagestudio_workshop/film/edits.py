"""Orders that change a film in one way: cut, faster or slower, written on, louder, evened out, cleaned."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.chains import Chain, chain_of
from imagestudio_workshop.film.frames import rate_of
from imagestudio_workshop.film.marks import Filters
from imagestudio_workshop.film.remaking import FilmChanges, container_of, has_sound, opened_film, remade
from imagestudio_workshop.film.sound import LOUDNESS, evened_strictly, louder, tempo, without_hiss
from imagestudio_workshop.film.spans import span_of
from imagestudio_workshop.film.titles import title_of
from imagestudio_workshop.film.writer import Coding
from imagestudio_workshop.orders import LabelledTask, Step, Work

SPEEDS: Final = (0.25, 4.0)
_MOST_RATE: Final = 60
_CLOSE: Final = 0.45
"""Of the time between frames that came as close as any before."""
GRAIN: Final = {"light": 5, "medium": 10, "strong": 18}
"""Its deviation in levels."""
_OF: Final = ("both", "picture", "sound")


def made_by(film: Media, changes: FilmChanges) -> Work:
    def work(_variation: int, step: Step) -> Media:
        return remade(film, changes, step)

    return work


def trimmed(order: LabelledTask) -> Work:
    """A span, to a frame exactly, as it is encoded anew: see `span_of`."""
    film = order.file("video")
    kept = span_of(order, film)
    return made_by(film, FilmChanges(chain_of(), (), kept.start, kept.end))


def sped(order: LabelledTask) -> Work:
    """`speed` times as fast; voices keep their pitch."""
    film, speed = order.file("video"), speed_of(order, 1)
    return made_by(film, FilmChanges(faster(film, speed), tempo(speed), speed=speed))


def speed_of(order: LabelledTask, usual: float) -> float:
    """Raises ProviderRefused."""
    speed = order.number("speed", usual)
    if not SPEEDS[0] <= speed <= SPEEDS[1]:
        raise ProviderRefused("unsupported_speed", f"speeds are {SPEEDS[0]:g} to {SPEEDS[1]:g}")
    return speed


def faster(film: Media, speed: float) -> Chain:
    """Pictures so many times as fast, and no more of them a second than before."""
    chain: Filters = (("setpts", f"PTS/{speed:.6f}"),)
    return chain_of(*chain, *((_thinned(film),) if speed > 1 else ()))


def _thinned(film: Media) -> tuple[str, str]:
    """Of frames that come unevenly only those go that come too close."""
    with opened_film(film) as container:
        stream = container.streams.video[0]
        rate, closest = rate_of(stream), min(stream.base_rate or _MOST_RATE, _MOST_RATE)
        if stream.average_rate == stream.base_rate:
            return "fps", f"{float(rate):.6f}"
    return "select", f"'isnan(prev_selected_t)+gte(t-prev_selected_t,{_CLOSE / float(closest):.6f})'"


def written_on(order: LabelledTask) -> Work:
    """`text` over the film: see `title_of`."""
    return made_by(order.file("video"), FilmChanges(title_of(order)))


def turned_up(order: LabelledTask) -> Work:
    """The sound `volume` times as loud, or silent at 0; pictures are not touched."""
    film = with_sound(order)
    return made_by(film, FilmChanges(None, louder(order.number("volume", 1)), coding=Coding(container_of(film))))


def normalized(order: LabelledTask) -> Work:
    """The sound at `loudness` LUFS; pictures are not touched."""
    film, wanted = with_sound(order), order.number("loudness", LOUDNESS)
    changes = FilmChanges(None, (), coding=Coding(container_of(film)))

    def work(_variation: int, step: Step) -> Media:
        step(0.05, "measuring the sound")
        return remade(film, replace(changes, sound=evened_strictly(film, changes, wanted)), step)

    return work


def cleaned(order: LabelledTask) -> Work:
    """Less grain in the pictures, and less hiss in the sound, by `strength`; `of` is "picture", "sound" or "both"."""
    film, strength = order.file("video"), order.choice("strength", GRAIN, "medium")
    picture, sound = noisy_parts(order, "of", film)
    chain, filters = degrained(strength) if picture else None, without_hiss(strength) if sound else None
    return made_by(film, FilmChanges(chain, filters, coding=Coding("mp4" if picture else container_of(film))))


def degrained(strength: str) -> Chain:
    return chain_of(("fftdnoiz", f"sigma={GRAIN[strength]}"))


def noisy_parts(order: LabelledTask, name: str, film: Media) -> tuple[bool, bool]:
    """Whether pictures, and whether the sound, are to be cleaned. Raises ProviderRefused if there is neither."""
    of = order.choice(name, _OF, "both")
    if of == "sound" and not has_sound(film):
        raise ProviderRefused("no_sound", "there is no sound in the film")
    return of != "sound", of != "picture" and has_sound(film)


def with_sound(order: LabelledTask) -> Media:
    """The film. Raises ProviderRefused for one without a sound."""
    film = order.file("video")
    if not has_sound(film):
        raise ProviderRefused("no_sound", "there is no sound in the film")
    return film
