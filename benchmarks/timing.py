"""How load is put on a contender and what is kept of it: closed loops of callers, and every caller's waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import ceil
from time import perf_counter, process_time
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Timed:
    """One measurement: seconds from the first request until all was done and seen, and each operation's own seconds.

    `cpu` is what the contender's processes computed meanwhile, in seconds; it hardly depends on what else runs.
    """

    seconds: float
    latencies: tuple[float, ...]
    cpu: float

    @property
    def rate(self) -> float:
        """Operations per second."""
        return len(self.latencies) / self.seconds


class Stopwatch:
    """Started by being made."""

    def __init__(self) -> None:
        self._began, self._cpu = perf_counter(), process_time()

    def stop(self, latencies: tuple[float, ...]) -> Timed:
        """The measurement that ends now."""
        return Timed(perf_counter() - self._began, latencies, process_time() - self._cpu)


@dataclass(frozen=True, slots=True)
class Totals:
    """What a database holds: operations recorded one by one, and how many of them the summaries count."""

    recorded: int
    counted: int


class Contender(Protocol):
    """One way of doing full life cycles on one database, held open over many measurements."""

    def prepare(self, accounts: Sequence[str]) -> None:
        """Open the accounts, where they are not."""

    def measure(self, accounts: Sequence[str], seconds: float) -> Timed:
        """One caller for each of `accounts` (repeated names are callers of one account), for so many seconds."""

    def totals(self) -> Totals: ...

    def close(self) -> None: ...


def percentile(values: Sequence[float], per_cent: float) -> float:
    """The least value that so many per cent do not exceed (nearest rank); 0 of nothing."""
    ordered = sorted(values)
    return ordered[max(ceil(len(ordered) * per_cent / 100) - 1, 0)] if ordered else 0.0


def merged(parts: Sequence[Timed]) -> Timed:
    """What several processes did at the same time."""
    latencies = tuple(latency for part in parts for latency in part.latencies)
    return Timed(max(part.seconds for part in parts), latencies, sum(part.cpu for part in parts))


async def drive(one: Callable[[str], Awaitable[object]], accounts: Sequence[str], seconds: float) -> tuple[float, ...]:
    """Each caller does one operation after another on its account until the time is over, but at least one."""
    stop = perf_counter() + seconds

    async def caller(account: str) -> list[float]:
        took: list[float] = []
        while (began := perf_counter()) < stop or not took:
            await one(account)
            took.append(perf_counter() - began)
        return took

    return tuple(latency for took in await asyncio.gather(*map(caller, accounts)) for latency in took)


def drive_threads(
    pool: ThreadPoolExecutor, one: Callable[[str], object], accounts: Sequence[str], seconds: float
) -> tuple[float, ...]:
    """The same with a thread for each caller."""
    stop = perf_counter() + seconds

    def caller(account: str) -> list[float]:
        took: list[float] = []
        while (began := perf_counter()) < stop or not took:
            one(account)
            took.append(perf_counter() - began)
        return took

    return tuple(latency for took in pool.map(caller, accounts) for latency in took)
