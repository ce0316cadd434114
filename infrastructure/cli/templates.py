"""Templates: pictures for platforms and purposes, listed, searched, shown, and advised for a use."""

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

    from application.studios.templates import Template, Templates
    from infrastructure.cli.rendering import Page

app = typer.Typer()

Platform = Annotated[str | None, Option("--platform", metavar="NAME", help="Only for this platform.")]
Purpose = Annotated[str | None, Option("--purpose", metavar="NAME", help="Only for this purpose.")]


@command(app, "list")
async def all_of_them(session: CommandSession, platform: Platform = None, purpose: Purpose = None) -> Report:
    """List templates by id."""
    return _listed(_templates(session).search("", platform, purpose))


@command(app)
async def search(
    text: Annotated[str, Argument(metavar="TEXT", help="Words of its name, platform, purpose or uses.")],
    session: CommandSession,
    platform: Platform = None,
    purpose: Purpose = None,
) -> Report:
    """Find the templates that have every word of a text."""
    return _listed(_templates(session).search(text, platform, purpose))


@command(app)
async def show(id: Annotated[str, Argument(metavar="ID", help="A template's id.")], session: CommandSession) -> Report:
    """Show all about one template."""
    one = _templates(session).get(id)
    return Report(document(one), lambda page: _show_one(page, one))


@command(app)
async def recommend(
    use: Annotated[str, Argument(metavar="USE", help="What the picture is for, such as 'launch of a shoe'.")],
    session: CommandSession,
    platform: Platform = None,
) -> Report:
    """Name the templates that fit a use, the best first, and say why."""
    from infrastructure.cli.rendering import PageColumn

    fits = _templates(session).recommend(use, platform)

    def show(page: Page) -> None:
        page.title("Nothing fits; list them all with: imagestudio templates list" if not fits else fits[0].template.id)
        page.table(
            PageColumn("TEMPLATE", [fit.template.id for fit in fits]),
            PageColumn("WHY", [fit.reason for fit in fits], wrap=48),
        )

    return Report({"templates": document(fits)}, show)


def _templates(session: CommandSession) -> Templates[Template]:
    from application.studios.templates import Template, Templates
    from infrastructure.studios import load_presets

    return Templates(load_presets(session.settings().presets), Template)


def _listed(templates: Sequence[Template]) -> Report:
    return Report({"templates": document(list(templates))}, lambda page: _show_all(page, templates))


def _show_all(page: Page, templates: Sequence[Template]) -> None:
    from infrastructure.cli.rendering import PageColumn

    page.title(counted(len(templates), "template"))
    page.table(
        PageColumn("TEMPLATE", [one.id for one in templates]),
        PageColumn("DRAWN", [one.aspect for one in templates], right=True),
        PageColumn("PUBLISHED", [one.finish for one in templates], right=True),
        PageColumn("PURPOSE", [one.purpose for one in templates], drop=2),
        PageColumn("FOR", [", ".join(one.uses) for one in templates], wrap=40, drop=1),
    )


def _show_one(page: Page, one: Template) -> None:
    page.title(one.id)
    page.pairs(
        [
            ("name", one.name),
            ("for", f"{one.platform}, {one.purpose}: {', '.join(one.uses)}"),
            ("drawn", f"{one.aspect}, at least {one.finish} where the model can"),
            ("published", f"{one.finish}, {round(100 * one.kept)} % of what is drawn"),
            ("quality", one.quality),
            ("style", one.style or "none"),
            ("prompt", one.prompt),
            ("without", one.negative or "nothing"),
        ]
    )
