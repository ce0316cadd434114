"""Films changed by models: longer, larger, with other faces, languages, backgrounds, sounds and looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer import Argument, Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import WHAT, Asking
from infrastructure.cli.run import Out
from infrastructure.cli.serving import Estimate, Negative, Quality, Seed
from infrastructure.cli.session import CommandSession
from infrastructure.cli.video.filming import Film, OwnSound, Resolution, Seconds, Sound, Words, film_command, told

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class FilmChange:
    """How well."""

    quality: Quality = ""
    resolution: Resolution = ""
    negative: Negative = ""
    seed: Seed = None


@dataclass(frozen=True, slots=True)
class FilmMore(FilmChange):
    """How it goes on."""

    seconds: Seconds = ""
    sound: Sound = False
    audio: OwnSound = None


@dataclass(frozen=True, slots=True)
class FilmGrowth:
    """How large."""

    target: Annotated[
        str, Option("--target", "-t", metavar="LINES", help="Such as 720p, 1080p or 4k.", rich_help_panel=WHAT)
    ] = ""
    factor: Annotated[
        str, Option("--factor", metavar="NUMBER", help="Times the lines that there are.", rich_help_panel=WHAT)
    ] = ""
    quality: Quality = ""


@dataclass(frozen=True, slots=True)
class FilmFaces:
    """Whose face is replaced."""

    index: Annotated[
        int | None, Option("--index", metavar="NUMBER", help="Which face, counted from 0.", rich_help_panel=WHAT)
    ] = None
    gender: Annotated[str, Option("--gender", metavar="WHOSE", help="all, female or male.", rich_help_panel=WHAT)] = ""
    prompt: Annotated[
        str,
        Option("--prompt", metavar="TEXT", help="What is seen, for models that want to know.", rich_help_panel=WHAT),
    ] = ""
    quality: Quality = ""
    resolution: Resolution = ""
    seed: Seed = None


@dataclass(frozen=True, slots=True)
class FilmGround:
    """The new background; otherwise none."""

    picture: Annotated[
        str | None, Option("--picture", metavar="FILE", help="Another background.", rich_help_panel=WHAT)
    ] = None
    quality: Quality = ""


@command(app)
async def extend(
    film: Film,
    prompt: Annotated[str, Argument(metavar="PROMPT", help="How it goes on, in words.")],
    more: FilmMore,
    asking: Asking,
    session: CommandSession,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Let a film go on, as words say, for so many seconds more."""
    options = told(session, asking, more, prompt=prompt)
    return await film_command(session, "extend", (film,), options, out, estimate=estimate)


@command(app)
async def enhance(
    film: Film,
    growth: FilmGrowth,
    asking: Asking,
    session: CommandSession,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Give a film more lines: to a target, or by a factor; otherwise 1080."""
    return await film_command(session, "enhance", (film,), told(session, asking, growth), out, estimate=estimate)


@command(app)
async def faces(
    film: Film,
    faces: Annotated[list[str], Argument(metavar="FACE...", help="Pictures of the faces that are put in.")],
    whose: FilmFaces,
    asking: Asking,
    session: CommandSession,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Put a face into a film, or several, one after the other."""
    return await film_command(session, "faces", (film, *faces), told(session, asking, whose), out, estimate=estimate)


@command(app)
async def translate(
    film: Film,
    language: Annotated[str, Argument(metavar="LANGUAGE", help="As 'imagestudio video languages' has it.")],
    asking: Asking,
    session: CommandSession,
    quality: Quality = "",
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Let the people in a film speak another language, lips included."""
    options = told(session, asking, FilmGrowth(quality=quality), to=language)
    return await film_command(session, "translate", (film,), options, out, estimate=estimate)


@command(app)
async def background(
    film: Film,
    ground: FilmGround,
    asking: Asking,
    session: CommandSession,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Take a film's background away, or put a picture in its place."""
    return await film_command(session, "background", (film,), told(session, asking, ground), out, estimate=estimate)


@command(app)
async def sound(
    film: Film,
    change: FilmChange,
    asking: Asking,
    session: CommandSession,
    prompt: Words = "",
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Add the sounds that a film should have, or those that words say."""
    options = told(session, asking, change, prompt=prompt)
    return await film_command(session, "sound", (film,), options, out, estimate=estimate)


@command(app)
async def style(
    film: Film,
    change: FilmChange,
    asking: Asking,
    session: CommandSession,
    prompt: Words = "",
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Give a film another look."""
    options = told(session, asking, change, prompt=prompt)
    return await film_command(session, "style", (film,), options, out, estimate=estimate)


@command(app)
async def outpaint(
    film: Film,
    change: FilmChange,
    asking: Asking,
    session: CommandSession,
    prompt: Words = "",
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Invent what surrounds a film."""
    options = told(session, asking, change, prompt=prompt)
    return await film_command(session, "outpaint", (film,), options, out, estimate=estimate)


@command(app)
async def rework(
    film: Film,
    prompt: Annotated[str, Argument(metavar="PROMPT", help="What is changed, in words.")],
    change: FilmChange,
    asking: Asking,
    session: CommandSession,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Change a film as words say, in whichever way."""
    options = told(session, asking, change, prompt=prompt)
    return await film_command(session, "rework", (film,), options, out, estimate=estimate)
