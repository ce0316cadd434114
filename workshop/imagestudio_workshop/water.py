"""Water: what stands above it, mirrored and broken by waves, and the light's path across it."""

from __future__ import annotations

import numpy as np

from imagestudio_workshop.color import color
from imagestudio_workshop.noise import Field, lookup, mix, smoothstep
from imagestudio_workshop.stage import Stage


def paint_water(stage: Stage, level: float, *, calm: float) -> None:
    """Everything below `level` becomes water; `calm` is 1 for a lake without wind, 0 for a rough sea."""
    first = int(level * stage.height)
    if first >= stage.height - 2:
        return
    rows = stage.rows(first) - np.float32(level)
    rough, fine = _waves(stage, rows, level)
    mirrored = _mirror(stage, first, rows, rough, calm)
    deep = mix(color(stage.palette.sky[0]), color(stage.palette.land), 0.35) * np.float32(0.75)
    grazing = np.clip(0.90 - rows / np.float32(1 - level) * (0.62 - 0.22 * calm), 0, 1)
    tilt = np.clip(grazing + (fine - 0.5) * np.float32(0.55 - 0.42 * calm), 0, 1)
    water = mix(deep, mirrored, tilt)
    # A thing between the light and the water keeps its glitter away.
    water += _path(stage, rows, fine, level, calm) * smoothstep(0.02, 0.22, mirrored.mean(axis=0))
    stage.picture[:, first:] = water


def _waves(stage: Stage, rows: Field, level: float) -> tuple[Field, Field]:
    """Large and small waves in perspective: the nearer, the longer."""
    depth = np.float32(1 - level) / (rows + np.float32(0.035 * (1 - level)) + np.float32(1e-4))
    middle = np.float32(stage.aspect / 2)
    u, v = (stage.columns() - middle) * depth * np.float32(0.045), depth * np.float32(0.30)
    v = v + 0 * u
    rough = lookup(stage.tile, u * 0.9 + 0.2, v * 0.9)
    fine = lookup(stage.tile, u * 2.6 + rough * 0.12, v * 3.4 + 0.5)
    return rough, fine


def _mirror(stage: Stage, first: int, rows: Field, rough: Field, calm: float) -> Field:
    swing = np.float32(0.085 - 0.072 * calm)
    far = np.minimum(rows * 5, 1)
    up = rows * np.float32(0.92) + (rough - 0.5) * swing * far
    across = (rough - 0.5) * swing * np.float32(0.7) * far
    row = np.clip(first - 1 - np.abs(up) * stage.height, 0, first - 1).astype(np.int32)
    column = np.arange(stage.width, dtype=np.int32)[None, :] + (across * stage.height).astype(np.int32)
    index = row * stage.width + np.clip(column, 0, stage.width - 1)
    above = stage.picture[:, :first].reshape(3, -1)
    return np.stack([plane.take(index) for plane in above])


def _path(stage: Stage, rows: Field, fine: Field, level: float, calm: float) -> Field:
    """Glitter under the sun or moon, widening towards us."""
    if stage.has("nosun"):
        return np.zeros((3, 1, 1), dtype=np.float32)
    share = rows / np.float32(1 - level)
    width = 0.035 + 0.16 * share * (1.15 - 0.8 * calm)
    beam = np.exp(-(((stage.columns() - np.float32(stage.light[0])) / width) ** 2))
    sparkle = smoothstep(0.56, 0.86, fine) * np.float32(0.95) + np.float32(0.10)
    strength = 0.45 if stage.palette.night else 0.8
    return np.asarray(stage.glow() * (beam * sparkle * (1 - 0.55 * share) * np.float32(strength)), dtype=np.float32)
