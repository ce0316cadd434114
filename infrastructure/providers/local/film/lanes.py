"""One stream on its way from a file to another.

packets ── Copied ──────────────────────────────────────────────────────────────> packets
packets ── Filtered: decoder ── changed in Python ── FFmpeg's filters ── encoder ──> packets
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import av
from av.filter import Graph
from av.filter.context import FilterContext
from av.packet import Packet

from infrastructure.providers.local.film.chains import Chain, Scene, line
from infrastructure.providers.local.film.writer import Copyable, Writer

Change: TypeAlias = Callable[[av.VideoFrame], av.VideoFrame]
"""Makes another picture of a frame; its time stays."""

Filters: TypeAlias = tuple[tuple[str, str], ...]

_TURNS: Final = {90: (("transpose", "cclock"),), -90: (("transpose", "clock"),), 180: (("hflip", ""), ("vflip", ""))}
_EVEN: Final = ("scale", "trunc(iw/2)*2:trunc(ih/2)*2"), ("format", "yuv420p")
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
    """Packets as they are, in another file."""

    def __init__(self, stream: Copyable, writer: Writer) -> None:
        self._writer = writer
        self._out: av.VideoStream | av.AudioStream = writer.copy_of(stream)

    def take(self, packet: Packet[Any]) -> None:
        if packet.dts is not None:
            packet.stream = self._out
            self._writer.mux([packet])

    def finish(self) -> None:
        """Nothing is held back."""


@dataclass(slots=True)
class Pipe:
    """Where frames go into a graph and where they come out; the graph is kept, as its nodes do not keep it alive."""

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
    """Pictures through a chain; upright, of even sides, and as every player reads them."""

    def __init__(self, writer: Writer, rate: Fraction, chain: Chain, change: Change | None) -> None:
        self._writer, self._rate, self._chain, self._change = writer, rate, chain, change
        self._pipe: Pipe | None = None
        self._out: av.VideoStream | None = None
        writer.await_lane()

    def take(self, packet: Packet[Any]) -> None:
        for frame in frames_in(packet, av.VideoFrame):
            changed = self._change(frame) if self._change else frame
            self._pipe = self._pipe or self._piped(changed, frame.rotation)
            self._encode(self._pipe.through(changed))

    def finish(self) -> None:
        if self._pipe:
            self._encode(self._pipe.through(None))
        if self._out:
            self._writer.mux(self._out.encode())

    def _encode(self, frames: Iterator[av.VideoFrame | av.AudioFrame]) -> None:
        for frame in frames:
            if isinstance(frame, av.VideoFrame):
                self._out = self._out or self._writer.video(frame, self._rate)
                frame.pict_type = av.video.frame.PictureType.NONE
                self._writer.mux(self._out.encode(frame))

    def _piped(self, frame: av.VideoFrame, rotation: int) -> Pipe:
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        turned = _TURNS.get(rotation, ())
        size = (frame.height, frame.width) if len(turned) == 1 else (frame.width, frame.height)
        scene = Scene(*size)
        node = self._chain(graph, line(*turned)(graph, source, scene), scene)
        sink = graph.add("buffersink")
        line(*_EVEN)(graph, node, scene).link_to(sink)
        graph.configure()
        for place, picture in scene.feeds:
            place.push(picture)
            place.push(None)
        return Pipe(graph, source, sink)


class FilteredSound:
    """Samples through filters; 48 000 a second, mono or stereo, with silence where the file has a gap."""

    def __init__(self, writer: Writer, filters: Filters) -> None:
        self._writer, self._filters = writer, filters
        self._pipe: Pipe | None = None
        self._out: av.AudioStream | None = None
        writer.await_lane()

    def take(self, packet: Packet[Any]) -> None:
        for frame in frames_in(packet, av.AudioFrame):
            self._pipe = self._pipe or sound_pipe(frame, self._filters)
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


def sound_pipe(frame: av.AudioFrame, filters: Filters) -> Pipe:
    """A pipe for samples like those of `frame`."""
    graph = Graph()
    source = graph.add_abuffer(
        sample_rate=frame.sample_rate, format=frame.format, layout=frame.layout, time_base=frame.time_base
    )
    layout = "mono" if frame.layout.nb_channels == 1 else "stereo"
    shape = f"sample_fmts=fltp:sample_rates={SOUND_RATE}:channel_layouts={layout}"
    ends = (("aresample", f"{SOUND_RATE}:async=1:first_pts=0"), ("aformat", shape))
    sink = graph.add("abuffersink")
    line(*filters, *ends)(graph, source, Scene(0, 0)).link_to(sink)
    graph.configure()
    return Pipe(graph, source, sink)
