"""A painted picture set in motion: its layers drift, its water runs, its stars twinkle, and the end is the beginning.

    words ── canvas ──> sky, land and water, what stands in front ── time in [0, 1) ──> one frame

Frames are made one by one as they are asked for; only the layers are held.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from imagestudio_workshop.canvas import Layers, paint_layers

Pixels: TypeAlias = npt.NDArray[np.uint8]
Shares: TypeAlias = npt.NDArray[np.float32]

MARGIN: Final = 1.16
"""How much larger than the frame the layers are, so that they can move."""
_TURN: Final = 2 * math.pi
_FAR: Final = 0.3
_STANDS_OUT: Final = 10
_STARS: Final = 700
_FLAKES: Final = 160
_MOTES: Final = 40


@dataclass(frozen=True, slots=True)
class Mote:
    """Points of light that wander: flakes that fall, or fireflies; positions and phases in [0, 1)."""

    x: Shares
    y: Shares
    phase: Shares
    size: Shares
    falls: bool


class Reel:
    """Frames of `size` (width, height) at any time of one seamless round."""

    def __init__(self, prompt: str, seeded: Callable[[], np.random.Generator], size: tuple[int, int]) -> None:
        """`seeded` gives the same random numbers at each call: the picture's, then the motion's."""
        self.size = size
        large = round(size[0] * MARGIN / 2) * 2, round(size[1] * MARGIN / 2) * 2
        self._layers = paint_layers(prompt, seeded(), large)
        self._land = None if self._layers.sky is None else _covering(self._layers.whole, self._layers.sky)
        self._front = None if self._layers.water is None else _covering(self._layers.whole, self._layers.water)
        self._motes = _motes(self._layers, seeded())
        self._stars = _stars(self._layers)
        self._vignette = _vignette(size)

    def frames(self, count: int) -> Iterator[Image.Image]:
        """One round in `count` frames."""
        return (self.frame(number / count) for number in range(count))

    def frame(self, time: float) -> Image.Image:
        """The frame at a time in [0, 1); 1 would be 0 again. RGB."""
        picture = self._composed(time)
        if self._motes is not None:
            _light_up(picture, self._motes, time)
        return Image.fromarray((picture * self._vignette).clip(0, 255).astype(np.uint8))

    def _composed(self, time: float) -> Shares:
        near = self._moved(self._running(time), time, 1.0)
        if self._layers.sky is None or self._land is None:
            return self._pulsing(near.astype(np.float32), time)
        land = self._moved(self._land, time, 1.0).astype(np.float32)[..., None] / 255
        far = self._moved(self._twinkling(self._layers.sky, time), time, _FAR)
        return np.asarray(far * (1 - land) + near * land, dtype=np.float32)

    def _moved(self, layer: Pixels, time: float, nearness: float) -> Pixels:
        """The part of a layer that the camera sees: it swings from side to side and comes a little closer."""
        width, height = self.size
        closer = 1 - 0.045 * nearness * (1 - math.cos(_TURN * time)) / 2
        spare_x, spare_y = layer.shape[1] - width * closer, layer.shape[0] - height * closer
        left = spare_x / 2 * (1 + 0.8 * nearness * math.sin(_TURN * time))
        top = spare_y / 2 * (1 + 0.25 * nearness * math.sin(2 * _TURN * time))
        seen = (left, top, left + width * closer, top + height * closer)
        return np.asarray(Image.fromarray(layer).resize(self.size, Image.Resampling.BICUBIC, box=seen))

    def _running(self, time: float) -> Pixels:
        """Water shifted row by row in waves that come nearer; silk in folds that travel."""
        layers = self._layers
        if layers.scene == "silk":
            return _rippled(layers.whole, 0, 0.012, 1.6, time)
        if layers.water is None or self._front is None:
            return self._twinkling(layers.whole, time) if layers.scene == "cosmos" else layers.whole
        first = int(layers.waterline * layers.whole.shape[0])
        run = _rippled(layers.water, first, 0.006, 9.0, time)
        front = self._front[first:, :, None].astype(np.float32) / 255
        run[first:] = run[first:] * (1 - front) + layers.whole[first:] * front
        run[:first] = layers.whole[:first]
        return run

    def _twinkling(self, layer: Pixels, time: float) -> Pixels:
        if self._stars is None:
            return layer
        rows, columns, phases = self._stars
        lit = layer.copy()
        strength = 1 + 0.55 * np.sin(_TURN * (2 * time + phases), dtype=np.float32)
        lit[rows, columns] = (lit[rows, columns] * strength[:, None]).clip(0, 255)
        return lit

    def _pulsing(self, picture: Shares, time: float) -> Shares:
        """Light that wanders behind glass and over silk; the cosmos has its own."""
        if self._layers.scene == "cosmos":
            return picture
        height, width = picture.shape[:2]
        x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] - np.float32(0.7 * math.cos(_TURN * time))
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] - np.float32(0.6 * math.sin(_TURN * time))
        return picture * (0.86 + 0.42 * np.exp(-1.6 * (x * x + y * y)))[..., None].astype(np.float32)


def _covering(whole: Pixels, behind: Pixels) -> Pixels:
    """How far each pixel hides the layer behind it, 0 to 255."""
    difference = np.abs(whole.astype(np.int16) - behind).max(axis=2)
    return np.asarray(((difference - 2) * (255 // _STANDS_OUT)).clip(0, 255), dtype=np.uint8)


def _rippled(layer: Pixels, first: int, swing: float, waves: float, time: float) -> Pixels:
    """Rows from `first` on, each shifted sideways and up or down by a wave that is smaller in the distance."""
    height = layer.shape[0]
    share = np.linspace(0, 1, height - first, dtype=np.float32)
    depth = 1 / (share + 0.12)
    wave = np.sin(_TURN * (waves * depth / 3 - 2 * time)) + 0.5 * np.sin(_TURN * (waves * depth / 1.7 - 3 * time))
    reach = swing * height * np.minimum(share * 6, 1) * (0.25 + 0.75 * share)
    rows = (np.arange(first, height) + wave * reach).clip(first, height - 1)
    above = rows.astype(np.int32)
    below = np.minimum(above + 1, height - 1)
    part = (rows - above)[:, None, None].astype(np.float32)
    moved = layer.copy()
    moved[first:] = layer[above] * (1 - part) + layer[below] * part
    return moved


def _stars(layers: Layers) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Shares] | None:
    """The brightest points of a night's sky, where they stand out from what is around them."""
    if not (layers.scene == "cosmos" or (layers.night and layers.sky is not None)):
        return None
    sky = layers.whole if layers.sky is None else layers.sky
    grey = Image.fromarray(sky).convert("L")
    around = grey.resize((grey.width // 8, grey.height // 8), Image.Resampling.BOX).resize(grey.size)
    above = np.asarray(grey).astype(np.int16) - np.asarray(around)
    found = np.argsort(above.ravel())[-_STARS * 4 :]
    rows, columns = np.divmod(found, above.shape[1])
    # Pixels of one star share its phase.
    phases = ((rows // 6 * 7919 + columns // 6 * 104_729) % 997 / 997).astype(np.float32)
    return rows, columns, phases


def _motes(layers: Layers, rng: np.random.Generator) -> Mote | None:
    falls = bool(layers.words & {"snow", "snowy", "winter", "blizzard"}) and layers.sky is not None
    flies = layers.scene in ("forest", "meadow") and layers.night
    if not falls and not flies:
        return None
    count = _FLAKES if falls else _MOTES
    x, y, phase = (rng.random(count, dtype=np.float32) for _ in range(3))
    size = 0.0012 + 0.0028 * rng.random(count, dtype=np.float32) ** 2
    return Mote(x, y if falls else 0.45 + 0.5 * y, phase, size, falls)


def _light_up(picture: Shares, motes: Mote, time: float) -> None:
    """Add each mote as a soft point; those that fall pass the frame a whole number of times a round."""
    height, width = picture.shape[:2]
    sway = np.sin(_TURN * (time + motes.phase))
    if motes.falls:
        speed = 1 + (motes.phase * 2).astype(np.int32)
        x, y, light = motes.x + 0.015 * sway, (motes.y + speed * time) % 1.06 - 0.03, np.full_like(sway, 200)
    else:
        x, y = motes.x + 0.03 * sway, motes.y + 0.02 * np.cos(_TURN * (2 * time + motes.phase))
        light = 190 * np.clip(np.sin(_TURN * (2 * time + motes.phase * 5)), 0, 1)
    tint = np.array([1, 1, 1] if motes.falls else [0.95, 1, 0.45], dtype=np.float32)
    for at_x, at_y, size, power in zip(x * width, y * height, motes.size * height, light, strict=True):
        _dot(picture, float(at_x), float(at_y), max(0.8, float(size)), tint * np.float32(power))


def _dot(picture: Shares, x: float, y: float, sigma: float, light: Shares) -> None:
    height, width = picture.shape[:2]
    reach = math.ceil(sigma * 2.5)
    left, right = max(0, int(x) - reach), min(width, int(x) + reach + 2)
    top, bottom = max(0, int(y) - reach), min(height, int(y) + reach + 2)
    if left >= right or top >= bottom:
        return
    columns, rows = np.arange(left, right, dtype=np.float32) - x, np.arange(top, bottom, dtype=np.float32) - y
    soft = np.exp(-(columns[None, :] ** 2 + rows[:, None] ** 2) / np.float32(2 * sigma * sigma))
    picture[top:bottom, left:right] += soft[..., None] * light


def _vignette(size: tuple[int, int]) -> Shares:
    """Shape (H, W, 1), for pixels that are encoded and not linear light."""
    x, y = np.linspace(-0.5, 0.5, size[0])[None, :], np.linspace(-0.5, 0.5, size[1])[:, None]
    light = 1 - np.clip((x * x + y * y) * 0.62 - 0.03, 0, 1)
    return np.asarray(light[..., None] ** (1 / 2.2), dtype=np.float32)
