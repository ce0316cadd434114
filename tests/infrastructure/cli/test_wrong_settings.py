"""A setting that is wrong is named with what is wrong about it, in words, and nothing is done."""

from __future__ import annotations

import pytest

from infrastructure.cli.demo import settings_for
from infrastructure.plugins import plugins
from infrastructure.registry import switched_off
from tests.infrastructure.cli.workspaces import Workspace, call

WRONG = {
    "ACTOR": ("ann", "does not say who acts; name a kind and an id, such as operator:ann"),
    "TODAY": ("tomorrow", "'tomorrow' is not a day, such as 2026-11-30"),
    "OWN_ORIGINS": ("https://a.example files", "'files' is not an origin, such as https://hooks.internal:8443"),
    "WEBHOOK_ORIGINS": ("https://a.example shop", "'shop' is not an origin, such as https://hooks.internal:8443"),
    "OPENAI_URL": ("api.openai.com", "'api.openai.com' is not an http or https address without a query"),
}
NOT_A_SENTENCE = ("pattern", "Value error", "String should", "^")


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_setting_is_told_in_words(workspace: Workspace, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said, why = WRONG[name]
    monkeypatch.setenv(f"IMAGESTUDIO_{name}", said)
    done = call("generate", "a lake", "-m", "scripted-image", "--json")
    assert (done.code, done.error["code"]) == (2, "invalid_input")
    assert done.error["message"].startswith(f"IMAGESTUDIO_{name}: ")
    assert why in done.error["message"]
    assert not [part for part in NOT_A_SENTENCE if part in done.error["message"]]


@pytest.mark.parametrize("id", ["a b", "", "x" * 201, "a\x01b"])
def test_an_actor_whose_id_cannot_be_recorded_is_refused(
    workspace: Workspace, id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGESTUDIO_ACTOR", f"operator:{id}")
    done = call("account", "plan", "basic", "--json")
    assert (done.code, done.error["code"]) == (2, "invalid_input")


def test_the_demo_pays_nobody_whatever_keys_there_are(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, plugin in plugins().items():
        if not plugin.is_free:
            monkeypatch.setenv(f"IMAGESTUDIO_{name.upper()}_KEY", "a-key")
            monkeypatch.setenv(f"IMAGESTUDIO_{name.upper()}_ENABLED", "true")
    off = switched_off(settings_for(workspace.home), plugins())
    assert {"fal", "gemini", "huggingface", "openai", "stability", "wavespeed"} <= {*off}
    assert {"local", "scripted"}.isdisjoint(off)
