"""Films and sounds are measured from their own bytes, and hostile bytes cost neither time nor an error."""

from __future__ import annotations

import contextlib
import io
import struct
import wave
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.ports import Media
from domain.errors import InvalidInput
from infrastructure.formats import boxes, ebml
from infrastructure.media import LONGEST_MS, extension, read_media
from tests.infrastructure.films import film

FRAME_MS = 40
FRAGMENTS = (("movflags", "frag_keyframe+empty_moov+default_base_moof"),)
LIVE = (("live", "1"),)
OBJ = b"# a triangle\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"
ASCII_STL = b"solid it\n facet normal 0 0 1\n outer loop\n endloop\n endfacet\nendsolid it\n"
BINARY_STL = bytes(80) + struct.pack("<I", 2) + bytes(100)


def read(content: bytes, *media_types: str) -> Media:
    return read_media(content, field="file", max_bytes=10**8, max_pixels=10**8, media_types=media_types)


def wav() -> bytes:
    stream = io.BytesIO()
    with wave.open(stream, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(2 * 16_000))
    return stream.getvalue()


def usdz(name: str = "scene.usdc", method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr(name, b"PXR-USDC" * 8)
    return stream.getvalue()


FILMS = {
    "MP4": (film(), "video/mp4", "mp4"),
    "fragmented MP4": (film(options=FRAGMENTS), "video/mp4", "mp4"),
    "MOV": (film("mov"), "video/quicktime", "mov"),
    "WebM": (film("webm", "libvpx-vp9", "libopus"), "video/webm", "webm"),
    "live WebM": (film("webm", "libvpx-vp9", "libopus", options=LIVE), "video/webm", "webm"),
}
SOUNDS = {
    "MP3": (film("mp3", "", "libmp3lame"), "audio/mpeg", "mp3"),
    "M4A": (film("ipod", "", "aac"), "audio/mp4", "m4a"),
    "FLAC": (film("flac", "", "flac"), "audio/flac", "flac"),
    "Ogg Opus": (film("ogg", "", "libopus"), "audio/ogg", "ogg"),
    "WAV": (wav(), "audio/wav", "wav"),
}
MODELS = {
    "USDZ": (usdz(), "model/vnd.usdz+zip", "usdz"),
    "FBX": (b"Kaydara FBX Binary  \x00\x1a\x00" + bytes(40), "model/vnd.fbx", "fbx"),
    "binary STL": (BINARY_STL, "model/stl", "stl"),
}


@pytest.mark.parametrize("name", FILMS)
def test_a_film_is_known_by_its_content_and_measured(name: str) -> None:
    content, media_type, ending = FILMS[name]
    media = read(content)
    assert (media.media_type, media.width, media.height) == (media_type, 128, 96)
    assert media.duration_ms == pytest.approx(2000, abs=2 * FRAME_MS)
    assert extension(media_type) == ending


@pytest.mark.parametrize("name", SOUNDS)
def test_a_sound_is_known_by_its_content_and_measured(name: str) -> None:
    content, media_type, ending = SOUNDS[name]
    media = read(content)
    assert (media.media_type, media.width) == (media_type, None)
    assert media.duration_ms == pytest.approx(2000, abs=50)
    assert extension(media_type) == ending


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_known_by_its_content(name: str) -> None:
    content, media_type, ending = MODELS[name]
    assert read(content) == Media(content, media_type)
    assert extension(media_type) == ending


@pytest.mark.parametrize(("content", "media_type"), [(OBJ, "model/obj"), (ASCII_STL, "model/stl")])
def test_a_model_written_as_text_is_recognised_only_where_it_is_expected(content: bytes, media_type: str) -> None:
    assert read(content, "model/gltf-binary", media_type).media_type == media_type
    assert read(content, "text/plain").media_type == "text/plain"
    with pytest.raises(InvalidInput):
        read(content)


@pytest.mark.parametrize("content", [b"v for victory\nf for fun", b"solid ground", b"v 1 2 3\nf 1 2 3\n\0"])
def test_a_text_that_is_no_model_is_not_taken_for_one(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        read(content, "model/obj", "model/stl")


@pytest.mark.parametrize(
    "content",
    [
        usdz("readme.txt"),
        usdz(method=zipfile.ZIP_DEFLATED),
        BINARY_STL + b"\0",
        bytes(84),
        b"OggS" + bytes(60),
        b"\0\0\0\x18ftypavif\0\0\0\0",
    ],
)
def test_what_only_looks_like_a_known_file_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        read(content)


def test_a_film_on_its_side_is_measured_as_it_is_shown() -> None:
    """A telephone held upright writes a wide picture and a matrix that turns it."""
    content = bytearray(film())
    place = content.index(b"tkhd") + 4 + 40
    content[place : place + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 96 << 16, 0, 1 << 30)
    media = read(bytes(content))
    assert (media.width, media.height) == (96, 128)


def test_a_sounds_frames_are_counted_whatever_its_table_says() -> None:
    content = bytearray(film("mp3", "", "libmp3lame"))
    table = max(content.find(b"Xing"), content.find(b"Info"))
    content[table + 8 : table + 12] = struct.pack(">I", 1)
    assert read(bytes(content)).duration_ms == pytest.approx(2000, abs=50)


def test_rubbish_within_a_sound_is_passed_over() -> None:
    content = film("mp3", "", "libmp3lame")
    middle = len(content) // 2
    damaged = content[:middle] + b"\xffrubbish" * 50 + content[middle:]
    assert read(damaged).duration_ms == pytest.approx(2000, abs=100)


def test_a_film_that_claims_to_last_for_ever_says_nothing() -> None:
    endless = b"\0\0\0\x10ftypisom\0\0\0\0" + struct.pack(">I4sI4s", 48, b"moov", 40, b"mvhd")
    endless += b"\1" + bytes(19) + struct.pack(">IQ", 1, 2**63)
    assert 2**63 * 1000 > LONGEST_MS
    assert read(endless).duration_ms is None


def test_a_file_of_nothing_but_empty_tables_is_walked_only_so_far() -> None:
    empty = b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08free" * (boxes.MOST_BOXES * 2)
    assert read(empty).duration_ms is None
    endless = b"\x1aE\xdf\xa3\x87B\x82\x84webm" + b"\xec\x80" * (ebml.MOST_ELEMENTS + 10)
    assert read(endless).duration_ms is None


@settings(max_examples=300, deadline=None)
@given(
    original=st.sampled_from([content for content, _, _ in (*FILMS.values(), *SOUNDS.values(), *MODELS.values())]),
    edits=st.lists(st.tuples(st.integers(0, 100_000), st.binary(min_size=1, max_size=8)), max_size=8),
    start=st.integers(0, 2_000),
    length=st.integers(1, 60_000),
)
def test_damaged_files_are_either_read_or_refused(
    original: bytes, edits: list[tuple[int, bytes]], start: int, length: int
) -> None:
    content = bytearray(original)
    for position, replacement in edits:
        # Half of the damage goes to the head, where the tables of a live recording are.
        place = position % len(content) if position % 2 else position % min(len(content), 600)
        content[place : place + len(replacement)] = replacement
    for damaged in (bytes(content[:length]), bytes(content[start : start + length]), bytes(content)):
        with contextlib.suppress(InvalidInput):
            assert read(damaged, "model/obj", "text/plain").content == damaged


@settings(deadline=None)
@given(
    head=st.sampled_from([b"\0\0\0\x10ftypisom\0\0\0\0", b"\x1aE\xdf\xa3\x87B\x82\x84webm", b"fLaC", b"ID3", b"OggS"]),
    body=st.binary(max_size=300),
)
def test_random_bytes_behind_a_signature_are_either_read_or_refused(head: bytes, body: bytes) -> None:
    with contextlib.suppress(InvalidInput):
        assert read(head + body).content == head + body
