"""Makes one film of another: streams that are changed pass through filters, the others are copied packet by packet."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import av
from av.container import InputContainer

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.chains import Chain, all_of, chain_of
from imagestudio_workshop.film.channels import MOST
from imagestudio_workshop.film.frames import Change, Course, FilteredVideo
from imagestudio_workshop.film.lanes import WHOLE, Copied, FilteredSound, Lane, Span
from imagestudio_workshop.film.marks import Filters
from imagestudio_workshop.film.writer import COPIED_SOUND, Coding, Writer, written_film
from imagestudio_workshop.orders import Step

UNREADABLE: Final = "unreadable_video", "the film is damaged, or of a kind that cannot be read"
MOST_PIXELS: Final = 4096 * 2304
MOST_FRAMES: Final = 36_000
"""Ten minutes at sixty frames a second; a small file may hold any number."""

_CONTAINERS: Final = MappingProxyType({"video/mp4": "mp4", "video/quicktime": "mov", "video/webm": "webm"})
TRACKS: Final = MappingProxyType({"audio": "sound track", "subtitle": "subtitle track"})
"""The side data that a viewer would miss, by FFmpeg's word."""
_BEHIND: Final = 1.0
"""Seconds by which streams of a file may be apart in it."""


@dataclass(frozen=True, slots=True)
class FilmChanges:
    """The changes of pictures and sound. None leaves them as they are, where the container can hold them so.

    Pictures go through `first`, are each changed by `change`, and go through `video`, which makes them `speed` times as
    fast.
    `start` and `end` are seconds of the source; of its sound tracks `one_sound` keeps the first alone, and a sound of
    more than `channels` is mixed to fewer.
    """

    video: Chain | None = None
    sound: Filters | None = None
    start: float = 0.0
    end: float | None = None
    coding: Coding = field(default_factory=Coding)
    first: Chain | None = None
    change: Change | None = None
    speed: float = 1.0
    one_sound: bool = False
    channels: int = MOST


@contextmanager
def opened_film(film: Media) -> Iterator[InputContainer]:
    """Raises ProviderRefused for what cannot be read, here and while it is read, or is too large or too long."""
    try:
        with av.open(io.BytesIO(film.content), "r") as container:
            _check(container.streams.video)
            container.streams.video[0].thread_type = "AUTO"
            yield container
    except (av.FFmpegError, UnicodeDecodeError) as error:
        raise ProviderRefused(*UNREADABLE) from error


def _check(streams: Sequence[av.VideoStream]) -> None:
    if not streams:
        raise ProviderRefused("no_picture", "there is no picture in the film")
    if not _is_known(streams[0]):
        raise ProviderRefused(*UNREADABLE)
    if streams[0].width * streams[0].height > MOST_PIXELS:
        raise ProviderRefused("too_large", f"the film has more than {MOST_PIXELS} pixels a frame")


def _is_known(stream: av.VideoStream | av.AudioStream) -> bool:
    """Whether there is a decoder for it; PyAV has no context where there is none."""
    context: object = stream.codec_context
    return context is not None


def container_of(film: Media) -> str:
    return _CONTAINERS.get(film.media_type, "mp4")


def length_of(film: Media) -> float:
    """Its length. Raises ProviderRefused where it cannot be learned."""
    if film.duration_ms:
        return film.duration_ms / 1000
    with opened_film(film) as container:
        duration = container.duration
    if not duration:
        raise ProviderRefused("unknown_duration", "how long the film lasts cannot be read")
    return duration / 1_000_000


def frames_a_second(film: Media) -> float:
    """On the average; 0 if it does not say."""
    with opened_film(film) as container:
        return float(container.streams.video[0].average_rate or 0)


def has_sound(film: Media) -> bool:
    with opened_film(film) as container:
        return sound_of(container) is not None


def sounds_of(container: InputContainer) -> list[av.AudioStream]:
    """The sound tracks of kinds that can be read, in their order."""
    return [stream for stream in container.streams.audio if _is_known(stream)]


def sound_of(container: InputContainer) -> av.AudioStream | None:
    """The first of them."""
    return next(iter(sounds_of(container)), None)


def left_out(film: Media, made: Media) -> str:
    """The tracks and channels of a film that another made of it does not have, in words; empty if it has all."""
    with opened_film(film) as source, opened_film(made) as result:
        pairs = [(words, _count(source, kind) - _count(result, kind)) for kind, words in TRACKS.items()]
        mixed = dict.fromkeys(
            f"{before} channels mixed to {after}"
            for before, after in zip(_channels(source), _channels(result), strict=False)
            if after < before
        )
    return ", ".join([*(f"{count} {words}{'s' if count > 1 else ''}" for words, count in pairs if count > 0), *mixed])


def _channels(container: InputContainer) -> list[int]:
    """Of each sound track that can be read."""
    return [stream.codec_context.layout.nb_channels for stream in sounds_of(container)]


def _count(container: InputContainer, kind: str) -> int:
    return sum(stream.type == kind for stream in container.streams)


def remade(film: Media, changes: FilmChanges, step: Step) -> Media:
    """The film by the changes. Raises ProviderRefused."""
    return written_film(changes.coding, lambda writer: _fill(writer, film, changes, step))


def _fill(writer: Writer, film: Media, changes: FilmChanges, step: Step) -> None:
    with opened_film(film) as source:
        offset = (source.start_time or 0) / 1_000_000
        if changes.start:
            source.seek(round((changes.start + offset) * 1_000_000))
        lanes = _lanes(writer, source, changes, offset)
        last = (source.duration or 0) / 1_000_000 if changes.end is None else changes.end
        _drive(source, lanes, changes.start + offset, last + offset, stops=changes.end is not None, step=step)
        for lane in lanes.values():
            lane.finish()


def _drive(
    source: InputContainer, lanes: dict[int, Lane], start: float, last: float, *, stops: bool, step: Step
) -> None:
    """Every packet to its lane, until all streams are past the end."""
    going, frames, reached = set(lanes), 0, 0.0
    for packet in source.demux([source.streams[index] for index in lanes]):
        index = packet.stream.index
        lanes[index].take(packet)
        if packet.pts is None or packet.time_base is None:
            continue
        at = float(packet.pts * packet.time_base)
        if isinstance(packet.stream, av.VideoStream):
            frames += 1
            # Packets come in the order in which they are decoded, not shown.
            reached = max(reached, min(1.0, (at - start) / max(last - start, 0.001)))
            step(0.9 * reached, "working on the film")
        if frames > MOST_FRAMES:
            raise ProviderRefused("too_long", f"the film has more than {MOST_FRAMES} frames")
        if stops and at > last + _BEHIND:
            going.discard(index)
        if not going:
            return


def _lanes(writer: Writer, source: InputContainer, changes: FilmChanges, offset: float) -> dict[int, Lane]:
    video = source.streams.video[0]
    lanes: dict[int, Lane] = {video.index: _video_lane(writer, video, changes, offset)}
    sounds = sounds_of(source)[: 1 if changes.one_sound else None]
    return lanes | {sound.index: _sound_lane(writer, sound, changes, offset) for sound in sounds}


def _video_lane(writer: Writer, video: av.VideoStream, changes: FilmChanges, offset: float) -> Lane:
    if changes.video is None and changes.change is None and changes.first is None:
        return Copied(video, writer, offset)
    cut = cut_of(changes, offset, "")
    span = Span(changes.start + offset, None if changes.end is None else changes.end + offset) if cut else WHOLE
    first = all_of(chain_of(*cut), changes.first or chain_of())
    then = changes.video or chain_of()
    course = Course(first=first, change=changes.change, then=then, span=span, speed=changes.speed)
    return FilteredVideo(writer, video, course)


def _sound_lane(writer: Writer, sound: av.AudioStream, changes: FilmChanges, offset: float) -> Lane:
    fits = sound.codec_context.name in COPIED_SOUND[changes.coding.container]
    fits = fits and sound.codec_context.layout.nb_channels <= changes.channels
    if changes.sound is None and fits and not changes.start and changes.end is None:
        return Copied(sound, writer, offset)
    return FilteredSound(writer, changes.sound or (), cut_of(changes, offset, "a"), changes.channels)


def cut_of(changes: FilmChanges, offset: float, prefix: str) -> Filters:
    """From start to end, counted from 0 again: by the same amount in pictures and sound, so that they stay together."""
    if not changes.start and changes.end is None and not offset:
        return ()
    start = changes.start + offset
    until = "" if changes.end is None else f":end={changes.end + offset:.6f}"
    return (f"{prefix}trim", f"start={start:.6f}{until}"), (f"{prefix}setpts", f"PTS-{start:.6f}/TB")
