"""Commands that kill themselves in the middle: after so many files opened to be written, moved and removed, and rows
written, whatever the machine's speed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infrastructure.cli import main
from tests.faults.killed import statements
from tests.faults.processes import Reaper, ended, forks
from tests.infrastructure.cli.test_processes import environment

PARTS = 6
MOMENTS = range(1, PARTS)
"""Sixths of a command, after which it dies."""
NEVER = 1_000_000
WRITES = os.O_WRONLY | os.O_RDWR
FILES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link"}


def run(home: Path, *arguments: str, last: int = NEVER) -> tuple[int, int]:
    """A command in a process of its own, dead after step `last`; its exit code and how many steps it took."""
    steps = home.with_name(f"{home.name}.steps")
    process = forks().Process(target=_obey, args=(environment(home), arguments, last, steps), daemon=True)
    process.start()
    code = ended(process)
    return code, int(steps.read_text()) if code == 0 else last


def killed(home: Path, moment: int, count: int, *arguments: str) -> None:
    """A command that takes so many steps, dead after so many sixths of them."""
    code, _ = run(home, *arguments, last=count * moment // PARTS)
    assert code == -signal.SIGKILL


def _obey(known: dict[str, str], arguments: tuple[str, ...], last: int, steps: Path) -> None:
    """What the child does."""
    os.environ.clear()
    os.environ.update(known)
    with steps.with_suffix(".out").open("wb") as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    reaper = Reaper(last)
    with statements(reaper):
        sys.addaudithook(telling(reaper))
        code = main(list(arguments))
    steps.write_text(str(len(reaper.seen)))
    sys.exit(code)


def telling(tap: Callable[[str], None]) -> Callable[[str, tuple[Any, ...]], None]:
    """Every file that is opened to be written, moved or removed is a step."""

    def tell(event: str, arguments: tuple[Any, ...]) -> None:
        if event in FILES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES):
            tap(event)

    return tell
