"""Every route for films keeps how a film is shown: upright, in its shape, colours, depth and time; or refuses plainly.

Sources are written, and results are read, by FFmpeg's own programs of other builds than ours.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from application.ports import Media
from imagestudio_workshop.routes import ROUTES
from infrastructure.media import read_media
from tests.infrastructure.films import HERTZ
from tests.infrastructure.guests import environment_of_children
from tests.workshop.opinions import filmed, pictured, probed, shown, times, turned
from tests.workshop.work import make, png, psnr, refused

FILM_ROUTES = sorted(name for name in ROUTES if name.startswith("video-"))
# What each route is asked to do, as near to nothing as it can. A new route has to be entered here.
ASKED: dict[str, dict[str, Any]] = {
    "video-aspect": {"aspect_ratio": "4:3"},
    "video-compress": {"quality": "high"},
    "video-edit": {"text": ".", "text_pixels": 8},
    "video-denoise": {"strength": "light"},
    "video-format": {"format": "mp4"},
    "video-normalize": {},
    "video-resolution": {"resolution": "48p"},
    "video-social": {"width": 64, "height": 48},
    "video-speed": {"speed": "1"},
    "video-stabilize": {"strength": 25},
    "video-text": {"text": ".", "size": 2},
    "video-transform": {"quality": "high", "fps": 60},
    "video-trim": {"start": "0"},
    "video-volume": {"volume": "0.5"},
}
# The same, in ways that take other paths.
WAYS = [
    *((route, wish) for route, wish in ASKED.items() if route != "video-social"),
    ("video-format", {"format": "mov"}),
    ("video-format", {"format": "webm"}),
    ("video-aspect", {"aspect_ratio": "4:3", "fit": "blur"}),
    ("video-aspect", {"aspect_ratio": "4:3", "fit": "pad"}),
    ("video-denoise", {"of": "sound"}),
    ("video-edit", {"stabilize": 20, "denoise": "light", "text": ".", "text_pixels": 8}),
    ("video-edit", {"stabilize": 20, "loudness": "-20"}),
]
CODED = ("BT.601", "unmarked", "VP9", "HLG", "AV1", "ProRes")
COLOURS = ("color_range", "color_space", "color_transfer", "color_primaries")
# One of each path through the code: encoded anew in each container, laid over, moved plane by plane, and copied.
PATHS = [
    *(("video-format", {"format": one}) for one in ("mp4", "webm")),
    *((route, ASKED[route]) for route in ("video-text", "video-stabilize", "video-volume")),
]
WAY_NAMES = [" ".join((route, *map(str, wish.values()))) for route, wish in WAYS]
PATCHES = (
    "color=s=64x48:r=10:d=0.5:c=0x606060,"
    "drawbox=0:0:32:24:red:fill,drawbox=32:0:32:24:lime:fill,drawbox=0:24:32:24:blue:fill"
)
H264 = ("-c:v", "libx264", "-qp", "4", "-preset", "ultrafast", "-c:a", "aac")
VP9 = ("-c:v", "libvpx-vp9", "-cpu-used", "8", "-c:a", "libopus")
HEVC = ("-c:v", "libx265", "-tag:v", "hvc1", "-preset", "ultrafast", "-c:a", "aac", "-x265-params")
GRADED = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"


def media(content: bytes) -> Media:
    return read_media(content, field="video", max_bytes=10**8, max_pixels=10**8)


def written(container: str, chain: str, *codec: str, seconds: str = "0.5", pictures: str = PATCHES) -> bytes:
    tone = ("-f", "lavfi", "-i", f"sine=d={seconds}")
    return filmed(container, "-f", "lavfi", "-i", pictures, *tone, "-vf", chain, *codec)


def coded(matrix: str, reach: str, pixels: str, primaries: str, transfer: str) -> str:
    """The filters that bring a film to a coding and mark it so."""
    space = "bt2020" if matrix == "bt2020nc" else matrix
    marks = f"colorspace={matrix}:color_primaries={primaries}:color_trc={transfer}:range={reach}"
    return f"scale=out_color_matrix={space}:out_range={reach},format={pixels},setparams={marks}"


def as_wide_as(aspect: str, wish: dict[str, Any]) -> dict[str, Any]:
    return wish | {name: aspect for name in wish if name == "aspect_ratio"}


@cache
def coloured(name: str) -> bytes:
    hdr = ("bt2020nc", "tv", "yuv420p10le", "bt2020")
    av1 = ("-c:v", "libsvtav1", "-preset", "12", "-crf", "5", "-c:a", "libopus")
    match name:
        case "BT.709":
            return written("mp4", coded("bt709", "tv", "yuv420p", "bt709", "bt709"), *H264)
        case "BT.601":
            return written("mp4", coded("smpte170m", "tv", "yuv420p", "smpte170m", "smpte170m"), *H264)
        case "unmarked":
            return written("mp4", "format=yuv420p", *H264)
        case "full range":
            return written("mp4", coded("bt709", "pc", "yuv420p", "bt709", "bt709"), *H264)
        case "VP9":
            return written("webm", coded("bt709", "tv", "yuv420p", "bt709", "bt709"), *VP9, "-b:v", "4M")
        case "HLG":
            return written("mp4", coded(*hdr, "arib-std-b67"), *HEVC, "log-level=none:qp=4")
        case "HDR10":
            return written("mp4", coded(*hdr, "smpte2084"), *HEVC, f"log-level=none:qp=4:{GRADED}")
        case "AV1":
            return written("webm", coded(*hdr, "smpte2084"), *av1)
        case "ProRes":
            prores = ("-c:v", "prores_ks", "-c:a", "aac")
            return written("mov", coded("bt709", "tv", "yuv422p10le", "bt709", "bt709"), *prores)
        case _:
            raise LookupError(name)


def test_no_route_for_films_is_forgotten() -> None:
    assert sorted(ASKED) == FILM_ROUTES


def patches(frame: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The middle of each quarter, in shares of white."""
    height, width = frame.shape[:2]
    most = 255 if frame.dtype == np.uint8 else 65_535
    rows, columns = (height // 4, height * 3 // 4), (width // 4, width * 3 // 4)
    return np.array([frame[y - 2 : y + 2, x - 2 : x + 2].mean(axis=(0, 1)) for y in rows for x in columns]) / most


@pytest.mark.parametrize(
    ("route", "wish", "colours"),
    [
        *((route, wish, colours) for route, wish in WAYS for colours in ("BT.709", "full range", "HDR10")),
        *((route, wish, colours) for route, wish in PATHS for colours in CODED),
    ],
)
async def test_colours_depth_and_marks_are_kept(route: str, wish: dict[str, Any], colours: str) -> None:
    source = coloured(colours)
    made = await make(route, {"video": media(source)}, **wish)
    before, after = pictured(source), pictured(made.content)
    marked = [mark for mark in COLOURS if before.get(mark)]
    assert {mark: after.get(mark) for mark in marked} == {mark: before[mark] for mark in marked}
    assert ("10" in str(after["pix_fmt"])) == ("10" in before["pix_fmt"])
    if colours != "AV1" and after["codec_name"] != "av1":  # which that ffprobe cannot decode
        assert grading(made.content) == grading(source)
    # The stabiliser shows a little less of the border.
    assert np.abs(patches(shown(made.content)[1]) - patches(shown(source)[1])).max() < 0.03


@pytest.mark.parametrize("said", ["2", None])
async def test_encoders_say_nothing_to_the_terminal_and_the_environment_stays_the_hosts(
    said: str | None, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if said is not None:
        monkeypatch.setenv("SVT_LOG", said)
    before = environment_of_children()
    capfd.readouterr()
    for output in ("mp4", "webm"):
        await make("video-format", {"video": media(coloured("HDR10"))}, format=output)
    assert capfd.readouterr() == ("", "")
    assert environment_of_children() == before


def grading(content: bytes) -> list[bytes]:
    """The display on which it was graded, and its lightest, as decoders tell them."""
    with av.open(io.BytesIO(content), "r") as opened:
        frame = next(opened.decode(video=0))
    sides: list[Any] = list(frame.side_data)
    return sorted(bytes(side) for side in sides if side.type.name.startswith(("MASTERING", "CONTENT")))


# How it lies


TURNS = {
    "upright": (),
    "quarter turn": ("-display_rotation", "90"),
    "half turn": ("-display_rotation", "180"),
    "three quarters": ("-display_rotation", "270"),
    "mirrored": ("-display_hflip",),
    "upside down mirrored": ("-display_vflip",),
    "quarter turn mirrored": ("-display_rotation", "90", "-display_hflip"),
    "three quarters mirrored": ("-display_rotation", "270", "-display_hflip"),
}


@pytest.mark.parametrize(
    ("route", "wish", "turn"),
    [
        *(("video-format", {}, turn) for turn in TURNS),
        *((route, wish, turn) for route, wish in WAYS for turn in ("half turn", "quarter turn mirrored")),
    ],
)
async def test_a_film_that_lies_or_is_mirrored_comes_out_as_it_is_shown(
    route: str, wish: dict[str, Any], turn: str
) -> None:
    source = turned(coloured("BT.709"), "mp4", *TURNS[turn])
    made = await make(
        route, {"video": media(source)}, **(wish | ({"aspect_ratio": "1:1"} if "aspect" in route else {}))
    )
    assert np.abs(patches(shown(made.content)[1]) - patches(shown(source)[1])).max() < 0.05


async def test_a_film_shown_at_a_slant_is_refused() -> None:
    source = turned(coloured("BT.709"), "mp4", "-display_rotation", "30")
    assert await refused("video-format", {"video": media(source)}) == "unsupported_rotation"
    assert (await make("video-volume", {"video": media(source)})).width, (
        "where pictures are copied, their matrix is too"
    )


@pytest.mark.parametrize(("route", "wish"), WAYS, ids=WAY_NAMES)
async def test_pixels_that_are_not_square_are_shown_in_the_same_shape(route: str, wish: dict[str, Any]) -> None:
    source = written("mp4", "format=yuv420p,setsar=4/3", *H264)
    made = await make(
        route, {"video": media(source)}, **(wish | ({"aspect_ratio": "16:9"} if "aspect" in route else {}))
    )
    height, width = shown(made.content)[0].shape[:2]
    assert width / height == pytest.approx(16 / 9, abs=0.05)
    assert np.abs(patches(shown(made.content)[1]) - patches(shown(source)[1])).max() < 0.05


async def test_a_turned_film_of_oblong_pixels_is_as_high_as_it_was_wide() -> None:
    source = turned(written("mp4", "format=yuv420p,setsar=2", *H264), "mp4", "-display_rotation", "90")
    made = await make("video-format", {"video": media(source)})
    assert (made.width, made.height) == (24, 64)


async def test_half_frames_become_whole_ones() -> None:
    source = written("mp4", "format=yuv420p,tinterlace=interleave_top,setfield=tff", *H264, "-flags", "+ildct+ilme")
    assert pictured(source)["field_order"] != "progressive"
    made = await make("video-format", {"video": media(source)})
    assert pictured(made.content)["field_order"] == "progressive"


async def test_red_is_written_as_the_numbers_that_mean_red() -> None:
    """Of BT.709 in a limited range: not (81, 90, 239), which is what red is in BT.601."""
    chain = coded("bt709", "tv", "yuv420p", "bt709", "bt709")
    source = media(written("mp4", chain, *H264, pictures="color=red:s=64x48:d=0.5"))
    for output in ("mp4", "mov", "webm"):
        made = await make("video-format", {"video": source}, format=output)
        with av.open(io.BytesIO(made.content), "r") as opened:
            planes = next(opened.decode(video=0)).planes
            assert [bytes(plane)[0] for plane in planes] == pytest.approx([63, 102, 240], abs=2)


# Time


UNEVEN = "testsrc2=s=64x48:r=10:d=1.5,select='eq(n,0)+eq(n,1)+eq(n,5)+gte(n,12)'"


@pytest.mark.parametrize(("route", "wish"), WAYS, ids=WAY_NAMES)
async def test_frames_that_come_unevenly_are_shown_when_they_were(route: str, wish: dict[str, Any]) -> None:
    source = written("mp4", "format=yuv420p", *H264, "-fps_mode", "vfr", pictures=UNEVEN, seconds="1.5")
    assert times(source) == pytest.approx([0, 0.1, 0.5, 1.2, 1.3, 1.4], abs=0.01)
    made = await make(route, {"video": media(source)}, **wish)
    assert times(made.content) == pytest.approx(times(source), abs=0.01)
    assert made.duration_ms == pytest.approx(1500, abs=60)


@pytest.mark.parametrize(("speed", "shown_at"), [("2", [0, 0.05, 0.25, 0.6, 0.7]), ("0.5", [0, 0.2, 1, 2.4, 2.6, 2.8])])
async def test_an_uneven_film_becomes_faster_or_slower_evenly(speed: str, shown_at: list[float]) -> None:
    source = written("mp4", "format=yuv420p", *H264, "-fps_mode", "vfr", pictures=UNEVEN, seconds="1.5")
    made = times((await make("video-speed", {"video": media(source)}, speed=speed)).content)
    assert all(min(abs(one - other) for other in made) < 0.06 for one in shown_at)
    assert made == sorted(made)


async def test_a_span_begins_with_the_frame_that_is_shown_then() -> None:
    source = media(written("mp4", "format=yuv420p", *H264, "-fps_mode", "vfr", pictures=UNEVEN, seconds="1.5"))
    cut = await make("video-trim", {"video": source}, start="0.7", end="1.25")
    assert times(cut.content) == pytest.approx([0, 0.5], abs=0.02)
    within = await make("video-trim", {"video": source}, start="0.6", end="1")
    assert times(within.content) == [0]
    assert psnr(shown(within.content)[0], shown(source.content)[2]) > 30


@pytest.mark.parametrize("container", ["mp4", "webm"])
@pytest.mark.parametrize(("route", "wish"), WAYS, ids=WAY_NAMES)
async def test_a_film_whose_clock_begins_late_keeps_sound_and_picture_together(
    route: str, wish: dict[str, Any], container: str
) -> None:
    source = clapped(container)
    flash, beep = moments((await make(route, {"video": media(source)}, **wish)).content)
    assert flash == pytest.approx(0.6, abs=0.05)
    assert beep == pytest.approx(flash, abs=0.05)


@cache
def clapped(container: str) -> bytes:
    """Black, with a flash at 0.6 s and a beep then, of a sound that begins 0.2 s late; its clock begins at 1.5 s."""
    flash = "color=black:s=64x48:r=25:d=1,drawbox=c=white:t=fill:enable='between(t,0.6,0.75)'"
    beep = "sine=f=440:d=0.8,volume='if(between(t,0.4,0.6),4,0)':eval=frame"
    codecs = VP9 if container == "webm" else H264
    late = ("-itsoffset", "0.2", "-f", "lavfi", "-i", beep)
    return filmed(container, "-f", "lavfi", "-i", flash, *late, *codecs, "-output_ts_offset", "1.5")


def moments(content: bytes) -> tuple[float, float]:
    """Seconds at which the flash and the beep begin."""
    with av.open(io.BytesIO(content), "r") as opened:
        lit = next(frame.time for frame in opened.decode(video=0) if frame.to_ndarray(format="gray").mean() > 120)
    resampler = av.AudioResampler("fltp", "mono", HERTZ)
    with av.open(io.BytesIO(content), "r") as opened:
        for frame in (part for whole in opened.decode(audio=0) for part in resampler.resample(whole)):
            loud = np.nonzero(np.abs(frame.to_ndarray()[0]) > 0.05)[0]
            if len(loud):
                return float(lit or 0), float(frame.time or 0) + float(loud[0]) / HERTZ
    raise AssertionError("there is no beep")


# Privacy


SECRETS = ("+52.5200+013.4050", "Fieldcam 9", "Ann Example", "2026-11-29", "a note to nobody")


@pytest.mark.parametrize("container", ["mov", "webm"])
@pytest.mark.parametrize(("route", "wish"), WAYS, ids=WAY_NAMES)
async def test_nothing_tells_where_when_or_with_what_a_film_was_taken(
    route: str, wish: dict[str, Any], container: str
) -> None:
    source = whereabouts(container)
    assert sum(secret.encode() in source for secret in SECRETS) > 2
    made = await make(route, {"video": media(source)}, **wish)
    assert [secret for secret in SECRETS if secret.encode() in made.content] == []
    kept = probed(made.content)
    tags = kept["format"].get("tags", {}) | {
        key: tag for stream in kept["streams"] for key, tag in stream["tags"].items()
    }
    assert not {"location", "creation_time", "make", "model", "artist", "comment"} & {key.lower() for key in tags}
    assert len(kept["streams"]) == 2


@cache
def whereabouts(container: str) -> bytes:
    place, camera, who, when, note = SECRETS
    said = {"location": place, "make": camera, "model": camera, "artist": who, "creation_time": when, "comment": note}
    tags = [part for key, value in said.items() for part in ("-metadata", f"{key}={value}")]
    streams = [part for kind in "va" for part in (f"-metadata:s:{kind}", f"handler_name={camera}")]
    codecs = VP9 if container == "webm" else H264
    flags = () if container == "webm" else ("-movflags", "use_metadata_tags")
    return written(container, "format=yuv420p", *codecs, *tags, *streams, *flags)


# What cannot be kept


async def test_a_film_that_is_transparent_in_places_is_refused() -> None:
    clear = written("mov", "format=argb,colorchannelmixer=aa=0.5", "-c:v", "qtrle", "-c:a", "aac")
    assert await refused("video-format", {"video": media(clear)}, format="mp4") == "transparent"


async def test_twelve_bits_are_kept_where_the_encoder_can_and_else_refused() -> None:
    source = written("mp4", coded("bt709", "tv", "yuv420p12le", "bt709", "bt709"), *HEVC, "log-level=none")
    kept = await make("video-format", {"video": media(source)}, format="mp4")
    assert pictured(kept.content)["pix_fmt"] == "yuv420p12le"
    for route, wish in (("video-format", {"format": "webm"}), ("video-text", {"text": "."})):
        assert await refused(route, {"video": media(source)}, **wish) == "unsupported_depth"


@pytest.mark.parametrize(
    ("primaries", "transfer", "white"),
    [("bt709", "bt709", 1.0), ("bt2020", "arib-std-b67", 0.75), ("bt2020", "smpte2084", 0.58)],
)
async def test_white_letters_are_as_bright_as_paper_and_not_as_the_sun(
    primaries: str, transfer: str, white: float
) -> None:
    matrix, pixels = ("bt709", "yuv420p") if primaries == "bt709" else ("bt2020nc", "yuv420p10le")
    chain = coded(matrix, "tv", pixels, primaries, transfer)
    source = written("mp4", chain, *HEVC, "log-level=none", pictures="color=black:s=64x48:d=0.5")
    made = await make("video-text", {"video": media(source)}, text="III", size=30, position="center")
    frame = shown(made.content)[1]
    assert frame.max() / (255 if frame.dtype == np.uint8 else 65_535) == pytest.approx(white, abs=0.06)


@pytest.mark.parametrize("route", ["film", "pan"])
async def test_a_painted_film_says_how_its_colours_are_coded(route: str) -> None:
    red = png(Image.new("RGB", (64, 48), (200, 30, 60)))
    wish = {"prompt": "a lake", "width": 64, "height": 64} if route == "film" else {"resolution": "48p"}
    made = await make(route, {} if route == "film" else {"image": red}, **wish, duration="0.5", fps=4)
    assert [pictured(made.content)[mark] for mark in COLOURS] == ["tv", "bt709", "bt709", "bt709"]
    if route == "pan":
        assert np.abs(shown(made.content)[0].mean(axis=(0, 1)) - np.array([200, 30, 60])).max() < 4
