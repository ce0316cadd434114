"""The command line says whether a model is a real one, who would be asked instead, and where it went."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.application.performing.test_fallback import models
from tests.infrastructure.cli.workspaces import ACCOUNT, SMALL, Workspace, call

POND = ("reference-to-image", "-i", "prompt=a pond", "-m", "cheapest")


@pytest.fixture
def refusing(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Of two models that nobody else offers the cheaper one refuses."""
    overlay = models(tmp_path, ("penny", "0.01", "refuse"), ("tuppence", "0.02", "done"))
    monkeypatch.setenv("IMAGESTUDIO_CATALOGUES", str(overlay))
    return workspace


def test_without_consent_nothing_is_painted_in_a_model_s_place(workspace: Workspace) -> None:
    assert call("account", "forbid", "stand-in").code == 0
    refused = call("generate", "a portrait of a woman", "--json")
    assert (refused.code, refused.error["code"]) == (2, "unknown_model")
    assert "a stand-in could, which is not allowed" in refused.error["message"]
    assert "set IMAGESTUDIO_WAVESPEED_KEY" in refused.error["hint"]
    assert len(refused.err) < 700
    allowed = call("generate", "a portrait of a woman", "--allow", "stand-in", *SMALL, "--json").document
    assert (allowed["class"], allowed["operations"][0]["class"]) == ("stand-in", "stand-in")
    assert "only imitates what was asked for" in call("generate", "a lake", "-m", "local-canvas", *SMALL).out
    assert call("generate", "a lake", "--allow", "nice").code == 2


def test_an_account_says_what_may_be_chosen_for_it(workspace: Workspace) -> None:
    assert call("account", "show", "--json").document["allowed"] == ["real", "stand-in"]
    assert "real and stand-in models, if none is named" in call("account", "show").out
    assert call("account", "forbid", "stand-in", "--json").document["allowed"] == ["real"]
    assert call("events").out.count("consent") == 2


def test_an_estimate_lists_the_whole_chain_and_who_is_left_out(refusing: Workspace) -> None:
    found = call("estimate", *POND, "--max-price", "0.05", "--json").document
    assert found["class"] == "real"
    asked = [(one["model"], one["class"], one["price"]["amount"]) for one in found["chain"] if not one["skipped"]]
    assert asked == [("penny", "real", "0.01"), ("tuppence", "real", "0.02")]
    skipped = {one["model"]: one["skipped"] for one in call("estimate", *POND, "--json").document["chain"]}
    assert skipped["tuppence"] == "it costs more than is held"
    page = call("estimate", *POND).out
    assert "Asked in this order" in page
    assert "it costs more than is held: tuppence" in " ".join(page.split())


def test_going_elsewhere_is_never_silent(refusing: Workspace) -> None:
    told = "refused at penny (scripted, 0.01 USD held): tuppence (scripted) instead, 0.02 USD held"
    done = call("run", *POND, "--max-price", "0.02")
    assert f"warning: rerouted: {told}" in done.err
    assert told in " ".join(done.out.split())
    written = call("run", *POND, "--max-price", "0.02", "--json")
    assert json.loads(written.err)["warning"]["message"] == f"rerouted: {told}"
    [moved] = written.document["rerouted"]
    assert (moved["code"], moved["model"], moved["price"]["amount"]) == ("refused", "penny", "0.01")
    assert (moved["next_model"], moved["next_price"]["amount"]) == ("tuppence", "0.02")
    assert call("run", *POND).code == 4
    assert call("run", *POND, "--max-price", "0.001").code == 2


def test_a_provider_that_is_off_says_so_everywhere(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGESTUDIO_SCRIPTED_ENABLED", "false")
    how = "set IMAGESTUDIO_SCRIPTED_ENABLED=true"
    assert how in " ".join(call("models", "scripted-image").out.split())
    listed = call("models", "--provider", "scripted", "--json").document["models"]
    assert {(one["enabled"], one["class"]) for one in listed} == {(False, "test")}
    found = {one["name"]: one for one in call("providers", "list", "--json").document["providers"]}
    assert (found["scripted"]["enabled"], found["scripted"]["ready"]) == (False, 0)
    assert how in found["scripted"]["lacks"][0]["what"]
    assert call("providers", "check", "scripted").code == 1
    refused = call("generate", "x", "-m", "scripted-image", "--account", ACCOUNT)
    assert (refused.code, how in refused.err) == (2, True)
    monkeypatch.setenv("IMAGESTUDIO_SCRIPTED_ENABLED", "perhaps")
    assert "IMAGESTUDIO_SCRIPTED_ENABLED" in call("providers", "list").err
