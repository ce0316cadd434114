"""Machines of one ledger: each has a home and settings of its own, and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.infrastructure.cli.workspaces import call
from tests.objects import Server

ROOT = Path(__file__).parents[3]
ACCOUNT = "acme"
SMALL = ("-i", "width=64", "-i", "height=64")
DRAW = ("--allow", "stand-in", *SMALL)


@dataclass(frozen=True)
class Machine:
    """Where commands run; `settings` are said by the environment."""

    home: Path
    settings: dict[str, object]

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        self.home.mkdir(exist_ok=True)
        command = [str(Path(sys.executable).with_name("imagestudio")), *map(str, arguments)]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command,
            cwd=self.home,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )

    def call(self, *arguments: object, code: int = 0) -> Any:
        """A command's answer, or its error if it gives none; it is to end with the code, and is run in this process."""
        self.home.mkdir(exist_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ.keys() - self._environment().keys():
                patch.delenv(name)
            for name, value in self._environment().items():
                patch.setenv(name, value)
            patch.chdir(self.home)
            done = call(*arguments, "--json")
        assert done.code == code, done.err
        return done.document if code == 0 or done.out else done.error

    def _environment(self) -> dict[str, str]:
        told = {"home": self.home, "account": ACCOUNT, **self.settings}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGESTUDIO_", "PYTHON"))}
        kept["IMAGESTUDIO_PLAN_PRICES"] = "elsewhere"
        own = {f"IMAGESTUDIO_{name.upper()}": str(value) for name, value in told.items()}
        return {**kept, **own, "PYTHONPATH": str(ROOT)}


def machines(folder: Path, url: str, server: Server, bucket: str, **settings: object) -> tuple[Machine, Machine]:
    """Two, whose files are in the same bucket."""
    told = {"database_url": url, **server.settings(bucket), **settings}
    return Machine(folder / "one", told), Machine(folder / "two", told)
