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
    found = [_read(output) for output in outputs]
    assert [output.media_type for output in outputs] == [each.media_type for each in found]
    return found


def _read(output: Media) -> Media:
    """As the studio reads it, which expects text only of who says so."""
    limits = {"max_bytes": 10**8, "max_pixels": 10**8}
    return read_media(output.content, field="output", media_types=(output.media_type,), **limits)


async def made(provider: LocalProvider, wanted: Task) -> Media:
    (output,) = media_of(await provider.submit(wanted, silent))
    return output


def lacking(route: str) -> str:
    """What is not installed here for a route, and how to install it; empty if nothing is missing."""
    with ThreadPoolExecutor(1) as pool:
        return LocalProvider(pool).lacks(route)


def needs(*routes: str) -> pytest.MarkDecorator:
    """Skips, saying what to install, what a network is needed for that is not here."""
    missing = "; ".join(filter(None, map(lacking, routes)))
    return pytest.mark.skipif(bool(missing), reason=missing)


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


def leaves(seed: int, width: int = 96, height: int = 72) -> Image.Image:
    """Ovals of all sizes that hide each other, as things in photos do: pictures of these have photos' statistics.

    The dead leaves model (Lee, Mumford and Huang, 2001), each leaf with a grain of its own.
    """
    rng, finer = np.random.default_rng(seed), 3
    y, x = np.mgrid[: height * finer, : width * finer].astype(np.float32)
    result = np.full((*y.shape, 3), rng.uniform(20, 235, 3))
    for _ in range(150):
        radius = min(width * finer / 3, 3 * finer / (1 - rng.random()) ** 0.5)
        across, down, turn = x - rng.uniform(0, x.max()), y - rng.uniform(0, y.max()), rng.uniform(0, np.pi)
        along = across * np.cos(turn) + down * np.sin(turn)
        beside = (down * np.cos(turn) - across * np.sin(turn)) / rng.uniform(0.4, 1)
        leaf = along**2 + beside**2 < radius**2
        grain = rng.uniform(0, 18) * np.sin(along[leaf] / rng.uniform(3, 10))
        result[leaf] = rng.uniform(20, 235, 3) + grain[:, None]
    return Image.fromarray(result.clip(0, 255).astype(np.uint8)).resize((width, height), Image.Resampling.BOX)
