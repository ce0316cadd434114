"""The words of a film on its pictures beside their samples: how they lie, their shape, their colours and their depth.

frame, stream ── marks_of ──> Marks ──┬──> the graph is told what comes in, and sets it upright with square pixels
                                      └──> the encoder is told what goes out
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Final, TypeAlias, cast

import av
import numpy as np
import numpy.typing as npt
from av.codec.context import CodecContext
from av.filter import Graph
from av.filter.context import FilterContext
from av.sidedata.sidedata import SideDataContainer, Type

from imagestudio.plugin import ProviderRefused

Filters: TypeAlias = tuple[tuple[str, str], ...]

# Numbers of ITU-T H.273 (2021), tables 2 to 4; ranges as FFmpeg numbers them.
RGB, BT709, UNKNOWN, BT2020 = 0, 1, 2, 9
PQ, HLG = 16, 18
LIMITED, FULL = 1, 2
_NAMES: Final = {BT709: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", BT2020: "bt2020nc"}
_RANGES: Final = {LIMITED: "tv", FULL: "pc"}
_MATRICES: Final = (RGB, UNKNOWN, *_NAMES)
"""Red, green and blue, or luma and two differences of them; anything else is not what filters take it for."""

_ONE: Final = 1 << 16
_SLANT: Final = 0.01
"""How far from upright, in shares, what is taken for upright may be."""

# From the signs of a, b, c and d, by which x = a*p + c*q and y = b*p + d*q (ISO/IEC 14496-12, 8.3.2).
_TURNS: Final[Mapping[tuple[int, ...], Filters]] = MappingProxyType(
    {
        (1, 0, 0, 1): (),
        (-1, 0, 0, 1): (("hflip", ""),),
        (1, 0, 0, -1): (("vflip", ""),),
        (-1, 0, 0, -1): (("hflip", ""), ("vflip", "")),
        (0, 1, -1, 0): (("transpose", "clock"),),
        (0, -1, 1, 0): (("transpose", "cclock"),),
        (0, 1, 1, 0): (("transpose", "cclock_flip"),),
        (0, -1, -1, 0): (("transpose", "clock_flip"),),
    }
)


@dataclass(frozen=True, slots=True)
class Marks:
    """How frames are to be shown. `turn` sets them upright, after which their pixels are `pixel` times as wide as high;
    `mastering` is the display that they were graded on and `light` their brightest, as FFmpeg keeps them."""

    turn: Filters = ()
    pixel: Fraction = Fraction(1)
    depth: int = 8
    matrix: int = UNKNOWN
    range: int = 0
    primaries: int = UNKNOWN
    transfer: int = UNKNOWN
    interlaced: bool = False
    mastering: bytes = b""
    light: bytes = b""

    @property
    def lies(self) -> bool:
        """Whether width and height are exchanged when it is set upright."""
        return any(name == "transpose" for name, _ in self.turn)

    def shown(self, width: int, height: int) -> tuple[int, int]:
        """The size in square pixels of a frame that is stored in so many."""
        width, height = (height, width) if self.lies else (width, height)
        return max(1, round(width * self.pixel)), height

    def encoded(self) -> tuple[int, int]:
        """Matrix and range of what is written: as they were, and those of BT.709 for what was red, green and blue."""
        return (BT709, LIMITED) if self.matrix == RGB else (self.matrix, self.range)

    def coded(self) -> str:
        """For the filter "format", behind its pixel formats: what is known of how they are to be coded."""
        matrix, reach = self.encoded()
        spaces = f":color_spaces={_NAMES[matrix]}" if matrix in _NAMES else ""
        return spaces + (f":color_ranges={_RANGES[reach]}" if reach in _RANGES else "")

    def tell(self, context: CodecContext) -> None:
        """Say to an encoder what its frames are."""
        assert isinstance(context, av.VideoCodecContext)
        context.colorspace, context.color_range = self.encoded()
        context.color_primaries, context.color_trc = self.primaries, self.transfer


def marks_of(frame: av.VideoFrame, stream: av.VideoStream) -> Marks:
    """Raises ProviderRefused for what would not be shown as it is meant."""
    sides = _sides(frame)
    if stream.metadata.get("alpha_mode") == "1" or _is_clear(frame):
        raise ProviderRefused("transparent", "the film is transparent in places, and would not be in a new one")
    matrix = RGB if frame.format.is_rgb or frame.format.has_palette else int(frame.colorspace)
    unread = Type.DOVI_METADATA in sides and int(frame.color_trc) == UNKNOWN
    if matrix not in _MATRICES or unread:
        raise ProviderRefused("unsupported_colours", "the film's colours are coded in a way that cannot be kept")
    turn = _turned(sides.get(Type.DISPLAYMATRIX, b""))
    pixel = stream.sample_aspect_ratio or Fraction(1)
    lies = any(name == "transpose" for name, _ in turn)
    return Marks(
        turn,
        1 / pixel if lies else pixel,
        max(component.bits for component in frame.format.components),
        matrix,
        int(frame.color_range),
        int(frame.color_primaries),
        int(frame.color_trc),
        frame.interlaced_frame,
        sides.get(Type.MASTERING_DISPLAY_METADATA, b""),
        sides.get(Type.CONTENT_LIGHT_LEVEL, b""),
    )


def _sides(frame: av.VideoFrame) -> dict[Type, bytes]:
    # Walked over and not asked for its values: PyAV calls it a mapping, but looks them up by themselves.
    return {side.type: bytes(side) for side in cast(SideDataContainer, frame.side_data)}


def _is_clear(frame: av.VideoFrame) -> bool:
    return any(component.is_alpha for component in frame.format.components)


def _turned(matrix: bytes) -> Filters:
    """The filters that do what a display matrix asks for; one angle could not tell a mirror image."""
    if len(matrix) < 36:
        return ()
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix[:36])
    largest = max(map(abs, (a, b, c, d)))
    if not largest:
        return ()
    signs = tuple(0 if abs(value) <= largest * _SLANT else (1 if value > 0 else -1) for value in (a, b, c, d))
    turn = _TURNS.get(signs)
    if turn is None:
        raise ProviderRefused("unsupported_rotation", "the film is shown at a slant; only quarter turns are known")
    return turn


def source_of(graph: Graph, frame: av.VideoFrame, marks: Marks, name: str = "film") -> FilterContext:
    """The entry of a graph for frames like this one, which is told what their numbers mean."""
    return graph.add(
        "buffer",
        name=name,
        video_size=f"{frame.width}x{frame.height}",
        pix_fmt=frame.format.name,
        time_base=str(frame.time_base),
        pixel_aspect="1/1",
        colorspace=str(marks.matrix),
        range=str(FULL if marks.matrix == RGB else marks.range),
    )


def upright(frame: av.VideoFrame, marks: Marks) -> Filters:
    """Sets frames like this one upright, with square pixels and whole frames instead of half ones."""
    whole = (("bwdif", "mode=send_frame:deint=interlaced"),) if marks.interlaced else ()
    clean = (("sidedata", "mode=delete:type=DISPLAYMATRIX"),)
    width, height = marks.shown(frame.width, frame.height)
    square = (("scale", f"{width}:{height}:flags=lanczos"), ("setsar", "1")) if marks.pixel != 1 else ()
    return (*whole, *marks.turn, *square, *clean)


@dataclass(frozen=True, slots=True)
class Grading:
    """In whole steps of what it is counted in: chromaticities (x, y) of red, green, blue and white, the least and the
    most light, and the brightest pixel and the brightest mean of a frame. Empty where the film says nothing."""

    spots: tuple[tuple[Fraction, Fraction], ...] = ()
    lights: tuple[Fraction, ...] = ()
    levels: tuple[int, ...] = ()


def grading_of(marks: Marks) -> Grading:
    """Of what FFmpeg keeps as AVMasteringDisplayMetadata and AVContentLightMetadata."""
    levels = struct.unpack("=2I", marks.light[:8]) if len(marks.light) >= 8 else ()
    if len(marks.mastering) < 88:
        return Grading(levels=levels)
    numbers = struct.unpack("=22i", marks.mastering[:88])
    shares = [Fraction(top, bottom or 1) for top, bottom in zip(numbers[0:20:2], numbers[1:20:2], strict=True)]
    return Grading(tuple(zip(shares[0:8:2], shares[1:8:2], strict=True)), tuple(shares[8:]), levels)


def _x265(grading: Grading) -> str:
    """In steps of 0.00002, and of 0.0001 candela a square metre."""
    return _graded(grading, ("master-display", "max-cll"), lambda share: str(round(share * 50_000)), 10_000)


def _svt(grading: Grading) -> str:
    return _graded(grading, ("mastering-display", "content-light"), lambda share: f"{float(share):.5f}", 1)


def _graded(grading: Grading, names: tuple[str, str], spot: Callable[[Fraction], str], candela: int) -> str:
    parts = []
    if grading.spots:
        red, green, blue, white = (",".join(map(spot, each)) for each in grading.spots)
        least, most = (f"{float(each * candela):.4f}".rstrip("0").rstrip(".") for each in grading.lights)
        parts.append(f"{names[0]}=G({green})B({blue})R({red})WP({white})L({most},{least})")
    if grading.levels:
        parts.append(f"{names[1]}={grading.levels[0]},{grading.levels[1]}")
    return ":".join(parts)


_GRADERS: Final = {"libx265": _x265, "libsvtav1": _svt}


def graded(marks: Marks, codec: str) -> str:
    """The display and the light of a film as its encoder is told of them; empty where the film says nothing."""
    return _GRADERS[codec](grading_of(marks))


# ITU-R BT.2087 (linear BT.709 to BT.2020), BT.2408 (graphics white at 203 cd/m2), BT.2100 (both curves).
_WIDER: Final = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
_WHITE: Final = 203 / 10_000
_HLG_WHITE: Final = 0.265
"""The scene light of graphics white, of which HLG makes 0.75."""


def graphic(pixels: npt.NDArray[np.uint8], marks: Marks) -> npt.NDArray[np.uint16]:
    """A drawn picture (sRGB, RGBA) in a film's own colours, 16 bits: white is as bright as paper, not as the sun."""
    shares = pixels.astype(np.float64) / 255
    colours = shares[..., :3]
    if marks.transfer in (PQ, HLG):
        linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
        linear = linear @ _WIDER.T if marks.primaries == BT2020 else linear
        shares[..., :3] = _as_pq(linear * _WHITE) if marks.transfer == PQ else _as_hlg(linear * _HLG_WHITE)
    return np.asarray((shares * 65_535 + 0.5).clip(0, 65_535), dtype=np.uint16)


def _as_pq(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    power = light ** (2610 / 16384)
    return np.asarray(((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32))


def _as_hlg(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    bright = 0.17883277 * np.log(np.maximum(12 * light - 0.28466892, 1e-9)) + 0.55991073
    return np.where(light <= 1 / 12, np.sqrt(3 * light), bright)
