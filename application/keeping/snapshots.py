"""Snapshots: each period is folded from its stream again, and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from application.keeping.tables import PAGE, Discrepancy, Ground, Row, places_of
from application.ledger.log import Head, PeriodSnapshot
from domain.ledger import Ledger, evolve
from domain.streams import account_of

SNAPSHOT = "ledger.period_state"
"""The stored name of a period state."""


def periods_otherwise(ground: Ground, account: str | None) -> Iterator[Discrepancy]:
    """Periods that are not what their streams' facts make of them; those of an older schema are ignored, as by all."""
    fold = _Fold(ground, "")
    for places in places_of(ground.desks, "snapshots"):
        for place in places:
            stream, version = str(place[0]), int(str(place[1]))
            if account is not None and account_of(stream) != account:
                continue
            if fold.stream != stream:
                fold = _Fold(ground, stream)
            with ground.desks.moment() as desk:
                rows = desk.rows("snapshots", ("stream", "version"), [place])
            for row in rows:
                yield from _compared(ground, row, fold.to(version))


def _compared(ground: Ground, row: Row, told: PeriodSnapshot | None) -> Iterator[Discrepancy]:
    stream, version, state = str(row["stream"]), int(str(row["version"])), str(row["state"]).encode()
    if ground.codec.is_older_snapshot(state):
        return
    if (
        told is not None
        and row["topic"] == SNAPSHOT
        and ground.codec.decode_snapshot(stream, version, state)
        == ground.codec.decode_snapshot(stream, version, ground.codec.encode_snapshot(told))
    ):
        return
    key: Row = {"stream": stream, "version": version}
    wanted = None if told is None else {"topic": SNAPSHOT, "state": ground.codec.encode_snapshot(told).decode()}
    why = "is not what the log makes of its stream" if told is not None else "is of an entry that is not in the log"
    yield Discrepancy("snapshots", account_of(stream) or "", key, row, wanted, why)


@dataclass(slots=True)
class _Fold:
    """A stream's period, folded further from version to version."""

    ground: Ground
    stream: str
    ledger: Ledger = field(default_factory=Ledger)
    end: Head = field(default_factory=Head)

    def to(self, version: int) -> PeriodSnapshot | None:
        """The period at a version; None if the stream has no such entry, or no period there."""
        while self.end.version < version:
            links = self.ground.desks.stream(self.stream, self.end.version, min(PAGE, version - self.end.version))
            if not links:
                return None
            for link in links:
                evolve(self.ledger, self.ground.codec.decode(link.topic, link.state))
                self.end = Head(link.originator_version, link.hash)
            self.ledger.forget()
        if self.end.version != version or self.ledger.current is None:
            return None
        return PeriodSnapshot(self.stream, version, self.end.hash, self.ledger.current)
