"""The log's facts as they are shown: with pseudonyms in the place of users who were erased.

log ── Codec ── fact ── ErasedUsers ── HidingCodec ──> exports, documents, letters

Whatever is proved or decided reads the log as it is; this is for what goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from application.ledger.log import Codec, PeriodSnapshot
from domain.ledger import Fact
from domain.pseudonyms import ErasedUsers


@dataclass(frozen=True, slots=True, eq=False)
class HidingCodec:
    """Implements Codec; `erased` is asked for each fact."""

    codec: Codec
    erased: Callable[[], ErasedUsers]

    @property
    def names(self) -> Mapping[str, type[Fact]]:
        return self.codec.names

    def encode(self, fact: Fact) -> tuple[str, bytes]:
        return self.codec.encode(fact)

    def names_of(self, shape: type[Fact]) -> tuple[str, ...]:
        return self.codec.names_of(shape)

    def decode(self, topic: str, state: bytes) -> Fact:
        fact, erased = self.codec.decode(topic, state), self.erased()
        return erased.hide(fact) if erased else fact

    def encode_snapshot(self, snapshot: PeriodSnapshot) -> bytes:
        return self.codec.encode_snapshot(snapshot)

    def decode_snapshot(self, stream: str, version: int, state: bytes) -> PeriodSnapshot | None:
        return self.codec.decode_snapshot(stream, version, state)

    def is_older_snapshot(self, state: bytes) -> bool:
        return self.codec.is_older_snapshot(state)
