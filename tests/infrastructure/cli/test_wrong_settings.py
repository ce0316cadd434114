"""A setting that is wrong is named with what is wrong about it, in words, and nothing is done."""

from __future__ import annotations

from tomllib import TOMLDecodeError

import pytest

from domain.errors import InvalidInput
from imagestudio import open_blocking
from infrastructure.cli.demo import settings_for
from infrastructure.plugins import plugins
from infrastructure.registry import switched_off
from infrastructure.texts import toml_of
from tests.infrastructure.cli.workspaces import Workspace, call

WRONG = {
    "ACTOR": ("ann", "does not say who acts; name a kind and an id, such as operator:ann"),
    "TODAY": ("tomorrow", "'tomorrow' is not a day, such as 2026-11-30"),
    "OWN_ORIGINS": ("https://a.example files", "'files' is not an origin, such as https://hooks.internal:8443"),
    "WEBHOOK_ORIGINS": ("https://a.example shop", "'shop' is not an origin, such as https://hooks.internal:8443"),
    "OPENAI_URL": ("api.openai.com", "'api.openai.com' is not an http or https address without a query"),
}
KINDS = {
    "WAIT_SECONDS": [
        ("soon", "'soon' is not a whole number", "give a whole number from 1 on, such as 60"),
        ("1.5", "'1.5' is not a whole number", "give a whole number from 1 on, such as 60"),
        ("0", "'0' is less than 1, the least", "give 1 or more, such as 60"),
        ("9" * 5000, "is not a whole number", "give a whole number from 1 on, such as 60"),
    ],
    "DRIFT_PERCENT": [
        ("much", "'much' is not a number", "give a number from 0 to 1000"),
        ("nan", "'nan' is not a number", "give a number from 0 to 1000"),
        ("-1", "'-1' is less than 0, the least", "give 0 or more"),
        ("1001", "'1001' is more than 1000, the most", "give 1000 or less"),
    ],
    "TELEMETRY": [("perhaps", "'perhaps' is neither true nor false", "set it to true or to false")],
    "PICTURE_LINKS": [("", "'' is neither true nor false", "set it to true or to false")],
    "LOST_OUTPUTS": [("forget", "'forget' is not one of credit, charge", "choose one of: credit, charge")],
    "TODAY": [("31.12.", "'31.12.' is not a day", "write a day, such as 2026-11-30")],
    "OWN_ORIGINS": [("files", "'files' is not an origin", "give origins such as")],
    "S3_ENDPOINT": [("minio", "'minio' is not an http or https address", "give an address")],
    "ASSETS": [("ftp://x", "'ftp://x' is not an address such as s3://bucket", "give a folder, or s3://BUCKET/PREFIX")],
    "SMTP_URL": [("sesame-17", "is not the address of a mail server", "give the server, such as smtps://USER")],
    "SMTP_FROM": [("billing", "is not one e-mail address", "give one address")],
    "RELAY_URL": [("sesame-17", "is not the address of a broker", "give the address of a broker")],
    "ACTOR": [("ann", "does not say who acts", "name a kind and an id, such as operator:ann")],
    "WAVESPEED_CONCURRENCY": [
        ("many", "'many' is not a whole number", "give a whole number from 1 on"),
        ("0", "'0' is less than 1, the least", "give 1 or more"),
    ],
    "WAVESPEED_URL": [("wavespeed", "'wavespeed' is not an http or https address", "give an address")],
    "OPENAI_ENABLED": [("perhaps", "'perhaps' is neither true nor false", "set it to true or to false")],
}
"""Each type of setting: what is said, what is wrong about it, and what to do."""
IN_TOML = {
    "archive = 5": ("ARCHIVE", "is not a path", "write the path of a file or a folder, in quotes"),
    "database_url = 5": ("DATABASE_URL", "is not a text", "write it in quotes"),
    "s3_secret = 717": ("S3_SECRET", "is not a text", "write it in quotes"),
    "wait_seconds = [1]": ("WAIT_SECONDS", "[1] is not a whole number", "give a whole number from 1 on, such as 60"),
    "wait_seconds = 1.5": ("WAIT_SECONDS", "1.5 is not a whole number", "give a whole number from 1 on, such as 60"),
    "telemetry = 3": ("TELEMETRY", "3 is neither true nor false", "set it to true or to false"),
    "catalogues = 5": ("CATALOGUES", "is not a list", "write texts in brackets"),
    "plans = [5]": ("PLANS", "is not a path", "write the path of a file or a folder, in quotes"),
    "own_origins = [5]": ("OWN_ORIGINS", "is not a text", "write it in quotes"),
    "lost_outputs = 5": ("LOST_OUTPUTS", "5 is not one of credit, charge", "choose one of: credit, charge"),
    "[wavespeed]\nkey = 717": ("WAVESPEED_KEY", "is not a text", "write it in quotes"),
    "[wavespeed]\nurl = 5": ("WAVESPEED_URL", "is not a text", "write it in quotes"),
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


def the_problem(*options: object) -> tuple[str, str, str]:
    """The only thing that `config check` finds: its setting, what is wrong, and the hint."""
    done = call("config", "check", *options, "--json")
    assert done.code == 2
    [one] = done.document["problems"]
    assert "pydantic" not in done.out
    assert "717" not in done.out
    assert "sesame" not in done.out
    return one["setting"].removeprefix("IMAGESTUDIO_"), one["message"], one["hint"]


@pytest.mark.parametrize(
    ("name", "said", "why", "hint"), [(name, *one) for name, some in KINDS.items() for one in some]
)
def test_every_type_of_setting_is_told_in_our_words(
    empty: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, said: str, why: str, hint: str
) -> None:
    monkeypatch.setenv(f"IMAGESTUDIO_{name}", said)
    setting, message, advice = the_problem()
    assert (setting, message.startswith(f"IMAGESTUDIO_{name}: "), why in message) == (name, True, True), message
    assert (advice.startswith(hint), len(message) < 300) == (True, True), advice


def test_a_program_is_told_the_same(empty: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGESTUDIO_WAIT_SECONDS", "soon")
    with pytest.raises(InvalidInput, match="IMAGESTUDIO_WAIT_SECONDS: 'soon' is not a whole number"):
        open_blocking(serve=False).__enter__()


@pytest.mark.parametrize("text", IN_TOML)
def test_a_value_of_another_type_in_the_file_is_told_in_our_words(empty: Workspace, text: str) -> None:
    (empty.home / "studio.toml").write_text(text)
    name, why, hint = IN_TOML[text]
    setting, message, advice = the_problem("--config", empty.home / "studio.toml")
    assert (setting, message.partition(": ")[2]) == (name, why)
    assert advice.startswith(hint)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"a{'.a' * 20_000} = 1", "a name has more than 32 parts (at line 1)"),
        (f"x = {'[' * 40_000}", "its values are nested too deeply"),
        (f"x = {'{a=' * 10_000}", "its values are nested too deeply"),
        (f"x = {'1' * 40_000}", "a number has thousands of digits"),
        ("# x\n" * 200_000, "it has 800,000 characters, at most 524,288 are read"),
    ],
    ids=["name", "lists", "tables", "number", "size"],
)
def test_a_file_that_would_take_long_is_refused_before_it_is_parsed(text: str, why: str) -> None:
    with pytest.raises(TOMLDecodeError) as refused:
        toml_of(text)
    assert str(refused.value) == why
    assert toml_of('a."b.c".d = "1.2.3.4"') == {"a": {"b.c": {"d": "1.2.3.4"}}}


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
