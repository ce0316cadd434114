"""A test that hangs fails and shows where, instead of keeping everybody waiting."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
HANGS = """
import threading

def test_that_waits_for_ever():
    threading.Event().wait()

def test_that_comes_after_it():
    pass
"""


def test_one_that_hangs_fails_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "test_hanging.py").write_text(HANGS)
    limit = ("-c", ROOT / "pyproject.toml", "-o", "faulthandler_timeout=2", "--rootdir", tmp_path, "-n", "1")
    command = (sys.executable, "-m", "pytest", *limit, tmp_path)
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "1 failed, 1 passed" in run.stdout
    assert "in test_that_waits_for_ever" in run.stderr
