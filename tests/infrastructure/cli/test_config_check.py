"""`config check` tells all that is wrong with the settings at once; the file has them under the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infrastructure.settings import Settings
from tests.infrastructure.cli.workspaces import Workspace, call
from tests.infrastructure.every_setting import SECRETS

FILE = """
lease_seconds = 7
grace_seconds = 8
today = 2026-11-30
own_origins = ["http://a.internal", "http://b.internal"]

[wavespeed]
key = "sesame-17"
concurrency = 3

[openai]
enabled = false
"""


def listed(*options: str) -> dict[str, tuple[str, str]]:
    found = call("config", *options, "--json").document["settings"]
    return {one["name"].removeprefix("IMAGESTUDIO_"): (one["value"], one["from"]) for one in found}


def checked(*options: str) -> tuple[int, dict[str, str], dict[str, str]]:
    """The exit code, and what is said of each setting: as wrong, and as worth knowing."""
    done = call("config", "check", *options, "--json")
    problems, notes = (
        {one["setting"]: one["message"] for one in done.document[part]} for part in ("problems", "notes")
    )
    assert done.document["ok"] is (done.code == 0)
    return done.code, problems, notes


@pytest.mark.parametrize("named", ["option", "environment"])
def test_a_file_has_settings_under_those_of_the_environment(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    file = empty.home / "studio.toml"
    file.write_text(FILE)
    Path(".env").write_text("IMAGESTUDIO_GRACE_SECONDS=9\n")
    monkeypatch.setenv("IMAGESTUDIO_WAVESPEED_CONCURRENCY", "5")
    if named == "environment":
        monkeypatch.setenv("IMAGESTUDIO_CONFIG", str(file))
    found = listed(*(("--config", str(file)) if named == "option" else ()))
    assert found["CONFIG"] == (str(file), "--config" if named == "option" else "environment")
    assert found["LEASE_SECONDS"] == ("7", "file")
    assert found["GRACE_SECONDS"] == ("9", ".env")
    assert found["TODAY"] == ("2026-11-30", "file")
    assert found["WAVESPEED_CONCURRENCY"] == ("5", "environment")
    assert found["WAVESPEED_KEY"] == ("set", "file")
    assert found["OPENAI_ENABLED"] == ("false", "file")
    assert found["WAIT_SECONDS"][1] == "default"


def test_a_program_reads_the_file_that_the_environment_names(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    (empty.home / "studio.toml").write_text(FILE)
    monkeypatch.setenv("IMAGESTUDIO_CONFIG", str(empty.home / "studio.toml"))
    assert Settings().own_origins == ("http://a.internal", "http://b.internal")
    assert Settings(lease_seconds=11).lease_seconds == 11


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lease_seconds = x", "is not TOML: Invalid value (at line 1, column 17)"),
        ("[wavespeed]\n[wavespeed.more]\nkey = 1", "has a table inside [wavespeed]: more"),
        (None, "cannot be read: No such file or directory"),
    ],
)
@pytest.mark.parametrize("command", [("usage",), ("config",), ("config", "check")])
def test_a_file_that_is_none_is_one_error_of_every_command(
    empty: Workspace, command: tuple[str, ...], text: str | None, told: str
) -> None:
    file = empty.home / "studio.toml"
    if text is not None:
        file.write_text(text)
    done = call(*command, "--config", str(file), "--json")
    error = done.document["problems"][0] if command[-1] == "check" else done.error
    assert done.code == 2
    assert error["message"] == f"IMAGESTUDIO_CONFIG: {file} {told}"


def test_a_name_in_the_file_that_is_no_setting_is_an_error_with_the_one_that_is_meant(empty: Workspace) -> None:
    file = empty.home / "studio.toml"
    file.write_text("[wavespeed]\nconcurency = 3\n")
    done = call("usage", "--config", str(file), "--json")
    assert (done.code, done.error["message"]) == (2, "IMAGESTUDIO_WAVESPEED_CONCURENCY: there is no such setting")
    assert "IMAGESTUDIO_WAVESPEED_CONCURRENCY" in done.error["hint"]


# Checking


def test_nothing_is_wrong_with_usual_settings_and_nothing_is_made(empty: Workspace) -> None:
    code, problems, notes = checked()
    assert (code, problems) == (0, {})
    assert "there is no ledger" in notes["IMAGESTUDIO_DATABASE_URL"]
    assert "is not set" in notes["IMAGESTUDIO_WAVESPEED_KEY"]
    assert not list(empty.home.iterdir())


def test_all_that_is_wrong_is_told_at_once(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_way = empty.home / "file"
    in_the_way.write_text("not a folder")
    (empty.home / "models.toml").write_text("[[model]]\nid = 3\n")
    said = {
        "LEASE_SECOND": "7",
        "WAIT_SECONDS": "soon",
        "LOST_OUTPUTS": "forget",
        "TODAY": "tomorrow",
        "ASSETS": str(in_the_way / "assets"),
        "CATALOGUES": str(empty.home / "models.toml"),
        "PRESETS": str(empty.home / "none.toml"),
        "PEPPERS": "sesame-17",
        "LINK_KEYS": "sesame-18",
        "WAVESPEED_CONCURRENCY": "0",
        "WAVESPEED_URL": "ftp://sesame-19",
        "FAL_WEBHOOK": "https://studio.example/callbacks",
        "OPENAI_ENABLED": "perhaps",
    }
    for name, value in said.items():
        monkeypatch.setenv(f"IMAGESTUDIO_{name}", value)
    code, problems, _ = checked()
    assert code == 2
    assert problems.keys() == {f"IMAGESTUDIO_{name}" for name in said} - {"IMAGESTUDIO_FAL_WEBHOOK"} | {
        "IMAGESTUDIO_FAL"
    }
    page = call("config", "check")
    assert page.out.startswith(f"{len(said)} problems\n")
    assert "sesame-17" not in page.out
    assert "sesame-18" not in page.out


def test_a_callback_that_everybody_could_read_is_told(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGESTUDIO_WAVESPEED_WEBHOOK", "http://studio.example/callbacks")
    monkeypatch.setenv("IMAGESTUDIO_WAVESPEED_WEBHOOK_SECRET", "sesame-17")
    code, problems, _ = checked()
    assert (code, list(problems)) == (2, ["IMAGESTUDIO_WAVESPEED_WEBHOOK"])


@pytest.mark.parametrize(
    ("url", "told"),
    [("postgresql://me:sesame-17@127.0.0.1:9/x", "127.0.0.1"), ("sqlite:////proc/version", "database")],
)
def test_a_database_that_cannot_be_used_has_a_code_of_its_own(empty: Workspace, url: str, told: str) -> None:
    done = call("config", "check", "--db", url, "--json")
    (found,) = [one for one in done.document["problems"] if one["kind"] != "invalid"]
    assert (found["setting"], done.code) == ("IMAGESTUDIO_DATABASE_URL", 6)
    assert told in found["message"]
    assert "sesame-17" not in done.out


def test_a_database_without_a_schema_is_told_what_to_do(empty: Workspace, postgres_url: str) -> None:
    call("db", "upgrade", "--db", postgres_url)
    assert checked("--db", postgres_url)[:2] == (0, {})


def test_a_lost_pepper_is_told_once_there_are_keys(empty: Workspace) -> None:
    call("account", "open", "acme")
    assert call("keys", "issue", "acme").code == 0
    assert checked()[:2] == (0, {})
    (empty.home / "peppers").unlink()
    code, problems, _ = checked()
    assert (code, list(problems)) == (2, ["IMAGESTUDIO_PEPPERS"])
    assert not (empty.home / "peppers").exists()


def test_telemetry_that_cannot_be_is_a_problem_if_we_were_asked_and_a_note_if_all_were(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    code, _, notes = checked()
    assert code == 0
    assert "grpc" in notes["IMAGESTUDIO_TELEMETRY"]
    monkeypatch.setenv("IMAGESTUDIO_TELEMETRY", "true")
    assert list(checked()[1]) == ["IMAGESTUDIO_TELEMETRY"]


def test_no_secret_is_told_whatever_is_wrong(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SECRETS:
        monkeypatch.setenv(f"IMAGESTUDIO_{name.upper()}", "sesame-17")
    for form in ((), ("--json",)):
        done: Any = call("config", "check", *form)
        assert "sesame-17" not in done.out + done.err
