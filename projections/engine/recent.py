"""The newest facts of the log as this process has just written them, so that what follows the log need not read them.

A row read back from SQLite costs a hand-over between threads, as the driver lets others run for each; where all are
busy that takes longer than folding it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from itertools import count, islice

from application.ledger.log import CommittedLinks, Link
from domain.ledger import Fact
from projections.engine.folding import LogRow

MOST = 16 * 1024 * 1024
"""Bytes that are kept; whoever is further behind reads the log."""


class Recent:
    """A stretch of the log without a gap, up to what was written last; from any thread.

    Entries of another process make a gap, and what stands before a gap is forgotten: so everything after a position
    is here, or nothing is.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._groups: deque[tuple[int, Sequence[Link], int]] = deque()
        """Of each commit: its first position, its entries, and their bytes."""
        self._end = 0
        self._kept = 0

    def add(self, position: int | None, links: Sequence[Link]) -> None:
        """The entries that one commit has written, the last of it at `position`, if that is known."""
        with self._lock:
            if position is None or position - len(links) != self._end:
                self._groups.clear()
                self._kept = 0
            if position is None:
                return
            size = sum([len(link.state) for link in links])
            self._groups.append((position - len(links) + 1, links, size))
            self._end = position
            self._kept += size
            while self._kept > self._most:
                self._forget()

    def after(self, position: int, upto: int, limit: int) -> list[LogRow] | None:
        """The rows above a position and not above `upto`, in order; None where the log itself must be read.

        Rows at and below the position are forgotten.
        """
        with self._lock:
            while self._groups and self._groups[0][0] + len(self._groups[0][1]) <= position + 1:
                self._forget()
            if not self._groups or self._groups[0][0] > position + 1:
                return None
            groups = tuple(self._groups)
        rows = (
            (at, link.topic, link.originator_version, fact)
            for first, links, _ in groups
            for at, link, fact in zip(count(first), links, _said(links))
            if position < at <= upto
        )
        return list(islice(rows, limit))

    def _forget(self) -> None:
        self._kept -= self._groups.popleft()[-1]


def _said(links: Sequence[Link]) -> Sequence[Fact | bytes]:
    """The facts of the links, or else their states."""
    return links.facts if isinstance(links, CommittedLinks) else [link.state for link in links]
