"""Worlds in which everything goes wrong, each of one seed: clients, processes, providers, clocks, disks and networks.

seed ── worlds of so many operations, each with the next seed ── each is lived, and held against a naive model
                                                                └── the first that breaks a promise is told, and ends it

All that a world does follows from its seed: the log is the same each time, byte for byte, with its ids and times. The
studio in it is the real one, on a real SQLite file.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from infrastructure.simulation.loop import never
from infrastructure.simulation.processes import HONEST, Tampering
from infrastructure.simulation.world import Lived, live_world

SEEDS = 2**31
EACH = 500
"""Operations of one world: enough for months to end in it, few enough to be lived again."""


@dataclass(frozen=True, slots=True)
class Worlds:
    """Worlds that were lived: how many there were, their operations, facts and faults by name, and the last world."""

    worlds: int
    operations: int
    facts: int
    faults: Counter[str]
    last: Lived

    @property
    def broken(self) -> str | None:
        """The promise that was broken, in words; None: all are kept."""
        return self.last.broken


def simulate(
    seed: int,
    operations: int,
    told: Callable[[Lived], object] = lambda _told: None,
    tampering: Tampering = HONEST,
    ended: Callable[[], bool] = never,
) -> Worlds:
    """Live worlds until there were so many operations, or a promise is broken; `told` is called after each.

    Raises Ended once `ended` says so, which is asked all the time.
    """
    facts, lived, worlds, faults = 0, 0, 0, Counter[str]()
    with _quiet():
        while True:
            found = live_world(seed + worlds, min(EACH, operations - lived), tampering, ended=ended)
            worlds, lived, facts = worlds + 1, lived + found.operations, facts + found.facts
            faults += found.faults
            told(found)
            if found.broken is not None or lived >= operations:
                return Worlds(worlds, lived, facts, faults, found)


@contextmanager
def _quiet() -> Iterator[None]:
    """Every fault would be a warning."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
