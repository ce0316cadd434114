"""The better way is the default, by decibels and not by a clock; and what cannot be done well is refused."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from domain.catalogue import Model
from domain.inputs import FileInfo
from imagestudio_workshop.vision import cutout
from infrastructure.catalogue import load_catalogue
from tests.workshop.portraits import portrait
from tests.workshop.work import lacking, leaves, make, pixels, png, psnr, refused, scene

HOW = {"box": Image.Resampling.BOX, "bicubic": Image.Resampling.BICUBIC, "Lanczos": Image.Resampling.LANCZOS}
CATALOGUE = load_catalogue()[0]
ENLARGERS = {
    model.id: model.route
    for model in CATALOGUE.for_kind("upscale")
    if model.provider == "local" and model.auto and not lacking(model.route)
}
BEST = "upscale-detail" if lacking("upscale-faithful") else "upscale-faithful"


@cache
def truths() -> list[Image.Image]:
    """Shades, a face, a drawing of lines and letters, and things before each other."""
    drawing = Image.new("RGB", (128, 96), (230, 225, 210))
    draw = ImageDraw.Draw(drawing)
    for number in range(6):
        draw.text((6, 4 + 15 * number), "The quick brown fox", fill=(20 + 20 * number, 30, 60))
        draw.line((70, 50, 128, 20 * number), fill=(200, 30, 30), width=2)
    return [scene(128, 96, 1), scene(128, 96, 2), portrait(size=120), drawing, leaves(1), leaves(2)]


async def decibels(route: str, factor: int) -> float:
    """How near a route comes to the truth, on the mean of all pictures and of all ways to make them small."""
    found = []
    for truth in truths():
        for how in HOW.values():
            small = truth.resize((truth.width // factor, truth.height // factor), how)
            large = (
                np.asarray(small.resize(truth.size, Image.Resampling.BICUBIC))
                if route == "bicubic"
                else pixels(await make(route, {"image": png(small)}, factor=factor))
            )
            found.append(psnr(large, truth))
    return float(np.mean(found))


@pytest.mark.parametrize("factor", [2, 4])
async def test_every_way_of_enlarging_is_nearer_to_the_truth_than_bicubic_and_the_default_is_the_nearest(
    factor: int,
) -> None:
    usual = await decibels("bicubic", factor)
    reached = {id: await decibels(route, factor) for id, route in ENLARGERS.items()}
    assert min(reached.values()) > usual + 0.2
    picture = {"image": (FileInfo("image/png", 9_000, 64, 48),)}
    for strategy in ("auto", "balanced", "cheapest", "best"):
        ranked = CATALOGUE.rank("upscale", strategy, 0, {"factor": factor}, picture, elsewhere)
        assert reached[ranked[0].id] > max(reached.values()) - 0.1
        assert ranked[0].route == BEST


def elsewhere(model: Model) -> str:
    return lacking(model.route) if model.provider == "local" else "is not here"


def petals(seed: int) -> Image.Image:
    """Blurred ovals, in some of which one cascade sees a face."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (240, 240), (60, 90, 60))
    draw = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, reach = (int(value) for value in (rng.integers(0, 240), rng.integers(0, 240), rng.integers(10, 50)))
        colour = tuple(int(value) for value in rng.integers(40, 230, 3))
        draw.ellipse((x - reach, y - reach * 0.7, x + reach, y + reach * 0.7), fill=colour)
    return image.filter(ImageFilter.GaussianBlur(2))


@pytest.mark.parametrize("seed", [37, 104, 167])
async def test_no_face_is_put_where_only_one_cascade_sees_one(seed: int) -> None:
    assert await refused("face-swap", {"image": png(petals(seed)), "face": png(portrait())}) == "no_face"
    assert await refused("face-swap", {"image": png(portrait()), "face": png(petals(seed))}) == "no_face"


@pytest.mark.parametrize("seed", [4, 5])
async def test_what_cannot_be_told_from_what_is_behind_it_is_not_cut_out(seed: int) -> None:
    assert await refused("background-remove", {"image": png(scene(160, 120, seed))}) == "no_outline"


def test_an_outline_that_leaves_somebody_without_a_face_is_known() -> None:
    sitter = np.asarray(portrait(size=200))
    body, all_of_it = np.zeros((200, 200), dtype=np.uint8), np.ones((200, 200), dtype=np.uint8)
    body[180:] = 1
    assert cutout.loses_face(sitter, body)
    assert not cutout.loses_face(sitter, all_of_it)
    apart = all_of_it.copy()
    apart[125:130] = 0
    apart[:, :60] = apart[:125, 140:] = 0
    assert cutout.loses_face(sitter, apart)
    assert not cutout.loses_face(np.asarray(scene(200, 200)), body)
