"""Writes a film: the streams that lanes ask for, encoded as the container usually has them, in one file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from types import MappingProxyType
from typing import Any, Final, TypeVar

import av
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.film.channels import STEREO
from imagestudio_workshop.film.marks import Marks, graded

Copyable = TypeVar("Copyable", av.VideoStream, av.AudioStream)

CONTAINERS: Final = MappingProxyType({"mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm"})
_SOUND: Final = {"mp4": "aac", "mov": "aac", "webm": "libopus"}
COPIED_SOUND: Final = {"mp4": ("aac", "mp3"), "mov": ("aac", "mp3"), "webm": ("opus", "vorbis")}
"""The codecs that may stand in each container as they are."""

USUAL: Final = ""
# How good each encoder is told to be, the lower the better, for what stays and for what is to be small.
_CRF: Final = {
    "libx264": {USUAL: 20, "high": 23, "medium": 27, "low": 32},
    "libx265": {USUAL: 22, "high": 25, "medium": 29, "low": 34},
    "libvpx-vp9": {USUAL: 32, "high": 36, "medium": 41, "low": 48},
    "libsvtav1": {USUAL: 30, "high": 35, "medium": 41, "low": 49},
}
QUALITIES: Final = ("high", "medium", "low")
_FAST: Final = {
    "libx264": {"preset": "veryfast"},
    "libx265": {"preset": "veryfast"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
    "libsvtav1": {"preset": "8"},
}
# Words that an encoder is told: to be quiet, and on which display the film was graded.
_OWN: Final = {"libx265": ("x265-params", "log-level=none"), "libsvtav1": ("svtav1-params", "")}
_AV1_LOG: Final = "SVT_LOG"
_HUSHING: Final = Lock()
_KEPT_TAGS: Final = ("hvc1", "avc1")
"""Of two names for one coding, that which players of all makers know."""


@dataclass(frozen=True, slots=True)
class PixelCoding:
    """How pictures of so many bits a sample are encoded; `name` is what people call the codec, `tag` players."""

    name: str
    depth: int
    codec: str
    format: str
    tag: str = ""


_H264: Final = (PixelCoding("h264", 8, "libx264", "yuv420p"),)
_HEVC: Final = (
    PixelCoding("hevc", 8, "libx265", "yuv420p", "hvc1"),
    PixelCoding("hevc", 10, "libx265", "yuv420p10le", "hvc1"),
    PixelCoding("hevc", 12, "libx265", "yuv420p12le", "hvc1"),
)
_VP9: Final = (PixelCoding("vp9", 8, "libvpx-vp9", "yuv420p"),)
_AV1: Final = (PixelCoding("av1", 8, "libsvtav1", "yuv420p"), PixelCoding("av1", 10, "libsvtav1", "yuv420p10le"))
# In each container, the usual one first.
_KINDS: Final = {"mp4": _H264 + _HEVC + _AV1, "mov": _H264 + _HEVC, "webm": _VP9 + _AV1}
CODECS: Final = ("h264", "hevc", "vp9", "av1")


@dataclass(frozen=True, slots=True)
class Coding:
    """How a film is encoded: by a codec of people's, or the usual one; at a quality, or at `bitrate` bits a second.

    `sound_bitrate` is of one channel or of two, and more of them get as much for each further pair.
    """

    container: str = "mp4"
    codec: str = ""
    quality: str = USUAL
    bitrate: int | None = None
    sound_bitrate: int = 128_000

    def kind(self, depth: int) -> PixelCoding:
        """The first that holds so many bits. Raises ProviderRefused."""
        kinds = [kind for kind in _KINDS[self.container] if self.codec in ("", kind.name)]
        if not kinds:
            known = ", ".join(dict.fromkeys(kind.name for kind in _KINDS[self.container]))
            raise ProviderRefused("unsupported_codec", f"{self.container} is written with: {known}")
        found = next((kind for kind in kinds if kind.depth >= depth), None)
        if found is None:
            most = max(kind.depth for kind in kinds)
            told = f"the film has {depth} bits a sample; {self.codec or self.container} is written with {most}"
            raise ProviderRefused("unsupported_depth", told)
        return found


class Writer:
    """Packets wait until every stream is known, as the file's header names them all."""

    def __init__(self, output: OutputContainer, coding: Coding) -> None:
        self._output, self._coding = output, coding
        self._unknown = 0
        self._waiting: list[Packet[Any]] = []
        self.shows = False

    @property
    def sound_codec(self) -> str:
        """The encoder of every sound track."""
        return _SOUND[self._coding.container]

    def await_lane(self) -> None:
        """A lane will ask for its stream later."""
        self._unknown += 1

    def copy_of(self, stream: Copyable) -> Copyable:
        """A stream for packets of another, under the name by which players know them. Raises ProviderRefused."""
        try:
            # `opaque` spares the search for an encoder, which need not be there, nor have the decoder's name.
            copy = self._output.add_stream_from_template(stream, opaque=True)
        except ValueError as error:
            raise ProviderRefused(
                "unsupported_codec", f"{self._coding.container} cannot hold these pictures"
            ) from error
        if stream.codec_context.codec_tag in _KEPT_TAGS:
            copy.codec_context.codec_tag = stream.codec_context.codec_tag
        return copy

    def kind(self, marks: Marks) -> PixelCoding:
        """How pictures so marked are encoded. Raises ProviderRefused where their depth would be lost."""
        return self._coding.kind(marks.depth)

    def video(self, frame: av.VideoFrame, rate: Fraction, marks: Marks) -> av.VideoStream:
        """A stream for pictures like this one, marked as `marks` says."""
        kind = self.kind(marks)
        stream = self._output.add_stream(kind.codec, rate=rate, options=self._options(kind.codec, marks))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, kind.format
        marks.tell(stream.codec_context)
        # Without it each frame is said to be shown for as long as the mean of all, the last one too.
        stream.codec_context.flags |= Flags.frame_duration
        if kind.tag:
            stream.codec_context.codec_tag = kind.tag
        if frame.time_base:
            stream.codec_context.time_base = frame.time_base
        if self._coding.bitrate:
            stream.bit_rate = self._coding.bitrate
        if kind.codec == "libsvtav1":
            with _hushed_av1():
                stream.codec_context.open()
        self._unknown -= 1
        return stream

    def sound(self, frame: av.AudioFrame) -> av.AudioStream:
        """A stream for samples like these."""
        stream = self._output.add_stream(self.sound_codec, rate=frame.sample_rate)
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.layout = frame.layout
        stream.bit_rate = self._coding.sound_bitrate * max(STEREO, frame.layout.nb_channels) // STEREO
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

    def _options(self, codec: str, marks: Marks) -> dict[str, str]:
        options = dict(_FAST[codec])
        if codec in _OWN:
            name, words = _OWN[codec]
            options[name] = ":".join(filter(None, (words, graded(marks, codec))))
        if self._coding.bitrate is None:
            options["crf"] = str(_CRF[codec][self._coding.quality])
            if codec == "libvpx-vp9":
                options["b"] = "0"
        elif codec in ("libx264", "libx265"):
            options["maxrate"] = str(self._coding.bitrate * 5 // 4)
            options["bufsize"] = str(self._coding.bitrate * 2)
        return options


@contextmanager
def _hushed_av1() -> Iterator[None]:
    """An encoder that is opened in here tells the terminal nothing of itself; it knows no option against that.

    It looks for its variable when it is opened. The environment is the host's, and so are its children's.
    """
    with _HUSHING:
        said = os.environ.get(_AV1_LOG)
        os.putenv(_AV1_LOG, "1")
        try:
            yield
        finally:
            os.unsetenv(_AV1_LOG) if said is None else os.putenv(_AV1_LOG, said)


def written_film(coding: Coding, fill: Callable[[Writer], None]) -> Media:
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
        return Media(path.read_bytes(), CONTAINERS[coding.container])
