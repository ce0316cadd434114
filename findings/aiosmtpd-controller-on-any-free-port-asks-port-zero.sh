#!/usr/bin/env bash
# aiosmtpd 1.4.6: `Controller(port=0)` has the system choose a free port, and binds it. Then `start` asks whether the server answers, at port 0, where nobody
# can, and raises; the port that was bound is told nowhere. A server made of the same factory by asyncio itself takes a letter.
#   Controller on port 0: ConnectionRefusedError, made by asyncio: 220
# Exits with 1 if the controller starts.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels aiosmtpd==1.4.6
PYTHONPATH=wheels python3 - <<'PYTHON'
import asyncio
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP

controller = Controller(Sink(), hostname="127.0.0.1", port=0)
try:
    controller.start()
    begun = "starts"
except OSError as error:
    begun = type(error).__name__
finally:
    controller.stop()


async def greeted() -> str:
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Sink()), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    line = await reader.readline()
    writer.close()
    server.close()
    return line.decode()[:3]


plain = asyncio.run(greeted())
print(f"Controller on port 0: {begun}, made by asyncio: {plain}")
sys.exit(0 if (begun, plain) == ("ConnectionRefusedError", "220") else 1)
PYTHON
