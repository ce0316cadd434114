"""The straight line, through one entry: asked, held, performed, charged, and the files are there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from application.asking.requests import Request
from domain.errors import OperationFailed, OperationPending, OperationRefused, UnknownOperation
from domain.money import Money
from domain.operation import (
    Charged,
    Dispatched,
    ProviderCompleted,
    ProviderFailed,
    Rejected,
    Released,
    Requested,
    Submitted,
    Validated,
)
from infrastructure.media import read_media
from infrastructure.service import Studio
from infrastructure.showing.hints import in_shell
from tests.amounts import micros
from tests.application.studios import (
    BLIND,
    JOBS,
    LOCAL,
    PRICE,
    SMALL,
    SYNC,
    Pause,
    charged,
    facts_of,
    is_sound,
    later,
    picture,
    studio_on,
    timeline,
)

PROMPT = "a lake at dawn"


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro")
        yield opened


def topics(studio: Studio, operation: str) -> list[type]:
    return [type(fact) for fact in timeline(studio, operation)]


async def test_a_picture_is_painted_kept_and_charged_at_its_quote(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        result = await studio.operations.generate(
            PROMPT, account="acme", user="ann", width=64, height=64, allow="stand-in"
        )
        [asset] = result.assets
        assert asset.path is not None
        assert Path(asset.path).read_bytes() == asset.content
        media = read_media(asset.content, field="output", max_bytes=10**7, max_pixels=10**6)
        assert (media.media_type, media.width, media.height) == ("image/png", 64, 64)
        assert (result.status, result.model, result.provider) == ("charged", LOCAL, "local")
        assert (result.price, result.cost) == (Money(10_000, "USD"), Money(0, "USD"))
        assert result.left["images"] == 99
        assert result.left["spend"] == 100_000_000 - 10_000
        assert "procedural" in result.metadata["label"]
        assert await is_sound(studio)


async def test_it_is_shown_in_a_few_pages(studio: Studio) -> None:
    assert len(repr(studio)) < 100_000  # asyncio shows what a task returned each time it sets a signal's handler


async def test_the_facts_of_an_operation_tell_its_life(studio: Studio) -> None:
    at_once = await studio.operations.generate(PROMPT, account="acme", model=SYNC)
    assert topics(studio, at_once.operation) == [Requested, Validated, Dispatched, ProviderCompleted, Charged]
    by_job = await studio.operations.generate(PROMPT, account="acme", model=JOBS)
    assert topics(studio, by_job.operation) == [Requested, Validated, Dispatched, Submitted, ProviderCompleted, Charged]


async def test_a_picture_is_edited_and_enlarged_from_bytes_or_from_a_file(studio: Studio, tmp_path: Path) -> None:
    edited = await studio.operations.edit(
        picture(32, 16), "sepia and blur", account="acme", user="bob", allow="stand-in"
    )
    assert (edited.assets[0].asset.width, edited.assets[0].asset.height) == (32, 16)
    file = tmp_path / "small.png"
    file.write_bytes(picture(32, 16))
    enlarged = await studio.operations.upscale(file, account="acme", factor=2)
    assert (enlarged.assets[0].asset.width, enlarged.assets[0].asset.height) == (64, 32)


async def test_every_kind_goes_through_the_one_entry(studio: Studio) -> None:
    asked = Request("text-to-video", "acme", {"prompt": PROMPT, "duration": 10}, model="scripted-video")
    video = await studio.operations.run(asked)
    assert video.price == Money(500_000, "USD")
    assert video.assets[0].asset.duration_ms == 10_000
    model = await studio.operations.run(Request("text-to-3d", "acme", {"prompt": PROMPT}, model="scripted-3d"))
    assert model.assets[0].media_type == "model/gltf-binary"


# Batches


async def test_more_than_a_call_delivers_are_several_operations_admitted_together(studio: Studio) -> None:
    result = await studio.operations.generate(PROMPT, account="acme", model=SYNC, n=6, project="brand")
    assert [one.operation for one in result.operations] == [f"{result.operation}.1", f"{result.operation}.2"]
    assert [one.price.micros for one in result.operations] == [4 * PRICE, 2 * PRICE]
    assert len(result.assets) == 6
    assert len({asset.asset.digest for asset in result.assets}) == 6
    assert result.left["images"] == 94


async def test_a_batch_that_does_not_fit_is_refused_as_a_whole(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "images", 5)
    with pytest.raises(OperationRefused) as refused:
        await studio.operations.generate(PROMPT, account="acme", model=SYNC, n=6)
    assert re.fullmatch(
        r"the account's images limit of 5 a period leaves 5 until [\d-]+, 6 asked", refused.value.message
    )
    facts = facts_of(studio, "acme")
    assert [type(fact) for fact in facts] == [Requested, Rejected] * 2
    assert (await studio.accounts.show("acme")).held["images"] == 0


async def test_of_a_batch_whatever_was_delivered_is_charged(studio: Studio) -> None:
    result = await studio.operations.generate(PROMPT, account="acme", model=SYNC, n=4, outcome="partial")
    assert len(result.assets) == 3
    assert result.price.micros == 3 * PRICE
    assert (await studio.accounts.show("acme")).used["spend"] == 3 * PRICE


async def test_a_batch_that_fails_charges_nothing(studio: Studio) -> None:
    with pytest.raises(OperationFailed):
        await studio.operations.generate(PROMPT, account="acme", model=SYNC, n=6, outcome="fail")
    view = await studio.accounts.show("acme")
    assert (view.used["spend"], view.held["spend"], view.open) == (0, 0, 0)


# Without success


async def test_a_failure_is_told_and_nothing_is_charged(studio: Studio) -> None:
    with pytest.raises(OperationFailed, match="the script fails") as failed:
        await studio.operations.generate(PROMPT, account="acme", model=SYNC, outcome="fail", failure="blocked")
    assert topics(studio, failed.value.operation)[-2:] == [ProviderFailed, Released]
    assert "nothing was charged" in failed.value.hint
    assert charged(facts_of(studio)) == 0


async def test_a_failure_that_is_billed_is_our_cost_and_not_the_accounts(studio: Studio) -> None:
    with pytest.raises(OperationFailed) as failed:
        await studio.operations.generate(PROMPT, account="acme", model=SYNC, outcome="fail-billed", cost="0.03")
    result = await studio.operations.results.of(failed.value.operation)
    assert (result.price.micros, micros(result.cost)) == (0, 30_000)


@pytest.mark.parametrize(("outcome", "code"), [("unreadable", "unreadable_output"), ("refuse", "refused")])
async def test_what_is_no_delivery_is_released(studio: Studio, outcome: str, code: str) -> None:
    with pytest.raises(OperationFailed) as failed:
        await studio.operations.generate(PROMPT, account="acme", model=SYNC, outcome=outcome)
    last = timeline(studio, failed.value.operation)[-1]
    assert isinstance(last, Released)
    assert last.reason == code


@pytest.mark.parametrize(("model", "outcome"), [(SYNC, "timeout"), (SYNC, "lost"), (BLIND, "timeout"), (JOBS, "never")])
async def test_an_unknown_answer_keeps_the_hold(studio: Studio, model: str, outcome: str) -> None:
    with pytest.raises(OperationPending) as pending:
        await studio.operations.generate(PROMPT, account="acme", model=model, outcome=outcome)
    assert "imagestudio recover" in in_shell(pending.value.advice)
    view = await studio.accounts.show("acme")
    assert (view.open, view.held["spend"], view.used["spend"]) == (1, PRICE, 0)


async def test_what_is_left_pending_is_left_to_recovery_although_this_process_lives_on(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Its lease is not renewed any more."""
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending) as pending:
            await studio.operations.generate(PROMPT, account="acme", model=SYNC, outcome="timeout")
        assert studio.operations.performer.ownership.held == {}
        async with studio_on(sqlite_url, tmp_path, clock=later()) as other:
            [recovered] = await other.upkeep.recover()
        assert (recovered.operation, recovered.phase) == (pending.value.operation, "charged")


async def test_a_model_of_unknown_price_is_refused_and_with_a_cap_it_holds_the_cap(studio: Studio) -> None:
    with pytest.raises(OperationRefused, match="price of scripted-unpriced is not known"):
        await studio.operations.generate(PROMPT, account="acme", model="scripted-unpriced")
    await studio.accounts.change_limit("acme", "unpriced", 500_000)
    result = await studio.operations.generate(PROMPT, account="acme", model="scripted-unpriced", cost="0.12")
    assert (result.price.micros, micros(result.cost)) == (120_000, 120_000)


# Submit and wait, estimate, progress


async def test_what_is_submitted_goes_on_and_can_be_waited_for(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        submission = await studio.operations.submit(
            Request("text-to-image", "acme", {"prompt": PROMPT}, model=JOBS, n=2)
        )
        assert submission.operations == (f"{submission.operation}.1", f"{submission.operation}.2")
        whole = await studio.operations.wait(submission.operation, account="acme")
        assert (whole.status, len(whole.assets)) == ("charged", 2)
        one = await studio.operations.wait(submission.operations[0], account="acme")
        assert one.price.micros == PRICE


async def test_another_process_can_wait_too(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio, studio_on(database_url, tmp_path) as other:
        await studio.accounts.open("acme", plan="pro")
        wanted = Request("text-to-image", "acme", {"prompt": PROMPT, "delay_ms": 40}, model=JOBS)
        submission = await studio.operations.submit(wanted)
        result = await other.operations.wait(submission.operation, account="acme")
        assert (
            result.assets[0].content
            == (await studio.operations.wait(submission.operation, account="acme")).assets[0].content
        )


async def test_waiting_for_a_failure_or_a_stranger_says_so(studio: Studio) -> None:
    wanted = Request("text-to-image", "acme", {"prompt": PROMPT, "outcome": "fail"}, model=SYNC)
    submission = await studio.operations.submit(wanted)
    with pytest.raises(OperationFailed):
        await studio.operations.wait(submission.operation, account="acme")
    with pytest.raises(UnknownOperation, match="no operation 'nonsense'"):
        await studio.operations.wait("nonsense", account="acme")


async def test_waiting_has_an_end(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path, wait_seconds=1) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending) as pending:
            await studio.operations.generate(PROMPT, account="acme", model=SYNC, outcome="timeout")
        with pytest.raises(OperationPending, match="still open"):
            await studio.operations.wait(pending.value.operation, account="acme")


async def test_an_estimate_says_what_would_be_held_and_records_and_saves_nothing(
    studio: Studio, tmp_path: Path
) -> None:
    length, files = studio.log.reader.end(), sorted((tmp_path / "assets").rglob("*"))
    wanted = Request("image-edit", "acme", {"prompt": "sepia"}, {"image": [picture()]}, model="scripted-edit", n=3)
    estimate = await studio.operations.estimate(wanted)
    assert (estimate.price, estimate.units, estimate.unit, estimate.rate) == (
        Money(120_000, "USD"),
        "3",
        "image",
        "0.04",
    )
    assert (estimate.operations, estimate.refused, estimate.left["edits"]) == (3, None, 100)
    assert studio.log.reader.end() == length
    assert sorted((tmp_path / "assets").rglob("*")) == files


async def test_an_estimate_tells_a_refusal_before_it_happens(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "spend", PRICE - 1)
    estimate = await studio.operations.estimate(Request("text-to-image", "acme", {"prompt": PROMPT}, model=SYNC))
    assert estimate.refused == "limit"
    with pytest.raises(OperationRefused):
        await studio.operations.generate(PROMPT, account="acme", model=SYNC)


async def test_the_price_is_the_estimate(studio: Studio) -> None:
    for wanted in (
        Request("text-to-image", "acme", {"prompt": PROMPT, **SMALL}, allow="stand-in"),
        Request("upscale", "acme", {"factor": 4}, {"image": [picture(50, 30)]}),
        Request("text-to-video", "acme", {"prompt": PROMPT, "resolution": "720p"}, model="scripted-video"),
    ):
        estimate = await studio.operations.estimate(wanted)
        assert (await studio.operations.run(wanted)).price == estimate.price
        assert Decimal(estimate.units) > 0


@pytest.mark.parametrize(("model", "n"), [(LOCAL, 1), (SYNC, 6), (JOBS, 2)])
async def test_progress_goes_from_beginning_to_end(studio: Studio, model: str, n: int) -> None:
    told: list[tuple[float, str]] = []
    wanted = Request("text-to-image", "acme", {"prompt": PROMPT, **(SMALL if model == LOCAL else {})}, model=model, n=n)
    await studio.operations.run(wanted, lambda done, say: told.append((done, say)))
    fractions = [done for done, say in told if say]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)


async def test_no_transaction_is_open_while_a_provider_works(database_url: str, tmp_path: Path) -> None:
    """Another process writes on the same account meanwhile."""
    pause = Pause()
    async with (
        studio_on(database_url, tmp_path, providers=pause.providers(tmp_path)) as studio,
        studio_on(database_url, tmp_path) as other,
    ):
        await studio.accounts.open("acme", plan="pro")
        wanted = Request("text-to-image", "acme", {"prompt": PROMPT, "delay_ms": 1}, model=SYNC)
        submission = await studio.operations.submit(wanted)
        await pause.until_reached()
        result = await other.operations.generate(PROMPT, account="acme", model=SYNC)
        assert result.status == "charged"
        assert (await other.accounts.show("acme")).open == 1
        pause.go_on.set()
        assert (await studio.operations.wait(submission.operation, account="acme")).status == "charged"
