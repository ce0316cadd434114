"""What waits in the queue falls back as what is performed at once does, by whichever process sends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request, Result
from application.ports import Delivery, Job, Progress, ProviderRefused, Task
from domain.errors import OperationFailed
from domain.operation import Charged, Dispatched, Postponed, Released, Rerouted, Validated
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.service import Studio
from infrastructure.working import working
from tests.application.performing.test_fallback import FIVE_CENTS, KIND, ONE_CENT, TWO_CENTS, models
from tests.application.studios import count, facts_of, is_sound, studio_on, submissions, timeline
from tests.faults.processes import in_processes

PENNY, TUPPENCE, FIVER = ("penny", "0.01", "refuse"), ("tuppence", "0.02", "done"), ("fiver", "0.05", "done")
Meanwhile = Callable[[Studio], Awaitable[object]]


async def drain(url: str, home: Path, overlay: Path) -> None:
    """What a worker does, in a process of its own."""
    async with studio_on(url, home, catalogues=(overlay,)) as studio, working(studio) as worker:
        await worker.until_idle()


async def nothing(_studio: Studio) -> None:
    pass


async def performed_elsewhere(
    studio: Studio, url: str, home: Path, overlay: Path, meanwhile: Meanwhile = nothing, **asked: Any
) -> Result:
    """A request accepted here and performed by another process, `meanwhile` having been done in between."""
    wanted = {"model": "cheapest", "max_price": "1.00", **asked}
    begun = await studio.operations.submit(Request(KIND, "acme", {"prompt": "a lake"}, **wanted), queued=True)
    await meanwhile(studio)
    in_processes(drain, [(url, home, overlay)])
    with suppress(OperationFailed):
        await studio.operations.wait(begun.operation, account="acme")
    return await studio.operations.look(begun.operation, account="acme")


async def test_a_worker_asks_the_next_model_after_a_refusal_and_charges_its_price(
    database_url: str, tmp_path: Path
) -> None:
    overlay = models(tmp_path, PENNY, TUPPENCE, FIVER)
    async with studio_on(database_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await performed_elsewhere(studio, database_url, tmp_path, overlay)
        assert (result.model, result.price.micros, result.status) == ("tuppence", TWO_CENTS, "charged")
        _, held, first, moved, second = timeline(studio, result.operation)[:5]
        assert isinstance(held, Validated)
        assert isinstance(first, Dispatched)
        assert isinstance(moved, Rerouted)
        assert isinstance(second, Dispatched)
        assert (held.quote.price, moved.quote.price, moved.code) == (ONE_CENT, TWO_CENTS, "refused")
        assert (first.attempt, second.attempt, first.sender) == (1, 2, second.sender)
        assert [one.model for one in submissions(tmp_path)] == ["tuppence"]
        assert await is_sound(studio)


async def test_each_of_a_batch_falls_back_by_itself_and_asks_no_third_before_the_second(
    sqlite_url: str, tmp_path: Path
) -> None:
    overlay = models(tmp_path, PENNY, ("tuppence", "0.02", "refuse"), FIVER)
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await performed_elsewhere(studio, sqlite_url, tmp_path, overlay, n=2)
        facts = facts_of(studio)
        assert [fact.quote.model for fact in facts if isinstance(fact, Rerouted)].count("fiver") == 2
        assert (count(facts, Rerouted), count(facts, Charged)) == (4, 2)
        assert (result.model, result.price.micros) == ("fiver", 2 * FIVE_CENTS)
        assert await is_sound(studio)


async def make_poorer(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "spend", TWO_CENTS - 1)


class Busy(ScriptedProvider):
    """Asks everybody to come back in five minutes."""

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        raise ProviderRefused("rate_limited", "slow down", retry_after=300)


async def test_a_provider_that_asks_to_wait_is_passed_by_if_another_may_follow(sqlite_url: str, tmp_path: Path) -> None:
    overlay = models(tmp_path, PENNY, TUPPENCE)
    overlay.write_text(overlay.read_text().replace('provider = "scripted"', 'provider = "busy"', 1))
    folder = tmp_path / "scripted"
    providers = {"busy": Busy(folder, name="busy"), "scripted": ScriptedProvider(folder)}
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,), providers=providers) as studio:
        await studio.accounts.open("acme", plan="pro")
        asked = Request(KIND, "acme", {"prompt": "a lake"}, model="cheapest", max_price="1.00")
        begun = await studio.operations.submit(asked, queued=True)
        async with working(studio):
            result = await studio.operations.wait(begun.operation, account="acme")
        assert (result.model, result.price.micros) == ("tuppence", TWO_CENTS)
        assert count(facts_of(studio), Postponed) == 0
        assert await is_sound(studio)


@pytest.mark.parametrize(
    ("asked", "entries", "meanwhile"),
    [
        ({"max_price": None}, (PENNY, TUPPENCE), nothing),
        ({"max_price": "0.01"}, (PENNY, TUPPENCE), nothing),
        ({"model": "penny", "max_price": None}, (PENNY, TUPPENCE), nothing),
        ({}, (PENNY, TUPPENCE), make_poorer),
        ({}, (PENNY, ("tuppence", "0.02", "refuse")), nothing),
    ],
    ids=["dearer than is held", "beyond the bound", "named", "no room in the limit", "all refuse"],
)
async def test_otherwise_it_is_released_and_says_so(
    sqlite_url: str,
    tmp_path: Path,
    asked: dict[str, Any],
    entries: tuple[tuple[str, str, str], ...],
    meanwhile: Meanwhile,
) -> None:
    overlay = models(tmp_path, *entries)
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await performed_elsewhere(studio, sqlite_url, tmp_path, overlay, meanwhile, **asked)
        reasons = [fact.reason for fact in facts_of(studio) if isinstance(fact, Released)]
        assert (result.status, reasons) == ("released", ["refused"])
        assert submissions(tmp_path) == ()
        assert (await studio.accounts.show("acme")).held["spend"] == 0
        assert await is_sound(studio)


async def test_a_model_that_has_become_dearer_since_it_was_asked_is_passed_over(
    sqlite_url: str, tmp_path: Path
) -> None:
    then, now = tmp_path / "then", tmp_path / "now"
    then.mkdir()
    now.mkdir()
    old, new = models(then, PENNY, TUPPENCE, FIVER), models(now, PENNY, ("tuppence", "0.03", "done"), FIVER)
    async with studio_on(sqlite_url, tmp_path, catalogues=(old,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await performed_elsewhere(studio, sqlite_url, tmp_path, new)
        assert (result.model, result.price.micros) == ("fiver", FIVE_CENTS)


async def test_a_class_whose_consent_was_taken_back_is_not_used(sqlite_url: str, tmp_path: Path) -> None:
    overlay = models(tmp_path, PENNY, TUPPENCE)
    overlay.write_text(overlay.read_text().replace('id = "tuppence"', 'id = "tuppence"\nclass = "stand-in"'))
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.allow("acme", "stand-in")

        async def take_back(studio: Studio) -> None:
            await studio.accounts.forbid("acme", "stand-in")

        result = await performed_elsewhere(studio, sqlite_url, tmp_path, overlay, take_back)
        facts = facts_of(studio)
        assert (count(facts, Rerouted), count(facts, Released), result.status) == (0, 1, "released")
