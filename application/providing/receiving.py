"""The port of providers that call back about their jobs: say whether a callback is its own, and what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Callback:
    """A message that came by HTTP to the address of an attempt at an operation; `mac` is that address's last part."""

    operation: str
    mac: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notification:
    """The subject of a verified callback; `id` is the same whenever it is repeated.

    `attempt` is the one at the operation to whose address it came; `ended` says that there is something to look for.
    """

    id: str
    operation: str
    job: str
    ended: bool
    attempt: int = 1


@runtime_checkable
class Receiving(Protocol):
    """A provider that calls back about its jobs, at an address that it was given with each submission."""

    async def receive(self, callback: Callback, now: int) -> Notification:
        """Check that it is the provider's own, and recent; `now` in epoch microseconds. Raises Unverified."""
