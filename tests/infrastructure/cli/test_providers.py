"""Providers from a shell: what each lacks here, and whether those that could be used answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from application.ports import Provider, ProviderRefused, ProviderUnknown, Recovery, Task
from application.providing.checking import checked, standings
from application.providing.lacking import missing_here
from domain.catalogue import Catalogue
from infrastructure.assembly import Parts
from infrastructure.catalogue import load_catalogue
from infrastructure.clock import now
from infrastructure.providers.scripted import ScriptedProvider
from infrastructure.showing.standings import standing_document
from tests.infrastructure.cli.workspaces import Workspace, call
from tests.wire.fake.server import serving

KEY = "set IMAGESTUDIO_ATELIER_KEY"
EXTRA = "install the extra [video]"


class Atelier(ScriptedProvider):
    """Needs a key, and an extra for videos; answers the check as it is told."""

    def __init__(self, home: Path, name: str, *, key: bool = True, error: Exception | None = None) -> None:
        super().__init__(home / "scripted", name=name, recovery=Recovery.BLIND)
        self._key, self._error = key, error

    def lacks(self, route: str) -> str:
        if not self._key:
            return KEY
        return EXTRA if route.endswith("video") else ""

    async def check(self) -> str:
        if self._error is not None:
            raise self._error
        return "balance 12.50 USD"


class Silent(ScriptedProvider):
    """Never answers the check."""

    async def check(self) -> str:
        await asyncio.Event().wait()
        return ""


class Quoting(ScriptedProvider):
    """Says that whatever it does will cost three cents."""

    async def quote(self, task: Task) -> int | None:
        return 30_000


BAD_KEY = ProviderRefused("bad_key", "the key is not known")
DOWN = ProviderUnknown("server_error", "the server answers 503")


def having(*providers: Provider) -> Parts:
    """A studio of these providers."""
    return Parts(providers={provider.name: provider for provider in providers})


def built_in() -> Catalogue:
    return load_catalogue(())[0]


def states(found: Mapping[str, object]) -> dict[str, str]:
    listed = found["providers"]
    assert isinstance(listed, list)
    return {one["name"]: one["state"] for one in listed}


def test_each_provider_is_listed_with_its_models_and_what_becomes_of_lost_answers(empty: Workspace) -> None:
    found = {one["name"]: one for one in call("providers", "list", "--json").document["providers"]}
    assert {name: one["recovery"] for name, one in found.items() if name in ("local", "scripted", "blind")} == {
        "local": "repeatable",
        "scripted": "findable",
        "blind": "blind",
    }
    assert (found["blind"]["models"], found["blind"]["ready"], found["blind"]["lacks"]) == (1, 1, [])
    text = call("providers", "list").out
    assert "released after a grace" in text
    assert not empty.database.exists()


def test_what_is_missing_is_told_with_how_to_mend_it(empty: Workspace, tmp_path: Path) -> None:
    parts = having(Atelier(tmp_path, "scripted"), Atelier(tmp_path, "blind", key=False))
    found = call("providers", "list", "--json", parts=parts).document["providers"]
    assert [one["lacks"] for one in found] == [[{"what": KEY, "models": 1}], [{"what": EXTRA, "models": 2}]]
    assert [one["models"] - one["ready"] for one in found] == [1, 2]
    _, _, *rows = [" ".join(line.split()) for line in call("providers", "list", parts=parts).out.splitlines()]
    assert rows[0] == f"blind 1 released after a grace {KEY}"
    assert " ".join(rows[1:]) == f"scripted 8 released after a grace ready; {EXTRA} (for 2 models)"


def test_a_provider_without_a_model_is_listed_too(tmp_path: Path) -> None:
    found = standings(built_in(), {"atelier": Atelier(tmp_path, "atelier", key=False)})
    assert [(one.name, one.is_set_up, one.lacks, standing_document(one)["models"]) for one in found] == [
        ("atelier", False, KEY, 0)
    ]


def test_what_each_model_lacks_is_known_by_its_id(tmp_path: Path) -> None:
    providers = {"scripted": Atelier(tmp_path, "scripted")}
    found = {model.id: missing_here(model, providers) for model in built_in()}
    assert (found["scripted-image"], found["scripted-video"]) == ("", EXTRA)
    assert found["scripted-blind"] == "there is no provider 'blind' (there are: scripted)"


def test_every_provider_that_is_set_up_is_checked_however_others_fare(empty: Workspace, tmp_path: Path) -> None:
    providers = [
        Atelier(tmp_path, "a", error=BAD_KEY),
        Atelier(tmp_path, "b", error=DOWN),
        Atelier(tmp_path, "c"),
        Atelier(tmp_path, "d", key=False),
    ]
    parts = having(*providers)
    done = call("providers", "check", "--json", parts=parts)
    assert (done.code, done.err) == (1, "")
    assert states(done.document) == {"a": "failed", "b": "failed", "c": "answers", "d": "not set up"}
    lines = [" ".join(line.split()) for line in call("providers", "check", parts=parts).out.splitlines()]
    assert lines == [
        "1 of 3 providers answered; 1 not set up",
        "PROVIDER STATE",
        "a failed the key is not known (bad_key)",
        "b failed the server answers 503 (server_error)",
        "c answers balance 12.50 USD",
        f"d not set up {KEY}",
    ]
    assert not empty.database.exists()


class Broken(Atelier):
    """Has a mistake in one of its methods."""

    def __init__(self, home: Path, name: str, method: str) -> None:
        super().__init__(home, name)
        self._method = method

    def lacks(self, route: str) -> str:
        return self._spoiled("lacks", super().lacks(route))

    async def check(self) -> str:
        return self._spoiled("check", await super().check())

    async def close(self) -> None:
        self._spoiled("close", "")

    def _spoiled(self, method: str, answer: str) -> str:
        if method == self._method:
            raise KeyError("a secret of the provider's")
        return answer


class Speechless(Atelier):
    """Answers the check with nothing at all."""

    async def check(self) -> str:
        return None  # type: ignore[return-value]


def test_a_provider_that_raises_something_unheard_of_fails_alone(empty: Workspace, tmp_path: Path) -> None:
    broken = [Broken(tmp_path, name, name) for name in ("check", "lacks", "close")]
    others = [Atelier(tmp_path, "a", error=BAD_KEY), Atelier(tmp_path, "b"), Speechless(tmp_path, "none")]
    parts = having(*broken, *others)
    done = call("providers", "check", "--json", parts=parts)
    assert done.code == 1
    assert {one["name"]: (one["state"], one["detail"]) for one in done.document["providers"]} == {
        "a": ("failed", "the key is not known (bad_key)"),
        "b": ("answers", "balance 12.50 USD"),
        "check": ("failed", "provider 'check' raised KeyError (mistake)"),
        "close": ("answers", "balance 12.50 USD"),
        "lacks": ("failed", "provider 'lacks' raised KeyError"),
        "none": ("failed", "provider 'none' raised TypeError (mistake)"),
    }
    told = call("providers", "check", parts=parts)
    assert (told.code, "2 of 6 providers answered" in told.out) == (1, True)
    assert "a secret" not in done.out + done.err + told.out + told.err
    listed = call("providers", "list", "--json", parts=parts).document["providers"]
    assert {one["name"]: [lack["what"] for lack in one["lacks"]] for one in listed if one["lacks"]} == {
        "lacks": ["provider 'lacks' raised KeyError"]
    }


def test_what_is_not_set_up_fails_the_check_only_where_it_is_named(empty: Workspace, tmp_path: Path) -> None:
    parts = having(Atelier(tmp_path, "a"), Atelier(tmp_path, "b", key=False))
    assert call("providers", "check", parts=parts).code == 0
    assert call("providers", "check", "a", "a", "--json", parts=parts).document["providers"] == [
        {"name": "a", "state": "answers", "detail": "balance 12.50 USD"}
    ]
    named = call("providers", "check", "b", "--json", parts=parts)
    assert (named.code, states(named.document)) == (1, {"b": "not set up"})


def test_a_key_is_tried_where_it_is_used_and_never_shown(
    empty: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(tmp_path / "fake") as fake:
        key = fake.key("wavespeed")
        monkeypatch.setenv("IMAGESTUDIO_WAVESPEED_URL", f"{fake.url}/api/v3")
        monkeypatch.setenv("IMAGESTUDIO_WAVESPEED_KEY", key)
        good = call("providers", "check", "wavespeed", "--json")
        fake.revoke("wavespeed", "another")
        bad = call("providers", "check", "wavespeed", "--json")
    gone = call("providers", "check", "wavespeed", "--json")
    assert [(one.code, states(one.document)) for one in (good, bad, gone)] == [
        (0, {"wavespeed": "answers"}),
        (1, {"wavespeed": "failed"}),
        (1, {"wavespeed": "failed"}),
    ]
    assert not any(key in one.out + one.err for one in (good, bad, gone))


async def test_one_that_never_answers_keeps_nobody_waiting(tmp_path: Path) -> None:
    providers: dict[str, Provider] = {"a": Silent(tmp_path, name="a"), "b": Atelier(tmp_path, "b")}
    found = await checked(providers, standings(built_in(), providers), 0.05, (), now())
    assert [(one.state, one.words) for one in found] == [
        ("failed", "no answer within 0.05 s"),
        ("answers", "balance 12.50 USD"),
    ]


def test_an_estimate_shows_the_provider_s_quote_beside_the_price_book(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGESTUDIO_PROVIDER_QUOTES", "true")
    asked = ("estimate", "text-to-image", "-m", "scripted-image", "-i", "prompt=x")
    assert "quoted" not in call(*asked).out
    parts = having(Quoting(workspace.home / "scripted"))
    document = call(*asked, "--json", parts=parts).document
    assert (document["price"]["amount"], document["listed"]["amount"]) == ("0.03", "0.04")
    words = " ".join(call(*asked, parts=parts).out.split())
    assert "quoted 0.03 USD by the provider; the price book says 0.04 USD" in words
    done = call("generate", "x", "-m", "scripted-image", "--json", parts=parts).document["operation"]
    words = " ".join(call("operation", done).out.split())
    assert "held for 1 call at 0.03 USD; the provider quotes 0.03 USD, the price book says 0.04 USD" in words
