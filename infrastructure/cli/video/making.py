"""Films made: of words, of pictures, of a picture and a recording."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer import Argument, Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import WHAT, Asking
from infrastructure.cli.run import Image, Out, Prompt
from infrastructure.cli.serving import Aspect, Enhance, Estimate, Negative, Quality, Seed, Style
from infrastructure.cli.session import CommandSession
from infrastructure.cli.video.filming import OwnSound, Resolution, Seconds, Sound, Words, film_command, told

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class FilmShot:
    """How the film is to be."""

    template: Annotated[
        str,
        Option("--template", "-t", metavar="ID", help="As 'imagestudio video templates' has it.", rich_help_panel=WHAT),
    ] = ""
    seconds: Seconds = ""
    aspect: Aspect = ""
    resolution: Resolution = ""
    quality: Quality = ""
    style: Style = ""
    negative: Negative = ""
    seed: Seed = None
    enhance: Enhance = ""
    sound: Sound = False
    audio: OwnSound = None


@dataclass(frozen=True, slots=True)
class FilmMoved(FilmShot):
    """How the picture is to move."""

    last: Annotated[
        str | None, Option("--last", metavar="FILE", help="The picture that it ends with.", rich_help_panel=WHAT)
    ] = None


@dataclass(frozen=True, slots=True)
class FilmSpeech:
    """How it is spoken."""

    quality: Quality = ""
    resolution: Resolution = ""
    seed: Seed = None


@command(app)
async def create(
    prompt: Prompt,
    how: FilmShot,
    asking: Asking,
    session: CommandSession,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Make a film of words: as long as asked, in a shape, with sound or without."""
    options = told(session, asking, how, prompt=prompt)
    return await film_command(session, "create", (), options, out, estimate=estimate)


@command(app)
async def transform(
    image: Image,
    how: FilmMoved,
    asking: Asking,
    session: CommandSession,
    prompt: Words = "",
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Set a picture in motion, up to a last one, with sound, or to a sound of yours."""
    options = told(session, asking, how, prompt=prompt)
    return await film_command(session, "transform", (image,), options, out, estimate=estimate)


@command(app)
async def avatar(
    image: Image,
    speech: Annotated[str, Argument(metavar="SPEECH", help="A recording: a WAV or MP3 file, or its address.")],
    how: FilmSpeech,
    asking: Asking,
    session: CommandSession,
    prompt: Words = "",
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Let the person in a picture speak or sing a recording."""
    options = told(session, asking, how, prompt=prompt)
    return await film_command(session, "avatar", (image, speech), options, out, estimate=estimate)
