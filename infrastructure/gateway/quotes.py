"""Quotes: what an estimate said, signed, so that an operation that names it is held at that price for a while.

estimate ── model, price, instant, digest of what was asked ── HMAC ──> a text, which nobody has to remember
operation + that text ── the same request? in time? ──> that model, at the prices of that instant, at most that price
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from domain.errors import InvalidInput
from domain.money import Money
from infrastructure.clock import SECOND
from infrastructure.signedtexts import NotSigned, TextSigner

SECONDS: Final = 15 * 60
"""How long a quote holds."""
PURPOSE: Final = b"quote-1"
"""Keeps these signatures apart from all others under the same key."""
LONGEST: Final = 2_000


class SignedQuote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model, and the most that a request is held for there, in micro-units; instants are epoch microseconds."""

    account: str
    digest: str
    model: str
    price: int
    currency: str
    at: int
    expires: int

    @property
    def money(self) -> Money:
        """The price."""
        return Money(self.price, self.currency)


@dataclass(frozen=True, slots=True)
class Quotes:
    """Makes and reads them; `keys` are secrets, the newest first, `clock` tells epoch microseconds."""

    keys: Callable[[], Sequence[bytes]]
    clock: Callable[[], int]

    def quote(self, account: str, digest: str, model: str, price: Money) -> tuple[str, SignedQuote]:
        """A quote as text, and what it says."""
        at = self.clock()
        told = SignedQuote(account, digest, model, price.micros, price.currency, at, at + SECONDS * SECOND)
        return self._signer.sign(msgspec.json.encode(told)), told

    def read(self, account: str, digest: str, text: str) -> SignedQuote:
        """The quote that a text is. Raises InvalidInput if it is none, over, or for another request."""
        told = self._verified(text)
        if (told.account, told.digest) != (account, digest):
            raise InvalidInput(
                "quote", "is for another request", hint="send what the estimate was asked for, unchanged"
            )
        if self.clock() >= told.expires:
            raise InvalidInput("quote", "does not hold any more", hint="ask for another estimate")
        return told

    def _verified(self, text: str) -> SignedQuote:
        try:
            if len(text) > LONGEST:
                raise NotSigned("it is longer than any")
            return msgspec.json.decode(self._signer.read(text), type=SignedQuote)
        except (NotSigned, msgspec.MsgspecError) as error:
            raise InvalidInput("quote", "is none that was made here", hint="take it from an estimate") from error

    @property
    def _signer(self) -> TextSigner:
        return TextSigner(self.keys, PURPOSE)
