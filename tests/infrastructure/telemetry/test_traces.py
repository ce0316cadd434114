"""Traces of a service and a worker, as a receiver of OTLP on loopback gets them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from domain.errors import InvalidInput
from infrastructure.telemetry.around import NOTHING, telemetry_of
from tests.application.studios import settings_for
from tests.infrastructure.telemetry.busy import PARENT, PROMPTS, TRACE, USER, Busy
from tests.infrastructure.telemetry.receiver import Receiver, SentSpan
from tests.pages import ROOT

MONEY = {"imagestudio.currency": "USD"}


def tree(spans: Sequence[SentSpan], parent: str) -> dict[str, SentSpan]:
    """The spans right under another, by name."""
    return {one.name: one for one in spans if one.parent == parent}


def below(receiver: Receiver, operation: str, name: str) -> SentSpan:
    (found,) = [one for one in receiver.of(operation) if one.name == name]
    return found


def test_a_request_is_one_trace_that_goes_on_with_its_callers(busy: Busy) -> None:
    spans = busy.receiver.trace(TRACE)
    (door,) = [one for one in spans if one.parent == PARENT]
    answer = busy.answers["drawn"]
    assert (door.name, door.kind) == ("POST /v1/images/generations", "SERVER")
    assert door.about["http.response.status_code"] == 200
    assert door.about["http.route"] == "/v1/images/generations"
    assert door.about["imagestudio.request_id"] == answer.headers["x-request-id"]
    assert door.about["imagestudio.operation"] == answer.headers["x-imagestudio-operation"]
    assert str(door.about["imagestudio.key"]).startswith("key_")
    steps = tree(spans, door.id)
    assert list(steps) == ["prepare", "admit", "generate_content gpt-image-2", "save", "charge"]
    assert len(spans) == 1 + len(steps)
    assert not any(one.failed or one.events for one in spans)


def test_a_call_has_the_names_of_genai_and_the_provider_can_go_on_with_it(busy: Busy) -> None:
    (call,) = [one for one in busy.receiver.trace(TRACE) if one.kind == "CLIENT"]
    usage = busy.answers["drawn"].json()["usage"]
    assert (
        call.about.items()
        >= {
            "gen_ai.operation.name": "generate_content",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-image-2",
            "gen_ai.request.choice.count": 1,
            "gen_ai.output.type": "image",
            "gen_ai.usage.output_tokens": usage["output_tokens"],
        }.items()
    )
    sent = [one.headers.get("traceparent") for one in busy.submissions if one.provider == "openai"]
    assert sent[0] == f"00-{TRACE}-{call.id}-01"
    assert all(sent)


def test_money_is_an_exact_decimal_with_its_currency(busy: Busy) -> None:
    usage = busy.answers["drawn"].json()["usage"]
    steps = {one.name: one for one in busy.receiver.trace(TRACE)}
    assert steps["charge"].about.items() >= {**MONEY, "imagestudio.price": usage["cost"]}.items()
    assert steps["admit"].about.items() >= MONEY.items()
    assert float(str(steps["admit"].about["imagestudio.held"])) >= float(usage["cost"])


def test_a_job_is_waited_for_in_a_span_that_names_it(busy: Busy) -> None:
    operation = busy.answers["waited"].json()["operation"]
    waiting = below(busy.receiver, operation, "collect seedream-v4.5")
    assert [waiting.about["gen_ai.response.id"]] == [one.id for one in busy.jobs if one.provider == "wavespeed"]
    assert below(busy.receiver, operation, "generate_content seedream-v4.5").parent == waiting.parent


def test_work_of_another_process_is_linked_to_the_request_that_it_was_accepted_with(busy: Busy) -> None:
    operation = busy.answers["queued"].json()["operation"]
    asked = busy.answers["queued"].headers["x-request-id"]
    (door,) = [one for one in busy.receiver.spans if one.about.get("imagestudio.request_id") == asked]
    work = below(busy.receiver, operation, "perform")
    assert work.process != door.process
    assert (work.kind, work.parent, work.links) == ("CONSUMER", "", ((door.trace, door.id),))
    assert {one.name for one in busy.receiver.trace(work.trace)} == {
        *("perform", "text-to-image scripted-image", "save", "charge")
    }


def test_an_error_is_told_by_its_code_alone(busy: Busy) -> None:
    failed = busy.answers["failed"].json()["error"]["operation"]
    call = below(busy.receiver, failed, "generate_content gpt-image-2")
    assert (call.failed, call.events) == (True, 0)
    assert call.about["error.type"]
    assert below(busy.receiver, failed, "release").about["imagestudio.reason"] == call.about["error.type"]
    (refused,) = [one for one in busy.receiver.spans if one.name == "admit" and one.failed]
    assert refused.about["error.type"] == busy.answers["refused"].json()["error"]["code"]


def test_an_address_is_told_by_its_route_and_a_context_that_is_none_begins_a_trace(busy: Busy) -> None:
    doors = [one for one in busy.receiver.spans if one.kind == "SERVER"]
    assert {"GET /v1/assets/{id}/content", "GET", "GET /healthz"} <= {one.name for one in doors}
    (odd,) = [one for one in doors if one.about["imagestudio.request_id"] == "mine-7"]
    assert (odd.parent, len(odd.trace)) == ("", 32)


def test_no_secret_no_prompt_and_no_user_is_sent(busy: Busy) -> None:
    sent = b"".join(busy.receiver.bodies)
    assert b"gen_ai.request.model" in sent
    for hidden in (*busy.secrets, *PROMPTS, USER, "who=ann"):
        assert hidden.encode() not in sent


def test_the_service_says_what_it_is(busy: Busy) -> None:
    assert {one["service.name"] for one in busy.receiver.resources} == {"imagestudio"}
    assert len({one.process for one in busy.receiver.spans}) == 2


# Off and on

OFF_IMPORTS_NOTHING = """
import asyncio, sys
from imagestudio import open_studio

async def main():
    async with open_studio():
        pass

asyncio.run(main())
sys.exit(", ".join(name for name in sys.modules if name.startswith("opentelemetry")) or 0)
"""


A_HOST_TRACES_BY_ITSELF = """
import asyncio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from imagestudio import Settings, open_studio

kept, own = InMemorySpanExporter(), TracerProvider()
own.add_span_processor(SimpleSpanProcessor(kept))
trace.set_tracer_provider(own)

async def main():
    async with open_studio(Settings(telemetry=True), serve=False) as studio:
        await studio.accounts.open("acme", plan="pro")
        with own.get_tracer("host").start_as_current_span("mine"):
            await studio.operations.generate("a lake", account="acme", model="scripted-image")

asyncio.run(main())
mine = kept.get_finished_spans()[-1]
assert all(one.context.trace_id == mine.context.trace_id for one in kept.get_finished_spans())
print(*[one.name for one in kept.get_finished_spans()], sep=", ")
"""


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (OFF_IMPORTS_NOTHING, ""),
        (A_HOST_TRACES_BY_ITSELF, "prepare, admit, text-to-image scripted-image, save, charge, mine\n"),
    ],
    ids=["off it is not even imported", "a host that has set up its own tracer gets the spans"],
)
def test_in_a_program_of_somebody_elses(tmp_path: Path, program: str, said: str) -> None:
    told = {"IMAGESTUDIO_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "IMAGESTUDIO_SCRIPTED_ENABLED": "true"}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=told, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


@pytest.mark.parametrize(
    ("environment", "telemetry", "serve", "is_on"),
    [
        ({}, None, True, False),
        ({}, True, False, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, None, True, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9"}, None, True, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, None, False, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, False, True, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"}, None, True, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"}, None, True, False),
    ],
)
def test_it_is_switched_on_by_the_standard_environment_for_services_or_by_our_setting_for_all(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    telemetry: bool | None,
    serve: bool,
    is_on: bool,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    around = telemetry_of(settings_for("", tmp_path, telemetry=telemetry), serve=serve)
    around.close()
    assert (around is not NOTHING) is is_on


def test_a_protocol_that_is_not_spoken_is_an_error_if_we_were_asked_and_a_warning_if_all_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(InvalidInput, match="grpc is not spoken here"):
        telemetry_of(settings_for("", tmp_path, telemetry=True), serve=True)
    assert telemetry_of(settings_for("", tmp_path), serve=True) is NOTHING
    assert "nothing is traced" in caplog.text
