"""Films from words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer import Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import WHAT, Asking
from infrastructure.cli.run import Out, Prompt
from infrastructure.cli.serving import (
    Aspect,
    Enhance,
    Estimate,
    Negative,
    Quality,
    Seed,
    Style,
    ask,
    asked_of,
    serve,
)
from infrastructure.cli.session import CommandSession

app = typer.Typer()

Resolution = Annotated[
    str, Option("--resolution", metavar="LINES", help="At least so many, such as 720p.", rich_help_panel=WHAT)
]
Seconds = Annotated[str, Option("--seconds", "-s", metavar="NUMBER", help="At least so long.", rich_help_panel=WHAT)]


@dataclass(frozen=True, slots=True)
class Filming:
    """How the film is to be."""

    template: Annotated[
        str, Option("--template", "-t", metavar="ID", help="For a platform and a purpose.", rich_help_panel=WHAT)
    ] = ""
    seconds: Seconds = ""
    aspect: Aspect = ""
    resolution: Resolution = ""
    quality: Quality = ""
    style: Style = ""
    negative: Negative = ""
    seed: Seed = None
    enhance: Enhance = ""


@command(app)
async def create(
    prompt: Prompt,
    filming: Filming,
    asking: Asking,
    session: CommandSession,
    sound: Annotated[
        bool, Option("--sound", help="With sound; otherwise without where a model can.", rich_help_panel=WHAT)
    ] = False,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Make a film from words, as long as is asked, in a shape, with sound or without."""
    options = {**asked_of(session, asking, filming), "sound": sound}
    if estimate:
        return await ask(session, lambda services: services.video.create.estimate(prompt, **options))
    return await serve(
        session,
        "video create",
        lambda services, progress: services.video.create(prompt, progress=progress, **options),
        out,
    )
