"""Films are edited, converted, compressed and posted by services at the one entry: many at once, in one pass each."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from application.studios.finishing import FinishedFile
from domain.errors import InvalidInput, OperationFailed, OperationRefused
from domain.operation import Charged, Requested
from infrastructure.service import Studio
from tests.application.studios import count, facts_of, is_sound, studio_on
from tests.infrastructure.films import film
from tests.workshop.opinions import filmed, pictured

ACCOUNT: dict[str, Any] = {"account": "acme"}


@cache
def grainy() -> bytes:
    """A film of many bytes, of which any encoder makes fewer."""
    noise = ("-f", "lavfi", "-i", "color=gray:s=128x96:r=25:d=2,noise=alls=60:allf=t")
    tone = ("-f", "lavfi", "-i", "sine=d=2")
    return filmed("mp4", *noise, *tone, "-c:v", "libx264", "-qp", "12", "-pix_fmt", "yuv420p", "-c:a", "aac")


@cache
def source() -> bytes:
    inputs = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2", "-f", "lavfi", "-i", "sine=d=2")
    return filmed("mp4", *inputs, "-pix_fmt", "yuv420p")


def content(one: FinishedFile) -> bytes:
    assert one.operation is not None
    return one.operation.outputs[0].content


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


# Edit


async def test_several_edits_are_one_operation_with_lengths_and_bytes_before_and_after(studio: Studio) -> None:
    options: dict[str, Any] = {"trim": "end", "max_seconds": "1", "speed": "2", "text": "Sale", "text_position": "top"}
    done = await studio.services.video.edit(source(), **options, normalize=True, **ACCOUNT)
    [one] = done.files
    assert one.lasted == 2000
    assert one.lasts == pytest.approx(500, abs=60)
    assert (one.before, one.after) == (len(source()), len(content(one)))
    assert count(facts_of(studio, "acme"), Requested) == 1
    assert done.results[0].model == "ffmpeg-edit"
    assert await is_sound(studio)


async def test_many_films_are_edited_each_by_itself(studio: Studio, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.mp4", tmp_path / "bad.mp4"
    good.write_bytes(source())
    bad.write_bytes(source()[:900])
    done = await studio.services.video.edit(good, bad, max_seconds="1", key="spring", **ACCOUNT)
    assert [one.name for one in done.files] == ["good.mp4", "bad.mp4"]
    assert [one.error is None for one in done.files] == [True, False]
    again = await studio.services.video.edit(good, max_seconds="1", key="spring/1", **ACCOUNT)
    assert again.results[0].repeated
    assert again.files[0].lasted == 2000


async def test_the_field_map_names_every_edit_and_each_name_is_an_option(studio: Studio) -> None:
    fields = {one.name: one for one in studio.services.video.edit.fields().fields}
    assert {"trim", "speed", "stabilize", "denoise", "text", "text_position", "volume", "loudness"} <= fields.keys()
    assert (str(fields["stabilize"].minimum), str(fields["stabilize"].maximum)) == ("1", "100")
    assert len(fields["text_position"].choices) == 9
    found = await studio.services.video.edit.estimate(source(), stabilize=40, **ACCOUNT)
    assert found.estimates[0].model == "ffmpeg-edit"
    assert found.price is not None
    assert found.price.micros == 0


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "edit"),
        ({"trim": "end"}, "max_seconds"),
        ({"trim": "everything", "max_seconds": "1"}, "trim"),
        ({"stabilize": 0}, "stabilize"),
        ({"stabilize": "much"}, "stabilize"),
        ({"speed": "9"}, "speed"),
        ({"loudness": "loud"}, "loudness"),
        ({"text": "x" * 301}, "text"),
        ({"text": "x", "text_position": "middle"}, "text_position"),
        ({"colour": "red"}, "colour"),
        ({"normalize": "perhaps"}, "normalize"),
    ],
)
async def test_what_is_wrong_with_an_edit_is_told_before_anything_is_recorded(
    studio: Studio, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await studio.services.video.edit(source(), **options, **ACCOUNT)
    assert caught.value.field == field
    assert count(facts_of(studio, "acme"), Requested) == 0


async def test_what_of_a_film_is_left_out_is_noted(studio: Studio, tmp_path: Path) -> None:
    words = tmp_path / "words.srt"
    words.write_text("1\n00:00:00,000 --> 00:00:01,000\nA heron.\n")
    subtitled = filmed(
        "mp4",
        *("-f", "lavfi", "-i", "testsrc2=s=64x48:d=1", "-i", str(words)),
        *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:s", "mov_text"),
    )
    done = await studio.services.video.edit(subtitled, speed="2", **ACCOUNT)
    assert done.notes == ("left out: 1 subtitle track",)


# Convert


@pytest.mark.parametrize(
    ("options", "media_type", "size"),
    [
        ({"format": "webm"}, "video/webm", (320, 180)),
        ({"format": "GIF", "max_seconds": "1"}, "image/gif", (320, 180)),
        ({"aspect": "9:16", "fit": "crop", "focus": "0.2,0.5"}, "video/mp4", (102, 180)),
        ({"resolution": "480p", "enlarge": True}, "video/mp4", (854, 480)),
        ({"codec": "hevc"}, "video/mp4", (320, 180)),
    ],
)
async def test_a_film_is_converted(
    studio: Studio, options: dict[str, Any], media_type: str, size: tuple[int, int]
) -> None:
    done = await studio.services.video.convert(source(), **options, **ACCOUNT)
    [output] = done.outputs
    assert (output.media_type, output.asset.width, output.asset.height) == (media_type, *size)
    assert await is_sound(studio)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "format"),
        ({"format": "avi"}, "output_format"),
        ({"aspect": "2:1"}, "aspect_ratio"),
        ({"focus": "2,0"}, "focus"),
    ],
)
async def test_what_is_wrong_with_a_conversion_is_told(studio: Studio, options: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await studio.services.video.convert(source(), **options, **ACCOUNT)
    assert caught.value.field == field


async def test_a_film_that_would_have_to_be_enlarged_costs_nothing(studio: Studio) -> None:
    with pytest.raises(OperationFailed, match="allow it to enlarge"):
        await studio.services.video.convert(source(), resolution="720p", **ACCOUNT)
    assert count(facts_of(studio, "acme"), Charged) == 0
    assert await is_sound(studio)


# Compress


@pytest.mark.parametrize("target", ["0.05", Decimal("0.1"), "1"])
async def test_a_film_has_at_most_so_many_bytes(studio: Studio, target: object) -> None:
    done = await studio.services.video.compress(grainy(), target_mb=target, **ACCOUNT)
    [one] = done.files
    assert one.after is not None
    assert one.after <= Decimal(str(target)) * 1_000_000
    assert one.lasts == pytest.approx(2000, abs=60)


async def test_a_preset_makes_it_smaller_and_what_is_said_comes_before_it(studio: Studio) -> None:
    big = grainy()
    sizes = []
    ways: list[dict[str, Any]] = [
        {"preset": "web"},
        {"preset": "preview"},
        {"preset": "preview", "quality": "high"},
        {},
    ]
    for options in ways:
        done = await studio.services.video.compress(big, **options, **ACCOUNT)
        assert done.files[0].after is not None
        assert done.files[0].after <= len(big)
        sizes.append(done.files[0].after)
    assert sizes[1] < sizes[0] < sizes[2] < len(big)
    assert sizes[3] == sizes[0]
    kept = await studio.services.video.compress(big, preset="archive", resolution="48p", **ACCOUNT)
    told = pictured(content(kept.files[0]))
    assert (told["codec_name"], told["height"]) == ("hevc", 48)


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"preset": "wb"}, "preset"),
        ({"target_mb": "0"}, "target_mb"),
        ({"target_mb": "much"}, "target_mb"),
        ({"target_mb": "900"}, "target_bytes"),
        ({"quality": "best"}, "quality"),
        ({"resolution": "small"}, "resolution"),
        ({"format": "gif"}, "target_bytes"),
    ],
)
async def test_what_is_wrong_with_a_compression_is_told(studio: Studio, options: dict[str, Any], field: str) -> None:
    if options == {"format": "gif"}:
        with pytest.raises(OperationFailed):
            await studio.services.video.compress(source(), format="gif", target_mb="1", **ACCOUNT)
        return
    with pytest.raises(InvalidInput) as caught:
        await studio.services.video.compress(source(), **options, **ACCOUNT)
    assert caught.value.field == field


# Social


async def test_one_film_becomes_one_of_each_format_with_its_thumbnail_in_one_batch(studio: Studio) -> None:
    wanted = ["x-square", "x-portrait"]
    done = await studio.services.video.social(source(), platforms=wanted, guides=True, **ACCOUNT)
    assert [one.name for one in done.files] == [
        *("x-square", "x-square-thumbnail", "x-square-guides"),
        *("x-portrait", "x-portrait-thumbnail", "x-portrait-guides"),
    ]
    assert [output.media_type for output in done.outputs] == ["video/mp4", "image/jpeg", "image/jpeg"] * 2
    sizes = [(output.asset.width, output.asset.height) for output in done.outputs]
    assert sizes == [(720, 720)] * 3 + [(720, 1280)] * 3
    [result] = done.results
    assert [one.operation for one in result.operations] == [f"{result.operation}.{place}" for place in range(1, 7)]
    assert [one.lasts is None for one in done.files] == [False, True, True] * 2
    assert await is_sound(studio)


async def test_a_limit_refuses_all_formats_or_none(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "other", 3)
    with pytest.raises(OperationRefused):
        await studio.services.video.social(source(), platforms="x-square, x-portrait", **ACCOUNT)
    assert count(facts_of(studio, "acme"), Charged) == 0


async def test_a_film_is_cut_to_what_a_format_shows_where_that_was_asked_for(studio: Studio, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[[video-format]]\nid = "short"\nname = "Short"\nplatform = "ours"\nsize = "64x64"\nmax_seconds = 1\n'
        'max_bytes = 60000\nfps = 10\nsource = "https://example.com"\nchecked = "2026-11-30"\n'
    )
    shades = film(picture=lambda number: np.full((64, 64, 3), 40 + 2 * number, dtype=np.uint8), seconds=3.0)
    async with studio_on(f"sqlite:///{tmp_path / 'own.db'}", tmp_path / "own", presets=[own]) as opened:
        await opened.accounts.open("acme", plan="pro")
        done = await opened.services.video.social(shades, platforms="ours", trim="end", at="0.4", **ACCOUNT)
    posted, thumbnail = done.files
    assert posted.lasted == 3000
    assert posted.lasts == pytest.approx(1000, abs=120)
    with av.open(io.BytesIO(content(posted)), "r") as container:
        frames = [frame.to_ndarray(format="rgb24").mean() for frame in container.decode(video=0)]
    assert len(frames) == pytest.approx(10, abs=1)
    assert (frames[0] - 40) / 2 == pytest.approx(50, abs=3)
    picture = np.asarray(Image.open(io.BytesIO(content(thumbnail))).convert("L"))
    assert (picture.mean() - 40) / 2 == pytest.approx(60, abs=2)
    assert posted.after is not None
    assert posted.after <= 60_000


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "platforms"),
        ({"platforms": "instagrm"}, "platforms"),
        ({"platforms": "x-square", "fit": "squeeze"}, "fit"),
        ({"platforms": "x-square", "trim": "somewhere"}, "trim"),
        ({"platforms": "x-square", "at": "soon"}, "at"),
        ({"platforms": "x-square", "focus": "here"}, "focus"),
        ({"platforms": "x-square", "thumbnails": "maybe"}, "thumbnails"),
    ],
)
async def test_what_is_wrong_with_a_posting_is_told_before_anything_is_recorded(
    studio: Studio, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await studio.services.video.social(source(), **options, **ACCOUNT)
    assert caught.value.field == field
    assert count(facts_of(studio, "acme"), Requested) == 0


async def test_batches_know_them(studio: Studio) -> None:
    for name in ("video-edit", "video-convert", "video-compress", "video-social"):
        assert studio.services.batch.named(name) is not None
