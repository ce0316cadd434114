"""A film in fragments lasts as long as all of them, however its header was written; a price hangs on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from application.ports import Media
from infrastructure.media import read_media
from tests.corpus.programs import ffmpeg

LONG = 120_000
LAYOUTS = {
    "plain": (),
    "fragments at key frames": ("-movflags", "frag_keyframe"),
    "fragments of a second": ("-frag_duration", "1000000"),
    "an empty header": ("-movflags", "frag_keyframe+empty_moov"),
    "a late header": ("-movflags", "frag_keyframe+delay_moov+default_base_moof"),
    "DASH": ("-movflags", "dash+frag_keyframe"),
    "CMAF": ("-movflags", "cmaf"),
    "an index in front": ("-movflags", "frag_keyframe+global_sidx"),
    "a fragment a frame": ("-movflags", "frag_every_frame+empty_moov+negative_cts_offsets"),
    "closed at last": ("-movflags", "hybrid_fragmented+frag_keyframe"),
    "no edit list": ("-use_editlist", "0"),
}


def read(file: Path) -> Media:
    return read_media(file.read_bytes(), field="video", max_bytes=10**8, max_pixels=10**8)


@pytest.fixture(scope="session")
def two_minutes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A frame a second, as nothing hangs on more."""
    file = tmp_path_factory.mktemp("film") / "two_minutes.mp4"
    pictures, tone = "color=c=teal:s=64x48:r=1:d=120", "sine=440:r=8000:d=120"
    coding = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "2", "-c:a", "aac", "-b:a", "16k")
    ffmpeg("-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", tone, *coding, str(file))
    return file


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("ending", ["mp4", "mov", "m4a"])
def test_a_film_lasts_as_long_as_all_its_fragments(layout: str, ending: str, two_minutes: Path, tmp_path: Path) -> None:
    """An encoder's silence in front, which only an edit list takes away, is 1 024 of 8 000 samples here."""
    file = tmp_path / f"film.{ending}"
    streams = ("-vn",) if ending == "m4a" else ()
    ffmpeg("-i", str(two_minutes), *streams, "-c", "copy", *LAYOUTS[layout], str(file))
    duration = read(file).duration_ms
    assert duration is not None
    assert LONG <= duration <= LONG + 128


def test_a_recording_that_began_long_ago_lasts_as_long_as_what_is_there(two_minutes: Path, tmp_path: Path) -> None:
    """A live stream's clock goes on; a file cut from it begins at some hour of it."""
    file = tmp_path / "live.mp4"
    live = (
        "-movflags",
        "frag_keyframe+empty_moov+default_base_moof",
        "-output_ts_offset",
        "36000",
        "-use_editlist",
        "0",
    )
    ffmpeg("-i", str(two_minutes), "-c", "copy", "-an", *live, str(file))
    assert read(file).duration_ms == LONG


def test_a_film_cut_by_its_edit_list_lasts_as_long_as_is_shown(two_minutes: Path, tmp_path: Path) -> None:
    file = tmp_path / "cut.mp4"
    ffmpeg("-ss", "31", "-i", str(two_minutes), "-c", "copy", "-t", "60", "-an", str(file))
    assert read(file).duration_ms == pytest.approx(60_000, abs=1_000)


def test_a_fragmented_film_without_its_first_statement_is_counted_all_the_same(
    two_minutes: Path, tmp_path: Path
) -> None:
    """Every statement about the whole is wrong here; the samples are not."""
    file = tmp_path / "film.mp4"
    ffmpeg("-i", str(two_minutes), "-c", "copy", "-movflags", "frag_keyframe", str(file))
    content = bytearray(file.read_bytes())
    place = content.index(b"mvhd") + 4 + 16
    content[place : place + 4] = b"\xff" * 4
    file.write_bytes(content)
    assert read(file).duration_ms == pytest.approx(LONG, abs=128)
