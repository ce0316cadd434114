"""With OpenCV: enlarging is measurably truer, healing changes the hole alone, things and faces are found."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from application.ports import ProviderRefused
from imagestudio_workshop.vision import detail, faces
from tests.workshop.portraits import portrait
from tests.workshop.work import Pixels, make, needs, pixels, png, psnr, refused, scene, shown

HOW = {"box": Image.Resampling.BOX, "bicubic": Image.Resampling.BICUBIC, "Lanczos": Image.Resampling.LANCZOS}


def silent(fraction: float, message: str) -> None:
    """Nobody asks."""


# Enlarging


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("seed", [1, 5])
async def test_an_enlarged_picture_is_nearer_to_the_truth_than_lanczos(how: str, seed: int) -> None:
    truth = scene(128, 96, seed)
    small = truth.resize((64, 48), HOW[how])
    enlarged = await make("upscale-detail", {"image": png(small)}, factor=2)
    usual = small.resize((128, 96), Image.Resampling.LANCZOS)
    assert psnr(pixels(enlarged), truth) > psnr(usual, truth) + 0.2


async def test_four_times_is_twice_doubled() -> None:
    small = scene(40, 30)
    four = await make("upscale-detail", {"image": png(small)}, factor=4)
    assert (four.width, four.height) == (160, 120)
    assert psnr(np.asarray(shown(four).resize((40, 30), Image.Resampling.BOX)), small) > 30


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_bands_leave_no_seam(mode: str) -> None:
    image = scene(24, 150).convert(mode)
    whole = np.asarray(detail.enlarged_in_rounds(image, 2, silent, band=150)).astype(int)
    banded = np.asarray(detail.enlarged_in_rounds(image, 2, silent, band=50)).astype(int)
    assert np.abs(whole - banded).max() <= 1


async def test_an_even_surface_stays_even_and_nothing_bleeds_in_from_what_is_transparent() -> None:
    flat = png(Image.new("RGB", (9, 7), (13, 130, 200)))
    assert (pixels(await make("upscale-detail", {"image": flat})) == np.array([13, 130, 200])).all()
    image = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    image.paste((0, 200, 0, 255), (4, 4, 12, 12))
    after = pixels(await make("upscale-detail", {"image": png(image)}), "RGBA")
    assert after[16, 16].tolist() == [0, 200, 0, 255]
    assert after[..., 0][after[..., 3] > 127].max() < 40


async def test_noise_is_taken_away_where_that_is_asked_for() -> None:
    truth = scene(64, 48)
    grain = np.random.default_rng(3).normal(0, 9, (48, 64, 3))
    noisy = png(Image.fromarray((np.asarray(truth) + grain).clip(0, 255).astype(np.uint8)))
    large = truth.resize((128, 96), Image.Resampling.LANCZOS)
    plain = psnr(pixels(await make("upscale-detail", {"image": noisy})), large)
    assert psnr(pixels(await make("upscale-detail", {"image": noisy}, denoise=True)), large) > plain + 1


# Erasing


def textured(width: int = 160, height: int = 120) -> Image.Image:
    """Woven cloth, the same everywhere."""
    y, x = np.mgrid[:height, :width]
    weave = 120 + 40 * np.sin(x * np.pi / 4) * np.sin(y * np.pi / 4)
    grain = np.random.default_rng(1).normal(0, 4, (height, width))
    return Image.fromarray(
        np.stack([weave + grain, weave * 0.8 + grain, weave * 0.6], axis=-1).clip(0, 255).astype(np.uint8)
    )


def mask_of(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (160, 120)) -> Image.Image:
    mask = Image.new("L", size, 0)
    for box in boxes:
        ImageDraw.Draw(mask).ellipse(box, fill=255)
    return mask.convert("RGB")


def covered(mask: Image.Image, wider: int = 2) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray(mask.convert("L").filter(ImageFilter.MaxFilter(2 * wider + 1))) > 127


async def test_what_the_mask_covers_is_healed_and_everything_else_is_as_it_was() -> None:
    truth = textured()
    spoiled, mask = truth.copy(), mask_of((60, 40, 90, 70), (120, 90, 140, 105))
    for box in ((60, 40, 90, 70), (120, 90, 140, 105)):
        ImageDraw.Draw(spoiled).ellipse(box, fill=(250, 30, 30))
    healed = pixels(await make("erase", {"image": png(spoiled), "mask": png(mask)}))
    outside = ~covered(mask)
    assert (healed[outside] == np.asarray(spoiled)[outside]).all()
    assert psnr(healed, truth) > psnr(spoiled, truth) + 12


async def test_a_healed_texture_goes_on_instead_of_blurring() -> None:
    mask = mask_of((60, 40, 90, 70))
    healed = pixels(await make("erase", {"image": png(textured()), "mask": png(mask)}))
    inside = np.asarray(mask.convert("L").filter(ImageFilter.MinFilter(7))) > 127
    assert healed[inside].std() > 0.75 * np.asarray(textured())[inside].std()


async def test_a_mask_may_be_what_is_opaque_in_a_clear_picture() -> None:
    mask = Image.new("RGBA", (160, 120), (0, 0, 0, 0))
    ImageDraw.Draw(mask).ellipse((60, 40, 90, 70), fill=(0, 0, 0, 255))
    image = png(textured())
    drawn = pixels(await make("erase", {"image": image, "mask": png(mask_of((60, 40, 90, 70)))}))
    assert (pixels(await make("erase", {"image": image, "mask": png(mask)})) == drawn).all()


async def test_a_hole_to_which_nothing_is_alike_is_grown_from_its_rim() -> None:
    y, x = np.mgrid[:120, :160]
    slope = Image.fromarray(np.stack([x * 255 // 160, y * 255 // 120, (x + y) * 255 // 280], axis=-1).astype(np.uint8))
    healed = pixels(await make("erase", {"image": png(slope), "mask": png(mask_of((40, 30, 120, 90)))}))
    assert psnr(healed, slope) > 22


async def test_transparency_outlives_the_eraser_and_a_hole_at_the_border_is_healed() -> None:
    image = textured().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((160, 120)))
    healed = pixels(await make("erase", {"image": png(image), "mask": png(mask_of((-20, -20, 30, 30)))}), "RGBA")
    assert (healed[..., 3] == np.asarray(image)[..., 3]).all()


@pytest.mark.parametrize(
    "mask",
    [mask_of(), mask_of((-200, -200, 400, 400)), mask_of((0, 0, 9, 9), size=(100, 100))],
    ids=["none", "all", "other"],
)
async def test_a_mask_of_nothing_of_all_or_of_another_size_is_refused(mask: Image.Image) -> None:
    assert await refused("erase", {"image": png(textured()), "mask": png(mask)}) == "unsupported_mask"


async def test_erasing_needs_a_mask() -> None:
    assert await refused("erase", {"image": png(textured())}) == "missing_mask"


# Cutting out


def thing_before(ground: Image.Image) -> tuple[Image.Image, Pixels]:
    image, drawn = ground.copy(), Image.new("L", ground.size, 0)
    for canvas, colours in ((image, ((210, 60, 40), (230, 200, 60))), (drawn, (255, 255))):
        draw = ImageDraw.Draw(canvas)
        draw.ellipse((50, 30, 110, 95), fill=colours[0])
        draw.rectangle((70, 15, 90, 40), fill=colours[1])
    return image.filter(ImageFilter.GaussianBlur(0.6)), np.asarray(drawn).astype(np.int64)


@pytest.mark.parametrize(
    "ground",
    [Image.new("RGB", (160, 120), (70, 110, 160)), textured().point(lambda value: value // 2)],
    ids=["plain", "woven"],
)
async def test_what_is_behind_the_thing_becomes_transparent(ground: Image.Image) -> None:
    image, truth = thing_before(ground)
    alpha = pixels(await make("background-remove", {"image": png(image)}), "RGBA")[..., 3]
    found, wanted = alpha > 127, truth > 127
    assert (found & wanted).sum() / (found | wanted).sum() > 0.95
    assert alpha[0, 0] == 0
    assert alpha[60, 80] == 255


async def test_the_edge_carries_the_colour_of_the_thing_and_not_of_what_was_behind_it() -> None:
    image, _ = thing_before(Image.new("RGB", (160, 120), (20, 220, 20)))
    after = pixels(await make("background-remove", {"image": png(image)}), "RGBA")
    edge = (after[..., 3] > 60) & (after[..., 3] < 250)
    assert after[edge][:, 1].mean() < 150


async def test_a_picture_of_one_colour_has_nothing_to_cut_out() -> None:
    assert await refused("background-remove", {"image": png(Image.new("RGB", (64, 48), "white"))}) == "no_outline"


@pytest.mark.parametrize(
    "route",
    [
        *("upscale-detail", "erase", "background-remove", "face-swap"),
        *(
            pytest.param(route, marks=needs(route))
            for route in ("upscale-faithful", "background-remove-seen", "face-swap-seen", "text-remove")
        ),
    ],
)
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (9, 9)])
async def test_a_tiny_picture_is_worked_on_or_refused(route: str, size: tuple[int, int]) -> None:
    image, mask = scene(*size), Image.new("L", size, 0)
    mask.paste(255, (0, 0, 1, max(1, size[1] // 3)))
    with contextlib.suppress(ProviderRefused):
        media = {"image": png(image), "mask": png(mask), "face": png(image)}
        assert (await make(route, media)).media_type == "image/png"


# Faces


async def test_a_face_is_put_in_place_of_another_and_all_around_it_stays() -> None:
    image, donor = portrait(), portrait(skin=(180, 130, 100), iris=(30, 60, 200), tilt=6)
    swapped = pixels(await make("face-swap", {"image": png(image), "face": png(donor)}))
    before = np.asarray(image).astype(np.int64)
    assert (swapped[:20] == before[:20]).all()
    assert (swapped[:, :20] == before[:, :20]).all()
    irises = swapped[98:114, 84:100].reshape(-1, 3)
    assert (irises[:, 2] - irises[:, 1]).max() > 40
    assert (before[98:114, 84:100].reshape(-1, 3)[:, 2] - before[98:114, 84:100].reshape(-1, 3)[:, 1]).max() < 30
    # It takes the complexion of the face that was there.
    assert np.abs(swapped[150:170, 80:100].mean(axis=(0, 1)) - before[150:170, 80:100].mean(axis=(0, 1))).max() < 30


def test_eyes_are_found_where_they_are_and_tell_how_a_head_is_tilted() -> None:
    (straight,) = faces.found(np.asarray(portrait()), "the picture")
    assert straight.left == pytest.approx((92, 107), abs=9)
    assert straight.right == pytest.approx((148, 107), abs=9)
    (tilted,) = faces.found(np.asarray(portrait(tilt=6)), "the picture")
    assert tilted.angle == pytest.approx(straight.angle - 6, abs=3)


def test_dark_faces_are_found_too() -> None:
    assert faces.found(np.asarray(portrait(skin=(150, 104, 80))), "the picture")


async def test_every_face_is_swapped_where_that_is_asked_for() -> None:
    pair = Image.new("RGB", (480, 240))
    pair.paste(portrait(), (0, 0))
    pair.paste(portrait(skin=(196, 150, 120)), (240, 0))
    media = {"image": png(pair), "face": png(portrait(iris=(30, 60, 200)))}
    one, both = pixels(await make("face-swap", media)), pixels(await make("face-swap", media, every=True))
    changed = [(np.abs(result - np.asarray(pair)).max(axis=2) > 8) for result in (one, both)]
    halves = [[half[:, :240].any(), half[:, 240:].any()] for half in changed]
    assert sum(halves[0]) == 1
    assert sum(halves[1]) == 2


async def test_where_there_is_no_face_that_is_said_of_the_right_picture() -> None:
    assert await refused("face-swap", {"image": png(scene()), "face": png(portrait())}) == "no_face"
    assert await refused("face-swap", {"image": png(portrait()), "face": png(scene())}) == "no_face"
    assert await refused("face-swap", {"image": png(portrait())}) == "missing_face"
