"""The page about webhooks: its receiver runs as it is written, and its tables are the program's."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from domain.happenings import EVENTS
from domain.retrying import HOUR, MINUTE, PAUSES
from tests.application.studios import SYNC, studio_on
from tests.pages import page, table
from tests.wire.loops import listener

PAGE = page("docs/webhooks.md")
SECONDS = {"seconds": 1, "minutes": MINUTE, "hours": HOUR}
READY = "import sys; sys.stdout.write('ready\\n'); sys.stdout.flush()\n"


async def test_the_receiver_takes_what_is_sent_and_only_that(sqlite_url: str, tmp_path: Path) -> None:
    socket = listener()
    port = socket.getsockname()[1]
    socket.close()
    [code] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    origin = f"http://127.0.0.1:{port}"
    async with studio_on(sqlite_url, tmp_path, webhook_origins=(origin,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        new = await studio.webhooks.add("acme", f"{origin}/hooks")
        receiver = code.replace("whsec_…", new.secret).replace("9000", str(port)).replace("\n\nHTTPServer", "\nSERVER")
        receiver = receiver.replace("SERVER((", "server = HTTPServer((").replace(".serve_forever()", "")
        running = f"{receiver}\n{READY}server.serve_forever()\n"
        command, pipe = [sys.executable, "-c", running], subprocess.PIPE
        with subprocess.Popen(command, stdout=pipe, stderr=pipe) as shop:  # noqa: ASYNC220 - it runs beside the loop
            assert shop.stdout is not None
            try:
                assert shop.stdout.readline() == b"ready\n"
                drawn = await studio.operations.generate("a lake", account="acme", model=SYNC)
                await studio.make_sender().once()
                said = [shop.stdout.readline().decode().split() for _ in range(2)]
                assert said == [[event, drawn.operation] for event in ("operation.completed", "operation.charged")]
                await studio.webhooks.rotate("acme", new.webhook.id, overlap=0)
                assert not (await studio.webhooks.test("acme", new.webhook.id)).accepted
            finally:
                shop.kill()


def test_the_events_are_those_that_there_are() -> None:
    rows = table(PAGE, "What is told")
    assert {row["event"].strip("`"): row["says"] for row in rows} == EVENTS


def test_the_pauses_are_those_that_are_kept() -> None:
    rows = re.findall(r"^\| (\d+) \| (\d+) (seconds|minutes|hours) \|$", PAGE, re.MULTILINE)
    assert [(int(number), int(count) * SECONDS[unit]) for number, count, unit in rows] == [*enumerate(PAUSES, 2)]
