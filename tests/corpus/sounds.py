"""Sounds of every container that is read, by encoders × sampling rates × how their length is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.corpus.films import LAYOUTS, copies
from tests.corpus.programs import ffmpeg, ffmpeg_to_a_pipe

MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
OTHERS = {
    "variable.mp3": ("-c:a", "libmp3lame", "-q:a", "4"),
    "tagged.mp3": ("-c:a", "libmp3lame", "-id3v2_version", "3", "-metadata", "title=a tone", "-write_id3v1", "1"),
    "alac.m4a": ("-c:a", "alac"),
    "audiobook.m4b": ("-c:a", "aac", "-f", "ipod"),
    "alone.mp4": ("-c:a", "aac"),
    "mp3.mp4": ("-c:a", "libmp3lame"),
    "opus.mp4": ("-c:a", "libopus"),
    "flac.mp4": ("-c:a", "flac", "-strict", "experimental"),
    "alone.mov": ("-c:a", "aac"),
    "pcm.mov": ("-c:a", "pcm_s24le"),
    "opus.webm": ("-c:a", "libopus"),
    "vorbis.webm": ("-c:a", "libvorbis"),
    "opus.ogg": ("-c:a", "libopus"),
    "opus.opus": ("-c:a", "libopus", "-frame_duration", "60"),
    "vorbis.ogg": ("-c:a", "libvorbis"),
    "flac.ogg": ("-c:a", "flac"),
    "deep.flac": ("-sample_fmt", "s32", "-bits_per_raw_sample", "24"),
    "small.flac": ("-frame_size", "256"),
    "plain.wav": (),
    "deep.wav": ("-c:a", "pcm_s24le"),
    "float.wav": ("-c:a", "pcm_f32le"),
    "eight.wav": ("-c:a", "pcm_u8"),
    "alaw.wav": ("-c:a", "pcm_alaw"),
    "adpcm.wav": ("-c:a", "adpcm_ms"),
    "ima.wav": ("-c:a", "adpcm_ima_wav"),
    "long.wav": ("-rf64", "always"),
    "plain.aac": (),
    "plain.aiff": (),
    "deep.aiff": ("-c:a", "pcm_s24be"),
    "little.aiff": ("-c:a", "pcm_s16le"),
    "float.aiff": ("-c:a", "pcm_f32be"),
    "alaw.aiff": ("-c:a", "pcm_alaw"),
    "ima.aiff": ("-c:a", "adpcm_ima_qt"),
    "opus.mka": ("-c:a", "libopus"),
    "flac.mka": ("-c:a", "flac"),
    "pcm.mka": ("-c:a", "pcm_s16le"),
    "mp3.mka": ("-c:a", "libmp3lame"),
}
PIPED = ("wav", "flac", "ogg", "mp3", "adts", "matroska")


def sounds(folder: Path) -> Iterator[Path]:
    for hertz in MP3_RATES:
        wanted = {folder / f"{hertz}.mp3": (), folder / f"{hertz}-untold.mp3": ("-write_xing", "0")}
        outputs = [part for file, told in wanted.items() for part in ("-c:a", "libmp3lame", *told, str(file))]
        ffmpeg(*tone(hertz), *outputs)
        yield from wanted
    m4a = folder / "aac.m4a"
    ffmpeg(*tone(44_100), "-c:a", "aac", str(m4a))
    yield from copies(m4a, {folder / f"aac-{layout}.m4a": LAYOUTS[layout] for layout in LAYOUTS})
    others = {folder / f"by-{name}": coding for name, coding in OTHERS.items()}
    ffmpeg(*tone(44_100), *(part for file, coding in others.items() for part in (*coding, str(file))))
    yield from others
    for name in PIPED:
        file = folder / f"piped.{name}"
        file.write_bytes(ffmpeg_to_a_pipe(*tone(44_100), "-f", name))
        yield file
    for name in ("opus.ogg", "vorbis.ogg"):
        part, whole = folder / f"by-{name}", folder / f"chained-{name}"
        whole.write_bytes(part.read_bytes() + other_serial(folder, part).read_bytes())
        yield whole


def tone(hertz: int) -> tuple[str, ...]:
    return "-f", "lavfi", "-i", f"sine=440:r={hertz}:d=3"


def other_serial(folder: Path, file: Path) -> Path:
    """The same sound as another stream, for a chain of two."""
    copy = folder / f"again-{file.name}"
    ffmpeg("-i", str(file), "-c", "copy", "-serial_offset", "7", str(copy))
    return copy
