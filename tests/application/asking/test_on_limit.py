"""Through the one entry: a request that would pass a limit of money is done by the model that the account named."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from application.asking.requests import Request
from domain.errors import InvalidInput, KeyReused, OperationRefused, UnknownModel
from domain.operation import Substituted
from infrastructure.service import Studio
from tests.application.studios import LOCAL, PRICE, SYNC, count, facts_of, is_sound, studio_on

TOLD = f"{SYNC} was asked, at 0.04 USD; {LOCAL} does it, since the account's spend limit a day leaves 0.039999 USD"


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.allow("acme", "stand-in")
        await studio.accounts.change_limit("acme", "spend", PRICE - 1, window="day")
        await studio.accounts.on_limit("acme", LOCAL, reason="a campaign")
        yield studio


async def test_it_is_done_charged_and_told(studio: Studio) -> None:
    request = Request("text-to-image", "acme", {"prompt": "a lake"}, model=SYNC)
    estimate = await studio.operations.estimate(request)
    assert (estimate.model, estimate.refused, estimate.notes) == (LOCAL, None, (TOLD,))

    result = await studio.operations.run(request)
    assert (result.model, result.status, result.notes) == (LOCAL, "charged", (TOLD,))
    assert len(result.assets) == 1
    assert result.price.micros == 10_000
    again = await studio.operations.wait(result.operation, account="acme")
    assert again.notes == result.notes
    assert count(facts_of(studio), Substituted) == 1
    assert await is_sound(studio)


async def test_a_request_may_rather_be_refused(studio: Studio) -> None:
    with pytest.raises(OperationRefused):
        await studio.operations.generate("a lake", account="acme", model=SYNC, on_limit="refuse")
    with pytest.raises(InvalidInput, match="on_limit: 'max' is not 'refuse'"):
        await studio.operations.generate("a lake", account="acme", model=SYNC, on_limit="max")
    await studio.accounts.on_limit("acme")
    with pytest.raises(OperationRefused):
        await studio.operations.generate("a lake", account="acme", model=SYNC)
    assert count(facts_of(studio), Substituted) == 0


async def test_a_repeat_under_its_key_is_answered_by_what_was_done(studio: Studio) -> None:
    first = await studio.operations.generate("a lake", account="acme", model=SYNC, key="k1")
    again = await studio.operations.generate("a lake", account="acme", model=SYNC, key="k1")
    assert (again.operation, again.repeated, again.notes) == (first.operation, True, first.notes)
    with pytest.raises(KeyReused):
        await studio.operations.generate("a lake", account="acme", model=SYNC, key="k1", on_limit="refuse")


async def test_a_model_that_does_not_take_the_inputs_does_not_do_it(studio: Studio) -> None:
    with pytest.raises(OperationRefused):
        await studio.operations.generate("a lake", account="acme", model=SYNC, outcome="fail-billed")


async def test_only_a_model_of_the_catalogue_is_named(studio: Studio) -> None:
    with pytest.raises(UnknownModel):
        await studio.accounts.on_limit("acme", "nonsense")
