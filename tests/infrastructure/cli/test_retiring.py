"""A model that its provider will retire is said to be one wherever it is met, and refused from its day on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.infrastructure.cli.workspaces import ACCOUNT, Workspace, call

MODEL = """
[[model]]
id = "leaving"
provider = "scripted"
route = "image"
kinds = ["text-to-image"]
outputs = ["image/png"]
auto = false
unit = "image"
prices = [{ rate = "0.04" }]
retires = DAY
inputs.prompt = { type = "text", required = true }
"""


@pytest.fixture
def leaving(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> str:
    """The day on which it is retired, a month ahead."""
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    overlay(empty.home, day, monkeypatch)
    assert call("account", "open", ACCOUNT).code == 0
    return day


def overlay(home: Path, day: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = home / "leaving.toml"
    file.write_text(MODEL.replace("DAY", day))
    monkeypatch.setenv("IMAGESTUDIO_CATALOGUES", str(file))


def test_lists_and_pages_say_when_it_is_retired(leaving: str) -> None:
    told = f"its provider retires it on {leaving}, in 3"
    page = call("models", "leaving", "--json").document
    assert (page["status"], page["retires"]) == ("retiring", f"{leaving}T00:00:00Z")
    assert page["warning"].startswith(told)
    assert f"retiring: {told}" in " ".join(call("models", "leaving").out.split())
    assert [
        one["id"]
        for one in call("models", "--status", "retiring", "--provider", "scripted", "--json").document["models"]
    ]


def test_an_estimate_and_a_result_say_it_too_and_so_does_a_repeat(leaving: str) -> None:
    told = f"model 'leaving': its provider retires it on {leaving}, in 3"
    asked = ("-m", "leaving", "--account", ACCOUNT)
    estimate = call("estimate", "text-to-image", "-i", "prompt=a cat", *asked, "--json").document
    assert [one.startswith(told) for one in estimate["warnings"]] == [True]
    assert "warning" in call("estimate", "text-to-image", "-i", "prompt=a cat", *asked).out
    for _ in range(2):
        done = call("generate", "a cat", *asked, "--key", "k", "--json").document
        assert [one.startswith(told) for one in done["warnings"]] == [True]
    assert told[:40] in " ".join(call("generate", "a cat", *asked).out.split())


def test_it_is_refused_from_its_day_on(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    overlay(empty.home, datetime.now(UTC).date().isoformat(), monkeypatch)
    assert call("account", "open", ACCOUNT).code == 0
    done = call("estimate", "text-to-image", "-i", "prompt=a cat", "-m", "leaving", "--account", ACCOUNT, "--json")
    assert done.code == 2
    assert "its provider retired it on" in done.error["message"]


def test_what_will_not_be_retired_warns_of_nothing(empty: Workspace) -> None:
    call("account", "open", ACCOUNT)
    done = call("generate", "a cat", "-m", "scripted-image", "--account", ACCOUNT, "--json").document
    assert done["warnings"] == []
