"""Silhouettes drawn as polygons at twice the size: pines and broad trees, a skyline, a lighthouse, sails, birds."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from imagestudio_workshop.color import color
from imagestudio_workshop.land import Ridge
from imagestudio_workshop.noise import Field, mix
from imagestudio_workshop.stage import Stage

_FINER = 2


class Pen:
    """Draws shapes in the stage's own units onto a mask of [0, 1]."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._scale = stage.height * _FINER
        self._image = Image.new("L", (stage.width * _FINER, stage.height * _FINER))
        self._draw = ImageDraw.Draw(self._image)

    def polygon(self, points: list[tuple[float, float]], ink: int = 255) -> None:
        self._draw.polygon([(x * self._scale, y * self._scale) for x, y in points], fill=ink)

    def ellipse(self, x: float, y: float, across: float, tall: float, ink: int = 255) -> None:
        box = [
            (x - across) * self._scale,
            (y - tall) * self._scale,
            (x + across) * self._scale,
            (y + tall) * self._scale,
        ]
        self._draw.ellipse(box, fill=ink)

    def stroke(self, points: list[tuple[float, float]], width: float) -> None:
        pixels = [(x * self._scale, y * self._scale) for x, y in points]
        self._draw.line(pixels, fill=255, width=max(1, round(width * self._scale)), joint="curve")

    def mask(self) -> Field:
        return np.asarray(self._image.reduce(_FINER), dtype=np.float32) / np.float32(255)

    def fill(self, tint: Field, strength: float = 1.0) -> None:
        """Paint the shape over the picture, only where it is."""
        box = self._image.getbbox()
        if box is None:
            return
        left, top, right, bottom = box[0] // _FINER, box[1] // _FINER, -(-box[2] // _FINER), -(-box[3] // _FINER)
        part = self._image.crop((left * _FINER, top * _FINER, right * _FINER, bottom * _FINER)).reduce(_FINER)
        mask = np.asarray(part, dtype=np.float32) * np.float32(strength / 255)
        region = self._stage.picture[:, top:bottom, left:right]
        region[:] = mix(region, tint, mask)


def plant_pines(stage: Stage, ridge: Ridge, *, tallest: float, spacing: float) -> None:
    """A row of pines along a crest, thick here and thin there."""
    pen, rng = Pen(stage), stage.rng
    x = -spacing
    while x < stage.aspect + spacing:
        x += spacing * rng.uniform(0.35, 1.5)
        column = int(np.clip(x / stage.aspect, 0, 0.999) * stage.width)
        tall = tallest * rng.uniform(0.35, 1.0) ** 1.2
        _pine(pen, rng, x, float(ridge.crest[0, column]) + tallest * 0.12, tall)
    pen.fill(shade(stage, ridge.near))


def fill_below(stage: Stage, ridge: Ridge, depth: float) -> None:
    """Bare dark ground from `depth` below the crest down."""
    below = stage.rows() - ridge.crest - np.float32(depth)
    stage.picture[:] = mix(stage.picture, shade(stage, ridge.near), np.clip(below * stage.height + 0.5, 0, 1))


def shade(stage: Stage, near: float) -> Field:
    """The colour of a silhouette: the land's own up close, the air's far away."""
    dark = color(stage.palette.land) * np.float32(0.55)
    return mix(dark, color(stage.palette.haze) * np.float32(0.85), 0.80 * (1 - near) ** 1.1)


def _pine(pen: Pen, rng: np.random.Generator, x: float, foot: float, tall: float) -> None:
    tiers, wide = int(rng.integers(6, 10)), tall * rng.uniform(0.17, 0.25)
    left, right = [], []
    for tier in range(tiers):
        share = (tier + 1) / tiers
        y = foot - tall * (1 - share * 0.95)
        reach = wide * share**0.85 * rng.uniform(0.8, 1.15)
        right += [(x + reach, y), (x + reach * 0.42, y - tall * 0.015)]
        left += [(x - reach * rng.uniform(0.85, 1.1), y), (x - reach * 0.42, y - tall * 0.015)]
    trunk = tall * 0.018
    pen.polygon([(x, foot - tall), *right, (x + trunk, foot), (x - trunk, foot), *reversed(left)])


def build_city(stage: Stage, foot: float) -> None:
    """Four rows of towers standing on `foot`, the nearest darkest, with lit windows and a glow behind."""
    rng = stage.rng
    away = np.abs(stage.rows() - np.float32(foot)) + 0.12 * np.abs(stage.columns() / np.float32(stage.aspect) - 0.5)
    stage.picture += color(stage.palette.sky[-1]) * (np.exp(away * -5) * np.float32(0.35))
    for row in range(4):
        near = (row + 1) / 4
        pen, lamps = Pen(stage), Pen(stage)
        x = -0.05
        while x < stage.aspect:
            wide = float(rng.uniform(0.028, 0.062)) * (0.6 + 0.55 * near)
            middle = max(0.0, 1 - 1.9 * abs((x + wide / 2) / stage.aspect - 0.5))
            tall = 0.05 + (0.12 + 0.40 * float(rng.uniform()) ** 2.2) * (0.30 + 0.70 * middle) * (1.25 - 0.62 * near)
            _tower(pen, lamps if near > 0.3 else None, rng, (x, foot, wide, tall))
            x += wide * float(rng.uniform(0.95, 1.5))
        pen.fill(shade(stage, 0.30 + 0.68 * near))
        warm = mix(stage.glow(), color("#ffd08a"), 0.6)
        stage.picture += warm * (lamps.mask() * np.float32(0.85 * near))
    quay = Pen(stage)
    quay.polygon([(0, foot - 0.012), (stage.aspect, foot - 0.012), (stage.aspect, foot), (0, foot)])
    quay.fill(shade(stage, 1.0))


def _tower(pen: Pen, lamps: Pen | None, rng: np.random.Generator, place: tuple[float, float, float, float]) -> None:
    x, foot, wide, tall = place
    top, right = foot - tall, x + wide
    pen.polygon([(x, foot), (x, top), (right, top), (right, foot)])
    inset = wide * 0.2
    match int(rng.integers(0, 6)):
        case 0:
            pen.polygon([(x + wide * 0.46, top), (x + wide * 0.5, top - tall * 0.25), (x + wide * 0.54, top)])
        case 1:
            pen.polygon([(x + inset, top), (x + inset, top - 0.02), (right - inset, top - 0.02), (right - inset, top)])
        case 2:
            pen.polygon([(x, top), (right, top - wide * 0.5), (right, top)])
        case 3:
            pen.polygon([(x, top), (x + wide / 2, top - wide * 0.8), (right, top)])
    if lamps is not None:
        _light_windows(lamps, rng, place)


def _light_windows(lamps: Pen, rng: np.random.Generator, place: tuple[float, float, float, float]) -> None:
    x, foot, wide, tall = place
    step, lit = 0.0085, float(rng.uniform(0.04, 0.30))
    floors = np.arange(foot - tall + step, foot - step, step * 1.3)
    windows = np.arange(x + step * 0.6, x + wide - step * 0.7, step)
    burning = rng.uniform(size=(len(floors), len(windows))) < lit
    inks = rng.integers(60, 255, burning.shape)
    for floor, window in np.argwhere(burning):
        left, top = float(windows[window]), float(floors[floor])
        right, bottom = left + step * 0.42, top + step * 0.5
        corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
        lamps.polygon(corners, int(inks[floor, window]))


def place_figures(stage: Stage, shore: float) -> None:
    """The figures that the prompt names and we can draw, at most once each; `shore` is where land or water begins."""
    across = _clear_side(stage)
    if stage.has("boat", "ship", "sail", "sailboat", "yacht"):
        _sailboat(stage, stage.aspect - across * 0.9, shore + 0.05)
    if stage.has("balloon"):
        _balloons(stage)
    if stage.has("cabin", "house", "cottage", "hut", "farm", "village"):
        _cabin(stage, across, max(shore, 0.80))
    if stage.has("bird", "gull", "eagle", "crow", "swallow"):
        _birds(stage)


def _clear_side(stage: Stage) -> float:
    """x on the side where the sun or moon is not."""
    return stage.aspect * (0.24 if stage.light[0] > stage.aspect / 2 else 0.76)


def raise_lighthouse(stage: Stage, shore: float) -> None:
    """A tower on a rock with its beam; before the water, so that it is mirrored."""
    x, foot, pen = _clear_side(stage), shore - 0.055, Pen(stage)
    top = foot - 0.26
    _shine(stage, x, top)
    for low, high, wide in (
        (foot + 0.02, top + 0.02, 0.019),
        (top + 0.022, top + 0.012, 0.027),
        (top + 0.012, top - 0.02, 0.016),
    ):
        lower = wide + (0.013 if low > foot else 0)
        pen.polygon([(x - lower, low), (x - wide, high), (x + wide, high), (x + lower, low)])
    pen.polygon([(x - 0.021, top - 0.018), (x, top - 0.05), (x + 0.021, top - 0.018)])
    along = np.linspace(-1, 1, 25)
    rise = (1 - np.abs(along) ** 1.6) * 0.062 * (1 + stage.rng.uniform(-0.22, 0.22, 25))
    pen.polygon([(x + 0.27 * float(at), shore + 0.004 - float(up)) for at, up in zip(along, rise, strict=True)])
    pen.fill(shade(stage, 0.95))
    lamp = Pen(stage)
    lamp.ellipse(x, top - 0.004, 0.011, 0.011)
    lamp.fill(stage.glow() * np.float32(1.6))


def _shine(stage: Stage, x: float, y: float) -> None:
    """The beam, fading with distance, towards the wider side of the picture."""
    far, beam = stage.aspect * (1.3 if x < stage.aspect / 2 else -0.3), Pen(stage)
    beam.polygon([(x, y - 0.010), (far, y - 0.16), (far, y + 0.04), (x, y + 0.002)], 75)
    fade = np.exp(-np.abs(stage.columns() - np.float32(x)) * np.float32(2.0))
    stage.picture += stage.glow() * (beam.mask() * fade)


def _sailboat(stage: Stage, x: float, y: float) -> None:
    """The boat, and below it its image in the water, squeezed and fainter."""
    tint = mix(color(stage.palette.cloud[1]), color(stage.palette.haze), 0.35) * np.float32(0.95)
    for up, strength in ((-0.55, 0.45), (1.0, 1.0)):
        hull, sails = Pen(stage), Pen(stage)

        def at(dx: float, dy: float, up: float = up) -> tuple[float, float]:
            return x + dx, y - dy * up

        hull.polygon([at(-0.062, 0.014), at(0.066, 0.018), at(0.045, -0.006 * (up > 0)), at(-0.045, -0.006 * (up > 0))])
        hull.polygon([at(-0.0015, 0.012), at(-0.0015, 0.165), at(0.0015, 0.165), at(0.0015, 0.012)])
        sails.polygon([at(-0.004, 0.16), at(-0.004, 0.022), at(-0.062, 0.026)])
        sails.polygon([at(0.005, 0.15), at(0.005, 0.024), at(0.052, 0.030)])
        sails.fill(tint, strength)
        hull.fill(shade(stage, 0.95), strength)


def _balloons(stage: Stage) -> None:
    for number in range(5):
        size = 0.075 * 0.72**number
        x, y = stage.rng.uniform(0.12, 0.88) * stage.aspect, stage.horizon * stage.rng.uniform(0.16, 0.62)
        pen, stripes, basket = Pen(stage), Pen(stage), Pen(stage)
        pen.ellipse(x, y, size, size * 1.04)
        pen.polygon(
            [
                (x - size * 0.86, y + size * 0.52),
                (x + size * 0.86, y + size * 0.52),
                (x + size * 0.16, y + size * 1.5),
                (x - size * 0.16, y + size * 1.5),
            ]
        )
        stripes.ellipse(x, y, size * 0.34, size * 1.03)
        basket.polygon(
            [
                (x - size * 0.15, y + size * 1.62),
                (x + size * 0.15, y + size * 1.62),
                (x + size * 0.12, y + size * 1.85),
                (x - size * 0.12, y + size * 1.85),
            ]
        )
        tint = color(stage.palette.accents[1 + number % 4])
        pen.fill(mix(tint, color(stage.palette.haze), number * 0.12))
        stripes.fill(mix(stage.glow() * np.float32(0.85), color(stage.palette.haze), number * 0.12))
        basket.fill(shade(stage, 0.9 - number * 0.1))


def _cabin(stage: Stage, x: float, y: float) -> None:
    walls, roof, window = Pen(stage), Pen(stage), Pen(stage)
    walls.polygon([(x - 0.06, y), (x - 0.06, y - 0.055), (x, y - 0.105), (x + 0.06, y - 0.055), (x + 0.06, y)])
    roof.polygon(
        [
            (x - 0.082, y - 0.042),
            (x, y - 0.118),
            (x + 0.082, y - 0.042),
            (x + 0.074, y - 0.034),
            (x, y - 0.098),
            (x - 0.074, y - 0.034),
        ]
    )
    roof.polygon([(x + 0.03, y - 0.085), (x + 0.03, y - 0.13), (x + 0.046, y - 0.13), (x + 0.046, y - 0.07)])
    window.polygon([(x - 0.02, y - 0.05), (x - 0.02, y - 0.022), (x + 0.02, y - 0.022), (x + 0.02, y - 0.05)])
    walls.fill(shade(stage, 0.88))
    roof.fill(color(stage.palette.haze) * np.float32(1.15) if stage.has("snow") else shade(stage, 1.0))
    distance = np.hypot(stage.columns() - np.float32(x), stage.rows() - np.float32(y - 0.036))
    warm = color("#ffc15e")
    stage.picture += warm * (np.exp(distance * -26) * np.float32(0.35))
    window.fill(warm * np.float32(1.2))


def _birds(stage: Stage) -> None:
    pen, rng = Pen(stage), stage.rng
    x0, y0 = stage.aspect * rng.uniform(0.3, 0.6), stage.horizon * rng.uniform(0.3, 0.5)
    for _ in range(11):
        x, y, size = x0 + rng.normal(0, 0.12), y0 + rng.normal(0, 0.05), rng.uniform(0.008, 0.019)
        lift = size * rng.uniform(0.3, 0.7)
        wing = [
            (x - size, y - lift),
            (x - size * 0.4, y - lift * 0.9),
            (x, y),
            (x + size * 0.4, y - lift * 0.9),
            (x + size, y - lift),
        ]
        pen.stroke(wing, size * 0.16)
    pen.fill(shade(stage, 0.9))
