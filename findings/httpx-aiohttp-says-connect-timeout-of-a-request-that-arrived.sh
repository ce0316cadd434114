#!/usr/bin/env bash
# httpx-aiohttp 0.2.0 (aiohttp 3, httpx 0.28): a server that has read the whole request and hangs up without an answer is told as
# httpx.ConnectTimeout, "the connection was not made in time", where httpx's own transport says RemoteProtocolError. Whoever sends again what
# was never sent sends a paid request twice.
# Seen: httpx: RemoteProtocolError, httpx-aiohttp: ConnectTimeout; the server had the body of both.
# Exits with 1 if httpx-aiohttp no longer says that it did not connect.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels 'httpx-aiohttp==0.2.0' 'httpx>=0.28,<0.29' 'aiohttp>=3,<4'
PYTHONPATH=wheels python3 - <<'PYTHON'
import asyncio
import sys

import httpx
import httpx_aiohttp

arrived = []


async def hang_up(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length"))
    arrived.append(await reader.readexactly(length))
    writer.close()


async def said(client, port):
    async with client:
        try:
            await client.post(f"http://127.0.0.1:{port}/", content=b"pay once")
        except httpx.HTTPError as error:
            return type(error)


async def main():
    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    usual = await said(httpx.AsyncClient(), port)
    other = await said(httpx_aiohttp.HttpxAiohttpClient(), port)
    print(f"httpx: {usual.__name__}, httpx-aiohttp: {other.__name__}; arrived: {arrived}")
    return issubclass(other, (httpx.ConnectError, httpx.ConnectTimeout)) and len(arrived) >= 2


sys.exit(0 if asyncio.run(main()) else 1)
PYTHON
