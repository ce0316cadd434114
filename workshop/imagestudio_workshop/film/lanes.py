"""One stream on its way from a file to another.

packets ── Copied ──────────────────────────────────────────────────────────────> packets
packets ── Filtered: decoder ── FFmpeg's filters ── encoder ─────────────────────> packets
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import av
from av.filter import Graph
from av.filter.context import FilterContext
from av.packet import Packet

from imagestudio_workshop.film.chains import Scene, chain_of
from imagestudio_workshop.film.channels import MOST, written_layout
from imagestudio_workshop.film.marks import Filters
from imagestudio_workshop.film.writer import Copyable, Writer


@dataclass(frozen=True, slots=True)
class Span:
    """The span that is wanted of a stream, in seconds of the file's own clock; None is its end."""

    start: float = -math.inf
    end: float | None = None


WHOLE: Final = Span()

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
    """Packets as they are, in another file, `offset` seconds earlier.

    Matroska does not say when pictures are decoded, so that of the first ones it is not known: each is decoded as long
    before the next as it lasts.
    """

    def __init__(self, stream: Copyable, writer: Writer, offset: float) -> None:
        self._writer = writer
        self._earlier = round(offset / stream.time_base) if stream.time_base else 0
        self._out: av.VideoStream | av.AudioStream = writer.copy_of(stream)
        self._undated: list[Packet[Any]] = []

    def take(self, packet: Packet[Any]) -> None:
        if packet.dts is None:
            # The last packet is empty, and ends the stream.
            self._undated += [packet] if packet.size else []
            return
        at = packet.dts
        for waiting in reversed(self._undated):
            at -= waiting.duration or 1
            waiting.dts = at
        self._pass_on([*self._undated, packet])
        self._undated.clear()

    def finish(self) -> None:
        """A stream in which none is dated is decoded as it is shown."""
        for packet in self._undated:
            packet.dts = packet.pts
        self._pass_on(self._undated)

    def _pass_on(self, packets: Sequence[Packet[Any]]) -> None:
        for packet in packets:
            packet.dts = None if packet.dts is None else packet.dts - self._earlier
            packet.pts = None if packet.pts is None else packet.pts - self._earlier
            packet.stream = self._out
        self._writer.mux(packets)


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


class FilteredSound:
    """Samples through filters; 48 000 a second, of at most so many channels, with silence where the file has a gap."""

    def __init__(self, writer: Writer, filters: Filters, cut: Filters, most: int = MOST) -> None:
        self._writer, self._filters, self._cut, self._most = writer, filters, cut, most
        self._pipe: Pipe | None = None
        self._out: av.AudioStream | None = None
        writer.await_lane()

    def take(self, packet: Packet[Any]) -> None:
        for frame in frames_in(packet, av.AudioFrame):
            self._pipe = self._pipe or sound_pipe(frame, self._filters, self._cut, self._layout(frame))
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

    def _layout(self, frame: av.AudioFrame) -> str:
        return written_layout(self._writer.sound_codec, frame.layout.name, frame.layout.nb_channels, self._most)


def sound_pipe(frame: av.AudioFrame, filters: Filters, cut: Filters = (), layout: str = "stereo") -> Pipe:
    """A pipe for samples like those of `frame`, of which `cut` leaves what is wanted; out come those of `layout`."""
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate, format=frame.format, layout=frame.layout, time_base=frame.time_base
    )
    shape = f"sample_fmts=fltp:sample_rates={SOUND_RATE}:channel_layouts={layout}"
    # Gaps are filled first: filters that stretch or look ahead count samples, not times. Loudness is that of what is
    # written, and so comes after channels are mixed.
    filled = ("aresample", f"{SOUND_RATE}:async=1:first_pts=0")
    mixed = ("aformat", f"channel_layouts={layout}")
    sink = graph.add("abuffersink")
    chain_of(*cut, filled, mixed, *filters, ("aformat", shape))(graph, source, Scene(0, 0)).link_to(sink)
    graph.configure()
    return Pipe(graph, source, sink)
