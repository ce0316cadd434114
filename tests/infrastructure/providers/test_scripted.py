"""The scripted provider keeps to its script, and its journal tells the truth to every process."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from application.ports import (
    Billing,
    Delivery,
    Job,
    Provider,
    ProviderRefused,
    ProviderUnknown,
    Recovery,
    Scalar,
    Task,
    TaskFailed,
    silent,
)
from domain.errors import InvalidInput
from infrastructure.media import read_media
from infrastructure.providers.scripted import LABEL, OUTCOMES, Journal, ScriptedProvider, Submission
from tests.infrastructure.providers.outputs import at_hand

ROOT = Path(__file__).parents[3]


@pytest.fixture
def provider(tmp_path: Path) -> ScriptedProvider:
    return ScriptedProvider(tmp_path / "jobs")


def task(
    outcome: str = "done", route: str = "image", outputs: int = 1, operation: str = "op-1", **inputs: Scalar
) -> Task:
    inputs = {"prompt": "a secret wish", "outcome": outcome, **inputs}
    return Task(operation, 1, "text-to-image", "a-model", route, outputs, inputs, {})


async def delivered(provider: ScriptedProvider, wanted: Task) -> Delivery:
    answer = await provider.submit(wanted, silent)
    if isinstance(answer, Job):
        answer = await provider.collect(wanted, answer, silent)
    assert isinstance(answer, Delivery)
    return answer


async def started(provider: ScriptedProvider, wanted: Task) -> Job:
    job = await provider.submit(wanted, silent)
    assert isinstance(job, Job)
    return job


@pytest.mark.parametrize("prefix", ["", "async-"])
@pytest.mark.parametrize(
    ("route", "media_type", "width"),
    [
        ("image", "image/png", 64),
        ("edit", "image/png", 64),
        ("upscale", "image/png", 128),
        ("video", "image/webp", 64),
        ("3d", "model/gltf-binary", None),
    ],
)
async def test_every_route_delivers_real_media(
    provider: ScriptedProvider, prefix: str, route: str, media_type: str, width: int | None
) -> None:
    delivery = await delivered(provider, task(route=prefix + route))
    (output,) = at_hand(delivery)
    assert read_media(output.content, field="output", max_bytes=10**6, max_pixels=10**6) == output
    assert (output.media_type, output.width) == (media_type, width)
    assert delivery.metadata["label"] == LABEL
    assert delivery.cost is None


async def test_a_delivered_model_is_a_triangle_in_two_chunks(provider: ScriptedProvider) -> None:
    content = at_hand(await delivered(provider, task(route="3d")))[0].content
    length, kind = struct.unpack_from("<I4s", content, 12)
    scene = json.loads(content[20 : 20 + length])
    body, second = struct.unpack_from("<I4s", content, 20 + length)
    assert (kind, second, body, length % 4) == (b"JSON", b"BIN\0", 36, 0)
    assert len(content) == 20 + length + 8 + scene["buffers"][0]["byteLength"]


async def test_a_video_lasts_as_long_as_was_asked(provider: ScriptedProvider) -> None:
    assert at_hand(await delivered(provider, task(route="video", duration=5)))[0].duration_ms == 5000


async def test_outputs_follow_the_seed_and_differ_from_each_other(provider: ScriptedProvider) -> None:
    first = await delivered(provider, task(outputs=3, seed=7))
    again = await delivered(provider, task(outputs=3, seed=7, operation="op-2"))
    other = await delivered(provider, task(outputs=3, seed=8))
    assert first.outputs == again.outputs
    assert len({output.content for output in (*at_hand(first), *at_hand(other))}) == 6


async def test_a_picture_says_that_it_is_a_stand_in(provider: ScriptedProvider) -> None:
    (output,) = at_hand(await delivered(provider, task()))
    assert Image.open(io.BytesIO(output.content)).info["Software"] == LABEL


@pytest.mark.parametrize(("text", "micros"), [("0", 0), ("0.04", 40_000), ("0.000001", 1), ("12.5", 12_500_000)])
async def test_the_cost_is_billed_exactly_as_scripted(provider: ScriptedProvider, text: str, micros: int) -> None:
    assert (await delivered(provider, task(cost=text))).cost == micros


async def test_a_job_s_bill_is_its_cost_unless_the_script_says_otherwise(provider: ScriptedProvider) -> None:
    scripts: dict[str, dict[str, Scalar]] = {
        "cost": {"cost": "0.04"},
        "billed": {"cost": "0.04", "billed": "0.05"},
        "failed": {"cost": "0.04", "outcome": "fail"},
        "failed, billed": {"cost": "0.04", "outcome": "fail-billed"},
        "unknown": {},
    }
    for job, script in scripts.items():
        await provider.submit(task(route="async-image", job=job, **script), silent)  # type: ignore[arg-type]
    await provider.submit(task(route="image", cost="0.04"), silent)
    bills = [bill async for bill in provider.bills(0, 2**62)]
    assert {bill.job: bill.amount for bill in bills} == {"cost": 40_000, "billed": 50_000, "failed, billed": 40_000}
    at = bills[0].at
    assert [bill.job async for bill in provider.bills(at, at + 1)] == [bills[0].job]
    assert [bill async for bill in provider.bills(at + 3_600_000_000, 2**62)] == []


async def test_a_refusal_has_its_code_and_is_never_journaled(provider: ScriptedProvider) -> None:
    with pytest.raises(ProviderRefused) as caught:
        await provider.submit(task("refuse", failure="content_policy"), silent)
    assert caught.value.code == "content_policy"
    assert provider.submissions() == ()


@pytest.mark.parametrize(
    "script",
    [
        {"outcome": "explode"},
        {"delay_ms": -1},
        {"delay_ms": "soon"},
        {"cost": "cheap"},
        {"cost": "NaN"},
        {"billed": "NaN"},
        {"cost": "-1"},
        {"cost": "0.0000001"},
        {"route": "smell"},
    ],
)
async def test_a_script_that_makes_no_sense_is_refused(provider: ScriptedProvider, script: dict[str, Scalar]) -> None:
    route = str(script.pop("route", "image"))
    with pytest.raises(ProviderRefused) as caught:
        await provider.submit(task(route=route, **script), silent)  # type: ignore[arg-type]
    assert caught.value.code in {"bad_script", "unknown_route"}
    assert provider.submissions() == ()


@pytest.mark.parametrize(("outcome", "cost"), [("fail", 0), ("fail-billed", 30_000)])
async def test_a_failure_has_its_code_and_what_it_is_billed(
    provider: ScriptedProvider, outcome: str, cost: int
) -> None:
    for route in ("image", "async-image"):
        with pytest.raises(TaskFailed) as caught:
            await delivered(provider, task(outcome, route, cost="0.03", failure="nsfw"))
        assert (caught.value.code, caught.value.cost) == ("nsfw", cost)
    assert len(provider.submissions()) == 2


async def test_after_a_time_out_the_outcome_can_be_looked_up(provider: ScriptedProvider) -> None:
    wanted = task("timeout", cost="0.04")
    with pytest.raises(ProviderUnknown):
        await provider.submit(wanted, silent)
    found = await provider.find(wanted)
    assert isinstance(found, Delivery)
    assert found.cost == 40_000


async def test_after_a_time_out_the_job_can_be_looked_up_and_collected(provider: ScriptedProvider) -> None:
    wanted = task("timeout", "async-video", job="job-7")
    with pytest.raises(ProviderUnknown):
        await provider.submit(wanted, silent)
    assert await provider.find(wanted) == (Job("job-7"),)
    assert at_hand(await provider.collect(wanted, Job("job-7"), silent))


async def test_what_got_lost_was_never_seen(provider: ScriptedProvider) -> None:
    with pytest.raises(ProviderUnknown):
        await provider.submit(task("lost"), silent)
    assert await provider.find(task("lost")) == ()
    assert provider.submissions() == ()


async def test_a_failure_is_found_as_a_failure(provider: ScriptedProvider) -> None:
    wanted = task("fail", failure="nsfw")
    with pytest.raises(TaskFailed):
        await provider.submit(wanted, silent)
    with pytest.raises(TaskFailed, match="fails"):
        await provider.find(wanted)


async def test_a_job_that_never_ends_stays_unknown(provider: ScriptedProvider) -> None:
    wanted = task("never", "async-image")
    job = await started(provider, wanted)
    with pytest.raises(ProviderUnknown):
        await provider.collect(wanted, job, silent)
    assert await provider.find(wanted) == (job,)


async def test_a_partial_delivery_lacks_one_output(provider: ScriptedProvider) -> None:
    assert len(at_hand(await delivered(provider, task("partial", outputs=3)))) == 2
    assert at_hand(await delivered(provider, task("partial"))) == ()


async def test_an_unreadable_delivery_is_no_image(provider: ScriptedProvider) -> None:
    (output,) = at_hand(await delivered(provider, task("unreadable")))
    with pytest.raises(InvalidInput):
        read_media(output.content, field="output", max_bytes=10**6, max_pixels=10**6)


async def test_what_hangs_waits_until_it_is_cancelled_and_is_found_done(provider: ScriptedProvider) -> None:
    arrived = asyncio.Event()
    wanted = task("hang")
    waiting = asyncio.create_task(provider.submit(wanted, lambda fraction, message: arrived.set()))
    await arrived.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert isinstance(await provider.find(wanted), Delivery)


async def test_a_delay_is_slept_in_steps_that_report_progress(tmp_path: Path) -> None:
    happened: list[float | str] = []

    async def sleep(seconds: float) -> None:
        happened.append(f"slept {seconds}")

    provider = ScriptedProvider(tmp_path, sleep=sleep)
    await provider.submit(task(delay_ms=2000), lambda fraction, message: happened.append(fraction))
    assert happened == [0.0, "slept 0.5", 0.25, "slept 0.5", 0.5, "slept 0.5", 0.75, "slept 0.5", 1.0]


async def test_an_operation_finds_only_its_own_attempt(provider: ScriptedProvider) -> None:
    await provider.submit(task(operation="op-1"), silent)
    assert await provider.find(task(operation="op-2")) == ()
    later = Task("op-1", 2, "text-to-image", "a-model", "image", 1, {}, {})
    assert await provider.find(later) == ()


async def test_a_job_of_another_operation_is_not_collected(provider: ScriptedProvider) -> None:
    job = await started(provider, task(route="async-image"))
    with pytest.raises(TaskFailed) as caught:
        await provider.collect(task(route="async-image", operation="op-2"), job, silent)
    assert caught.value.code == "unknown_job"


async def test_what_is_submitted_twice_is_counted_twice(provider: ScriptedProvider) -> None:
    for _ in range(2):
        await provider.submit(task(), silent)
    assert [entry.operation for entry in provider.submissions()] == ["op-1", "op-1"]


def test_submissions_of_many_threads_are_each_counted_once(tmp_path: Path) -> None:
    entry = Submission("scripted", "op/1 \u2603", 1, "a-model", "image", "done", None, 0, None, "")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Journal(tmp_path).add(entry), range(60)))
    assert Journal(tmp_path).entries() == [entry] * 60
    assert Journal(tmp_path).of_operation(entry.operation) == [entry] * 60


async def test_the_journal_holds_no_prompt(provider: ScriptedProvider, tmp_path: Path) -> None:
    await provider.submit(task(), silent)
    written = [file.read_text() for file in (tmp_path / "jobs").iterdir()]
    assert written
    assert not any("secret wish" in text for text in written)


async def test_providers_of_other_names_do_not_see_each_others_jobs(tmp_path: Path) -> None:
    one, other = ScriptedProvider(tmp_path), ScriptedProvider(tmp_path, name="scripted-2")
    await one.submit(task(), silent)
    assert await other.find(task()) == ()
    assert (len(one.submissions()), len(other.submissions())) == (1, 0)


async def test_a_blind_provider_learns_nothing_of_what_was_submitted(tmp_path: Path) -> None:
    blind: Provider = ScriptedProvider(tmp_path, name="scripted-blind", recovery=Recovery.BLIND)
    await blind.submit(task(), silent)
    assert (blind.name, blind.recovery) == ("scripted-blind", Recovery.BLIND)
    with pytest.raises(ProviderUnknown):
        await blind.find(task())
    assert isinstance(blind, Billing)
    with pytest.raises(ProviderUnknown):
        assert [bill async for bill in blind.bills(0, 2**62)]


@pytest.mark.parametrize("outcome", sorted(OUTCOMES))
def test_every_outcome_is_documented(outcome: str) -> None:
    documentation = sys.modules[ScriptedProvider.__module__].__doc__
    assert documentation is not None
    assert f"\n    {outcome} " in documentation


STARTER = """
import asyncio, os, signal, sys
from pathlib import Path
from application.ports import Task, silent
from infrastructure.providers.scripted import ScriptedProvider

task = Task("op-1", 1, "text-to-video", "a-model", "async-video", 1, {"delay_ms": 1}, {})
asyncio.run(ScriptedProvider(Path(sys.argv[1])).submit(task, silent))
os.kill(os.getpid(), signal.SIGKILL)
"""


def kill_after_submission(folder: Path) -> int:
    command = [sys.executable, "-c", STARTER, str(folder)]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False).returncode


async def test_a_job_outlives_the_process_that_started_it(tmp_path: Path) -> None:
    assert await asyncio.to_thread(kill_after_submission, tmp_path) == -signal.SIGKILL
    provider = ScriptedProvider(tmp_path)
    wanted = Task("op-1", 1, "text-to-video", "a-model", "async-video", 1, {}, {})
    found = await provider.find(wanted)
    assert isinstance(found, tuple)
    [job] = found
    assert at_hand(await provider.collect(wanted, job, silent))[0].media_type == "image/webp"
    assert len(provider.submissions()) == 1


def test_a_half_written_entry_is_no_submission(tmp_path: Path) -> None:
    (tmp_path / ".0123").write_text('{"provider": "scr')
    assert Journal(tmp_path).entries() == []
