"""Pictures of nothing: folded silk by warping noise with noise, and stained glass."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from imagestudio_workshop.color import color, gradient
from imagestudio_workshop.noise import Field, enlarge, lookup, mix, smoothstep, spectral
from imagestudio_workshop.stage import Stage


def paint_silk(stage: Stage) -> None:
    """Domain warping after Inigo Quilez (https://iquilezles.org/articles/warp), lit like cloth."""
    width, height = max(2, stage.width * 5 // 8), max(2, stage.height * 5 // 8)
    scale, fold = np.float32(stage.rng.uniform(0.75, 1.35)), np.float32(stage.rng.uniform(0.32, 0.62))
    smooth = spectral(stage.rng, 4.0, 256)
    offset = stage.rng.uniform(0, 1, 8).astype(np.float32)
    u, v = stage.columns(width) * scale + 0 * stage.rows_of(height), stage.rows_of(height) * scale
    v = v + 0 * u
    first = _pair(smooth, u + offset[0], v + offset[1], offset[2])
    second = _pair(smooth, u + fold * first[0] + offset[3], v + fold * first[1] + offset[4], offset[5])
    height_map = lookup(smooth, u + fold * second[0] + offset[6], v + fold * second[1] + offset[7])
    hue = np.clip(0.10 + 0.62 * height_map + 0.45 * (first[0] - 0.5) + 0.30 * (second[1] - 0.5), 0, 1)
    cloth = _light(gradient(stage.palette.accents, hue), height_map, stage)
    if stage.has("gold", "golden", "marble", "kintsugi", "luxury"):
        vein = smoothstep(0.030, 0.004, np.abs(second[0] - 0.5)) * smoothstep(0.25, 0.6, first[1])
        cloth = mix(cloth, color("#ffcf6b") * (0.55 + 0.9 * height_map), vein)
    stage.picture[:] = enlarge(cloth, stage.width, stage.height)


def _pair(tile: Field, u: Field, v: Field, offset: np.float32) -> tuple[Field, Field]:
    return lookup(tile, u, v), lookup(tile, u + offset, v + np.float32(0.37))


def _light(cloth: Field, height_map: Field, stage: Stage) -> Field:
    """Lambert's shading and a soft highlight, taking the noise for the height of a surface."""
    steepness = np.float32(height_map.shape[0] * 0.045)
    down, across = np.gradient(height_map)
    nx, ny = -across * steepness, -down * steepness
    length = np.sqrt(nx * nx + ny * ny + 1)
    facing = (nx * np.float32(-0.5) + ny * np.float32(-0.62) + np.float32(0.6)) / length
    shine = np.clip(facing, 0, 1) ** 14
    return np.asarray(
        cloth * (0.30 + 0.95 * np.clip(facing, 0, 1.1)) + stage.glow() * shine * np.float32(0.30), dtype=np.float32
    )


def paint_glass(stage: Stage) -> None:
    """Cells about scattered points, each a pane of one colour with light behind it, in dark leading."""
    width, height = stage.width, stage.height
    count = int(stage.rng.integers(55, 110))
    px, py = stage.rng.uniform(0, stage.aspect, count), stage.rng.uniform(0, 1, count)
    small = max(2, width // 2), max(2, height // 2)
    nearest, second, owner = _two_nearest(stage, px, py, small)
    leading = smoothstep(0.006, 0.011, enlarge(second - nearest, width, height))
    radius = np.hypot(px - stage.light[0], py - stage.light[1])
    hue = np.clip(0.92 - radius * 0.75 + stage.rng.normal(0, 0.13, count), 0.05, 1).astype(np.float32)
    panes = gradient(stage.palette.accents[1:], hue[None, :])[:, 0]
    index = _enlarge_owner(owner, width, height)
    glass = lookup(stage.tile, stage.columns() * 0.8 + 0 * stage.rows(), stage.rows() * 0.8 + 0 * stage.columns())
    distance = np.hypot(stage.columns() - np.float32(stage.light[0]), stage.rows() - np.float32(stage.light[1]))
    light = 0.42 + 0.35 * glass + 0.65 * np.exp(distance * -2.4)
    stage.picture[:] = mix(color(stage.palette.accents[0]) * np.float32(0.35), panes[:, index] * light, leading)


def _two_nearest(
    stage: Stage, px: Field, py: Field, size: tuple[int, int]
) -> tuple[Field, Field, npt.NDArray[np.int32]]:
    """Distances to the nearest and the second nearest point, and which one is nearest."""
    width, height = size
    x, y = stage.columns(width), stage.rows_of(height)
    nearest = np.full((height, width), 9, dtype=np.float32)
    second, owner = nearest.copy(), np.zeros((height, width), dtype=np.int32)
    for n in range(len(px)):
        distance = np.hypot(x - np.float32(px[n]), y - np.float32(py[n]))
        second = np.minimum(second, np.maximum(distance, nearest))
        owner[distance < nearest] = n
        nearest = np.minimum(nearest, distance)
    return nearest, second, owner


def _enlarge_owner(owner: npt.NDArray[np.int32], width: int, height: int) -> npt.NDArray[np.int32]:
    rows = np.arange(height) * owner.shape[0] // height
    columns = np.arange(width) * owner.shape[1] // width
    return np.asarray(owner[rows[:, None], columns[None, :]])
