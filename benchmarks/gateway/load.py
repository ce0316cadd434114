"""A load over keep-alive connections, each with one request at a time: `python -m benchmarks.gateway.load URL,… …`.

Without a rate each connection asks again as soon as it is answered. With one, requests are due at even distances, and
the time of an answer counts from when its request was due, whether a connection was free for it or not: a server that
stalls is not spared what would have come meanwhile.

Prints one JSON object: requests a second, the median and the 99th percentile in milliseconds, and how many failed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
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
    seconds: float = 0.0


async def drive(urls: list[str], keys: list[str], connections: int, seconds: float, rate: float) -> Taken:
    """Ask for so long; connections use the addresses and the keys in turn."""
    taken, begun = Taken(), perf_counter()
    due = _due(begun, begun + seconds, rate)
    await asyncio.gather(
        *(_ask(urls[one % len(urls)], keys[one % len(keys)], due, taken) for one in range(connections))
    )
    taken.seconds = perf_counter() - begun
    return taken


def _due(begun: float, end: float, rate: float) -> Iterator[float]:
    """When each request should be sent: at once, or one after the other."""
    if not rate:
        while (now := perf_counter()) < end:
            yield now
        return
    for number in range(int((end - begun) * rate)):
        yield begun + number / rate


async def _ask(url: str, key: str, due: Iterator[float], taken: Taken) -> None:
    host = urlsplit(url)
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    head = f"POST {host.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY
    for at in due:
        if (early := at - perf_counter()) > 0:
            await asyncio.sleep(early)
        writer.write(request)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(answer.split(b"content-length:")[1].split(b"\r\n")[0]))
        taken.times.append(perf_counter() - at)
        taken.failed += not answer.startswith(b"http/1.1 200")
    writer.close()


def main() -> None:
    urls, keys, connections, seconds, rate = sys.argv[1:6]
    driving = drive(urls.split(","), keys.split(","), int(connections), float(seconds), float(rate))
    taken = uvloop.run(driving)
    times = sorted(taken.times)
    at = {share: 1_000 * times[min(int(len(times) * share), len(times) - 1)] for share in (0.5, 0.99)}
    told = {"rate": len(times) / taken.seconds, "requests": len(times), "p50": at[0.5], "p99": at[0.99]}
    sys.stdout.write(json.dumps({**told, "failed": taken.failed}))


if __name__ == "__main__":
    main()
