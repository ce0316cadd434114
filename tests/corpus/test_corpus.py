"""A corpus made by script, ours against the opinions of others: what money or a limit hangs on is the same, to a tick.

    made ──> read_media ──┐
         ──> ffprobe ─────┼── equal, or listed below with the reason, and then as long as the film is shown
         ──> MediaInfo ───┘

Durations may differ by one millisecond, since all three round the ticks of other clocks, and not all to the nearest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from application.ports import Media
from infrastructure.media import read_media
from tests.corpus import films, sounds
from tests.corpus.opinions import Opinion, ffprobe_says, mediainfo_says

TOLERANCE_MS: Final = 1
FILM_MS, SOUND_MS = 2000, 3000
LONGEST_LEAD_MS: Final = 85
"""Frames that a header without an edit list shows before the first one, and an encoder's silence."""

LONGEST_SILENCE_MS: Final = 200
"""What is in front of an MP3 of 8 000 samples a second that does not say so."""


class Maker(NamedTuple):
    """Who makes files, how long each is shown, and how many there are at least."""

    make: Callable[[Path], Iterator[Path]]
    milliseconds: int
    least: int


EARLY: Final = "pictures that are decoded early are shifted, and it adds the shift once more"
CHAIN: Final = "it sees the first recording of a chain only"
LIVE: Final = "it does not walk a recording that does not state its length"
SKIPPED: Final = "it counts what Opus skips in front"
LEAD_IN: Final = "it counts the encoder's silence, which the edit list in front of the fragments takes away"
NO_TABLE: Final = "it does not count the frames of a stream without a table"

MAKERS: Final = {
    "movies": Maker(films.movies, FILM_MS, 70),
    "shapes": Maker(films.shapes_and_colours, FILM_MS, 35),
    "webms": Maker(films.webms, FILM_MS, 19),
    "matroskas": Maker(films.matroskas, FILM_MS, 36),
    "sounds": Maker(sounds.sounds, SOUND_MS, 72),
}
FFPROBE_DIFFERS: Final = {
    "movies": {
        "*-late.*": LEAD_IN,
        "h*-dash.*": EARLY,
        "h264-index.*": EARLY,
        "h*-cmaf.*": EARLY,
        "h*-each.*": EARLY,
        "*.ismv": EARLY,
    },
    "shapes": {},
    "webms": {"*-live.webm": LIVE},
    "matroskas": {"*-live.mkv": LIVE},
    "sounds": {
        "*-late.*": LEAD_IN,
        "by-opus.o*": SKIPPED,
        "chained-*": CHAIN,
        "*.aac": "it guesses from the bit rate",
        "*.adts": "it guesses from the bit rate",
        "piped.flac": NO_TABLE,
        "piped.matroska": LIVE,
    },
}
MEDIAINFO_DIFFERS: Final = {
    "movies": {
        "*-late.*": LEAD_IN,
        "*-each.*": "it does not count the frames of sound",
        "*.f4v": "it counts the time before the first picture",
    },
    "shapes": {"pal-[0-9]*.webm": "it does not know that a WebM is turned", "pal-both.webm": "nor that it is mirrored"},
    "webms": {"*-live.webm": LIVE},
    "matroskas": {
        "*-live.mkv": LIVE,
        "pal-[0-9]*.mkv": "it does not know that a Matroska film is turned",
        "pal-both.mkv": "nor that it is mirrored",
    },
    "sounds": {
        "*-late.*": LEAD_IN,
        "*[05].mp3": "it counts the encoder's silence, which its table names",
        "by-*.mp3": "it counts the encoder's silence, which its table names",
        "*.wav": "it goes by the bit rate",
        "by-opus.o*": SKIPPED,
        "chained-*": CHAIN,
        "*.aac": NO_TABLE,
        "*.adts": NO_TABLE,
        "piped.flac": NO_TABLE,
        "piped.matroska": LIVE,
        "by-ima.aiff": "it takes packets of samples for samples",
    },
}
"""By maker, patterns of the names of files about which they say something else, and why."""


def read(file: Path) -> Media:
    return read_media(file.read_bytes(), field="file", max_bytes=10**8, max_pixels=10**8)


def disagreements(ours: Media, theirs: Opinion) -> dict[str, str]:
    """What differs, and how."""
    found = {}
    if theirs.kind and ours.media_type != theirs.kind:
        found["kind"] = f"{ours.media_type} here, {theirs.kind} there"
    if (ours.width, ours.height) != (theirs.width, theirs.height):
        found["size"] = f"{ours.width}x{ours.height} here, {theirs.width}x{theirs.height} there"
    if theirs.duration_ms is None or abs(theirs.duration_ms - (ours.duration_ms or 0)) > TOLERANCE_MS:
        found["length"] = f"{ours.duration_ms} ms here, {theirs.duration_ms and float(theirs.duration_ms)} ms there"
    return found


def complaints(files: list[Path], opinion: Callable[[Path], Opinion], differs: dict[str, str]) -> list[str]:
    """Differences that are not listed, and listed ones that are none any more."""
    wrong, differing = [], set()
    for file in files:
        different = disagreements(read(file), opinion(file))
        patterns = {pattern for pattern in differs if fnmatch(file.name, pattern)}
        differing |= patterns if different else set()
        if different and not patterns:
            wrong.append(f"{file.name}: {different}")
    stale = {pattern for pattern in differs if any(fnmatch(file.name, pattern) for file in files)} - differing
    return wrong + [f"{pattern}: it agrees: take it off the list" for pattern in sorted(stale)]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[Path]]:
    """The files of a maker, made once a process."""

    @cache
    def made(name: str) -> list[Path]:
        return [*MAKERS[name].make(tmp_path_factory.mktemp(name))]

    return made


@pytest.mark.parametrize("name", MAKERS)
def test_a_file_lasts_as_long_as_it_is_shown(name: str, corpus: Callable[[str], list[Path]]) -> None:
    """By how it was made: never less, and more only by what it shows itself before its first frame."""
    maker, files, wrong = MAKERS[name], corpus(name), []
    assert len(files) >= maker.least
    for file in files:
        once = maker.milliseconds * (2 if file.name.startswith("chained") else 1)
        lead = LONGEST_LEAD_MS if not file.name.endswith("-untold.mp3") else LONGEST_SILENCE_MS
        if not once - TOLERANCE_MS <= (read(file).duration_ms or 0) <= once + lead:
            wrong.append(f"{file.name}: {read(file).duration_ms} ms, and is shown for {once}")
    assert wrong == []


@pytest.mark.parametrize("name", MAKERS)
def test_kind_size_and_length_are_those_of_ffprobe(name: str, corpus: Callable[[str], list[Path]]) -> None:
    assert complaints(corpus(name), ffprobe_says, FFPROBE_DIFFERS[name]) == []


@pytest.mark.parametrize("name", MAKERS)
def test_size_and_length_are_those_of_mediainfo(name: str, corpus: Callable[[str], list[Path]]) -> None:
    assert complaints(corpus(name), mediainfo_says, MEDIAINFO_DIFFERS[name]) == []
