"""Rows of the log as they pass: each follows from the one before it in its stream, and together they have a seal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from application.keeping.ends import Seal, StreamEnd
from application.ledger.log import GENESIS, link_hash
from domain.advice import Advice
from domain.errors import LogCorrupted
from domain.merkle import root_of


class ChainedRows:
    """Follows the chains of all streams; bounded by their number."""

    def __init__(self) -> None:
        self.position = 0
        self._ends: dict[str, tuple[int, bytes]] = {}

    def passed(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The same rows. Raises LogCorrupted at the first that does not follow."""
        for row in rows:
            self._follow(row)
            yield row

    def _follow(self, row: dict[str, Any]) -> None:
        stream, version = row["stream"], row["version"]
        before, hash = self._ends.get(stream, (0, GENESIS))
        state = row["state"].encode()
        expected = link_hash(hash, stream, version, row["topic"], row["operation"], row["actor"], state)
        if version != before + 1 or bytes(row["hash"]) != expected or row["position"] <= self.position:
            told = (
                f"position {row['position']}, stream {stream}, version {version}: does not follow from what is before"
            )
            raise LogCorrupted(told, hint=Advice("log.audit"))
        self._ends[stream] = version, expected
        self.position = row["position"]

    def seal(self) -> Seal:
        """The seal of all that passed."""
        ends = [StreamEnd(stream, version, hash) for stream, (version, hash) in sorted(self._ends.items())]
        return Seal(self.position, len(ends), root_of([end.leaf for end in ends]).hex())
