"""Brings a film to a number of bytes: first as good as it gets, then with as many bits as there is room for.

film ── at a quality ── small enough? ── else so many bits a second, and fewer each time ──> at most so many bytes
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.chains import all_of, chain_of, resized
from imagestudio_workshop.film.channels import STEREO
from imagestudio_workshop.film.fitting import Size, scaled
from imagestudio_workshop.film.remaking import FilmChanges, container_of, has_sound, length_of, opened_film, remade
from imagestudio_workshop.film.writer import Coding
from imagestudio_workshop.orders import Step

_LEAST_SOUND: Final = 32_000
_LEAST_BITRATE: Final = 40_000
_SOUND_SHARE: Final = 1 / 8
_TRIES: Final = 3
_AIM: Final = 0.93
"""Of the bytes that are allowed; the rest is for what the container adds."""

# The shorter side at which a film still looks well at so many bits a second.
_LADDER: Final = ((1080, 2_500_000), (720, 1_000_000), (480, 400_000), (360, 200_000), (240, 0))
# The codecs that each container holds as they are, in FFmpeg's words.
_STORABLE: Final = {"mp4": ("h264", "hevc", "av1"), "mov": ("h264", "hevc"), "webm": ("vp8", "vp9", "av1")}


def is_storable(film: Media, container: str) -> bool:
    """Whether a container holds its pictures without their being encoded anew."""
    with opened_film(film) as opened:
        return opened.streams.video[0].codec_context.name in _STORABLE[container]


def smaller(film: Media, changes: FilmChanges, step: Step) -> Media:
    """The film by the changes, or as it was if that is no larger, in its own container, without what tells of its
    maker."""
    made = remade(film, changes, step)
    if len(made.content) < len(film.content):
        return made
    same = remade(film, FilmChanges(coding=Coding(container_of(film))), step)
    return min(made, same, key=lambda one: len(one.content))


def within_bytes(film: Media, changes: FilmChanges, most: int, step: Step, size: Size | None = None) -> Media:
    """The film by the changes, in `most` bytes at most; of that `size`, with fewer pixels where there are too few bits
    for all. Raises ProviderRefused if that cannot be."""
    parts = _TRIES + 1
    made = remade(film, changes, _part(step, 0, parts))
    if len(made.content) <= most:
        return made
    bits, share = most * 8 * _AIM / _seconds(film, changes), _SOUND_SHARE if has_sound(film) else 0
    for number in range(1, parts):
        made = remade(film, _of_so_many_bits(changes, bits, share, size), _part(step, number, parts))
        if len(made.content) <= most:
            return made
        bits *= most / len(made.content) * _AIM
    raise ProviderRefused("target_too_small", f"this film cannot be encoded in {most} bytes")


def _seconds(film: Media, changes: FilmChanges) -> float:
    end = length_of(film) if changes.end is None else changes.end
    return (end - changes.start) / changes.speed


def _part(step: Step, number: int, parts: int) -> Step:
    return lambda fraction, message: step((number + fraction) / parts, message)


def _of_so_many_bits(changes: FilmChanges, bits: float, share: float, size: Size | None) -> FilmChanges:
    """A share of the bits is the sound's, of which there is one, in two channels."""
    sound = int(min(128_000, max(_LEAST_SOUND, bits * share))) if share else 0
    video = max(_LEAST_BITRATE, int(bits - sound))
    coding = replace(changes.coding, bitrate=video, sound_bitrate=max(sound, _LEAST_SOUND))
    chain = changes.video or chain_of()
    if size is not None:
        lines = next(lines for lines, least in _LADDER if video >= least)
        chain = all_of(chain, resized(*scaled(size, lines))) if lines < min(size) else chain
    sounds = changes.sound or ()
    return replace(changes, video=chain, coding=coding, one_sound=True, channels=STEREO, sound=sounds)
