"""An operation is stored once, with its `Requested`, and not with each fact; who reads the log gets each fact whole.

    whole   {"operation":{"id":"01a2…","account":"acme",…},"at":1796059544414429,"attempt":1,…}    hashed, read, shown
    short   {"at":1796059544414429,"attempt":1,…}                                                  stored

A fact is stored short only if its operation's bytes are those of its `Requested`: what was rerouted or substituted
since is stored whole, and so is a fact of an operation whose beginning this process does not know. An adjustment is
whole in any case: it may stand in a later period, and has to be read when the beginning has left for the archive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

REQUESTED: Final = "operation.requested"
ADJUSTED: Final = "operation.adjusted"
OF_OPERATIONS: Final = "operation."
BEGUN, AFTER = '{"operation":{', '},"at":'
"""How a whole fact of an operation begins, and what follows its operation; no text within JSON holds the second."""

KEPT: Final = 8_192
"""Operations whose beginning is remembered: a few megabytes."""

About = Callable[[Any], tuple[str, str | None, str]]
"""The stored name, the operation and the state of a row."""

Fetch = Callable[[Sequence[str]], Iterable[Any]]
"""The operation and the state of each `Requested` of some operations."""


class Beginnings:
    """How the whole facts of operations begin; for all threads of a process."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def stored(self, topic: str, operation: str | None, whole: bytes) -> str:
        """The state of a new entry as it is stored."""
        state = whole.decode()
        if operation is None or not topic.startswith(OF_OPERATIONS) or not state.startswith(BEGUN):
            return state
        if topic == REQUESTED:
            self._learn(operation, state)
            return state
        if topic == ADJUSTED:
            return state
        begun = self._known.get(operation)
        return "{" + state[len(begun) :] if begun is not None and state.startswith(begun) else state

    def whole(self, rows: Sequence[Any], about: About, fetch: Fetch) -> list[str]:
        """The states of rows that were read, each whole; one whose operation has no beginning stays as it is."""
        known, states, lacking = self._known, list[str](), list[tuple[int, str]]()
        for topic, operation, state in map(about, rows):
            if state.startswith(BEGUN):
                if topic == REQUESTED and operation is not None:
                    self._learn(operation, state)
            elif operation is not None and state.startswith("{") and topic.startswith(OF_OPERATIONS):
                begun = known.get(operation)
                if begun is None:
                    lacking.append((len(states), operation))
                else:
                    state = begun + state[1:]  # noqa: PLW2901 - a row's state, whole from here on
            states.append(state)
        if lacking:
            self._complete(states, lacking, fetch)
        return states

    def _complete(self, states: list[str], lacking: Sequence[tuple[int, str]], fetch: Fetch) -> None:
        """Make those whole whose operations begin before the rows."""
        begun = {id: self._learn(id, state) for id, state in fetch([*{operation for _, operation in lacking}])}
        for place, operation in lacking:
            states[place] = begun.get(operation, "{") + states[place][1:]

    def _learn(self, operation: str, state: str) -> str:
        known = self._known
        if len(known) >= KEPT:
            for one in list(known)[: KEPT // 2]:
                known.pop(one, None)
        begun = state[: state.find(AFTER) + 2]
        known[operation] = begun
        return begun
