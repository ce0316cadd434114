"""F4: the same key and body is the same operation, whatever happened in between; another body is refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request, Result
from domain.errors import (
    ImageStudioError,
    InvalidInput,
    KeyReused,
    OperationFailed,
    OperationPending,
    OperationRefused,
    UnknownModel,
)
from domain.operation import Charged, Requested
from infrastructure.service import Studio
from tests.application.studios import (
    JOBS,
    PRICE,
    SYNC,
    Pause,
    charged,
    count,
    facts_of,
    is_sound,
    later,
    picture,
    studio_on,
    submissions,
)

KEY = "order-17"


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened
        assert await is_sound(opened)


def ask(prompt: str = "a lake", model: str = SYNC, key: str | None = KEY, n: int = 1, **inputs: str | int) -> Request:
    return Request("text-to-image", "acme", {"prompt": prompt, **inputs}, user="ann", model=model, key=key, n=n)


async def test_a_repeat_after_the_end_gives_the_same_result_and_charges_nothing(studio: Studio, tmp_path: Path) -> None:
    first = await studio.operations.run(ask())
    length = studio.log.reader.end()
    again = await studio.operations.run(ask())
    assert (first.repeated, again.repeated) == (False, True)
    assert (again.operation, again.price, again.cost) == (first.operation, first.price, first.cost)
    assert [one.content for one in again.assets] == [one.content for one in first.assets]
    assert studio.log.reader.end() == length
    assert len(submissions(tmp_path)) == 1


async def test_a_repeat_of_a_batch_gives_all_its_operations(studio: Studio, tmp_path: Path) -> None:
    first = await studio.operations.run(ask(n=6))
    again = await studio.operations.run(ask(n=6))
    assert [one.operation for one in again.operations] == [one.operation for one in first.operations]
    assert len(again.assets) == 6
    assert charged(facts_of(studio)) == 6 * PRICE
    assert len(submissions(tmp_path)) == 2


@pytest.mark.parametrize("model", [SYNC, JOBS])
async def test_a_repeat_in_flight_waits_for_the_first_and_is_not_sent(
    database_url: str, tmp_path: Path, model: str
) -> None:
    """Here once in the same process, and once in another."""
    pause = Pause()
    async with (
        studio_on(database_url, tmp_path, providers=pause.providers(tmp_path)) as studio,
        studio_on(database_url, tmp_path) as other,
    ):
        await studio.accounts.open("acme", plan="pro")
        wanted = ask(model=model, delay_ms=1)
        first = asyncio.create_task(studio.operations.run(wanted))
        await pause.until_reached()
        repeats = [asyncio.create_task(one.operations.run(wanted)) for one in (studio, other)]
        submission = await other.operations.submit(wanted)
        assert submission.repeated
        pause.go_on.set()
        results: list[Result] = [await first, *await asyncio.gather(*repeats)]
        assert {one.operation for one in results} == {submission.operation}
        assert charged(facts_of(studio)) == PRICE
        assert len(submissions(tmp_path)) == 1


async def test_many_at_once_under_one_key_are_one(studio: Studio, tmp_path: Path) -> None:
    results = await asyncio.gather(*(studio.operations.run(ask()) for _ in range(12)))
    assert len({one.operation for one in results}) == 1
    assert sorted(one.repeated for one in results) == [False] + [True] * 11
    assert count(facts_of(studio), Charged) == 1
    assert len(submissions(tmp_path)) == 1


OTHERS = {
    "prompt": ask("a sea"),
    "seed": ask(seed=1),
    "model": ask(model=JOBS),
    "number": ask(n=2),
    "user": Request("text-to-image", "acme", {"prompt": "a lake"}, user="bob", model=SYNC, key=KEY),
    "project": Request("text-to-image", "acme", {"prompt": "a lake"}, user="ann", project="p", model=SYNC, key=KEY),
    "kind and picture": Request(
        "image-edit", "acme", {"prompt": "a lake"}, {"image": [picture()]}, "ann", model="scripted-edit", key=KEY
    ),
}


@pytest.mark.parametrize("other", OTHERS)
async def test_another_body_under_the_key_is_refused_and_nothing_is_written(
    sqlite_url: str, tmp_path: Path, other: str
) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        first = await studio.operations.run(ask())
        length = studio.log.reader.end()
        with pytest.raises(KeyReused, match=first.operation) as refused:
            await studio.operations.run(OTHERS[other])
        assert "new key" in refused.value.hint
        assert studio.log.reader.end() == length
        assert len(submissions(tmp_path)) == 1


async def test_another_picture_under_the_key_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.edit(picture(color="red"), "sepia", account="acme", key=KEY, allow="stand-in")
        with pytest.raises(KeyReused):
            await studio.operations.edit(picture(color="blue"), "sepia", account="acme", key=KEY, allow="stand-in")
        assert (
            await studio.operations.edit(picture(color="red"), "sepia", account="acme", key=KEY, allow="stand-in")
        ).repeated


async def test_the_same_key_of_another_account_is_another_key(studio: Studio) -> None:
    await studio.accounts.open("beta", plan="pro")
    first = await studio.operations.run(ask())
    other = await studio.operations.generate("a lake", account="beta", user="ann", model=SYNC, key=KEY)
    assert not other.repeated
    assert other.operation != first.operation


async def same_error(studio: Studio, wanted: Request) -> ImageStudioError:
    """The error of a request and of its repeat, which writes nothing more."""
    with pytest.raises(ImageStudioError) as first:
        await studio.operations.run(wanted)
    length = studio.log.reader.end()
    with pytest.raises(ImageStudioError) as second:
        await studio.operations.run(wanted)
    if not isinstance(first.value, OperationPending):
        assert (second.value.message, second.value.hint) == (first.value.message, first.value.hint)
    assert type(second.value) is type(first.value)
    assert getattr(second.value, "operation", None) == getattr(first.value, "operation", None)
    assert studio.log.reader.end() == length
    return second.value


@pytest.mark.parametrize("n", [1, 6])
async def test_a_refusal_is_repeated_until_what_refused_has_changed(studio: Studio, tmp_path: Path, n: int) -> None:
    await studio.accounts.change_limit("acme", "images", 0)
    refused = await same_error(studio, ask(n=n))
    assert isinstance(refused, OperationRefused)
    why = refused.refusal
    assert (why.rule, why.scope, why.measure, why.window) == ("limit", "account", "images", "period")
    assert (why.limit, why.asked, why.used, why.held, why.left, why.currency) == (0, n, 0, 0, 0, "USD")
    assert why.resets_at is not None
    assert submissions(tmp_path) == ()
    await studio.accounts.change_limit("acme", "images", 10)
    with pytest.raises(KeyReused):
        await studio.operations.run(ask("another wish", n=n))
    first = await studio.operations.run(ask(n=n))
    again = await studio.operations.run(ask(n=n))
    assert (first.status, first.repeated) == ("charged", False)
    assert (again.operation, again.repeated) == (first.operation, True)
    assert charged(facts_of(studio)) == n * PRICE


@pytest.mark.parametrize("queued", [False, True])
async def test_a_refusal_of_what_is_only_submitted_is_repeated_as_a_refusal(studio: Studio, queued: bool) -> None:
    await studio.accounts.change_limit("acme", "images", 0)
    refusals = []
    for _ in range(2):
        with pytest.raises(OperationRefused) as refused:
            await studio.operations.submit(ask(), queued=queued)
        refusals.append((refused.value.operation, refused.value.message))
    assert refusals[0] == refusals[1]


async def test_of_many_who_try_a_refused_key_again_one_is_admitted(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "images", 0)
    await same_error(studio, ask())
    await studio.accounts.change_limit("acme", "images", 10)
    results = await asyncio.gather(*(studio.operations.run(ask()) for _ in range(8)))
    assert len({one.operation for one in results}) == 1
    assert charged(facts_of(studio)) == PRICE


async def test_a_refusal_by_money_is_told_in_money(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "spend", PRICE - 1)
    refused = await same_error(studio, ask())
    left = "0.039999 USD a period leaves 0.039999 USD"
    told = f"the account's spend limit of {left} until [0-9-]+, 0.04 USD asked"
    assert re.fullmatch(told, refused.message)


async def test_a_failure_is_repeated_as_a_failure(studio: Studio, tmp_path: Path) -> None:
    failed = await same_error(studio, ask(outcome="fail"))
    assert isinstance(failed, OperationFailed)
    assert len(submissions(tmp_path)) == 1


async def test_a_refusal_before_the_ledger_leaves_the_key_unused(studio: Studio) -> None:
    for _ in range(2):
        with pytest.raises(ImageStudioError, match="is empty"):
            await studio.operations.run(ask(" "))
    assert (await studio.operations.run(ask())).status == "charged"
    assert count(facts_of(studio), Requested) == 1


async def test_after_a_crash_the_key_finds_what_recovery_made_of_it(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path, wait_seconds=1) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending) as pending:
            await studio.operations.run(ask(outcome="timeout"))
        with pytest.raises(OperationPending, match="still open"):
            await studio.operations.run(ask(outcome="timeout"))
    async with studio_on(database_url, tmp_path, clock=later()) as studio:
        await studio.upkeep.recover()
        result = await studio.operations.run(ask(outcome="timeout"))
        assert (result.operation, result.repeated) == (pending.value.operation, True)
        assert charged(facts_of(studio)) == PRICE
        assert len(submissions(tmp_path)) == 1


async def test_without_a_key_every_request_is_another_operation(studio: Studio, tmp_path: Path) -> None:
    """F5, as far as the core can tell; a retry is told from a new wish by its transport alone."""
    results = [await studio.operations.run(ask(key=None)) for _ in range(3)]
    assert len({one.operation for one in results}) == 3
    assert len(submissions(tmp_path)) == 3


async def test_a_new_period_does_not_forget_a_key(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        first = await studio.operations.run(ask())
    async with studio_on(database_url, tmp_path, clock=later(40 * 24 * 3_600 * 1_000_000)) as studio:
        await studio.operations.run(ask(key="another"))
        again = await studio.operations.run(ask())
        assert (again.operation, again.repeated) == (first.operation, True)
        assert count(facts_of(studio), Charged) == 2


OWN = """
currency = "USD"
[[model]]
id = "own"
provider = "scripted"
route = "image"
kinds = ["reference-to-image"]
outputs = ["image/png"]
unit = "image"
retires = {retires}
prices = [{{ rate = "{rate}" }}]
inputs.prompt = {{ type = "text", required = true }}
"""
GONE: dict[str, dict[str, str]] = {
    "switched off": {},
    "not in the catalogue": {},
    "retired": {"retires": "2020-01-01"},
    "dearer than the request allows": {"rate": "0.50"},
}


def overlay(home: Path, retires: str = "2999-01-01", rate: str = "0.04") -> Path:
    path = home / f"own-{retires}-{rate}.toml"
    path.write_text(OWN.format(retires=retires, rate=rate))
    return path


def own(key: str | None, model: str = "own", **options: Any) -> Request:
    return Request(
        "reference-to-image", "acme", {"prompt": "a lake"}, model=model, key=key, max_price="0.10", **options
    )


@pytest.mark.parametrize("gone", GONE)
async def test_a_spent_key_answers_although_its_model_can_no_longer_be_chosen(
    sqlite_url: str, tmp_path: Path, gone: str
) -> None:
    edit = Request("image-edit", "acme", {"prompt": "a"}, {"image": [picture()]}, model="scripted-edit", key="file")
    asked = [own("named"), own("chosen", "cheapest"), edit]
    async with studio_on(sqlite_url, tmp_path, catalogues=(overlay(tmp_path),)) as studio:
        await studio.accounts.open("acme", plan="pro")
        first = [await studio.operations.run(request) for request in asked]
    there = () if gone == "not in the catalogue" else (overlay(tmp_path, **GONE[gone]),)
    async with studio_on(sqlite_url, tmp_path, catalogues=there, scripted_enabled=gone != "switched off") as studio:
        for request, result in zip(asked, first, strict=True):
            again = await studio.operations.run(request)
            assert (again.operation, again.repeated) == (result.operation, True)
            assert (await studio.operations.submit(request)).repeated
        with pytest.raises(KeyReused):
            await studio.operations.run(own("named", user="ann"))
        for key in ("unused", None):
            with pytest.raises((UnknownModel, InvalidInput)):
                await studio.operations.run(own(key))
        assert count(facts_of(studio), Charged) == len(asked)
    assert len(submissions(tmp_path)) == len(asked)


async def test_a_key_answers_although_what_allowed_its_model_was_withdrawn(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.allow("acme", "stand-in")
        asked = Request("text-to-image", "acme", {"prompt": "a lake", "width": 64, "height": 64}, key=KEY)
        first = await studio.operations.run(asked)
        await studio.accounts.forbid("acme", "stand-in")
        assert (await studio.operations.run(asked)).operation == first.operation
