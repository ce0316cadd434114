"""Skies: the air itself, stars, northern lights, a sun or a moon, and clouds lit by it."""

from __future__ import annotations

import numpy as np

from imagestudio_workshop.color import color, gradient
from imagestudio_workshop.noise import Field, enlarge, line_noise, lookup, mix, smoothstep, splat
from imagestudio_workshop.stage import Stage


def paint_sky(stage: Stage) -> None:
    rows = stage.rows()
    share = np.clip(rows / np.float32(stage.horizon), 0, 1) ** np.float32(1.25)
    stage.picture[:] = gradient(stage.palette.sky, share)
    if stage.palette.night:
        _paint_stars(stage)
    if stage.has("aurora"):
        _paint_aurora(stage)
    _paint_light(stage)
    _paint_clouds(stage)


def _distance(stage: Stage) -> Field:
    x, y = stage.light
    return np.asarray(np.hypot(stage.columns() - np.float32(x), stage.rows() - np.float32(y)))


def _paint_light(stage: Stage) -> None:
    """A disc and its glow: three halos, the widest of which colours half the sky."""
    distance, night = _distance(stage), stage.palette.night
    reach = 0.55 if night else 1.0
    halo = 0.55 * np.exp(distance * -22) + 0.30 * np.exp(distance * -7) + 0.22 * np.exp(distance * -2.6)
    stage.picture += stage.glow() * (halo * np.float32(reach))
    if stage.has("nosun"):
        return
    radius = 0.042 if night else 0.05 + 0.03 * (stage.palette.height < 0.25)
    disc = smoothstep(radius + 1.2 / stage.height, radius - 1.2 / stage.height, distance)
    face = stage.glow() * np.float32(1.15 if night else 1.7)
    if night:
        face = face * _maria(stage, radius)
    stage.picture[:] = mix(stage.picture, face, disc)


def _maria(stage: Stage, radius: float) -> Field:
    """The moon's plains: its own small patch of noise, darker at the edge."""
    x, y = stage.light
    u, v = (stage.columns() - np.float32(x)) / radius, (stage.rows() - np.float32(y)) / radius
    plains = smoothstep(0.3, 0.75, lookup(stage.tile, u * 0.11 + 0.3 + 0 * v, v * 0.11 + 0.6 + 0 * u))
    limb = np.sqrt(np.clip(1 - (u * u + v * v), 0.05, 1))
    return np.asarray((0.72 + 0.28 * plains) * (0.7 + 0.3 * limb), dtype=np.float32)


def _paint_stars(stage: Stage) -> None:
    """Many faint ones, few bright ones, fewer towards the horizon, some a little blue or orange."""
    rng, height, width = stage.rng, stage.height, stage.width
    count = int(950 * stage.aspect)
    x, y = rng.uniform(0, width - 1, count), rng.uniform(0, 1, count) ** 1.4 * stage.horizon * height
    power = rng.pareto(1.7, count).clip(0, 9).astype(np.float32) * np.float32(0.10) + np.float32(0.05)
    tint = 1 + rng.normal(0, 0.22, (1, count)) * np.array([[1.0], [0.0], [-1.0]])
    scale = height / 1024
    for size in range(2):
        bright = power > (0.0 if size == 0 else 0.38)
        splat(
            stage.picture, x[bright], y[bright], (power * tint.clip(0.3, 1.7))[:, bright], scale * (0.62 + size * 0.7)
        )


def _paint_aurora(stage: Stage) -> None:
    """Curtains: below each wavering hem it is dark, above it rays rise and fade, from green into violet."""
    width, height = max(2, stage.width // 2), max(2, int(stage.horizon * stage.height) // 2)
    x = stage.columns(width)
    y = np.linspace(0, stage.horizon, height, dtype=np.float32)[:, None]
    total = np.zeros((3, height, width), dtype=np.float32)
    for curtain in range(3):
        hem = 0.62 - 0.13 * curtain + 0.12 * line_noise(stage.rng, x * 0.9, 3) + stage.rng.uniform(-0.04, 0.04)
        above = (hem * stage.horizon * 1.15 - y) / np.float32(stage.horizon)
        rays = 0.55 + 0.45 * line_noise(stage.rng, x * 9 + line_noise(stage.rng, x * 1.5, 2) * 1.5, 4, 0.7)
        fall = np.exp(-np.maximum(above, 0) * (3.2 + 1.8 * rays)) * smoothstep(-0.03, 0.04, above)
        violet = np.clip(above * 2.3, 0, 1)
        strength = fall * np.clip(rays, 0.08, 1.4) * np.float32(0.75 - 0.17 * curtain)
        total += mix(color("#2ff59a"), color("#8a4bff"), violet) * strength
    rows = int(stage.horizon * stage.height)
    stage.picture[:, :rows] += enlarge(total, stage.width, rows) * np.float32(0.9)


def _paint_clouds(stage: Stage) -> None:
    """One layer of cloud overhead seen in perspective, brighter on the side of the light."""
    rows = int(stage.horizon * stage.height)
    width, height = max(2, stage.width // 2), max(2, rows // 2)
    density, lit = _cloud_layer(stage, width, height)
    shade, bright = color(stage.palette.cloud[0]), color(stage.palette.cloud[1])
    body = mix(shade, bright, lit)
    glow = enlarge(_distance(stage)[:rows], width, height)
    body = body + stage.glow() * (np.exp(glow * -4.5) * 0.5 * lit)
    stage.picture[:, :rows] = mix(
        stage.picture[:, :rows], enlarge(body, stage.width, rows), enlarge(density, stage.width, rows)
    )


def _cloud_layer(stage: Stage, width: int, height: int) -> tuple[Field, Field]:
    """How dense the cloud is and how much light falls on it, at half the picture's size."""
    rng, tile = stage.rng, stage.tile
    above = np.linspace(1, 0, height, dtype=np.float32)[:, None]
    depth = 1 / (above + np.float32(0.16))
    u = (stage.columns(width) - np.float32(stage.light[0])) * depth * np.float32(0.085) + np.float32(rng.uniform())
    v = depth * np.float32(0.13) + np.float32(rng.uniform()) + 0 * u
    u = u + (lookup(tile, u * 0.7, v * 0.7) - 0.5) * np.float32(0.10)

    def thickness(du: float, dv: float) -> Field:
        coarse = lookup(tile, u + np.float32(du), v + np.float32(dv))
        fine = lookup(tile, u * 4.3 + np.float32(du * 4.3), v * 4.3 + np.float32(dv * 4.3))
        finest = lookup(tile, u * 13.7 + np.float32(du * 13.7), v * 13.7 + np.float32(dv * 13.7))
        return np.asarray(0.68 * coarse + 0.23 * fine + 0.09 * finest, dtype=np.float32)

    here = thickness(0, 0)
    toward = thickness(0.0, 0.018)
    cover = _cover(stage)
    density = smoothstep(1 - cover - 0.10, 1 - cover + 0.26, here) * smoothstep(0.0, 0.10, above)
    lit = np.clip(0.55 + (here - toward) * 3.2 - smoothstep(1 - cover, 1.1, here) * 0.42, 0, 1)
    return density * np.float32(0.94), np.asarray(lit, dtype=np.float32)


def _cover(stage: Stage) -> float:
    if stage.has("clear", "aurora"):
        return 0.12
    if stage.has("storm", "cloud", "rain", "overcast"):
        return 0.72
    return float(stage.rng.uniform(0.26, 0.46)) * (0.75 if stage.palette.night else 1.0)
