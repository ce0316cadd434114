"""An account that goes from one ledger to another: the error of whoever asks the one that it has left."""

from __future__ import annotations

from domain.errors import ImageStudioError
from domain.meaning import Kind


class AccountMoved(ImageStudioError):
    """The account is in another shard, or on its way there; nothing was recorded."""

    code = "account_moved"
    kind = Kind.UNAVAILABLE

    def __init__(self, account: str, to: str) -> None:
        super().__init__(f"account {account!r} has left for shard {to!r}", hint="try again in a moment")
        self.account = account
