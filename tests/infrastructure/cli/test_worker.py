"""A worker as a process: it says that it works, and ends what it has begun when it is told to stop."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.infrastructure.cli.test_processes import WAIT, start

QUEUES = """
import asyncio
from imagestudio import Request, open_studio

async def queue():
    async with open_studio(serve=False) as studio:
        wanted = Request("text-to-image", "acme", {"prompt": "a lake"}, model="scripted-image")
        for _ in range(3):
            await studio.operations.submit(wanted, queued=True)

asyncio.run(queue())
"""


def done(home: Path, *words: str) -> str:
    with start(home, *words) as process:
        out, err = process.communicate(timeout=WAIT)
    assert process.returncode == 0, err
    return out


def test_it_performs_what_another_process_queued_and_stops_when_it_is_told(tmp_path: Path) -> None:
    done(tmp_path, "-m", "imagestudio", "account", "open", "acme", "--plan", "pro")
    with start(tmp_path, "-m", "imagestudio", "worker", "--concurrency", "2") as process:
        assert process.stderr is not None
        assert json.loads(process.stderr.readline())["event"] == "working, 2 operations at a time"
        done(tmp_path, "-c", QUEUES)
        while done(tmp_path, "-m", "imagestudio", "operations", "--json").count('"charged"') < 3:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, out.strip()) == (0, "Performed 3 operations"), err
    lines = [json.loads(line) for line in err.splitlines()]
    assert [one["event"].split(":")[0] for one in lines] == [*["performed"] * 3, "stopping"]
    assert all(one["operation"] for one in lines[:3])


def test_drained_it_ends_by_itself(tmp_path: Path) -> None:
    done(tmp_path, "-m", "imagestudio", "account", "open", "acme", "--plan", "pro")
    done(tmp_path, "-c", QUEUES)
    assert done(tmp_path, "-m", "imagestudio", "worker", "--drain") == "Performed 3 operations\n"
