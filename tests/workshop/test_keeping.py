"""Every route for pictures keeps colours, orientation, bits, frames and transparency, and no whereabouts, or refuses.

Whether colours are right is told by comparison: a picture that says its colours by a profile, by numbers or in inks
comes out as the same picture does that says them in sRGB.
"""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from application.ports import Media, ProviderRefused
from infrastructure.catalogue import load_catalogue
from infrastructure.media import read_media
from tests.workshop import icc, opinions
from tests.workshop.portraits import portrait
from tests.workshop.test_vision import mask_of
from tests.workshop.work import lacking, make, png, psnr, refused, scene

MODELS = [model for model in load_catalogue(())[0] if model.provider == "local" and "image" in model.inputs]
ROUTES = sorted({model.route for model in MODELS})
SIDE = 120
POST = {"width": 1200, "height": 627}
# What each route is asked to do. A new route has to be entered here.
ASKED: dict[str, dict[str, Any]] = {
    "background-remove": {},
    "erase": {},
    "face-swap": {},
    "filter": {"prompt": "darken, border"},
    "image-compress": {"quality": 90},
    "image-convert": {"format": "png"},
    "image-resize": {"mode": "percent", "percent": "100"},
    "image-social": {**POST, "fit": "pad", "background": "#c03020"},
    "image-watermark": {"text": "(c)", "size": 10, "margin": 0, "opacity": 0.05},
    "pan": {"resolution": "48p", "duration": "0.2", "fps": 10},
    "relief": {"shape": "relief"},
    "upscale": {"factor": 2},
    "upscale-detail": {"factor": 2},
    "background-remove-seen": {},
    "face-swap-seen": {},
    "upscale-faithful": {"factor": 2},
}
# These deliver no picture, need another one, or are slow and go the very way of another: test_networks.py has them.
ELSEWHERE = {"classify", "text-remove", "upscale-imagined"}
HERE = [route for route in ROUTES if route in ASKED and not lacking(route)]
WAYS = [
    *((route, ASKED[route]) for route in HERE),
    ("image-compress", {"format": "png"}),
    ("image-compress", {"format": "webp", "target_bytes": 6_000}),
    ("image-convert", {"format": "jpeg"}),
    ("image-convert", {"format": "webp"}),
    *(("image-convert", {"format": kind, "background": "#ffffff"}) for kind in ("gif", "bmp", "tiff", "avif")),
    ("image-social", {**POST, "fit": "blur"}),
    ("image-social", {**POST, "fit": "crop"}),
]
NAMES = [" ".join((route, *map(str, wish.values()))) for route, wish in WAYS]
PROFILED = ("P3 in JPEG", "inks with a profile", "grey with a profile")
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
Pixels = npt.NDArray[np.float64]


def test_no_route_for_pictures_is_forgotten() -> None:
    assert sorted({*ASKED, *ELSEWHERE}) == ROUTES


@cache
def sitter() -> Image.Image:
    """A face, in front of something plain, of which every route can make something."""
    return portrait(size=SIDE)


def read(content: bytes) -> Media:
    return read_media(content, field="image", max_bytes=10**8, max_pixels=10**8)


BEST: dict[str, dict[str, Any]] = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}}


def written(image: Image.Image, kind: str, **how: Any) -> Media:
    """A file of the picture, as good as can be unless `how` says otherwise."""
    stream = io.BytesIO()
    image.save(stream, kind, **(BEST.get(kind, {}) | how))
    return read(stream.getvalue())


async def work(route: str, image: Media, wish: dict[str, Any]) -> Media:
    """What a route makes of a picture; what else it needs is the same each time."""
    media = {"image": image}
    if route == "erase":
        media["mask"] = png(mask_of((8, 8, 30, 30), size=(SIDE, SIDE)))
    if route.startswith("face-swap"):
        media["face"] = png(portrait(size=SIDE, iris=(30, 60, 200)))
    return await make(route, media, **wish)


async def attempted(route: str, image: Media, wish: dict[str, Any]) -> Media | str:
    """What a route makes of a picture, or the code of its refusal."""
    try:
        return await work(route, image, wish)
    except ProviderRefused as error:
        return error.code


def seen(made: Media) -> Pixels:
    """The picture, or the first of a film, or what covers a model, as somebody sees it: in sRGB, RGBA."""
    if made.media_type == "video/mp4":
        return np.asarray(opinions.shown(made.content)[0], dtype=np.float64)
    content = texture(made.content) if made.media_type == "model/gltf-binary" else made.content
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    profile = icc.display_p3() if b"cICP" in content else image.info.get("icc_profile")
    alpha = np.asarray(image.convert("RGBA").getchannel("A"))[..., None]
    if profile:
        wanted = {"CMYK": b"CMYK", "L": b"GRAY", "1": b"GRAY"}.get(image.mode, b"RGB ")
        assert profile[16:20] == wanted, "the profile is of the picture's mode"
        image = through(image if image.mode in ("L", "CMYK") else image.convert("RGBA").convert("RGB"), profile)
    pixels = np.asarray(image.convert("RGB")).astype(np.float64)
    if "gamma" in image.info:
        pixels = (pixels / 255) ** (1 / 2.2 / image.info["gamma"]) * 255
    return np.concatenate([pixels * (alpha > 0), alpha], axis=2)


def texture(content: bytes) -> bytes:
    at = content.index(b"\xff\xd8\xff")
    return content[at:]


def alike(one: Pixels, other: Pixels) -> bool:
    return one.shape == other.shape and float(np.abs(one - other).mean()) < 4


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(image: Image.Image, *chunks: bytes) -> Media:
    """A PNG with these behind its header."""
    plain = written(image, "PNG").content
    return read(plain[:33] + b"".join(chunks) + plain[33:])


def through(image: Image.Image, source: bytes) -> Image.Image:
    """From a profile to sRGB."""
    given, how = ImageCms.ImageCmsProfile(io.BytesIO(source)), ImageCms.Flags.BLACKPOINTCOMPENSATION
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    done = ImageCms.profileToProfile(image, given, SRGB, renderingIntent=intent, outputMode="RGB", flags=how)
    assert done is not None
    return done


@cache
def pairs() -> dict[str, tuple[Media, Media]]:
    """A picture that says its colours in some way, and the same in sRGB."""
    face, grey = sitter(), sitter().convert("L")
    light = Image.fromarray((((np.asarray(face) / 255) ** 2.2) * 255).round().astype(np.uint8))
    bright = Image.fromarray((((np.asarray(light) / 255) ** (1 / 2.2)) * 255).round().astype(np.uint8))
    dull = through(face.convert("CMYK"), icc.inks())
    inked, greyed = face.convert("CMYK"), through(grey, icc.grey(1.4))
    p3 = through(face, icc.display_p3())
    return {
        "P3 in JPEG": (written(face, "JPEG", icc_profile=icc.display_p3()), written(p3, "JPEG")),
        "P3 in PNG": (written(face, "PNG", icc_profile=icc.display_p3()), written(p3, "PNG")),
        "P3 in WebP": (written(face, "WEBP", icc_profile=icc.display_p3()), written(p3, "WEBP")),
        "P3 by cICP": (with_chunks(face, chunk(b"cICP", bytes([12, 13, 0, 1]))), written(p3, "PNG")),
        "inks with a profile": (written(inked, "JPEG", icc_profile=icc.inks()), written(dull, "JPEG")),
        "inks in TIFF": (written(inked, "TIFF", icc_profile=icc.inks()), written(dull, "TIFF")),
        "P3 in TIFF": (written(face, "TIFF", icc_profile=icc.display_p3()), written(p3, "TIFF")),
        "inks without": (written(inked, "JPEG"), written(inked.convert("RGB"), "JPEG")),
        "grey with a profile": (written(grey, "JPEG", icc_profile=icc.grey(1.4)), written(greyed, "JPEG")),
        "grey PNG with a profile": (written(grey, "PNG", icc_profile=icc.grey(1.4)), written(greyed, "PNG")),
        "grey with a profile of RGB": (written(grey, "JPEG", icc_profile=icc.display_p3()), written(grey, "JPEG")),
        "linear by gAMA": (with_chunks(light, chunk(b"gAMA", struct.pack(">I", 100_000))), written(bright, "PNG")),
        "a broken profile": (written(face, "JPEG", icc_profile=b"\0" * 200), written(face, "JPEG")),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("route", "wish", "colours"),
    [
        *(
            (route, wish, each)
            for route, wish in WAYS
            for each in ("P3 in JPEG", "inks with a profile", "grey with a profile")
        ),
        *((route, wish, each) for route, wish in (("filter", ASKED["filter"]), WAYS[-4]) for each in pairs()),
    ],
)
async def test_colours_come_out_as_they_are_meant(route: str, wish: dict[str, Any], colours: str) -> None:
    given, plain = pairs()[colours]
    if wish == {"format": "png"} and route == "image-compress":
        wish = wish | {"target_bytes": 30_000}
    assert alike(seen(await work(route, given, wish)), seen(await work(route, plain, wish)))


async def test_a_wide_profile_is_kept_and_its_numbers_with_it() -> None:
    """Display P3 (51, 119, 194) is (0, 121, 200) in sRGB; without its profile it would be another blue."""
    source = written(Image.new("RGB", (SIDE, SIDE), (51, 119, 194)), "PNG", icc_profile=icc.display_p3())
    for route, wish in WAYS:
        if route in ("pan", "relief") or route.startswith(("background-remove", "face-swap")):
            continue
        made = await work(route, source, wish | ({"prompt": "blur"} if route == "filter" else {}))
        middle = seen(made)[SIDE // 2, -SIDE // 2 if route != "image-social" else 627, :3]
        assert np.abs(middle - [0, 121, 200]).max() < 6, route


async def test_the_light_of_other_screens_is_refused() -> None:
    """PQ and HLG (cICP) are brighter than 8 bits of sRGB can show."""
    for transfer in (16, 18):
        source = with_chunks(sitter(), chunk(b"cICP", bytes([9, transfer, 0, 1])))
        for route, wish in WAYS[: len(HERE)]:
            with pytest.raises(ProviderRefused) as caught:
                await work(route, source, wish)
            assert caught.value.code == "unsupported_colours"


# How it lies


TURNS = [
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.ROTATE_180,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_90,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_270,
]


def lying(orientation: int, kind: str) -> Media:
    """The sitter as a camera stores it that is held so."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = sitter() if orientation == 1 else sitter().transpose(TURNS[orientation - 2])
    return written(stored, kind, exif=exif)


@pytest.mark.parametrize(
    ("route", "wish", "orientation", "kind"),
    [
        *(("image-convert", {"format": "webp", "lossless": True}, turn, "JPEG") for turn in range(1, 9)),
        *(("image-convert", {"format": "png"}, turn, "TIFF") for turn in range(1, 9)),
        *((route, wish, 5, "JPEG") for route, wish in WAYS),
        *(
            (route, {"format": one}, 5, kind)
            for route in ("image-convert", "image-compress")
            for one in ("jpeg", "webp")
            for kind in ("PNG", "WEBP")
        ),
    ],
)
async def test_a_picture_that_lies_is_turned_once_and_not_twice(
    route: str, wish: dict[str, Any], orientation: int, kind: str
) -> None:
    made = seen(await work(route, lying(orientation, kind), wish))
    assert alike(made, seen(await work(route, written(sitter(), kind), wish)))


# Bits


def deep(channels: int, side: int = SIDE) -> Media:
    """A PNG of 16 bits a channel, as OpenCV writes it."""
    ramp = (np.arange(side * side * channels, dtype=np.uint32) % 65_521).astype(np.uint16).reshape(side, side, channels)
    return read(cv2.imencode(".png", ramp)[1].tobytes())


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(("route", "wish"), WAYS, ids=NAMES)
async def test_sixteen_bits_are_kept_or_refused(route: str, wish: dict[str, Any], channels: int) -> None:
    source = deep(channels)
    made = await attempted(route, source, wish)
    assert made == "too_deep" if isinstance(made, str) else True
    if isinstance(made, Media):
        both = [cv2.imdecode(np.frombuffer(each.content, np.uint8), cv2.IMREAD_UNCHANGED) for each in (source, made)]
        assert both[1] is not None
        assert both[1].dtype == np.uint16
        assert np.array_equal(np.asarray(both[0]), both[1])


async def test_eight_bits_are_made_of_sixteen_where_they_are_asked_for() -> None:
    for channels in (1, 3, 4):
        source = deep(channels)
        stored = np.asarray(cv2.imdecode(np.frombuffer(source.content, np.uint8), cv2.IMREAD_UNCHANGED))
        made = await make("image-convert", {"image": source}, format="png", depth="8")
        narrow = np.asarray(Image.open(io.BytesIO(made.content)).convert({1: "L", 3: "RGB", 4: "RGBA"}[channels]))
        wanted = (
            stored
            if channels == 1
            else cv2.cvtColor(stored, cv2.COLOR_BGR2RGB if channels == 3 else cv2.COLOR_BGRA2RGBA)
        )
        assert np.abs(narrow.astype(int) - wanted / 257).max() <= 1
    assert await refused("image-convert", {"image": deep(3)}, format="jpeg") == "too_deep"


@pytest.mark.parametrize(("mode", "most"), [("1", 2.0), ("P", 1.5), ("L", 1.5)])
async def test_few_colours_stay_small(mode: str, most: float) -> None:
    image = sitter().convert(mode) if mode != "P" else sitter().quantize(9)
    source = written(image, "PNG", optimize=True)
    for route, wish in (
        ("image-convert", {"format": "png"}),
        ("image-compress", {}),
        ("image-compress", {"format": "png"}),
    ):
        made = await make(route, {"image": source}, **wish)
        assert len(made.content) <= len(source.content), route
    turned = await make("filter", {"image": source}, prompt="mirror")
    assert len(turned.content) < most * len(source.content)


# Frames


LENGTHS = [40, 120, 80, 200, 60]


def animated(kind: str, loop: int | None = 0, frames: int = 5) -> Media:
    pictures = [scene(48, 40, seed).quantize(32) if kind == "GIF" else scene(48, 40, seed) for seed in range(frames)]
    often = {} if loop is None else {"loop": loop}
    return written(pictures[0], kind, save_all=True, append_images=pictures[1:], duration=LENGTHS[:frames], **often)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
@pytest.mark.parametrize(("route", "wish"), WAYS, ids=NAMES)
async def test_an_animation_keeps_its_frames_or_is_refused(route: str, wish: dict[str, Any], kind: str) -> None:
    source = animated(kind)
    made = await attempted(route, source, wish)
    assert made in ("animation", "not_smaller") if isinstance(made, str) else True
    if isinstance(made, Media):
        assert lengths(made) == LENGTHS
        assert made.duration_ms == sum(LENGTHS)
        for number in range(5):
            assert psnr(frame(made, number), frame(source, number)) > 22


def lengths(made: Media) -> list[int]:
    image = Image.open(io.BytesIO(made.content))
    found = []
    for number in range(getattr(image, "n_frames", 1)):
        image.seek(number)
        image.load()
        found.append(round(image.info["duration"]))
    return found


def frame(made: Media, number: int) -> Image.Image:
    image = Image.open(io.BytesIO(made.content))
    image.seek(number)
    return image.convert("RGB")


@pytest.mark.parametrize("chosen", ["webp", "png"])
@pytest.mark.parametrize(
    ("kind", "loop", "plays"), [("GIF", 0, 0), ("GIF", None, 1), ("GIF", 2, 3), ("WEBP", 4, 4), ("PNG", 2, 2)]
)
async def test_an_animation_runs_as_often_as_it_did(kind: str, loop: int | None, plays: int, chosen: str) -> None:
    """A GIF says how often again, and nothing where it runs once; the others how often in all."""
    made = await make("image-convert", {"image": animated(kind, loop)}, format=chosen)
    assert Image.open(io.BytesIO(made.content)).info["loop"] == plays


async def test_a_jpeg_of_an_animation_is_refused_and_one_frame_is_a_picture() -> None:
    for route in ("image-convert", "image-compress"):
        assert await refused(route, {"image": animated("GIF")}, format="jpeg") == "animation"
    assert (await make("image-convert", {"image": animated("GIF", frames=1)}, format="jpeg")).media_type == "image/jpeg"


# Transparency


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("route", [route for route in HERE if route not in ("image-social", "pan", "relief")])
async def test_what_is_transparent_stays_so(route: str, kind: str) -> None:
    clear = sitter().convert("RGBA")
    clear.paste((0, 0, 0, 0), (0, 0, SIDE, 12))
    made = seen(
        await work(route, written(clear, kind), ASKED[route] | ({"prompt": "darken"} if route == "filter" else {}))
    )
    assert made[2, SIDE // 2, 3] == 0
    assert made[made.shape[0] // 2, made.shape[1] // 2, 3] == 255


# Whereabouts


SECRETS = [b"Fieldcam 9", b"SN-0042-7781", b"Ann Example", b"a note to nobody", b"2026:11:29", b"52.5200"]


def telling(kind: str) -> Media:
    """A picture beside which its camera wrote all it knew."""
    camera, serial, who, note, when, where = (secret.decode() for secret in SECRETS)
    exif = Image.Exif()
    exif[0x010F], exif[0x013B], exif[0x010E], exif[0x0132] = camera, who, note, f"{when} 10:00:00"
    exif.get_ifd(0x8769)[0xA431] = serial
    exif.get_ifd(0x8769)[0x927C] = camera.encode() * 20
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 29: when})
    xmp = f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><place>{where} {who}</place></x:xmpmeta>".encode()
    text = PngInfo()
    for word in (camera, note, where):
        text.add_text("Comment", word)
        text.add_itxt("XML:com.adobe.xmp", xmp.decode())
    how: dict[str, dict[str, Any]] = {
        "JPEG": {"exif": exif, "xmp": xmp, "comment": note, "quality": 40},
        "PNG": {"exif": exif, "pnginfo": text},
        "WEBP": {"exif": exif, "xmp": xmp, "quality": 40, "lossless": False},
        "GIF": {"comment": f"{note} {camera} {who}"},
    }
    return written(sitter().quantize(64) if kind == "GIF" else sitter(), kind, **how[kind])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize(("route", "wish"), WAYS, ids=NAMES)
async def test_nothing_tells_where_when_or_with_what_it_was_taken(route: str, wish: dict[str, Any], kind: str) -> None:
    source = telling(kind)
    assert sum(secret in source.content for secret in SECRETS) >= 3
    made = await attempted(route, source, wish)
    assert made == "not_smaller" if isinstance(made, str) else True
    content = made.content if isinstance(made, Media) else b""
    assert [secret for secret in (*SECRETS, b"GPS", b"xmpmeta") if secret in content] == []


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("wish", [{}, {"format": "jpeg"}, {"format": "webp"}, {"format": "png"}, {"quality": 95}])
async def test_what_is_compressed_is_never_larger(kind: str, wish: dict[str, Any]) -> None:
    for source in (
        telling(kind),
        written(Image.new("1", (300, 200), 1), "GIF" if kind == "GIF" else "PNG"),
        animated("GIF"),
    ):
        made = await attempted("image-compress", source, wish)
        assert made in ("not_smaller", "animation") if isinstance(made, str) else True
        if isinstance(made, Media):
            assert len(made.content) <= len(source.content)


async def test_what_comes_back_as_it_was_is_shown_as_it_was() -> None:
    """Orientation and profile stay with pixels that are not touched."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Fieldcam 9"
    for kind in ("JPEG", "WEBP", "PNG"):
        how = {} if kind == "PNG" else {"quality": 5, "lossless": False}
        image = sitter().quantize(8) if kind == "PNG" else sitter()
        source = written(image, kind, exif=exif, icc_profile=icc.display_p3(), **how)
        made = await make("image-compress", {"image": source}, quality=95, format=kind.lower())
        assert b"Fieldcam" not in made.content
        assert (seen(made) == seen(source)).all()


async def test_the_pictures_beside_a_photo_are_left_out() -> None:
    """A thumbnail, and what stands behind the end of the picture."""
    plain = written(sitter(), "JPEG", quality=10)
    thumb = (
        plain.content[:2]
        + b"\xff\xe0\x00\x13JFIF\0\x01\x02\0\0\x01\0\x01\x01\x01abc"
        + plain.content[20:]
        + b"a film of it"
    )
    made = await make("image-compress", {"image": read(thumb)}, quality=95)
    assert b"abc" not in made.content
    assert b"a film of it" not in made.content
    assert (seen(made) == seen(plain)).all()
