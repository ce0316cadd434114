"""Orders that change a film: cut, faster or slower, written on, louder, evened out, cleaned."""

from __future__ import annotations

import math
from typing import Final

import av
from PIL import Image

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop import lettering
from imagestudio_workshop.film.chains import chain_of, overlaid
from imagestudio_workshop.film.frames import rate_of
from imagestudio_workshop.film.lanes import frames_in, sound_pipe
from imagestudio_workshop.film.marks import Filters
from imagestudio_workshop.film.remaking import (
    FilmChanges,
    container_of,
    has_sound,
    length_of,
    opened_film,
    remade,
    sound_of,
)
from imagestudio_workshop.film.writer import Coding
from imagestudio_workshop.lettering import Lettering
from imagestudio_workshop.orders import LabelledTask, Step, Work

SPEEDS: Final = (0.25, 4.0)
_STEP: Final = 2.0
_MOST_RATE: Final = 60
_CLOSE: Final = 0.45
"""Of the time between frames that came as close as any before."""
_LOUDNESS: Final = -14.0
_PEAK: Final = -1.5
_SILENT: Final = -60.0


def made_by(film: Media, changes: FilmChanges) -> Work:
    def work(_variation: int, step: Step) -> Media:
        return remade(film, changes, step)

    return work


def trimmed(order: LabelledTask) -> Work:
    """From `start` to `end` seconds, or for `duration`; to a frame exactly, as it is encoded anew."""
    film = order.file("video")
    start, length = order.number("start", 0), length_of(film)
    span = order.number("duration", 0) or length
    end = order.number("end", 0) or start + span
    if not start < min(end, length):
        raise ProviderRefused(
            "unsupported_span", f"nothing is left between {start:g} and {end:g} of {length:g} seconds"
        )
    return made_by(film, FilmChanges(chain_of(), (), start, min(end, length)))


def sped(order: LabelledTask) -> Work:
    """`speed` times as fast; voices keep their pitch."""
    film, speed = order.file("video"), order.number("speed", 1)
    if not SPEEDS[0] <= speed <= SPEEDS[1]:
        raise ProviderRefused("unsupported_speed", f"speeds are {SPEEDS[0]:g} to {SPEEDS[1]:g}")
    chain: Filters = (("setpts", f"PTS/{speed:.6f}"),)
    if speed > 1:
        chain += (_thinned(film),)
    return made_by(film, FilmChanges(chain_of(*chain), _tempo(speed)))


def _thinned(film: Media) -> tuple[str, str]:
    """No more frames a second than before; where they come unevenly, only those go that come too close."""
    with opened_film(film) as container:
        stream = container.streams.video[0]
        rate, closest = rate_of(stream), min(stream.base_rate or _MOST_RATE, _MOST_RATE)
        if stream.average_rate == stream.base_rate:
            return "fps", f"{float(rate):.6f}"
    return "select", f"'isnan(prev_selected_t)+gte(t-prev_selected_t,{_CLOSE / float(closest):.6f})'"


def _tempo(speed: float) -> Filters:
    """In equal steps of at most two, where the filter blends and skips nothing."""
    steps = max(1, math.ceil(abs(math.log(speed, _STEP)) - 1e-9))
    return (("atempo", f"{speed ** (1 / steps):.6f}"),) * steps


def written_on(order: LabelledTask) -> Work:
    """`text` over the film at `position`, from `start` to `end` seconds, in a share of the height, `size` percent."""
    film, text = order.file("video"), lettering.writable(order.text("text"))
    position, share = order.choice("position", ("top", "center", "bottom"), "bottom"), order.number("size", 6) / 100
    colour, end = order.color("color", "white"), order.number("end", 0) or None

    def draw(width: int, height: int) -> Image.Image:
        return lettered(text, width, height, position, share, colour)

    chain = overlaid(draw, order.number("start", 0), end)
    return made_by(film, FilmChanges(chain))


def lettered(text: str, width: int, height: int, position: str, share: float, colour: str) -> Image.Image:
    """The text, broken to fit, with an outline that is read on any ground; transparent around it."""
    picture = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    drawn = Lettering(text, max(lettering.SMALLEST, round(height * share)), colour, width * 0.9).drawn()
    margin = round(height * 0.05)
    top = {"top": margin, "center": (height - drawn.height) // 2}.get(position, height - margin - drawn.height)
    picture.paste(drawn, ((width - drawn.width) // 2, top))
    return picture


def turned_up(order: LabelledTask) -> Work:
    """The sound `volume` times as loud, or silent at 0; pictures are not touched."""
    film, volume = _with_sound(order), order.number("volume", 1)
    filters: Filters = (("volume", f"{volume:.6f}"),)
    if volume > 1:
        filters += (("alimiter", "limit=0.98:level=disabled"),)
    return made_by(film, FilmChanges(None, filters, coding=Coding(container_of(film))))


def normalized(order: LabelledTask) -> Work:
    """The sound at `loudness` LUFS by one gain (EBU R 128), peaks held below -1.5 dB; pictures are not touched."""
    film, wanted = _with_sound(order), order.number("loudness", _LOUDNESS)

    def work(_variation: int, step: Step) -> Media:
        step(0.05, "measuring the sound")
        gain = wanted - measured_loudness(film)
        peak = 10 ** (_PEAK / 20)
        filters = (("volume", f"{gain:.3f}dB"), ("alimiter", f"limit={peak:.4f}:level=disabled"))
        return remade(film, FilmChanges(None, filters, coding=Coding(container_of(film))), step)

    return work


def measured_loudness(film: Media) -> float:
    """Integrated loudness of the whole film in LUFS. Raises ProviderRefused where there is nothing but silence."""
    loudness, pipe = -math.inf, None
    with opened_film(film) as container:
        for packet in container.demux(sound_of(container)):
            for frame in frames_in(packet, av.AudioFrame):
                pipe = pipe or sound_pipe(frame, (("ebur128", "metadata=1"),))
                for done in pipe.through(frame):
                    loudness = float(done.metadata.get("lavfi.r128.I", loudness))
    if loudness < _SILENT:
        raise ProviderRefused("silent", "there is nothing to hear in the film")
    return loudness


def cleaned(order: LabelledTask) -> Work:
    """Less grain in the pictures, and less hiss in the sound, by `strength`; `of` is "picture", "sound" or "both"."""
    film, of = order.file("video"), order.choice("of", ("both", "picture", "sound"), "both")
    sigma, hiss = _NOISE[order.choice("strength", _NOISE, "medium")]
    picture, sound = of != "sound", of != "picture" and has_sound(film)
    if not picture and not sound:
        raise ProviderRefused("no_sound", "there is no sound in the film")
    chain = chain_of(("fftdnoiz", f"sigma={sigma}")) if picture else None
    filters = (("afftdn", hiss),) if sound else None
    return made_by(film, FilmChanges(chain, filters, coding=Coding("mp4" if picture else container_of(film))))


# The grain's deviation in levels, and how far hiss below which loudness is lowered, in decibels.
_NOISE: Final = {
    "light": (5, "nr=8:nf=-45:tn=1"),
    "medium": (10, "nr=14:nf=-38:tn=1"),
    "strong": (18, "nr=24:nf=-30:tn=1"),
}


def _with_sound(order: LabelledTask) -> Media:
    film = order.file("video")
    if not has_sound(film):
        raise ProviderRefused("no_sound", "there is no sound in the film")
    return film
