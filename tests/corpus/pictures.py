"""Pictures of every format that is read, by modes × orientations × depth × animation, and models."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from tests.corpus.heic import coded, grid, heic

SIZE = (60, 40)
ORIENTATIONS = range(1, 9)
MODES = {
    "png": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "jpg": ("L", "RGB", "CMYK"),
    "webp": ("RGB", "RGBA"),
    "gif": ("P", "L"),
    "avif": ("RGB", "RGBA"),
    "bmp": ("1", "L", "P", "RGB"),
    "tif": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"),
}
SAVED: dict[str, dict[str, dict[str, Any]]] = {
    "jpg": {"progressive": {"progressive": True}, "full": {"subsampling": 0}, "bright": {"quality": 100}},
    "webp": {"lossless": {"lossless": True}},
    "png": {"best": {"optimize": True}},
    "avif": {"full": {"subsampling": "4:4:4"}, "small": {"quality": 10}},
    "tif": {name: {"compression": f"tiff_{name}"} for name in ("lzw", "deflate", "jpeg")},
}
ANIMATED = ("png", "webp", "gif", "avif")


def pictures(folder: Path) -> Iterator[Path]:
    for ending, modes in MODES.items():
        for mode in modes:
            yield saved(folder / f"{mode.replace(';', '')}.{ending}", mode)
        for name, options in SAVED.get(ending, {}).items():
            yield saved(folder / f"{name}.{ending}", "RGB", **options)
    for ending in ("png", "jpg", "webp", "avif", "tif"):
        for orientation in ORIENTATIONS:
            exif = Image.Exif()
            exif[0x0112] = orientation
            yield saved(folder / f"turned{orientation}.{ending}", "RGB", exif=exif)
    for ending in ANIMATED:
        frames = [painted("RGB").rotate(90 * turn) for turn in range(3)]
        yield saved(folder / f"moving.{ending}", "RGB", save_all=True, append_images=frames, duration=40)
    pages = folder / "pages.tif"
    painted("RGB").save(pages, save_all=True, append_images=[painted("L")])
    yield pages
    photo = folder / "several.jpg"
    painted("RGB").save(photo, "MPO", save_all=True, append_images=[painted("RGB").resize((30, 20))])
    yield photo


def painted(mode: str) -> Image.Image:
    plain = Image.linear_gradient("L").resize(SIZE)
    if mode == "I;16":
        return Image.frombytes("I;16", SIZE, bytes(range(256)) * (SIZE[0] * SIZE[1] // 128) + bytes(192 * 2))
    return plain.convert(mode)


def saved(file: Path, mode: str, **options: Any) -> Path:
    painted(mode).save(file, **options)
    return file


def heics(folder: Path) -> Iterator[Path]:
    setup, picture = coded(folder)
    wanted: dict[str, dict[str, Any]] = {
        "plain": {},
        **{f"turned{turn}": {"turn": turn} for turn in range(4)},
        "mirrored": {"mirror": 1},
        "both": {"turn": 1, "mirror": 0},
        "cut": {"cut": (40, 20)},
        "cut-turned": {"cut": (40, 20), "turn": 3},
        "several": {"pictures": 3},
        "structured": {"brands": (b"mif1", b"heic", b"miaf")},
        "unbranded": {"brands": (b"mif1", b"miaf")},
        "deep": {"brands": (b"heix", b"mif1")},
    }
    for name, options in wanted.items():
        file = folder / f"{name}.heic"
        file.write_bytes(heic(setup, picture, (64, 48), **options))
        yield file
    for turn in (0, 1):
        file = folder / f"tiles{turn}.heic"
        file.write_bytes(grid(setup, picture, (64, 48), 3, 2, turn=turn))
        yield file


def models(folder: Path) -> Iterator[Path]:
    """One triangle, and the same with bytes after its end."""
    corners = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)
    shape = {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]}
    scene = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [shape],
        "bufferViews": [{"buffer": 0, "byteLength": len(corners), "target": 34962}],
        "buffers": [{"byteLength": len(corners)}],
    }
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(corners), b"BIN\0") + corners
    whole = struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks
    for name, content in {"plain": whole, "longer": whole + bytes(4), "cut": whole[:-4]}.items():
        file = folder / f"{name}.glb"
        file.write_bytes(content)
        yield file
