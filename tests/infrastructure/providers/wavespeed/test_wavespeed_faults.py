"""Everything that goes wrong on the wire: the right conclusion each time, and exactly one submission."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports import Delivery, Media, ProviderError, ProviderRefused, ProviderUnknown, TaskFailed, silent
from infrastructure.plugins import ProviderContext
from infrastructure.providers.wavespeed import WaveSpeed
from infrastructure.providers.wavespeed.inputs import LARGEST_INLINE
from infrastructure.wire.api import Patience
from tests.infrastructure.providers.wavespeed.tasks import PROMPT, performed, task, wavespeed
from tests.infrastructure.wire.servers import Time, answer, answering
from tests.wire.clients import EDIT
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake, serving
from tests.wire.proxy import Fault, Proxy, proxied

SUBMISSION = PROMPT.encode()
POLL = b"/result"
ACCEPTED = b'{"code": 200, "message": "success", "data": {"id": "7", "status": "created"}}'


@pytest.fixture
def proxy(fake: Fake) -> Iterator[Proxy]:
    place = urlsplit(fake.url)
    with proxied(str(place.hostname), place.port or 0) as proxy:
        yield proxy


@pytest.fixture
async def distant(fake: Fake, proxy: Proxy, time: Time) -> AsyncIterator[WaveSpeed]:
    """The adapter, with the proxy between it and the fake."""
    async with wavespeed(fake, time, url=proxy.url) as adapter:
        yield adapter


def patient(patience: Patience) -> Callable[[ProviderContext[Any]], WaveSpeed]:
    """Builds the adapter with another patience for the answer to a submission."""
    return lambda context: WaveSpeed(context, submitting=patience)


# Submissions


@pytest.mark.parametrize(
    ("behaviour", "code", "final"),
    [
        (Behaviour(status=400), "invalid_request", False),
        (Behaviour(status=401), "bad_key", False),
        (Behaviour(status=402), "no_credit", False),
        (Behaviour(status=403, error="insufficient balance, please top up"), "no_credit", False),
        (Behaviour(status=403), "bad_key", False),
        (Behaviour(status=400, error="the model id is case-sensitive"), "invalid_request", False),
        (Behaviour(status=404), "unknown_model", False),
        (Behaviour(status=413), "too_large", False),
        (Behaviour(status=422), "invalid_request", False),
        (Behaviour(status=429, retry_after="1"), "rate_limited", False),
        (Behaviour(filtered="refused"), "content_moderation", True),
    ],
)
async def test_a_refused_submission_made_no_job_and_is_not_sent_again(
    fake: Fake, adapter: WaveSpeed, time: Time, behaviour: Behaviour, code: str, final: bool
) -> None:
    fake.next("wavespeed", behaviour)
    with pytest.raises(ProviderRefused) as refused:
        await adapter.submit(task(), silent)
    assert (refused.value.code, refused.value.final) == (code, final)
    assert (len(fake.submissions()), fake.jobs(), time.slept) == (1, [], [])


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize(
    "behaviour",
    [
        *(Behaviour(status=status) for status in (408, 409, 425, 500, 502, 503, 504)),
        Behaviour(lost="drop"),
        Behaviour(lost="truncate"),
    ],
)
async def test_a_submission_without_a_clear_answer_is_unknown_and_not_sent_again(
    fake: Fake, adapter: WaveSpeed, time: Time, behaviour: Behaviour, accepted: bool
) -> None:
    fake.next("wavespeed", Behaviour(status=behaviour.status, lost=behaviour.lost, accepted=accepted or None))
    with pytest.raises(ProviderUnknown):
        await adapter.submit(task(), silent)
    assert (len(fake.submissions()), time.slept) == (1, [])


async def test_an_unknown_key_is_refused_in_the_providers_words(fake: Fake, time: Time) -> None:
    async with wavespeed(fake, time, key="wrong") as adapter:
        with pytest.raises(ProviderRefused, match="Unauthorized") as refused:
            await adapter.submit(task(), silent)
    assert refused.value.code == "bad_key"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"code": 400, "message": "no", "data": null}', "invalid_request"),
        (b'{"code": 401, "message": "no", "data": {}}', "bad_key"),
        (b'{"code": 1401, "message": "no"}', "invalid_request"),
        (b'{"code": 1403, "message": "no"}', "refused"),
        (b'{"code": 1200, "message": "no"}', "content_moderation"),
    ],
)
async def test_an_error_inside_a_success_is_an_error(fake: Fake, time: Time, body: bytes, code: str) -> None:
    async with answering(answer(200, body)) as served, wavespeed(fake, time, url=served.url) as adapter:
        with pytest.raises(ProviderRefused) as refused:
            await adapter.submit(task(), silent)
    assert (refused.value.code, len(served.requests)) == (code, 1)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"code": 200, "data": {"status": "created"}}',
        b'{"code": 200, "data": {"id": 7, "status": "created"}}',
        b'{"code": 200, "data": {"id": "", "status": "created"}}',
        b'{"code": 200, "data": null}',
        b'{"code": 500, "data": null}',
        b'{"code": 5004, "data": null}',
        b'{"code": "odd"}',
        b'{"id": "7"}',
    ],
)
async def test_an_answer_that_names_no_job_may_have_made_one(fake: Fake, time: Time, body: bytes) -> None:
    async with answering(answer(200, body)) as served, wavespeed(fake, time, url=served.url) as adapter:
        with pytest.raises(ProviderUnknown):
            await adapter.submit(task(), silent)
    assert len(served.requests) == 1


@pytest.mark.parametrize("kind", ["before", "after", "truncate"])
async def test_a_submission_whose_connection_breaks_is_unknown(
    fake: Fake, distant: WaveSpeed, proxy: Proxy, kind: str
) -> None:
    proxy.next(Fault(kind, when=SUBMISSION))  # type: ignore[arg-type]
    with pytest.raises(ProviderUnknown) as unknown:
        await distant.submit(task(), silent)
    assert unknown.value.code == "connection_lost"
    assert (len(fake.submissions()), proxy.waiting) == (0 if kind == "before" else 1, 0)


async def test_a_submission_that_is_late_or_slow_is_accepted(fake: Fake, distant: WaveSpeed, proxy: Proxy) -> None:
    proxy.next(Fault("delay", when=SUBMISSION))
    proxy.next(Fault("drip", when=SUBMISSION))
    for _ in range(2):
        await distant.submit(task(), silent)
    assert len(fake.submissions()) == 2


async def test_a_submission_that_is_answered_for_ever_is_unknown(fake: Fake, time: Time, proxy: Proxy) -> None:
    proxy.next(Fault("drip", when=SUBMISSION, seconds=1_000))
    async with wavespeed(fake, time, url=proxy.url, build=patient(Patience(20.0, 1.0))) as distant:
        with pytest.raises(ProviderUnknown) as unknown:
            await distant.submit(task(), silent)
    assert (unknown.value.code, len(fake.submissions())) == ("timeout", 1)


async def test_a_submission_that_nobody_answers_is_unknown(fake: Fake, time: Time) -> None:
    fake.next("wavespeed", Behaviour(held=True))
    async with wavespeed(fake, time, build=patient(Patience(1.0, 20.0))) as adapter:
        with pytest.raises(ProviderUnknown) as unknown:
            await adapter.submit(task(), silent)
    fake.release()
    assert (unknown.value.code, len(fake.jobs())) == ("timeout", 1)


async def test_a_provider_that_is_away_was_never_asked(fake: Fake, time: Time) -> None:
    async with wavespeed(fake, time, url="http://127.0.0.1:1") as adapter:
        with pytest.raises(ProviderRefused) as refused:
            await adapter.submit(task(), silent)
    assert refused.value.code == "unreachable"


async def test_who_stops_waiting_has_submitted_once(fake: Fake, adapter: WaveSpeed) -> None:
    fake.next("wavespeed", Behaviour(held=True))
    submitting = asyncio.create_task(adapter.submit(task(), silent))
    await asyncio.to_thread(fake.wait_for, fake.jobs)
    submitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await submitting
    fake.release()
    assert len(fake.submissions()) == 1


# Polls


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_storm_of_errors_on_polls_is_outlived(fake: Fake, adapter: WaveSpeed, time: Time, status: int) -> None:
    fake.next("wavespeed", Behaviour(poll_failures=(status,) * 6, polls=1))
    delivery = await performed(adapter, task())
    assert len(delivery.outputs) == 1
    assert time.slept == [0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 1.0]
    assert len(fake.submissions()) == 1


async def test_a_job_that_was_made_just_now_may_not_be_seen_yet(fake: Fake, adapter: WaveSpeed) -> None:
    fake.next("wavespeed", Behaviour(poll_failures=(404,) * 6))
    assert len((await performed(adapter, task())).outputs) == 1
    assert len(fake.submissions()) == 1


@pytest.mark.parametrize("kind", ["before", "after", "truncate", "drip", "delay"])
async def test_polls_outlive_every_fault_of_the_wire(fake: Fake, distant: WaveSpeed, proxy: Proxy, kind: str) -> None:
    fake.next("wavespeed", Behaviour(polls=1))
    proxy.next(Fault(kind, when=POLL), times=3)  # type: ignore[arg-type]
    delivery = await performed(distant, task(deadline=300))
    assert len(delivery.outputs) == 1
    assert (len(fake.submissions()), len(fake.jobs())) == (1, 1)


@pytest.mark.parametrize("behaviour", [Behaviour(status=503), Behaviour(lost="drop"), Behaviour(lost="truncate")])
async def test_polls_that_fail_until_the_deadline_leave_the_job_to_be_found_later(
    fake: Fake, adapter: WaveSpeed, time: Time, behaviour: Behaviour
) -> None:
    job = await adapter.submit(task(), silent)
    fake.next("wavespeed.polls", behaviour, times=None)
    with pytest.raises(ProviderUnknown):
        await adapter.collect(task(deadline=60), job, silent)
    assert time.now <= 60
    fake.heal()
    assert len((await adapter.collect(task(), job, silent)).outputs) == 1
    assert len(fake.submissions()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"{}",
        b'{"code": 200, "data": {"id": "7"}}',
        b'{"code": 200, "data": {"id": "7", "status": "on holiday"}}',
        b'{"code": 500, "message": "oops"}',
        b'{"code": 429, "message": "slower"}',
    ],
)
async def test_a_poll_that_makes_no_sense_is_repeated(fake: Fake, time: Time, body: bytes) -> None:
    done = b'{"id": "7", "status": "completed", "outputs": ["https://x.test/a.png"]}'
    async with (
        answering(answer(200, ACCEPTED), answer(200, body), answer(200, done)) as served,
        wavespeed(fake, time, url=served.url) as adapter,
    ):
        assert len((await performed(adapter, task())).outputs) == 1
    assert len(served.requests) == 3


async def test_a_poll_waits_as_long_as_it_is_asked_to(fake: Fake, time: Time) -> None:
    slower = answer(429, b"{}", "retry-after: 40")
    done = b'{"id": "7", "status": "completed", "outputs": ["https://x.test/a.png"]}'
    async with (
        answering(answer(200, ACCEPTED), slower, answer(200, done)) as served,
        wavespeed(fake, time, url=served.url) as adapter,
    ):
        await performed(adapter, task())
    assert time.slept == [40]


# Whatever happens, in whatever order

SUBMISSIONS = st.builds(
    Behaviour,
    status=st.sampled_from([200, 200, 200, 400, 408, 429, 500, 503]),
    accepted=st.sampled_from([None, True, False]),
    lost=st.sampled_from(["", "", "drop", "truncate"]),
    filtered=st.sampled_from(["", "", "refused", "result"]),
    bare=st.booleans(),
    polls=st.integers(0, 3),
    poll_failures=st.lists(st.sampled_from([429, 500, 503]), max_size=4).map(tuple),
    ending=st.sampled_from(["completed", "succeeded", "failed", "cancelled", "timeout", "never"]),
    outputs=st.sampled_from([None, 0, 2]),
)
POLLS = st.lists(
    st.builds(
        Behaviour, status=st.sampled_from([200, 404, 429, 500, 503]), lost=st.sampled_from(["", "drop", "truncate"])
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    """A fake for many examples."""
    with serving(tmp_path_factory.mktemp("fake")) as running:
        yield running


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(behaviour=SUBMISSIONS, polls=POLLS, recovered=st.booleans())
def test_no_sequence_of_behaviours_leads_to_a_second_submission(
    lasting: Fake, behaviour: Behaviour, polls: list[Behaviour], recovered: bool
) -> None:
    """Sent, lost, polled, recovered: one request for work, at most one job, and one conclusion that fits it."""
    lasting.heal()
    before, taken = len(lasting.submissions()), [job.id for job in lasting.jobs()]
    lasting.next("wavespeed", behaviour)
    for poll in polls:
        lasting.next("wavespeed.polls", poll)
    ended = asyncio.run(carried_through(lasting, recovered, taken))
    assert len(lasting.submissions()) == before + 1
    made = lasting.jobs()[len(taken) :]
    assert len(made) <= 1
    match ended:
        case ProviderRefused():
            assert not made or behaviour.accepted
        case Delivery():
            assert made[0].delivered
        case TaskFailed(code="unknown_job"):
            assert any(poll.status == 404 for poll in polls)
        case TaskFailed():
            assert made[0].ended
            assert not made[0].delivered
        case ProviderUnknown():
            pass


async def carried_through(fake: Fake, recovered: bool, taken: list[str]) -> Delivery | ProviderError:
    """As the application does it: submit, collect, and where that stays unknown and it is `recovered`, find, leave
    what belongs to others, and collect again."""
    one = task(deadline=60)
    async with wavespeed(fake, Time()) as adapter:
        try:
            return await performed(adapter, one)
        except ProviderUnknown as unknown:
            if not recovered:
                return unknown
        except ProviderError as error:
            return error
        try:
            jobs = [job for job in await adapter.find(one) if job.id not in taken]
            return await adapter.collect(one, jobs[0], silent) if jobs else ProviderUnknown("not_found", "")
        except ProviderError as error:
            return error


async def test_files_that_cannot_be_uploaded_are_a_submission_that_was_never_sent(
    fake: Fake, adapter: WaveSpeed
) -> None:
    fake.next("wavespeed.uploads", Behaviour(status=500), times=None)
    with pytest.raises(ProviderRefused) as refused:
        await adapter.submit(task(EDIT, files={"image": [Media(bytes(LARGEST_INLINE + 1), "image/png")]}), silent)
    assert (refused.value.code, fake.submissions()) == ("upload_failed", [])
