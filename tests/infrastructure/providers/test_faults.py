"""Whatever goes wrong on the wire, a submission is sent once, and told as what it is: refused, failed or unknown."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from application.ports import (
    Delivery,
    Job,
    Provider,
    ProviderError,
    ProviderRefused,
    ProviderUnknown,
    Recovery,
    TaskFailed,
    silent,
)
from tests.infrastructure.providers.benches import BENCHES, LATER, SECRET_PROMPT, worker
from tests.infrastructure.providers.conftest import Open
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake, serving

every = pytest.mark.parametrize("name", BENCHES)
later = pytest.mark.parametrize("name", LATER)

REFUSALS = {
    400: "invalid_request",
    402: "no_credit",
    404: "unknown_model",
    413: "too_large",
    422: "invalid_request",
    429: "rate_limited",
}


async def failure(name: str, open_worker: Open) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await open_worker(name).run(BENCHES[name].task)
    assert SECRET_PROMPT not in str(caught.value)
    return caught.value


def submissions(fake: Fake, name: str) -> int:
    return len(fake.submissions(BENCHES[name].provider))


@every
async def test_a_healthy_provider_delivers_after_one_submission(fake: Fake, open_worker: Open, name: str) -> None:
    delivery = await open_worker(name).run(BENCHES[name].task)
    assert len(delivery.outputs) == 1
    assert submissions(fake, name) == 1


@every
async def test_a_provider_that_is_not_there_has_refused(fake: Fake, open_worker: Open, name: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ProviderRefused) as caught:
            await open_worker(name, url=nowhere).run(BENCHES[name].task)
    assert (caught.value.code, caught.value.final) == ("unreachable", False)


@every
@pytest.mark.parametrize("status", REFUSALS)
async def test_a_definite_no_is_a_refusal_with_a_stable_code(
    fake: Fake, open_worker: Open, name: str, status: int
) -> None:
    fake.next(BENCHES[name].provider, Behaviour(status=status))
    error = await failure(name, open_worker)
    assert isinstance(error, ProviderRefused)
    assert (error.code, error.final) == (REFUSALS[status], False)
    assert submissions(fake, name) == 1


@every
@pytest.mark.parametrize("status", [408, 409, 425, 500, 502, 504])
@pytest.mark.parametrize("accepted", [True, False])
async def test_an_answer_that_says_nothing_leaves_it_unknown(
    fake: Fake, open_worker: Open, name: str, status: int, accepted: bool
) -> None:
    fake.next(BENCHES[name].provider, Behaviour(status=status, accepted=accepted))
    assert isinstance(await failure(name, open_worker), ProviderUnknown)
    assert submissions(fake, name) == 1


@pytest.mark.parametrize("name", [name for name in BENCHES if name != "huggingface"])
async def test_an_overload_leaves_it_unknown(fake: Fake, open_worker: Open, name: str) -> None:
    fake.next(BENCHES[name].provider, Behaviour(status=503))
    assert isinstance(await failure(name, open_worker), ProviderUnknown)


async def test_a_model_that_is_being_loaded_has_refused(fake: Fake, open_worker: Open) -> None:
    fake.next("huggingface", Behaviour(status=503))
    error = await failure("huggingface", open_worker)
    assert isinstance(error, ProviderRefused)
    assert (error.code, submissions(fake, "huggingface")) == ("loading", 1)


@every
@pytest.mark.parametrize("lost", ["drop", "truncate"])
async def test_a_connection_that_dies_under_way_leaves_it_unknown(
    fake: Fake, open_worker: Open, name: str, lost: str
) -> None:
    fake.next(BENCHES[name].provider, Behaviour.read({**Behaviour().stored(), "lost": lost}))
    error = await failure(name, open_worker)
    assert isinstance(error, ProviderUnknown)
    assert error.code == "connection_lost"
    assert (submissions(fake, name), len(fake.jobs())) == (1, 1)


async def test_an_answer_that_does_not_come_in_time_leaves_it_unknown(fake: Fake, open_worker: Open) -> None:
    fake.next("openai", Behaviour(held=True))
    with pytest.raises(ProviderUnknown) as caught:
        await open_worker("openai").run(replace(BENCHES["openai"].task, deadline=1))
    fake.release()
    assert (caught.value.code, submissions(fake, "openai")) == ("timeout", 1)


@every
async def test_a_wrong_key_is_told_without_the_key(fake: Fake, open_worker: Open, name: str) -> None:
    with pytest.raises(ProviderRefused) as caught:
        await open_worker(name, key="hf_not-the-one").run(BENCHES[name].task)
    assert caught.value.code == "bad_key"
    assert "not-the-one" not in caught.value.message


@every
async def test_a_route_without_a_key_lacks_it(open_worker: Open, name: str) -> None:
    bench = BENCHES[name]
    assert open_worker(name).provider.lacks(bench.task.route) == ""
    missing = f"set IMAGESTUDIO_{bench.provider.upper()}_KEY"
    assert open_worker(name, key="").provider.lacks(bench.task.route) == missing


@pytest.mark.parametrize("name", ["stability", "stability, v1", "openai", "openai, edit", "fal", "fal itself"])
async def test_what_is_not_allowed_is_a_refusal_that_no_other_model_mends(
    fake: Fake, open_worker: Open, name: str
) -> None:
    fake.next(BENCHES[name].provider, Behaviour(filtered="refused"))
    error = await failure(name, open_worker)
    assert isinstance(error, ProviderRefused)
    assert (error.code, error.final) == ("content_moderation", True)
    assert submissions(fake, name) == 1


@pytest.mark.parametrize("name", [name for name in BENCHES if name != "fal itself"])
async def test_what_got_lost_cannot_be_looked_up(open_worker: Open, name: str) -> None:
    provider: Provider = open_worker(name).provider
    assert provider.recovery is Recovery.BLIND
    with pytest.raises(ProviderUnknown):
        await provider.find(BENCHES[name].task)


@every
async def test_a_check_costs_nothing_and_says_something(fake: Fake, open_worker: Open, name: str) -> None:
    assert await open_worker(name).provider.check()
    assert not fake.jobs()
    assert not fake.submissions()


@every
async def test_a_check_with_a_wrong_key_says_so(open_worker: Open, name: str) -> None:
    with pytest.raises(ProviderRefused) as caught:
        await open_worker(name, key="hf_other").provider.check()
    assert caught.value.code == "bad_key"


@every
async def test_a_check_where_nobody_is_says_so_while_a_command_still_waits(open_worker: Open, name: str) -> None:
    worker = open_worker(name, url="http://127.0.0.1:1")
    with pytest.raises(ProviderUnknown) as caught:
        await worker.provider.check()
    assert (caught.value.code, worker.time.now < 20) == ("connection_lost", True)


@pytest.mark.parametrize("name", ["stability", "openai"])
async def test_what_has_no_job_cannot_be_stopped_or_collected(open_worker: Open, name: str) -> None:
    provider, wanted = open_worker(name).provider, BENCHES[name].task
    assert not await provider.cancel(wanted, None)
    assert not await provider.cancel(wanted, Job("any"))


async def test_a_job_is_nothing_that_openai_hands_out(open_worker: Open) -> None:
    with pytest.raises(TaskFailed):
        await open_worker("openai").provider.collect(BENCHES["openai"].task, Job("any"), silent)


# Jobs


@later
async def test_a_job_is_waited_for_with_pauses(fake: Fake, open_worker: Open, name: str) -> None:
    fake.next(BENCHES[name].provider, Behaviour(polls=3))
    worker = open_worker(name)
    assert (await worker.run(BENCHES[name].task)).outputs
    assert len(worker.time.slept) == 3


@later
async def test_a_storm_of_failing_polls_is_ridden_out(fake: Fake, open_worker: Open, name: str) -> None:
    fake.next(BENCHES[name].provider, Behaviour(polls=1, poll_failures=(500, 503, 429, 502)))
    assert (await open_worker(name).run(BENCHES[name].task)).outputs
    assert submissions(fake, name) == 1


@later
async def test_a_job_that_was_made_just_now_may_not_be_seen_yet(fake: Fake, open_worker: Open, name: str) -> None:
    fake.next(BENCHES[name].provider, Behaviour(poll_failures=(404,)))
    assert (await open_worker(name).run(BENCHES[name].task)).outputs
    assert submissions(fake, name) == 1


@later
async def test_a_job_that_does_not_end_in_time_stays_unknown_and_can_be_collected_later(
    fake: Fake, open_worker: Open, name: str
) -> None:
    fake.next(BENCHES[name].provider, Behaviour(polls=10_000))
    worker, wanted = open_worker(name), BENCHES[name].task
    job = await worker.provider.submit(wanted, silent)
    assert isinstance(job, Job)
    with pytest.raises(ProviderUnknown):
        await worker.provider.collect(wanted, job, silent)
    assert worker.time.now <= wanted.deadline
    fake.change(fake.jobs()[0].id, Behaviour())
    assert (await open_worker(name).provider.collect(wanted, job, silent)).outputs
    assert submissions(fake, name) == 1


@later
async def test_a_job_that_failed_has_failed(fake: Fake, open_worker: Open, name: str) -> None:
    fake.next(BENCHES[name].provider, Behaviour(ending="failed", error="it fell over"))
    error = await failure(name, open_worker)
    assert isinstance(error, TaskFailed)
    assert (error.cost, "it fell over" in error.message) == (0, True)


@later
async def test_a_job_that_nobody_knows_any_more_has_failed(open_worker: Open, name: str) -> None:
    gone = Job("fal-ai/flux/requests/gone" if name == "fal" else "gone")
    with pytest.raises(TaskFailed) as caught:
        await open_worker(name).provider.collect(BENCHES[name].task, gone, silent)
    assert caught.value.code == "unknown_job"


@later
async def test_a_key_that_was_revoked_meanwhile_says_nothing_about_the_job(
    fake: Fake, open_worker: Open, name: str
) -> None:
    worker, wanted = open_worker(name), BENCHES[name].task
    job = await worker.provider.submit(wanted, silent)
    assert isinstance(job, Job)
    fake.revoke(BENCHES[name].provider, "another")
    with pytest.raises(ProviderUnknown):
        await worker.provider.collect(wanted, job, silent)


# Any sequence


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fake]:
    path: Path = tmp_path_factory.mktemp("shared")
    with serving(path / "fake") as running:
        yield running


behaviours = st.builds(
    Behaviour,
    status=st.sampled_from([200, 200, 200, 400, 402, 404, 409, 422, 429, 500, 503]),
    accepted=st.sampled_from([None, True, False]),
    lost=st.sampled_from(["", "", "", "drop", "truncate"]),
    filtered=st.sampled_from(["", "", "refused", "result"]),
    retry_after=st.sampled_from(["", "1"]),
    polls=st.integers(0, 3),
    poll_failures=st.lists(st.sampled_from([408, 429, 500, 503, 404, 401]), max_size=3).map(tuple),
    ending=st.sampled_from(["completed", "completed", "failed", "never"]),
)


@every
@settings(max_examples=15)
@given(behaviour=behaviours)
async def test_no_behaviour_leads_to_a_second_submission(shared: Fake, name: str, behaviour: Behaviour) -> None:
    bench, before = BENCHES[name], submissions(shared, name)
    shared.heal()
    shared.next(bench.provider, behaviour)
    adapter = worker(shared, bench)
    try:
        delivered: Delivery | ProviderError = await adapter.run(bench.task)
    except ProviderError as error:
        delivered = error
    finally:
        await adapter.provider.close()
    assert submissions(shared, name) == before + 1
    if isinstance(delivered, Delivery):
        assert delivered.outputs or behaviour.filtered
