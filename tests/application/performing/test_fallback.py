"""After a definite refusal, and only then, the next model is asked instead: one hold at a time, within the limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from application.asking.requests import Request, Result
from application.ports import Delivery, Job, Progress, ProviderRefused, Recovery, Task
from domain.errors import OperationFailed, OperationPending, UnknownModel
from domain.operation import Charged, Dispatched, Released, Rerouted, Validated
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.service import Studio
from tests.application.studios import (
    LONG_AFTER,
    count,
    facts_of,
    is_sound,
    later,
    studio_on,
    submissions,
    timeline,
)

KIND = "reference-to-image"
MODEL = """
[[model]]
id = "{id}"
provider = "{provider}"
route = "image"
kinds = ["reference-to-image"]
outputs = ["image/png"]
per_call = {per_call}
unit = "image"
prices = [{{ rate = "{rate}" }}]
inputs.prompt = {{ type = "text", required = true }}
fixed = {{ outcome = "{outcome}" }}
"""
ONE_CENT, TWO_CENTS, FIVE_CENTS = 10_000, 20_000, 50_000


def models(folder: Path, *entries: tuple[str, str, str], provider: str = "scripted", per_call: int = 1) -> Path:
    """Models of (id, rate, outcome)."""
    file = folder / "models.toml"
    texts = [
        MODEL.format(id=id, rate=rate, outcome=outcome, provider=provider, per_call=per_call)
        for id, rate, outcome in entries
    ]
    file.write_text('currency = "USD"\n' + "".join(texts))
    return file


async def cheapest(studio: Studio, n: int = 1) -> Result:
    """At any price, so that dearer models may follow."""
    return await studio.operations.run(
        Request(KIND, "acme", {"prompt": "a lake"}, model="cheapest", n=n, max_price="1.00")
    )


async def test_a_refused_operation_is_rerouted_to_the_next_model_and_charged_its_price(
    database_url: str, tmp_path: Path
) -> None:
    overlay = models(tmp_path, ("penny", "0.01", "refuse"), ("tuppence", "0.02", "done"), ("fiver", "0.05", "done"))
    async with studio_on(database_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await cheapest(studio)
        assert (result.model, result.price.micros, result.status) == ("tuppence", TWO_CENTS, "charged")
        facts = timeline(studio, result.operation)
        held, dispatched, moved, again = facts[1:5]
        assert isinstance(held, Validated)
        assert isinstance(moved, Rerouted)
        assert (held.quote.price, moved.quote.price, moved.code) == (ONE_CENT, TWO_CENTS, "refused")
        assert isinstance(dispatched, Dispatched)
        assert isinstance(again, Dispatched)
        assert (dispatched.attempt, again.attempt) == (1, 2)
        view = await studio.accounts.show("acme")
        assert (view.used["spend"], view.held["spend"]) == (TWO_CENTS, 0)
        assert len(submissions(tmp_path)) == 1
        assert await is_sound(studio)


async def test_when_all_refuse_the_operation_is_released(sqlite_url: str, tmp_path: Path) -> None:
    overlay = models(tmp_path, *((f"no-{n}", f"0.0{n}", "refuse") for n in (1, 2, 3)))
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationFailed):
            await cheapest(studio)
        facts = facts_of(studio)
        assert (count(facts, Rerouted), count(facts, Released), count(facts, Charged)) == (2, 1, 0)
        assert (await studio.accounts.show("acme")).held["spend"] == 0


@pytest.mark.parametrize("outcome", ["fail", "timeout", "lost"])
async def test_what_may_have_been_accepted_is_never_sent_elsewhere(
    sqlite_url: str, tmp_path: Path, outcome: str
) -> None:
    overlay = models(tmp_path, ("penny", "0.01", outcome), ("tuppence", "0.02", "done"))
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises((OperationFailed, OperationPending)):
            await cheapest(studio)
        assert count(facts_of(studio), Rerouted) == 0
        assert len(submissions(tmp_path)) == (outcome != "lost")


async def test_a_model_that_was_named_is_the_only_one_asked(sqlite_url: str, tmp_path: Path) -> None:
    overlay = models(tmp_path, ("penny", "0.01", "refuse"), ("tuppence", "0.02", "done"))
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationFailed):
            await studio.operations.run(Request(KIND, "acme", {"prompt": "a lake"}, model="penny"))
        assert count(facts_of(studio), Rerouted) == 0


async def test_a_dearer_model_is_not_asked_where_the_limit_has_no_room_for_it(sqlite_url: str, tmp_path: Path) -> None:
    overlay = models(tmp_path, ("penny", "0.01", "refuse"), ("fiver", "0.05", "done"))
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.change_limit("acme", "spend", FIVE_CENTS - 1)
        with pytest.raises(OperationFailed):
            await cheapest(studio)
        facts = facts_of(studio)
        assert (count(facts, Rerouted), count(facts, Released)) == (0, 1)
        assert submissions(tmp_path) == ()


async def test_each_operation_of_a_batch_falls_back_by_itself(sqlite_url: str, tmp_path: Path) -> None:
    overlay = models(tmp_path, ("penny", "0.01", "refuse"), ("tuppence", "0.02", "done"))
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await cheapest(studio, n=3)
        assert (result.price.micros, len(result.assets), len(submissions(tmp_path))) == (3 * TWO_CENTS, 3, 3)
        assert await is_sound(studio)


class Censor(ScriptedProvider):
    """Refuses what is not allowed, anywhere."""

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        raise ProviderRefused("content_moderation", "this is not allowed", final=True)


async def test_what_is_not_allowed_is_not_hawked_around(sqlite_url: str, tmp_path: Path) -> None:
    overlay = models(tmp_path, ("penny", "0.01", "done"), ("tuppence", "0.02", "done"))
    providers = {"scripted": Censor(tmp_path / "scripted")}
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,), providers=providers) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationFailed, match="not allowed"):
            await cheapest(studio)
        assert count(facts_of(studio), Rerouted) == 0


async def test_what_was_rerouted_and_lost_is_recovered_as_the_model_it_went_to(
    database_url: str, tmp_path: Path
) -> None:
    overlay = models(tmp_path, ("penny", "0.01", "refuse"), ("tuppence", "0.02", "timeout"))
    async with studio_on(database_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending) as left:
            await cheapest(studio)
    async with studio_on(database_url, tmp_path, catalogues=(overlay,), clock=later(LONG_AFTER)) as studio:
        assert [one.phase for one in await studio.upkeep.recover()] == ["charged"]
        result = await studio.operations.wait(left.value.operation, account="acme")
        assert (result.model, result.price.micros) == ("tuppence", TWO_CENTS)
        assert [(one.model, one.attempt) for one in submissions(tmp_path)] == [("tuppence", 2)]
        assert await is_sound(studio)


class Keyless(ScriptedProvider):
    """Cannot be used here."""

    def lacks(self, route: str) -> str:
        return "there is no key: set SCRIPTED_KEY"


async def test_models_whose_provider_lacks_something_are_not_chosen_and_say_why_when_named(
    sqlite_url: str, tmp_path: Path
) -> None:
    overlay = models(tmp_path, ("penny", "0.01", "done"), provider="keyless")
    providers = {"keyless": Keyless(tmp_path / "keyless", name="keyless", recovery=Recovery.BLIND)}
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,), providers=providers) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(UnknownModel, match="here") as refused:
            await cheapest(studio)
        assert "set SCRIPTED_KEY" in refused.value.hint
        with pytest.raises(UnknownModel) as named:
            await studio.operations.run(Request(KIND, "acme", {"prompt": "a lake"}, model="penny"))
        assert "set SCRIPTED_KEY" in named.value.hint
