"""API keys of a studio, made of the parts that they share with the rest."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from application.following.feed import Told
from application.keeping.keyring import KeyRing
from application.keeping.keys import Keys
from infrastructure.clock import new_secret, steady
from infrastructure.peppers import peppers_of
from infrastructure.store.keynames import SqlKeyNames

if TYPE_CHECKING:
    from infrastructure.assembly import Assembly


def keys_of(made: Assembly) -> Keys:
    """On the log and the ledgers of an assembly; its ring hears of every commit until the studio is closed."""
    peppers = cache(partial(peppers_of, made.settings))

    def listen(told: Told) -> None:
        made.stack.enter_context(made.feed.listening(told))

    return Keys(
        ledgers=made.ledgers,
        names=SqlKeyNames(made.database),
        writer=made.writer,
        ring=KeyRing(made.reader, made.codec, peppers, made.clock, made.parts.steady or steady, listen),
        peppers=peppers,
        new_secret=new_secret,
        operator=made.operator,
        currency=made.price_book.currency,
    )
