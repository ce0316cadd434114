"""Films of every container that is read, by containers × encoders × layouts × rotation × shape × colour × length."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.corpus.programs import ffmpeg, ffmpeg_to_a_pipe

# A film of two seconds has pictures that are shown in another order than they are decoded, and sound with a lead-in.
TEST_PICTURE = ("-f", "lavfi", "-i", "testsrc=s=64x48:r={rate}:d=2")
TONE = ("-f", "lavfi", "-i", "sine=440:r={hertz}:d=2")

LAYOUTS = {
    "plain": (),
    "faststart": ("-movflags", "faststart"),
    "keys": ("-movflags", "frag_keyframe"),
    "timed": ("-frag_duration", "500000"),
    "empty": ("-movflags", "frag_keyframe+empty_moov"),
    "late": ("-movflags", "frag_keyframe+delay_moov+default_base_moof"),
    "dash": ("-movflags", "dash+frag_keyframe"),
    "cmaf": ("-movflags", "cmaf"),
    "index": ("-movflags", "frag_keyframe+global_sidx"),
    "each": ("-movflags", "frag_every_frame+empty_moov+negative_cts_offsets"),
    "hybrid": ("-movflags", "hybrid_fragmented+frag_keyframe"),
    "unedited": ("-use_editlist", "0"),
}

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "12", "-pix_fmt", "yuv420p")
AAC = ("-c:a", "aac", "-b:a", "32k")
ENCODERS = {
    "h264": (*H264, *AAC),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-tag:v", "hvc1", *AAC),
    "av1": ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-c:a", "libopus"),
}
OTHERS = {
    "mpeg4.mp4": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "vp9.mp4": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus"),
    "prores.mov": ("-c:v", "prores_ks", "-c:a", "pcm_s16le"),
    "mjpeg.mov": ("-c:v", "mjpeg", "-c:a", "pcm_s16be"),
    "png.mov": ("-c:v", "png", "-c:a", "alac"),
    "h264.f4v": (*H264, *AAC),
    "h264.m4v": (*H264, *AAC),
    "h264.3gp": (*H264, *AAC),
    "h264.3g2": (*H264, *AAC),
    "mpeg4.3gp": ("-c:v", "mpeg4", "-an"),
    "h264.ismv": (*H264, *AAC),
    "flac.mp4": (*H264, "-c:a", "flac", "-strict", "experimental"),
    "ac3.mp4": (*H264, "-c:a", "ac3"),
    "silent.mp4": (*H264, "-an"),
}
COLOURS = {
    "full709": ("-pix_fmt", "yuvj420p", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
    "444": ("-pix_fmt", "yuv444p"),
    "hlg": ("-pix_fmt", "yuv420p10le", "-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc",
            "arib-std-b67"),
    "grey": ("-pix_fmt", "gray"),
}  # fmt: skip
RATES = ("24000/1001", "30000/1001", "24", "50", "60", "12", "1")
SHAPES = {"pal": ("64x48", "64/45"), "ntsc": ("64x48", "8/9"), "wide": ("48x64", "2/1"), "tall": ("64x64", "1/3")}
ROTATIONS = {"90": ("90", ""), "180": ("180", ""), "270": ("270", ""), "mirrored": ("0", "h"), "both": ("90", "v")}

WEBM = {
    "vp8": ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libvorbis"),
    "vp9": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"),
    "av1": ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-c:a", "libopus"),
}
MATROSKA = {
    "h264": (*H264, *AAC),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", *AAC),
    "mpeg4": ("-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "ffv1": ("-c:v", "ffv1", "-c:a", "flac"),
    "prores": ("-c:v", "prores_ks", "-c:a", "pcm_s16le"),
    "mjpeg": ("-c:v", "mjpeg", "-c:a", "ac3"),
    "vp9": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"),
}
CLUSTERS = {
    "plain": (),
    "live": ("-live", "1"),
    "short": ("-cluster_time_limit", "200"),
    "cues": ("-cues_to_front", "1"),
}


def source(rate: str = "25", hertz: int = 48_000, size: str = "64x48") -> tuple[str, ...]:
    picture = [part.format(rate=rate).replace("64x48", size) for part in TEST_PICTURE]
    return (*picture, *(part.format(hertz=hertz) for part in TONE))


def movies(folder: Path) -> Iterator[Path]:
    """MP4 and QuickTime."""
    for name, coding in ENCODERS.items():
        first = folder / f"{name}.mp4"
        ffmpeg(*source(), *coding, str(first))
        yield first
        endings = ("mp4", "mov") if name == "h264" else ("mp4",)
        wanted = {folder / f"{name}-{layout}.{end}": LAYOUTS[layout] for layout in LAYOUTS for end in endings}
        yield from copies(first, wanted)
    for name, coding in OTHERS.items():
        file = folder / f"by-{name}"
        ffmpeg(*source(), *coding, str(file))
        yield file
    for rate in RATES:
        file = folder / f"rate-{rate.replace('/', '_')}.mp4"
        ffmpeg(*source(rate, 44_100), *ENCODERS["h264"], str(file))
        yield file


def shapes_and_colours(folder: Path) -> Iterator[Path]:
    """Films that are shown otherwise than they are stored."""
    for name, coding in COLOURS.items():
        for ending in ("mp4", "mov"):
            file = folder / f"{name}.{ending}"
            ffmpeg(*source(), *H264[:-2], *coding, *AAC, str(file))
            yield file
    for ending, coding in (("mp4", H264), ("mov", H264), ("webm", WEBM["vp8"][:4])):
        for name, (size, shape) in SHAPES.items():
            file = folder / f"{name}.{ending}"
            ffmpeg(*source(size=size), "-an", "-vf", f"setsar={shape}", *coding, str(file))
            yield file
            if name == "pal":
                yield from turned(file, folder)


def turned(file: Path, folder: Path) -> Iterator[Path]:
    """The same film, which says of itself that it is to be turned."""
    for name, (degrees, flip) in ROTATIONS.items():
        copy = folder / f"{file.stem}-{name}{file.suffix}"
        flipped = (f"-display_{flip}flip",) if flip else ()
        ffmpeg("-display_rotation", degrees, *flipped, "-i", str(file), "-c", "copy", str(copy))
        yield copy


def webms(folder: Path) -> Iterator[Path]:
    for name, coding in WEBM.items():
        first = folder / f"{name}.webm"
        ffmpeg(*source(), *coding, str(first))
        yield first
        yield from copies(first, {folder / f"{name}-{kind}.webm": CLUSTERS[kind] for kind in CLUSTERS})
        piped = folder / f"{name}-piped.webm"
        piped.write_bytes(ffmpeg_to_a_pipe("-i", str(first), "-c", "copy", "-f", "webm"))
        yield piped
    alpha = folder / "alpha.webm"
    ffmpeg(*source(), "-an", "-pix_fmt", "yuva420p", *WEBM["vp9"][:6], "-auto-alt-ref", "0", str(alpha))
    yield alpha


def matroskas(folder: Path) -> Iterator[Path]:
    for name, coding in MATROSKA.items():
        first = folder / f"{name}.mkv"
        ffmpeg(*source(), *coding, str(first))
        yield first
        wanted = CLUSTERS if name in ("h264", "vp9") else {"short": CLUSTERS["short"]}
        yield from copies(first, {folder / f"{name}-{kind}.mkv": wanted[kind] for kind in wanted})
        piped = folder / f"{name}-piped.mkv"
        piped.write_bytes(ffmpeg_to_a_pipe("-i", str(first), "-c", "copy", "-f", "matroska"))
        yield piped
    for name, (size, shape) in SHAPES.items():
        file = folder / f"{name}.mkv"
        ffmpeg(*source(size=size), "-an", "-vf", f"setsar={shape}", *H264, str(file))
        yield file
    yield from turned(folder / "pal.mkv", folder)


def copies(file: Path, wanted: dict[Path, tuple[str, ...]]) -> Iterator[Path]:
    """The same packets in other layouts, all at once."""
    outputs = [part for copy, options in wanted.items() for part in ("-c", "copy", *options, str(copy))]
    ffmpeg("-i", str(file), *outputs)
    yield from wanted
