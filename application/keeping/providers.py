"""The providers of a studio: by name, their callbacks, and what they bill beside what was booked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from application.keeping.reconciliation import ReconciledJob, Reconciler
from application.ledger.writer import Clock
from application.ports import Provider
from application.providing.callbacks import Callbacks
from application.providing.receiving import Receiving
from domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Providers:
    """All that is asked of providers apart from work; `off` says of each that may not be used what switches it on."""

    by_name: Mapping[str, Provider]
    off: Mapping[str, str]
    reconciler: Reconciler
    clock: Clock
    notified: Callable[[str, str, int], Awaitable[object]]

    def callbacks(self, provider: str) -> Callbacks:
        """The door for callbacks of a provider's jobs. Raises InvalidInput if the provider sends none."""
        found: object = self.by_name.get(provider)
        if not isinstance(found, Receiving):
            raise InvalidInput("provider", f"{provider!r} sends no callbacks")
        return Callbacks(found, self.clock, self.notified)

    async def reconcile(self, provider: str, since: int, until: int, *, correct: bool) -> list[ReconciledJob]:
        """Hold the costs we recorded against a provider's bills; see `Reconciler.run`."""
        return await self.reconciler.run(provider, since, until, correct=correct)
