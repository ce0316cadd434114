"""The port to which decisions are put: one writer of this process today, whatever keeps accounts together tomorrow."""

from __future__ import annotations

import asyncio
from typing import Protocol

from application.ledger.group import Proposal, Receipt
from domain.account import Account


class Ledgers(Protocol):
    """Every account's ledger, to be written to."""

    def put(self, proposal: Proposal) -> asyncio.Future[Receipt]:
        """Append without blocking the loop; the future ends after the commit, or with the reason why there was none.

        It raises what the decision raises, Overloaded, ShuttingDown, StoreUnavailable if nothing could be written, or
        StoreRefused if it never can be. Cancelling it only stops the wait.
        """

    def known_terms(self, account: str) -> Account | None:
        """The account's terms as this process last saw them, without asking the database; None if it did not."""
