"""An output that is still at its provider is fetched before it is charged; one that is gone is lost, by policy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request, Result
from application.ports import Delivery, Job, Media, Progress, Provider, Recovery, Remote, Task
from domain.errors import AssetMissing, OperationFailed, OperationPending
from domain.operation import Charged, ProviderCompleted, Released
from infrastructure.clock import SECOND, now
from infrastructure.service import Studio
from infrastructure.showing.hints import in_shell
from projections.views.operations import OPERATIONS, OperationFilter
from tests.amounts import micros
from tests.application.studios import (
    NO_PAUSES,
    PRICE,
    SYNC,
    count,
    facts_of,
    is_sound,
    later,
    picture,
    studio_on,
    timeline,
)
from tests.infrastructure.sites import Site, answer, running_site, silent

DAY = 24 * 60 * 60 * SECOND
SOON = 2 * 60 * SECOND
"""Leases are over, nothing else is."""

STILL = "the provider's answer is unknown (output_unreachable); the hold stays"
RED, BLUE = picture(color="red"), picture(color="blue")


class Elsewhere:
    """A provider that answers with addresses, and finds the same again however often it is asked."""

    name, recovery = "scripted", Recovery.FINDABLE

    def __init__(self, *outputs: Media | Remote, cost: int | None = None) -> None:
        self._delivery = Delivery(outputs, cost)
        self.submissions = 0

    def lacks(self, route: str) -> str:
        return ""

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        self.submissions += 1
        return self._delivery

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        return self._delivery

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
        return self._delivery

    async def cancel(self, task: Task, job: Job | None) -> bool:
        return False

    async def check(self) -> str:
        return "all is well"

    async def close(self) -> None: ...


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site() as site:
        yield site


@dataclass(frozen=True)
class Anew:
    """A studio on one database and one folder, opened anew for each thing that is done."""

    url: str
    home: Path
    site: Site

    def studio(self, provider: Provider, after: int = 0, **settings: Any) -> AbstractAsyncContextManager[Studio]:
        settings = {"own_origins": (self.site.origin,), "pauses": NO_PAUSES, **settings}
        return studio_on(self.url, self.home, providers={"scripted": provider}, clock=later(after), **settings)

    async def run(self, provider: Provider, outputs: int = 1, **settings: Any) -> tuple[Result, ProviderCompleted]:
        """One operation that is charged, and what was recorded of its outputs."""
        async with self.studio(provider, **settings) as studio:
            result = await asked(studio, outputs)
            assert await is_sound(studio)
            *_, completed, charged = timeline(studio, result.operation)
            assert isinstance(completed, ProviderCompleted)
            assert isinstance(charged, Charged)
            return result, completed

    async def left_pending(self, provider: Provider) -> str:
        async with self.studio(provider) as studio:
            with pytest.raises(OperationPending, match="output_unreachable") as pending:
                await asked(studio)
            assert (await studio.accounts.show("acme")).held["spend"] == PRICE
        return pending.value.operation

    async def recovered(self, provider: Provider, after: int = SOON) -> str:
        """What recovery did about the one operation that is open."""
        async with self.studio(provider, after) as studio:
            [one] = await studio.upkeep.recover()
            assert await is_sound(studio)
            assert count(facts_of(studio), Charged) == (one.phase == "charged")
            return f"{one.phase}: {one.action}"


async def asked(studio: Studio, outputs: int = 1) -> Result:
    await studio.accounts.open("acme", plan="pro")
    return await studio.operations.run(Request("text-to-image", "acme", {"prompt": "a lake"}, model=SYNC, n=outputs))


@pytest.fixture
def desk(database_url: str, tmp_path: Path, site: Site) -> Anew:
    return Anew(database_url, tmp_path, site)


async def test_an_output_elsewhere_is_fetched_stored_and_charged(desk: Anew, site: Site) -> None:
    urls = [site.put("/red?key=1", answer(RED)), site.put("/blue", answer(BLUE))]
    result, completed = await desk.run(Elsewhere(*map(Remote, urls)), outputs=2)
    assert [output.content for output in result.assets] == [RED, BLUE]
    assert (result.price.micros, completed.lost) == (2 * PRICE, 0)
    assert [asset.width for asset in completed.assets] == [8, 8]


async def test_an_output_that_cannot_be_fetched_at_first_is_tried_again(desk: Anew, site: Site) -> None:
    url = site.put("/a", answer(status=503), answer(RED[:20], length=len(RED)), b"", answer(RED))
    result, _ = await desk.run(Elsewhere(Remote(url)))
    assert [output.content for output in result.assets] == [RED]
    assert len(site.asked) == 4


@pytest.mark.parametrize(("policy", "charged"), [("credit", 1), ("charge", 2)])
async def test_an_output_that_is_gone_is_lost_and_charged_by_policy(
    desk: Anew, site: Site, policy: str, charged: int
) -> None:
    urls = [site.put("/red", answer(RED)), site.put("/gone", answer(status=410))]
    provider = Elsewhere(*map(Remote, urls), cost=50_000)
    result, completed = await desk.run(provider, outputs=2, lost_outputs=policy)
    assert [output.content for output in result.assets] == [RED]
    assert (completed.lost, len(completed.assets)) == (1, 1)
    assert (result.price.micros, micros(result.cost)) == (charged * PRICE, 50_000)


@pytest.mark.parametrize(("policy", "charged"), [("credit", 0), ("charge", 1)])
async def test_an_operation_whose_every_output_is_lost_still_ends(
    desk: Anew, site: Site, policy: str, charged: int
) -> None:
    result, completed = await desk.run(Elsewhere(Remote(f"{site.origin}/gone")), lost_outputs=policy)
    assert (completed.lost, completed.assets, result.assets) == (1, (), ())
    assert result.price.micros == charged * PRICE


async def test_lost_outputs_can_be_asked_for(desk: Anew, site: Site) -> None:
    async with desk.studio(Elsewhere(Remote(f"{site.origin}/gone"))) as studio:
        await asked(studio)
        studio.views.catch_up()
        assert [row.lost for row in studio.views.rows(OPERATIONS, OperationFilter(account="acme"))] == [1]


async def test_an_output_that_cannot_be_reached_keeps_its_hold_until_recovery_fetches_it(
    desk: Anew, site: Site
) -> None:
    provider = Elsewhere(Remote(site.put("/a", answer(status=500))))
    operation = await desk.left_pending(provider)
    assert await desk.recovered(provider) == "dispatched: left open: " + STILL
    site.put("/a", answer(RED))
    assert await desk.recovered(provider, after=2 * SOON) == "charged: found at the provider"
    async with desk.studio(provider) as studio:
        result = await studio.operations.wait(operation, account="acme")
        assert [output.content for output in result.assets] == [RED]
        assert (await studio.accounts.show("acme")).held["spend"] == 0
    assert provider.submissions == 1


async def test_until_it_expires_an_output_that_is_not_there_may_still_come(desk: Anew, site: Site) -> None:
    provider = Elsewhere(Remote(f"{site.origin}/late", expires=now() + DAY))
    operation = await desk.left_pending(provider)
    assert await desk.recovered(provider, after=2 * DAY) == "charged: found at the provider"
    async with desk.studio(provider) as studio:
        *_, completed, _ = timeline(studio, operation)
        assert isinstance(completed, ProviderCompleted)
        assert completed.lost == 1
        assert (await studio.operations.wait(operation, account="acme")).price.micros == 0


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://ann:secret@127.0.0.1/a"])
async def test_an_output_at_no_address_that_could_be_let_in_is_lost_at_once(desk: Anew, url: str) -> None:
    _, completed = await desk.run(Elsewhere(Remote(url, expires=now() + DAY)))
    assert (completed.lost, completed.losses) == (1, {"gone": 1})


# Kept out by a setting of ours


class Forgetful(Elsewhere):
    """The same, of a provider that says it but once."""

    recovery = Recovery.BLIND


async def test_an_output_that_our_own_address_policy_blocks_stays_recoverable(desk: Anew, site: Site) -> None:
    provider = Elsewhere(Remote(site.put("/a", answer(RED)), expires=now() + DAY))
    async with desk.studio(provider, own_origins=()) as studio:
        with pytest.raises(OperationPending, match="IMAGESTUDIO_OWN_ORIGINS") as pending:
            await asked(studio)
        assert "is kept out here" in str(pending.value)
        assert "imagestudio recover" in in_shell(pending.value.advice)
        assert (await studio.accounts.show("acme")).held["spend"] == PRICE
    assert await desk.recovered(provider) == "charged: found at the provider"


async def test_an_output_that_is_larger_than_we_accept_stays_recoverable(desk: Anew, site: Site) -> None:
    url = site.put("/a", silent(answer(length=10_001)), answer(RED))
    provider = Elsewhere(Remote(url, expires=now() + DAY))
    async with desk.studio(provider, largest_output=10_000) as studio:
        with pytest.raises(OperationPending, match="IMAGESTUDIO_LARGEST_OUTPUT"):
            await asked(studio)
    assert await desk.recovered(provider) == "charged: found at the provider"
    assert len(site.asked) == 2


@pytest.mark.parametrize(("setting", "value"), [("most_pixels", 10), ("largest_output", 20)])
@pytest.mark.parametrize("inline", [True, False])
async def test_a_picture_beyond_a_setting_of_ours_stays_recoverable_and_the_setting_is_named(
    desk: Anew, site: Site, setting: str, value: int, *, inline: bool
) -> None:
    """In the answer itself as well as at an address, by its bytes as well as by its pixels."""
    address = Remote(site.put("/a", answer(RED)), expires=now() + DAY)
    provider = Elsewhere(Media(RED, "image/png") if inline else address)
    async with desk.studio(provider, **{setting: value}) as studio:
        with pytest.raises(OperationPending, match=f"IMAGESTUDIO_{setting.upper()}") as pending:
            await asked(studio)
        assert "imagestudio recover" in in_shell(pending.value.advice)
        assert (await studio.accounts.show("acme")).held["spend"] == PRICE
    assert await desk.recovered(provider) == "charged: found at the provider"


async def test_what_is_kept_out_and_cannot_be_had_again_is_a_failure_that_says_which_setting(
    desk: Anew, site: Site
) -> None:
    provider = Forgetful(Remote(site.put("/a", answer(RED))), cost=30_000)
    async with desk.studio(provider, own_origins=()) as studio:
        with pytest.raises(OperationFailed, match="IMAGESTUDIO_OWN_ORIGINS") as failed:
            await asked(studio)
        *_, released = timeline(studio, failed.value.operation)
        assert isinstance(released, Released)
        assert (released.reason, released.cost) == ("output_withheld", 30_000)


async def test_of_several_outputs_what_could_not_be_kept_is_told_with_its_reason(desk: Anew, site: Site) -> None:
    urls = [
        site.put("/red", answer(RED)),
        site.put("/half", answer(RED[:-20])),
        site.put("/large", silent(answer(length=10_001))),
        site.put("/gone", answer(status=410)),
    ]
    outputs = [Remote(url, expires=now() - 1) for url in urls]
    result, completed = await desk.run(Elsewhere(*outputs), outputs=4, largest_output=10_000)
    assert [output.content for output in result.assets] == [RED]
    assert completed.losses == result.losses == {"unreadable": 1, "too_large": 1, "gone": 1}
    assert (result.asked, result.lost, result.price.micros) == (4, 3, PRICE)


# Answered, but with no file


@pytest.fixture(params=[b"", b"<!doctype html><title>Sorry</title>"], ids=["nothing", "a page"])
def no_file(request: pytest.FixtureRequest) -> bytes:
    return answer(request.param)


async def test_an_address_that_answers_without_a_file_is_asked_again(desk: Anew, site: Site, no_file: bytes) -> None:
    url = site.put("/a", no_file, no_file, no_file, answer(RED))
    result, _ = await desk.run(Elsewhere(Remote(url)))
    assert [output.content for output in result.assets] == [RED]


async def test_until_it_expires_an_address_that_answers_without_a_file_keeps_its_hold(
    desk: Anew, site: Site, no_file: bytes
) -> None:
    provider = Elsewhere(Remote(site.put("/a", no_file), expires=now() + DAY))
    operation = await desk.left_pending(provider)
    assert await desk.recovered(provider) == "dispatched: left open: " + STILL
    site.put("/a", answer(RED))
    assert await desk.recovered(provider, after=2 * SOON) == "charged: found at the provider"
    async with desk.studio(provider) as studio:
        assert [output.content for output in (await studio.operations.wait(operation, account="acme")).assets] == [RED]


async def test_an_address_that_answered_without_a_file_until_it_expired_has_lost_its_output(
    desk: Anew, site: Site, no_file: bytes
) -> None:
    provider = Elsewhere(Remote(site.put("/a", no_file), expires=now() + DAY), cost=30_000)
    operation = await desk.left_pending(provider)
    assert await desk.recovered(provider, after=2 * DAY) == "charged: found at the provider"
    async with desk.studio(provider) as studio:
        *_, completed, _ = timeline(studio, operation)
        assert isinstance(completed, ProviderCompleted)
        result = await studio.operations.wait(operation, account="acme")
        assert (completed.lost, result.price.micros, micros(result.cost)) == (1, 0, 30_000)


@pytest.mark.parametrize(("policy", "charged"), [("credit", 1), ("charge", 2)])
async def test_where_nobody_says_when_it_expires_an_address_without_a_file_is_believed_at_the_last_try(
    desk: Anew, site: Site, no_file: bytes, policy: str, charged: int
) -> None:
    urls = [site.put("/red", answer(RED)), site.put("/a", no_file)]
    result, completed = await desk.run(Elsewhere(*map(Remote, urls), cost=60_000), outputs=2, lost_outputs=policy)
    assert ([output.content for output in result.assets], completed.lost) == ([RED], 1)
    assert (result.price.micros, micros(result.cost)) == (charged * PRICE, 60_000)
    assert site.asked == ["/red"] + ["/a"] * 4


UNUSABLE = {"half a picture": RED[:-20], "a kind that is not known": b"II*\0\x08\0\0\0" + bytes(40)}


@pytest.mark.parametrize("content", UNUSABLE.values(), ids=UNUSABLE)
async def test_a_file_that_is_damaged_or_of_no_known_kind_is_a_failure_of_its_provider(
    desk: Anew, site: Site, content: bytes
) -> None:
    provider = Elsewhere(Remote(site.put("/a", answer(content)), expires=now() + DAY), cost=30_000)
    async with desk.studio(provider) as studio:
        with pytest.raises(OperationFailed, match="delivered no media") as failed:
            await asked(studio)
        *_, released = timeline(studio, failed.value.operation)
        assert isinstance(released, Released)
        assert (released.reason, released.cost) == ("unreadable_output", 30_000)
        assert await is_sound(studio)


async def test_no_address_of_an_output_is_in_the_log_or_in_what_is_told(desk: Anew, site: Site) -> None:
    provider = Elsewhere(Remote(site.put("/a?signature=secret", answer(status=500))))
    async with desk.studio(provider) as studio:
        with pytest.raises(OperationPending) as pending:
            await asked(studio)
        assert "secret" not in f"{pending.value} {pending.value.__cause__}"
        states = [entry.link.state for entry in studio.log.reader.read(0, 1_000)]
        assert not any(b"signature" in state or site.origin.encode() in state for state in states)


# Large outputs


async def test_an_output_too_large_to_be_held_is_read_from_its_file(desk: Anew, site: Site, tmp_path: Path) -> None:
    result, _ = await desk.run(Elsewhere(Remote(site.put("/a", answer(RED)))), largest_held=len(RED) - 1)
    [output] = result.assets
    assert (output.held, output.content, output.media_type) == (None, RED, "image/png")
    output.save_to(tmp_path / "copy.png")
    assert (tmp_path / "copy.png").read_bytes() == RED
    assert output.path is not None
    Path(output.path).unlink()
    with pytest.raises(AssetMissing, match=output.asset.digest):
        output.save_to(tmp_path / "another.png")
    assert not (tmp_path / "another.png").exists()
