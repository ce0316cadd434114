"""The options that commands of films share, and how one of them is done or estimated."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from infrastructure.cli.commands import Report
from infrastructure.cli.options import WHAT, Asking, file_of
from infrastructure.cli.serving import ask, asked_of, serve
from infrastructure.cli.session import CommandSession

if TYPE_CHECKING:
    from application.studios.services import Services

FILES = ("last", "audio", "picture")
"""Options that name files."""

Film = Annotated[str, Argument(metavar="VIDEO", help="A video file, or its http or https address.")]
Words = Annotated[str, Argument(metavar="[PROMPT]", help="What you want, in words.")]
Resolution = Annotated[
    str, Option("--resolution", metavar="LINES", help="At least so many, such as 720p.", rich_help_panel=WHAT)
]
Seconds = Annotated[str, Option("--seconds", "-s", metavar="NUMBER", help="At least so long.", rich_help_panel=WHAT)]
Sound = Annotated[
    bool, Option("--sound", help="With sound; otherwise without, where a model can.", rich_help_panel=WHAT)
]
OwnSound = Annotated[
    str | None,
    Option("--audio", metavar="FILE", help="A sound of yours that it is made to.", rich_help_panel=WHAT),
]


async def film_command(
    session: CommandSession,
    name: str,
    files: Sequence[str],
    options: dict[str, Any],
    out: Path | None,
    *,
    estimate: bool,
) -> Report:
    """Ask a service of films what it would cost, or have it do it."""
    subject = [file_of(one) for one in files]

    def asked(of: Services, do: bool, **more: Any) -> Awaitable[Any]:
        service = getattr(of.video, name)
        return (service if do else service.estimate)(*subject, **options, **more)  # type: ignore[no-any-return]

    if estimate:
        return await ask(session, lambda services: asked(services, False))
    return await serve(session, f"video {name}", lambda services, told: asked(services, True, progress=told), out)


def told(session: CommandSession, asking: Asking, own: Any, **more: Any) -> dict[str, Any]:
    """The options of a command as its service takes them, files as files, and `more` beside them."""
    given = asked_of(session, asking, own)
    named = {name: file_of(text) for name, text in asdict(own).items() if name in FILES and text is not None}
    return {**given, **named, **more}
