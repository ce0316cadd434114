"""Settings of providers: from the environment, secrets hidden, and mistakes told."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from infrastructure.settings import Settings, revealed

KEY = "ws-very-secret"


def test_a_key_is_read_from_the_environment_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGESTUDIO_WAVESPEED_KEY", KEY)
    settings = Settings()
    assert revealed(settings.wavespeed_key) == KEY
    assert KEY not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_without_a_key_there_is_none() -> None:
    assert revealed(Settings().wavespeed_key) == ""


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
def test_an_address_that_cannot_work_is_a_mistake(changes: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"wavespeed_url|IMAGESTUDIO_WAVESPEED_WEBHOOK_SECRET"):
        Settings.model_validate(changes)
