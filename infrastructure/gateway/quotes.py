"""Quotes: what an estimate said, signed, so that an operation that names it is held at that price for a while.

estimate ── model, price, instant, digest of what was asked ── HMAC ──> a text, which nobody has to remember
operation + that text ── the same request? in time? ──> that model, at the prices of that instant, at most that price
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from domain.errors import InvalidInput
from domain.money import Money
from infrastructure.clock import SECOND

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
        body = msgspec.json.encode(told)
        return f"{_text(body)}.{_text(_signature(self.keys()[0], body))}", told

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
        body, _, signature = text.partition(".")
        try:
            content, signed = _bytes(body), _bytes(signature)
            if len(text) > LONGEST or not any(
                hmac.compare_digest(_signature(key, content), signed) for key in self.keys()
            ):
                raise ValueError("nobody here signed it")
            return msgspec.json.decode(content, type=SignedQuote)
        except (ValueError, msgspec.MsgspecError) as error:
            raise InvalidInput("quote", "is none that was made here", hint="take it from an estimate") from error


def _signature(key: bytes, body: bytes) -> bytes:
    return hmac.digest(key, PURPOSE + body, "sha256")


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
