"""Writes a film: the streams that lanes ask for, encoded as the container usually has them, in one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, Final, TypeVar

import av
from av.container import OutputContainer
from av.packet import Packet

from application.ports import Media, ProviderRefused
from infrastructure.media import read_media

Copyable = TypeVar("Copyable", av.VideoStream, av.AudioStream)

CONTAINERS: Final = MappingProxyType({"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm"})
_CODECS: Final = {"mp4": ("libx264", "aac"), "mov": ("libx264", "aac"), "webm": ("libvpx-vp9", "libopus")}
COPIED_SOUND: Final = {"mp4": ("aac", "mp3"), "mov": ("aac", "mp3"), "webm": ("opus", "vorbis")}
"""What may stand in each container as it is."""

_CRF: Final = {"libx264": 20, "libvpx-vp9": 32}
_FAST: Final = {
    "libx264": {"preset": "veryfast"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
}
_MOST_BYTES: Final = 2**40
_MOST_SIDE: Final = 16_384


@dataclass(frozen=True, slots=True)
class Coding:
    """How a film is encoded: at a quality (`crf`, the lower the better), or at `bitrate` bits a second."""

    container: str = "mp4"
    crf: int | None = None
    bitrate: int | None = None
    sound_bitrate: int = 128_000


class Writer:
    """Packets wait until every stream is known, as the file's header names them all."""

    def __init__(self, output: OutputContainer, coding: Coding) -> None:
        self._output, self._coding = output, coding
        self._unknown = 0
        self._waiting: list[Packet[Any]] = []
        self.shows = False

    def await_lane(self) -> None:
        """A lane will ask for its stream later."""
        self._unknown += 1

    def copy_of(self, stream: Copyable) -> Copyable:
        return self._output.add_stream_from_template(stream)

    def video(self, frame: av.VideoFrame, rate: Fraction) -> av.VideoStream:
        """A stream for pictures like this one."""
        codec = _CODECS[self._coding.container][0]
        stream = self._output.add_stream(codec, rate=rate, options=self._options(codec))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuv420p"
        if frame.time_base:
            stream.codec_context.time_base = frame.time_base
        if self._coding.bitrate:
            stream.bit_rate = self._coding.bitrate
        self._unknown -= 1
        return stream

    def sound(self, frame: av.AudioFrame) -> av.AudioStream:
        """A stream for samples like these."""
        stream = self._output.add_stream(_CODECS[self._coding.container][1], rate=frame.sample_rate)
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.layout = frame.layout
        stream.bit_rate = self._coding.sound_bitrate
        self._unknown -= 1
        return stream

    def mux(self, packets: Sequence[Packet[Any]]) -> None:
        if self._unknown:
            self._waiting += packets
            return
        for packet in (*self._waiting, *packets):
            self._output.mux(packet)
            self.shows |= isinstance(packet.stream, av.VideoStream)
        self._waiting.clear()

    def finish(self) -> None:
        """Write what waits, also where a lane never asked for its stream."""
        self._unknown = 0
        self.mux([])

    def _options(self, codec: str) -> dict[str, str]:
        options = dict(_FAST[codec])
        if self._coding.bitrate is None:
            options["crf"] = str(_CRF[codec] if self._coding.crf is None else self._coding.crf)
            if codec == "libvpx-vp9":
                options["b"] = "0"
        elif codec == "libx264":
            options["maxrate"] = str(self._coding.bitrate * 5 // 4)
            options["bufsize"] = str(self._coding.bitrate * 2)
        return options


def written(coding: Coding, fill: Callable[[Writer], None]) -> Media:
    """The film that `fill` writes, its header at its start, so that it plays while it loads.

    In a temporary file, which FFmpeg reads again for that; only the encoded film is ever held in memory. Raises
    ProviderRefused where no picture was written.
    """
    with TemporaryDirectory(prefix="film-") as folder:
        path = Path(folder) / "film"
        options = {} if coding.container == "webm" else {"movflags": "+faststart"}
        with av.open(str(path), "w", format=coding.container, options=options) as output:
            writer = Writer(output, coding)
            fill(writer)
            writer.finish()
            if not writer.shows:
                raise ProviderRefused("nothing_left", "no picture of the film would be left")
        return read_media(path.read_bytes(), field="output", max_bytes=_MOST_BYTES, max_pixels=_MOST_SIDE**2)
