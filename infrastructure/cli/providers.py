"""Providers: which there are, what each lacks here, and whether those that could be used answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.counts import counted
from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import OTHER

if TYPE_CHECKING:
    from application.providing.checking import Checked, ProviderStanding
    from domain.catalogue import Catalogue
    from infrastructure.cli.rendering import Page

app = typer.Typer()


@command(app, "list")
async def list_providers(session: CommandSession) -> Report:
    """List providers, what becomes of lost answers, and what is missing here."""
    from application.providing.checking import standings
    from infrastructure.showing.standings import standing_document

    async with session.providers() as providers:
        found = standings(_catalogue(session), providers, off_here(session, providers))
    return Report({"providers": [standing_document(one) for one in found]}, lambda page: _show_standings(page, found))


@command(app)
async def check(
    session: CommandSession,
    names: Annotated[
        list[str] | None, Argument(metavar="NAME", help="These alone; otherwise all that are set up.")
    ] = None,
    seconds: Annotated[
        float, Option("--seconds", min=0.1, metavar="COUNT", help="How long each may take to answer.")
    ] = 20,
) -> Report:
    """Ask providers whether key and address work; it costs nothing.

    Ends with 1 where one fails. One that is not set up counts as a failure only if it is named.
    """
    from application.providing.checking import FAILED, NOT_SET_UP, checked, standings
    from infrastructure.clock import now
    from infrastructure.showing.standings import checked_document

    async with session.providers() as providers:
        asked = _asked(standings(_catalogue(session), providers, off_here(session, providers)), names)
        with session.progress("check"):
            found = await checked(providers, asked, seconds, list(_catalogue(session)), now())
    bad = {FAILED, NOT_SET_UP} if names else {FAILED}
    code = OTHER if any(one.state in bad for one in found) else 0
    return Report(
        {"providers": [checked_document(one) for one in found]}, lambda page: _show_checked(page, found), code
    )


def off_here(session: CommandSession, providers: Iterable[str]) -> Mapping[str, str]:
    """Those of the providers that the settings switch off, each with how to switch it on. Raises InvalidInput."""
    from infrastructure import registry

    return registry.switched_off(session.settings(), providers)


def _asked(found: Sequence[ProviderStanding], names: Sequence[str] | None) -> list[ProviderStanding]:
    """Those that are named, each once; all where none is. Raises InvalidInput for one that there is not."""
    from infrastructure.plugins import more_models

    known = {one.name: one for one in found}
    for name in names or ():
        if name not in known:
            hint = (f"there are: {', '.join(known)}", *more_models())
            raise InvalidInput("NAME", f"there is no provider {name!r}", hint=hint)
    return [known[name] for name in dict.fromkeys(names or known)]


def _catalogue(session: CommandSession) -> Catalogue:
    from infrastructure.catalogue import load_catalogue

    return load_catalogue(session.settings().catalogues)[0]


def _show_standings(page: Page, found: Sequence[ProviderStanding]) -> None:
    from infrastructure.cli.rendering import PageColumn
    from infrastructure.showing.standings import LOST_ANSWERS, here

    page.title(counted(len(found), "provider"))
    page.table(
        PageColumn("PROVIDER", [one.name for one in found]),
        PageColumn("MODELS", [f"{sum(one.models.values()):,}" for one in found], right=True),
        PageColumn("A LOST ANSWER IS", [LOST_ANSWERS[one.recovery] for one in found]),
        PageColumn("HERE", [here(one) for one in found], wrap=22),
    )


def _show_checked(page: Page, found: Sequence[Checked]) -> None:
    from application.providing.checking import ANSWERS, FAILED, NOT_SET_UP
    from infrastructure.cli.rendering import PageColumn, state_style

    counts = Counter(one.state for one in found)
    told = f"{counts[ANSWERS]} of {counted(counts[ANSWERS] + counts[FAILED], 'provider')} answered"
    page.title(told + (f"; {counts[NOT_SET_UP]} not set up" if counts[NOT_SET_UP] else ""))
    page.table(
        PageColumn("PROVIDER", [one.name for one in found]),
        PageColumn("STATE", [one.state for one in found], style=state_style),
        PageColumn("", [one.words for one in found], wrap=30),
    )
