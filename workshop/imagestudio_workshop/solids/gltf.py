"""Reads binary glTF 2.0: every mesh of its scene as triangles in the world, with its colour and texture.

    header, JSON, BIN ── nodes, by their matrices ── primitives ── accessors ──> Parts

Everything is checked before it is used, as the file may come from anybody. Parts that are compressed, or that are no
triangles, are refused: half a model would look like a whole one.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from imagestudio.plugin import Media, ProviderRefused

Numbers: TypeAlias = npt.NDArray[np.float32]
Indices: TypeAlias = npt.NDArray[np.int64]

MOST_TRIANGLES: Final = 2_000_000
_HEAD, _CHUNK = 12, 8
_JSON, _BIN = 0x4E4F534A, 0x004E4942
_TRIANGLES: Final = 4
_DEEPEST: Final = 64
_TYPES: Final = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_TEXTURES: Final = ("PNG", "JPEG", "WEBP")
_LARGEST_TEXTURE: Final = 2048
_KNOWN: Final = ("KHR_materials_unlit", "KHR_mesh_quantization", "EXT_texture_webp")
_BROKEN: Final = (LookupError, TypeError, ValueError, AttributeError, struct.error, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class MeshPart:
    """Triangles of one material.

    `places` are in shares of the texture from its top left, the colour is sRGB in [0, 1].
    """

    positions: Numbers
    normals: Numbers
    places: Numbers | None
    triangles: Indices
    colour: tuple[float, float, float]
    texture: Image.Image | None


def read_glb(media: Media, field: str) -> list[MeshPart]:
    """The parts of a model. Raises ProviderRefused for a damaged one, and for one that is not all triangles."""
    if media.media_type != "model/gltf-binary":
        raise ProviderRefused("unreadable_model", f"{field} is {media.media_type}, not a GLB model")
    try:
        parts = list(_Reader(*_chunks(media.content)).parts())
    except _BROKEN as error:
        raise ProviderRefused("unreadable_model", f"{field} is a damaged GLB model") from error
    if not parts:
        raise ProviderRefused("empty_model", f"{field} is a GLB model without a triangle")
    return parts


def _chunks(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The scene, and the bytes that it refers to."""
    length, kind = struct.unpack_from("<II", content, _HEAD)
    scene = json.loads(content[_HEAD + _CHUNK : _HEAD + _CHUNK + length])
    at = _HEAD + _CHUNK + length
    if kind != _JSON or not isinstance(scene, dict):
        raise ValueError("the first chunk is not a scene")
    if at + _CHUNK > len(content):
        return scene, b""
    length, kind = struct.unpack_from("<II", content, at)
    return scene, content[at + _CHUNK : at + _CHUNK + length] if kind == _BIN else b""


@dataclass(frozen=True, slots=True)
class _Reader:
    scene: dict[str, Any]
    binary: bytes

    def parts(self) -> Iterator[MeshPart]:
        if strange := [str(name) for name in self.scene.get("extensionsRequired", []) if name not in _KNOWN]:
            raise _unsupported(f"needs {', '.join(strange)}, which is not read here")
        nodes = self.scene.get("nodes", [])
        scenes = self.scene.get("scenes", [])
        roots = scenes[self.scene.get("scene", 0)].get("nodes", []) if scenes else range(len(nodes))
        left = MOST_TRIANGLES
        for root in roots:
            for part in self._below(root, np.eye(4), 0):
                left -= len(part.triangles)
                if left < 0:
                    raise ProviderRefused("too_large", f"the model has more than {MOST_TRIANGLES} triangles")
                yield part

    def _below(self, number: int, above: npt.NDArray[np.float64], depth: int) -> Iterator[MeshPart]:
        if depth > _DEEPEST:
            raise ValueError("its nodes hold each other")
        node = self.scene["nodes"][_checked(number)]
        world = above @ _matrix(node)
        if "mesh" in node:
            for primitive in self.scene["meshes"][_checked(node["mesh"])]["primitives"]:
                yield self._part(primitive, world)
        for child in node.get("children", []):
            yield from self._below(child, world, depth + 1)

    def _part(self, primitive: dict[str, Any], world: npt.NDArray[np.float64]) -> MeshPart:
        if primitive.get("mode", _TRIANGLES) != _TRIANGLES:
            raise _unsupported("has lines, points or strips; only triangles are read here")
        attributes = primitive["attributes"]
        local = self._accessor(attributes["POSITION"]).astype(np.float64)
        positions = (local @ world[:3, :3].T + world[:3, 3]).astype(np.float32)
        if "indices" in primitive:
            corners = self._accessor(primitive["indices"]).astype(np.int64).ravel()
        else:
            corners = np.arange(len(positions))
        triangles = corners[: len(corners) // 3 * 3].reshape(-1, 3)
        there = not triangles.size or 0 <= triangles.min() <= triangles.max() < len(positions)
        if not there or not np.isfinite(positions).all():
            raise ValueError("a corner is nowhere")
        if np.linalg.det(world[:3, :3]) < 0:
            triangles = triangles[:, ::-1]
        material = self._material(primitive)
        place = f"TEXCOORD_{material.get('baseColorTexture', {}).get('texCoord', 0)}"
        places = self._accessor(attributes[place]).astype(np.float32) if place in attributes else None
        red, green, blue = (_srgb(float(value)) for value in material.get("baseColorFactor", (1, 1, 1, 1))[:3])
        texture = None if places is None else self._texture(material)
        return MeshPart(positions, normals_of(positions, triangles), places, triangles, (red, green, blue), texture)

    def _material(self, primitive: dict[str, Any]) -> dict[str, Any]:
        if "material" not in primitive:
            return {}
        found: dict[str, Any] = self.scene["materials"][_checked(primitive["material"])].get("pbrMetallicRoughness", {})
        return found

    def _texture(self, material: dict[str, Any]) -> Image.Image | None:
        if "baseColorTexture" not in material:
            return None
        texture = self.scene["textures"][_checked(material["baseColorTexture"]["index"])]
        number = texture.get("extensions", {}).get("EXT_texture_webp", texture)["source"]
        source = self.scene["images"][_checked(number)]
        if "bufferView" not in source:
            return None  # it lies elsewhere, and nothing is fetched
        content = self._view(source["bufferView"])
        try:
            with Image.open(io.BytesIO(content), formats=_TEXTURES) as image:
                image.draft("RGB", (_LARGEST_TEXTURE, _LARGEST_TEXTURE))
                if image.width * image.height > 8192**2:
                    raise ProviderRefused("too_large", "a texture has more than 67 million pixels")
                shown = image.convert("RGB")
        except (OSError, SyntaxError) as error:
            raise ValueError("a texture is damaged") from error
        shown.thumbnail((_LARGEST_TEXTURE, _LARGEST_TEXTURE))
        return shown

    def _accessor(self, number: int) -> npt.NDArray[Any]:
        spec = self.scene["accessors"][_checked(number)]
        if "sparse" in spec or "bufferView" not in spec:
            raise _unsupported("has sparse or compressed numbers, which are not read here")
        kind, width, count = np.dtype(_TYPES[spec["componentType"]]), _WIDTHS[spec["type"]], _checked(spec["count"])
        view = self.scene["bufferViews"][_checked(spec["bufferView"])]
        stride = view.get("byteStride") or kind.itemsize * width
        content = self._view(spec["bufferView"])[_checked(spec.get("byteOffset", 0)) :]
        if count and (count - 1) * stride + kind.itemsize * width > len(content):
            raise ValueError("numbers are missing")
        rows = np.ndarray((count, width), kind, content, strides=(stride, kind.itemsize))
        if spec.get("normalized") and kind.kind in "iu":
            return np.asarray(np.maximum(rows.astype(np.float32) / np.float32(np.iinfo(kind).max), -1))
        return rows

    def _view(self, number: int) -> bytes:
        view = self.scene["bufferViews"][_checked(number)]
        start, length = _checked(view.get("byteOffset", 0)), _checked(view["byteLength"])
        if view["buffer"] != 0 or start + length > len(self.binary):
            raise ValueError("bytes are missing")
        return self.binary[start : start + length]


def _unsupported(why: str) -> ProviderRefused:
    return ProviderRefused("unsupported_model", f"the model {why}")


def normals_of(positions: Numbers, triangles: Indices) -> Numbers:
    """Of each corner the mean of its triangles', by their area."""
    one, two, three = (positions[triangles[:, corner]] for corner in range(3))
    facing = np.cross(two - one, three - one)
    normals = np.stack(
        [sum(np.bincount(triangles[:, k], facing[:, axis], len(positions)) for k in range(3)) for axis in range(3)], 1
    )
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray(normals / np.where(length > 0, length, 1), dtype=np.float32)


def _matrix(node: dict[str, Any]) -> npt.NDArray[np.float64]:
    """From a node's own space to that above it: a matrix by columns, or scale, then turn, then shift."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    result = np.eye(4)
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), dtype=np.float64)
    turn = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    result[:3, :3] = np.array(turn) * np.array(node.get("scale", (1, 1, 1)), dtype=np.float64)
    result[:3, 3] = node.get("translation", (0, 0, 0))
    return result


def _checked(number: Any) -> int:
    """A count or place, which Python would take from the end if it were negative."""
    if not isinstance(number, int) or number < 0:
        raise ValueError("a number is out of range")
    return number


def _srgb(light: float) -> float:
    light = min(1.0, max(0.0, light))
    return light * 12.92 if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055
