"""Templates of films, and the languages that films are translated into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession
from infrastructure.showing.formats import document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from application.studios.video.presets import VideoTemplate
    from infrastructure.cli.rendering import Page

app = typer.Typer()


@command(app)
async def templates(
    session: CommandSession,
    text: Annotated[str, Argument(metavar="[TEXT]", help="Words of its name, platform, purpose or uses.")] = "",
    platform: Annotated[str | None, Option("--platform", metavar="NAME", help="Only for this platform.")] = None,
    purpose: Annotated[str | None, Option("--purpose", metavar="NAME", help="Only for this purpose.")] = None,
) -> Report:
    """List templates of films: those that have every word of a text, or all."""
    from application.studios.templates import Templates
    from application.studios.video.presets import VideoTemplate
    from infrastructure.studios import load_presets

    found = Templates(load_presets(session.settings().presets), VideoTemplate).search(text, platform, purpose)
    return Report({"templates": document(list(found))}, lambda page: _show_templates(page, found))


@command(app)
async def languages(
    session: CommandSession,
    text: Annotated[str, Argument(metavar="[TEXT]", help="Only those that have it, such as 'span'.")] = "",
) -> Report:
    """List the languages that a film can be translated into."""
    from application.studios.video.translate import languages_of
    from infrastructure.catalogue import load_catalogue

    catalogue, _ = load_catalogue(session.settings().catalogues)
    found = languages_of(catalogue, text)
    return Report({"languages": list(found)}, lambda page: _show_languages(page, found))


def _show_templates(page: Page, found: Sequence[VideoTemplate]) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title(counted(len(found), "template"))
    page.table(
        PageColumn("TEMPLATE", [one.id for one in found]),
        PageColumn("SHAPE", [one.aspect for one in found], right=True),
        PageColumn("SECONDS", [str(one.seconds) for one in found], right=True),
        PageColumn("SOUND", ["yes" if one.sound else "" for one in found]),
        PageColumn("PURPOSE", [one.purpose for one in found], drop=1),
        PageColumn("FOR", [", ".join(one.uses) for one in found], wrap=28, drop=2),
    )


def _show_languages(page: Page, found: Sequence[str]) -> None:
    page.title(counted(len(found), "language"))
    for name in found:
        page.line(f"  {name}")
