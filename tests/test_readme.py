"""What README, and the pages on models and settings, show is run here as it stands, so that it stays true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from infrastructure.catalogue import load_catalogue
from tests.infrastructure.every_setting import NAMES
from tests.pages import ROOT, block, page

README = page("README.md")


def run_example(home: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("IMAGESTUDIO_")}
    done = subprocess.run(
        [sys.executable, "-c", block(README, "python", "open_studio")],
        cwd=ROOT,
        env=environment | {"IMAGESTUDIO_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_ten_lines_make_a_real_picture_and_charge_it_once_however_often_they_are_run(tmp_path: Path) -> None:
    path, *price = run_example(tmp_path).split()
    assert Path(path).read_bytes().startswith(b"\x89PNG")
    assert price == ["0.01", "USD", "99", "stand-in"]
    again = run_example(tmp_path).split()
    assert again == [path, "0.01", "USD", "99", "stand-in"]


def test_the_model_entry_it_shows_loads_and_changes_its_price_on_its_day(tmp_path: Path) -> None:
    entry = tmp_path / "my-models.toml"
    entry.write_text(block(page("docs/models.md"), "toml", "my-model"))
    catalogue, _ = load_catalogue([entry])
    assert [str(rule.rate) for rule in catalogue.get("my-model").prices] == ["0.03", "0.025"]


def test_every_setting_it_lists_exists_and_every_one_that_exists_is_documented_or_internal() -> None:
    listed = set(re.findall(r"`([A-Z][A-Z0-9_]{3,})`", page("docs/settings.md")))
    existing = {name.upper() for name in NAMES}
    assert listed - existing == {"IMAGESTUDIO_", "HOME", "PATH"} - existing
    assert existing - listed == {"SNAPSHOT_EVERY", "MOST_WAITING"}
