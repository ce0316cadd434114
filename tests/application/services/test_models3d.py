"""Models made of pictures or words, shown as they turn, and printed; a preview that cannot be had costs no model."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.errors import InvalidInput
from domain.operation import Charged, Requested
from infrastructure.service import Studio
from tests.application.studios import count, facts_of, is_sound, picture, studio_on

RED = picture(96, 72)
ASKED: dict[str, Any] = {"account": "acme", "allow": "stand-in"}


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


async def test_a_model_of_a_picture_comes_with_a_picture_of_itself_and_is_printed(studio: Studio) -> None:
    service = studio.services.model_3d
    made = await service(RED, preview="png", key="a", **ASKED)
    [mesh] = made.result.assets
    [shown] = made.after
    assert mesh.asset.media_type == "model/gltf-binary"
    assert shown.assets[0].asset.media_type == "image/png"
    assert made.price == made.result.price + shown.price == made.result.price
    assert made.notes == ("of one picture: what is behind is guessed",)
    printed = await service.convert(mesh.content, "stl", longest=50, account="acme")
    assert printed.result.assets[0].asset.media_type == "model/stl"
    again = await service(RED, preview="png", key="a", **ASKED)
    assert again.result.repeated
    assert again.after[0].repeated
    assert count(facts_of(studio, "acme"), Charged) == 3
    assert await is_sound(studio)


async def test_a_file_that_there_is_turns_before_a_camera(studio: Studio) -> None:
    mesh = (await studio.services.model_3d(RED, preview="none", **ASKED)).result.assets[0]
    small: dict[str, Any] = {"side": 64, "duration": "0.5", "account": "acme"}
    turned = await studio.services.model_3d.preview(mesh.content, output_format="webp", **small)
    assert turned.result.assets[0].asset.media_type == "image/webp"


async def test_a_model_stays_if_its_preview_cannot_be_drawn(studio: Studio) -> None:
    """The limit of other work is used up by then, and the model is not lost for that."""
    await studio.accounts.change_limit("acme", "other", 0)
    made = await studio.services.model_3d(RED, **ASKED)
    assert made.result.assets[0].asset.media_type == "model/gltf-binary"
    assert made.after == ()
    assert made.notes[-1].startswith("no preview: the account's other limit")


@pytest.mark.parametrize(
    ("images", "options", "field"),
    [
        ((), {}, "image"),
        ((RED,) * 5, {}, "image"),
        ((RED, RED), {"sketch": True}, "sketch"),
        ((RED,), {"preview": "gif"}, "preview"),
    ],
)
async def test_what_is_wrong_is_told_and_nothing_is_recorded(
    studio: Studio, images: tuple[bytes, ...], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await studio.services.model_3d(*images, **options, **ASKED)
    assert refused.value.field == field
    with pytest.raises(InvalidInput, match="to"):
        await studio.services.model_3d.convert(RED, "fbx", account="acme")
    assert count(facts_of(studio, "acme"), Requested) == 0


@pytest.mark.parametrize(
    ("images", "options", "kind"),
    [
        ((RED,), {}, "image-to-3d"),
        ((RED,), {"sketch": True, "prompt": "a cup"}, "sketch-to-3d"),
        ((RED, RED, RED), {}, "multiview-to-3d"),
        ((), {"prompt": "a cup"}, "text-to-3d"),
    ],
)
def test_what_is_given_tells_how_a_model_is_made(
    studio: Studio, images: tuple[bytes, ...], options: dict[str, Any], kind: str
) -> None:
    _, drafted = studio.services.model_3d.draft(images, "acme", options)
    assert drafted.request.kind == kind
    assert len(drafted.request.media) == len(images)
