"""Stability's endpoints: what each needs, allows and costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from PIL import UnidentifiedImageError

from tests.wire.fake import media

GLB: Final = "model/gltf-binary"
IMAGE: Final = "image"
SDXL: Final = "stable-diffusion-xl-1024-v1-0"
FORMATS: Final = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}
ASPECTS: Final = ("16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21")
LARGEST_FILE: Final = 10 * 1024 * 1024
LONGEST_PROMPT: Final = 10_000
SEEDS: Final = 4_294_967_294
SD3: Final = {"sd3.5-large": "6.5", "sd3.5-large-turbo": "4", "sd3.5-medium": "3.5", "sd3.5-flash": "2.5"}
"""Credits by model."""
EDITED: Final = (4_096, 9_437_184)
"""Pixels in a picture to be edited, at least and at most."""
LARGEST_BODY: Final = 413


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What one path takes: fields that must be there, those of them and beside them that are pictures, ranges of
    numbers, pixels of a picture, and its price in credits."""

    credits: str
    needs: tuple[str, ...]
    pictures: tuple[str, ...] = ()
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    pixels: tuple[int, int] = EDITED
    sides: tuple[int, int] = (64, 16_384)
    formats: tuple[str, ...] = tuple(FORMATS)
    makes: str = IMAGE
    later: bool = False
    enlarges: int = 1

    def cost(self, inputs: Mapping[str, Any]) -> Decimal:
        """Credits."""
        return Decimal(SD3[str(inputs.get("model", "sd3.5-large"))] if self.credits == "by model" else self.credits)


EDIT: Final = ("image", "mask")
GROW: Final = {"grow_mask": (0, 20)}
SIDES: Final = dict.fromkeys(("left", "right", "up", "down"), (0.0, 2000.0))
THREE_D: Final = (4_096, 4_194_304)
RELIGHT: Final = dict.fromkeys(
    ("preserve_original_subject", "original_background_depth", "light_source_strength"), (0.0, 1.0)
)
STYLES: Final = {"style_strength": (0, 1), "composition_fidelity": (0, 1), "change_strength": (0.1, 1)}

ENDPOINTS: Final = {
    "stable-image/generate/core": Endpoint("3", ("prompt",)),
    "stable-image/generate/ultra": Endpoint("8", ("prompt",), ("image",), {"strength": (0, 1)}),
    "stable-image/generate/sd3": Endpoint("by model", ("prompt",), ("image",), {"strength": (0, 1)}),
    "stable-image/edit/erase": Endpoint("5", ("image",), EDIT, GROW),
    "stable-image/edit/inpaint": Endpoint("5", ("image", "prompt"), EDIT, {"grow_mask": (0, 100)}),
    "stable-image/edit/outpaint": Endpoint("4", ("image",), ("image",), {**SIDES, "creativity": (0, 1)}),
    "stable-image/edit/search-and-replace": Endpoint("5", ("image", "prompt", "search_prompt"), EDIT, GROW),
    "stable-image/edit/search-and-recolor": Endpoint("5", ("image", "prompt", "select_prompt"), EDIT, GROW),
    "stable-image/edit/remove-background": Endpoint("5", ("image",), ("image",), formats=("png", "webp")),
    "stable-image/edit/replace-background-and-relight": Endpoint(
        "8", ("subject_image",), ("subject_image", "background_reference", "light_reference"), RELIGHT, later=True
    ),
    "stable-image/upscale/fast": Endpoint(
        "2", ("image",), ("image",), pixels=(1_024, 1_048_576), sides=(32, 1_536), enlarges=4
    ),
    "stable-image/upscale/conservative": Endpoint(
        "40", ("image", "prompt"), ("image",), {"creativity": (0.2, 0.5)}, enlarges=2
    ),
    "stable-image/upscale/creative": Endpoint(
        "60", ("image", "prompt"), ("image",), {"creativity": (0.1, 0.5)}, (4_096, 1_048_576), later=True, enlarges=2
    ),
    "stable-image/control/sketch": Endpoint("5", ("image", "prompt"), ("image",), {"control_strength": (0, 1)}),
    "stable-image/control/structure": Endpoint("5", ("image", "prompt"), ("image",), {"control_strength": (0, 1)}),
    "stable-image/control/style": Endpoint("5", ("image", "prompt"), ("image",), {"fidelity": (0, 1)}),
    "stable-image/control/style-transfer": Endpoint(
        "8", ("init_image", "style_image"), ("init_image", "style_image"), STYLES
    ),
    "3d/stable-fast-3d": Endpoint(
        "10", ("image",), ("image",), {"foreground_ratio": (0.1, 1), "vertex_count": (-1, 20_000)}, THREE_D, makes=GLB
    ),
    "3d/stable-point-aware-3d": Endpoint(
        "4",
        ("image",),
        ("image",),
        {"foreground_ratio": (1, 2), "guidance_scale": (1, 10), "target_count": (100, 20_000)},
        THREE_D,
        makes=GLB,
    ),
}


def complaint(endpoint: Endpoint, inputs: Mapping[str, Any]) -> tuple[int, str]:
    """The status and the words of the first thing wrong with a request; no words where nothing is."""
    missing = [name for name in endpoint.needs if inputs.get(name) in (None, "", b"")]
    if missing:
        return 400, f"{missing[0]}: is required"
    pictures = {name: inputs[name] for name in endpoint.pictures if inputs.get(name)}
    if any(isinstance(one, bytes) and len(one) > LARGEST_FILE for one in pictures.values()):
        return LARGEST_BODY, "the request is larger than 10MiB"
    words = [f"{name}: {text}" for name, one in pictures.items() if (text := about_picture(endpoint, name, one))]
    return 400, next(iter([*words, *about_texts(endpoint, inputs), *about_numbers(endpoint, inputs)]), "")


def about_picture(endpoint: Endpoint, name: str, content: Any) -> str:
    if not isinstance(content, bytes):
        return "must be a file"
    try:
        width, height = media.size_of(content)
    except UnidentifiedImageError:
        return "must be a jpeg, png or webp"
    if media.media_type(content) not in ("image/jpeg", "image/png", "image/webp"):
        return "must be a jpeg, png or webp"
    least, most = endpoint.pixels
    if not least <= width * height <= most:
        return f"must have between {least} and {most} pixels"
    if not endpoint.sides[0] <= min(width, height) <= max(width, height) <= endpoint.sides[1]:
        return f"each side must be between {endpoint.sides[0]} and {endpoint.sides[1]}"
    if endpoint.pixels == EDITED and name != "mask" and not 0.4 <= width / height <= 2.5:
        return "the aspect ratio must be between 1:2.5 and 2.5:1"
    return ""


def about_texts(endpoint: Endpoint, inputs: Mapping[str, Any]) -> list[str]:
    found = [
        f"{name}: must be at most {LONGEST_PROMPT} characters"
        for name in inputs
        if name.endswith("prompt") and len(str(inputs[name])) > LONGEST_PROMPT
    ]
    if inputs.get("output_format", "png") not in endpoint.formats:
        found.append(f"output_format: must be one of {', '.join(endpoint.formats)}")
    if inputs.get("aspect_ratio", "1:1") not in ASPECTS:
        found.append(f"aspect_ratio: must be one of {', '.join(ASPECTS)}")
    if endpoint.credits == "by model" and inputs.get("model", "sd3.5-large") not in SD3:
        found.append(f"model: must be one of {', '.join(SD3)}")
    if inputs.get("mode") == "image-to-image" and not (inputs.get("image") and inputs.get("strength")):
        found.append("image, strength: are required for image-to-image")
    return found


def about_numbers(endpoint: Endpoint, inputs: Mapping[str, Any]) -> list[str]:
    ranges = {**endpoint.ranges, "seed": (0, SEEDS)}
    return [
        f"{name}: must be a number between {least} and {most}"
        for name, (least, most) in ranges.items()
        if name in inputs and not within(inputs[name], least, most)
    ]


def within(value: Any, least: float, most: float) -> bool:
    try:
        return least <= float(value) <= most
    except ValueError:
        return False


def sdxl_complaint(inputs: Any) -> str:
    """What is wrong with a request to the first API."""
    prompts = inputs.get("text_prompts") if isinstance(inputs, dict) else None
    if not prompts or not all(isinstance(one, dict) and one.get("text") for one in prompts):
        return "text_prompts: is required"
    for name, least, most in (("cfg_scale", 0, 35), ("steps", 10, 50), ("samples", 1, 10), ("seed", 0, SEEDS)):
        if name in inputs and not within(inputs[name], least, most):
            return f"{name}: must be between {least} and {most}"
    sides = [inputs.get(name, 1024) for name in ("width", "height")]
    return "" if all(side >= 128 and side % 64 == 0 for side in sides) else "width, height: must be multiples of 64"
