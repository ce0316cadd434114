"""The ends of all streams at a position, and the seal over them: what is kept outside to show that they were so."""

from __future__ import annotations

from dataclasses import dataclass

from domain.advice import Advice
from domain.errors import InvalidInput, StoreError
from domain.merkle import leaf_of


class SealBroken(StoreError):
    """A seal was not signed so, or a proof that something is in it does not hold."""

    code = "seal_broken"


@dataclass(frozen=True, slots=True)
class Seal:
    """The ends of all streams at a position, in 32 bytes; worth something when kept outside the database.

    `root` is in hex: that of a tree of hashes, so that one stream can be shown to be in it (see `domain/merkle.py`).
    """

    position: int
    streams: int
    root: str

    def __str__(self) -> str:
        return f"{self.position}:{self.streams}:{self.root}"

    @classmethod
    def parse(cls, text: str) -> Seal:
        """The seal that was written down. Raises InvalidInput."""
        position, _, rest = text.strip().partition(":")
        streams, _, root = rest.partition(":")
        if not (position.isdecimal() and streams.isdecimal() and len(root) == 64):
            raise InvalidInput("seal", f"{text!r} is not a seal", hint=Advice("log.seal"))
        return cls(int(position), int(streams), root)


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """The last entry of a stream when it was sealed."""

    stream: str
    version: int
    hash: bytes

    @property
    def leaf(self) -> bytes:
        return leaf_of(f"{len(self.stream)}:{self.stream}{self.version}:".encode() + self.hash)
