"""No provider is imported by who only reads: to list models, to see what is switched off, or to check settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import ROOT

OURS = "infrastructure.providers"
READING = """
from infrastructure.catalogue import load_catalogue
from infrastructure.registry import switched_off, unknown_settings
from infrastructure.settings import Settings
load_catalogue()
off = switched_off(Settings(), ["scripted", "blind", "wavespeed", "stability"])
assert set(off) == {"scripted", "blind", "stability"}
assert not unknown_settings()
"""


def loaded(code: str, home: Path, **said: str) -> set[str]:
    """The modules of providers that a new interpreter has loaded after this, told these settings."""
    code += (
        "\nimport sys\nprint(*[name for name in sys.modules if name.startswith(('infrastructure.providers', 'httpx'))])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IMAGESTUDIO_")}
    environment |= {f"IMAGESTUDIO_{name}": value for name, value in said.items()} | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=home, env=environment, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_who_only_reads_imports_no_provider(tmp_path: Path) -> None:
    usual = {
        "WAVESPEED_KEY": "k",
        "OPENAI_KEY": "k",
        "OPENAI_URL": "http://127.0.0.1:9",
        "STABILITY_ENABLED": "false",
        "LOCAL_ENABLED": "false",
    }
    assert loaded(READING, tmp_path, **usual) == set()


def test_an_unusual_setting_is_looked_up_in_its_provider_alone(tmp_path: Path) -> None:
    found = loaded(READING, tmp_path, STABILITY_ENABLED="false", FAL_WEBHOOK="https://studio.test/hooks")
    assert {name for name in found if name.startswith(OURS)} == {OURS, f"{OURS}.fal"}


@pytest.mark.parametrize("said", [{"FAL_WEBHOOKS": "x"}, {"GEMINI_KEYS": "x"}])
def test_one_that_is_none_is_told(tmp_path: Path, said: dict[str, str]) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        loaded(READING, tmp_path, STABILITY_ENABLED="false", **said)
