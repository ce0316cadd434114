"""A picture made solid: its outline blown up like a cushion, or, where it has none, a slab with its light as height.

picture ── outline ──┬── found ──> height rises from the edge inwards ── front and back ──┐
                     └── none ───> height by lightness ── front, flat back and sides ─────┴──> mesh ──> GLB
"""

from __future__ import annotations

import io
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from imagestudio.plugin import Media, ProviderRefused
from imagestudio_workshop.coding import flattened
from imagestudio_workshop.glb import Mesh, glb
from imagestudio_workshop.orders import LabelledTask, Step, Work
from imagestudio_workshop.outline import outlined
from imagestudio_workshop.profiles import Picture

Grid: TypeAlias = npt.NDArray[np.float32]

FINEST: Final = 192
"""Squares of the mesh along the longer side of the picture."""
_TEXTURE: Final = 1024
_ROUNDS: Final = (400, 160, 60)
_EDGE: Final = 0.5
_SLAB: Final = 0.06


def modelled(order: LabelledTask) -> Work:
    """A GLB of one textured mesh, a metre along its longer side; `shape` is "auto", "inflate" or "relief"."""
    # Of a texture glTF says that it is sRGB; a profile in it is ignored.
    image = order.picture().in_profile(None).image
    shape, depth = order.choice("shape", ("auto", "inflate", "relief"), "auto"), order.number("depth", 1.0)
    scale = FINEST / max(image.size)
    size = max(8, round(image.width * scale)), max(8, round(image.height * scale))
    small = image.resize(size, Image.Resampling.LANCZOS)
    covered = None if shape == "relief" else outlined(small)
    if covered is None and shape == "inflate":
        raise ProviderRefused("no_outline", "nothing stands out before a plain or transparent background")

    def work(_variation: int, step: Step) -> Media:
        step(0.1, "raising the surface")
        mesh = _slab(small, depth) if covered is None else _cushion(covered, depth)
        step(0.7, "painting the texture")
        content = glb(mesh, _texture(image, None if covered is None else size), "image/jpeg", order.label)
        return Media(content, "model/gltf-binary")

    return work


def _cushion(covered: Grid, depth: float) -> Mesh:
    """Front and back share the vertices of the rim, so that the surface is closed."""
    padded = np.pad(covered, 1)
    inside = padded > _EDGE
    height = _inflated(inside) * np.float32(depth)
    squares = inside[:-1, :-1] | inside[1:, :-1] | inside[:-1, 1:] | inside[1:, 1:]
    used = np.zeros_like(inside)
    for rows in (slice(None, -1), slice(1, None)):
        for columns in (slice(None, -1), slice(1, None)):
            used[rows, columns] |= squares
    places = _on_edge(padded, used & ~inside)
    front = np.full(inside.shape, -1, dtype=np.int64)
    front[used] = np.arange(used.sum())
    back = front.copy()
    back[inside] = np.arange(inside.sum()) + used.sum()
    points, heights = places[used], height[used]
    behind = places[inside], -height[inside]
    flat, raised = np.concatenate([points, behind[0]]), np.concatenate([heights, behind[1]])
    # If all three corners lie on the rim, front and back would be one and the same triangle, twice.
    raised_at_all = np.append(inside[used], np.ones(inside.sum(), dtype=np.bool_))
    triangles = np.concatenate([_triangles(front, squares), _triangles(back, squares)[:, ::-1]])
    triangles = triangles[raised_at_all[triangles].any(axis=1)]
    return _mesh(flat, raised, triangles, covered.shape, offset=1)


def _inflated(inside: npt.NDArray[np.bool_]) -> Grid:
    """Height in grid steps: the root of Poisson's equation, which makes a sphere of a disc and a tube of a strip.

    Solved coarse to fine by red-black successive over-relaxation.
    """
    solution = np.zeros((1, 1), dtype=np.float32)
    for level, rounds in zip((4, 2, 1), _ROUNDS, strict=True):
        mask = inside[::level, ::level]
        solution = np.asarray(Image.fromarray(solution).resize(mask.shape[::-1], Image.Resampling.BILINEAR))
        solution = _relaxed(np.pad(solution * mask, 1), np.pad(mask, 1), 4.0 * level * level, rounds)[1:-1, 1:-1]
    return np.asarray(np.sqrt(np.maximum(solution, 0)), dtype=np.float32)


def _relaxed(field: Grid, mask: npt.NDArray[np.bool_], source: float, rounds: int) -> Grid:
    colour = np.add.outer(np.arange(mask.shape[0]), np.arange(mask.shape[1])) % 2 == 0
    weights = [np.where(mask & (colour == red), np.float32(1.85 / 4), np.float32(0)) for red in (True, False)]
    for _ in range(rounds):
        for weight in weights:
            around = field[:-2, 1:-1] + field[2:, 1:-1] + field[1:-1, :-2] + field[1:-1, 2:]
            field[1:-1, 1:-1] += weight[1:-1, 1:-1] * (around + np.float32(source) - 4 * field[1:-1, 1:-1])
    return field


def _on_edge(covered: Grid, rim: npt.NDArray[np.bool_]) -> Grid:
    """Grid places (x, y), those of the rim moved along the slope to where the thing is half covered."""
    rows, columns = np.mgrid[: covered.shape[0], : covered.shape[1]].astype(np.float32)
    down, across = np.gradient(covered)
    steep = np.maximum(down * down + across * across, np.float32(1e-3))
    away = np.where(rim, (np.float32(_EDGE) - covered) / steep, np.float32(0))
    return np.stack([columns + (away * across).clip(-1, 1), rows + (away * down).clip(-1, 1)], axis=-1)


def _slab(image: Image.Image, depth: float) -> Mesh:
    """Height by lightness, smoothed; sides go straight down to a flat back."""
    grey = flattened(Picture(image)).image.convert("L")
    broad, fine = (np.asarray(grey.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) for radius in (6, 1.5))
    light = (0.7 * broad + 0.3 * fine) / np.float32(255)
    rows, columns = light.shape
    unit = np.float32(max(rows, columns))
    height = (light * np.float32(0.12 * depth) + np.float32(_SLAB)) * unit
    numbers = np.arange(rows * columns).reshape(rows, columns)
    squares = np.ones((rows - 1, columns - 1), dtype=np.bool_)
    places = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2).astype(np.float32)
    rim = np.concatenate([numbers[0, :-1], numbers[:-1, -1], numbers[-1, :0:-1], numbers[:0:-1, 0]])
    foot = np.arange(len(rim)) + numbers.size
    after, foot_after = np.roll(rim, -1), np.roll(foot, -1)
    middle = numbers.size + len(rim)
    sides = [np.stack([rim, foot_after, foot], 1), np.stack([rim, after, foot_after], 1)]
    floor = np.stack([foot, foot_after, np.full_like(foot, middle)], 1)
    flat = np.concatenate([places, places[rim], [[(columns - 1) / 2, (rows - 1) / 2]]])
    raised = np.concatenate([height.ravel(), np.zeros(len(rim) + 1)])
    return _mesh(flat, raised, np.concatenate([_triangles(numbers, squares), *sides, floor]), light.shape)


def _triangles(numbers: npt.NDArray[np.int64], squares: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Two a square, counter-clockwise for who looks at the picture; rows run downwards."""
    corners = numbers[:-1, :-1], numbers[1:, :-1], numbers[1:, 1:], numbers[:-1, 1:]
    upper, left, right, over = (corner[squares] for corner in corners)
    return np.concatenate([np.stack([upper, left, right], 1), np.stack([upper, right, over], 1)])


def _mesh(
    flat: npt.NDArray[np.floating],
    raised: npt.NDArray[np.floating],
    triangles: npt.NDArray[np.int64],
    shape: tuple[int, ...],
    offset: int = 0,
) -> Mesh:
    """From grid places (x, y) and heights to metres about the origin."""
    rows, columns = shape
    unit = max(rows, columns)
    used, numbers = np.unique(triangles, return_inverse=True)
    triangles, flat, raised = numbers.reshape(triangles.shape), flat[used] - offset, raised[used]
    places = np.stack([(flat[:, 0] + 0.5) / columns, (flat[:, 1] + 0.5) / rows], axis=1).clip(0, 1)
    x, y = flat[:, 0] - (columns - 1) / 2, (rows - 1) / 2 - flat[:, 1]
    positions = np.stack([x / unit, y / unit, raised / unit], axis=1).astype(np.float32)
    return Mesh(positions, _normals(positions, triangles), places.astype(np.float32), triangles.astype(np.uint32))


def _normals(positions: Grid, triangles: npt.NDArray[np.int64]) -> Grid:
    """Of each vertex: the mean of its triangles', by their area."""
    one, two, three = (positions[triangles[:, corner]] for corner in range(3))
    facing = np.cross(two - one, three - one)
    normals = np.zeros_like(positions)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], facing)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals[length[:, 0] == 0] = (0, 0, 1)
    return np.asarray(normals / np.where(length > 0, length, 1), dtype=np.float32)


def _texture(image: Image.Image, outline_at: tuple[int, int] | None) -> bytes:
    """The picture as a JPEG; what was outlined has its colours spread outwards, so that no background shows."""
    scale = min(1.0, _TEXTURE / max(image.size))
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    picture = image.resize(size, Image.Resampling.LANCZOS)
    covered = None if outline_at is None else outlined(picture)
    shown = flattened(Picture(picture)).image if covered is None else _spread(picture.convert("RGB"), covered)
    stream = io.BytesIO()
    shown.save(stream, "JPEG", quality=90)
    return stream.getvalue()


def _spread(picture: Image.Image, covered: Grid) -> Image.Image:
    pixels = np.asarray(picture, dtype=np.float32)
    core = np.asarray(covered > 0.9, dtype=np.float32)
    filled, known = pixels * core[..., None], core
    for radius in (2, 6, 18):
        soft = [_blurred(filled[..., plane], radius) for plane in range(3)]
        weight = _blurred(known, radius)
        near = np.stack(soft, axis=-1) / np.maximum(weight, 1e-4)[..., None]
        new = (known < 0.5) & (weight > 0.02)
        filled = np.where(new[..., None], near, filled)
        known = np.where(new, np.float32(1), known)
    filled = np.where((known < 0.5)[..., None], pixels, filled)
    return Image.fromarray(filled.clip(0, 255).astype(np.uint8))


def _blurred(plane: Grid, radius: int) -> Grid:
    """The mean of the square about each pixel; beyond the border there is nothing."""
    for _ in range(2):
        sums = np.pad(plane.cumsum(axis=0, dtype=np.float64), ((radius + 1, radius), (0, 0)), mode="edge")
        sums[: radius + 1] = 0
        plane = ((sums[2 * radius + 1 :] - sums[: -2 * radius - 1]) / (2 * radius + 1)).T
    return np.asarray(plane, dtype=np.float32)
