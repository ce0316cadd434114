"""Draws a model as a camera sees it that goes round it: samples of its surface, of which the nearest is seen.

triangles ── as many samples as pixels they cover ── texture, and light from beside the camera ── nearest ──> frame
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from imagestudio_workshop.solids.gltf import MeshPart

Points: TypeAlias = npt.NDArray[np.float32]
Triangles: TypeAlias = npt.NDArray[np.int64]
Steps: TypeAlias = npt.NDArray[np.int64]

_FINER: Final = 2
"""Drawn so many times as large a side, and made small, so that edges are smooth."""
_CHUNK: Final = 400_000
_MOST_STEPS: Final = 1024
_BETWEEN: Final = 0.8
"""Pixels between two samples."""
_RAISED: Final = 0.3
"""Radians by which the camera looks down."""
_FAR: Final = 3.2
"""Of the camera, in radii of the model; and how much of a frame it fills."""
_FILLS: Final = 0.92
_AMBIENT: Final = 0.4
_LIGHT: Final = (0.35, 0.55, 0.76)


@dataclass(frozen=True, slots=True)
class Turntable:
    """Parts about the origin, in a ball of radius 1."""

    parts: tuple[MeshPart, ...]
    ground: tuple[int, int, int]

    @classmethod
    def of(cls, parts: list[MeshPart], ground: tuple[int, int, int]) -> Turntable:
        points = np.concatenate([part.positions[np.unique(part.triangles)] for part in parts]).astype(np.float64)
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        radius = max(float(np.linalg.norm(points - middle, axis=1).max()), 1e-9)
        moved = [((part.positions - middle) / radius).astype(np.float32) for part in parts]
        placed = [
            MeshPart(points, part.normals, part.places, part.triangles, part.colour, part.texture)
            for points, part in zip(moved, parts, strict=True)
        ]
        return cls(tuple(placed), ground)

    def frame(self, side: int, turned: float) -> Image.Image:
        """A square picture, `turned` a share of a whole round."""
        wide = side * _FINER
        nearest = np.full(wide * wide, np.inf, dtype=np.float32)
        colours = np.empty((wide * wide, 3), dtype=np.uint8)
        colours[:] = self.ground
        for part in self.parts:
            for place, depth, colour in _samples(part, _camera(turned), wide):
                _seen(nearest, colours, place, depth, colour)
        drawn = Image.fromarray(colours.reshape(wide, wide, 3))
        return drawn.resize((side, side), Image.Resampling.BOX)


def _camera(turned: float) -> Points:
    """From the world to the camera's right, up and nearer."""
    angle = 2 * np.pi * turned
    round_about = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    down = np.array([[1, 0, 0], [0, np.cos(_RAISED), -np.sin(_RAISED)], [0, np.sin(_RAISED), np.cos(_RAISED)]])
    return np.asarray(down @ round_about, dtype=np.float32)


def _samples(
    part: MeshPart, camera: Points, wide: int
) -> Iterator[tuple[npt.NDArray[np.int64], Points, npt.NDArray[np.uint8]]]:
    """Of each sample the pixel, the distance and the colour, in chunks."""
    points = part.positions @ camera.T
    distance = np.float32(_FAR) - points[:, 2]
    scale = np.float32(wide / 2 * _FILLS * np.sqrt(_FAR**2 - 1))
    across = wide / 2 + scale * points[:, 0] / distance
    down = wide / 2 - scale * points[:, 1] / distance
    screen = np.stack([across, down, distance], axis=1).astype(np.float32)
    shade = _AMBIENT + (1 - _AMBIENT) * np.abs((part.normals @ camera.T) @ np.array(_LIGHT, dtype=np.float32))
    texture = None if part.texture is None else np.asarray(part.texture)
    triangles, steps = _longest_first(part.triangles, screen)
    for these in np.unique(steps, axis=0):
        weights = _weights(int(these[0]), int(these[1]))
        chosen = triangles[(steps == these).all(axis=1)]
        for some in np.array_split(chosen, max(1, -(-len(chosen) * len(weights) // _CHUNK))):
            yield _sampled(part, some, weights, screen, shade, texture, wide)


def _longest_first(triangles: Triangles, screen: Points) -> tuple[Triangles, Steps]:
    """Each triangle from the beginning of its longest side on, and its steps (T, 2) along that side and away from it.

    Most of a solid's walls are a pixel wide and hundreds high; both are powers of two, the second the smaller one.
    """
    corners = screen[triangles]
    sides = corners[:, (1, 2, 0), :2] - corners[..., :2]
    lengths = np.linalg.norm(sides, axis=2)
    first, longest = lengths.argmax(axis=1), lengths.max(axis=1)
    twice = np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0])
    turned = triangles[np.arange(len(triangles))[:, None], (first[:, None] + np.arange(3)) % 3]
    pixels = np.stack([longest, twice / np.maximum(longest, 1e-9)], axis=1)
    needed = np.ceil(pixels / _BETWEEN).clip(1, _MOST_STEPS)
    return turned, np.exp2(np.ceil(np.log2(needed))).astype(np.int64)


def _sampled(
    part: MeshPart,
    triangles: npt.NDArray[np.int64],
    weights: Points,
    screen: Points,
    shade: Points,
    texture: npt.NDArray[np.uint8] | None,
    wide: int,
) -> tuple[npt.NDArray[np.int64], Points, npt.NDArray[np.uint8]]:
    at = np.einsum("sk,tkc->tsc", weights, screen[triangles]).reshape(-1, 3)
    light = np.einsum("sk,tk->ts", weights, shade[triangles]).reshape(-1, 1)
    column, row = at[:, 0].astype(np.int64).clip(0, wide - 1), at[:, 1].astype(np.int64).clip(0, wide - 1)
    base: npt.NDArray[np.floating] = np.array(part.colour, dtype=np.float32) * 255
    if texture is not None and part.places is not None:
        place = np.einsum("sk,tkc->tsc", weights, part.places[triangles]).reshape(-1, 2) % 1
        height, width = texture.shape[:2]
        x, y = (place[:, 0] * width).astype(np.int64), (place[:, 1] * height).astype(np.int64)
        base = texture[y.clip(0, height - 1), x.clip(0, width - 1)] * np.array(part.colour, dtype=np.float32)
    return row * wide + column, at[:, 2], (base * light).clip(0, 255).astype(np.uint8)


@cache
def _weights(along: int, across: int) -> Points:
    """Barycentric, of a lattice over a triangle: rows along its first side, which end on the other two."""
    second, third = np.meshgrid(np.arange(along + 1) / along, np.arange(across + 1) / across)
    inside = second + third <= 1
    return np.stack([1 - second - third, second, third], axis=-1)[inside].astype(np.float32)


def _seen(
    nearest: Points,
    colours: npt.NDArray[np.uint8],
    place: npt.NDArray[np.int64],
    depth: Points,
    colour: npt.NDArray[np.uint8],
) -> None:
    """Put those samples into the frame that are nearer than all before."""
    nearer = depth < nearest[place]
    place, depth, colour = place[nearer], depth[nearer], colour[nearer]
    # Of several in one pixel the last is kept, and that is the nearest.
    order = np.argsort(-depth, kind="stable")
    nearest[place[order]] = depth[order]
    colours[place[order]] = colour[order]
