"""Settings of providers: from a program, the environment or a file, secrets hidden, and mistakes told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from domain.errors import InvalidInput
from infrastructure.plugins import ProviderSettings
from infrastructure.registry import told_settings
from infrastructure.settings import Settings, revealed

KEY = "ws-very-secret"


def key_of(provider: str, **said: Any) -> str:
    own: Any = told_settings(Settings(**said), [provider])[provider]
    return revealed(own.key)


def test_a_key_is_read_from_the_environment_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGESTUDIO_WAVESPEED_KEY", KEY)
    settings = Settings()
    own = told_settings(settings)["wavespeed"]
    assert key_of("wavespeed") == KEY
    assert KEY not in f"{settings!r} {settings} {settings.model_dump_json()} {own!r} {own} {own.model_dump_json()}"


def test_what_a_program_says_goes_before_the_environment_and_that_before_the_file_and_none_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("IMAGESTUDIO_OPENAI_KEY=file\nIMAGESTUDIO_STABILITY_KEY=file\n")
    monkeypatch.setenv("IMAGESTUDIO_OPENAI_KEY", "environment")
    settings = Settings(wavespeed_key=KEY, openai_key=KEY)
    assert KEY not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    assert [key_of(name) for name in ("openai", "stability", "wavespeed")] == ["environment", "file", ""]
    assert [key_of(name, openai_key=KEY) for name in ("openai", "stability")] == [KEY, "file"]
    assert key_of("openai", openai_key=None) == ""


class Named(ProviderSettings):
    """Told under a name that other programs use too."""

    token: str = Field("", validation_alias="ATELIER_TOKEN")


def test_a_setting_may_have_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    own: dict[str, Any] = {"_env_prefix": "imagestudio_atelier_"}
    (tmp_path / ".env").write_text("ATELIER_TOKEN=file\nIMAGESTUDIO_ATELIER_CONCURRENCY=3\n")
    assert Named(**own) == Named(**own, ATELIER_TOKEN="file", concurrency=3)
    monkeypatch.setenv("ATELIER_TOKEN", "environment")
    assert Named(**own).token == "environment"


def test_without_a_key_there_is_none() -> None:
    assert key_of("wavespeed") == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"wavespeed_webhook": "https://studio.test/hooks"},
        {"wavespeed_url": "api.wavespeed.ai"},
        {"wavespeed_url": "ftp://api.wavespeed.ai"},
        {"wavespeed_url": "https://api.wavespeed.ai?key=1"},
        {"wavespeed_url": ""},
    ],
)
def test_an_address_that_cannot_work_is_a_mistake(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"IMAGESTUDIO_WAVESPEED_URL|IMAGESTUDIO_WAVESPEED_WEBHOOK_SECRET"):
        told_settings(Settings(**changes))


def test_what_is_said_in_a_program_for_nobody_is_a_mistake() -> None:
    with pytest.raises(InvalidInput, match="IMAGESTUDIO_WAVESPEED_KEI: there is no such setting"):
        told_settings(Settings(wavespeed_kei=KEY))
