"""Space: glowing gas behind lanes of dust, stars with spikes, a spiral galaxy or a planet where words ask."""

from __future__ import annotations

import numpy as np

from imagestudio_workshop.color import color, gradient
from imagestudio_workshop.noise import Field, enlarge, lookup, mix, smoothstep, spectral, splat
from imagestudio_workshop.stage import Stage


def paint_cosmos(stage: Stage) -> None:
    width, height = max(2, stage.width // 2), max(2, stage.height // 2)
    x, y = stage.columns(width), stage.rows_of(height)
    gas = _galaxy(stage, x, y) if stage.has("galaxy", "spiral", "milky") else _nebula(stage, x, y)
    stage.picture[:] = enlarge(np.maximum(gas, 0), stage.width, stage.height)
    _paint_stars(stage)
    if stage.has("planet", "saturn", "jupiter", "world", "earth", "mars"):
        _paint_planet(stage)


def _nebula(stage: Stage, x: Field, y: Field) -> Field:
    offset = stage.rng.uniform(0, 1, 4).astype(np.float32)
    u, v = x * np.float32(0.30) + offset[0] + 0 * y, y * np.float32(0.30) + offset[1] + 0 * x
    warp_u = lookup(stage.tile, u + offset[2], v) - np.float32(0.5)
    warp_v = lookup(stage.tile, u, v + offset[3]) - np.float32(0.5)
    u, v = u + warp_u * np.float32(0.28), v + warp_v * np.float32(0.28)
    smooth = spectral(stage.rng, 3.0)
    cloud = 0.74 * lookup(smooth, u, v) + 0.26 * lookup(stage.tile, u * 2.1, v * 2.1)
    cloud = np.float32(0.60) + (cloud - cloud.mean()) * np.float32(0.165 / (cloud.std() + 1e-6))
    lanes = np.abs(lookup(stage.tile, u * 1.4 + 0.37, v * 1.4 + 0.11) - 0.5) * 2
    dust = smoothstep(0.02, 0.42, lanes * 0.75 + 0.25 * lookup(stage.tile, u * 5, v * 5))
    density = smoothstep(0.38, 1.0, cloud)
    hue = np.clip(0.16 + 0.62 * density + warp_u * 0.7 + warp_v * 0.35, 0, 0.93)
    glow = density**1.5 * (0.12 + 0.95 * dust) + np.float32(0.10) * cloud
    return np.asarray(gradient(stage.palette.accents, hue) * glow * np.float32(1.1) + _deep(stage), dtype=np.float32)


def _galaxy(stage: Stage, x: Field, y: Field) -> Field:
    tilt = np.float32(stage.rng.uniform(-0.6, 0.6))
    dx, dy = x - np.float32(stage.aspect / 2) + 0 * y, y - np.float32(0.5) + 0 * x
    across, along = dx * np.cos(tilt) + dy * np.sin(tilt), (dy * np.cos(tilt) - dx * np.sin(tilt)) * np.float32(1.75)
    radius, angle = np.hypot(across, along) + np.float32(1e-4), np.arctan2(along, across)
    noise = lookup(stage.tile, across * 0.5 + 0.3, along * 0.5 + 0.6) - np.float32(0.5)
    fine = lookup(stage.tile, across * 2.2, along * 2.2)
    phase = 2 * (angle - np.log(radius + 0.05) * np.float32(2.5)) + noise * np.float32(2.6)
    arms = (0.5 + 0.5 * np.cos(phase)) ** np.float32(1.6)
    lanes = smoothstep(0.15, 0.6, 0.5 + 0.5 * np.cos(phase + 1.2) + (fine - 0.5) * 0.7)
    disc = np.exp(radius * -4.2) * (0.15 + 1.5 * arms * (0.45 + 1.1 * fine)) * (0.45 + 0.55 * lanes)
    hue = np.clip(0.95 - radius * 1.45 + noise * 0.35, 0.18, 1)
    core = stage.glow() * (np.exp(radius * -17) * np.float32(2.2))
    return np.asarray(
        gradient(stage.palette.accents, hue) * disc * np.float32(1.7) + core + _deep(stage), dtype=np.float32
    )


def _deep(stage: Stage) -> Field:
    return color(stage.palette.accents[0]) * np.float32(0.55)


def _paint_stars(stage: Stage) -> None:
    rng, scale = stage.rng, stage.height / 1024
    for count, sigma, strength in ((1500, 0.55, 0.32), (260, 0.9, 0.75), (26, 1.7, 1.8)):
        number = int(count * stage.aspect)
        x, y = rng.uniform(0, stage.width, number), rng.uniform(0, stage.height, number)
        tint = 1 + rng.normal(0, 0.25, (1, number)) * np.array([[1.0], [0.05], [-1.0]])
        light = (tint.clip(0.35, 1.6) * rng.uniform(0.2, 1, number) ** 1.6 * strength).astype(np.float32)
        splat(stage.picture, x, y, light, scale * sigma)
        if count < 100:
            _paint_spikes(stage, x[:9], y[:9], light[:, :9])


def _paint_spikes(stage: Stage, x: Field, y: Field, light: Field) -> None:
    """The cross that a telescope's struts draw through a bright star, and a halo."""
    reach = int(stage.height * 0.045)
    steps = np.arange(-reach, reach + 1)
    fade = np.exp(-np.abs(steps) / (reach * 0.22)).astype(np.float32)
    for n in range(len(x)):
        for dx, dy in ((1, 0), (0, 1)):
            glow = light[:, n : n + 1] * fade * np.float32(0.8)
            splat(stage.picture, x[n] + steps * dx, y[n] + steps * dy, glow, stage.height / 1600)


def _paint_planet(stage: Stage) -> None:
    """A lit sphere with bands of weather, a thin bright air, and a ring if it is asked for."""
    radius, x, y = 0.23, stage.aspect * 0.62, 0.52
    u, v = (stage.columns() - np.float32(x)) / radius, (stage.rows() - np.float32(y)) / radius
    away = u * u + v * v
    z = np.sqrt(np.clip(1 - away, 0, 1))
    lit = np.clip(-0.62 * u - 0.45 * v + 0.64 * z, 0, 1)
    band = v * np.float32(0.22) + lookup(stage.tile, u * 0.22 + 0.1 + 0 * v, v * 0.42 + 0.5 + 0 * u) * np.float32(0.30)
    weather = lookup(stage.tile, u * 0.10 + 0.7 + 0 * v, band * np.float32(1.9))
    surface = gradient(stage.palette.accents[1:], np.clip(weather * 0.95, 0, 1)) * (0.012 + 1.05 * lit)
    rim = stage.glow() * (np.clip(1 - z, 0, 1) ** 3 * lit * np.float32(0.9))
    edge = smoothstep(1 + 0.007, 1 - 0.007, np.sqrt(away))
    air = np.exp(-np.maximum(np.sqrt(away) - 1, 0) * 26) * np.clip(0.25 - 0.62 * u - 0.45 * v, 0, 1)
    stage.picture += stage.glow() * (air * np.float32(0.35))
    stage.picture[:] = mix(stage.picture, surface + rim, edge)
    if stage.has("saturn", "ring", "ringed"):
        _paint_ring(stage, u, v, away)


def _paint_ring(stage: Stage, u: Field, v: Field, away: Field) -> None:
    across, along = (
        u * np.float32(0.94) + v * np.float32(0.34),
        (v * np.float32(0.94) - u * np.float32(0.34)) * np.float32(4.2),
    )
    reach = np.hypot(across, along)
    grooves = lookup(stage.tile, reach * np.float32(0.9), 0 * reach + np.float32(0.3))
    band = smoothstep(1.32, 1.38, reach) * smoothstep(2.12, 2.02, reach) * (0.25 + 0.75 * grooves)
    band = band * np.where((along < 0) & (away < 1), np.float32(0), np.float32(1))
    shadow = 1 - 0.85 * smoothstep(1.05, 0.95, np.hypot(across - 0.2, v * 1.1)) * (u > 0)
    stage.picture[:] = mix(stage.picture, color(stage.palette.accents[4]) * (0.85 * shadow), band * np.float32(0.85))
