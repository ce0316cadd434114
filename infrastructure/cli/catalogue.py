"""The catalogue held against the world: what each provider lists otherwise than the entries say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import write_new
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import OTHER
from infrastructure.showing.listings import list_check_document

if TYPE_CHECKING:
    from application.ports import Provider
    from infrastructure.catalogue.held import ListCheck
    from infrastructure.cli.rendering import Page

app = typer.Typer()

NO_ANSWER = 4


@command(app)
async def check(
    session: CommandSession,
    which: Annotated[
        str | None, Argument(metavar="[PROVIDER]", help="This one alone; otherwise all that are set up.")
    ] = None,
    overlay: Annotated[
        Path | None,
        Option("--overlay", metavar="FILE", help="Write what differs as an overlay, to be reviewed; needs PROVIDER."),
    ] = None,
    seconds: Annotated[
        float, Option("--seconds", min=0.1, metavar="COUNT", help="How long each may take to answer.")
    ] = 120,
) -> Report:
    """Hold entries against the provider's own live lists; it costs nothing.

    New and gone models, changed inputs and prices, days of retirement. Ends with 1 where anything differs, and with 4
    where a provider does not answer. One that cannot list says so: that is not the same as no difference.
    """
    from infrastructure.catalogue import known_routes, load_catalogue
    from infrastructure.catalogue.held import ListedEntries
    from infrastructure.clock import now

    if overlay is not None and which is None:
        raise InvalidInput("--overlay", "is about one provider", hint="name it: imagestudio catalogue check PROVIDER")
    if overlay is not None and overlay.exists():
        raise InvalidInput("--overlay", f"{overlay} is there already", hint="name a new file")
    paths = session.settings().catalogues
    catalogue, price_book = load_catalogue(paths)
    known = known_routes(paths)
    async with session.providers() as providers:
        asked = _asked(providers, which)
        with session.progress("catalogue check"):
            entries = ListedEntries(catalogue, price_book, paths, known, now())
            held = await asyncio.gather(*[entries.held(name, providers[name], seconds) for name in asked])
    written = _write(overlay, held) if overlay is not None else None
    document = {"providers": [list_check_document(one) for one in held], "overlay": str(written) if written else None}
    return Report(document, lambda page: _show(page, held, written), _code(held, named=which is not None))


def _asked(providers: Mapping[str, Provider], which: str | None) -> list[str]:
    """The one that is named; otherwise all. Raises InvalidInput for one that there is not."""
    from infrastructure.plugins import more_models

    if which is None:
        return sorted(providers)
    if which not in providers:
        hint = (f"there are: {', '.join(sorted(providers))}", *more_models())
        raise InvalidInput("PROVIDER", f"there is no provider {which!r}", hint=hint)
    return [which]


def _code(held: Sequence[ListCheck], *, named: bool) -> int:
    from infrastructure.catalogue.held import DIFFERS, NOT_SET_UP, SILENT, UNABLE

    bad = {SILENT, *((UNABLE, NOT_SET_UP) if named else ())}
    if any(one.state in bad for one in held):
        return NO_ANSWER
    return OTHER if any(one.state == DIFFERS for one in held) else 0


def _write(path: Path, held: Sequence[ListCheck]) -> Path | None:
    """Raises as `write_new`."""
    from infrastructure.catalogue.overlay import overlay_of

    checks = [one.check for one in held if one.check is not None and one.differences]
    if not checks:
        return None
    write_new(path, overlay_of(checks[0]), "--overlay")
    return path


def _show(page: Page, held: Sequence[ListCheck], written: Path | None) -> None:
    from infrastructure.cli.rendering import PageColumn, state_style

    page.table(
        PageColumn("PROVIDER", [one.name for one in held]),
        PageColumn("STATE", [one.state for one in held], style=state_style),
        PageColumn("DIFFERENCES", [str(len(one.differences)) if one.check else "" for one in held], right=True),
        PageColumn("", [one.words for one in held], wrap=30),
    )
    for one in held:
        _show_one(page, one)
    if written is not None:
        page.line()
        page.line(f"  written: {written}", "cyan")
        page.line(f"  to use it, once it is reviewed: IMAGESTUDIO_CATALOGUES={written}", "dim")


def _show_one(page: Page, held: ListCheck) -> None:
    from infrastructure.cli.rendering import PageColumn

    if held.differences:
        page.line()
        page.title(held.name)
        page.table(
            PageColumn("FINDING", [str(one.finding) for one in held.differences]),
            PageColumn("MODEL", [one.model or one.route for one in held.differences]),
            PageColumn("", [one.what for one in held.differences], wrap=30),
        )
    for note in held.notes:
        page.prose(f"{held.name}: {note}", "dim", indent=2)
