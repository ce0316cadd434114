"""What a model does not take is refused before anything is sent, with the field, the value and the limit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from math import isqrt
from typing import Any

import pytest

from domain.catalogue import Model, check_inputs
from domain.errors import InvalidInput
from domain.inputs import FileInfo, Input, InputType, plain
from infrastructure.catalogue import load_catalogue
from tests.infrastructure.sample_inputs import file_of, sample

CATALOGUE, _ = load_catalogue()
PICTURE = FileInfo("image/png", 1_000, 512, 512)
FILM = FileInfo("video/mp4", 1_000, 512, 512, 5_000)
SPEECH = FileInfo("audio/wav", 1_000, duration_ms=5_000)

Files = dict[str, tuple[FileInfo, ...]]


def refusal(model: Model, inputs: dict[str, Any], media: Files) -> InvalidInput:
    asked = sample(model)
    with pytest.raises(InvalidInput) as caught:
        check_inputs(model, model.kinds[0], {**asked.inputs, **inputs}, {**asked.media, **media})
    return caught.value


@pytest.mark.parametrize(
    ("model", "inputs", "media", "field", "why"),
    [
        ("qwen-edit", {}, {"mask": (PICTURE,)}, "mask", "is no input of model 'qwen-edit'"),
        ("hf-image-edit", {}, {"mask": (PICTURE,)}, "mask", "is no input of model 'hf-image-edit'"),
        ("nano-banana-pro-edit-ultra", {"seed": 1}, {}, "seed", "is no input of model"),
        ("qwen-edit-plus", {}, {"image": (PICTURE,) * 4}, "image", "4 files are more than the 3 accepted"),
        ("qwen-edit", {}, {"image": (PICTURE,) * 2}, "image", "2 files are more than the 1 accepted"),
        ("qwen-edit", {}, {"image": ()}, "image", "is missing"),
        ("z-image-turbo-inpaint", {}, {"mask": ()}, "mask", "is missing"),
        (
            "sd-inpaint",
            {},
            {"image": (replace(PICTURE, size=10_000_001),)},
            "image",
            "has 10000001 bytes; at most 10000000 are accepted",
        ),
        (
            "heygen-video-translate",
            {},
            {"video": (replace(FILM, size=500_000_001),)},
            "video",
            "has 500000001 bytes; at most 500000000",
        ),
        (
            "sd-inpaint",
            {},
            {"image": (replace(PICTURE, media_type="image/gif"),)},
            "image",
            "image/gif is not accepted",
        ),
        ("wan-2.5-i2v", {}, {"image": (FILM,)}, "image", "video/mp4 is not accepted"),
        ("gpt-image-2-edit", {}, {"mask": (replace(PICTURE, media_type="image/jpeg"),)}, "mask", "is not accepted"),
        (
            "sd-inpaint",
            {},
            {"image": (replace(PICTURE, width=1281),)},
            "image",
            "1281x512 is wider than 2.5, width by height",
        ),
        ("sd-inpaint", {}, {"image": (replace(PICTURE, width=204),)}, "image", "204x512 is narrower than 0.4"),
        (
            "sd-inpaint",
            {},
            {"image": (FileInfo("image/png", 1_000, 63, 70),)},
            "image",
            "its width of 63 px is below",
        ),
        (
            "sd-inpaint",
            {},
            {"image": (FileInfo("image/png", 1_000, 3072, 3073),)},
            "image",
            "its area of 9440256 px is above 9437184 px",
        ),
        (
            "sd-upscale-fast",
            {},
            {"image": (FileInfo("image/png", 1_000, 1537, 100),)},
            "image",
            "its width of 1537 px is above 1536 px",
        ),
        (
            "sd-upscale-creative",
            {},
            {"image": (FileInfo("image/png", 1_000, 1024, 1025),)},
            "image",
            "its area of 1049600 px is above 1048576 px",
        ),
        ("qwen-edit", {"size": "1537x512"}, {}, "size", "its width of 1537 px is above 1536 px"),
        ("seedream-v4.5-edit", {"size": "1024x1023"}, {}, "size", "its height of 1023 px is below 1024 px"),
        ("qwen-edit", {"size": "large"}, {}, "size", "must be a size, not 'large'"),
        ("hunyuan-video-1.5", {"size": "640x640"}, {}, "size", "'640x640' is not accepted"),
        ("flux-kontext-pro-t2i", {"width": 1025}, {}, "width", "1025 is above 1024, the most accepted"),
        ("sdxl-1.0", {"height": 127}, {}, "height", "127 is below 128, the least accepted"),
        ("sdxl-1.0", {"width": 1000}, {}, "width", "1000 is not accepted: it must be a multiple of 64"),
        ("veo3.1", {"duration": 5}, {}, "duration", "5 is not accepted"),
        ("seedance-1.5-pro-extend", {"duration": 13}, {}, "duration", "13 is above 12, the most accepted"),
        ("wan-2.5-extend", {"duration": 2}, {}, "duration", "2 is below 3, the least accepted"),
        (
            "wan-2.5-t2v",
            {},
            {"audio": (replace(SPEECH, duration_ms=30_001),)},
            "audio",
            "its duration of 30001 ms is above 30000 ms",
        ),
        (
            "wan-2.5-t2v",
            {},
            {"audio": (replace(SPEECH, duration_ms=2_999),)},
            "audio",
            "its duration of 2999 ms is below 3000 ms",
        ),
        (
            "hunyuan-avatar",
            {},
            {"audio": (replace(SPEECH, duration_ms=120_001),)},
            "audio",
            "its duration of 120001 ms is above 120000 ms",
        ),
        (
            "infinitetalk",
            {},
            {"audio": (replace(SPEECH, duration_ms=None),)},
            "audio",
            "its duration cannot be read, and is limited",
        ),
        (
            "stable-image-core",
            {"prompt": "x" * 10_001},
            {},
            "prompt",
            "has 10001 characters; at most 10000 are accepted",
        ),
        ("sdxl-1.0", {"negative_prompt": "x" * 2_001}, {}, "negative_prompt", "has 2001 characters; at most 2000"),
        ("rodin-v2-t23d", {"prompt": " "}, {}, "prompt", "is empty"),
        ("sd-erase", {"grow_mask": 21}, {}, "grow_mask", "21 is above 20, the most accepted"),
        ("sd-inpaint", {"grow_mask": 101}, {}, "grow_mask", "101 is above 100, the most accepted"),
        ("sd-outpaint", {"left": 2001}, {}, "left", "2001 is above 2000, the most accepted"),
        ("sd-outpaint", {"left": 0}, {}, "left or right or up or down", "is missing"),
        ("sd-relight", {"prompt": ""}, {}, "prompt or background or light_reference", "is missing"),
        ("sd-search-replace", {"seed": 4_294_967_295}, {}, "seed", "4294967295 is above 4294967294"),
        ("flux-kontext-pro", {"guidance": "0.99"}, {}, "guidance", "0.99 is below 1, the least accepted"),
        ("kling-v2.5-turbo-std", {"guidance": "1.01"}, {}, "guidance", "1.01 is above 1, the most accepted"),
        ("sd-remove-background", {"output_format": "jpeg"}, {}, "output_format", "'jpeg' is not accepted"),
        ("veo3.1", {"resolution": "480p"}, {}, "resolution", "'480p' is not accepted"),
        ("hunyuan3d-v3-sketch", {"face_count": 39_999}, {}, "face_count", "39999 is below 40000"),
        ("veo3.1", {"generate_audio": "yes"}, {}, "generate_audio", "must be true or false, not 'yes'"),
    ],
)
def test_a_clear_refusal_names_field_value_and_limit(
    model: str, inputs: dict[str, Any], media: Files, field: str, why: str
) -> None:
    found = refusal(CATALOGUE.get(model), inputs, media)
    assert found.field == field
    assert why in found.message


def beyond(spec: Input) -> Iterator[tuple[str, object]]:
    """A value just beyond each limit of an input, with the limit as a message writes it."""
    match spec.type:
        case InputType.TEXT:
            yield str(spec.max_chars), "x" * (spec.max_chars + 1)
        case InputType.CHOICE:
            yield "is not accepted", "what nobody offers"
        case InputType.INTEGER if spec.choices:
            yield "is not accepted", max(map(int, spec.choices)) + 1
        case InputType.INTEGER | InputType.DECIMAL:
            step = Decimal(1) if spec.type is InputType.INTEGER else Decimal("0.000001")
            ends = [(spec.minimum, -step), (spec.maximum, step)]
            yield from ((str(end), plain(end + by)) for end, by in ends if end is not None)
            if spec.multiple_of is not None:
                yield f"multiple of {spec.multiple_of}", int(spec.minimum or 0) + 1
        case InputType.FLAG:
            yield "true or false", "perhaps"
        case InputType.SIZE:
            if spec.max_side is not None:
                yield str(spec.max_side), f"{spec.max_side + 1}x{spec.max_side}"


def files_beyond(spec: Input) -> Iterator[tuple[str, tuple[FileInfo, ...]]]:
    """Files just beyond each limit of an input, with the limit as a message writes it."""
    good = file_of(spec)
    yield str(spec.many), (good,) * (spec.many + 1)
    yield str(spec.max_bytes), (replace(good, size=spec.max_bytes + 1),)
    yield "is not accepted", (replace(good, media_type="application/pdf"),)
    for limit, by in ((spec.min_ms, -1), (spec.max_ms, 1)):
        if limit is not None:
            yield str(limit), (replace(good, duration_ms=limit + by),)
    for limit, by in ((spec.min_side, -1), (spec.max_side, 1)):
        if limit is not None:
            yield str(limit), (replace(good, width=limit + by),)
    if spec.max_pixels is not None and good.width is not None:
        side = isqrt(spec.max_pixels) + 1
        yield str(spec.max_pixels), (replace(good, width=side, height=side),)
    if spec.max_aspect is not None and spec.max_side is None and good.height is not None:
        yield str(spec.max_aspect), (replace(good, width=int(good.height * spec.max_aspect) + 1),)


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.id)
def test_just_beyond_any_limit_of_any_input_is_refused(model: Model) -> None:
    for spec in model.inputs.values():
        if spec.is_file:
            for limit, files in files_beyond(spec):
                found = refusal(model, {}, {spec.name: files})
                assert (found.field, limit in found.message) == (spec.name, True), (limit, found.message)
        else:
            for limit, value in beyond(spec):
                found = refusal(model, {spec.name: value}, {})
                assert (found.field, limit in found.message) == (spec.name, True), (limit, found.message)


def test_masks_are_taken_by_those_who_know_what_to_do_with_one() -> None:
    takers = {model.id for model in CATALOGUE if "mask" in model.inputs and model.provider == "wavespeed"}
    assert takers == {
        *("ideogram-v3-turbo", "ideogram-character", "gpt-image-1", "z-image-turbo-inpaint", "image-eraser"),
        *("sam-3d-body", "sam-3d-objects", "infinitetalk"),
    }


def test_a_mask_never_travels_as_a_second_image() -> None:
    for model in CATALOGUE:
        if "mask" in model.inputs:
            assert model.inputs["mask"].wire_name in ("mask", "mask_image")
            assert model.inputs["mask"].many == 1
