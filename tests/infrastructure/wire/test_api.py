"""One exchange with an API: what its failures mean, what is asked again, and what is never sent twice."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Awaitable, Callable
from decimal import Decimal

import httpx
import pytest

from application.ports import ProviderRefused, ProviderUnknown, TaskFailed
from infrastructure.wire.answers import Answer, ApiProblem, Unreadable
from infrastructure.wire.api import Api, Pace, Patience
from infrastructure.wire.client import open_client
from tests import patience
from tests.infrastructure.wire.servers import DRIP, HANG, Served, Time, answer, answering, calling

BRIEF, LONG = Patience(1.0, 1.0), Patience(20.0, 20.0)
PACE = Pace(1.0, 5.0)
NOWHERE = "http://127.0.0.1:1"
SECRET = "key-that-nobody-may-see"


async def submitted(api: Api, served: Served, patience: Patience = LONG) -> ProviderRefused | ProviderUnknown | Answer:
    """What became of one submission; it was sent exactly once."""
    try:
        return await api.submit("job", patience=patience, json={"prompt": "a pond"})
    except (ProviderRefused, ProviderUnknown) as error:
        return error
    finally:
        assert len(served.requests) == 1


async def test_a_submission_carries_the_key_and_exact_decimals(time: Time) -> None:
    async with answering(answer(200, b'{"price": 0.1}')) as served, calling(served.url, time, key=SECRET) as api:
        reply = await api.submit("a/b", json={"scale": Decimal("0.10")}, params={"webhook": "https://x/y?z"})
    head, body = served.requests[0]
    assert head.startswith("POST /a/b?webhook=https%3A%2F%2Fx%2Fy%3Fz HTTP/1.1")
    assert f"Authorization: Bearer {SECRET}" in head
    assert body == b'{"scale":0.10}'
    assert reply.json() == {"price": Decimal("0.1")}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (401, "bad_key"),
        (402, "no_credit"),
        (403, "bad_key"),
        (404, "unknown_model"),
        (413, "too_large"),
        (418, "refused"),
        (422, "invalid_request"),
        (429, "rate_limited"),
    ],
)
async def test_a_refused_submission_was_definitely_not_accepted(time: Time, status: int, code: str) -> None:
    async with answering(answer(status)) as served, calling(served.url, time) as api:
        error = await submitted(api, served)
    assert isinstance(error, ProviderRefused)
    assert (error.code, error.final) == (code, False)


@pytest.mark.parametrize(
    "said",
    [
        *(answer(status) for status in (302, 408, 409, 425, 500, 502, 503, 504)),
        b"",
        b"HTTP/1.1 200 X\r\ncontent-le",
        b"no HTTP at all\r\n\r\n",
        answer(200, b'{"id": "7"', length=1000)[:60],
        answer(200, b"not gzip", "content-encoding: gzip"),
        HANG,
        DRIP,
    ],
)
async def test_a_submission_without_a_clear_answer_may_have_been_accepted(time: Time, said: bytes) -> None:
    async with answering(said) as served, calling(served.url, time) as api:
        error = await submitted(api, served, BRIEF if said in (HANG, DRIP) else LONG)
    assert isinstance(error, ProviderUnknown)
    assert time.slept == []


async def test_a_submission_that_never_found_a_connection_was_not_accepted(time: Time) -> None:
    async with calling(NOWHERE, time) as api:
        with pytest.raises(ProviderRefused) as refused:
            await api.submit("job")
    assert refused.value.code == "unreachable"


async def test_a_submission_whose_proxy_refuses_was_not_accepted(time: Time) -> None:
    async with answering(answer(407)) as served:
        api = Api("https://api.example.com", open_client(proxy=served.url), sleep=time.sleep, monotonic=time)
        with pytest.raises(ProviderRefused) as refused:
            await api.submit("job")
        await api.close()
    assert refused.value.code == "unreachable"
    assert served.requests[0][0].startswith("CONNECT api.example.com:443")


async def test_a_submission_never_reuses_a_connection_and_reads_do(time: Time) -> None:
    async with answering(answer()) as served, calling(served.url, time) as api:
        await api.read("GET", "a", within=5)
        await api.read("GET", "b", within=5)
        assert served.connections == 1
        await api.submit("job")
        await api.submit("job")
        await api.submit("job", json={"text": "x" * 100_000})
        await api.submit("job", json={"text": "x" * 100_000})
    assert served.connections == 5
    assert [len(body) > 100_000 for _, body in served.requests] == [False, False, False, False, True, True]


async def test_a_compressed_answer_could_be_of_any_size_and_is_not_unpacked(time: Time) -> None:
    bomb = gzip.compress(bytes(1_000_000))
    async with answering(answer(200, bomb, "content-encoding: gzip")) as served, calling(served.url, time) as api:
        with pytest.raises(Unreadable, match="coding that was not asked for"):
            await api.submit("job")


async def test_an_answer_larger_than_its_limit_is_not_read_on(time: Time) -> None:
    async with answering(answer(200, bytes(5000))) as served, calling(served.url, time) as api:
        with pytest.raises(Unreadable, match="more than 1000 bytes"):
            await api.submit("job", limit=1000)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"[" * 100_000, b"[1]", b'"text"', b'{"a": NaN}', b"\xff"])
def test_what_is_no_object_cannot_be_read(body: bytes) -> None:
    with pytest.raises(ProviderUnknown):
        Answer(200, httpx.Headers(), body).object()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_read_is_repeated_with_growing_pauses_until_it_is_answered(time: Time, status: int) -> None:
    async with (
        answering(*[answer(status)] * 3, answer(200, b'{"done": true}')) as served,
        calling(served.url, time) as api,
    ):
        assert (await api.read("GET", "job", within=60)).json() == {"done": True}
    assert time.slept == [0.5, 1.0, 2.0]


async def test_a_read_is_repeated_where_the_connection_broke(time: Time) -> None:
    truncated = answer(200, b"{", length=100)[:-1]
    async with answering(b"", truncated, answer(200, b'{"done": 1}')) as served, calling(served.url, time) as api:
        assert (await api.read("GET", "job", within=60)).object() == {"done": 1}
    assert len(served.requests) == 3


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("retry-after: 7", 7.0),
        ("date: Wed, 21 Oct 2026 07:28:00 GMT\r\nretry-after: Wed, 21 Oct 2026 07:28:09 GMT", 9.0),
        ("retry-after: soon", 0.5),
        ("retry-after: 0", 0.5),
    ],
)
async def test_a_read_waits_as_long_as_it_is_asked_to(time: Time, header: str, pause: float) -> None:
    async with answering(answer(429, b"", header), answer()) as served, calling(served.url, time) as api:
        await api.read("GET", "job", within=60)
    assert time.slept == [pause]


async def test_a_read_that_is_asked_to_wait_beyond_its_deadline_ends_at_once(time: Time) -> None:
    async with answering(answer(429, b"", "retry-after: 3600")) as served, calling(served.url, time) as api:
        with pytest.raises(ProviderUnknown) as unknown:
            await api.read("GET", "job", within=60)
    assert (unknown.value.code, time.slept) == ("rate_limited", [])


@pytest.mark.parametrize("said", [answer(500), b""])
async def test_a_read_ends_with_its_deadline(time: Time, said: bytes) -> None:
    async with answering(said) as served, calling(served.url, time) as api:
        with pytest.raises(ProviderUnknown):
            await api.read("GET", "job", within=20)
    assert time.slept == [0.5, 1.0, 2.0, 4.0, 8.0]


async def test_a_read_that_is_refused_is_not_repeated(time: Time) -> None:
    async with answering(answer(404)) as served, calling(served.url, time) as api:
        with pytest.raises(ProviderRefused):
            await api.read("GET", "job", within=60)
    assert len(served.requests) == 1


async def test_an_absolute_address_gets_no_key(time: Time) -> None:
    async with (
        answering(answer()) as store,
        answering(answer()) as served,
        calling(served.url, time, key=SECRET) as api,
    ):
        await api.read("PUT", f"{store.url}/file", within=5, content=b"bytes", headers={"x-own": "1"})
    head, body = store.requests[0]
    assert body == b"bytes"
    assert "x-own: 1" in head
    assert "authorization" not in head.lower()


def asking(*told: str | Exception | None) -> tuple[Callable[[float], Awaitable[str | None]], list[float]]:
    """Something to poll, which tells these in order, the last one for ever; and how many seconds each had left."""
    left, seconds = list(told), []

    async def ask(within: float) -> str | None:
        seconds.append(within)
        said = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(said, Exception):
            raise said
        return said

    return ask, seconds


async def test_a_job_is_asked_at_once_and_then_ever_more_slowly(time: Time) -> None:
    async with calling(NOWHERE, time) as api:
        ask, seconds = asking(None, None, None, None, None, None, "done")
        assert await api.poll(ask, pace=PACE, deadline=60) == "done"
    assert time.slept == [1.0, 1.5, 2.25, 3.375, 5.0, 5.0]
    assert seconds[0] == 60


@pytest.mark.parametrize(
    "said",
    [
        None,
        Unreadable(),
        ProviderUnknown("unavailable", "the provider answers 500"),
        ProviderRefused("rate_limited", "the provider answers 429"),
    ],
)
async def test_a_job_that_has_not_ended_by_its_deadline_is_unknown(time: Time, said: Exception | None) -> None:
    async with calling(NOWHERE, time) as api:
        ask, _ = asking(said)
        with pytest.raises(ProviderUnknown):
            await api.poll(ask, pace=PACE, deadline=30)
    assert sum(time.slept) == 30


async def test_what_cannot_be_read_about_a_job_is_asked_again(time: Time) -> None:
    async with calling(NOWHERE, time) as api:
        ask, _ = asking(Unreadable(), ProviderUnknown("unavailable", ""), "done")
        assert await api.poll(ask, pace=PACE, deadline=60) == "done"


NOT_THERE = ProviderRefused("unknown_model", "the provider answers 404")


@pytest.mark.parametrize(
    "said",
    [
        [NOT_THERE],
        [None, NOT_THERE],
        [NOT_THERE] * 5,
        [NOT_THERE, Unreadable(), NOT_THERE],
        [*[NOT_THERE] * 5, None, *[NOT_THERE] * 4],
    ],
    ids=["at first", "after it was there", "for a while", "between others", "now and then"],
)
async def test_a_job_that_is_not_there_for_a_moment_is_waited_for(
    time: Time, said: list[ProviderRefused | Unreadable | None]
) -> None:
    async with calling(NOWHERE, time) as api:
        ask, seconds = asking(*said, "done")
        assert await api.poll(ask, pace=PACE, deadline=60) == "done"
    assert len(seconds) == len(said) + 1


@pytest.mark.parametrize(
    ("pace", "deadline", "slept"),
    [
        (PACE, 60, [1.0, 1.5, 2.25, 3.375, 5.0, 5.0, 5.0]),
        (Pace(10.0, 10.0), 600, [10.0, 10.0]),
        (Pace(60.0, 60.0), 30, [30.0]),
        (PACE, 3, [1.0, 1.5, 0.5]),
    ],
    ids=["quick", "slow", "slower than it is waited for", "of a short deadline"],
)
async def test_a_job_that_stays_away_for_its_span_is_gone_and_has_failed(
    time: Time, pace: Pace, deadline: float, slept: list[float]
) -> None:
    async with calling(NOWHERE, time) as api:
        ask, _ = asking(NOT_THERE)
        with pytest.raises(TaskFailed, match="does not know the job any more: the provider answers 404") as failed:
            await api.poll(ask, pace=pace, deadline=deadline)
    assert (failed.value.code, time.slept) == ("unknown_job", slept)


async def test_a_job_that_went_away_just_before_its_deadline_may_still_be_running(time: Time) -> None:
    async with calling(NOWHERE, time) as api:
        ask, _ = asking(*[None] * 6, NOT_THERE)
        with pytest.raises(ProviderUnknown) as unknown:
            await api.poll(ask, pace=PACE, deadline=30)
    assert unknown.value.code == "unknown_job"


@pytest.mark.parametrize("code", ["bad_key", "no_credit", "invalid_request"])
async def test_a_job_that_we_may_not_ask_about_may_still_be_running(time: Time, code: str) -> None:
    async with calling(NOWHERE, time) as api:
        ask, seconds = asking(ProviderRefused(code, "no"))
        with pytest.raises(ProviderUnknown) as unknown:
            await api.poll(ask, pace=PACE, deadline=60)
    assert (unknown.value.code, len(seconds)) == (code, 1)


async def test_who_is_woken_looks_at_once(time: Time) -> None:
    woken, pauses = asyncio.Event(), []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        woken.set()
        await asyncio.Event().wait()

    api = Api(NOWHERE, open_client(), sleep=sleep, monotonic=time)
    ask, _ = asking(None, None, "done")
    async with asyncio.timeout(patience.SECONDS):
        assert await api.poll(ask, pace=PACE, deadline=60, woken=woken) == "done"
    await api.close()
    assert pauses == [1.0, 1.5]
    assert not woken.is_set()


def in_message(answer: Answer) -> ApiProblem:
    return ApiProblem(answer.object()["message"])


async def test_no_message_and_no_log_holds_a_key_or_an_address(time: Time, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = f'{{"message": "{SECRET} is wrong for a very private prompt, see https://x.test/?token=9"}}'.encode()
    async with answering(answer(400, said)) as served, calling(served.url, time, SECRET, in_message) as api:
        with pytest.raises(ProviderRefused) as refused:
            await api.submit("job", params={"token": "9"}, hidden=["a very private prompt"])
        assert SECRET not in repr(api)
    assert refused.value.message == "the provider answers 400: … is wrong for …, see https://x.test/"
    assert SECRET not in caplog.text
    assert "token" not in caplog.text
