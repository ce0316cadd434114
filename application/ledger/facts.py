"""The facts of one operation, read from the log by its id, and the state that they lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from application.ledger.log import Codec
from application.ledger.reader import LogFilter, LogReader
from domain.errors import UnknownOperation
from domain.ledger import Fact
from domain.lifecycle import evolve
from domain.operation import OperationFact, State

MOST = 1_000
"""Facts of one operation; the longest life has a few dozen."""


@dataclass(frozen=True, slots=True)
class OperationFacts:
    """Reads the facts of operations; blocking."""

    reader: LogReader
    codec: Codec

    def of(self, operation: str, upto: int | None = None) -> list[Fact]:
        """Every fact about an operation, in order, up to a position if one is named. Raises UnknownOperation."""
        entries = self.reader.read(0, MOST, LogFilter(upto=upto, operations=(operation,)))
        if not entries:
            raise UnknownOperation.of(operation)
        return [self.codec.decode(entry.link.topic, entry.link.state) for entry in entries]


def state_of(facts: Sequence[Fact]) -> State:
    """The phase of an operation after all its facts."""
    state: State | None = None
    for fact in facts:
        if isinstance(fact, OperationFact):
            state = evolve(state, fact)
    assert state is not None, "an operation begins with Requested"
    return state
