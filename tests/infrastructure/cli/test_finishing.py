"""Pictures are finished at the shell: files by their names, bytes before and after, and one code for how it went."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.infrastructure.cli.workspaces import Workspace, call
from tests.workshop.work import scene


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    scene(400, 300).save(path)
    return path


def test_many_formats_are_written_under_their_names(workspace: Workspace, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = call("social", photo, "--to", "instagram-story", "--to", "youtube", "--guides", "--out", out, "--json")
    assert done.code == 0
    files = done.document["files"]
    assert [one["name"] for one in files] == [
        *("instagram-story", "instagram-story-guides", "youtube-banner", "youtube-banner-guides"),
        *("youtube-thumbnail", "youtube-thumbnail-guides"),
    ]
    with Image.open(out / "photo-instagram-story.jpg") as story:
        assert story.size == (1080, 1920)
    assert files[0]["before"] == photo.stat().st_size
    assert files[0]["after"] == (out / "photo-instagram-story.jpg").stat().st_size


def test_an_estimate_records_nothing_and_names_the_model(workspace: Workspace, photo: Path) -> None:
    found = call("social", photo, "--to", "x", "--estimate", "--json")
    assert (found.code, found.document["total"]["micros"]) == (0, 0)
    assert found.document["estimates"][0]["recommendation"]["model"] == "pillow-social"
    assert found.document["estimates"][0]["operations"] == 3
    many = call("compress", photo, photo, "--preset", "web", "--estimate")
    assert "would be held for all" in many.out


def test_a_file_that_fails_is_told_beside_the_others_and_by_the_code(
    workspace: Workspace, photo: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(photo.read_bytes()[:99])
    done = call("compress", photo, broken, "--preset", "web", "--out", tmp_path / "out", "--json")
    assert done.code != 0
    good, bad = done.document["files"]
    assert (good["error"], good["copy"]) == (None, str(tmp_path / "out" / "photo.webp"))
    assert bad["error"]["code"] == "invalid_input"
    page = call("compress", photo, broken, "--preset", "web")
    assert "photo.png" in page.out
    assert "damaged" in page.out


def test_a_copy_takes_no_other_file_s_place(workspace: Workspace, photo: Path, tmp_path: Path) -> None:
    for number in ("", "-2"):
        done = call("resize", photo, "--size", "40x", "--out", tmp_path, "--json")
        copy = Path(done.document["files"][0]["copy"])
        assert copy.name == ("photo-2.png" if not number else "photo-3.png")
    with Image.open(photo) as untouched:
        assert untouched.size == (400, 300)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("social", "PHOTO", "--to", "instagrm"), "did you mean instagram"),
        (("compress", "PHOTO", "--preset", "webb"), "did you mean web?"),
        (("resize", "PHOTO"), "give one of size, percent and print"),
        (("resize", "PHOTO", "--size", "900x"), "allow it to enlarge"),
        (("watermark", "PHOTO"), "give one of brand, logo and text"),
        (("convert", "PHOTO", "--to", "jp2"), "avif"),
    ],
)
def test_what_is_wrong_is_told(workspace: Workspace, photo: Path, arguments: tuple[str, ...], told: str) -> None:
    done = call(*(photo if each == "PHOTO" else each for each in arguments))
    assert done.code != 0
    assert told in done.err


def test_formats_are_listed_with_their_sources(workspace: Workspace) -> None:
    found = call("formats", "youtube", "--json")
    assert [one["id"] for one in found.document["formats"]] == ["youtube-banner", "youtube-thumbnail"]
    assert "2560x1440" in call("formats").out
