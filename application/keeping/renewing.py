"""Looks after quiet accounts: periods begin, plans are paid for, and grants lapse although nobody asks for anything.

    accounts, page by page ── never looked at, or due by now ── its ledger ── due ──> the facts, in one append

Whoever asks first records what is due (`domain.entering`), so this only keeps it from being late. It may miss that a
grant became due sooner, or that an account has its first plan with a price, by a day at most: then it looks again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.ledger.looking import LedgerReader
from application.ledger.writer import Clock
from application.ports import Index
from domain.entering import current_period, due_at
from domain.errors import ImageStudioError
from domain.keys import STUDIO
from domain.ledger import Fact, Ledger, known_account

PAGE: Final = 500
DAY: Final = 24 * 60 * 60 * 1_000_000


@dataclass(slots=True)
class Renewals:
    """Records what is due of accounts that nobody uses."""

    ledgers: LedgerReader
    writer: Ledgers
    index: Index
    clock: Clock
    looked: dict[str, int] = field(default_factory=dict)
    """By account, when it is looked at again."""

    async def turn(self) -> int:
        """Look at every account that may be due; how many were. Raises StoreUnavailable."""
        after, renewed = "", 0
        while page := await asyncio.to_thread(self.index.accounts, after, PAGE):
            after, now = page[-1], self.clock()
            for account in page:
                if self.looked.get(account, 0) <= now and account != STUDIO:
                    renewed += await self._look_after(account, now)
        return renewed

    async def _look_after(self, account: str, now: int) -> int:
        due = await self.ledgers.look(account, lambda ledger, _now: _due(ledger, account))
        if due is None or due > now:
            self.looked[account] = min(now + DAY, now + DAY if due is None else due)
            return 0
        try:
            receipt = await self.writer.put(Proposal(account, lambda ledger, at: _renew(ledger, account, at)))
        except ImageStudioError:
            self.looked[account] = now + DAY
            raise
        return int(bool(receipt.facts))


def _due(ledger: Ledger, account: str) -> int | None:
    known = known_account(ledger, account)
    return None if known.left else due_at(ledger, known)


def _renew(ledger: Ledger, account: str, now: int) -> list[Fact]:
    known = known_account(ledger, account)
    due = due_at(ledger, known)
    return current_period(ledger, known, now)[0] if due is not None and due <= now else []
