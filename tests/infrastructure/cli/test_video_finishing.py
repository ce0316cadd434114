"""Films are finished at the shell: files by their names, bytes and seconds before and after, and one code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infrastructure.cli.workspaces import Workspace, call
from tests.infrastructure.films import film


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(film(seconds=2.0))
    return path


def test_an_edit_tells_bytes_and_seconds_before_and_after(workspace: Workspace, clip: Path, tmp_path: Path) -> None:
    arguments = ("video", "edit", clip, "--trim", "end", "--seconds", "1", "--text", "Sale", "--text", "20 %")
    looks = ("--position", "top", "--pixels", "12", "--background", "black@0.5", "--normalize")
    done = call(*arguments, *looks, "--out", tmp_path / "out", "--json")
    assert done.code == 0
    [one] = done.document["files"]
    assert one["before"] == clip.stat().st_size
    assert one["lasted_ms"] == 2000
    assert one["duration_ms"] == pytest.approx(1000, abs=60)
    assert one["copy"] == str(tmp_path / "out" / "clip.mp4")
    assert (tmp_path / "out" / "clip.mp4").stat().st_size == one["after"]
    page = call(*arguments, "--out", "out")
    assert "2.0 -> 1.0" in page.out
    assert max(map(len, page.out.splitlines())) <= 80


def test_an_estimate_records_nothing(workspace: Workspace, clip: Path) -> None:
    found = call("video", "edit", clip, "--speed", "2", "--estimate", "--json")
    assert (found.code, found.document["total"]["micros"]) == (0, 0)
    assert found.document["estimates"][0]["recommendation"]["model"] == "ffmpeg-edit"


def test_a_film_is_converted_and_compressed(workspace: Workspace, clip: Path, tmp_path: Path) -> None:
    done = call("video", "convert", clip, "--to", "webp", "--seconds", "1", "--out", tmp_path, "--json")
    assert done.document["files"][0]["copy"] == str(tmp_path / "clip.webp")
    small = call("video", "compress", clip, "--target-mb", "0.02", "--json")
    assert small.document["files"][0]["after"] <= 20_000


def test_a_copy_has_the_ending_that_programs_know(workspace: Workspace, tmp_path: Path) -> None:
    source = tmp_path / "clip.mov"
    source.write_bytes(film("mov"))
    done = call("video", "edit", source, "--seconds", "1", "--out", tmp_path / "out", "--json")
    assert Path(done.document["files"][0]["copy"]).name == "clip.mov"


def test_a_film_is_posted_with_its_thumbnail(workspace: Workspace, clip: Path, tmp_path: Path) -> None:
    done = call("video", "social", clip, "--to", "x-square", "--out", tmp_path / "posts", "--json")
    assert done.code == 0
    assert [one["name"] for one in done.document["files"]] == ["x-square", "x-square-thumbnail"]
    assert sorted(path.name for path in (tmp_path / "posts").iterdir()) == [
        *("clip-x-square-thumbnail.jpg", "clip-x-square.mp4"),
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("edit", "CLIP"), "such as trim, speed or text"),
        (("edit", "CLIP", "--trim", "end"), "how many seconds are kept"),
        (("edit", "CLIP", "--trim", "last", "--seconds", "1"), "beginning, middle, end"),
        (("edit", "CLIP", "--stabilize", "500"), "the most accepted"),
        (("edit", "CLIP", "--text", "x", "--background", "nocolour"), "such as"),
        (("convert", "CLIP"), "such as a format"),
        (("convert", "CLIP", "--to", "avi"), "avif"),
        (("convert", "CLIP", "--resolution", "1080p"), "allow it to enlarge"),
        (("compress", "CLIP", "--preset", "webb"), "did you mean web?"),
        (("social", "CLIP"), "name platforms"),
        (("social", "CLIP", "--to", "instagrm"), "did you mean instagram"),
        (("formats", "vine"), "there are the platforms"),
    ],
)
def test_what_is_wrong_is_told(workspace: Workspace, clip: Path, arguments: tuple[str, ...], told: str) -> None:
    done = call("video", *(clip if each == "CLIP" else each for each in arguments))
    assert done.code != 0
    assert told in done.err


def test_formats_are_listed_with_their_sources(workspace: Workspace) -> None:
    found = call("video", "formats", "youtube", "--json")
    assert [one["id"] for one in found.document["formats"]] == ["youtube-short", "youtube-video"]
    assert "1080x1920" in call("video", "formats").out
