"""The command line as processes: quick to start, calm when interrupted or unread, and silent about its own defects."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infrastructure.cli.app import PLACES
from tests import patience
from tests.infrastructure.cli.workspaces import ACCOUNT, Workspace

ROOT = Path(__file__).parents[3]
HEAVY = (
    *("sqlalchemy", "numpy", "PIL", "eventsourcing", "alembic", "msgspec", "rich", "httpx", "mcp"),
    "infrastructure.bootstrap",
)
COMMAND_MODULES = tuple(f"infrastructure.cli.{place.module}" for place in PLACES.values())
NOT_FOR_LISTING = ("asyncio", "pydantic", "zoneinfo", "domain.money", *COMMAND_MODULES)
WAIT = patience.SECONDS
"""Seconds after which a process counts as hanging."""

STARTS = f"""
import sys
from infrastructure.cli import main
code = main(["--help"])
listing = [name for name in {NOT_FOR_LISTING!r} if name in sys.modules]
code += main(["account", "open", "--help"])
loaded = [name for name in {HEAVY!r} if name in sys.modules]
sys.exit(code or ", ".join(listing + loaded) or 0)
"""
BREAKS = """
import sys
from infrastructure import cli
from infrastructure.cli import app
from infrastructure.cli.commands import command
from infrastructure.cli.session import CommandSession
@command(app.app)
async def breaks(session: CommandSession) -> int:
    '''Break.'''
    return [][int(session.json)]
sys.exit(cli.main(sys.argv[1:]))
"""
READ_ONE = "import sys; sys.stdin.buffer.readline()"


def environment(home: Path) -> dict[str, str]:
    known = {"IMAGESTUDIO_HOME": str(home), "IMAGESTUDIO_ACCOUNT": ACCOUNT, "PYTHONPATH": str(ROOT)}
    known |= {"IMAGESTUDIO_SCRIPTED_ENABLED": "true"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGESTUDIO_", "PYTHON"))}
    kept["IMAGESTUDIO_PLAN_PRICES"] = "elsewhere"
    return kept | known


@contextmanager
def interrupted_by(handler: Any) -> Iterator[None]:
    """What an interruption does to this process meanwhile; a child inherits it only if it is nothing."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    """A process that can be interrupted, even if this one cannot: a background job of a shell ignores SIGINT."""
    pipe = subprocess.PIPE
    with interrupted_by(signal.default_int_handler):
        return subprocess.Popen(
            [sys.executable, *arguments], cwd=home, env=environment(home), stdout=pipe, stderr=pipe, text=True
        )


def test_help_starts_without_anything_heavy(tmp_path: Path) -> None:
    with start(tmp_path, "-c", STARTS) as process:
        _, err = process.communicate(timeout=WAIT)
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize("form", ["--ndjson", "--json"])
def test_a_reader_that_stops_reading_ends_the_command_quietly(workspace: Workspace, form: str) -> None:
    writer = start(workspace.home, "-m", "imagestudio", "events", form)
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.close()
    err = writer.stderr.read()
    writer.stderr.close()
    assert (writer.wait(WAIT), err) == (141, "")


@pytest.mark.parametrize("here", [signal.default_int_handler, signal.SIG_IGN], ids=["as usual", "under nohup"])
def test_an_interrupted_command_ends_with_130_and_leaves_the_operation_to_recovery(
    workspace: Workspace, here: Any
) -> None:
    slow = ("-m", "scripted-findable", "-i", "delay_ms=3600000")
    with interrupted_by(here), start(workspace.home, "-m", "imagestudio", "generate", "slow", *slow) as process:
        journal = workspace.home / "scripted"
        known = len(list(journal.rglob("*")))
        while len(list(journal.rglob("*"))) == known and process.poll() is None:
            threading.Event().wait(0.02)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("stopping: what was sent is being settled")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, out, err) == (130, "", "error: interrupted\n")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_defect_is_one_message_not_a_traceback(tmp_path: Path, options: tuple[str, ...]) -> None:
    with start(tmp_path, "-c", BREAKS, "breaks", *options) as process:
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, out) == (1, "")
    assert "IndexError" in err
    assert "defect" in err
    assert "Traceback" not in err


NOT_FOR_READING = (
    *("numpy", "PIL", "httpx", "httpcore", "alembic", "cv2", "av", "infrastructure.bootstrap"),
    *("sqlalchemy.dialects.postgresql", "psycopg", "rich.progress", "infrastructure.cli.run"),
    *("application.asking.preparing", "application.keeping.references"),
    *("application.keeping.differences", "projections.engine.replay"),
)
READS = f"""
import sys
from infrastructure.cli import main
code = main(["usage"])
loaded = [name for name in {NOT_FOR_READING!r} if name in sys.modules]
sys.exit(code or ", ".join(loaded) or 0)
"""


def test_usage_starts_without_what_only_operations_need(workspace: Workspace) -> None:
    with start(workspace.home, "-c", READS) as process:
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, err, bool(out)) == (0, "", True)
