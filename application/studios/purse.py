"""The money of a batch: nothing is begun whose hold would lead past the budget."""

from __future__ import annotations

from collections.abc import Sequence

from domain.money import Money


class Purse:
    """Money of one batch, in micro-units: what was charged, and what is held by steps that are on their way."""

    def __init__(self, budget: Money | None) -> None:
        self.budget, self.charged, self.held = budget, 0, 0
        self.currency = ""

    def hold(self, amount: int) -> bool:
        """Keep so much for one step; False if the budget has no room for it."""
        if self.budget is not None and self.charged + self.held + amount > self.budget.micros:
            return False
        self.held += amount
        return True

    def settle(self, held: int, charged: Sequence[Money] = ()) -> None:
        """The step has ended: its hold is void, and these were charged."""
        self.held -= held
        for one in charged:
            self.charged, self.currency = self.charged + one.micros, one.currency
