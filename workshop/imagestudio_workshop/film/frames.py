"""The pictures of a film on their way from one file to another.

packets ── decoder ── a span of them ── filters ── each changed in Python ── filters ── encoder ──> packets
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, TypeAlias

import av
from av.filter import Graph
from av.packet import Packet

from imagestudio_workshop.film.chains import Chain, Scene, all_of, chain_of
from imagestudio_workshop.film.lanes import WHOLE, Pipe, Span, frames_in
from imagestudio_workshop.film.marks import Marks, marks_of, source_of, upright
from imagestudio_workshop.film.writer import Writer

Change: TypeAlias = Callable[[av.VideoFrame], av.VideoFrame]
"""Makes another picture of a frame; its time stays."""

_EVEN: Final = ("scale", "trunc(iw/2)*2:trunc(ih/2)*2:flags=lanczos")


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The way of pictures: those of the span through `first`, each changed, and through `then`, which makes them
    `speed` times as fast."""

    first: Chain
    change: Change | None = None
    then: Chain
    span: Span = WHOLE
    speed: float = 1.0


class FilteredVideo:
    """Pictures on a course; upright, in square pixels, of even sides, their colours and depth as they were."""

    def __init__(self, writer: Writer, stream: av.VideoStream, course: Course) -> None:
        self._writer, self._stream, self._course = writer, stream, course
        self._rate = rate_of(stream)
        self._before: av.VideoFrame | None = None
        self._marks = Marks()
        self._pipe: Pipe | None = None
        self._second: Pipe | None = None
        self._out: av.VideoStream | None = None
        self._held: av.VideoFrame | None = None
        writer.await_lane()

    def take(self, packet: Packet[Any]) -> None:
        for decoded in frames_in(packet, av.VideoFrame):
            for frame in self._wanted(decoded):
                self._filter(frame)

    def finish(self) -> None:
        if self._before:
            self._filter(_moved(self._before, self._course.span.start))
        if self._pipe:
            self._pass_on(self._pipe.through(None))
        if self._second:
            self._encode(self._second.through(None))
        if self._held:
            self._write(self._held, self._to_the_end(self._held))
        if self._out:
            self._writer.mux(self._out.encode())

    def _wanted(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """The frames of the span. One that began before it is still shown where the next comes late."""
        before, start = self._before, self._course.span.start
        if frame.pts is None or frame.time >= start:
            self._before = None
            if before and frame.time > start + 1 / self._rate:
                yield _moved(before, start)
            yield frame
        else:
            self._before = frame

    def _filter(self, frame: av.VideoFrame) -> None:
        self._pipe = self._pipe or self._piped(frame)
        self._pass_on(self._pipe.through(frame))

    def _pass_on(self, frames: Iterator[av.VideoFrame | av.AudioFrame]) -> None:
        if self._course.change is None:
            self._encode(frames)
            return
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                changed = self._course.change(frame)
                self._second = self._second or self._piped_again(changed)
                self._encode(self._second.through(changed))

    def _encode(self, frames: Iterator[av.VideoFrame | av.AudioFrame]) -> None:
        """Each once the next is there, as it is shown until then: packets lie in the order in which they are decoded,
        and say how long that takes."""
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                held, self._held = self._held, frame
                if held:
                    lasts = frame.pts - held.pts if frame.pts is not None and held.pts is not None else held.duration
                    self._write(held, lasts)

    def _write(self, frame: av.VideoFrame, lasts: int) -> None:
        self._out = self._out or self._writer.video(frame, self._rate, self._marks)
        frame.pict_type = av.video.frame.PictureType.NONE
        frame.duration = max(1, lasts)
        self._writer.mux(self._out.encode(frame))

    def _to_the_end(self, frame: av.VideoFrame) -> int:
        """How long the last frame is shown: to the end of the span, or of the stream where it says when that is."""
        span, known = self._course.span, _end_of(self._stream)
        ends = [end for end in (span.end, known) if end is not None]
        if not ends or frame.pts is None:
            return frame.duration
        begun = 0.0 if math.isinf(span.start) else span.start
        left = round((min(ends) - begun) / self._course.speed / _tick(frame)) - frame.pts
        return left if left > 0 else frame.duration

    def _piped(self, frame: av.VideoFrame) -> Pipe:
        self._marks = marks_of(frame, self._stream)
        kind = self._writer.kind(self._marks)
        scene = Scene(*self._marks.shown(frame.width, frame.height), replace(self._marks, depth=kind.depth))
        course = self._course
        chain = course.first if course.change else all_of(course.first, course.then)
        return piped(frame, scene, kind.format, chain)

    def _piped_again(self, frame: av.VideoFrame) -> Pipe:
        """For frames that were set upright and coded as they are written."""
        kind, (matrix, reach) = self._writer.kind(self._marks), self._marks.encoded()
        still = Marks(depth=kind.depth, matrix=matrix, range=reach, primaries=self._marks.primaries)
        marks = replace(still, transfer=self._marks.transfer)
        return piped(frame, Scene(frame.width, frame.height, marks), kind.format, self._course.then)


def rate_of(stream: av.VideoStream) -> Fraction:
    return stream.average_rate or stream.guessed_rate or Fraction(25)


def _end_of(stream: av.VideoStream) -> float | None:
    """When its last frame ceases to be shown, in seconds of the file's clock."""
    if stream.duration is None or stream.time_base is None:
        return None
    return float((stream.duration + (stream.start_time or 0)) * stream.time_base)


def _moved(frame: av.VideoFrame, start: float) -> av.VideoFrame:
    """The frame, shown from `start` seconds on."""
    frame.pts = math.ceil(start / _tick(frame))
    return frame


def _tick(frame: av.VideoFrame) -> float:
    """Seconds, in which its time is counted."""
    assert frame.time_base is not None
    return float(frame.time_base)


def piped(frame: av.VideoFrame, scene: Scene, pixels: str, chain: Chain) -> Pipe:
    """A pipe for frames like this one: set upright and brought to the format `pixels`, then through the chain."""
    graph, coding = Graph(), ("format", f"pix_fmts={pixels}{scene.marks.coded()}")
    source = source_of(graph, frame, scene.marks)
    node = chain(graph, chain_of(*upright(frame, scene.marks), coding)(graph, source, scene), scene)
    sink = graph.add("buffersink")
    chain_of(_EVEN, coding)(graph, node, scene).link_to(sink)
    graph.configure()
    for place, picture in scene.feeds:
        place.push(picture)
        place.push(None)
    return Pipe(graph, source, sink)


def upright_frames(stream: av.VideoStream, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """The frames as `FilteredVideo` shows them, in eight bits."""
    pipe: Pipe | None = None
    for frame in frames:
        marks = marks_of(frame, stream)
        pipe = pipe or piped(frame, Scene(*marks.shown(frame.width, frame.height), marks), "yuv420p", chain_of())
        yield from (done for done in pipe.through(frame) if isinstance(done, av.VideoFrame))
    if pipe:
        yield from (done for done in pipe.through(None) if isinstance(done, av.VideoFrame))
