"""Where a provider says beforehand what it will bill, that is the quote; what the price book says stays visible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from application.providing.quotes import LIFETIME
from domain.errors import OperationRefused
from domain.operation import Charged, Validated
from infrastructure.clock import SECOND
from infrastructure.service import Studio
from tests.amounts import micros
from tests.application.studios import is_sound, timeline
from tests.faults.worlds import LAKE, POND, ROUTES, World, ask
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import serving

QUOTED = 37_000


@pytest.fixture
def world(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """A provider that quotes other prices than our book has."""
    with serving(tmp_path / "fake") as fake:
        fake.price(ROUTES["pond"], "0.037")
        yield World(fake, sqlite_url, tmp_path)


async def prices(studio: Studio, model: str = "pond", **changes: Any) -> tuple[int, int, int | None]:
    """Price, cost and listed price of an estimate, in micro-units."""
    found = await studio.operations.estimate(ask(model, **changes))
    return micros(found.price), micros(found.cost), found.listed.micros if found.listed else None


async def opened(studio: Studio) -> None:
    await studio.accounts.open("acme", plan="pro")


async def test_an_estimate_shows_what_the_provider_quotes_beside_what_the_book_says(world: World) -> None:
    async with world.studio(provider_quotes=True) as studio:
        await opened(studio)
        assert await prices(studio) == (QUOTED, QUOTED, POND)
        assert await prices(studio, n=3) == (3 * QUOTED, 3 * QUOTED, 3 * POND)
    assert world.fake.submissions() == []


async def test_nobody_is_asked_where_that_is_not_wanted(world: World) -> None:
    async with world.studio() as studio:
        await opened(studio)
        assert await prices(studio) == (POND, POND, None)


async def test_the_hold_and_the_charge_are_what_was_quoted(database_url: str, world: World) -> None:
    """A limit between the two prices lets it pass, and nothing is left to reconcile."""
    world.url = database_url
    async with world.studio(provider_quotes=True) as studio:
        await opened(studio)
        await studio.accounts.change_limit("acme", "spend", (QUOTED + POND) // 2)
        result = await studio.operations.run(ask())
        facts = timeline(studio, result.operation)
        [held] = [fact.quote for fact in facts if isinstance(fact, Validated)]
        [posted] = [fact for fact in facts if isinstance(fact, Charged)]
        assert (held.price, held.listed) == (QUOTED, POND)
        assert (posted.price, posted.cost) == (QUOTED, QUOTED)
        [line] = await studio.providers.reconcile(
            "wavespeed", world.clock() - 60 * SECOND, world.clock(), correct=False
        )
        assert line.status == "matched"
        assert await is_sound(studio)


@pytest.mark.parametrize("trouble", [Behaviour(status=503), Behaviour(status=401), Behaviour(lost="drop")])
async def test_where_the_provider_does_not_quote_the_book_decides(world: World, trouble: Behaviour) -> None:
    world.fake.next("wavespeed.price", trouble, times=None)
    async with world.studio(provider_quotes=True) as studio:
        await opened(studio)
        assert await prices(studio) == (POND, POND, None)
        assert (await studio.operations.run(ask())).price.micros == POND


async def test_the_same_task_is_asked_for_once_in_a_while(world: World) -> None:
    async with world.studio(provider_quotes=True) as studio:
        await opened(studio)
        before = await prices(studio)
        world.fake.price(ROUTES["pond"], "0.041")
        assert await prices(studio) == before
        assert await prices(studio, size="96x64") == (41_000, 41_000, POND)
        world.advance(LIFETIME // SECOND + 1)
        assert await prices(studio) == (41_000, 41_000, POND)


async def test_a_provider_that_did_not_quote_is_not_asked_again_at_once(world: World) -> None:
    """Whoever asks must not wait for it each time."""
    world.fake.next("wavespeed.price", Behaviour(status=503), times=None)
    async with world.studio(provider_quotes=True) as studio:
        await opened(studio)
        assert await prices(studio) == (POND, POND, None)
        world.fake.heal()
        assert await prices(studio) == (POND, POND, None)
        world.advance(LIFETIME // SECOND + 1)
        assert await prices(studio) == (QUOTED, QUOTED, POND)


async def test_a_model_without_a_price_has_one_once_its_provider_quotes_it(world: World) -> None:
    async with world.studio() as studio:
        await opened(studio)
        with pytest.raises(OperationRefused, match="the price of bog is not known"):
            await studio.operations.run(ask("bog"))
    world.fake.price(ROUTES["bog"], "0.07")
    async with world.studio(provider_quotes=True) as studio:
        assert await prices(studio, "bog") == (70_000, 70_000, None)
        assert (await studio.operations.run(ask("bog"))).price.micros == 70_000
    assert len(world.fake.submissions()) == 1


async def test_a_price_of_our_own_stands_and_only_our_cost_follows(world: World) -> None:
    catalogue = world.catalogue(lake='{ rate = "0.06", cost = "0.05" }')
    world.fake.price(ROUTES["lake"], "0.055")
    async with world.studio(provider_quotes=True, catalogue=catalogue) as studio:
        await opened(studio)
        assert await prices(studio, "lake") == (LAKE, 55_000, LAKE)
        result = await studio.operations.run(ask("lake"))
        assert (result.price.micros, micros(result.cost)) == (LAKE, 55_000)


async def test_a_quote_beyond_the_limit_is_refused_although_the_listed_price_is_within(world: World) -> None:
    world.fake.price(ROUTES["pond"], "0.09")
    async with world.studio(provider_quotes=True) as studio:
        await opened(studio)
        await studio.accounts.change_limit("acme", "spend", POND)
        assert (await studio.operations.estimate(ask())).refused == "limit"
        with pytest.raises(OperationRefused, match=r"0\.09 USD asked"):
            await studio.operations.run(ask())
    assert world.fake.submissions() == []
