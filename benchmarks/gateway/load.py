"""A load over keep-alive connections, each with one request at a time: `python -m benchmarks.gateway.load URL …`.

Prints one JSON object: requests a second, the median and the 99th percentile in milliseconds, and how many failed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urlsplit

import uvloop

BODY = json.dumps({"model": "small", "prompt": "a lake at dawn"}).encode()


@dataclass(slots=True)
class Taken:
    """The times of answers in seconds, and how many were no success."""

    times: list[float] = field(default_factory=list)
    failed: int = 0


async def drive(url: str, keys: list[str], connections: int, seconds: float) -> Taken:
    """Ask for so long; connections use the keys in turn."""
    taken, end = Taken(), perf_counter() + seconds
    asking = [_ask(url, keys[number % len(keys)], end, taken) for number in range(connections)]
    await asyncio.gather(*asking)
    return taken


async def _ask(url: str, key: str, end: float, taken: Taken) -> None:
    host = urlsplit(url)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    head = f"POST {host.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
    while (began := perf_counter()) < end:
        writer.write(request)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(answer.split(b"content-length:")[1].split(b"\r\n")[0]))
        taken.times.append(perf_counter() - began)
        taken.failed += not answer.startswith(b"http/1.1 200")
    writer.close()


def main() -> None:
    url, keys, connections, seconds = sys.argv[1:5]
    taken = uvloop.run(drive(url, keys.split(","), int(connections), float(seconds)))
    times = sorted(taken.times)
    at = {share: 1_000 * times[min(int(len(times) * share), len(times) - 1)] for share in (0.5, 0.99)}
    told = {"rate": len(times) / float(seconds), "p50": at[0.5], "p99": at[0.99], "failed": taken.failed}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
