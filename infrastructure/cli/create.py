"""Create: pictures from words, by a template, in a style, at a quality."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer
from typer import Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import WHAT, Asking
from infrastructure.cli.run import Out, Prompt
from infrastructure.cli.serving import ask, options_said, serve
from infrastructure.cli.session import CommandSession

app = typer.Typer()


@dataclass(frozen=True, slots=True)
class Creating:
    """How the picture is to be."""

    template: Annotated[
        str,
        Option("--template", "-t", metavar="ID", help="As 'imagestudio templates list' has it.", rich_help_panel=WHAT),
    ] = ""
    style: Annotated[
        str, Option("--style", metavar="ID", help="A look, such as photographic or anime.", rich_help_panel=WHAT)
    ] = ""
    quality: Annotated[
        str,
        Option("--quality", "-q", metavar="ID", help="draft, standard or premium.", rich_help_panel=WHAT),
    ] = ""
    negative: Annotated[
        str, Option("--negative", metavar="TEXT", help="What is not to be seen.", rich_help_panel=WHAT)
    ] = ""
    aspect: Annotated[str, Option("--aspect", metavar="W:H", help="The shape, such as 4:5.", rich_help_panel=WHAT)] = ""
    size: Annotated[str, Option("--size", metavar="WxH", help="Exactly so many pixels.", rich_help_panel=WHAT)] = ""
    seed: Annotated[
        int | None, Option("--seed", metavar="NUMBER", help="The same seed, the same picture.", rich_help_panel=WHAT)
    ] = None
    enhance: Annotated[
        str,
        Option(
            "--enhance",
            metavar="HOW",
            help="Better words: by rule, or by a model, which is charged.",
            rich_help_panel=WHAT,
        ),
    ] = ""


@command(app)
async def create(
    prompt: Prompt,
    creating: Creating,
    asking: Asking,
    session: CommandSession,
    out: Out = None,
    estimate: Annotated[bool, Option("--estimate", help="Say what it would cost, and why there; do nothing.")] = False,
) -> Report:
    """Make pictures from words, by a template, in a style, at a quality."""
    options = {"account": session.account(asking.account), **asking.options(), **options_said(creating)}
    if estimate:
        return await ask(session, lambda services: services.create.estimate(prompt, **options))
    return await serve(
        session, "create", lambda services, progress: services.create(prompt, progress=progress, **options), out
    )
