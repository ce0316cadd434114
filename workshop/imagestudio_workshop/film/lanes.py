"""One stream on its way from a file to another.

packets ── Copied ──────────────────────────────────────────────────────────────> packets
packets ── Filtered: decoder ── changed in Python ── FFmpeg's filters ── encoder ──> packets
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import av
from av.filter import Graph
from av.filter.context import FilterContext
from av.packet import Packet

from imagestudio_workshop.film.chains import Chain, Scene, chain_of
from imagestudio_workshop.film.marks import Filters, Marks, marks_of, source_of, upright
from imagestudio_workshop.film.writer import Copyable, Writer


@dataclass(frozen=True, slots=True)
class Span:
    """The span that is wanted of a stream, in seconds of the file's own clock; None is its end."""

    start: float = -math.inf
    end: float | None = None


WHOLE: Final = Span()

Change: TypeAlias = Callable[[av.VideoFrame], av.VideoFrame]
"""Makes another picture of a frame; its time stays."""

_EVEN: Final = ("scale", "trunc(iw/2)*2:trunc(ih/2)*2:flags=lanczos")
SOUND_RATE: Final = 48_000


F = TypeVar("F", av.VideoFrame, av.AudioFrame)


def frames_in(packet: Packet[Any], kind: type[F]) -> Iterator[F]:
    """The frames of a packet, where they are of that kind."""
    frames: Sequence[object] = packet.decode()
    return (frame for frame in frames if isinstance(frame, kind))


class Lane(Protocol):
    """Takes the packets of one stream, in order."""

    def take(self, packet: Packet[Any]) -> None: ...

    def finish(self) -> None: ...


class Copied:
    """Packets as they are, in another file, `offset` seconds earlier."""

    def __init__(self, stream: Copyable, writer: Writer, offset: float) -> None:
        self._writer = writer
        self._earlier = round(offset / stream.time_base) if stream.time_base else 0
        self._out: av.VideoStream | av.AudioStream = writer.copy_of(stream)

    def take(self, packet: Packet[Any]) -> None:
        if packet.dts is not None:
            packet.dts -= self._earlier
            packet.pts = None if packet.pts is None else packet.pts - self._earlier
            packet.stream = self._out
            self._writer.mux([packet])

    def finish(self) -> None:
        """Nothing is held back."""


@dataclass(slots=True)
class Pipe:
    """A graph's two ends, where frames go in and come out; the graph is kept, as its nodes do not keep it alive."""

    graph: Graph
    source: FilterContext
    sink: FilterContext

    def through(self, frame: av.VideoFrame | av.AudioFrame | None) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """Put a frame in, or None at the end, and take out what is ready."""
        # Filters that cut take no more once they have what they want.
        with suppress(av.EOFError):
            self.source.push(frame)
        while True:
            try:
                done = self.sink.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            assert isinstance(done, av.VideoFrame | av.AudioFrame)
            yield done


class FilteredVideo:
    """Pictures through a chain; upright, in square pixels, of even sides, their colours and depth as they were."""

    def __init__(
        self,
        writer: Writer,
        stream: av.VideoStream,
        chain: Chain,
        change: Change | None = None,
        span: Span = WHOLE,
    ) -> None:
        self._writer, self._stream, self._chain, self._change = writer, stream, chain, change
        self._span, self._rate = span, rate_of(stream)
        self._before: av.VideoFrame | None = None
        self._marks = Marks()
        self._pipe: Pipe | None = None
        self._out: av.VideoStream | None = None
        writer.await_lane()

    def take(self, packet: Packet[Any]) -> None:
        for decoded in frames_in(packet, av.VideoFrame):
            for frame in self._wanted(decoded):
                self._filter(frame)

    def finish(self) -> None:
        if self._before:
            self._filter(_moved(self._before, self._span.start))
        if self._pipe:
            self._encode(self._pipe.through(None))
        if self._out:
            self._writer.mux(self._out.encode())

    def _wanted(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """The frames of the span. One that began before it is still shown where the next comes late."""
        before, start = self._before, self._span.start
        if frame.pts is None or frame.time >= start:
            self._before = None
            if before and frame.time > start + 1 / self._rate:
                yield _moved(before, start)
            yield frame
        else:
            self._before = frame

    def _filter(self, frame: av.VideoFrame) -> None:
        self._pipe = self._pipe or self._piped(frame)
        self._encode(self._pipe.through(frame))

    def _encode(self, frames: Iterator[av.VideoFrame | av.AudioFrame]) -> None:
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                done = self._change(frame) if self._change else frame
                self._out = self._out or self._writer.video(done, self._rate, self._marks)
                done.pict_type = av.video.frame.PictureType.NONE
                done.duration = self._within_span(frame)
                self._writer.mux(self._out.encode(done))

    def _within_span(self, frame: av.VideoFrame) -> int:
        """How long it is shown, no longer than the span is."""
        if self._span.end is None or frame.pts is None:
            return frame.duration
        left = (self._span.end - self._span.start) / _tick(frame) - frame.pts
        return max(1, min(frame.duration, round(left)))

    def _piped(self, frame: av.VideoFrame) -> Pipe:
        self._marks = marks_of(frame, self._stream)
        kind = self._writer.kind(self._marks)
        scene = Scene(*self._marks.shown(frame.width, frame.height), replace(self._marks, depth=kind.depth))
        return piped(frame, scene, kind.format, self._chain)


def rate_of(stream: av.VideoStream) -> Fraction:
    return stream.average_rate or stream.guessed_rate or Fraction(25)


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


class FilteredSound:
    """Samples through filters; 48 000 a second, mono or stereo, with silence where the file has a gap."""

    def __init__(self, writer: Writer, filters: Filters, cut: Filters) -> None:
        self._writer, self._filters, self._cut = writer, filters, cut
        self._pipe: Pipe | None = None
        self._out: av.AudioStream | None = None
        writer.await_lane()

    def take(self, packet: Packet[Any]) -> None:
        for frame in frames_in(packet, av.AudioFrame):
            self._pipe = self._pipe or sound_pipe(frame, self._filters, self._cut)
            self._encode(self._pipe.through(frame))

    def finish(self) -> None:
        if self._pipe:
            self._encode(self._pipe.through(None))
        if self._out:
            self._writer.mux(self._out.encode())

    def _encode(self, frames: Iterator[av.VideoFrame | av.AudioFrame]) -> None:
        for frame in frames:
            if isinstance(frame, av.AudioFrame):
                self._out = self._out or self._writer.sound(frame)
                self._writer.mux(self._out.encode(frame))


def sound_pipe(frame: av.AudioFrame, filters: Filters, cut: Filters = ()) -> Pipe:
    """A pipe for samples like those of `frame`, of which `cut` leaves what is wanted."""
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate, format=frame.format, layout=frame.layout, time_base=frame.time_base
    )
    layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
    shape = f"sample_fmts=fltp:sample_rates={SOUND_RATE}:channel_layouts={layout}"
    # Gaps are filled first: filters that stretch or look ahead count samples, not times.
    filled = ("aresample", f"{SOUND_RATE}:async=1:first_pts=0")
    sink = graph.add("abuffersink")
    chain_of(*cut, filled, *filters, ("aformat", shape))(graph, source, Scene(0, 0)).link_to(sink)
    graph.configure()
    return Pipe(graph, source, sink)
