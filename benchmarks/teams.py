"""Contenders as teams of one or more worker processes on one database each."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.stores import Place
from benchmarks.timing import Timed, Totals, merged

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Load:
    """So many callers in each of so many processes, on one account for all or one for each."""

    callers: int
    hot: bool
    processes: int = 1

    @property
    def crowd(self) -> str:
        """How many callers, as tables show it."""
        callers = f"{self.processes} x {self.callers}" if self.processes > 1 else str(self.callers)
        return f"{callers} callers" if self.callers > 1 else "1 caller"

    @property
    def name(self) -> str:
        """The load, as tables show it."""
        accounts = ", one hot account" if self.hot else ", distinct accounts"
        return self.crowd + (accounts if self.callers > 1 else "")

    @property
    def distinct(self) -> Load:
        """The same crowd on an account each."""
        return replace(self, hot=False)


class Team:
    """One contender's processes; the second starts when a load first needs it."""

    def __init__(self, contender: str, place: Place) -> None:
        self.contender = contender
        self._command = [sys.executable, "-m", "benchmarks.worker", contender, place.url, str(place.folder)]
        self._workers: list[subprocess.Popen[str]] = []

    def prepare(self, load: Load) -> None:
        """Start what is missing and open the accounts."""
        while len(self._workers) < load.processes:
            self._workers.append(
                subprocess.Popen(self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
        for worker in self._workers[: load.processes]:
            _ask([worker], {"callers": load.callers, "hot": load.hot, "prepare": True})

    def measure(self, load: Load, seconds: float) -> Timed:
        """All processes at once."""
        command = {"callers": load.callers, "hot": load.hot, "seconds": seconds}
        answers = _ask(self._workers[: load.processes], command)
        return merged([_timed(one) for one in answers])

    def totals(self) -> Totals:
        (answer,) = _ask(self._workers[:1], {})
        return Totals(answer["recorded"], answer["counted"])

    def close(self) -> None:
        for worker in self._workers:
            worker.communicate(timeout=60)


def _ask(workers: Sequence[subprocess.Popen[str]], command: dict[str, Any]) -> list[dict[str, Any]]:
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(json.dumps(command) + "\n")
        worker.stdin.flush()
    return [_answer(worker) for worker in workers]


def _timed(answer: dict[str, Any]) -> Timed:
    return Timed(answer["seconds"], tuple(took / 1e6 for took in answer["latencies"]), answer["cpu"])


def _answer(worker: subprocess.Popen[str]) -> dict[str, Any]:
    assert worker.stdout is not None
    line = worker.stdout.readline()
    if not line:
        raise RuntimeError(f"a worker ended with {worker.wait()}; its last words are above")
    answer: dict[str, Any] = json.loads(line)
    return answer


@contextmanager
def team(contender: str, place: Place) -> Iterator[Team]:
    """A team on a database, sent home afterwards."""
    members = Team(contender, place)
    try:
        yield members
    finally:
        members.close()
