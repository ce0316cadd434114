"""Pictures and models of the corpus: ours against how they were made, and against sharp and the makers of glTF.

Not a pixel may differ: limits hang on them. Sharp tells the turn of a JPEG, PNG and WebP beside their stored pixels,
and turns HEIC and AVIF itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from application.ports import Media
from domain.errors import InvalidInput
from infrastructure.media import read_media
from tests.corpus.pictures import SIZE, heics, models, pictures
from tests.corpus.programs import asked_of_node

KINDS: Final = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "tiff": "image/tiff",
}
SHARP_CANNOT: Final = {"moving.avif", "1.bmp", "L.bmp", "P.bmp", "RGB.bmp"}
"""Its libheif opens no sequence, and it has no reader of BMP."""

SHARP_DIFFERS: Final = {"moving.png": "it reads the first picture of an animated PNG"}
MOVING_MS: Final = 160


def read(file: Path) -> Media:
    return read_media(file.read_bytes(), field="file", max_bytes=10**8, max_pixels=10**8)


def test_a_picture_is_as_large_as_it_is_shown_and_lasts_as_long_as_it_moves(tmp_path: Path) -> None:
    files = [*pictures(tmp_path)]
    assert len(files) >= 60
    for file in files:
        media = read(file)
        lying = file.stem in {f"turned{orientation}" for orientation in range(5, 9)}
        assert (media.width, media.height) == (SIZE[::-1] if lying else SIZE), file.name
        assert media.duration_ms == (MOVING_MS if file.stem == "moving" else None), file.name


HEIC_SIZES: Final = {
    "turned1": (48, 64), "turned3": (48, 64), "both": (48, 64), "cut": (40, 20), "cut-turned": (20, 40),
    "tiles0": (185, 91), "tiles1": (91, 185),
}  # fmt: skip


def test_a_heic_is_read_by_its_tables(tmp_path: Path) -> None:
    for file in heics(tmp_path):
        media, size = read(file), HEIC_SIZES.get(file.stem, (64, 48))
        assert (media.media_type, media.width, media.height, media.duration_ms) == ("image/heic", *size, None), (
            file.name
        )


def test_a_heic_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    for file in heics(tmp_path):
        content = file.read_bytes()
        for end in (len(content) - 1, len(content) - 100, len(content) // 2, 200, 40):
            with pytest.raises(InvalidInput):
                read_media(content[:end], field="file", max_bytes=10**8, max_pixels=10**8)


def test_a_heic_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    for file in heics(tmp_path):
        with pytest.raises(InvalidInput, match="pixels; at most"):
            read_media(file.read_bytes(), field="file", max_bytes=10**8, max_pixels=700)


def test_pictures_and_models_are_what_sharp_and_the_makers_of_gltf_say(tmp_path: Path, second_opinions: Path) -> None:
    files = [*pictures(tmp_path), *heics(tmp_path), *models(tmp_path)]
    answers = asked_of_node(files, second_opinions)
    assert len(answers) == len(files)
    wrong = [wrong for file, said in zip(files, answers, strict=True) if (wrong := difference(file, said))]
    assert wrong == []


def difference(file: Path, said: dict[str, Any]) -> str:
    """What differs between a file as we read it and as it was read elsewhere; empty where nothing does."""
    if file.suffix == ".glb":
        return model_difference(file, said)
    ours = read(file)
    if file.name in SHARP_CANNOT:
        return "" if "error" in said else f"{file.name}: sharp reads it now"
    lying = said.get("orientation", 1) > 4
    size = (said["height"], said["width"]) if lying else (said["width"], said["height"])
    kind = KINDS.get(said["format"]) or {".heic": "image/heic", ".avif": "image/avif"}[file.suffix]
    duration = sum(said["delay"]) if said.get("pages", 1) > 1 and "delay" in said else None
    theirs = (kind, *size, ours.duration_ms if file.name in SHARP_DIFFERS else duration)
    mine = (ours.media_type, ours.width, ours.height, ours.duration_ms)
    return "" if mine == theirs else f"{file.name}: {mine} here, {theirs} there"


def model_difference(file: Path, said: dict[str, Any]) -> str:
    """What they call an error is refused here, and what they warn of is taken."""
    try:
        taken = read(file).media_type == "model/gltf-binary"
    except InvalidInput:
        taken = False
    return "" if taken == (said["errors"] == 0) else f"{file.name}: taken is {taken} here, {said} there"
