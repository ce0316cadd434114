"""Land in layers: ridges fading into the haze, snow and rock on them, dunes, meadows, and mist between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imagestudio_workshop.color import color
from imagestudio_workshop.noise import Field, line_noise, lookup, mix, smoothstep, spectral, splat
from imagestudio_workshop.stage import Stage


@dataclass(frozen=True, slots=True)
class Ridge:
    """One layer: the crest's y a column, of shape (1, width), and how near it is, 0 far to 1 at our feet."""

    crest: Field
    near: float
    soft: bool = False


def paint_mountains(stage: Stage, foot: float, *, layers: int = 5) -> list[Ridge]:
    """Ridges between the horizon and `foot`, farthest first; returns them for what grows on them."""
    ridges = []
    for layer in range(layers):
        near = layer / max(1, layers - 1)
        base = stage.horizon + (foot - stage.horizon) * near**1.3
        height = (0.24 - 0.12 * near) * stage.rng.uniform(0.75, 1.15)
        ridges.append(Ridge(base - height * _peaks(stage, 1.1 + 1.3 * near), near))
    _paint_ridges(stage, ridges)
    return ridges


def paint_hills(stage: Stage, foot: float, *, layers: int = 4) -> list[Ridge]:
    """Like mountains, but soft: for forests, meadows and far shores."""
    ridges = []
    for layer in range(layers):
        near = layer / max(1, layers - 1)
        base = stage.horizon + (foot - stage.horizon) * near**1.2
        wave = line_noise(stage.rng, stage.columns() * (0.9 + 0.5 * near), 3, 0.35)
        ridges.append(Ridge(base - (0.11 - 0.04 * near) * (0.6 + wave), near, soft=True))
    _paint_ridges(stage, ridges)
    return ridges


def _paint_ridges(stage: Stage, ridges: list[Ridge]) -> None:
    """Each only down to where the next one hides it."""
    for ridge, nearer in zip(ridges, [*ridges[1:], None], strict=True):
        hidden = 1.0 if nearer is None else float(nearer.crest.max())
        first = max(0, int(ridge.crest.min() * stage.height) - 1)
        last = min(stage.height, int(hidden * stage.height) + 2)
        if first < last:
            _paint_ridge(stage, ridge, first, last)


def _peaks(stage: Stage, frequency: float) -> Field:
    """Sharp crests over rounded valleys: one minus the size of noise, with smaller noise upon it."""
    x = stage.columns() * np.float32(frequency)
    sharp = 1 - np.abs(line_noise(stage.rng, x, 1))
    return np.asarray(sharp**1.4 * 0.95 + 0.20 * line_noise(stage.rng, x * 3, 6, 0.52), dtype=np.float32)


def _paint_ridge(stage: Stage, ridge: Ridge, first: int, last: int) -> None:
    below = stage.rows(first, last) - ridge.crest
    air = (1 - ridge.near) ** (1.5 if ridge.soft else 1.15) * 0.86
    if ridge.soft:
        ground = _meadow(stage, below, air)
    else:
        relief = _relief(stage, ridge, below)
        ground = _rock(stage, ridge, relief, air)
        if stage.has("snow") and ridge.near < 0.8:
            ground = _snow(stage, ridge, ground, below, relief)
    mist = smoothstep(0.02, 0.30, below) * np.float32(0.62 * (1 - ridge.near) ** 0.8 + 0.03)
    ground = mix(ground, _haze(stage), mist)
    mask = np.clip(below * stage.height + 0.5, 0, 1)
    stage.picture[:, first:last] = mix(stage.picture[:, first:last], ground, mask)


def _haze(stage: Stage) -> Field:
    return color(stage.palette.haze) * np.float32(0.9)


def _meadow(stage: Stage, below: Field, air: float) -> Field:
    """Grass: plain, and brighter where it curves over the crest."""
    land = color(stage.palette.land) * np.float32(1.0 if stage.palette.night else 2.4)
    base = mix(land, _haze(stage), air)
    return np.asarray(base * (1 + np.exp(below * -14) * np.float32(0.35)), dtype=np.float32)


def _rock(stage: Stage, ridge: Ridge, relief: Field, air: float) -> Field:
    """The farther, the more of the air's colour; slopes that face the light are warmer and brighter."""
    base = mix(color(stage.palette.land), _haze(stage), air)
    tone = 1 + (relief - 0.5) * np.float32(1.05 - 0.78 * air)
    lit = np.clip(relief - 0.5, 0, 1) * np.float32(0.42 * (1 - ridge.near * 0.7) * (1.1 - air))
    return np.asarray(base * tone + stage.glow() * lit * np.float32(0.35 if stage.palette.night else 0.6))


def _relief(stage: Stage, ridge: Ridge, below: Field) -> Field:
    """Gullies that run down the slopes, as light and shade in [0, 1]: a hill-shade of the noise, stretched."""
    slope = stage.tile - np.roll(stage.tile, (int(_side(stage)) * 2, 1), axis=(1, 0))
    slope = np.asarray(slope / slope.std(), dtype=np.float32)
    scale = np.float32(0.75 + 0.5 * ridge.near)
    across, down = stage.columns() * scale + np.float32(ridge.near * 3.7), below * scale
    bend = lookup(spectral(stage.rng, 3.6, 128), across * 1.1 + 0 * down, down * 1.1) - np.float32(0.5)
    across = across + bend * np.float32(0.13)
    coarse, fine = lookup(slope, across, down * 0.42), lookup(slope, across * 2.9, down * 1.4)
    light = 0.5 + coarse * np.float32(0.17) + fine * np.float32(0.10) + bend * np.float32(0.55)
    return np.asarray(np.clip(light, 0, 1), dtype=np.float32)


def _snow(stage: Stage, ridge: Ridge, ground: Field, below: Field, relief: Field) -> Field:
    """White near the crests, torn by the relief, blue where the light does not reach."""
    edge = below + (0.5 - relief) * np.float32(0.10) - np.float32(0.055 * (1 - ridge.near) + 0.015)
    cover = smoothstep(0.03, -0.02, edge) * np.float32(0.92 - 0.4 * ridge.near)
    white = mix(_haze(stage) * np.float32(0.75), stage.glow() * np.float32(0.92), np.clip(relief * 1.5 - 0.25, 0, 1))
    return mix(ground, white, cover)


def paint_dunes(stage: Stage) -> None:
    """Sharp-crested dunes: a bright flank towards the light, a dark one behind an edge that wanders down."""
    for layer in range(5):
        near = layer / 4
        base = stage.horizon + 0.02 + (0.92 - stage.horizon) * near**1.5
        width = 0.16 + 0.42 * near
        peaks = np.arange(-0.3, stage.aspect + 0.3, width * 1.7) + stage.rng.uniform(0, width * 1.7)
        heights = (0.035 + 0.13 * near) * stage.rng.uniform(0.45, 1.0, len(peaks))
        x = stage.columns()
        rise = [high * np.exp(-((np.abs(x - peak) / width) ** 1.25)) for peak, high in zip(peaks, heights, strict=True)]
        crest = np.asarray(base - np.max(rise, axis=0), dtype=np.float32)
        first = max(0, int(crest.min() * stage.height) - 1)
        below = stage.rows(first) - crest
        sand = mix(_sand(stage, below, peaks, width), _haze(stage), (1 - near) ** 1.5 * 0.7)
        mask = np.clip(below * stage.height + 0.5, 0, 1)
        stage.picture[:, first:] = mix(stage.picture[:, first:], sand, mask)


def _sand(stage: Stage, below: Field, peaks: npt.NDArray[np.float64], width: float) -> Field:
    x, side = stage.columns(), _side(stage)
    shadow = np.zeros_like(below)
    for peak in peaks:
        wander = np.float32(0.22) * line_noise(stage.rng, below / np.float32(width * 1.6), 2, 0.35) + np.maximum(
            below, 0
        ) * np.float32(1.5)
        behind = (np.float32(peak) + wander * np.float32(width) - x) * side / np.float32(width)
        shadow = np.maximum(shadow, smoothstep(0, 0.03, behind) * np.exp(-np.maximum(behind, 0) * np.float32(1.1)))
    ripples = lookup(stage.tile, x / np.float32(width * 9) + below, below / np.float32(width * 0.9) + 0 * x)
    bright = 0.92 - 0.75 * shadow + (ripples - 0.5) * 0.16 - np.clip(below, 0, 1) * np.float32(0.25)
    land = color(stage.palette.land)
    dark, light = land * np.float32(0.33), mix(land * np.float32(1.7), stage.glow(), 0.28)
    return mix(dark, light, np.clip(bright, 0, 1.1))


def paint_flowers(stage: Stage, ridge: Ridge) -> None:
    """A meadow in bloom on the nearest hill: drifts of one colour, small far off and large at our feet."""
    rng = stage.rng
    inks = [color(code)[:, 0] for code in (*stage.palette.accents[2:], stage.palette.light)]
    for ring in range(7):
        near = (ring + 0.5) / 7
        count = int((2600 - 2100 * near) * stage.aspect)
        x = rng.uniform(0, stage.aspect, count).astype(np.float32)
        top = ridge.crest[0, (x / stage.aspect * (stage.width - 1)).astype(int)]
        y = (top + (1.02 - top) * (near**1.5 + rng.normal(0, 0.06, count))).astype(np.float32)
        drift = lookup(stage.tile, x * np.float32(0.8), y * np.float32(2.5))
        ink = np.clip(drift * 1.3 * len(inks) - 0.5 + rng.normal(0, 0.5, count), 0, len(inks) - 1).astype(int)
        light = np.concatenate(inks, axis=1)[:, ink] * rng.uniform(0.2, 0.7, count)
        grows = (y > top) & (rng.uniform(size=count) < np.abs(drift - 0.5) * 3 - 0.1)
        sigma = stage.height / 1024 * (0.7 + 2.6 * near)
        splat(stage.picture, x[grows] * stage.height, y[grows] * stage.height, light[:, grows], sigma)


def _side(stage: Stage) -> np.float32:
    return np.float32(1 if stage.light[0] > stage.aspect / 2 else -1)


def paint_mist(stage: Stage, level: float, strength: float) -> None:
    """A bank of mist about the height `level`, thicker here and thinner there."""
    rows = stage.rows()
    bank = np.exp(-(((rows - np.float32(level)) / np.float32(0.085)) ** 2))
    drift = lookup(stage.tile, stage.columns() * 0.22 + 0.4 + 0 * rows, rows * 0.9 + 0 * stage.columns())
    stage.picture[:] = mix(
        stage.picture, color(stage.palette.haze), bank * (0.25 + 0.75 * drift) * np.float32(strength)
    )
