"""What this process has just written is folded from memory, and only where nothing can be missing from it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from application.ledger.log import GENESIS, CommittedLinks, Link
from infrastructure.store.database import Database
from projections.engine import checkpoints
from projections.engine.checkpoints import Mark
from projections.engine.comparison import compare
from projections.engine.folding import LogRow
from projections.engine.projector import Projector, ProjectorThread
from projections.engine.recent import Recent
from projections.views import ALL
from tests.projections.histories import Log, busy
from tests.projections.injury import before, injure

FACTS = busy(20)
FOREVER = 2**63 - 1


def link(version: int) -> Link:
    return Link(
        "ledger:acme:0",
        version,
        "operation.dispatched",
        b'{"n":%d}' % version,
        f"op-{version}",
        "studio:tests",
        GENESIS,
    )


def row(position: int) -> LogRow:
    one = link(position)
    return position, one.topic, one.originator_version, one.state


def marked(database: Database) -> Collection[Mark]:
    with database.connect() as connection:
        return checkpoints.marks(connection, [view.name for view in ALL]).values()


def written(log: Log, after: int) -> list[Link]:
    return [entry.link for entry in log.reader.read(after, 1_000)]


def test_what_was_just_written_is_folded_without_reading_it_back(log: Log, database: Database) -> None:
    projector, recent = Projector(database, log.source, ALL), Recent()
    first = log.record(FACTS[:30])
    projector.advance()
    end = log.record(FACTS[30:])
    recent.add(end, written(log, first))
    with before(database, "SELECT position, topic", 1, injure):
        assert projector.advance(recent=recent) == len(FACTS) - 30
    assert projector.lag() == 0
    assert compare(database, log.source, ALL).equal


def test_facts_at_hand_are_folded_as_what_is_stored_of_them(log: Log, database: Database) -> None:
    projector, recent, links = Projector(database, log.source, ALL), Recent(), CommittedLinks()
    end = log.record(FACTS)
    links += [link._replace(state=b"not read") for link in written(log, 0)]
    links.facts += FACTS
    recent.add(end, links)
    assert projector.advance(recent=recent) == len(FACTS)
    assert compare(database, log.source, ALL).equal


def test_what_another_process_wrote_in_between_is_read(log: Log, database: Database) -> None:
    projector, recent = Projector(database, log.source, ALL), Recent()
    first = log.record(FACTS[:20])
    recent.add(first, written(log, 0))
    second = log.record(FACTS[20:40])
    end = log.record(FACTS[40:])
    recent.add(end, written(log, second))
    projector.advance(recent=recent)
    assert projector.lag() == 0
    assert compare(database, log.source, ALL).equal


def test_where_positions_are_not_told_the_log_is_read(log: Log, database: Database) -> None:
    projector, recent = Projector(database, log.source, ALL), Recent()
    recent.add(log.record(FACTS[:20]), written(log, 0))
    recent.add(None, [link(1)])
    log.record(FACTS[20:])
    projector.advance(recent=recent)
    assert projector.lag() == 0
    assert compare(database, log.source, ALL).equal


def test_whoever_reads_the_log_himself_reads_it_to_its_end(log: Log, database: Database) -> None:
    """What this process remembers ends with what it wrote; others may have written more."""
    projector = Projector(database, log.source, ALL)
    with closing(ProjectorThread(projector)) as thread:
        thread.appended(log.record(FACTS[:20]), written(log, 0))
        end = log.record(FACTS[20:])
        projector.advance()
        assert all(mark.position == end for mark in marked(database))
    assert compare(database, log.source, ALL).equal


GROUPS = st.lists(st.tuples(st.integers(1, 5), st.sampled_from(["ours", "ours", "ours", "theirs"])), max_size=12)


@given(GROUPS, st.integers(0, 60), st.integers(0, 60), st.integers(1, 30), st.integers(50, 600))
def test_what_is_remembered_is_what_the_log_says_or_nothing(
    groups: list[tuple[int, str]], position: int, span: int, limit: int, most: int
) -> None:
    """All that this process knows of the log after a position, from the first row on; otherwise the log is asked."""
    recent, told = Recent(most), 0
    for (size, whose), end in zip(groups, accumulate(size for size, _ in groups), strict=True):
        if whose == "ours":
            recent.add(end, [link(version) for version in range(end - size + 1, end + 1)])
            told = end
    upto = position + span
    found = recent.after(position, upto, limit)
    assert found is None or found == [row(at) for at in range(position + 1, min(told, upto) + 1)][:limit]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=10))
def test_whoever_keeps_up_finds_everything_in_memory(sizes: list[int]) -> None:
    recent, seen = Recent(), 0
    for size, end in zip(sizes, accumulate(sizes), strict=True):
        recent.add(end, [link(version) for version in range(end - size + 1, end + 1)])
        assert recent.after(seen, FOREVER, 10) == [row(at) for at in range(seen + 1, end + 1)]
        seen = end
        assert recent.after(seen, FOREVER, 10) is None


def test_no_more_is_remembered_than_there_is_room_for() -> None:
    recent = Recent(most=10 * len(link(10).state))
    for end in range(13, 50, 4):
        recent.add(end, [link(version) for version in range(end - 3, end + 1)])
    assert recent.after(9, FOREVER, 100) is None
    assert recent.after(41, FOREVER, 100) == [row(at) for at in range(42, 50)]
