"""Filters for the sound of a film: louder or softer, evened out to a loudness, cleaned of hiss, faster or slower."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import av
from av.packet import Packet

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.channels import MOST, written_layout
from imagestudio_workshop.film.lanes import SOUND_RATE, Pipe, frames_in, sound_pipe
from imagestudio_workshop.film.marks import Filters
from imagestudio_workshop.film.remaking import FilmChanges, cut_of, opened_film, sound_of

LOUDNESS: Final = -14.0
"""Of a film as platforms want it, in LUFS."""
_PEAK: Final = 10 ** (-1.5 / 20)
_SILENT: Final = -60.0
_SHORTEST: Final = 0.4
"""In seconds, a block of which loudness is measured (ITU-R BS.1770-5, annex 1)."""
_NEAR: Final = 0.2
_FAR: Final = 1.0
_MOST_HELD: Final = 9.0
"""The decibels by which peaks are held down at most; more is heard."""
_TRIES: Final = 5
_STEP: Final = 2.0
_HISS: Final = {"light": "nr=8:nf=-45:tn=1", "medium": "nr=14:nf=-38:tn=1", "strong": "nr=24:nf=-30:tn=1"}
"""The decibels by which hiss is lowered, and below which loudness it is hiss."""


def tempo(speed: float) -> Filters:
    """In equal steps of at most two, where the filter blends and skips nothing."""
    steps = max(1, math.ceil(abs(math.log(speed, _STEP)) - 1e-9))
    return (("atempo", f"{speed ** (1 / steps):.6f}"),) * steps


def louder(volume: float) -> Filters:
    """So many times as loud, never beyond what can be written."""
    limited = (("alimiter", "limit=0.98:level=disabled"),) if volume > 1 else ()
    return (("volume", f"{volume:.6f}"), *limited)


def without_hiss(strength: str) -> Filters:
    return (("afftdn", _HISS[strength]),)


def evened_strictly(film: Media, changes: FilmChanges, wanted: float) -> Filters:
    """As `evened`. Raises ProviderRefused also if the peaks keep the sound from it by more than 1 LU."""
    filters, reached = evened(film, changes, wanted)
    if abs(reached - wanted) > _FAR:
        told = f"with its peaks held, this sound comes to {reached:.1f} LUFS and not to {wanted:g}"
        raise ProviderRefused("unreachable_loudness", told)
    return filters


def evened(film: Media, changes: FilmChanges, wanted: float) -> tuple[Filters, float]:
    """One gain that brings the sound of what is made by `changes` to so many LUFS (EBU R 128), and its loudness then.

    Peaks are held below -1.5 dB, which makes it softer, and so the gain is measured again, until it is right or can do
    no more. Raises ProviderRefused for what cannot be measured.
    """
    gain = first = wanted - measured_loudness(film, changes)
    for _ in range(_TRIES):
        filters = _gained(gain)
        reached = measured_loudness(film, changes, filters)
        if abs(wanted - reached) < _NEAR:
            break
        gain = min(gain + wanted - reached, first + _MOST_HELD)
    return filters, reached


def _gained(gain: float) -> Filters:
    return (("volume", f"{gain:.3f}dB"), ("alimiter", f"limit={_PEAK:.4f}:level=disabled"))


def measured_loudness(film: Media, changes: FilmChanges | None = None, filters: Filters = ()) -> float:
    """Integrated loudness in LUFS of the first sound of what is made by `changes`, through `filters` besides.

    Raises ProviderRefused for nothing but silence, and for what is too short.
    """
    loudness, samples = -math.inf, 0
    for frame in _heard(film, changes or FilmChanges(), (*filters, ("ebur128", "metadata=1"))):
        loudness = float(frame.metadata.get("lavfi.r128.I", loudness))
        samples += frame.samples
    if 0 < samples < _SHORTEST * SOUND_RATE:
        raise ProviderRefused("too_short", f"loudness is measured over {_SHORTEST:g} seconds, and the sound is shorter")
    if loudness < _SILENT:
        raise ProviderRefused("silent", "there is nothing to hear in the film")
    return loudness


def _heard(film: Media, changes: FilmChanges, filters: Filters) -> Iterator[av.AudioFrame]:
    """The first sound, as it would be written, through the filters."""
    pipe: Pipe | None = None
    with opened_film(film) as container:
        offset = (container.start_time or 0) / 1_000_000
        if changes.start:
            container.seek(round((changes.start + offset) * 1_000_000))
        for packet in container.demux(sound_of(container)):
            for frame in frames_in(packet, av.AudioFrame):
                pipe = pipe or _pipe(frame, changes, offset, filters)
                yield from (done for done in pipe.through(frame) if isinstance(done, av.AudioFrame))
            if changes.end is not None and _time_of(packet) > changes.end + offset + 1:
                break
        if pipe:
            yield from (done for done in pipe.through(None) if isinstance(done, av.AudioFrame))


def _time_of(packet: Packet[Any]) -> float:
    """When it is heard, in seconds; 0 if it does not say."""
    return 0.0 if packet.pts is None or packet.time_base is None else float(packet.pts * packet.time_base)


def _pipe(frame: av.AudioFrame, changes: FilmChanges, offset: float, filters: Filters) -> Pipe:
    layout = written_layout("aac", frame.layout.name, frame.layout.nb_channels, min(changes.channels, MOST))
    return sound_pipe(frame, (*(changes.sound or ()), *filters), cut_of(changes, offset, "a"), layout)
