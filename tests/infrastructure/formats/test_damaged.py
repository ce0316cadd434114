"""Whatever was done to a file, it is read or refused: no error of another kind, no wait, no length without end."""

from __future__ import annotations

import contextlib
import io
import struct
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from domain.errors import InvalidInput
from infrastructure.formats import ogg, sounds
from infrastructure.formats.boxes import MOST_BOXES
from infrastructure.media import LONGEST_MS, read_media
from tests.corpus.heic import box, heic
from tests.infrastructure.films import film
from tests.infrastructure.test_media import picture


def saved(image_format: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture(40, 20).save(stream, image_format, **options)
    return stream.getvalue()


FRAGMENTS = (("movflags", "frag_keyframe+dash"),)
ORIGINALS = {
    "MP4": film(),
    "fragments": film(options=FRAGMENTS),
    "WebM": film("webm", "libvpx-vp9", "libopus"),
    "live WebM": film("webm", "libvpx", "libopus", options=(("live", "1"),)),
    "Opus": film("ogg", "", "libopus"),
    "Ogg FLAC": film("ogg", "", "flac"),
    "MP3": film("mp3", "", "libmp3lame"),
    "AAC": film("adts", "", "aac"),
    "FLAC": film("flac", "", "flac"),
    "RF64": film("wav", "", "pcm_s16le", options=(("rf64", "always"),)),
    "HEIC": heic(b"\1" * 40, bytes(range(256)), (64, 48), turn=1, cut=(40, 20), pictures=2),
    "AVIF": saved("AVIF"),
    "JPEG": saved("JPEG"),
    "BMP": saved("BMP"),
    "TIFF": saved("TIFF", compression="tiff_lzw"),
    "GLB": b"glTF" + struct.pack("<II", 2, 20) + bytes(8),
}


def look(content: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        media = read_media(content, field="file", max_bytes=10**9, max_pixels=10**6)
        assert media.content == content
        assert media.duration_ms is None or 0 <= media.duration_ms <= LONGEST_MS


@settings(max_examples=400)
@given(
    name=st.sampled_from(sorted(ORIGINALS)),
    edits=st.lists(st.tuples(st.integers(0, 2**31), st.binary(min_size=1, max_size=9)), max_size=6),
    cut=st.integers(0, 2**31),
)
@example(name="HEIC", edits=[], cut=0)
def test_a_file_that_was_changed_or_cut_is_read_or_refused(name: str, edits: list[tuple[int, bytes]], cut: int) -> None:
    content = bytearray(ORIGINALS[name])
    for at, replacement in edits:
        place = at % min(len(content), 4_000) if at % 2 else at % len(content)
        content[place : place + len(replacement)] = replacement
    look(bytes(content))
    look(bytes(content[: cut % len(content)]))


@given(st.sampled_from(sorted(ORIGINALS)), st.data())
def test_a_number_of_all_ones_anywhere_in_a_head_is_survived(name: str, data: st.DataObject) -> None:
    content = bytearray(ORIGINALS[name])
    at = data.draw(st.integers(0, min(len(content), 3_000)))
    size = data.draw(st.sampled_from([1, 2, 4, 8]))
    content[at : at + size] = b"\xff" * size
    look(bytes(content))


def brand(name: bytes) -> bytes:
    return box(b"ftyp", name, bytes(4), name)


def movie(*tables: bytes) -> bytes:
    """A film whose one track has these tables."""
    header = box(b"mvhd", bytes(12), struct.pack(">II", 1000, 5000))
    media = box(b"mdhd", bytes(12), struct.pack(">II", 1000, 5000)) + box(b"hdlr", bytes(8), b"vide", bytes(12))
    samples = box(b"minf", box(b"stbl", *tables))
    return brand(b"isom") + box(b"moov", header, box(b"trak", box(b"mdia", media, samples)))


MANY = 2_000_000
HOSTILE = {
    "tables of many rows": movie(box(b"stts", bytes(4), struct.pack(">I", MANY), bytes(8 * MANY))),
    "sums beyond any number": movie(box(b"stts", bytes(4), struct.pack(">I", 9), b"\xff" * 72)),
    "parts without a width": brand(b"heic")
    + box(b"meta", bytes(4), box(b"pitm", bytes(4), b"\0\1"), box(b"iloc", bytes(6), b"\xff\xff", bytes(6) * 90_000)),
    "tags and nothing else": b"ID3\x04\0\0\0\0\0\0" * 100_000,
    "frames without a sound": b"\xff\xf1\x50\x80\x01\x1f\xfc\xff" * (sounds.MOST_FRAMES + 10),
    "marks of frames": b"ID3\x04\0\0\0\0\0\0" + b"\xff\xfb\x90\x00" * MANY,
    "chunks of nothing": b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * (sounds.MOST_CHUNKS + 10),
    "pages of nothing": (b"OggS\0\2" + bytes(21)) * (ogg.MOST_PAGES // 4) + b"OpusHead",
    "streams of nothing": b"OggS\0\2" + bytes(20) + b"\1\x08OpusHead" + (b"OggS\0\2" + bytes(21)) * 100_000,
    "boxes within boxes": brand(b"isom") + box(b"moov", box(b"trak", b"\0\0\0\x08trak" * MOST_BOXES)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_of_more_than_can_be_walked_says_nothing_of_its_length(name: str) -> None:
    with contextlib.suppress(InvalidInput):
        media = read_media(HOSTILE[name], field="file", max_bytes=10**9, max_pixels=10**6)
        assert media.duration_ms in (None, 5000)


def test_a_picture_that_says_it_is_huge_is_refused_before_it_is_decoded() -> None:
    small = Image.new("RGB", (8, 8))
    stream = io.BytesIO()
    small.save(stream, "AVIF")
    for content in (stream.getvalue(), heic(b"\1" * 40, bytes(64), (8, 8))):
        huge = content.replace(struct.pack(">II", 8, 8), struct.pack(">II", 60_000, 60_000))
        assert huge != content
        with pytest.raises(InvalidInput):
            read_media(huge, field="file", max_bytes=10**9, max_pixels=10**6)
