"""Real media in a few kilobytes, built by hand where Pillow has no encoder: no test needs one of its own.

What a caller reads from a file (type, size, duration) is what was asked for; nothing is inside but one flat picture,
silence, or a triangle.
"""

from __future__ import annotations

import io
import json
import struct
from functools import lru_cache

from PIL import Image

TIMESCALE = 1_000
SOUND_RATE = 8_000
MP3_FRAME = b"\xff\xfb\x90\xc4"
"""MPEG-1 Layer III, 128 kbit/s, 44.1 kHz, mono, no padding: 417 bytes that last 1152 samples."""
MP3_FRAME_BYTES = 417
UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


@lru_cache(maxsize=64)
def image(width: int = 64, height: int = 64, image_format: str = "PNG", seed: int = 1) -> bytes:
    """A picture in one colour, which follows `seed`; formats are Pillow's: PNG, JPEG, WEBP, GIF."""
    red, green, blue = (seed * 97) % 256, (seed * 57) % 256, (seed * 23) % 256
    stream = io.BytesIO()
    options = {"compress_level": 1} if image_format == "PNG" else {}
    Image.new("RGB", (width, height), (red, green, blue)).save(stream, image_format, **options)
    return stream.getvalue()


def animation(width: int, height: int, frames: int, frame_ms: int, seed: int = 1) -> bytes:
    """A GIF of frames in one colour each."""
    stream = io.BytesIO()
    pictures = [Image.new("RGB", (width, height), ((seed * 97 + n) % 256, n * 9 % 256, 40)) for n in range(frames)]
    pictures[0].save(stream, "GIF", save_all=True, append_images=pictures[1:], duration=frame_ms)
    return stream.getvalue()


def mask(width: int = 64, height: int = 64) -> bytes:
    """A PNG whose left half is transparent and whose right half is white."""
    picture = Image.new("RGBA", (width, height), (255, 255, 255, 255))
    picture.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def mp4(seconds: float = 5.0, width: int = 64, height: int = 64, seed: int = 1) -> bytes:
    """An MP4 with one empty video track (ISO/IEC 14496-12) whose headers state duration and size."""
    duration = round(seconds * TIMESCALE)
    movie = box(b"moov", movie_header(duration) + track(duration, width, height))
    return box(b"ftyp", b"isom\0\0\2\0isomiso2mp41") + movie + box(b"mdat", struct.pack(">I", seed))


def movie_header(duration: int) -> bytes:
    start = struct.pack(">IIIII", 0, 0, 0, TIMESCALE, duration)
    return box(b"mvhd", start + struct.pack(">IH10x", 0x10000, 0x100) + UNITY + bytes(24) + struct.pack(">I", 2))


def track(duration: int, width: int, height: int) -> bytes:
    header = struct.pack(">IIIIII8xHHHH", 7, 0, 0, 1, 0, duration, 0, 0, 0, 0) + UNITY
    media_header = struct.pack(">IIIIIHH", 0, 0, 0, TIMESCALE, duration, 0x55C4, 0)
    handler = bytes(8) + b"vide" + bytes(12) + b"video\0"
    reference = box(b"dref", struct.pack(">II", 0, 1) + box(b"url ", struct.pack(">I", 1)))
    tables = b"".join(box(kind, bytes(8)) for kind in (b"stsd", b"stts", b"stsc", b"stco"))
    sample_table = box(b"stbl", tables + box(b"stsz", bytes(12)))
    information = box(b"minf", box(b"vmhd", struct.pack(">I8x", 1)) + box(b"dinf", reference) + sample_table)
    inside = box(b"mdhd", media_header) + box(b"hdlr", handler) + information
    return box(b"trak", box(b"tkhd", header + struct.pack(">II", width << 16, height << 16)) + box(b"mdia", inside))


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", len(body) + 8, kind) + body


def wav(seconds: float = 3.0) -> bytes:
    """Silence: mono, eight bits, 8 kHz."""
    sound = b"\x80" * round(seconds * SOUND_RATE)
    shape = struct.pack("<HHIIHH", 1, 1, SOUND_RATE, SOUND_RATE, 1, 8)
    chunks = struct.pack("<4sI", b"fmt ", len(shape)) + shape + struct.pack("<4sI", b"data", len(sound)) + sound
    chunks += b"\0" * (len(sound) % 2)
    return struct.pack("<4sI4s", b"RIFF", len(chunks) + 4, b"WAVE") + chunks


def mp3(seconds: float = 3.0) -> bytes:
    """Silent frames of 1152/44100 s each, as many as `seconds` need."""
    frame = MP3_FRAME + bytes(MP3_FRAME_BYTES - len(MP3_FRAME))
    return frame * max(1, round(seconds * 44_100 / 1_152))


def glb(seed: int = 1) -> bytes:
    """A glTF 2.0 binary holding one triangle, whose height follows `seed`."""
    points = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, float(seed), 0)
    accessor = {"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}
    scene = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{**accessor, "min": [0, 0, 0], "max": [1, seed, 0]}],
        "bufferViews": [{"buffer": 0, "byteLength": len(points)}],
        "buffers": [{"byteLength": len(points)}],
    }
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(points), b"BIN\0") + points
    return struct.pack("<4sII", b"glTF", 2, len(chunks) + 12) + chunks


def seconds_of(content: bytes) -> float | None:
    """How long a sound or a video made here, or by anybody in the same plain layout, lasts; None for anything else."""
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE":
        rate = int.from_bytes(content[28:32], "little")
        return int.from_bytes(content[40:44], "little") / rate if rate else None
    if content.startswith(MP3_FRAME[:2]):
        return len(content) / MP3_FRAME_BYTES * 1_152 / 44_100
    at = content.find(b"mvhd") if content[4:8] == b"ftyp" else -1
    if at < 0 or content[at + 4]:
        return None
    scale, duration = struct.unpack_from(">II", content, at + 16)
    return duration / scale if scale else None


def size_of(content: bytes) -> tuple[int, int]:
    """Width and height of a picture in pixels; raises OSError for anything else."""
    with Image.open(io.BytesIO(content)) as picture:
        return picture.size


def media_type(content: bytes) -> str:
    """What the content is; text where nothing else fits."""
    signatures = {
        "image/png": content.startswith(b"\x89PNG"),
        "image/jpeg": content.startswith(b"\xff\xd8\xff"),
        "image/webp": content[:4] == b"RIFF" and content[8:12] == b"WEBP",
        "image/gif": content.startswith(b"GIF8"),
        "video/mp4": content[4:8] == b"ftyp",
        "model/gltf-binary": content.startswith(b"glTF"),
        "audio/wav": content[:4] == b"RIFF" and content[8:12] == b"WAVE",
        "audio/mpeg": content.startswith((b"ID3", b"\xff\xfb")),
    }
    return next((name for name, found in signatures.items() if found), "text/plain")
