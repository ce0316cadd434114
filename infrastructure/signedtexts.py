"""Texts that are signed here and come back from outside: nobody has to remember them, and nobody else can make them.

body ── HMAC under the newest key, for one purpose ──> BODY.SIGNATURE ── any of the keys made it? ──> body
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


class NotSigned(ValueError):
    """Nobody here signed it, for this purpose."""


@dataclass(frozen=True, slots=True)
class TextSigner:
    """Signs and reads texts; `keys` are secrets, the newest first, and `purpose` keeps signatures apart."""

    keys: Callable[[], Sequence[bytes]] = field(repr=False)
    purpose: bytes

    def sign(self, body: bytes) -> str:
        """The body as text, with its signature."""
        return f"{_text(body)}.{_text(self._signature(self.keys()[0], body))}"

    def read(self, text: str) -> bytes:
        """The body of a text. Raises NotSigned."""
        body, _, signature = text.partition(".")
        try:
            content, signed = _bytes(body), _bytes(signature)
        except ValueError as error:
            raise NotSigned("it is no such text") from error
        if not any(hmac.compare_digest(self._signature(key, content), signed) for key in self.keys()):
            raise NotSigned("nobody here signed it")
        return content

    def _signature(self, key: bytes, body: bytes) -> bytes:
        return hmac.digest(key, self.purpose + body, "sha256")


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
