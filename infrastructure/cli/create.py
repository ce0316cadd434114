"""Create: pictures from words, by a template, in a style, at a quality."""

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


@dataclass(frozen=True, slots=True)
class Creating:
    """How the picture is to be."""

    template: Annotated[
        str,
        Option("--template", "-t", metavar="ID", help="As 'imagestudio templates list' has it.", rich_help_panel=WHAT),
    ] = ""
    style: Style = ""
    quality: Quality = ""
    negative: Negative = ""
    aspect: Aspect = ""
    size: Annotated[str, Option("--size", metavar="WxH", help="Exactly so many pixels.", rich_help_panel=WHAT)] = ""
    seed: Seed = None
    enhance: Enhance = ""


@command(app)
async def create(
    prompt: Prompt,
    creating: Creating,
    asking: Asking,
    session: CommandSession,
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Make pictures from words, by a template, in a style, at a quality."""
    options = asked_of(session, asking, creating)
    if estimate:
        return await ask(session, lambda services: services.create.estimate(prompt, **options))
    return await serve(
        session, "create", lambda services, progress: services.create(prompt, progress=progress, **options), out
    )
