"""Quotes, bills and the balance: exact amounts, and never a zero for what cannot be read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from application.ports import Bill, Billing, ProviderRefused, ProviderUnknown, Quoting, silent
from infrastructure.clock import SECOND, now
from infrastructure.providers.wavespeed import WaveSpeed
from tests.infrastructure.providers.wavespeed.tasks import AUDIO, IMAGE, VIDEO, performed, task, wavespeed
from tests.infrastructure.wire.servers import Time, answer, answering
from tests.wire.clients import PICTURE
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

HOUR = 3_600


async def bills(adapter: WaveSpeed, since: int = 0, until: int = 2**52) -> list[Bill]:
    return [bill async for bill in adapter.bills(since, until)]


async def billed(adapter: WaveSpeed, fake: Fake, behaviour: Behaviour) -> list[int | None]:
    fake.next("wavespeed", behaviour)
    await adapter.submit(task(), silent)
    return [bill.amount for bill in await bills(adapter)]


async def said(fake: Fake, time: Time, *bodies: bytes, statuses: tuple[int, ...] = (200,)) -> int | None:
    """The quote, where the provider says this."""
    answers = [answer(status, body) for status, body in zip(statuses, bodies, strict=True)]
    async with answering(*answers) as served, wavespeed(fake, time, url=served.url) as adapter:
        return await adapter.quote(task())


def test_it_quotes_and_bills(adapter: WaveSpeed) -> None:
    assert isinstance(adapter, Quoting)
    assert isinstance(adapter, Billing)


async def test_a_quote_is_exact_and_depends_on_the_inputs(fake: Fake, adapter: WaveSpeed) -> None:
    assert await adapter.quote(task()) == 50_000
    avatar = {"image": [IMAGE], "audio": [AUDIO]}
    route = "wavespeed-ai/infinitetalk"
    assert await adapter.quote(task(route, {"resolution": "480p"}, avatar)) == 5 * 30_000
    assert await adapter.quote(task(route, {"resolution": "720p"}, avatar)) == 5 * 60_000
    fake.price(PICTURE, "0.0123456")
    assert await adapter.quote(task()) == 12_346


async def test_a_quote_makes_no_job(fake: Fake, adapter: WaveSpeed) -> None:
    await adapter.quote(task("wavespeed-ai/flashvsr", {}, {"video": [VIDEO]}))
    assert (fake.jobs(), fake.submissions()) == ([], [])


async def test_a_discount_is_part_of_the_quote(fake: Fake, time: Time) -> None:
    body = b'{"code": 200, "data": {"price": 0.3, "discounted_price": 0.27, "currency": "USD"}}'
    assert await said(fake, time, body) == 270_000
    assert await said(fake, time, b'{"code": 200, "data": {"price": 0.3}}') == 300_000


@pytest.mark.parametrize(
    ("data", "quoted"),
    [
        (b'{"price": 0.3, "discounted_price": null, "currency": "USD"}', 300_000),
        (b'{"price": 0.3, "discounted_price": null, "currency": null}', 300_000),
        (b'{"price": null, "discounted_price": 0.27}', 270_000),
        (b'{"price": null, "discounted_price": null}', None),
        (b'{"price": 0.3, "discounted_price": 0}', 0),
    ],
)
async def test_a_field_that_is_null_says_nothing(fake: Fake, time: Time, data: bytes, quoted: int | None) -> None:
    assert await said(fake, time, b'{"code": 200, "data": ' + data + b"}") == quoted


async def test_the_older_name_of_the_price_is_asked_where_the_newer_is_not_known(fake: Fake, time: Time) -> None:
    older = b'{"code": 200, "data": {"unit_price": 0.45, "currency": "USD"}}'
    assert await said(fake, time, b"{}", older, statuses=(404, 200)) == 450_000


@pytest.mark.parametrize(
    "body",
    [
        b'{"code": 200, "data": {}}',
        b'{"code": 200, "data": {"discounted_price": null}}',
        b'{"code": 200, "data": {"discounted_price": "a few cents"}}',
        b'{"code": 200, "data": {"discounted_price": -1}}',
        b'{"code": 200, "data": {"discounted_price": 1, "currency": "EUR"}}',
    ],
)
async def test_a_quote_that_cannot_be_read_is_none(fake: Fake, time: Time, body: bytes) -> None:
    assert await said(fake, time, body) is None


async def test_a_model_that_has_no_price_has_no_quote(adapter: WaveSpeed) -> None:
    assert await adapter.quote(task("acme/unheard-of")) is None


async def test_a_quote_that_is_refused_or_not_given_says_so(fake: Fake, adapter: WaveSpeed) -> None:
    fake.next("wavespeed.price", Behaviour(status=503), times=None)
    with pytest.raises(ProviderUnknown):
        await adapter.quote(task())
    fake.revoke("wavespeed", "another")
    with pytest.raises(ProviderRefused):
        await adapter.quote(task())


async def test_every_job_has_one_bill_with_its_amount_model_and_time(fake: Fake, adapter: WaveSpeed) -> None:
    await performed(adapter, task())
    (job,), (bill,) = fake.jobs(), await bills(adapter)
    assert (bill.job, bill.amount, bill.model) == (job.id, 50_000, PICTURE)
    assert abs(bill.at - job.created) < SECOND


@pytest.mark.parametrize(
    ("behaviour", "amount"),
    [
        (Behaviour(bill="0.07"), 70_000),
        (Behaviour(bill="0"), 0),
        (Behaviour(bill="0.001", bill_unit="micros"), 1_000),
        (Behaviour(bill="12.5", bill_unit="micros"), 12_500_000),
        (Behaviour(bill="3"), 3_000_000),
        (Behaviour(bill="unreadable"), None),
        (Behaviour(polls=3), 50_000),
    ],
)
async def test_a_bill_is_what_the_provider_says_and_none_where_that_cannot_be_read(
    fake: Fake, adapter: WaveSpeed, behaviour: Behaviour, amount: int | None
) -> None:
    assert await billed(adapter, fake, behaviour) == [amount]


async def test_a_job_without_a_bill_has_none(fake: Fake, adapter: WaveSpeed) -> None:
    assert await billed(adapter, fake, Behaviour(bill="nothing")) == []


async def test_a_failed_job_costs_nothing_unless_its_bill_is_final(fake: Fake, adapter: WaveSpeed) -> None:
    assert await billed(adapter, fake, Behaviour(ending="failed")) == [0]
    assert await billed(adapter, fake, Behaviour(ending="failed", bill="0.02")) == [0, 20_000]


async def test_bills_are_those_of_jobs_made_in_the_time_asked_for(fake: Fake, adapter: WaveSpeed) -> None:
    start = now()
    for _ in range(3):
        await performed(adapter, task())
        fake.advance(HOUR)
    made = [job.created for job in fake.jobs()]
    ids = [job.id for job in fake.jobs()]
    assert [bill.job for bill in await bills(adapter)] == ids
    assert [bill.job for bill in await bills(adapter, start - SECOND, start + HOUR * SECOND)] == ids[:1]
    assert [bill.job for bill in await bills(adapter, made[1] - SECOND, made[2] - SECOND)] == ids[1:2]


async def test_bills_come_in_pages(fake: Fake, time: Time) -> None:
    def page(first: int, count: int) -> bytes:
        items = [record(str(number)) for number in range(first, first + count)]
        return msgspec.json.encode({"code": 200, "data": {"items": [*items, {"billing_type": "deduct"}][:100]}})

    async with (
        answering(answer(200, page(0, 100)), answer(500), answer(200, page(100, 20))) as served,
        wavespeed(fake, time, url=served.url) as adapter,
    ):
        assert [bill.job for bill in await bills(adapter)] == [str(number) for number in range(120)]
    pages = [msgspec.json.decode(body)["page"] for _, body in served.requests]
    assert pages == [1, 2, 2]


async def test_pages_may_be_shorter_than_was_asked_for_where_the_list_tells_its_length(fake: Fake, time: Time) -> None:
    pages = [{"total": 3, "items": [record(str(number))]} for number in range(3)]
    bodies = [answer(200, msgspec.json.encode({"code": 200, "data": page})) for page in pages]
    async with answering(*bodies) as served, wavespeed(fake, time, url=served.url) as adapter:
        assert [bill.job for bill in await bills(adapter)] == ["0", "1", "2"]


def record(job: str) -> dict[str, Any]:
    prediction = {"uuid": job, "model_uuid": PICTURE, "status": "completed"}
    return {"price": 0.1, "created_at": "2026-11-25T12:00:00.5Z", "order": {}, "prediction": prediction}


async def test_bills_that_are_not_given_are_not_taken_for_none(fake: Fake, adapter: WaveSpeed) -> None:
    fake.next("wavespeed.billings", Behaviour(status=503), times=None)
    with pytest.raises(ProviderUnknown):
        await bills(adapter)


async def test_the_check_tells_the_balance(fake: Fake, adapter: WaveSpeed) -> None:
    fake.set_balance("wavespeed", "12.50")
    assert await adapter.check() == "12.5 USD left"


@pytest.mark.parametrize("body", [b"{}", b'{"code": 200, "data": {"balance": "much"}}'])
async def test_a_balance_that_cannot_be_read_is_no_check(fake: Fake, time: Time, body: bytes) -> None:
    async with answering(answer(200, body)) as served, wavespeed(fake, time, url=served.url) as adapter:
        with pytest.raises(ProviderUnknown):
            await adapter.check()


async def test_the_check_fails_with_a_wrong_key(fake: Fake, time: Time) -> None:
    async with wavespeed(fake, time, key="wrong") as adapter:
        with pytest.raises(ProviderRefused) as refused:
            await adapter.check()
    assert refused.value.code == "bad_key"


async def test_the_check_says_that_nobody_is_there_while_a_command_still_waits(fake: Fake, time: Time) -> None:
    async with wavespeed(fake, time, url="http://127.0.0.1:1") as adapter:
        with pytest.raises(ProviderUnknown) as unknown:
            await adapter.check()
    assert (unknown.value.code, time.now < 20) == ("connection_lost", True)
