"""MP4, QuickTime and M4A: how large the picture is shown, and how long all of it lasts.

moov ─┬─ mvhd                    duration of what the header itself lists
      ├─ trak ─┬─ tkhd           width, height, matrix
      │        ├─ edts ─ elst    which part of the track is shown
      │        └─ mdia ─┬─ hdlr  "vide", "soun"
      │                 └─ minf ─ stbl ─┬─ stsd ─ pasp, clap   pixels, their shape, and which of them are shown
      │                                 └─ stts                ticks of the samples listed here
      └─ mvex ─┬─ mehd           duration of all fragments
               └─ trex           ticks a sample where a fragment does not say
sidx                             durations of the fragments
moof ─ traf ─ tfhd, tfdt, trun   ticks of the samples of one fragment

The header's duration covers only the samples that it lists itself, which are a part where fragments follow, and none of
the statements need be there. So what the samples come to is counted, and the longest of all is believed.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate
from operator import add, mul
from typing import Final, TypeAlias

from infrastructure.formats.boxes import Boxes, TooMuch, is_long
from infrastructure.formats.measured import Measured, milliseconds, signed, unsigned
from infrastructure.formats.shapes import Size, on_its_side, stretched

_VIDEO, _SOUND, _PICTURES = b"vide", b"soun", b"pict"
_SEEN: Final = (_VIDEO, _PICTURES)
_EMPTY_EDIT: Final = -1
_PLAIN_RATE: Final = 1 << 16
_MOST_TICKS: Final = 2**62
_MOST_ROWS: Final = 1_000_000
"""Of one table, and samples for which it is looked up when each is shown; nine hours of film."""
_MOST_EDITS: Final = 10_000
_MOST_TRACKS: Final = 1_000

_Numbers: TypeAlias = "array[int]"

# Flags that say which fields a box has.
_TFHD_BASE, _TFHD_INDEX, _TFHD_DURATION = 0x01, 0x02, 0x08
_TRUN_OFFSET, _TRUN_FIRST, _TRUN_DURATION, _TRUN_SHIFT = 0x01, 0x04, 0x100, 0x800
_TRUN_FIELDS: Final = (0x100, 0x200, 0x400, 0x800)


@dataclass(slots=True)
class _Track:
    """One track, in ticks of its own `scale`: when its first sample is shown and its last one ends, and which of its
    time is shown. `usual` are the ticks of a sample whose fragment does not say, `next` is when the next one begins.
    """

    scale: int
    kind: bytes
    size: Size | None
    next: int
    edits: list[tuple[int, int, int]]
    usual: int = 0
    start: int | None = None
    end: int = 0
    fragmented: bool = False

    def add(self, start: int, end: int) -> None:
        self.start = start if self.start is None else min(self.start, start)
        self.end = max(self.end, end)


@dataclass(slots=True)
class _Movie:
    """`stated` are the durations in seconds that headers name, `scale` is in ticks a second of the movie's header."""

    scale: int
    stated: list[Fraction]
    tracks: dict[int, _Track]
    indexed: list[tuple[Fraction, Fraction]] = field(default_factory=list)


def measure_movie(content: memoryview) -> Measured:
    """Size of the largest video track as it is shown, and how long the longest track goes on."""
    boxes = Boxes()
    try:
        header = boxes.first(content, b"moov")
        movie = _read_header(boxes, header)
    except TooMuch:
        return Measured()
    kinds = {track.kind for track in movie.tracks.values()}
    width, height = _largest(movie.tracks.values())
    only_sound = _SOUND in kinds and not kinds.intersection(_SEEN)
    try:
        _add_fragments(boxes, content, movie)
    except TooMuch:
        return Measured(width, height, None, only_sound)
    return Measured(width, height, _duration(movie), only_sound)


def _largest(tracks: Iterable[_Track]) -> Size | tuple[None, None]:
    sizes = [track.size for track in tracks if track.size is not None]
    return max(sizes, key=lambda size: size[0] * size[1], default=(None, None))


def _read_header(boxes: Boxes, movie: memoryview) -> _Movie:
    scale, stated, matrix = 0, [], memoryview(b"")
    tracks: dict[int, _Track] = {}
    usual: dict[int, int] = {}
    for kind, body in boxes.of(movie):
        if kind == b"mvhd":
            scale, length = _times(body)
            stated += [Fraction(length, scale)] if scale and length else []
            matrix = body[48 if is_long(body) else 36 :]
        elif kind == b"trak":
            id, track = _read_track(boxes, body, matrix)
            tracks[id] = track
            if len(tracks) > _MOST_TRACKS:
                raise TooMuch
        elif kind == b"mvex":
            for part, facts in boxes.of(body):
                if part == b"trex":
                    usual[unsigned(facts, 4, 4)] = unsigned(facts, 12, 4)
                elif part == b"mehd" and scale:
                    stated.append(Fraction(_number(facts, 4), scale))
    for id in usual.keys() & tracks.keys():
        tracks[id].usual = usual[id]
    return _Movie(scale, stated, tracks)


def _times(header: memoryview) -> tuple[int, int]:
    """Ticks a second and a duration, which stand behind two instants; one of all ones is not known."""
    place, size = (20, 8) if is_long(header) else (12, 4)
    scale, length = unsigned(header, place, 4), unsigned(header, place + 4, size)
    return scale, 0 if length == (1 << 8 * size) - 1 else length


def _number(box: memoryview, start: int) -> int:
    return unsigned(box, start, 8 if is_long(box) else 4)


def _read_track(boxes: Boxes, track: memoryview, movie_matrix: memoryview) -> tuple[int, _Track]:
    header, media = boxes.first(track, b"tkhd"), boxes.first(track, b"mdia")
    scale, length = _times(boxes.first(media, b"mdhd"))
    kind = bytes(boxes.first(media, b"hdlr")[8:12])
    samples = boxes.first(media, b"minf", b"stbl")
    size = _shown_size(boxes, header, boxes.first(samples, b"stsd"), movie_matrix) if kind in _SEEN else None
    lasting = _rows(boxes.first(samples, b"stts"))
    ticks = sum(map(mul, *lasting))
    listed = (ticks if ticks < _MOST_TICKS else 0) or length
    read = _Track(scale, kind, size, listed, _edits(boxes.first(track, b"edts", b"elst")))
    if listed:
        first, last = (0, listed) if read.edits else _when_shown(lasting, _rows(boxes.first(samples, b"ctts")), listed)
        read.add(first, last)
    return unsigned(header, 20 if is_long(header) else 12, 4), read


def _rows(table: memoryview) -> tuple[_Numbers, _Numbers]:
    """So many samples, and what is said of each, row by row. Raises TooMuch."""
    rows = min(unsigned(table, 4, 4), max(0, len(table) - 8) // 8)
    if rows > _MOST_ROWS:
        raise TooMuch
    numbers = _numbers(table[8 : 8 + 8 * rows])
    return numbers[::2], numbers[1::2]


def _numbers(table: memoryview) -> _Numbers:
    """Its numbers of four bytes, highest first."""
    numbers = array("I", bytes(table))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _signed(numbers: _Numbers) -> _Numbers:
    return array("i", numbers.tobytes())


def _when_shown(lasting: tuple[_Numbers, _Numbers], shifts: tuple[_Numbers, _Numbers], listed: int) -> tuple[int, int]:
    """Ticks at which the first sample is shown and the last one ends: many are decoded some time before.

    Of samples that last as long and are shifted alike the first is the first shown, and the last one the last to end.
    """
    samples = sum(shifts[0])
    if not samples or samples > _MOST_ROWS or samples != sum(lasting[0]):
        return 0, listed
    first, last, start = sys.maxsize, -sys.maxsize, 0
    for count, each, shift in _runs(lasting, shifts):
        first = min(first, start + shift)
        start += count * each
        last = max(last, start + shift)
    return first, last


def _runs(lasting: tuple[_Numbers, _Numbers], shifts: tuple[_Numbers, _Numbers]) -> Iterator[tuple[int, int, int]]:
    """Both tables together, of as many samples: so many, how long each of them lasts, and how far it is shifted."""
    rows, left, each = zip(*lasting, strict=True), 0, 0
    for count, shift in zip(shifts[0], _signed(shifts[1]), strict=True):
        wanted = count
        while wanted:
            while not left:
                left, each = next(rows)
            taken = min(wanted, left)
            yield taken, each, shift
            wanted, left = wanted - taken, left - taken


def _edits(table: memoryview) -> list[tuple[int, int, int]]:
    """Of each edit its ticks of the movie, the tick of the track with which it begins, and its rate. Raises TooMuch."""
    long = is_long(table)
    row, wide = (20, 8) if long else (12, 4)
    rows = min(unsigned(table, 4, 4), max(0, len(table) - 8) // row)
    if rows > _MOST_EDITS:
        raise TooMuch
    places = range(8, 8 + row * rows, row)
    return [
        (unsigned(table, at, wide), signed(table, at + wide, wide), unsigned(table, at + 2 * wide, 4)) for at in places
    ]


# Sizes


def _shown_size(boxes: Boxes, header: memoryview, described: memoryview, movie_matrix: memoryview) -> Size | None:
    """Pixels are stored as the sample entry says; where that is missing, as the track's header does."""
    matrix = header[52 if is_long(header) else 40 :]
    framed = unsigned(matrix, 36, 4) / 65_536, unsigned(matrix, 40, 4) / 65_536
    _, entry = next(boxes.of(described[8:]), (b"", memoryview(b"")))
    width, height = unsigned(entry, 24, 2), unsigned(entry, 26, 2)
    if not width or not height:
        width, height = int(framed[0]), int(framed[1])
    elif shape := _pixel_shape(boxes, entry):
        width = stretched(width, *shape)
    elif all(framed):
        width = stretched(width, framed[0] * height, framed[1] * width)
    if not width or not height:
        return None
    turned = on_its_side(_matrix(matrix)) != on_its_side(_matrix(movie_matrix))
    return (height, width) if turned else (width, height)


def _pixel_shape(boxes: Boxes, entry: memoryview) -> tuple[int, int] | None:
    """Width to height of one pixel, where the sample entry says."""
    shape = boxes.first(entry[78:], b"pasp")
    across, down = unsigned(shape, 0, 4), unsigned(shape, 4, 4)
    return (across, down) if across and down else None


def _matrix(table: memoryview) -> tuple[int, int, int, int]:
    return signed(table, 0, 4), signed(table, 4, 4), signed(table, 12, 4), signed(table, 16, 4)


# Fragments


def _add_fragments(boxes: Boxes, content: memoryview, movie: _Movie) -> None:
    for kind, body in boxes.of(content):
        if kind == b"moof":
            for part, fragment in boxes.of(body):
                if part == b"traf":
                    _add_fragment(boxes, fragment, movie.tracks)
        elif kind == b"sidx":
            movie.indexed += _indexed(body)


def _add_fragment(boxes: Boxes, fragment: memoryview, tracks: dict[int, _Track]) -> None:
    header = boxes.first(fragment, b"tfhd")
    track = tracks.get(unsigned(header, 4, 4))
    if track is None:
        return
    flags = unsigned(header, 1, 3)
    place = 8 + 8 * bool(flags & _TFHD_BASE) + 4 * bool(flags & _TFHD_INDEX)
    usual = unsigned(header, place, 4) if flags & _TFHD_DURATION else track.usual
    decoded = boxes.first(fragment, b"tfdt")
    if decoded:
        track.next = _number(decoded, 4)
    for kind, run in boxes.of(fragment):
        if kind == b"trun":
            ticks, first, last = _run(run, usual)
            if ticks:
                track.fragmented = True
                track.add(track.next + first, track.next + last)
                track.next += ticks


def _run(run: memoryview, usual: int) -> tuple[int, int, int]:
    """Of the samples of a run their ticks, and from its begin when the first is shown and the last shown ends.

    Raises TooMuch.
    """
    flags, samples = unsigned(run, 1, 3), unsigned(run, 4, 4)
    present = [bit for bit in _TRUN_FIELDS if flags & bit]
    start = 8 + 4 * bool(flags & _TRUN_OFFSET) + 4 * bool(flags & _TRUN_FIRST)
    if present:
        samples = min(samples, max(0, len(run) - start) // (4 * len(present)))
    if not samples or (not flags & _TRUN_DURATION and not flags & _TRUN_SHIFT):
        return samples * usual, 0, samples * usual
    if samples > _MOST_ROWS:
        raise TooMuch
    table = _numbers(run[start : start + 4 * samples * len(present)])
    lasting = table[:: len(present)] if flags & _TRUN_DURATION else array("I", [usual]) * samples
    ticks = sum(lasting)
    if not flags & _TRUN_SHIFT:
        return ticks, 0, ticks
    starts, shifts = array("q", accumulate(lasting, initial=0)), _signed(table[len(present) - 1 :: len(present)])
    return ticks, min(map(add, starts, shifts)), max(map(add, starts[1:], shifts))


def _indexed(index: memoryview) -> list[tuple[Fraction, Fraction]]:
    """When what an index lists begins and ends, in seconds."""
    scale, wide = unsigned(index, 8, 4), 8 if is_long(index) else 4
    start, table = unsigned(index, 12, wide), index[16 + 2 * wide :]
    rows = min(unsigned(index, 14 + 2 * wide, 2), len(table) // 12)
    ticks = sum(unsigned(table, 12 * row + 4, 4) for row in range(rows))
    return [(Fraction(start, scale), Fraction(start + ticks, scale))] if scale and ticks else []


# Durations


def _duration(movie: _Movie) -> int | None:
    """The length of the samples, or the stated one if that is more than a tick of its own behind their end."""
    shown = [span for track in movie.tracks.values() if (span := _shown(track, movie.scale))]
    length = max(_span(shown), _span(movie.indexed))
    end = max((end for _, end in shown), default=Fraction(0))
    resolution = Fraction(1, movie.scale) if movie.scale else Fraction(0)
    stated = max(movie.stated, default=Fraction(0))
    if stated > max(end, length) + resolution:
        length = stated
    return milliseconds(*length.as_integer_ratio()) if length else None


def _span(parts: list[tuple[Fraction, Fraction]]) -> Fraction:
    if not parts:
        return Fraction(0)
    return max(end for _, end in parts) - min(start for start, _ in parts)


def _shown(track: _Track, movie_scale: int) -> tuple[Fraction, Fraction] | None:
    """From when to when a track is shown, in seconds of the movie."""
    if track.start is None or not track.scale:
        return None
    start, end = Fraction(track.start, track.scale), Fraction(track.end, track.scale)
    if not track.edits or not movie_scale:
        return start, end
    return _edited(track, movie_scale, start, end)


def _edited(track: _Track, movie_scale: int, start: Fraction, end: Fraction) -> tuple[Fraction, Fraction]:
    """An edit without ticks goes on to the end, as one in front of fragments does; an empty one waits."""
    blank = Fraction(sum(ticks for ticks, begin, _ in track.edits if begin == _EMPTY_EDIT), movie_scale)
    wait = Fraction(track.edits[0][0], movie_scale) if track.edits[0][1] == _EMPTY_EDIT else Fraction(0)
    edits = [edit for edit in track.edits if edit[1] != _EMPTY_EDIT]
    if not edits:
        return start, end
    listed = Fraction(sum(ticks for ticks, _, _ in edits), movie_scale)
    begin = Fraction(edits[0][1], track.scale)
    if track.fragmented:
        first = max(start - begin, Fraction(0)) if start else Fraction(0)
        return first + wait, max(end - begin, listed) + blank
    if len(edits) == 1 and edits[0][2] == _PLAIN_RATE:
        for exact in (end - begin, end):
            if not listed or abs(exact - listed) <= Fraction(1, movie_scale):
                listed = exact
                break
    return wait, blank + listed
