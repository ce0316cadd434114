"""Writes a model as OBJ or as binary STL, which printers take: the form alone, without its texture."""

from __future__ import annotations

import io
from typing import Final

import numpy as np

from imagestudio.plugin import ProviderRefused
from imagestudio_workshop.solids.gltf import MeshPart

_HEADER: Final = 80
_FACET: Final = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("unused", "<u2")])


def as_obj(parts: list[MeshPart], label: str) -> bytes:
    """Metres, y upwards, as in the GLB; normals, and places in a texture as OBJ counts them, from below."""
    stream = io.BytesIO()
    stream.write(f"# {label}\n".encode())
    corners = places = 0
    for number, part in enumerate(parts):
        stream.write(f"o part{number + 1}\n".encode())
        _rows(stream, "v", part.positions)
        _rows(stream, "vn", part.normals)
        faces = [part.triangles + 1 + corners] * 2
        if part.places is None:
            pattern = "f %d//%d %d//%d %d//%d"
        else:
            _rows(stream, "vt", part.places * (1, -1) + (0, 1))
            faces.insert(1, part.triangles + 1 + places)
            pattern = "f %d/%d/%d %d/%d/%d %d/%d/%d"
            places += len(part.places)
        np.savetxt(stream, np.stack(faces, axis=2).reshape(len(part.triangles), -1), fmt=pattern)
        corners += len(part.positions)
    return stream.getvalue()


def _rows(stream: io.BytesIO, word: str, rows: np.ndarray[tuple[int, ...], np.dtype[np.floating]]) -> None:
    np.savetxt(stream, rows, fmt=f"{word} " + " ".join(["%.6g"] * rows.shape[1]))


def as_stl(parts: list[MeshPart], longest: float, label: str) -> bytes:
    """Millimetres, z upwards, standing on the ground; its longest side is `longest` of them."""
    corners = np.concatenate([part.positions[part.triangles] for part in parts]).astype(np.float64)
    corners = corners[..., (0, 2, 1)] * (1, -1, 1)
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    if not (high > low).any():
        raise ProviderRefused("empty_model", "the model has no size")
    ground = (low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]
    corners = (corners - ground) * (longest / float((high - low).max()))
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    length = np.linalg.norm(facing, axis=1, keepdims=True)
    facets = np.zeros(int((length > 0).sum()), dtype=_FACET)
    whole = length[:, 0] > 0
    facets["normal"], facets["corners"] = facing[whole] / length[whole], corners[whole]
    return label.encode()[:_HEADER].ljust(_HEADER, b" ") + len(facets).to_bytes(4, "little") + facets.tobytes()
