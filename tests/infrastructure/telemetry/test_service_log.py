"""The service log: one shape for all that runs in the process, and nothing in it that was asked or is secret."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import warnings
from pathlib import Path
from typing import Any, Literal

import pytest

from domain.errors import InvalidInput
from infrastructure.servicelog import service_log
from tests.application.studios import settings_for
from tests.infrastructure.telemetry.busy import PROMPTS, TRACE, USER, Busy

LOGGERS = ("", "imagestudio", "uvicorn", "py.warnings")


def lines(busy: Busy) -> list[dict[str, Any]]:
    return [json.loads(line) for line in busy.served.splitlines()]


def test_every_line_of_a_busy_service_is_one_event_in_one_shape(busy: Busy) -> None:
    told = lines(busy)
    assert all(list(one)[:4] == ["time", "level", "logger", "event"] for one in told)
    assert {"access", "uvicorn.error"} <= {one["logger"] for one in told}
    assert [list(one)[4:] for one in told if "Started server process" in one["event"]] == [[]]


def test_an_access_names_request_operation_key_trace_status_and_time(busy: Busy) -> None:
    drawn = busy.answers["drawn"]
    (one,) = [one for one in lines(busy) if one.get("request") == drawn.headers["x-request-id"]]
    assert (
        one.items()
        >= {
            "level": "info",
            "event": "POST /v1/images/generations 200",
            "operation": drawn.headers["x-imagestudio-operation"],
            "trace": TRACE,
            "status": 200,
        }.items()
    )
    assert one["key"].startswith("key_")
    assert isinstance(one["ms"], float)


def test_addresses_are_told_by_their_routes_and_health_is_not_told(busy: Busy) -> None:
    told = {one["event"] for one in lines(busy) if one["logger"] == "access"}
    assert {"GET /v1/assets/{id}/content 200", "GET /v1/assets/{id}/content 401", "GET none 404"} <= told
    assert not [event for event in told if "healthz" in event]


def test_a_worker_tells_what_it_performed_to_be_read_along(busy: Busy) -> None:
    operation = busy.answers["queued"].json()["operation"]
    (done,) = [line for line in busy.worked.splitlines() if operation in line]
    assert done.split(maxsplit=3)[1:3] == ["info", "imagestudio"]
    assert done.endswith(f"performed: sent, now charged  operation={operation}")


def test_no_secret_no_prompt_and_no_user_is_written(busy: Busy) -> None:
    written = busy.served + busy.worked
    assert len(busy.secrets) >= 6
    for hidden in (*busy.secrets, *PROMPTS, USER, "signature="):
        assert hidden not in written


def told_by(home: Path, form: Literal["json", "text"], level: Literal["debug", "info", "warning"]) -> str:
    """What is written of all sorts of happenings, some of them with a prompt in their words."""
    out, ours = io.StringIO(), logging.getLogger("imagestudio")
    with service_log(settings_for("", home, log_form=form, log_level=level), stream=out):
        ours.debug("a detail")
        ours.info("first\nsecond \x1b[31m", extra={"operation": "0193", "key": None})
        logging.getLogger("httpx").info("GET https://files.example/?signature=%s", PROMPTS[1])
        warnings.warn("it is old", DeprecationWarning, stacklevel=1)
        try:
            try:
                raise ValueError(PROMPTS[0])
            except ValueError as error:
                raise RuntimeError(f"cannot draw {PROMPTS[0]}") from error
        except RuntimeError:
            ours.exception("something of ours is broken")
        ours.warning("not now", exc_info=InvalidInput("size", "is no size", hint="give one"))
        asyncio.run(_forget())
    return out.getvalue()


async def _forget() -> None:
    """A task that fails and that nobody asks: asyncio shows it, with its error's words."""

    async def fails() -> None:
        raise ValueError(PROMPTS[2])

    task = asyncio.create_task(fails())
    await asyncio.wait([task])
    del task
    gc.collect()


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.filterwarnings("default")
def test_of_an_error_its_class_and_place_are_told_and_its_words_only_if_they_are_ours(
    tmp_path: Path, form: Literal["json", "text"]
) -> None:
    written = told_by(tmp_path, form, "debug")
    assert not [prompt for prompt in PROMPTS if prompt in written]
    assert "\x1b" not in written
    for word in ("RuntimeError", "told_by", "ValueError", "size: is no size", "never retrieved", "it is old"):
        assert word in written
    assert len(written.splitlines()) == 6
    if form == "json":
        told = [json.loads(line) for line in written.splitlines()]
        assert told[1].items() >= {"event": "first\nsecond \x1b[31m", "operation": "0193"}.items()
        assert "key" not in told[1]
        assert (told[3]["error"], told[3]["by"]) == ("RuntimeError", "ValueError")
        assert told[4].items() >= {"error": "InvalidInput", "code": "invalid_input"}.items()


@pytest.mark.filterwarnings("default")
def test_a_level_leaves_out_what_is_below_it(tmp_path: Path) -> None:
    told = [json.loads(line)["level"] for line in told_by(tmp_path, "json", "warning").splitlines()]
    assert told == ["warning", "error", "warning", "error"]


@pytest.mark.filterwarnings("default")
def test_afterwards_every_logger_is_as_it_was(tmp_path: Path) -> None:
    def seen() -> list[object]:
        return [(one.level, list(one.handlers)) for one in map(logging.getLogger, LOGGERS)]

    before = seen()
    told_by(tmp_path, "text", "info")
    assert seen() == before
