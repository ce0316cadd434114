"""Films edited on this machine: any number of edits, in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer import Argument, Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.finished import as_finished
from infrastructure.cli.options import WHAT, Asking
from infrastructure.cli.run import Out
from infrastructure.cli.serving import Estimate, asked_of
from infrastructure.cli.session import CommandSession

app = typer.Typer()

CUT, WRITING, SOUND = "Cut", "Written on it", "Heard"

Films = Annotated[
    list[str], Argument(metavar="FILM...", help="Film files, or their http or https addresses, one or many.")
]
Trim = Annotated[
    str,
    Option("--trim", metavar="WHERE", help="Keep the beginning, middle or end of --seconds.", rich_help_panel=CUT),
]
MaxSeconds = Annotated[str, Option("--seconds", "-s", metavar="NUMBER", help="At most so long.", rich_help_panel=CUT)]
Start = Annotated[str, Option("--start", metavar="SECOND", help="From this second on.", rich_help_panel=CUT)]
End = Annotated[str, Option("--end", metavar="SECOND", help="To this second.", rich_help_panel=CUT)]
Speed = Annotated[str, Option("--speed", metavar="0.25..4", help="Times as fast.", rich_help_panel=WHAT)]


@dataclass(frozen=True, slots=True)
class Cut:
    """The part that is kept."""

    trim: Trim = ""
    max_seconds: MaxSeconds = ""
    start: Start = ""
    end: End = ""


@dataclass(frozen=True, slots=True)
class FilmEdit:
    """The picture and the sound."""

    speed: Speed = ""
    stabilize: Annotated[
        int | None,
        Option("--stabilize", metavar="1..100", help="Hold the camera so steady.", rich_help_panel=WHAT),
    ] = None
    denoise: Annotated[
        str, Option("--denoise", metavar="HOW", help="light, medium or strong.", rich_help_panel=WHAT)
    ] = ""
    denoise_of: Annotated[
        str, Option("--denoise-of", metavar="WHAT", help="both, picture or sound.", rich_help_panel=WHAT)
    ] = ""
    volume: Annotated[
        str, Option("--volume", metavar="0..10", help="Times as loud; 0 is silence.", rich_help_panel=SOUND)
    ] = ""
    loudness: Annotated[
        str, Option("--loudness", metavar="LUFS", help="Even it to this loudness, such as -16.", rich_help_panel=SOUND)
    ] = ""


@dataclass(frozen=True, slots=True)
class Writing:
    """The looks of a text."""

    text_position: Annotated[
        str,
        Option("--position", metavar="PLACE", help="Such as bottom-right or center.", rich_help_panel=WRITING),
    ] = ""
    text_pixels: Annotated[
        int | None, Option("--pixels", metavar="PIXELS", help="Height of its letters.", rich_help_panel=WRITING)
    ] = None
    text_size: Annotated[
        int | None,
        Option("--size", metavar="PERCENT", help="The same, of the film's height.", rich_help_panel=WRITING),
    ] = None
    text_font: Annotated[
        str, Option("--font", metavar="NAME", help="regular, bold, italic, light …", rich_help_panel=WRITING)
    ] = ""
    text_color: Annotated[
        str, Option("--color", metavar="COLOUR", help="Such as white or #ffcc00.", rich_help_panel=WRITING)
    ] = ""
    text_background: Annotated[
        str, Option("--background", metavar="COLOUR", help="Behind it, such as black@0.5.", rich_help_panel=WRITING)
    ] = ""
    text_start: Annotated[
        str, Option("--text-start", metavar="SECOND", help="Of what is written.", rich_help_panel=WRITING)
    ] = ""
    text_end: Annotated[
        str, Option("--text-end", metavar="SECOND", help="Of what is written.", rich_help_panel=WRITING)
    ] = ""


@command(app)
async def edit(
    films: Films,
    cut: Cut,
    film_edit: FilmEdit,
    writing: Writing,
    asking: Asking,
    session: CommandSession,
    text: Annotated[
        list[str] | None,
        Option("--text", metavar="TEXT", help="Write it; several are lines.", rich_help_panel=WRITING),
    ] = None,
    normalize: Annotated[
        bool, Option("--normalize", help="Even the loudness to -14 LUFS.", rich_help_panel=SOUND)
    ] = False,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Cut, steady, speed, write on, clean and even films: any number of edits in one pass."""
    words: dict[str, Any] = {"text": "\n".join(text)} if text else {}
    groups = [asked_of(session, asking, group) for group in (cut, film_edit, writing)]
    options = {**groups[0], **groups[1], **groups[2], **words, "normalize": normalize}
    return await as_finished(session, "video.edit", films, options, out, estimate=estimate)
