"""The catalogue held against the world: what each provider lists otherwise than the entries say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from infrastructure.cli.commands import Report, command
from infrastructure.cli.session import CommandSession
from infrastructure.showing.codes import OTHER
from infrastructure.showing.formats import counted

if TYPE_CHECKING:
    from application.ports import Provider
    from application.providing.listings import Offers
    from application.providing.offers import Mismatch
    from domain.catalogue import Catalogue
    from domain.pricing import PriceBook
    from infrastructure.catalogue.overlay import Check
    from infrastructure.cli.rendering import Page

app = typer.Typer()

SAME, DIFFERS, SILENT, UNABLE, NOT_SET_UP = "same", "differs", "does not answer", "cannot list", "not set up"
NO_ANSWER = 4


@dataclass(frozen=True, slots=True)
class ListCheck:
    """How one provider's list compares: same, differs, does not answer, cannot list or not set up; `words` say more."""

    name: str
    state: str
    words: str = ""
    differences: Sequence[Mismatch] = ()
    notes: Sequence[str] = ()
    check: Check | None = None

    def document(self) -> dict[str, object]:
        found = [
            {"finding": str(one.finding), "route": one.route, "model": one.model or None, "what": one.what}
            for one in self.differences
        ]
        return {
            "provider": self.name,
            "state": self.state,
            "detail": self.words,
            "differences": found,
            "notes": list(self.notes),
        }


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
            world = World(catalogue, price_book, paths, known, now())
            held = await asyncio.gather(*[world.held(name, providers[name], seconds) for name in asked])
    written = _write(overlay, held) if overlay is not None else None
    document = {"providers": [one.document() for one in held], "overlay": str(written) if written else None}
    return Report(document, lambda page: _show(page, held, written), _code(held, named=which is not None))


@dataclass(frozen=True, slots=True)
class World:
    """The catalogue that the lists are held against."""

    catalogue: Catalogue
    price_book: PriceBook
    overlays: Sequence[Path]
    known: Mapping[str, frozenset[str]]
    at: int

    async def held(self, name: str, provider: Provider, seconds: float) -> ListCheck:
        """One provider's list, compared; whatever goes wrong there is its state, and keeps no other from answering."""
        from application.ports import ProviderError
        from application.providing.answers import check_offers
        from application.providing.listings import ListsOffers
        from application.providing.mistakes import MistakesOf
        from infrastructure.catalogue.overlay import Check

        models = [model for model in self.catalogue if model.provider == name]
        if not isinstance(provider, ListsOffers):
            return ListCheck(
                name, UNABLE, "it has no list of what it offers, so that nothing is known of what changed there"
            )
        try:
            with MistakesOf(name):
                if models and (lacks := provider.lacks(models[0].route)):
                    return ListCheck(name, NOT_SET_UP, lacks)
                async with asyncio.timeout(seconds):
                    offers: Offers = await provider.offers({model.route for model in models if model.route})
                check_offers(offers)
                check = Check(
                    name,
                    self.catalogue,
                    self.price_book,
                    self.overlays,
                    self.known.get(name, frozenset()),
                    offers,
                    self.at,
                )
                found = await asyncio.to_thread(check.found)
        except ProviderError as error:
            return ListCheck(name, SILENT, f"{error.message} ({error.code})")
        except TimeoutError:
            return ListCheck(name, SILENT, f"no answer within {seconds:g} s")
        if models and not (offers.models or offers.gone):
            return ListCheck(name, SILENT, "it lists no model at all, which says nothing about any", notes=offers.notes)
        words = f"{counted(len(offers.models), 'model')} listed"
        return ListCheck(name, DIFFERS if found else SAME, words, found, offers.notes, check)


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
    bad = {SILENT, *((UNABLE, NOT_SET_UP) if named else ())}
    if any(one.state in bad for one in held):
        return NO_ANSWER
    return OTHER if any(one.state == DIFFERS for one in held) else 0


def _write(path: Path, held: Sequence[ListCheck]) -> Path | None:
    """Raises OSError, and InvalidInput where it came into being meanwhile."""
    from infrastructure.catalogue.overlay import overlay_of

    checks = [one.check for one in held if one.check is not None and one.differences]
    if not checks:
        return None
    text = overlay_of(checks[0])
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise InvalidInput("--overlay", f"{path} is there already", hint="name a new file") from error
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
