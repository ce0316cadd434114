"""The catalogue held against the lists of providers: one provider's list, and how it compares."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from application.ports import Provider, ProviderError
from application.providing.answers import check_offers
from application.providing.listings import ListsOffers, Offers
from application.providing.mistakes import MistakesOf
from application.providing.offers import Mismatch
from domain.catalogue import Catalogue
from domain.counts import counted
from domain.pricing import PriceBook
from infrastructure.catalogue.overlay import Check

SAME: Final = "same"
DIFFERS: Final = "differs"
SILENT: Final = "does not answer"
UNABLE: Final = "cannot list"
NOT_SET_UP: Final = "not set up"


@dataclass(frozen=True, slots=True)
class ListCheck:
    """How one provider's list compares: same, differs, does not answer, cannot list or not set up; `words` say more."""

    name: str
    state: str
    words: str = ""
    differences: Sequence[Mismatch] = ()
    notes: Sequence[str] = ()
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class ListedEntries:
    """The catalogue's entries, held against what providers list at an instant."""

    catalogue: Catalogue
    price_book: PriceBook
    overlays: Sequence[Path]
    known: Mapping[str, frozenset[str]]
    at: int

    async def held(self, name: str, provider: Provider, seconds: float) -> ListCheck:
        """One provider's list, compared; whatever goes wrong there is its state, and keeps no other from answering."""
        models = [model for model in self.catalogue if model.provider == name]
        if not isinstance(provider, ListsOffers):
            told = "it has no list of what it offers, so that nothing is known of what changed there"
            return ListCheck(name, UNABLE, told)
        try:
            with MistakesOf(name):
                if models and (lacks := provider.lacks(models[0].route)):
                    return ListCheck(name, NOT_SET_UP, lacks)
                async with asyncio.timeout(seconds):
                    offers: Offers = await provider.offers({model.route for model in models if model.route})
                check_offers(offers)
                return await asyncio.to_thread(self._compared, name, offers, empty=not models)
        except ProviderError as error:
            return ListCheck(name, SILENT, f"{error.message} ({error.code})")
        except TimeoutError:
            return ListCheck(name, SILENT, f"no answer within {seconds:g} s")

    def _compared(self, name: str, offers: Offers, *, empty: bool) -> ListCheck:
        """A list beside the entries; if there are none, it may be `empty` too."""
        if not empty and not (offers.models or offers.gone):
            return ListCheck(name, SILENT, "it lists no model at all, which says nothing about any", notes=offers.notes)
        known = self.known.get(name, frozenset())
        check = Check(name, self.catalogue, self.price_book, self.overlays, known, offers, self.at)
        found = check.found()
        words = f"{counted(len(offers.models), 'model')} listed"
        return ListCheck(name, DIFFERS if found else SAME, words, found, offers.notes, check)
