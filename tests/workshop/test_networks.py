"""Networks do their work better than the classical ways, say what they lack, and refuse rather than spoil."""

from __future__ import annotations

import asyncio
import hashlib
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from application.asking.requests import Request
from application.ports import Media, ProviderRefused, TaskFailed, silent
from domain.errors import ImageStudioError
from domain.operation import Charged, Released
from imagestudio.plugin import image_media
from imagestudio_workshop import fetching
from imagestudio_workshop.needs import FETCHED, Packages, WeightFiles, Weights, lacking
from imagestudio_workshop.provider import LocalProvider
from imagestudio_workshop.routes import ROUTES
from tests.application.studios import count, facts_of, studio_on
from tests.workshop.portraits import portrait, signed
from tests.workshop.test_keeping import read, written
from tests.workshop.test_quality import petals
from tests.workshop.test_vision import textured, thing_before
from tests.workshop.work import leaves, make, needs, pixels, png, psnr, refused, scene, shown, task

HOW = {"box": Image.Resampling.BOX, "bicubic": Image.Resampling.BICUBIC, "Lanczos": Image.Resampling.LANCZOS}
NETWORKS = [route for route, each in ROUTES.items() if each.needs]


# Enlarging


@needs("upscale-faithful")
@pytest.mark.parametrize("how", HOW)
async def test_an_enlarged_picture_is_nearer_to_the_truth_than_by_the_classical_way(how: str) -> None:
    truth = leaves(3)
    small = {"image": png(truth.resize((48, 36), HOW[how]))}
    usual, better = [pixels(await make(route, small, factor=2)) for route in ("upscale-detail", "upscale-faithful")]
    assert psnr(better, truth) > psnr(usual, truth) + 0.8


@needs("upscale-faithful")
async def test_four_times_is_two_passes_and_makes_the_picture_again_if_it_is_made_small() -> None:
    small = scene(40, 30)
    four = shown(await make("upscale-faithful", {"image": png(small)}, factor=4))
    assert four.size == (160, 120)
    assert psnr(four.resize((40, 30), Image.Resampling.BOX), small) > 30


@needs("upscale-faithful")
async def test_tiles_leave_no_seam() -> None:
    image = leaves(4, 150, 70)
    both = [
        pixels(await make("upscale-faithful", {"image": png(each)})) for each in (image, image.crop((30, 0, 150, 70)))
    ]
    whole, part = both
    assert np.abs(whole[:, 2 * 45 :] - part[:, 2 * 15 :]).max() <= 1


@needs("upscale-faithful")
async def test_the_blocks_of_a_jpeg_and_noise_are_taken_away() -> None:
    truth = leaves(5)
    small = truth.resize((48, 36), Image.Resampling.BICUBIC)
    jpeg = image_media(small, "JPEG")
    as_png = png(shown(jpeg))
    plain, cleaned = [pixels(await make("upscale-faithful", {"image": each})) for each in (as_png, jpeg)]
    assert psnr(cleaned, truth) > psnr(plain, truth)
    grain = np.random.default_rng(3).normal(0, 14, (36, 48, 3))
    noisy = png(Image.fromarray((np.asarray(small) + grain).clip(0, 255).astype(np.uint8)))
    plain, cleaned = [pixels(await make("upscale-faithful", {"image": noisy}, denoise=wish)) for wish in (False, True)]
    assert psnr(cleaned, truth) > psnr(plain, truth) + 1


@needs("upscale-faithful")
async def test_nothing_bleeds_in_from_what_is_transparent() -> None:
    image = Image.new("RGBA", (20, 16), (255, 0, 0, 0))
    image.paste((0, 200, 0, 255), (6, 4, 14, 12))
    after = pixels(await make("upscale-faithful", {"image": png(image)}), "RGBA")
    assert after[0, 0, 3] == 0
    assert after[16, 20].tolist() == pytest.approx([0, 200, 0, 255], abs=3)
    assert after[..., 0][after[..., 3] > 30].max() < 20


@needs("upscale-imagined")
async def test_what_invents_detail_gives_four_times_the_size_and_is_never_chosen() -> None:
    image = scene(12, 9)
    large = shown(await make("upscale-imagined", {"image": png(image)}, factor=4))
    assert large.size == (48, 36)
    assert psnr(large.resize(image.size, Image.Resampling.BOX), image) > 20


@needs("upscale-faithful")
async def test_it_tells_how_far_it_is_and_ends_between_two_tiles() -> None:
    heard: list[float] = []
    wanted = task("upscale-faithful", png(scene(200, 64)), factor=2)
    with ThreadPoolExecutor(1) as pool:
        provider = LocalProvider(pool)
        await provider.submit(wanted, lambda fraction, _: heard.append(fraction))
        assert len(heard) >= 4
        assert all(one <= other for one, other in pairwise(heard))

        def stop(fraction: float, message: str) -> None:
            asyncio.get_running_loop().create_task(provider.cancel(wanted, None))

        with pytest.raises(TaskFailed) as failed:
            await provider.submit(wanted, stop)
    assert failed.value.code == "cancelled"


# Cutting out


@needs("background-remove-seen")
@pytest.mark.parametrize("ground", [Image.new("RGB", (160, 120), (70, 110, 160)), textured()], ids=["plain", "woven"])
async def test_what_is_behind_the_thing_becomes_transparent(ground: Image.Image) -> None:
    image, truth = thing_before(ground)
    alpha = pixels(await make("background-remove-seen", {"image": png(image)}), "RGBA")[..., 3]
    found, wanted = alpha > 127, truth > 127
    assert (found & wanted).sum() / (found | wanted).sum() > 0.93
    assert alpha[0, 0] == 0


@needs("background-remove-seen")
async def test_where_nothing_stands_out_or_nobody_can_be_sure_nothing_is_cut() -> None:
    for image in (Image.new("RGB", (64, 48), "white"), textured(), scene(160, 120, 4).filter(ImageFilter.BoxBlur(30))):
        assert await refused("background-remove-seen", {"image": png(image)}) == "no_outline"


# Faces


@needs("face-swap-seen")
@pytest.mark.parametrize(("tilt", "skin"), [(0, (216, 172, 148)), (25, (216, 172, 148)), (-40, (150, 104, 80))])
async def test_tilted_and_dark_faces_are_swapped_and_all_around_them_stays(tilt: int, skin: Any) -> None:
    image, donor = portrait(skin=skin, tilt=tilt), portrait(iris=(30, 60, 200))
    swapped = pixels(await make("face-swap-seen", {"image": png(image), "face": png(donor)}))
    changed = np.abs(swapped - np.asarray(image).astype(np.int64)).max(axis=2)
    assert changed[:20].max() == changed[:, :20].max() == 0
    turned = np.asarray(Image.fromarray(swapped.astype(np.uint8)).rotate(-tilt, Image.Resampling.BICUBIC))
    eye = turned[98:114, 84:100].reshape(-1, 3).astype(int)
    assert (eye[:, 2] - eye[:, 1]).max() > 40


@needs("face-swap-seen")
async def test_what_is_no_face_or_stands_on_its_head_is_refused() -> None:
    for none in (petals(37), scene(), portrait(tilt=180)):
        assert await refused("face-swap-seen", {"image": png(none), "face": png(portrait())}) == "no_face"
        assert await refused("face-swap-seen", {"image": png(portrait()), "face": png(none)}) == "no_face"


@needs("face-swap-seen")
async def test_a_face_at_the_end_of_a_long_picture_is_found() -> None:
    for size, place in (((900, 120), (760, 0)), ((120, 900), (0, 500))):
        image = Image.new("RGB", size, (96, 120, 150))
        image.paste(portrait(size=120), place)
        made = await make("face-swap-seen", {"image": png(image), "face": png(portrait(iris=(30, 60, 200)))})
        assert (pixels(made) != np.asarray(image)).any()


# Writing


@needs("text-remove")
@pytest.mark.parametrize("colour", [(255, 255, 255), (10, 10, 10)], ids=["light", "dark"])
async def test_writing_is_gone_afterwards_and_all_else_is_as_it_was(colour: Any) -> None:
    before = scene(320, 200)
    image = signed(before, colour=colour)
    after = await make("text-remove", {"image": png(image)})
    assert psnr(pixels(after), before) > psnr(image, before) + 6
    assert (pixels(after)[:80] == np.asarray(before)[:80]).all()
    assert await refused("text-remove", {"image": after}) == "no_text"


@needs("text-remove")
async def test_a_picture_without_writing_is_refused_and_what_else_a_picture_is_stays() -> None:
    assert await refused("text-remove", {"image": png(leaves(6))}) == "no_text"
    image = signed(scene(320, 200)).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((320, 200)))
    after = await make("text-remove", {"image": image_media(image, "PNG")})
    assert (pixels(after, "RGBA")[..., 3] == np.asarray(image)[..., 3]).all()


# Content


@needs("classify")
async def test_how_explicit_a_picture_looks_is_one_number_in_whatever_way_its_colours_are_stored() -> None:
    told = await make("classify", {"image": png(scene())})
    assert told.media_type == "text/plain"
    assert 0 <= float(told.content) < 0.3
    wide = png(scene().convert("RGBA"))
    assert (await make("classify", {"image": wide})).content == told.content


# What is missing


def test_what_is_missing_is_named_with_a_way_to_get_it(tmp_path: Path) -> None:
    weights = Weights((tmp_path,))
    (tmp_path / "here.onnx").touch()
    assert lacking((), weights) == lacking((WeightFiles(("here.onnx",)),), weights) == ""
    missing = lacking((WeightFiles(("here.onnx", "gone.onnx")), Packages(("no_such_thing", "json"), "neural")), weights)
    assert missing == (
        f"no gone.onnx in {tmp_path}: get it by python -m imagestudio_workshop.fetching; "
        "no-such-thing not installed: pip install 'image-studio-workshop[neural]'"
    )
    with pytest.raises(ProviderRefused, match=r"no gone\.onnx"):
        weights.path("gone.onnx")


async def test_what_lacks_its_weights_is_refused_and_damaged_ones_are_a_failure(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        provider = LocalProvider(pool, Weights((tmp_path,)))
        assert "u2netp.onnx" in provider.lacks("background-remove-seen")
        wanted = task("background-remove-seen", png(scene()))
        with pytest.raises(ProviderRefused) as missing:
            await provider.submit(wanted, silent)
        assert missing.value.code == "not_installed"
        (tmp_path / "u2netp.onnx").write_bytes(b"nothing of the kind")
        assert provider.lacks("background-remove-seen") == ""
        with pytest.raises(TaskFailed) as damaged:
            await provider.submit(wanted, silent)
        assert damaged.value.code == "damaged_network"


def test_weights_are_looked_for_where_the_user_says_then_where_rembg_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("U2NET_HOME", str(tmp_path / "rembg"))
    assert Weights.usual(tmp_path).folders[:2] == (tmp_path, tmp_path / "rembg")
    assert Weights.usual().folders == (tmp_path / "rembg", FETCHED)


def test_a_fetched_file_that_is_another_than_it_should_be_is_not_kept(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a_wheel-1-py3-none-any.whl", "w") as archive:
        archive.writestr("inside/weights.onnx", b"weights")
    right = fetching.Wheel("a-wheel==1", {"inside/weights.onnx": hashlib.sha256(b"weights").hexdigest()})
    wrong = fetching.Wheel("a-wheel==1", {"inside/weights.onnx": "0" * 64})
    with pytest.raises(SystemExit, match="not the file that it should be"):
        fetching.unpacked(tmp_path, wrong, tmp_path / "kept")
    assert not list((tmp_path / "kept").iterdir())
    assert fetching.unpacked(tmp_path, right, tmp_path / "kept") == [tmp_path / "kept" / "weights.onnx"]


@needs(*(route for route in NETWORKS if route != "upscale-imagined"))
def test_all_networks_but_the_one_that_invents_are_installed_for_these_tests() -> None:
    """Skipped, with what to install, if anything is missing."""


# Pictures of odd kinds: test_keeping.py asks the others the same


def lying(image: Image.Image) -> Media:
    turned = Image.Exif()
    turned[0x0112] = 6
    return written(image.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=turned)


STORED: dict[str, Callable[[Image.Image], Media]] = {
    "inks": lambda image: written(image.convert("CMYK"), "JPEG"),
    "palette": lambda image: written(image.quantize(64), "PNG"),
    "grey": lambda image: written(image.convert("L"), "PNG"),
    "clear": lambda image: written(image.convert("RGBA"), "WEBP"),
    "AVIF": lambda image: written(image, "AVIF"),
    "lying": lying,
}
"""Many a way to store a picture."""


@needs("text-remove", "classify")
@pytest.mark.parametrize("kind", STORED)
async def test_writing_is_taken_out_of_a_picture_however_it_is_stored(kind: str) -> None:
    image = STORED[kind](signed(scene(320, 200)))
    made = await make("text-remove", {"image": image})
    assert (made.width, made.height) == (320, 200)
    assert await refused("text-remove", {"image": made}) == "no_text"
    assert 0 <= float((await make("classify", {"image": image})).content) < 0.3


@needs("text-remove")
@pytest.mark.parametrize(("size", "at"), [((1600, 90), (700, 20)), ((320, 2400), (40, 1900))])
async def test_writing_is_found_in_the_longest_of_pictures(size: tuple[int, int], at: tuple[int, int]) -> None:
    image = scene(*size)
    plain = np.asarray(image).astype(np.int64)
    font, white, black = ImageFont.load_default(40), (255, 255, 255), (0, 0, 0)
    ImageDraw.Draw(image).text(at, "Hello world", font=font, fill=white, stroke_width=2, stroke_fill=black)
    before = np.abs(np.asarray(image).astype(np.int64) - plain).max(axis=2)
    made = await make("text-remove", {"image": png(image)})
    assert (made.width, made.height) == size
    after = np.abs(pixels(made)[..., :3].astype(np.int64) - plain).max(axis=2)
    letters = before > 60
    assert after[letters].mean() < before[letters].mean() / 3


@needs("text-remove", "classify")
async def test_what_is_deep_moves_or_is_tiny_is_refused_or_answered() -> None:
    deep = read(cv2.imencode(".png", np.full((40, 40, 3), 30_000, dtype=np.uint16))[1].tobytes())
    frames = [scene(48, 40, seed) for seed in (1, 2)]
    moving = written(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=90)
    for route in ("text-remove", "classify"):
        assert await refused(route, {"image": deep}) == "too_deep"
        assert await refused(route, {"image": moving}) == "animation"
    for size in ((1, 1), (600, 3)):
        assert await refused("text-remove", {"image": png(scene(*size))}) == "no_text"
        assert float((await make("classify", {"image": png(scene(*size))})).content) < 0.5


@needs("background-remove-seen")
async def test_a_picture_in_which_nothing_stands_out_costs_nothing(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        plain = png(Image.new("RGB", (64, 48), "white")).content
        with pytest.raises(ImageStudioError) as caught:
            await studio.operations.run(Request("background-remove", "acme", {}, {"image": [plain]}))
        assert "stands out" in str(caught.value)
        facts = facts_of(studio, "acme")
        assert (count(facts, Released), count(facts, Charged)) == (1, 0)
