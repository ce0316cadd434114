"""A model made of a picture is a closed, textured surface that any reader of glTF opens."""

from __future__ import annotations

import io
import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from application.ports import Media
from imagestudio_workshop.outline import outlined
from imagestudio_workshop.relief import FINEST
from tests.workshop.work import make, png, refused, scene

TYPES = {5126: np.dtype("<f4"), 5125: np.dtype("<u4")}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3}


@dataclass
class Opened:
    """A GLB as a reader sees it, having checked what the format demands."""

    scene: dict[str, Any]
    binary: bytes

    def accessor(self, number: int) -> npt.NDArray[Any]:
        spec = self.scene["accessors"][number]
        view = self.scene["bufferViews"][spec["bufferView"]]
        start, width, kind = view["byteOffset"], WIDTHS[spec["type"]], TYPES[spec["componentType"]]
        assert start % 4 == 0
        assert spec["count"] * width * kind.itemsize == view["byteLength"]
        return np.frombuffer(self.binary, kind, spec["count"] * width, start).reshape(-1, width)

    @property
    def image(self) -> Image.Image:
        (spec,) = self.scene["images"]
        view = self.scene["bufferViews"][spec["bufferView"]]
        image = Image.open(io.BytesIO(self.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]))
        assert image.get_format_mimetype() == spec["mimeType"]
        image.load()
        return image

    @property
    def positions(self) -> npt.NDArray[np.float32]:
        return self.accessor(self.primitive["attributes"]["POSITION"])

    @property
    def normals(self) -> npt.NDArray[np.float32]:
        return self.accessor(self.primitive["attributes"]["NORMAL"])

    @property
    def places(self) -> npt.NDArray[np.float32]:
        return self.accessor(self.primitive["attributes"]["TEXCOORD_0"])

    @property
    def triangles(self) -> npt.NDArray[np.int64]:
        return self.accessor(self.primitive["indices"]).reshape(-1, 3).astype(np.int64)

    @property
    def primitive(self) -> dict[str, Any]:
        primitive: dict[str, Any] = self.scene["meshes"][0]["primitives"][0]
        return primitive


def opened(media: Media) -> Opened:
    content = media.content
    magic, version, length = struct.unpack_from("<4sII", content)
    assert (magic, version, length) == (b"glTF", 2, len(content))
    size, kind = struct.unpack_from("<I4s", content, 12)
    assert (kind, size % 4) == (b"JSON", 0)
    scene = json.loads(content[20 : 20 + size])
    rest, kind = struct.unpack_from("<I4s", content, 20 + size)
    assert (kind, 28 + size + rest, rest % 4) == (b"BIN\0", len(content), 0)
    assert scene["asset"]["version"] == "2.0"
    assert scene["buffers"] == [{"byteLength": rest}]
    return Opened(scene, content[28 + size :])


def ball(background: tuple[int, ...] = (250, 250, 250), mode: str = "RGB") -> Image.Image:
    image = Image.new(mode, (120, 90), background)
    ImageDraw.Draw(image).ellipse((35, 20, 85, 70), fill=(200, 40, 40, 255)[: len(mode)])
    return image


def volume(model: Opened) -> float:
    """By the divergence theorem; positive where the triangles face outwards."""
    one, two, three = (model.positions.astype(float)[model.triangles[:, corner]] for corner in range(3))
    return float((one * np.cross(two, three)).sum() / 6)


def assert_closed(model: Opened) -> None:
    """Each edge is shared by two triangles, once in either direction."""
    edges = np.concatenate([model.triangles[:, [0, 1]], model.triangles[:, [1, 2]], model.triangles[:, [2, 0]]])
    assert len(np.unique(edges, axis=0)) == len(edges)
    assert {tuple(edge) for edge in edges.tolist()} == {tuple(edge) for edge in edges[:, ::-1].tolist()}


@pytest.mark.parametrize("picture", [ball(), ball((0, 0, 0, 0), "RGBA"), scene(96, 64)], ids=["plain", "clear", "full"])
async def test_a_model_is_closed_textured_and_within_the_bounds_it_states(picture: Image.Image) -> None:
    model = opened(await make("relief", {"image": png(picture)}, depth="0.6"))
    assert_closed(model)
    assert volume(model) > 0
    bounds = model.scene["accessors"][0]
    assert np.allclose(model.positions.min(axis=0), bounds["min"])
    assert np.allclose(model.positions.max(axis=0), bounds["max"])
    assert np.abs(model.positions).max() <= 0.51
    assert np.allclose(np.linalg.norm(model.normals, axis=1), 1, atol=1e-4)
    assert model.places.min() >= 0
    assert model.places.max() <= 1
    assert model.triangles.max() == len(model.positions) - 1
    assert model.image.size == picture.size


async def test_a_disc_is_blown_up_to_a_ball() -> None:
    model = opened(await make("relief", {"image": png(ball())}, depth="1"))
    width, height, depth = np.ptp(model.positions, axis=0)
    assert width == pytest.approx(51 / 120, rel=0.04)
    assert height == pytest.approx(width, rel=0.04)
    assert depth == pytest.approx(width, rel=0.06)
    assert volume(model) == pytest.approx(4 / 3 * np.pi * (width / 2) ** 3, rel=0.08)


async def test_its_depth_is_what_was_asked_for() -> None:
    depths = [
        float(np.ptp(opened(await make("relief", {"image": png(ball())}, depth=depth)).positions[:, 2]))
        for depth in ("0.3", "0.9")
    ]
    assert depths[1] == pytest.approx(3 * depths[0], rel=0.02)


async def test_the_texture_is_the_thing_and_nothing_of_what_is_behind_it() -> None:
    model = opened(await make("relief", {"image": png(ball((20, 200, 20)))}))
    texture = np.asarray(model.image).astype(int)
    rows = (model.places[:, 1] * (texture.shape[0] - 1)).round().astype(int)
    columns = (model.places[:, 0] * (texture.shape[1] - 1)).round().astype(int)
    used = texture[rows, columns]
    assert (used[:, 0] > 150).mean() > 0.99
    assert (used[:, 1] < 110).mean() > 0.99


async def test_what_is_lighter_stands_higher_in_a_relief() -> None:
    image = Image.new("L", (64, 64), 40)
    image.paste(220, (32, 0, 64, 64))
    model = opened(await make("relief", {"image": png(image.convert("RGB"))}, shape="relief"))
    front = model.positions[model.normals[:, 2] > 0.5]
    assert front[front[:, 0] > 0.2, 2].mean() > front[front[:, 0] < -0.2, 2].mean() + 0.03


async def test_a_picture_of_any_shape_becomes_a_model_of_bounded_fineness() -> None:
    for size in ((2000, 40), (3, 300), (1, 1)):
        model = opened(await make("relief", {"image": png(scene(*size))}, shape="relief"))
        assert len(model.positions) < 2.2 * FINEST**2


async def test_where_nothing_stands_out_nothing_is_blown_up() -> None:
    assert await refused("relief", {"image": png(scene(96, 64))}, shape="inflate") == "no_outline"
    assert await refused("relief", {"image": png(ball())}, shape="cube") == "unsupported_shape"


@pytest.mark.parametrize("picture", [ball(), ball((10, 60, 120)), ball((0, 0, 0, 0), "RGBA")])
def test_an_outline_covers_the_thing_and_nothing_else(picture: Image.Image) -> None:
    covered = outlined(picture)
    truth = np.asarray(Image.new("L", picture.size))
    drawn = Image.fromarray(truth.copy())
    ImageDraw.Draw(drawn).ellipse((35, 20, 85, 70), fill=255)
    assert covered is not None
    assert ((covered > 0.5) != (np.asarray(drawn) > 0)).mean() < 0.01


def test_what_is_within_the_thing_belongs_to_it_even_in_the_backgrounds_colour() -> None:
    image = ball()
    ImageDraw.Draw(image).ellipse((50, 35, 70, 55), fill=(250, 250, 250))
    covered = outlined(image)
    assert covered is not None
    assert covered[45, 60] > 0.9


@pytest.mark.parametrize("picture", [scene(96, 64), Image.new("RGB", (64, 64), "white"), Image.new("RGBA", (8, 8))])
def test_a_full_or_an_empty_picture_has_no_outline(picture: Image.Image) -> None:
    assert outlined(picture) is None
