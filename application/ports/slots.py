"""How much a provider is given to do at a time, and how fast, by all processes together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Throughput:
    """The most operations at once, and submissions a minute, by all processes together; 0 is as many as there are."""

    at_once: int = 0
    per_minute: int = 0

    @property
    def interval(self) -> int:
        """Microseconds from one submission to the next."""
        return 60_000_000 // self.per_minute if self.per_minute else 0


@dataclass(frozen=True, slots=True)
class Entrance:
    """Leave to submit from an instant on, in a slot (0: none is needed); of None there is none now, and at the instant
    it may be asked again."""

    slot: int | None
    at: int


class Slots(Protocol):
    """Slots and pace of providers, on the database that all processes share; every call is one statement there."""

    def prepare(self, provider: str, at_once: int) -> None:
        """Make the rows of a provider, those that are missing."""

    def enter(self, provider: str, limit: Throughput, owner: str, now: int, expires: int) -> Entrance:
        """Take a free slot until `expires` and the next instant of the pace, or neither."""

    def leave(self, provider: str, slot: int, owner: str) -> None:
        """Free a slot, unless it is another's by now."""

    def renew(self, owner: str, expires: int) -> None:
        """Extend every slot of the owner."""

    def hold_off(self, provider: str, until: int) -> None:
        """Let nobody submit before an instant."""
