"""Providers: which there are, what each lacks here, and whether those that could be used answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.errors import InvalidInput
from infrastructure.cli.commands import Answer, command
from infrastructure.cli.session import Session
from infrastructure.showing.codes import OTHER
from infrastructure.showing.formats import counted

if TYPE_CHECKING:
    from application.ports import Provider, Recovery
    from application.providing.offers import Reach
    from domain.catalogue import Catalogue, Model
    from infrastructure.cli.rendering import Page

app = typer.Typer()

NOTHING: Mapping[str, str] = MappingProxyType({})
ANSWERS, FAILED, NOT_SET_UP = "answers", "failed", "not set up"
LOST_ANSWERS = {
    "repeatable": "run again, it is free",
    "findable": "looked up there",
    "blind": "released after a grace",
}
"""What becomes of a submission whose answer was lost, by what its provider allows."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A provider here: its models by what they lack, the empty text where that is nothing; or what its own mistake was
    where it could not even say that. `off` says that it is switched off, and how to switch it on."""

    name: str
    recovery: Recovery
    models: Mapping[str, int]
    is_broken: bool = False
    off: str = ""

    @property
    def is_set_up(self) -> bool:
        """Whether anything can be asked of it."""
        return "" in self.models and not self.off

    @property
    def lacks(self) -> str:
        """Everything that is missing, each with how many models it keeps from use; empty where nothing is."""
        if self.off:
            return self.off
        missing = sorted((what, count) for what, count in self.models.items() if what)
        if len(missing) == 1 and not self.is_set_up:
            return missing[0][0]
        return "; ".join(f"{what} (for {counted(count, 'model')})" for what, count in missing)

    def document(self) -> dict[str, object]:
        missing = {self.off: sum(self.models.values())} if self.off else self.models
        lacks = [{"what": what, "models": count} for what, count in sorted(missing.items()) if what]
        return {
            "name": self.name,
            "enabled": not self.off,
            "models": sum(self.models.values()),
            "ready": 0 if self.off else self.models.get("", 0),
            "recovery": self.recovery.value,
            "lacks": lacks,
        }


@dataclass(frozen=True, slots=True)
class Checked:
    """How a provider took the check: answers, failed or not set up; in its own words, or what it lacks."""

    name: str
    state: str
    words: str
    reach: Reach | None = None

    def document(self) -> dict[str, object]:
        from infrastructure.showing.formats import iso

        written: dict[str, object] = {"name": self.name, "state": self.state, "detail": self.words}
        if self.reach is not None:
            ends = {id: iso(end)[:10] for id, end in self.reach.ends.items()}
            written |= {"offered": list(self.reach.offered), "missing": list(self.reach.missing), "retires": ends}
        return written


@command(app, "list")
async def list_providers(session: Session) -> Answer:
    """List providers, what becomes of lost answers, and what is missing here."""
    async with session.providers() as providers:
        found = standings(_catalogue(session), providers, switched_off(session, providers))
    return Answer({"providers": [one.document() for one in found]}, lambda page: _show_standings(page, found))


@command(app)
async def check(
    session: Session,
    names: Annotated[
        list[str] | None, Argument(metavar="NAME", help="These alone; otherwise all that are set up.")
    ] = None,
    seconds: Annotated[
        float, Option("--seconds", min=0.1, metavar="COUNT", help="How long each may take to answer.")
    ] = 20,
) -> Answer:
    """Ask providers whether key and address work; it costs nothing.

    Ends with 1 where one fails. What is not set up counts as a failure only where it is named.
    """
    async with session.providers() as providers:
        asked = _asked(standings(_catalogue(session), providers, switched_off(session, providers)), names)
        with session.progress("check"):
            found = await checked(providers, asked, seconds, list(_catalogue(session)))
    bad = {FAILED, NOT_SET_UP} if names else {FAILED}
    code = OTHER if any(one.state in bad for one in found) else 0
    return Answer({"providers": [one.document() for one in found]}, lambda page: _show_checked(page, found), code)


def standings(
    catalogue: Catalogue, providers: Mapping[str, Provider], off: Mapping[str, str] = NOTHING
) -> list[Standing]:
    """Every provider with its models; where the catalogue has none of it, whether it could be used at all.

    `off` are those that are switched off, each with how to switch it on.
    """
    return [
        replace(
            _standing(name, provider, [model for model in catalogue if model.provider == name]), off=off.get(name, "")
        )
        for name, provider in sorted(providers.items())
    ]


def _standing(name: str, provider: Provider, models: Sequence[Model]) -> Standing:
    from application.providing.mistakes import MistakesOf, ProviderMistaken

    try:
        with MistakesOf(name):
            lacks = Counter(provider.lacks(model.route) for model in models) or {provider.lacks(""): 0}
    except ProviderMistaken as mistake:
        return Standing(name, provider.recovery, {mistake.message: len(models)}, is_broken=True)
    return Standing(name, provider.recovery, lacks)


def switched_off(session: Session, providers: Iterable[str]) -> Mapping[str, str]:
    """Those of the providers that the settings switch off, each with how to switch it on. Raises InvalidInput."""
    from infrastructure import registry

    return registry.switched_off(session.settings(), providers)


def lacks_of(
    models: Iterable[Model], providers: Mapping[str, Provider], off: Mapping[str, str] = NOTHING
) -> dict[str, str]:
    """What the provider of each model lacks here and how to mend it, by the model's id; empty where nothing is."""
    from application.asking.choosing import lacking

    return {model.id: lacking(model, providers, off) for model in models}


async def checked(
    providers: Mapping[str, Provider], asked: Sequence[Standing], seconds: float, models: Sequence[Model] = ()
) -> list[Checked]:
    """Check all of them at the same time, each within so many seconds; one that fails keeps no other from answering.

    Of `models` it is told which a key can reach, where its provider can list them.
    """
    return await asyncio.gather(*[_check(providers[one.name], one, seconds, models) for one in asked])


async def _check(provider: Provider, standing: Standing, seconds: float, models: Sequence[Model]) -> Checked:
    from application.ports import ProviderError
    from application.providing.answers import check_kind
    from application.providing.mistakes import MistakesOf

    if not standing.is_set_up:
        return Checked(standing.name, FAILED if standing.is_broken else NOT_SET_UP, standing.lacks)
    try:
        async with asyncio.timeout(seconds):
            with MistakesOf(standing.name):
                words = await provider.check()
                check_kind(words, str)
                reached = await _reach(provider, [model for model in models if model.provider == standing.name])
    except ProviderError as error:
        return Checked(standing.name, FAILED, f"{error.message} ({error.code})")
    except TimeoutError:
        return Checked(standing.name, FAILED, f"no answer within {seconds:g} s")
    words = "; ".join(filter(None, (words, reached.words() if reached is not None else "")))
    return Checked(standing.name, ANSWERS, words, reached)


async def _reach(provider: Provider, models: Sequence[Model]) -> Reach | None:
    """What the key can reach, where there is a list; one that is not given is no failure of the check."""
    from application.ports import ProviderError
    from application.providing.answers import check_offers
    from application.providing.listings import Listing
    from application.providing.offers import reach
    from infrastructure.clock import now

    if not models or not isinstance(provider, Listing):
        return None
    try:
        offers = await provider.offers({model.route for model in models if model.route})
    except ProviderError:
        return None
    check_offers(offers)
    return reach(models, offers, now())


def _asked(found: Sequence[Standing], names: Sequence[str] | None) -> list[Standing]:
    """Those that are named, each once; all where none is. Raises InvalidInput for one that there is not."""
    from infrastructure.plugins import more_models

    known = {one.name: one for one in found}
    for name in names or ():
        if name not in known:
            hint = (f"there are: {', '.join(known)}", *more_models())
            raise InvalidInput("NAME", f"there is no provider {name!r}", hint=hint)
    return [known[name] for name in dict.fromkeys(names or known)]


def _catalogue(session: Session) -> Catalogue:
    from infrastructure.catalogue import load_catalogue

    return load_catalogue(session.settings().catalogues)[0]


def _show_standings(page: Page, found: Sequence[Standing]) -> None:
    from infrastructure.cli.rendering import Column

    page.title(counted(len(found), "provider"))
    page.table(
        Column("PROVIDER", [one.name for one in found]),
        Column("MODELS", [f"{sum(one.models.values()):,}" for one in found], right=True),
        Column("A LOST ANSWER IS", [LOST_ANSWERS[one.recovery] for one in found]),
        Column("HERE", [_here(one) for one in found], wrap=22),
    )


def _here(one: Standing) -> str:
    return "; ".join(part for part in ("ready" if one.is_set_up else "", one.lacks) if part)


def _show_checked(page: Page, found: Sequence[Checked]) -> None:
    from infrastructure.cli.rendering import Column, state_style

    counts = Counter(one.state for one in found)
    told = f"{counts[ANSWERS]} of {counted(counts[ANSWERS] + counts[FAILED], 'provider')} answered"
    page.title(told + (f"; {counts[NOT_SET_UP]} not set up" if counts[NOT_SET_UP] else ""))
    page.table(
        Column("PROVIDER", [one.name for one in found]),
        Column("STATE", [one.state for one in found], style=state_style),
        Column("", [one.words for one in found], wrap=30),
    )
