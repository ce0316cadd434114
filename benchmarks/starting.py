"""How much processor time commands take to start: of this tree against another one's, in turns, as a ratio.

python -m benchmarks.starting ../other/.venv/bin/imagestudio
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

COMMANDS = (("--help",), ("usage", "--everyone"), ("usage", "--account", "acme"))
RUNS = 9


def seconds(program: str, arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    """User and system time of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(ours: str, theirs: str) -> None:
    """Each command's median, and the ratio of ours to theirs."""
    with tempfile.TemporaryDirectory() as place:
        named = dict(zip((ours, theirs), ("ours", "theirs"), strict=True))
        homes = {program: {**os.environ, "IMAGESTUDIO_HOME": f"{place}/{name}"} for program, name in named.items()}
        for program, environment in homes.items():
            seconds(program, ("account", "open", "acme"), environment)
        for command in COMMANDS:
            taken = {program: list[float]() for program in homes}
            for _ in range(RUNS):
                for program, environment in homes.items():
                    taken[program].append(seconds(program, command, environment))
            mine, other = (median(taken[program]) for program in (ours, theirs))
            sys.stdout.write(f"{' '.join(command):<20} {mine:.2f} s, {other:.2f} s, ratio {mine / other:.2f}\n")


if __name__ == "__main__":
    compare(str(Path(sys.executable).with_name("imagestudio")), sys.argv[1])
