"""The workshop really paints, edits and enlarges, says so honestly, and never holds up the event loop."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from application.ports import (
    Delivery,
    Job,
    Media,
    Provider,
    ProviderRefused,
    Recovery,
    Scalar,
    Task,
    TaskFailed,
    silent,
)
from imagestudio_workshop import upscale
from imagestudio_workshop.canvas import SCENE_WORDS, SCENES, paint, read_prompt, seeded
from imagestudio_workshop.filters import OPERATIONS, wanted
from imagestudio_workshop.palettes import PALETTE_WORDS, PALETTES
from imagestudio_workshop.provider import LocalProvider
from imagestudio_workshop.routes import ROUTES
from infrastructure.media import image_media
from tests.workshop.work import Pixels, made, media_of, pixels, task


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture
def provider(pool: ThreadPoolExecutor) -> LocalProvider:
    return LocalProvider(pool)


def canvas(prompt: str, outputs: int = 1, **inputs: Scalar) -> Task:
    return task("canvas", None, outputs, prompt=prompt, **{"width": 96, "height": 64, **inputs})


def photo(mode: str = "RGB", size: tuple[int, int] = (48, 32)) -> Media:
    """A picture in which no two halves, rows or columns are alike."""
    rng = np.random.default_rng(4)
    shape = (size[1], size[0], len(mode))
    ramp = np.linspace(40, 200, size[0])[None, :, None] + np.linspace(0, 30, size[1])[:, None, None]
    content = (ramp + rng.integers(0, 20, shape)).astype(np.uint8)
    return image_media(Image.fromarray(content, mode), "PNG")


def plain(size: tuple[int, int]) -> Media:
    """A large one, which is quick to write."""
    return image_media(Image.new("RGB", size), "PNG")


PHOTO = photo()


async def edited(provider: LocalProvider, prompt: str, image: Media = PHOTO) -> Media:
    return await made(provider, task("filter", image, prompt=prompt))


async def refusal(provider: LocalProvider, wanted: Task) -> ProviderRefused:
    with pytest.raises(ProviderRefused) as caught:
        await provider.submit(wanted, silent)
    return caught.value


async def test_every_route_delivers_a_real_png_that_says_how_it_was_made(provider: LocalProvider) -> None:
    tasks = [canvas("sea"), task("filter", PHOTO, prompt="sepia"), task("upscale", PHOTO)]
    for wanted_task, size in zip(tasks, [(96, 64), (48, 32), (96, 64)], strict=True):
        delivery = await provider.submit(wanted_task, silent)
        (output,) = media_of(delivery)
        assert (output.width, output.height) == size
        assert Image.open(io.BytesIO(output.content)).info["Software"] == ROUTES[wanted_task.route].label
        assert delivery.metadata["label"] == ROUTES[wanted_task.route].label
        assert delivery.cost == 0


async def test_what_is_painted_admits_that_no_model_painted_it() -> None:
    assert ROUTES["canvas"].label == "Image Studio local canvas (procedural, not a diffusion model)"


@pytest.mark.parametrize("route", ROUTES)
def test_no_route_lacks_anything_and_its_maker_is_there(provider: LocalProvider, route: str) -> None:
    """But for the one whose extra is not installed for tests: it says how to get it."""
    lacking = provider.lacks(route)
    if route == "upscale-imagined" and lacking:
        assert lacking.endswith("pip install 'image-studio-workshop[detail]'")
    else:
        assert lacking == ""
    assert callable(ROUTES[route].load())


def test_a_route_nobody_knows_is_lacking(provider: LocalProvider) -> None:
    assert "'sculpt'" in provider.lacks("sculpt")


async def test_local_work_is_repeatable_and_leaves_no_jobs(provider: LocalProvider) -> None:
    port: Provider = provider
    assert (port.name, port.recovery) == ("local", Recovery.REPEATABLE)
    assert await port.find(canvas("sea")) == ()
    with pytest.raises(TaskFailed):
        await port.collect(canvas("sea"), Job("job"), silent)


async def test_the_same_prompt_and_seed_paint_the_same_bytes(provider: LocalProvider) -> None:
    first, again = [await made(provider, canvas("a misty forest", seed=7)) for _ in range(2)]
    assert first.content == again.content


async def test_another_prompt_or_seed_paints_another_picture(provider: LocalProvider) -> None:
    wishes = [canvas("a forest"), canvas("a forest!"), canvas("a forest", seed=1), canvas("a forest", seed=2)]
    assert len({(await made(provider, wish)).content for wish in wishes}) == 4


async def test_several_outputs_are_variations_and_the_first_is_the_picture_itself(provider: LocalProvider) -> None:
    several = media_of(await provider.submit(canvas("a lake", outputs=3), silent))
    assert len({output.content for output in several}) == 3
    assert several[0] == await made(provider, canvas("a lake"))


@pytest.mark.parametrize("scene", SCENES)
async def test_every_scene_is_painted_with_light_and_shade_in_many_palettes(
    provider: LocalProvider, scene: str
) -> None:
    word = SCENE_WORDS[scene].split()[0]
    for hour in ("sunset", "night", "noon", "storm"):
        picture = pixels(await made(provider, canvas(f"{word} {hour}", width=160, height=120)), "L")
        assert picture.std() > 8
        assert len(np.unique(picture)) > 40


def painted(prompt: str) -> Pixels:
    """With the same random numbers whatever the prompt, so that only its words make a difference."""
    image = paint(prompt, np.random.default_rng(3), (160, 160), lambda fraction, message: None)
    return np.asarray(image).astype(np.int64)


@pytest.mark.parametrize(
    ("scene", "thing"),
    [
        ("noon beach", "lighthouse"),
        ("noon beach", "sailboat"),
        ("noon meadow", "balloons"),
        ("noon mountain", "cabin"),
        ("noon mountain", "birds"),
        ("night mountain", "aurora"),
        ("noon mountain", "snowy"),
        ("space", "planet"),
        ("space planet", "ringed"),
        ("space", "galaxy"),
        ("abstract noon", "marble"),
    ],
)
def test_a_word_for_a_thing_puts_it_into_the_picture(scene: str, thing: str) -> None:
    assert (painted(f"{scene} qwerty") == painted(scene)).all()
    assert (painted(f"{scene} {thing}") != painted(scene)).any(axis=2).mean() > 0.002


@pytest.mark.parametrize("palette", PALETTES)
def test_the_words_of_a_palette_choose_it(palette: str) -> None:
    for word in PALETTE_WORDS[palette].replace("golden-hour", "").split():
        chosen = read_prompt(f"something {word.upper()}", np.random.default_rng(1)).palette
        assert list(PALETTE_WORDS).index(chosen) <= list(PALETTE_WORDS).index(palette)
    assert read_prompt(palette if palette != "mono" else "noir", np.random.default_rng(1)).palette == palette


def test_plurals_count_and_the_hour_decides_over_the_place() -> None:
    reading = read_prompt("Mountains and forests at sunset", np.random.default_rng(1))
    assert (reading.scene, reading.palette) == ("forest", "sunset")


def test_words_that_ask_for_nothing_leave_the_choice_to_the_seed() -> None:
    readings = [read_prompt("qwerty", seeded("qwerty", seed, 0)) for seed in range(40)]
    assert len({(reading.scene, reading.palette) for reading in readings}) > 20


async def test_night_is_darker_than_day_and_sunset_redder_than_the_ocean(provider: LocalProvider) -> None:
    night, day, sunset, ocean = [
        pixels(await made(provider, canvas(prompt))).mean(axis=(0, 1))
        for prompt in ("a mountain at night", "a mountain at noon", "waves at sunset", "tropical waves")
    ]
    assert night.sum() < day.sum() * 0.6
    assert sunset[0] - sunset[2] > ocean[0] - ocean[2] + 30


@pytest.mark.parametrize("size", [(64, 64), (300, 64), (64, 300), (257, 131)])
async def test_any_shape_of_canvas_is_painted(provider: LocalProvider, size: tuple[int, int]) -> None:
    for prompt in ("lake lighthouse birds", "galaxy", "mosaic", "city", "meadow balloon", "abstract gold", "dunes"):
        output = await made(provider, canvas(prompt, width=size[0], height=size[1]))
        assert (output.width, output.height) == size


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=st.text(max_size=60), seed=st.none() | st.integers())
def test_any_text_at_all_is_painted(provider: LocalProvider, prompt: str, seed: int | None) -> None:
    wish = canvas(prompt) if seed is None else canvas(prompt, seed=seed)
    assert asyncio.run(made(provider, wish)).width == 96


async def test_a_size_may_be_written_as_text(provider: LocalProvider) -> None:
    output = await made(provider, task("canvas", prompt="sea", size="128x96"))
    assert (output.width, output.height) == (128, 96)


@pytest.mark.parametrize(("width", "height"), [(63, 64), (64, 5000), (4096, 4096), (-64, 64), ("wide", 64)])
async def test_a_canvas_too_small_or_too_large_is_refused(
    provider: LocalProvider, width: Scalar, height: Scalar
) -> None:
    assert (await refusal(provider, canvas("sea", width=width, height=height))).code == "unsupported_size"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.word)
async def test_every_edit_is_found_by_its_word_and_changes_the_picture(
    provider: LocalProvider, operation: object
) -> None:
    word = operation.word  # type: ignore[attr-defined]
    assert [found.word for found in wanted(f"please {word.upper()} this, thanks")] == [word]
    output = await edited(provider, f"please {word} this")
    assert output.content != PHOTO.content
    assert pixels(output).shape != pixels(PHOTO).shape or (pixels(output) != pixels(PHOTO)).mean() > 0.2


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("black and white, then blur it", ["grayscale", "blur"]),
        ("blur it, then make it black & white", ["blur", "grayscale"]),
        ("rotate left", ["rotate left"]),
        ("rotate it and flip it", ["rotate", "flip"]),
        ("flip horizontally", ["mirror"]),
        ("turn it upside down with more contrast", ["upside down", "contrast"]),
        ("sharper, sharper, sharper", ["sharpen"]),
        ("a scarf for the unblurrable frameless dog", []),
    ],
)
def test_edits_are_read_in_the_order_in_which_they_are_asked_for(prompt: str, words: list[str]) -> None:
    assert [operation.word for operation in wanted(prompt)] == words


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("mirror", lambda image: image[:, ::-1]),
        ("flip", lambda image: image[::-1]),
        ("rotate", lambda image: np.rot90(image, -1)),
        ("rotate left", lambda image: np.rot90(image, 1)),
        ("upside down", lambda image: image[::-1, ::-1]),
        ("crop square", lambda image: image[:, 8:40]),
        ("invert", lambda image: 255 - image),
        ("mirror, then invert", lambda image: 255 - image[:, ::-1]),
    ],
)
async def test_an_exact_edit_moves_each_pixel_where_it_belongs(
    provider: LocalProvider, prompt: str, expected: Callable[[Pixels], Pixels]
) -> None:
    assert (pixels(await edited(provider, prompt)) == expected(pixels(PHOTO))).all()


async def test_recolouring_does_what_it_says(provider: LocalProvider) -> None:
    before = pixels(PHOTO)
    gray = pixels(await edited(provider, "black and white"))
    assert (gray[..., 0] == gray[..., 1]).all()
    assert (gray[..., 1] == gray[..., 2]).all()
    assert pixels(await edited(provider, "brighten")).mean() > before.mean() * 1.1
    assert pixels(await edited(provider, "darken")).mean() < before.mean() * 0.9
    assert pixels(await edited(provider, "more contrast")).std() > before.std()
    assert (
        np.abs(np.diff(pixels(await edited(provider, "blur")), axis=1)).mean() < np.abs(np.diff(before, axis=1)).mean()
    )
    assert (
        np.abs(np.diff(pixels(await edited(provider, "sharpen")), axis=1)).mean()
        > np.abs(np.diff(before, axis=1)).mean()
    )
    warm, cool = pixels(await edited(provider, "warmer")), pixels(await edited(provider, "cooler"))
    assert (warm[..., 0] - warm[..., 2]).mean() > (before[..., 0] - before[..., 2]).mean() + 10
    assert (cool[..., 0] - cool[..., 2]).mean() < (before[..., 0] - before[..., 2]).mean() - 10


async def test_edits_follow_one_another(provider: LocalProvider) -> None:
    framed_then_inverted = pixels(await edited(provider, "border, then invert"))
    inverted_then_framed = pixels(await edited(provider, "invert, then border"))
    assert framed_then_inverted[0, 0].tolist() == [0, 0, 0]
    assert inverted_then_framed[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("prompt", ["sepia", "blur", "sketch", "mirror"])
async def test_transparency_survives_an_edit(provider: LocalProvider, prompt: str) -> None:
    clear = photo("RGBA")
    alpha = pixels(clear, "RGBA")[..., 3]
    after = pixels(await edited(provider, prompt, clear), "RGBA")[..., 3]
    assert (after == (alpha[:, ::-1] if prompt == "mirror" else alpha)).all()


async def test_variations_of_an_edit_differ_in_strength(provider: LocalProvider) -> None:
    outputs = media_of(await provider.submit(task("filter", PHOTO, 3, prompt="darken"), silent))
    first, weaker, stronger = [pixels(output).mean() for output in outputs]
    assert stronger < first < weaker < pixels(PHOTO).mean()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(prompt=st.text(st.characters(codec="utf-8", categories=["Lo", "Nd", "So"]), min_size=1, max_size=40))
def test_an_edit_nobody_knows_is_refused_with_the_known_words_and_without_the_prompt(
    provider: LocalProvider, prompt: str
) -> None:
    error = asyncio.run(refusal(provider, task("filter", PHOTO, prompt=f"zq{prompt}qz")))
    assert error.code == "unsupported_edit"
    assert all(operation.word in error.message for operation in OPERATIONS)
    assert f"zq{prompt}qz" not in error.message


async def test_a_photograph_lying_on_its_side_is_edited_upright(provider: LocalProvider) -> None:
    stream, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (48, 32), "red").save(stream, "JPEG", exif=exif)
    output = await edited(provider, "invert", Media(stream.getvalue(), "image/jpeg", 48, 32))
    assert (output.width, output.height) == (32, 48)


async def test_sixteen_bits_a_pixel_are_refused_by_what_works_in_eight(provider: LocalProvider) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((8, 8), 0x8000, dtype=np.uint16)).save(stream, "PNG")
    deep = task("filter", Media(stream.getvalue(), "image/png"), prompt="mirror")
    assert (await refusal(provider, deep)).code == "too_deep"


@pytest.mark.parametrize("factor", [2, 4, "2", "4x"])
async def test_a_picture_is_enlarged_by_its_factor_and_stays_the_same_picture(
    provider: LocalProvider, factor: Scalar
) -> None:
    output = await made(provider, task("upscale", PHOTO, factor=factor))
    times = int(str(factor)[0])
    assert (output.width, output.height) == (48 * times, 32 * times)
    small = Image.open(io.BytesIO(output.content)).resize((48, 32), Image.Resampling.BOX)
    assert np.abs(np.asarray(small).astype(int) - pixels(PHOTO)).mean() < 3


async def test_an_enlarged_edge_is_sharp_and_has_no_halo(provider: LocalProvider) -> None:
    step = Image.new("RGB", (16, 16), (60, 60, 60))
    step.paste((200, 200, 200), (8, 0, 16, 16))
    after = pixels(await made(provider, task("upscale", image_media(step, "PNG"), factor=4)))[..., 0]
    assert (after.min(), after.max()) == (60, 200)
    between = ((after[32] > 70) & (after[32] < 190)).sum()
    assert between <= 4


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("factor", [2, 4])
def test_a_large_picture_is_enlarged_in_bands_that_leave_no_seam(mode: str, factor: int) -> None:
    image = Image.open(io.BytesIO(photo(mode, (40, 150)).content))
    whole = upscale.enlarged_by_planes(image, factor, silent, band=150)
    assert (np.asarray(upscale.enlarged_by_planes(image, factor, silent, band=31)) == np.asarray(whole)).all()


@pytest.mark.parametrize("color", [(0, 0, 0), (255, 255, 255), (13, 130, 200)])
async def test_an_even_surface_stays_even_to_its_borders(provider: LocalProvider, color: tuple[int, int, int]) -> None:
    flat = image_media(Image.new("RGB", (9, 7), color), "PNG")
    assert (pixels(await made(provider, task("upscale", flat, factor=2))) == np.array(color)).all()


async def test_what_is_transparent_stays_so_and_nothing_bleeds_in_from_under_it(provider: LocalProvider) -> None:
    image = Image.new("RGBA", (16, 16), (255, 0, 0, 0))
    image.paste((0, 200, 0, 255), (4, 4, 12, 12))
    after = pixels(await made(provider, task("upscale", image_media(image, "PNG"))), "RGBA")
    assert after[0, 0, 3] == 0
    assert after[16, 16].tolist() == [0, 200, 0, 255]
    assert after[..., 0][after[..., 3] > 127].max() < 40


@pytest.mark.parametrize(
    ("wanted_task", "code"),
    [
        (task("upscale", PHOTO, factor=3), "unsupported_factor"),
        (task("upscale", PHOTO, factor="a lot"), "unsupported_factor"),
        (task("upscale", plain(size=(2001, 2000)), factor=4), "too_large"),
        (task("upscale"), "missing_image"),
        (task("filter", prompt="blur"), "missing_image"),
        (task("filter", Media(b"no image", "image/png"), prompt="blur"), "unreadable_image"),
        (task("filter", Media(PHOTO.content[:99], "image/png"), prompt="blur"), "unreadable_image"),
        (task("upscale", Media(b"ftyp", "video/mp4")), "unreadable_image"),
        (task("sculpt", PHOTO), "unknown_route"),
        (canvas("sea", outputs=0), "too_many_outputs"),
        (canvas("sea", outputs=1000), "too_many_outputs"),
    ],
)
async def test_what_cannot_be_done_is_refused(provider: LocalProvider, wanted_task: Task, code: str) -> None:
    assert (await refusal(provider, wanted_task)).code == code


@pytest.mark.parametrize(
    "wanted_task", [canvas("sea", 2), task("filter", PHOTO, 2, prompt="blur, sepia"), task("upscale", PHOTO, 2)]
)
async def test_progress_rises_in_steps_heard_on_the_event_loops_thread(
    provider: LocalProvider, wanted_task: Task
) -> None:
    heard: list[tuple[float, int]] = []
    await provider.submit(wanted_task, lambda fraction, message: heard.append((fraction, threading.get_ident())))
    fractions = [fraction for fraction, _ in heard]
    assert len(fractions) >= 6
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert {thread for _, thread in heard} == {threading.get_ident()}


async def test_the_event_loop_is_free_while_work_waits_for_its_pool() -> None:
    released = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(released.wait)
        waiting = asyncio.create_task(LocalProvider(pool).submit(canvas("sea"), silent))
        await asyncio.sleep(0)
        assert not waiting.done()
        released.set()
        assert isinstance(await waiting, Delivery)


async def test_work_nobody_waits_for_ends_at_its_next_step() -> None:
    begun, heard = asyncio.Event(), []

    def progress(fraction: float, message: str) -> None:
        heard.append(fraction)
        begun.set()

    with ThreadPoolExecutor(1) as pool:
        waiting = asyncio.create_task(LocalProvider(pool).submit(canvas("a lake", outputs=16, width=400), progress))
        await begun.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await asyncio.get_running_loop().run_in_executor(pool, lambda: "the pool is free again")
    assert max(heard) < 0.9


async def test_work_that_is_cancelled_ends_at_its_next_step_and_says_so(provider: LocalProvider) -> None:
    wanted = canvas("a lake", 3)
    stopped: list[bool] = []

    def stop(fraction: float, message: str) -> None:
        if not stopped:
            stopped.append(True)
            asyncio.get_running_loop().create_task(provider.cancel(wanted, None))

    with pytest.raises(TaskFailed) as failed:
        await provider.submit(wanted, stop)
    assert failed.value.code == "cancelled"


async def test_what_does_not_run_here_cannot_be_stopped_here(provider: LocalProvider) -> None:
    wanted = canvas("a lake")
    await provider.submit(wanted, silent)
    assert not await provider.cancel(wanted, None)


async def test_work_that_takes_longer_than_its_model_allows_is_ended(provider: LocalProvider) -> None:
    with pytest.raises(TaskFailed) as failed:
        await provider.submit(replace(canvas("a lake"), deadline=0), silent)
    assert failed.value.code == "deadline"
