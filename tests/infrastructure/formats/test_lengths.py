"""A statement of a length that is less than what is there is not believed: who pays by length would pay for a part."""

from __future__ import annotations

import struct

import pytest

from infrastructure.media import read_media
from tests.infrastructure.films import film

MP4, MOV = film(), film("mov")
WEBM = film("webm", "libvpx-vp9", "libopus")
MP3, FLAC = film("mp3", "", "libmp3lame"), film("flac", "", "flac")
OPUS, M4A = film("ogg", "", "libopus"), film("ipod", "", "aac")
LENGTH_MS = 2000


def length(content: bytes) -> int | None:
    return read_media(content, field="file", max_bytes=10**8, max_pixels=10**8).duration_ms


def patched(content: bytes, mark: bytes, offset: int, replacement: bytes) -> bytes:
    """With other bytes so many behind each mark."""
    parts = content.split(mark)
    assert len(parts) > 1
    changed = [part[:offset] + replacement + part[offset + len(replacement) :] for part in parts[1:]]
    return mark.join([parts[0], *changed])


@pytest.mark.parametrize("content", [MP4, MOV, WEBM, MP3, FLAC, OPUS, M4A])
def test_what_is_stated_and_what_is_there_are_the_same(content: bytes) -> None:
    assert length(content) == pytest.approx(LENGTH_MS, abs=10)


@pytest.mark.parametrize("content", [MP4, MOV, M4A])
@pytest.mark.parametrize("stated", [0, 1, 2**32 - 1])
def test_the_header_of_a_film_may_be_wrong(content: bytes, stated: int) -> None:
    lying = patched(content, b"mvhd", 16, struct.pack(">I", stated))
    assert length(lying) == pytest.approx(LENGTH_MS, abs=25)


def test_a_film_may_be_longer_than_its_samples() -> None:
    """A title that stays, a track that is not known: what is stated beyond is shown."""
    assert length(patched(MP4, b"mvhd", 16, struct.pack(">I", 9_000))) == 9_000


@pytest.mark.parametrize("stated", [0.001, 1.0, 500.0])
def test_a_webm_may_say_less_than_is_there(stated: float) -> None:
    wrong = patched(WEBM, b"\x44\x89\x88", 0, struct.pack(">d", stated))
    assert length(wrong) == pytest.approx(LENGTH_MS, abs=25)


@pytest.mark.parametrize("frames", [0, 1, 1_000])
def test_the_table_of_an_mp3_may_be_wrong(frames: int) -> None:
    mark = b"Xing" if b"Xing" in MP3 else b"Info"
    assert length(patched(MP3, mark, 4, struct.pack(">I", frames))) == pytest.approx(LENGTH_MS, abs=50)


def test_an_mp3_whose_end_is_missing_lasts_as_long_as_what_is_there() -> None:
    assert length(MP3[: len(MP3) // 2]) == pytest.approx(LENGTH_MS / 2, abs=60)


def test_an_mp3_in_two_parts_lasts_as_long_as_both_however_large_the_cover_between_them_is() -> None:
    cover = b"ID3\x04\0\0" + bytes([0, 20, 0, 0]) + bytes(20 << 14)
    tail = b"APETAGEX" + bytes(24) + b"\xff\xfbrubbish" * 90 + b"TAG" + bytes(125)
    assert length(MP3 + cover + MP3 + tail) == pytest.approx(2 * LENGTH_MS, abs=130)


@pytest.mark.parametrize("samples", [0, 1, 40_000])
def test_the_count_of_a_flac_may_be_wrong(samples: int) -> None:
    packed = int.from_bytes(FLAC[18:26], "big") >> 36 << 36 | samples
    assert length(FLAC[:18] + packed.to_bytes(8, "big") + FLAC[26:]) == LENGTH_MS


def test_an_opus_cut_from_a_longer_recording_lasts_as_long_as_what_is_there() -> None:
    """Its first sample is one of an hour ago."""
    later, at = bytearray(OPUS), OPUS.find(b"OggS")
    while at >= 0:
        granule = int.from_bytes(later[at + 6 : at + 14], "little")
        if granule:
            later[at + 6 : at + 14] = (granule + 3_600 * 48_000).to_bytes(8, "little")
        at = OPUS.find(b"OggS", at + 1)
    assert length(bytes(later)) == pytest.approx(LENGTH_MS, abs=25)


def test_a_wav_whose_size_was_never_filled_in_goes_on_to_its_end() -> None:
    wav = film("wav", "", "pcm_s16le")
    for size in (0, 0xFFFFFFFF, 0x7FFFFFFF):
        assert length(patched(wav, b"data", 0, struct.pack("<I", size))) == LENGTH_MS
