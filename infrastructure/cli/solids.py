"""Models: made of pictures or of words, shown as they turn, and written for printers."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from infrastructure.cli.commands import Report, command
from infrastructure.cli.options import WHAT, Asking, file_of
from infrastructure.cli.run import Out
from infrastructure.cli.serving import Estimate, Quality, ask, asked_of, serve
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from application.studios.services import Services

app = typer.Typer()
GLB = ".glb"


@dataclass(frozen=True, slots=True)
class Modelling:
    """The thing in words, and how its model is shown."""

    prompt: Annotated[
        str, Option("--prompt", metavar="TEXT", help="What it is, beside pictures or alone.", rich_help_panel=WHAT)
    ] = ""
    sketch: Annotated[bool, Option("--sketch", help="The picture is a drawing of lines.", rich_help_panel=WHAT)] = False
    preview: Annotated[
        str,
        Option(
            "--preview",
            metavar="TYPE",
            help="How it is shown: webp or mp4 turn, png stands still; or none.",
            rich_help_panel=WHAT,
        ),
    ] = ""
    quality: Quality = ""


@command(app, "model-3d")
async def model_3d(
    asking: Asking,
    modelling: Modelling,
    session: CommandSession,
    files: Annotated[
        list[str] | None,
        Argument(metavar="[IMAGE...]", help="Pictures of one thing: front, back, left, right; or one GLB file."),
    ] = None,
    to: Annotated[
        str, Option("--to", metavar="TYPE", help="Write a GLB file as stl or obj.", rich_help_panel=WHAT)
    ] = "",
    out: Out = None,
    estimate: Estimate = False,
) -> Report:
    """Make a 3D model of pictures or words; turn a GLB file before a camera, or print it.

    --to writes a file for a printer.
    """
    images = [file_of(one) for one in files or ()]
    is_file = len(images) == 1 and str(files and files[0]).lower().endswith(GLB)
    options = asked_of(session, asking, modelling)
    if is_file:
        how = options.pop("preview", "webp")
        options |= {"to": to} if to else {"output_format": how}
        for name in ("sketch", "quality"):
            options.pop(name, None)

    def asked(of: Services, do: bool, **more: Any) -> Awaitable[Any]:
        service = of.model_3d
        if not is_file:
            return (service if do else service.estimate)(*images, **options, **more)
        if not do:
            return service.estimate_file(images[0], **options)
        return (service.convert if to else service.preview)(images[0], **options, **more)

    if estimate:
        return await ask(session, lambda services: asked(services, False))
    return await serve(session, "model-3d", lambda services, told: asked(services, True, progress=told), out)
