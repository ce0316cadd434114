"""A worker as a process: it says that it works, and ends what it has begun when it is told to stop."""

from __future__ import annotations

import asyncio
import json
import signal
import time

from imagestudio import Request, open_studio
from tests.infrastructure.cli.test_processes import WAIT, start
from tests.infrastructure.cli.workspaces import ACCOUNT, Workspace, call

REQUEST = Request("text-to-image", ACCOUNT, {"prompt": "a lake"}, model="scripted-image")


async def queue() -> None:
    """Three operations for whoever works."""
    async with open_studio(serve=False) as studio:
        for _ in range(3):
            await studio.operations.submit(REQUEST, queued=True)


def test_it_performs_what_another_process_queued_and_stops_when_it_is_told(empty: Workspace) -> None:
    assert call("account", "open", ACCOUNT, "--plan", "pro").code == 0
    with start(empty.home, "-m", "imagestudio", "worker", "--concurrency", "2") as process:
        assert process.stderr is not None
        assert json.loads(process.stderr.readline())["event"] == "working, 2 operations at a time"
        asyncio.run(queue())
        while call("operations", "--account", ACCOUNT, "--json").out.count('"charged"') < 3:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, out.strip()) == (0, "Performed 3 operations"), err
    lines = [json.loads(line) for line in err.splitlines()]
    assert [one["event"].split(":")[0] for one in lines] == [*["performed"] * 3, "stopping"]
    assert all(one["operation"] for one in lines[:3])


def test_drained_it_ends_by_itself(empty: Workspace) -> None:
    assert call("account", "open", ACCOUNT, "--plan", "pro").code == 0
    asyncio.run(queue())
    with start(empty.home, "-m", "imagestudio", "worker", "--drain") as process:
        out, err = process.communicate(timeout=WAIT)
    assert (process.returncode, out) == (0, "Performed 3 operations\n"), err
