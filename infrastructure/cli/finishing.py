"""Pictures finished: for platforms, smaller, in other formats, in other sizes, marked; one or many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.finished import as_finished
from infrastructure.cli.options import WHAT, Asking, file_of
from infrastructure.cli.run import Image, Out
from infrastructure.cli.serving import Estimate, asked_of
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import document, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.studios.social import SocialFormat
    from infrastructure.cli.rendering import Page

app = typer.Typer()

Images = Annotated[
    list[str], Argument(metavar="IMAGE...", help="Image files, or their http or https addresses, one or many.")
]
Format = Annotated[str, Option("--format", metavar="FORMAT", help="Such as jpg, png or webp.", rich_help_panel=WHAT)]
PixelQuality = Annotated[
    int | None, Option("--quality", "-q", metavar="10..95", help="Of the encoder.", rich_help_panel=WHAT)
]
Ground = Annotated[
    str,
    Option("--background", metavar="COLOUR", help="Under what is transparent, or around it.", rich_help_panel=WHAT),
]
Focus = Annotated[
    str,
    Option("--focus", metavar="X,Y", help="The point to keep, in shares, such as 0.5,0.3.", rich_help_panel=WHAT),
]
Metadata = Annotated[
    str, Option("--metadata", metavar="WHAT", help="keep, or strip as otherwise.", rich_help_panel=WHAT)
]
Baseline = Annotated[bool, Option("--baseline", help="A JPEG that is not progressive.", rich_help_panel=WHAT)]


@dataclass(frozen=True, slots=True)
class PicturePosting:
    """The places where it is posted, and how it is fitted."""

    platforms: Annotated[
        list[str] | None,
        Option("--to", "-t", metavar="ID", help="A format, or a whole platform; any number.", rich_help_panel=WHAT),
    ] = None
    fit: Annotated[str, Option("--fit", metavar="HOW", help="crop, center, pad or blur.", rich_help_panel=WHAT)] = ""
    focus: Focus = ""
    format: Format = ""
    background: Ground = ""


@dataclass(frozen=True, slots=True)
class Compressing:
    """How small."""

    preset: Annotated[
        str,
        Option("--preset", metavar="ID", help="web, email, social, high_quality or maximum.", rich_help_panel=WHAT),
    ] = ""
    format: Format = ""
    quality: PixelQuality = None
    target_kb: Annotated[
        int | None, Option("--target-kb", metavar="KB", help="At most so many thousand bytes.", rich_help_panel=WHAT)
    ] = None
    metadata: Metadata = ""
    background: Ground = ""


@dataclass(frozen=True, slots=True)
class Converting:
    """Into what."""

    format: Annotated[
        str,
        Option("--to", "-t", metavar="FORMAT", help="png, jpg, webp, gif, bmp, tiff or avif.", rich_help_panel=WHAT),
    ] = ""
    color_space: Annotated[
        str, Option("--color-space", metavar="NAME", help="srgb, display-p3 or adobe-rgb.", rich_help_panel=WHAT)
    ] = ""
    depth: Annotated[
        str, Option("--depth", metavar="BITS", help="8: let the rest of 16 bits go.", rich_help_panel=WHAT)
    ] = ""
    quality: PixelQuality = None
    metadata: Metadata = ""
    background: Ground = ""


@dataclass(frozen=True, slots=True)
class Resizing:
    """How large."""

    size: Annotated[
        str, Option("--size", metavar="WxH", help="Such as 800x600, 800x or x600.", rich_help_panel=WHAT)
    ] = ""
    percent: Annotated[str, Option("--percent", metavar="NUMBER", help="Of both sides.", rich_help_panel=WHAT)] = ""
    print: Annotated[
        str, Option("--print", metavar="SIZE", help="Of a print, such as 10x15cm or 4x6in.", rich_help_panel=WHAT)
    ] = ""
    dpi: Annotated[
        int | None, Option("--dpi", metavar="DPI", help="Pixels an inch of print.", rich_help_panel=WHAT)
    ] = None
    mode: Annotated[str, Option("--mode", metavar="HOW", help="fit, fill or exact.", rich_help_panel=WHAT)] = ""
    focus: Focus = ""
    format: Format = ""
    quality: PixelQuality = None
    background: Ground = ""


@dataclass(frozen=True, slots=True)
class Marking:
    """With what, where, and how strongly."""

    brand: Annotated[str, Option("--brand", metavar="ID", help="A brand kit.", rich_help_panel=WHAT)] = ""
    text: Annotated[str, Option("--text", metavar="TEXT", help="A text instead.", rich_help_panel=WHAT)] = ""
    color: Annotated[str, Option("--color", metavar="COLOUR", help="Of the text.", rich_help_panel=WHAT)] = ""
    position: Annotated[
        str, Option("--position", metavar="PLACE", help="Such as bottom-right or center.", rich_help_panel=WHAT)
    ] = ""
    opacity: Annotated[str, Option("--opacity", metavar="0.05..1", help="How strongly.", rich_help_panel=WHAT)] = ""
    size: Annotated[str, Option("--size", metavar="PERCENT", help="Of the picture's width.", rich_help_panel=WHAT)] = ""
    margin: Annotated[str, Option("--margin", metavar="PERCENT", help="Of the shorter side.", rich_help_panel=WHAT)] = (
        ""
    )
    angle: Annotated[int | None, Option("--angle", metavar="DEGREES", help="Turned by.", rich_help_panel=WHAT)] = None
    format: Format = ""


@command(app)
async def social(
    image: Image,
    posting: PicturePosting,
    asking: Asking,
    session: CommandSession,
    guides: Annotated[
        bool, Option("--guides", help="Also copies that show what is laid over them.", rich_help_panel=WHAT)
    ] = False,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Bring a picture to the sizes of many platforms at once."""
    options = {**asked_of(session, asking, posting), "guides": guides}
    return await as_finished(session, "social", [image], options, out, estimate=estimate)


@command(app)
async def compress(
    images: Images,
    compressing: Compressing,
    asking: Asking,
    session: CommandSession,
    baseline: Baseline = False,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Make pictures smaller in bytes: by a preset, a quality, or to a number of bytes."""
    options = {**asked_of(session, asking, compressing), "progressive": not baseline}
    return await as_finished(session, "compress", images, options, out, estimate=estimate)


@command(app)
async def convert(
    images: Images,
    converting: Converting,
    asking: Asking,
    session: CommandSession,
    lossless: Annotated[bool, Option("--lossless", help="A WebP that loses nothing.", rich_help_panel=WHAT)] = False,
    baseline: Baseline = False,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Write pictures in another format or colour space; without --to in the one that is advised."""
    options = {**asked_of(session, asking, converting), "lossless": lossless, "progressive": not baseline}
    return await as_finished(session, "convert", images, options, out, estimate=estimate)


@command(app)
async def resize(
    images: Images,
    resizing: Resizing,
    asking: Asking,
    session: CommandSession,
    enlarge: Annotated[bool, Option("--enlarge", help="Also where pixels are invented.", rich_help_panel=WHAT)] = False,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Bring pictures to another number of pixels, or to the size of a print."""
    options = {**asked_of(session, asking, resizing), "enlarge": enlarge}
    return await as_finished(session, "resize", images, options, out, estimate=estimate)


@command(app)
async def watermark(
    images: Images,
    marking: Marking,
    asking: Asking,
    session: CommandSession,
    logo: Annotated[
        str | None, Option("--logo", metavar="FILE", help="A picture, best a transparent one.", rich_help_panel=WHAT)
    ] = None,
    tiled: Annotated[bool, Option("--tiled", help="All over the picture.", rich_help_panel=WHAT)] = False,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Mark pictures as somebody's: by a brand kit, a logo or a text."""
    options = {**asked_of(session, asking, marking), "tiled": tiled}
    if logo is not None:
        options["logo"] = file_of(logo)
    return await as_finished(session, "watermark", images, options, out, estimate=estimate)


@command(app)
async def formats(
    session: CommandSession,
    platform: Annotated[str, Argument(metavar="[PLATFORM]", help="Only those of one, such as instagram.")] = "",
) -> Report:
    """List the formats of platforms, for 'social': pixels, bytes, safe part, and where it was read."""
    from application.studios.platforms import among_formats
    from application.studios.social import SocialFormat
    from infrastructure.studios import load_presets

    found = among_formats(load_presets(session.settings().presets).of(SocialFormat), platform)
    return Report({"formats": document(list(found))}, lambda page: _show_formats(page, found))


def _show_formats(page: Page, found: Sequence[SocialFormat]) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title(counted(len(found), "format"))
    page.table(
        PageColumn("FORMAT", [one.id for one in found]),
        PageColumn("PIXELS", [one.size for one in found], right=True),
        PageColumn("AT MOST", [size(one.max_bytes) for one in found], right=True),
        PageColumn("TYPES", [", ".join(one.types) for one in found], drop=2),
        PageColumn("COVERED", [" ".join(map(str, one.safe)) if any(one.safe) else "" for one in found], drop=1),
        PageColumn("READ", [f"{one.checked} {one.source}" for one in found], wrap=40, drop=3),
    )
