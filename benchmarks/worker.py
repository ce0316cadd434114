"""One contender in a process of its own, so that none disturbs another: measures what it is told on standard input.

    python -m benchmarks.worker ours sqlite:///FILE FOLDER

A line `{"callers": 64, "hot": false, "seconds": 1.5}` is answered by a line with seconds and latencies; any other
line by the totals of the database.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.limit import Limit
from benchmarks.ours import LedgerOnly, Ours
from benchmarks.timing import Contender, Totals
from benchmarks.usual import Usual

CONTENDERS: dict[str, Callable[[str, Path], Contender]] = {
    "ours": Ours,
    "files": lambda url, folder: Ours(url, folder, files=True),
    "ledger": lambda url, _: LedgerOnly(url),
    "limit": lambda url, _: Limit(url),
    "usual": lambda url, _: Usual(url),
}


def callers_of(callers: int, *, hot: bool) -> list[str]:
    """An account for each caller of this process: all the one that every process shares, or each its own."""
    return ["hot"] * callers if hot else [f"account-{os.getpid()}-{number}" for number in range(callers)]


def answer(contender: Contender, command: dict[str, Any]) -> dict[str, Any]:
    """Do what one line asks."""
    if "callers" not in command:
        totals: Totals = contender.totals()
        return {"recorded": totals.recorded, "counted": totals.counted}
    accounts = callers_of(command["callers"], hot=command["hot"])
    if command.get("prepare"):
        contender.prepare(accounts)
        return {}
    timed = contender.measure(accounts, command["seconds"])
    latencies = [round(latency * 1e6) for latency in timed.latencies]
    return {"seconds": timed.seconds, "latencies": latencies, "cpu": timed.cpu}


def main(name: str, url: str, folder: str) -> None:
    """Serve until standard input ends."""
    contender = CONTENDERS[name](url, Path(folder))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(contender, json.loads(line))) + "\n")
        sys.stdout.flush()
    contender.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
