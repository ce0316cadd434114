"""Models made for the test: a box of two colours, written as binary glTF by hand."""

from __future__ import annotations

import io
import json
import struct
from typing import Any

import numpy as np
from PIL import Image

from application.ports import Media
from infrastructure.media import read_media

CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype="<f4")
QUADS = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
TRIANGLES = np.array([[q[a] for a in each] for q in QUADS for each in ((0, 1, 2), (0, 2, 3))], dtype="<u2")


def pieced(scene: dict[str, Any], binary: bytes) -> Media:
    """A GLB of a scene and its bytes, as the studio reads it."""
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(binary), 0x004E4942) + binary
    content = struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
    return read_media(content, field="mesh", max_bytes=10**8, max_pixels=10**8)


def box(nodes: list[dict[str, Any]] | None = None, colour: tuple[float, ...] = (1, 0, 0, 1), **more: Any) -> Media:
    """A box, two metres a side, of one colour; `nodes` place it, `more` is said over the scene."""
    binary = CORNERS.tobytes() + TRIANGLES.tobytes()
    primitive = {"attributes": {"POSITION": 0}, "indices": 1, "material": 0}
    scene = {
        "asset": {"version": "2.0"},
        "scenes": [{"nodes": [0]}],
        "nodes": nodes or [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorFactor": list(colour)}}],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": CORNERS.nbytes},
            {"buffer": 0, "byteOffset": CORNERS.nbytes, "byteLength": TRIANGLES.nbytes},
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 8, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": TRIANGLES.size, "type": "SCALAR"},
        ],
    }
    return pieced({**scene, **more}, binary)


def painted_plane() -> Media:
    """A square that stands before us, its left half red and its right half blue, by a texture."""
    image = Image.new("RGB", (8, 8), (255, 0, 0))
    image.paste((0, 0, 255), (4, 0, 8, 8))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    points = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype="<f4")
    places = np.array([[0, 1], [1, 1], [1, 0], [0, 0]], dtype="<f4")
    corners = np.array([0, 1, 2, 0, 2, 3], dtype="u1")
    parts, binary, views = (points.tobytes(), places.tobytes(), corners.tobytes() + b"\0\0", stream.getvalue()), b"", []
    for part in parts:
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(part)})
        binary += part
    scene = {
        "asset": {"version": "2.0"},
        "nodes": [{"mesh": 0}],
        "scenes": [{"nodes": [0]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0}],
        "images": [{"bufferView": 3, "mimeType": "image/png"}],
        "buffers": [{"byteLength": len(binary)}],
        "bufferViews": views,
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5126, "count": 4, "type": "VEC2"},
            {"bufferView": 2, "componentType": 5121, "count": 6, "type": "SCALAR"},
        ],
    }
    return pieced(scene, binary)
