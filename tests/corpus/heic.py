"""HEIC files, put together box by box around a picture that FFmpeg coded, since no reader of them writes any."""

from __future__ import annotations

import struct
from pathlib import Path

from infrastructure.formats.boxes import Boxes
from tests.corpus.programs import ffmpeg


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def coded(folder: Path, size: str = "64x48") -> tuple[bytes, bytes]:
    """What a decoder is set up with, and one picture."""
    file = folder / f"still-{size}.mp4"
    coding = ("-frames:v", "1", "-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1")
    ffmpeg("-f", "lavfi", "-i", f"testsrc=s={size}:r=1:d=1", *coding, "-pix_fmt", "yuv420p", str(file))
    content, boxes = memoryview(file.read_bytes()), Boxes()
    table = boxes.first(content, b"moov", b"trak", b"mdia", b"minf", b"stbl")
    _, entry = next(boxes.of(boxes.first(table, b"stsd")[8:]))
    return bytes(boxes.first(entry[78:], b"hvcC")), bytes(boxes.first(content, b"mdat"))


def heic(
    setup: bytes,
    picture: bytes,
    size: tuple[int, int],
    *,
    turn: int | None = None,
    mirror: int | None = None,
    cut: tuple[int, int] | None = None,
    pictures: int = 1,
    brands: tuple[bytes, ...] = (b"heic", b"mif1"),
) -> bytes:
    """`turn` counts quarters against the clock, `cut` is the size that is shown; the first picture is the primary."""
    properties = [box(b"hvcC", setup), box(b"ispe", bytes(4), struct.pack(">II", *size))]
    if cut:
        properties.append(box(b"clap", struct.pack(">8I", cut[0], 1, cut[1], 1, 0, 1, 0, 1)))
    if turn is not None:
        properties.append(box(b"irot", bytes([turn])))
    if mirror is not None:
        properties.append(box(b"imir", bytes([mirror])))
    has = bytes([len(properties), *(0x80 | number + 1 for number in range(len(properties)))])
    ids = range(1, pictures + 1)
    brand = box(b"ftyp", brands[0], bytes(4), *brands)

    def meta(start: int) -> bytes:
        places = b"".join(struct.pack(">HHHII", id, 0, 1, start, len(picture)) for id in ids)
        entries = [box(b"infe", b"\2\0\0\0", struct.pack(">HH", id, 0), b"hvc1\0") for id in ids]
        return box(
            b"meta",
            bytes(4),
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", bytes(4), struct.pack(">H", 1)),
            box(b"iloc", bytes(4), b"\x44\0", struct.pack(">H", pictures), places),
            box(b"iinf", bytes(4), struct.pack(">H", pictures), *entries),
            box(
                b"iprp",
                box(b"ipco", *properties),
                box(b"ipma", bytes(4), struct.pack(">I", pictures), *(struct.pack(">H", id) + has for id in ids)),
            ),
        )

    head = brand + meta(0)
    return brand + meta(len(head) + 8) + box(b"mdat", picture)


def grid(setup: bytes, picture: bytes, tile: tuple[int, int], across: int, down: int, *, turn: int = 0) -> bytes:
    """As telephones write them: the primary picture is put together of tiles, of which the last stand out."""
    tiles = [*range(2, 2 + across * down)]
    width, height = tile[0] * across - 7, tile[1] * down - 5
    layout = bytes([0, 0, down - 1, across - 1]) + struct.pack(">HH", width, height)
    properties = [
        box(b"hvcC", setup),
        box(b"ispe", bytes(4), struct.pack(">II", *tile)),
        box(b"ispe", bytes(4), struct.pack(">II", width, height)),
        box(b"irot", bytes([turn])),
    ]
    whole, part = b"\2\x03\x84", b"\2\x81\x02"
    brand = box(b"ftyp", b"heic", bytes(4), b"mif1", b"MiHE", b"MiPr", b"miaf", b"MiHB", b"heic")

    def meta(start: int) -> bytes:
        places = struct.pack(">HHHHII", 1, 1, 0, 1, 0, len(layout))
        places += b"".join(struct.pack(">HHHHII", id, 0, 0, 1, start, len(picture)) for id in tiles)
        entries = [box(b"infe", b"\2\0\0\0", struct.pack(">HH", 1, 0), b"grid\0")]
        entries += [box(b"infe", b"\2\0\0\1", struct.pack(">HH", id, 0), b"hvc1\0") for id in tiles]
        uses = struct.pack(">H", 1) + whole + b"".join(struct.pack(">H", id) + part for id in tiles)
        return box(
            b"meta",
            bytes(4),
            box(b"hdlr", bytes(8), b"pict", bytes(13)),
            box(b"pitm", bytes(4), struct.pack(">H", 1)),
            box(b"iloc", b"\1\0\0\0", b"\x44\0", struct.pack(">H", len(tiles) + 1), places),
            box(b"iinf", bytes(4), struct.pack(">H", len(entries)), *entries),
            box(b"iref", bytes(4), box(b"dimg", struct.pack(f">{len(tiles) + 2}H", 1, len(tiles), *tiles))),
            box(
                b"iprp",
                box(b"ipco", *properties),
                box(b"ipma", bytes(4), struct.pack(">I", len(tiles) + 1), uses),
            ),
            box(b"idat", layout),
        )

    head = brand + meta(0)
    return brand + meta(len(head) + 8) + box(b"mdat", picture)
