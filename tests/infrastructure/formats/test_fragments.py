"""However a film is cut into fragments and whatever its headers say of it, it lasts as long as all its samples."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from infrastructure.media import read_media
from tests.corpus.heic import box

MOVIE_SCALE = 1000
SAYS_ITSELF, SAID_BY_FRAGMENT, SAID_BY_HEADER = range(3)


@dataclass(frozen=True)
class Run:
    """Samples of some ticks each, and who says so; where nobody says each, all are as long as the first."""

    ticks: tuple[int, ...]
    said: int
    dated: bool


@dataclass(frozen=True)
class Track:
    scale: int
    listed: tuple[tuple[int, int], ...]
    usual: int
    runs: tuple[Run, ...]

    @property
    def length(self) -> Fraction:
        """In seconds, counted as naively as can be."""
        ticks = sum(count * each for count, each in self.listed) + sum(map(self.of, self.runs))
        return Fraction(ticks, self.scale)

    def of(self, run: Run) -> int:
        each = {SAYS_ITSELF: None, SAID_BY_FRAGMENT: run.ticks[0], SAID_BY_HEADER: self.usual}[run.said]
        return sum(run.ticks) if each is None else each * len(run.ticks)


TICKS = st.integers(1, 100_000)
RUNS = st.builds(Run, st.lists(TICKS, min_size=1, max_size=5).map(tuple), st.sampled_from([0, 1, 2]), st.booleans())
TRACKS = st.builds(
    Track,
    st.sampled_from([600, 1000, 12_800, 44_100, 48_000, 90_000]),
    st.lists(st.tuples(st.integers(1, 50), TICKS), max_size=3).map(tuple),
    TICKS,
    st.lists(RUNS, max_size=6).map(tuple),
)


def header(number: int, track: Track) -> bytes:
    table = struct.pack(">I", len(track.listed)) + b"".join(struct.pack(">II", *row) for row in track.listed)
    media = box(b"mdhd", bytes(12), struct.pack(">II", track.scale, 0))
    media += box(b"hdlr", bytes(8), b"vide", bytes(12)) + box(b"minf", box(b"stbl", box(b"stts", bytes(4), table)))
    return box(b"trak", box(b"tkhd", bytes(12), struct.pack(">I", number), bytes(68)), box(b"mdia", media))


def fragment(number: int, track: Track, run: Run, begins: int, wide: bool) -> bytes:
    facts = struct.pack(">I", number)
    flags = 0
    if run.said == SAID_BY_FRAGMENT:
        flags, facts = 0x08, facts + struct.pack(">I", run.ticks[0])
    date = (
        box(b"tfdt", b"\1\0\0\0", struct.pack(">Q", begins))
        if wide
        else box(b"tfdt", bytes(4), struct.pack(">I", begins))
    )
    own = run.said == SAYS_ITSELF
    samples = struct.pack(f">{len(run.ticks)}I", *run.ticks) if own else b""
    body = box(b"trun", struct.pack(">II", 0x100 if own else 0, len(run.ticks)), samples)
    return box(b"moof", box(b"traf", box(b"tfhd", struct.pack(">I", flags), facts), date if run.dated else b"", body))


def film(tracks: list[Track], stated: int, whole: int | None, wide: bool) -> bytes:
    defaults = [box(b"trex", struct.pack(">6I", 0, n, 1, track.usual, 0, 0)) for n, track in enumerate(tracks, 1)]
    if whole is not None:
        defaults.append(box(b"mehd", bytes(4), struct.pack(">I", whole)))
    movie = box(b"mvhd", bytes(12), struct.pack(">II", MOVIE_SCALE, stated), bytes(80))
    movie += b"".join(header(n, track) for n, track in enumerate(tracks, 1)) + box(b"mvex", *defaults)
    fragments = b""
    for n, track in enumerate(tracks, 1):
        begins = sum(count * each for count, each in track.listed)
        for run in track.runs:
            fragments += fragment(n, track, run, begins, wide) + box(b"mdat", b"\0")
            begins += track.of(run)
    return box(b"ftyp", b"iso5", bytes(4), b"iso5") + box(b"moov", movie) + fragments


@given(
    tracks=st.lists(TRACKS, min_size=1, max_size=3),
    share=st.fractions(0, 1),
    says_whole=st.booleans(),
    wide=st.booleans(),
)
def test_a_film_lasts_as_long_as_its_longest_track(
    tracks: list[Track], share: Fraction, says_whole: bool, wide: bool
) -> None:
    """What its headers state is a part of it, or all, rounded."""
    length = max(track.length for track in tracks)
    stated = int(length * MOVIE_SCALE * share)
    content = film(tracks, stated, -int(-length * MOVIE_SCALE // 1) if says_whole else None, wide)
    media = read_media(content, field="film", max_bytes=10**8, max_pixels=10**8)
    assert abs((media.duration_ms or 0) - length * 1000) <= 1
