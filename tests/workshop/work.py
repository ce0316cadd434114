"""What tests of local work share: tasks, a made output, and pixels to look at."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from application.ports import Delivery, Media, ProviderRefused, Task, Value, silent
from imagestudio_workshop.provider import LocalProvider
from infrastructure.media import image_media, read_media

Pixels = npt.NDArray[np.int64]


def task(route: str, image: Media | None = None, outputs: int = 1, **inputs: Value) -> Task:
    return task_with(route, {} if image is None else {"image": image}, outputs, **inputs)


def task_with(route: str, media: dict[str, Media], outputs: int = 1, **inputs: Value) -> Task:
    files = {name: (file,) for name, file in media.items()}
    return Task("op-1", 1, "a-kind", "a-model", route, outputs, inputs, files)


def media_of(delivery: Delivery) -> list[Media]:
    """The outputs as the studio reads them, each of which came with the answer and is of the type it says."""
    outputs = [output for output in delivery.outputs if isinstance(output, Media)]
    assert len(outputs) == len(delivery.outputs)
    found = [read_media(output.content, field="output", max_bytes=10**8, max_pixels=10**8) for output in outputs]
    assert [output.media_type for output in outputs] == [each.media_type for each in found]
    return found


async def made(provider: LocalProvider, wanted: Task) -> Media:
    (output,) = media_of(await provider.submit(wanted, silent))
    return output


async def make(route: str, media: dict[str, Media] | None = None, **inputs: Any) -> Media:
    """One output, from a pool of its own."""
    with ThreadPoolExecutor(1) as pool:
        return await made(LocalProvider(pool), task_with(route, media or {}, **inputs))


async def refused(route: str, media: dict[str, Media] | None = None, **inputs: Any) -> str:
    """The code of the refusal."""
    with pytest.raises(ProviderRefused) as caught:
        await make(route, media, **inputs)
    return caught.value.code


def png(image: Image.Image) -> Media:
    return image_media(image, "PNG")


def shown(media: Media) -> Image.Image:
    image = Image.open(io.BytesIO(media.content))
    image.load()
    return image


def pixels(media: Media, mode: str = "RGB") -> Pixels:
    return np.asarray(shown(media).convert(mode)).astype(np.int64)


def psnr(one: npt.ArrayLike | Image.Image, other: npt.ArrayLike | Image.Image) -> float:
    """Peak signal to noise in decibels: the higher, the more alike."""
    difference = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    return float(10 * np.log10(255**2 / max(1e-9, float((difference**2).mean()))))


def scene(width: int = 160, height: int = 120, seed: int = 1) -> Image.Image:
    """Something like a photograph: smooth shades, round and slanted edges, fine texture."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    ground = 90 + 60 * np.sin(x / 37 + seed) * np.cos(y / 29) + 0.3 * y
    grain = np.asarray(
        Image.fromarray(rng.normal(0, 1, (height // 2 + 1, width // 2 + 1)).astype(np.float32)).resize(
            (width, height), Image.Resampling.BICUBIC
        )
    )
    planes = []
    for plane in range(3):
        shade = ground + 6 * grain + 15 * plane
        for _ in range(6):
            cx, cy, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(8, 30)
            edge = radius - np.hypot(x - cx, (y - cy) * 1.3)
            shade = shade + rng.uniform(-80, 80) / (1 + np.exp((-edge * 1.5).clip(-50, 50)))
        planes.append(shade)
    return Image.fromarray(np.stack(planes, axis=-1).clip(0, 255).astype(np.uint8))
