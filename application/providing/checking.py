"""Which providers there are, what each lacks here, and whether those that could be used answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from application.ports import Provider, ProviderError, Recovery
from application.providing.answers import check_answer, check_offers
from application.providing.listings import ListsOffers
from application.providing.mistakes import MistakesOf, ProviderMistaken
from application.providing.offers import Reach, reach
from domain.catalogue import Catalogue, Model

NOTHING: Mapping[str, str] = MappingProxyType({})
ANSWERS, FAILED, NOT_SET_UP = "answers", "failed", "not set up"


@dataclass(frozen=True, slots=True)
class ProviderStanding:
    """A provider here: its models by what they lack, the empty text if that is nothing; or what its own mistake was
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
        """Everything that is missing, each with how many models it keeps from use; empty if nothing is."""
        if self.off:
            return self.off
        missing = sorted((what, count) for what, count in self.models.items() if what)
        if len(missing) == 1 and not self.is_set_up:
            return missing[0][0]
        return "; ".join(f"{what} (for {count:,} model{'' if count == 1 else 's'})" for what, count in missing)


@dataclass(frozen=True, slots=True)
class Checked:
    """How a provider took the check: answers, failed or not set up; in its own words, or what it lacks."""

    name: str
    state: str
    words: str
    reach: Reach | None = None


def standings(
    catalogue: Catalogue, providers: Mapping[str, Provider], off: Mapping[str, str] = NOTHING
) -> list[ProviderStanding]:
    """Every provider with its models; if the catalogue has none of it, whether it could be used at all.

    `off` are those that are switched off, each with how to switch it on.
    """
    return [
        replace(
            _standing(name, provider, [model for model in catalogue if model.provider == name]), off=off.get(name, "")
        )
        for name, provider in sorted(providers.items())
    ]


def _standing(name: str, provider: Provider, models: Sequence[Model]) -> ProviderStanding:
    try:
        with MistakesOf(name):
            lacks = Counter(provider.lacks(model.route) for model in models) or {provider.lacks(""): 0}
    except ProviderMistaken as mistake:
        return ProviderStanding(name, provider.recovery, {mistake.message: len(models)}, is_broken=True)
    return ProviderStanding(name, provider.recovery, lacks)


async def checked(
    providers: Mapping[str, Provider],
    asked: Sequence[ProviderStanding],
    seconds: float,
    models: Sequence[Model],
    now: int,
) -> list[Checked]:
    """Check all of them at the same time, each within so many seconds; one that fails keeps no other from answering.

    Of `models` it is told which a key can reach, where its provider can list them.
    """
    return await asyncio.gather(*[_check(providers[one.name], one, seconds, models, now) for one in asked])


async def _check(
    provider: Provider, standing: ProviderStanding, seconds: float, models: Sequence[Model], now: int
) -> Checked:
    if not standing.is_set_up:
        return Checked(standing.name, FAILED if standing.is_broken else NOT_SET_UP, standing.lacks)
    try:
        async with asyncio.timeout(seconds):
            with MistakesOf(standing.name):
                words = await provider.check()
                check_answer(words, str)
                reached = await _reach(provider, [model for model in models if model.provider == standing.name], now)
    except ProviderError as error:
        return Checked(standing.name, FAILED, f"{error.message} ({error.code})")
    except TimeoutError:
        return Checked(standing.name, FAILED, f"no answer within {seconds:g} s")
    words = "; ".join(filter(None, (words, reached.words() if reached is not None else "")))
    return Checked(standing.name, ANSWERS, words, reached)


async def _reach(provider: Provider, models: Sequence[Model], now: int) -> Reach | None:
    """The reach of the key, if there is a list; a list that is not given is not a failure of the check."""
    if not models or not isinstance(provider, ListsOffers):
        return None
    try:
        offers = await provider.offers({model.route for model in models if model.route})
    except ProviderError:
        return None
    check_offers(offers)
    return reach(models, offers, now)
