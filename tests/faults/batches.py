"""What a child does that is to be killed: a long batch, in small steps."""

from __future__ import annotations

from pathlib import Path

from application.studios.batch import Batched
from application.studios.recipes import Item, Order, Recipe, Step
from domain.money import Money
from infrastructure.service import Studio
from tests.application.studios import LONG_AFTER, PRICE, SYNC, later, studio_on

ITEMS = 1_000
BUDGET = Money(ITEMS * PRICE, "USD")


def thousand() -> Order:
    """A thousand items for a budget that holds them exactly."""
    recipe = Recipe(id="create", name="Create", steps=(Step(service="create", options={"model": SYNC}),))
    items = [Item(f"fox {number}") for number in range(ITEMS)]
    return Order(items=items, recipe=recipe, name="foxes", account="acme", budget=BUDGET, side_by_side=16, retry=True)


async def carry(url: str, home: Path) -> None:
    """Go on with the batch until the end, or until somebody puts an end to it."""
    async with studio_on(url, home) as studio:
        await finished(studio)


async def finished(studio: Studio) -> Batched:
    return await studio.services.batch.run(thousand())


async def recovered(url: str, home: Path, deaths: int) -> None:
    """Settle what the dead left open; each time later than the log, which the time before was settled later, too."""
    async with studio_on(url, home, clock=later(LONG_AFTER * deaths)) as studio:
        await studio.upkeep.recover()
