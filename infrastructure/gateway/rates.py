"""How many requests a key may make in a minute, counted in this process.

Each minute begins with a key's first request in it. Headers say what is left, as the IETF's draft has them:
https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import Final

from domain.counts import counted
from domain.errors import Overloaded

WINDOW: Final = 60
"""Seconds."""
MOST: Final = 100_000
"""Keys that are remembered."""


class TooManyRequests(Overloaded):
    """The key made its requests of this minute; `seconds` until the next one begins."""

    code = "rate_limited"

    def __init__(self, message: str, *, hint: str, seconds: int) -> None:
        super().__init__(message, hint=hint)
        self.seconds = seconds


@dataclass(slots=True)
class Rates:
    """Counts the requests of each key that is limited; `clock` is in seconds."""

    clock: Callable[[], float] = monotonic
    _counts: dict[str, tuple[float, int]] = field(default_factory=dict, init=False)

    def take(self, key: str, most: int) -> dict[str, str]:
        """One more request; the headers that say what is left. Raises TooManyRequests."""
        now = self.clock()
        began, count = self._counts.get(key, (now, 0))
        if now >= began + WINDOW:
            began, count = now, 0
        left, seconds = most - count, max(1, ceil(began + WINDOW - now))
        if left <= 0:
            told = f"key {key} makes at most {counted(most, 'request')} a minute"
            raise TooManyRequests(told, hint=f"wait {seconds} s", seconds=seconds)
        if len(self._counts) >= MOST:
            self._counts = {one: told for one, told in self._counts.items() if now < told[0] + WINDOW}
        self._counts[key] = (began, count + 1)
        return {
            "ratelimit-policy": f'"key";q={most};w={WINDOW}',
            "ratelimit": f'"key";r={left - 1};t={seconds}',
        }

    def give_back(self, key: str) -> None:
        """The last request of a key does not count after all."""
        began, count = self._counts.get(key, (0.0, 0))
        if count:
            self._counts[key] = (began, count - 1)
