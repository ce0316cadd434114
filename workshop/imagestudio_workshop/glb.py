"""Binary glTF 2.0: one textured mesh in one file (Khronos glTF 2.0, sections 3.6, 3.7 and 4).

header 12 bytes ── JSON chunk, padded with spaces ── BIN chunk: positions, normals, texture places, indices, image
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_FLOAT, _UINT = 5126, 5125
_VERTICES, _INDICES = 34962, 34963
_JSON, _BIN = 0x4E4F534A, 0x004E4942


@dataclass(frozen=True, slots=True)
class Mesh:
    """Counter-clockwise triangles seen from outside; y is up and z towards who looks."""

    positions: npt.NDArray[np.float32]
    """Shape (n, 3), in metres."""
    normals: npt.NDArray[np.float32]
    places: npt.NDArray[np.float32]
    """Shape (n, 2), in shares of the image's width and height, from its top left."""
    triangles: npt.NDArray[np.uint32]
    """Shape (m, 3)."""


def glb(mesh: Mesh, image: bytes, media_type: str, generator: str) -> bytes:
    """`image` is the texture, encoded as `media_type`, which glTF allows to be image/png or image/jpeg."""
    parts = [
        np.ascontiguousarray(mesh.positions, dtype="<f4").tobytes(),
        np.ascontiguousarray(mesh.normals, dtype="<f4").tobytes(),
        np.ascontiguousarray(mesh.places, dtype="<f4").tobytes(),
        np.ascontiguousarray(mesh.triangles, dtype="<u4").tobytes(),
        image,
    ]
    targets = (_VERTICES, _VERTICES, _VERTICES, _INDICES, None)
    content, views = b"", []
    for part, target in zip(parts, targets, strict=True):
        view = {"buffer": 0, "byteOffset": len(content), "byteLength": len(part)}
        views.append(view if target is None else {**view, "target": target})
        content += _padded(part, b"\0")
    scene = _scene(mesh, media_type, generator) | {"bufferViews": views, "buffers": [{"byteLength": len(content)}]}
    text = _padded(json.dumps(scene, separators=(",", ":")).encode(), b" ")
    chunks = struct.pack("<II", len(text), _JSON) + text + struct.pack("<II", len(content), _BIN) + content
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _scene(mesh: Mesh, media_type: str, generator: str) -> dict[str, Any]:
    count = len(mesh.positions)
    bounds = {name: _bound(mesh.positions, name) for name in ("min", "max")}
    attributes = {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2}
    material = {
        "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicFactor": 0, "roughnessFactor": 0.85}
    }
    return {
        "asset": {"version": "2.0", "generator": generator},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": attributes, "indices": 3, "material": 0}]}],
        "materials": [material],
        "textures": [{"source": 0, "sampler": 0}],
        "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}],
        "images": [{"bufferView": 4, "mimeType": media_type}],
        "accessors": [
            {"bufferView": 0, "componentType": _FLOAT, "count": count, "type": "VEC3", **bounds},
            {"bufferView": 1, "componentType": _FLOAT, "count": count, "type": "VEC3"},
            {"bufferView": 2, "componentType": _FLOAT, "count": count, "type": "VEC2"},
            {"bufferView": 3, "componentType": _UINT, "count": int(mesh.triangles.size), "type": "SCALAR"},
        ],
    }


def _bound(positions: npt.NDArray[np.float32], which: str) -> list[float]:
    return [float(value) for value in getattr(positions, which)(axis=0)]


def _padded(part: bytes, filler: bytes) -> bytes:
    return part + filler * (-len(part) % 4)
