"""An account that goes from one ledger to another, by a fact in each: no two ever take decisions for it.

    here    AccountLeft ─ what is open is settled ─ nothing more
    there   the same facts, copied ─ AccountArrived ─ everything, as before

Whoever asks the one that it has left is told so.
"""

from __future__ import annotations

from typing import Final

from domain.errors import ImageStudioError
from domain.meaning import Kind
from domain.value import value

HERE: Final = ""
"""The shard of an account that has left for none."""


@value
class AccountLeft:
    """From now on its decisions are taken in another shard, but for what is open here."""

    account: str
    at: int
    to: str
    reason: str = ""


@value
class AccountArrived:
    """From now on its decisions are taken here; all facts before this one are copies of those in another shard."""

    account: str
    at: int
    origin: str
    reason: str = ""


DepartureFact = AccountLeft | AccountArrived


class AccountMoved(ImageStudioError):
    """The account is in another shard, or on its way there; nothing was recorded."""

    code = "account_moved"
    kind = Kind.UNAVAILABLE

    def __init__(self, account: str, to: str) -> None:
        super().__init__(f"account {account!r} has left for shard {to!r}", hint="try again in a moment")
        self.account = account
