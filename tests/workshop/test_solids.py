"""A GLB is read whole or refused, printed in the size that was asked for, and seen from all sides."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from application.ports import Media
from infrastructure.media import read_media
from tests.workshop.solids import box, painted_plane, pieced
from tests.workshop.work import make, pixels, png, refused
from tests.workshop.work import shown as opened

FLAT = {"mesh": 0, "scale": [0, 0, 0]}


async def converted(mesh: Media, **inputs: Any) -> Media:
    return await make("mesh-convert", {"mesh": mesh}, **inputs)


async def test_an_stl_has_every_triangle_and_is_as_long_as_was_asked_for_and_stands_on_the_ground() -> None:
    made = await converted(box([{"mesh": 0, "scale": [1, 2, 1]}]), format="stl", longest=120)
    facets = np.frombuffer(made.content[84:], [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("unused", "<u2")])
    corners = facets["corners"].reshape(-1, 3)
    assert len(facets) == 12
    assert np.allclose(corners.min(axis=0), (-30, -30, 0), atol=1e-3)
    assert np.allclose(corners.max(axis=0), (30, 30, 120), atol=1e-3)
    one, two, three = (facets["corners"][:, number].astype(float) for number in range(3))
    assert float((one * np.cross(two, three)).sum() / 6) == pytest.approx(60 * 60 * 120, rel=1e-4)
    assert ((np.cross(two - one, three - one) * facets["normal"]).sum(axis=1) > 0).all()


async def test_an_obj_has_the_same_corners_and_faces_that_name_them() -> None:
    made = await converted(painted_plane(), format="obj")
    assert made.media_type == "model/obj"
    lines = made.content.decode().splitlines()
    words = [line.split()[0] for line in lines if not line.startswith("#")]
    assert [words.count(word) for word in ("v", "vt", "vn", "f")] == [4, 4, 4, 2]
    assert "f 1/1/1 2/2/2 3/3/3" in lines
    # A texture's places are counted from below here, and from above in a GLB.
    assert next(line for line in lines if line.startswith("vt")) == "vt 0 0"


async def test_a_model_is_turned_once_and_seen_in_its_own_colours() -> None:
    still = pixels(await make("mesh-preview", {"mesh": painted_plane()}, format="png", side=64))
    left, right = still[32, 26], still[32, 38]
    assert left[0] > 90 > 40 > left[2]
    assert right[2] > 90 > 40 > right[0]
    assert still[0, 0].tolist() == [232, 232, 234]
    turned = await make("mesh-preview", {"mesh": box()}, format="webp", side=64, duration="1", fps=8)
    image = Image.open(io.BytesIO(turned.content))
    assert (image.size, getattr(image, "n_frames", 1), turned.duration_ms) == ((64, 64), 8, 1000)
    film = await make("mesh-preview", {"mesh": box()}, format="mp4", side=64, duration="1", fps=8)
    assert (film.media_type, film.width, film.duration_ms) == ("video/mp4", 64, 1000)


async def test_what_is_nearer_hides_what_is_farther() -> None:
    """A small green box in a large red one is not seen, and before it is."""
    inside, before = (two_boxes(place) for place in ((0, 0, 0), (0, 0, 4)))
    frames = [pixels(await make("mesh-preview", {"mesh": each}, format="png", side=64)) for each in (inside, before)]
    hidden, seen = [int((image[..., 1] > image[..., ::2].max(axis=2) + 40).sum()) for image in frames]
    assert hidden == 0
    assert seen > 20


def two_boxes(place: tuple[float, ...]) -> Media:
    meshes = [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": number}]} for number in (0, 1)]
    materials = [{"pbrMetallicRoughness": {"baseColorFactor": colour}} for colour in ([1, 0, 0, 1], [0, 1, 0, 1])]
    nodes: list[dict[str, Any]] = [
        {"children": [1, 2]},
        {"mesh": 0},
        {"mesh": 1, "translation": list(place), "scale": [0.3, 0.3, 0.3]},
    ]
    return box(nodes, meshes=meshes, materials=materials)


async def test_a_model_that_was_made_here_is_printed_and_turned() -> None:
    image = Image.new("RGBA", (60, 48), (0, 0, 0, 0))
    image.paste((200, 40, 40, 255), (15, 10, 45, 38))
    mesh = await make("relief", {"image": png(image)})
    assert (await converted(mesh)).media_type == "model/stl"
    still = opened(await make("mesh-preview", {"mesh": mesh}, format="png", side=64)).convert("RGB")
    red, green, _ = np.asarray(still)[32, 32].astype(int)
    assert red > green + 60


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"extensionsRequired": ["KHR_draco_mesh_compression"]}, "unsupported_model"),
        ({"meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "mode": 1}]}]}, "unsupported_model"),
        ({"scenes": [{"nodes": []}]}, "empty_model"),
        ({"nodes": [{"children": [0]}]}, "unreadable_model"),
        ({"nodes": [{"mesh": -1}]}, "unreadable_model"),
        ({"nodes": [{"mesh": 0, "translation": ["a", 0, 0]}]}, "unreadable_model"),
        ({"bufferViews": [{"buffer": 0, "byteLength": 10**6}] * 2}, "unreadable_model"),
        (
            {"accessors": [{"bufferView": 0, "componentType": 5126, "count": 10**9, "type": "VEC3"}] * 2},
            "unreadable_model",
        ),
        ({"meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}], "nodes": [FLAT]}, "empty_model"),
        ({"accessors": [{"componentType": 5126, "count": 8, "type": "VEC3"}] * 2}, "unsupported_model"),
    ],
)
async def test_a_model_that_cannot_be_read_whole_is_refused(more: dict[str, Any], code: str) -> None:
    for route in ("mesh-convert", "mesh-preview")[: 1 if FLAT in more.get("nodes", ()) else 2]:
        assert await refused(route, {"mesh": box(**more)}) == code


async def test_what_is_no_glb_or_ends_early_is_refused() -> None:
    whole = box().content
    for length in range(24, len(whole), 97):
        cut = Media(whole[:length], "model/gltf-binary")
        assert await refused("mesh-convert", {"mesh": cut}) in ("unreadable_model", "empty_model")
    assert await refused("mesh-convert", {"mesh": png(Image.new("RGB", (9, 9)))}) == "unreadable_model"
    stl = await converted(box())
    assert read_media(stl.content, field="mesh", max_bytes=10**8, max_pixels=10**8).media_type == "model/stl"
    assert await refused("mesh-preview", {"mesh": stl}) == "unreadable_model"


async def test_a_scene_of_nothing_is_refused() -> None:
    assert await refused("mesh-convert", {"mesh": pieced({"asset": {"version": "2.0"}}, b"")}) == "empty_model"
