"""fal itself: what it bills is exact, what got lost is found, and only its own callbacks are taken in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.ports import (
    Billing,
    Delivery,
    Job,
    ProviderRefused,
    ProviderUnknown,
    Remote,
    Task,
    TaskFailed,
    silent,
)
from application.providing.listings import ListsOffers
from application.providing.receiving import Callback, Receiving
from domain.errors import Unverified
from infrastructure.clock import SECOND, now
from infrastructure.wire.callbacks import address, operation_mac
from tests.infrastructure.providers.benches import PICTURE, Time, answer, fal, odd_client, task
from tests.infrastructure.providers.building import built
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.fal import ENEMY, message, public
from tests.wire.fake.server import Fake, serving
from tests.wire.loops import DEADLINE

DEV, KONTEXT = "fal-ai/flux/dev", "fal-ai/flux-pro/kontext"
HOOKS, OURS = "https://studio.test/hooks", "a secret of ours"
HOUR = 3_600


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Fake]:
    with serving(tmp_path / "fake") as running:
        yield running


@asynccontextmanager
async def opened(fake: Fake, time: Time | None = None, **more: Any) -> AsyncIterator[Any]:
    provider = fal(fake.url, fake.key("fal"), time or Time(), **more)
    try:
        yield provider
    finally:
        await provider.close()


def drawing(since: int = 0, **inputs: Any) -> Task:
    """Of one megapixel unless it says otherwise; sent an hour ago unless it says when."""
    wanted = task("text-to-image", DEV, **{"prompt": "a pond", "width": 256, "height": 256, **inputs})
    return replace(wanted, since=since or now() - HOUR * SECOND)


async def collected(provider: Any, wanted: Task) -> Delivery:
    job = await provider.submit(wanted, silent)
    delivery: Delivery = await provider.collect(wanted, job, silent)
    return delivery


# Money


@pytest.mark.parametrize(("width", "outputs", "cost"), [(256, 1, 25_000), (1024, 1, 25_000), (1040, 1, 50_000)])
async def test_a_bill_is_the_units_of_the_result_times_the_price_of_its_endpoint(
    fake: Fake, width: int, outputs: int, cost: int
) -> None:
    async with opened(fake) as provider:
        delivery = await collected(provider, replace(drawing(width=width, height=1024), outputs=outputs))
    assert (delivery.cost, len(delivery.outputs)) == (cost, outputs)
    assert isinstance(delivery.outputs[0], Remote)


async def test_several_pictures_are_several_units(fake: Fake) -> None:
    async with opened(fake) as provider:
        delivery = await collected(provider, replace(drawing(), outputs=3))
    assert (delivery.cost, delivery.usage) == (75_000, {"billable_millionths": 3_000_000})


@pytest.mark.parametrize("units", ["", "many", "1e3", "-1", "1234"])
async def test_a_header_that_is_no_count_leaves_the_bill_to_the_catalogue(fake: Fake, units: str) -> None:
    fake.next("fal", Behaviour(units=units))
    async with opened(fake) as provider:
        assert (await collected(provider, drawing())).cost is None


async def test_a_price_is_asked_once_an_hour(fake: Fake) -> None:
    time = Time()
    async with opened(fake, time) as provider:
        assert (await collected(provider, drawing())).cost == 25_000
        fake.state.set("prices:fal", {DEV: [0.5, "megapixels"]})
        assert (await collected(provider, drawing())).cost == 25_000
        time.now += HOUR + 1
        assert (await collected(provider, drawing())).cost == 500_000


@pytest.mark.parametrize("price", ["free", -1, True, 10**9])
async def test_a_price_that_makes_no_sense_leaves_the_bill_to_the_catalogue(fake: Fake, price: Any) -> None:
    async with opened(fake) as provider:
        job = await provider.submit(drawing(), silent)
        fake.state.set("prices:fal", {DEV: [price, "megapixels"]})
        assert (await provider.collect(drawing(), job, silent)).cost is None


async def test_what_was_flagged_is_a_failure_that_is_not_billed(fake: Fake) -> None:
    fake.next("fal", Behaviour(filtered="result"))
    async with opened(fake) as provider:
        with pytest.raises(TaskFailed) as failed:
            await collected(provider, drawing())
    assert (failed.value.code, failed.value.cost) == ("content_moderation", 0)


async def test_what_was_made_and_blacked_out_is_billed() -> None:
    files = [{"url": "https://fal.media/black.png"}]
    result = answer({"images": files, "has_nsfw_concepts": [True]})
    result.headers["x-fal-billable-units"] = "2"
    prices = answer({"prices": [{"endpoint_id": DEV, "unit_price": 0.025, "unit": "megapixels", "currency": "USD"}]})
    time, client = Time(), odd_client(answer({"status": "COMPLETED"}), result, prices)
    provider: Any = built("fal", client=client, key="key", sleep=time.sleep, monotonic=time.monotonic)
    with pytest.raises(TaskFailed) as failed:
        await provider.collect(drawing(), Job("7"), silent)
    assert (failed.value.code, failed.value.cost) == ("content_moderation", 50_000)
    await provider.close()


async def test_its_bills_are_one_a_request_on_all_pages(fake: Fake) -> None:
    start = now()
    async with opened(fake) as provider:
        assert isinstance(provider, Billing)
        for _ in range(3):
            await collected(provider, drawing())
        found = [bill async for bill in provider.bills(start - SECOND, now() + SECOND)]
        none = [bill async for bill in provider.bills(start - HOUR * SECOND, start - SECOND)]
    assert [(bill.job, bill.amount, bill.model) for bill in found] == [(job.id, 25_000, DEV) for job in fake.jobs()]
    assert none == []


async def test_bills_and_balance_are_told_to_an_admin_s_key_alone(fake: Fake) -> None:
    async with opened(fake) as provider:
        assert await provider.check() == "24.5 USD left"
        fake.state.set("admin:fal", value=False)
        assert "ADMIN" in await provider.check()
        with pytest.raises(ProviderRefused):
            _ = [bill async for bill in provider.bills(0, 1)]


# Lost submissions


async def test_what_got_lost_is_found_by_its_input_and_collected(fake: Fake) -> None:
    wanted = drawing(since=now())
    async with opened(fake) as provider:
        for one in (drawing(prompt="another pond"), replace(wanted, inputs={**wanted.inputs, "seed": 7}), wanted):
            fake.next("fal", Behaviour(lost="drop"))
            with pytest.raises(ProviderUnknown):
                await provider.submit(one, silent)
        *_, lost = fake.jobs()
        assert await provider.find(wanted) == (Job(lost.id),)
        assert (await provider.collect(wanted, Job(lost.id), silent)).cost == 25_000


async def test_a_file_is_part_of_the_input_that_is_looked_for(fake: Fake) -> None:
    wanted = replace(task("image-edit", KONTEXT, {"image_url": (PICTURE,)}, prompt="more frogs"), since=now())
    async with opened(fake) as provider:
        job = await provider.submit(wanted, silent)
        assert await provider.find(wanted) == (job,)


async def test_what_is_not_listed_was_never_seen_only_after_its_deadline(fake: Fake) -> None:
    async with opened(fake) as provider:
        assert await provider.find(drawing()) == ()
        with pytest.raises(ProviderUnknown) as unknown:
            await provider.find(drawing(since=now()))
    assert unknown.value.code == "not_listed"


async def test_a_list_without_inputs_says_nothing(fake: Fake) -> None:
    async with opened(fake) as provider:
        await provider.submit(drawing(), silent)
        fake.state.set("payloads:fal", value=False)
        with pytest.raises(ProviderUnknown):
            await provider.find(drawing())


@pytest.mark.parametrize("body", [{}, {"items": {}}, {"items": [7]}, {"items": [], "next_cursor": "again"}, b"?"])
async def test_a_list_that_cannot_be_read_says_nothing(body: Any) -> None:
    time = Time()
    provider: Any = built("fal", client=odd_client(answer(body)), key="key", sleep=time.sleep, monotonic=time.monotonic)
    with pytest.raises(ProviderUnknown):
        await provider.find(drawing())
    await provider.close()


@pytest.mark.parametrize("body", [{}, {"request_id": 7}, {"request_id": "../account"}, {"request_id": ""}, b"<html>"])
async def test_an_answer_that_names_no_request_is_unknown(body: Any) -> None:
    provider: Any = built("fal", client=odd_client(answer(body)), key="key")
    with pytest.raises(ProviderUnknown):
        await provider.submit(drawing(), silent)
    await provider.close()


# The list


async def test_its_endpoints_are_listed_with_their_prices_and_what_is_gone(fake: Fake) -> None:
    fake.state.set("models:fal", [DEV, KONTEXT])
    async with opened(fake) as provider:
        assert isinstance(provider, ListsOffers)
        found = await provider.offers({DEV, KONTEXT, "fal-ai/flux/schnell"})
    assert (found.gone, found.is_whole) == (("fal-ai/flux/schnell",), False)
    prices = {one.route: one for one in found.models}
    assert {one.formula for one in found.models} == {"0.025 USD per megapixels", "0.04 USD per images"}
    flat, sized = prices[KONTEXT].price, prices[DEV].price
    assert flat is not None
    assert sized is not None
    assert flat({}, {}) == Decimal("0.04")
    sides = ((256, 256), (1024, 1024), (1040, 1024))
    assert [sized({"width": width, "height": height}, {}) * 40 for width, height in sides] == [1, 1, 2]
    with pytest.raises(ValueError, match="size"):
        sized({}, {})


# Callbacks


async def asked(fake: Fake, provider: Any) -> tuple[str, str, Any]:
    """The operation, the MAC of its address, and the job, of a submission that wants to be called back."""
    wanted = drawing()
    await provider.submit(wanted, silent)
    [job] = fake.jobs()
    assert job.webhook == address(HOOKS, wanted.operation, OURS)
    return wanted.operation, operation_mac(wanted.operation, OURS), job


async def test_its_own_callback_is_verified_by_its_public_keys(fake: Fake) -> None:
    async with opened(fake, webhook=HOOKS, webhook_secret=OURS) as provider:
        assert isinstance(provider, Receiving)
        operation, mac, job = await asked(fake, provider)
        headers, body = message(job, fake.state)
        told = await provider.receive(Callback(operation, mac, headers, body), now())
    assert (told.operation, told.job, told.ended, told.attempt) == (operation, job.id, True, 1)


@pytest.mark.parametrize("kind", ["forged", "tampered", "stale", "unsigned"])
async def test_every_dishonest_callback_is_turned_away(fake: Fake, kind: str) -> None:
    async with opened(fake, webhook=HOOKS, webhook_secret=OURS) as provider:
        operation, mac, job = await asked(fake, provider)
        headers, body = message(job, fake.state, kind)
        with pytest.raises(Unverified):
            await provider.receive(Callback(operation, mac, headers, body), now())
        headers, body = message(job, fake.state)
        with pytest.raises(Unverified):
            await provider.receive(Callback(operation, operation_mac("another", OURS), headers, body), now())


async def test_keys_that_have_changed_are_asked_for_again(fake: Fake) -> None:
    time = Time()
    async with opened(fake, time, webhook=HOOKS, webhook_secret=OURS) as provider:
        operation, mac, job = await asked(fake, provider)
        headers, body = message(job, fake.state, signer=ENEMY)
        with pytest.raises(Unverified):
            await provider.receive(Callback(operation, mac, headers, body), now())
        fake.state.set("jwks:fal", [public(ENEMY)])
        time.now += 61
        assert (await provider.receive(Callback(operation, mac, headers, body), now())).job == job.id


@pytest.mark.parametrize("keys", [[7], ["short"], ["?"]])
async def test_keys_that_are_none_verify_nothing(fake: Fake, keys: list[Any]) -> None:
    async with opened(fake, webhook=HOOKS, webhook_secret=OURS) as provider:
        operation, mac, job = await asked(fake, provider)
        fake.state.set("jwks:fal", keys)
        headers, body = message(job, fake.state)
        with pytest.raises(Unverified):
            await provider.receive(Callback(operation, mac, headers, body), now())


async def test_without_our_secret_none_is_taken(fake: Fake) -> None:
    async with opened(fake) as provider:
        await provider.submit(drawing(), silent)
        [job] = fake.jobs()
        assert job.webhook == ""
        headers, body = message(job, fake.state)
        with pytest.raises(Unverified):
            await provider.receive(Callback("op-1", operation_mac("op-1", ""), headers, body), now())


async def test_a_callback_wakes_the_one_who_waits_for_its_job(fake: Fake) -> None:
    asleep = asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    own: dict[str, Any] = {"url": f"{fake.url}/queue", "api_url": f"{fake.url}/fal/v1", "key": fake.key("fal")}
    provider: Any = built("fal", sleep=sleep, **own)
    fake.next("fal", Behaviour(polls=1))
    async with asyncio.timeout(DEADLINE):
        job = await provider.submit(drawing(), silent)
        waiting = asyncio.create_task(provider.collect(drawing(), job, silent))
        await asleep.wait()
        assert not provider.notify("a job that nobody waits for")
        assert provider.notify(job.id)
        assert len((await waiting).outputs) == 1
        assert not provider.notify(job.id)
    await provider.close()
