#!/usr/bin/env bash
# mcp 2.3.0: a server on stdio that is cancelled, as after SIGTERM, waits in `stdio_server` for the next line of stdin, which it reads in a
# thread that cannot be cancelled. A client that ends its server by a signal before it closes the pipe waits in vain, and kills it.
#   cancelled after 1 s: still there after 6 s; once stdin is closed it ends
# Exits with 1 if it ends by itself.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m venv env
env/bin/python -m pip install --quiet mcp==2.3.0
cat > server.py <<'PYTHON'
import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server


async def main() -> None:
    server = Server("silent")
    with anyio.move_on_after(1):
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())


anyio.run(main)
PYTHON
env/bin/python - <<'PYTHON'
import subprocess
import sys

server = subprocess.Popen([sys.executable, "server.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert server.stdin is not None
request = b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n'
server.stdin.write(request)
server.stdin.flush()
server.stdout.readline()  # it has started, and answers
try:
    server.wait(6)
    silent = False
except subprocess.TimeoutExpired:
    silent = True
server.stdin.close()
server.wait(20)
print(f"still there after 6 s: {silent}; ended once stdin was closed: {server.returncode == 0}")
sys.exit(0 if silent else 1)
PYTHON
