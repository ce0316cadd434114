"""Questions about other prices: drafts of catalogue files and of plans, as texts, over those in force.

await studio.repricing.run(*drafts.book(text), since, until)
await studio.simulations.run(drafts.what_if(Draft(plan="studio")), since, until)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from application.keeping.simulating import WhatIf
from domain.catalogue import Catalogue, Strategy
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.plans import plan as find_plan
from domain.pricing import PriceBook
from infrastructure.catalogue import load_catalogue, with_overlay
from infrastructure.settings import Settings
from infrastructure.tariffs import load_sales

NO_TARIFF: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Terms that are otherwise: a plan and a tariff by name, a strategy, texts of files in TOML; None is as it is."""

    plan: str | None = None
    tariff: str | None = None
    plans: str | None = None
    book: str | None = None
    routing: str | None = None


@dataclass(frozen=True, slots=True)
class Drafts:
    """The files in force, over which drafts are laid."""

    catalogues: Sequence[Path] = ()
    plans: Sequence[Path] = ()

    def book(self, text: str) -> tuple[Catalogue, PriceBook]:
        """Models and prices with a draft over them. Raises CatalogueError."""
        return with_overlay(self.catalogues, text, "book")

    def what_if(self, draft: Draft) -> WhatIf:
        """The question. Raises CatalogueError, UnknownPlan, InvalidInput for a tariff or strategy that there is not."""
        if draft.routing is not None and draft.routing not in list(Strategy):
            told = f"{shortened(draft.routing)} is no strategy"
            raise InvalidInput("routing", told, hint=f"one of: {', '.join(Strategy)}")
        catalogue, book = load_catalogue(self.catalogues) if draft.book is None else self.book(draft.book)
        own = () if draft.plans is None else (("plans", draft.plans),)
        plans, selling = load_sales(self.plans, book, more=own)
        named = "" if draft.tariff == NO_TARIFF else draft.tariff
        if named and (selling is None or named not in selling.tariffs):
            told = ", ".join([] if selling is None else selling.tariffs) or "none"
            raise InvalidInput("tariff", f"there is no tariff {shortened(named)}", hint=f"there are: {told}")
        again = draft.book is not None or draft.routing is not None
        return WhatIf(
            catalogue=catalogue if again else None,
            book=book if again else None,
            selling=selling,
            plan=None if draft.plan is None else find_plan(draft.plan, plans),
            tariff=named,
            routing=draft.routing,
        )


def drafts_of(settings: Settings) -> Drafts:
    """Over the files of the settings."""
    return Drafts(settings.catalogues, settings.plans)
