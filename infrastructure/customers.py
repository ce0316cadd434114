"""The use cases of those who run accounts, put together from the parts of a studio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from application.keeping.accounts import Accounts

if TYPE_CHECKING:
    from infrastructure.assembly import Assembly


def accounts_of(parts: Assembly) -> Accounts:
    """Accounts on the plans, tariffs and currencies of the settings' files."""
    return Accounts(
        ledgers=parts.ledgers,
        writer=parts.writer,
        index=parts.index,
        clock=parts.clock,
        currency=parts.price_book.currency,
        operator=parts.operator,
        known_model=parts.catalogue.get,
        plans=parts.plans,
        selling=parts.selling,
    )
