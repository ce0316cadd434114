"""Entries that a stream hardly ever has are looked for once, and then in what came since."""

from __future__ import annotations

from dataclasses import replace

from domain.ledger import CreditAdded, stream_of
from infrastructure.store.database import Database
from infrastructure.store.past import SqlPast
from tests.domain.examples import APRIL_BOOK, CREDIT, OPENED, SETTLED
from tests.projections.histories import CODEC, Log


def test_rare_entries_are_found_as_they_come_and_as_they_were(database: Database) -> None:
    log, past, names = Log(database), SqlPast(database), CODEC.names_of(CreditAdded)
    stream, ends, found = stream_of(CREDIT), list[int](), list[list[int]]()
    log.record([OPENED, APRIL_BOOK])
    for number in range(3):
        log.record([*SETTLED, replace(CREDIT, key=f"credit:{number}")])
        ends.append(past.reader.end_of(stream).version)
        found.append([one.link.originator_version for one in past.rare(stream, ends[-1], names)])
    assert found == [ends[:1], ends[:2], ends]
    assert [one.link.originator_version for one in past.rare(stream, ends[1], names)] == ends[:2]
    assert past.rare(stream, ends[2], names) == past.entries(stream, ends[2], names)
