"""Users who were erased, read from the ledger's table of them; asked anew once what is known is a second old."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING

from application.ledger.hiding import HidingCodec
from application.ledger.log import Codec
from domain.pseudonyms import ErasedUsers

if TYPE_CHECKING:
    from infrastructure.store.database import Database

FRESH = 1.0
"""Seconds."""


@dataclass(slots=True, eq=False)
class SqlErasedUsers:
    """Whoever was erased, by whichever process; blocking."""

    database: Database
    _known: ErasedUsers = field(default_factory=ErasedUsers, init=False)
    _until: float = field(default=0.0, init=False)

    def __call__(self) -> ErasedUsers:
        """Raises StoreUnavailable."""
        if monotonic() >= self._until:
            from projections.engine.renaming import erased_users

            with self.database.connect() as connection:
                self._known = erased_users(connection)
            self._until = monotonic() + FRESH
        return self._known

    def forget(self) -> None:
        """Ask anew: somebody was erased here."""
        self._until = 0.0


def shown_codec(database: Database, codec: Codec) -> HidingCodec:
    """The codec of whatever is shown of a database's log."""
    return HidingCodec(codec, database.erased)
