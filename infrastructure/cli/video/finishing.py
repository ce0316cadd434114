"""Films finished on this machine: in other formats, smaller, and as platforms take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.finished import as_finished
from infrastructure.cli.finishing import Focus, Ground
from infrastructure.cli.options import WHAT, Asking
from infrastructure.cli.run import Out
from infrastructure.cli.serving import Aspect, Estimate, asked_of
from infrastructure.cli.session import CommandSession
from infrastructure.cli.video.editing import CUT, Cut, Films, Speed
from infrastructure.showing.formats import document, size

if TYPE_CHECKING:
    from application.studios.video.social import VideoFormat
    from infrastructure.cli.rendering import Page

app = typer.Typer()

OneFilm = Annotated[str, Argument(metavar="FILM", help="A film file, or its http or https address.")]
Fit = Annotated[str, Option("--fit", metavar="HOW", help="crop, center, pad or blur.", rich_help_panel=WHAT)]
FilmQuality = Annotated[
    str, Option("--quality", "-q", metavar="HOW", help="high, medium or low.", rich_help_panel=WHAT)
]
Codec = Annotated[str, Option("--codec", metavar="NAME", help="h264, hevc, vp9 or av1.", rich_help_panel=WHAT)]


@dataclass(frozen=True, slots=True)
class Recoding(Cut):
    """Into what."""

    format: Annotated[
        str,
        Option("--to", "-t", metavar="FORMAT", help="mp4, mov, webm, gif, webp or avif.", rich_help_panel=WHAT),
    ] = ""
    codec: Codec = ""
    aspect: Aspect = ""
    fit: Fit = ""
    focus: Focus = ""
    background: Ground = ""
    resolution: Annotated[str, Option("--resolution", metavar="LINES", help="Such as 720p.", rich_help_panel=WHAT)] = ""
    fps: Annotated[
        int | None, Option("--fps", metavar="FRAMES", help="At most so many a second.", rich_help_panel=WHAT)
    ] = None
    speed: Speed = ""
    quality: FilmQuality = ""


@dataclass(frozen=True, slots=True)
class FilmSqueeze:
    """How small."""

    preset: Annotated[
        str, Option("--preset", metavar="ID", help="web, email, chat, archive or preview.", rich_help_panel=WHAT)
    ] = ""
    quality: FilmQuality = ""
    target_mb: Annotated[
        str, Option("--target-mb", metavar="MB", help="At most so many million bytes.", rich_help_panel=WHAT)
    ] = ""
    resolution: Annotated[
        str, Option("--resolution", metavar="LINES", help="At most, such as 720p.", rich_help_panel=WHAT)
    ] = ""
    codec: Codec = ""
    format: Annotated[str, Option("--format", metavar="FORMAT", help="mp4, mov or webm.", rich_help_panel=WHAT)] = ""


@dataclass(frozen=True, slots=True)
class FilmPosting:
    """The places where it is posted, and how it is fitted."""

    platforms: Annotated[
        list[str] | None,
        Option("--to", "-t", metavar="ID", help="A format, or a whole platform; any number.", rich_help_panel=WHAT),
    ] = None
    fit: Fit = ""
    focus: Focus = ""
    background: Ground = ""
    trim: Annotated[
        str,
        Option("--trim", metavar="WHERE", help="Of what is too long: beginning, middle, end.", rich_help_panel=CUT),
    ] = ""
    at: Annotated[
        str, Option("--at", metavar="SECOND", help="Of its thumbnail; else the best.", rich_help_panel=WHAT)
    ] = ""


@command(app)
async def convert(
    films: Films,
    recoding: Recoding,
    asking: Asking,
    session: CommandSession,
    enlarge: Annotated[bool, Option("--enlarge", help="Also where pixels are invented.", rich_help_panel=WHAT)] = False,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Write films in another container, codec, shape or size, or as pictures that move."""
    options = {**asked_of(session, asking, recoding), **({"enlarge": True} if enlarge else {})}
    return await as_finished(session, "video.convert", films, options, out, estimate=estimate)


@command(app)
async def compress(
    films: Films,
    film_squeeze: FilmSqueeze,
    asking: Asking,
    session: CommandSession,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Make films smaller in bytes: by a preset, a quality, or to a number of bytes."""
    options = asked_of(session, asking, film_squeeze)
    return await as_finished(session, "video.compress", films, options, out, estimate=estimate)


@command(app)
async def social(
    film: OneFilm,
    film_posting: FilmPosting,
    asking: Asking,
    session: CommandSession,
    guides: Annotated[
        bool, Option("--guides", help="Also thumbnails that show what is laid over them.", rich_help_panel=WHAT)
    ] = False,
    no_thumbnails: Annotated[bool, Option("--no-thumbnails", help="The films alone.", rich_help_panel=WHAT)] = False,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Bring a film to many platforms at once, each with its thumbnail."""
    options = {**asked_of(session, asking, film_posting), "guides": guides, "thumbnails": not no_thumbnails}
    return await as_finished(session, "video.social", [film], options, out, estimate=estimate)


@command(app)
async def formats(
    session: CommandSession,
    platform: Annotated[str, Argument(metavar="[PLATFORM]", help="Only those of one, such as tiktok.")] = "",
) -> Report:
    """List the formats of platforms for films: pixels, seconds, bytes, and where it was read."""
    from application.studios.platforms import among_formats
    from application.studios.video.social import VideoFormat
    from infrastructure.studios import load_presets

    found = among_formats(load_presets(session.settings().presets).of(VideoFormat), platform)
    return Report({"formats": document(list(found))}, lambda page: _show_formats(page, found))


def _show_formats(page: Page, found: Sequence[VideoFormat]) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title(counted(len(found), "format"))
    page.table(
        PageColumn("FORMAT", [one.id for one in found]),
        PageColumn("PIXELS", [one.size for one in found], right=True),
        PageColumn("SECONDS", [str(one.max_seconds or "") for one in found], right=True),
        PageColumn("AT MOST", [size(one.max_bytes) for one in found], right=True),
        PageColumn("FRAMES/S", [str(one.fps or "") for one in found], right=True, drop=3),
        PageColumn("COVERED", [" ".join(map(str, one.safe)) if any(one.safe) else "" for one in found], drop=1),
        PageColumn("READ", [f"{one.checked} {one.source}" for one in found], wrap=40, drop=2),
    )
