"""Alerts as the use cases need them: how far the log was watched, and sums of what ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from domain.periods import Period


@dataclass(frozen=True, slots=True)
class WatchMark:
    """How far the log was watched, and the accounts that have, or had, alerts."""

    position: int
    accounts: frozenset[str]


class AlertTables(Protocol):
    """How far the log was watched, on the database that all processes share; blocking. Raises StoreUnavailable."""

    def mark(self) -> WatchMark:
        """The mark as it is."""

    def move(self, after: int, upto: int, accounts: Collection[str]) -> bool:
        """Move it from one position to another, and add accounts; False if it stands elsewhere by now."""


class AlertSums(Protocol):
    """Sums of what ended, as the views know it; blocking. Raises StoreUnavailable."""

    def bring_up(self) -> int:
        """Bring the views up to the log, as far as they come; the position."""

    def within(self, account: str, scope: str, window: str, span: Period) -> tuple[int, Mapping[str, int]]:
        """A position of the log, and what a scope's use in a span came to up to it, by measure.

        Of a billing period it is what belongs to it, of an hour and a day what ended in it.
        """
