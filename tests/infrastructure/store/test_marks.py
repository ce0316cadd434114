"""Commits that are ordered by marks: no reader passes a writer that has drawn its positions and is not seen yet."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import permutations

import pytest

from application.ledger.log import GENESIS
from application.ledger.reader import LogFilter
from application.ledger.transaction import Beside, Conflict
from domain.errors import StoreError
from infrastructure.copying.rows import one_moment, stored_rows
from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from infrastructure.store.order import BY_LOCK, BY_MARK, SAFE
from infrastructure.store.reader import SqlReader
from infrastructure.store.recorders import LogRecorder
from infrastructure.store.reordering import choose_order, order_of
from infrastructure.store.schema import LOG
from infrastructure.store.session import Session
from infrastructure.store.transactions import SqlStore
from infrastructure.store.writes import postgres_script
from infrastructure.storecheck.trial import add_entries
from projections.engine.database import FactSource
from projections.engine.projector import FOREVER, Projector
from projections.views import ALL
from tests.faults.processes import ended
from tests.infrastructure.store.driven import driven_ledger
from tests.infrastructure.store.marking import UNSEEN, LockAlone, entries_of, held_writer, marked_ledger
from tests.postgres import fresh_database
from tests.projections.histories import Log, busy

MOST = 1_000
TOPICS = ("ledger.period_opened", "note", UNSEEN)
FAR = 2**31


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    with closing(marked_ledger(postgres_url)) as opened:
        add_entries(SqlStore(opened), "a", "b")
        yield opened


@pytest.fixture
def other(postgres_url: str) -> Iterator[Database]:
    """Another process's way to the same ledger."""
    with closing(Database(postgres_url, lock_seconds=0.2)) as opened:
        yield opened


def positions(database: Database) -> list[int]:
    return [row[0] for row in database.read("SELECT position FROM log ORDER BY position")]


READERS: dict[str, Callable[[Database], int]] = {
    "end": lambda at: SqlReader(at).end(),
    "read": lambda at: SqlReader(at).read(0, MOST)[-1].position,
    "read some": lambda at: (
        SqlReader(at).read(0, MOST, LogFilter(topics=("ledger.period_opened", "note", UNSEEN)))[-1].position
    ),
    "states": lambda at: SqlReader(at).states(0, FOREVER, MOST)[-1][0],
    "the library's": lambda at: LogRecorder(at).select_notifications(1, MOST)[-1].id,
    "the library's up to": lambda at: LogRecorder(at).select_notifications(1, MOST, MOST)[-1].id,
    "the library's end": lambda at: LogRecorder(at).max_notification_id() or 0,
}


def test_no_reader_passes_a_writer_that_is_stopped_until_all_is_there_at_once(database: Database) -> None:
    """The writer is a process that is stopped while the server has its positions drawn."""
    before = SqlReader(database).end()
    with held_writer(database, "c", "d") as (process, _), closing(Database(str_url(database))) as fresh:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGSTOP)
        for accounts in (("a",), ("b", "e"), ("a", "b")):
            add_entries(SqlStore(fresh), *accounts)
        for at in (database, fresh):
            assert {name: read(at) for name, read in READERS.items()} == dict.fromkeys(READERS, before)
        assert SqlReader(fresh).written() == before + 7
        assert SqlReader(fresh).read(before, MOST) == []
        own = SqlReader(fresh).read(before, MOST, LogFilter(account="a"))
        assert len(own) == 2, "what an account did itself is there at once"
        os.kill(process.pid, signal.SIGCONT)
    assert ended(process) == 0
    assert [one.position for one in SqlReader(fresh).read(before, MOST)] == list(range(before + 1, before + 8))


@pytest.mark.parametrize("end", ["pg_cancel_backend", "pg_terminate_backend"])
def test_what_a_writer_had_drawn_that_is_rolled_back_or_dies_is_passed(database: Database, end: str) -> None:
    before = SqlReader(database).end()
    with held_writer(database, "c", "d") as (process, session):
        if end == "pg_terminate_backend":
            process.kill()
        add_entries(SqlStore(database), "a")
        assert SqlReader(database).end() == before
        assert database.read(f"SELECT {end}({session})") == [(True,)]
        assert ended(process) != 0
        while SqlReader(database).end() == before:
            """The server ends it by itself."""
    assert [one.position for one in SqlReader(database).read(before, MOST)] == [before + 3]


def test_views_wait_for_whoever_has_drawn_and_count_everything_once(postgres_url: str) -> None:
    with closing(marked_ledger(postgres_url)) as database:
        log = Log(database)
        log.record(busy(20))
        projector, facts = Projector(database, log.source, ALL), len(positions(database))
        with ThreadPoolExecutor(1) as pool:
            with held_writer(database, "c") as (process, _):
                log.append([("account:d", UNSEEN, b"{}", None)])
                assert (projector.advance(), projector.lag()) == (facts, 2)
                waiting = pool.submit(projector.catch_up)
                assert (projector.lag(), waiting.done()) == (2, False)
            assert waiting.result() == 2
        assert (ended(process), projector.lag()) == (0, 0)


def str_url(database: Database) -> str:
    return database.url.render_as_string(hide_password=False)


# Every order in which a reader and two writers can meet

ROW = "note", None, "tests", "{}", bytearray(GENESIS)
NEWEST, MARKS, END = SAFE.split(";\n")
VISIBLE = "SELECT position FROM log"
FOUND = "SELECT current_setting('imagestudio.safe')::bigint, current_setting('imagestudio.newest')::bigint"
Seen = tuple[int, set[int]]
"""An end that was said to be safe, and what could be seen by then."""


class Meeting:
    """A reader in three steps; a writer that publishes, draws, and ends; another one that does it all at once."""

    def __init__(self, database: Database) -> None:
        self.reader, self.writer, self.other = (Session(database.engine) for _ in range(3))
        self.count = 0

    def close(self) -> None:
        for session in (self.reader, self.writer, self.other):
            session.close()

    def writing(self, session: Session, end: str) -> list[Callable[[], None]]:
        self.count += 1
        told, columns = postgres_script([(f"ledger:{self.count}:0", 1, *ROW)], Beside(), BY_MARK)
        shared, published, insert = told.split(";\n")
        return [
            lambda: session.run(f"BEGIN; {shared}; {published}"),
            lambda: session.run(insert, columns),
            lambda: session.run(end),
        ]

    def seen(self) -> set[int]:
        return {row[0] for row in self.reader.rows(VISIBLE)}

    def as_it_is(self) -> Iterator[Seen | None]:
        self.reader.run(f"BEGIN; {NEWEST}")
        yield None
        self.reader.run(MARKS)
        yield None
        [(end, _newest, _way)] = self.reader.rows(END)
        yield end, self.seen()

    def without_marks(self) -> Iterator[Seen | None]:
        self.reader.run("BEGIN")
        yield None
        yield None
        seen = self.seen()
        yield max(seen, default=0), seen

    def seeing_first(self) -> Iterator[Seen | None]:
        self.reader.run("BEGIN")
        seen = self.seen()
        yield None
        self.reader.run(f"{NEWEST}; {MARKS}")
        [(end, _newest, _way)] = self.reader.rows(END)
        yield None
        yield end, seen

    def marks_first(self) -> Iterator[Seen | None]:
        """The marks of before count, however the log has grown meanwhile."""
        self.reader.run(f"BEGIN; {NEWEST}; {MARKS}")
        [(safe, before)] = self.reader.rows(FOUND)
        yield None
        [(newest,)] = self.reader.rows("SELECT max(position) FROM log")
        yield None
        yield newest if safe == before else safe, self.seen()


def missed(database: Database, reading: Callable[[Meeting], Iterator[Seen | None]]) -> Iterator[str]:
    """In which of all the orders something appears later below an end that was said to be safe."""
    with closing(Meeting(database)) as met:
        for order in sorted(set(permutations("rrrwwwo"))):
            for end in ("COMMIT", "ROLLBACK"):
                met.other.run("BEGIN; ROLLBACK")
                reader, writer = reading(met), iter(met.writing(met.writer, end))
                seen: Seen | None = None
                for who in order:
                    if who == "r":
                        seen = next(reader) or seen
                    elif who == "w":
                        next(writer)()
                    else:
                        for step in met.writing(met.other, "COMMIT"):
                            step()
                met.reader.run("ROLLBACK")
                assert seen is not None
                if any(one <= seen[0] for one in {*positions(database)} - seen[1]):
                    yield f"{''.join(order)} {end}"


def test_in_whatever_order_a_reader_and_writers_meet_nothing_appears_below_a_safe_end(database: Database) -> None:
    assert [*missed(database, Meeting.as_it_is)] == []


@pytest.mark.parametrize("reading", [Meeting.without_marks, Meeting.seeing_first, Meeting.marks_first])
def test_a_reader_that_asks_in_another_order_would_be_seen(
    database: Database, reading: Callable[[Meeting], Iterator[Seen | None]]
) -> None:
    assert any(missed(database, reading))


# What marks are not


def test_marks_of_others_hold_nobody_up(database: Database, postgres_server: str) -> None:
    """Of another database, of a ledger beside, and whatever else somebody locks by a number."""
    [(log,)] = database.read("SELECT 'log'::regclass::oid::int")
    with fresh_database(postgres_server) as url, closing(Database(url)) as elsewhere:
        add_entries(SqlStore(database), "c")
        with elsewhere.transaction() as theirs, database.transaction() as here:
            theirs.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({log}, 0)")
            for locks in (f"{log + 1}, 0", str(log), str(log << 32), f"443439058, {log + 1}", f"0, {log}"):
                here.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({locks})")
            assert SqlReader(database).end() == 3


@pytest.mark.parametrize("last", [2, FAR - 2, FAR + 5, 2 * FAR - 2, 2 * FAR + 7, 2**40])
def test_positions_may_be_larger_than_the_numbers_of_locks(database: Database, last: int) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('log', 'position'), {last})")
    add_entries(SqlStore(database), "c")
    with SqlStore(database).begin() as one, closing(Meeting(database)) as met:
        publish, draw, commit = met.writing(met.writer, "COMMIT")
        publish()
        one.commit(entries_of(one, "a", "b", "d", "e"))
        assert (SqlReader(database).end(), SqlReader(database).written()) == (last + 1, last + 5)
        draw()
        commit()
        assert SqlReader(database).end() == last + 6


# Processes that do not know, and a choice that changes


def test_who_writes_by_the_lock_and_who_marks_wait_for_each_other(database: Database, other: Database) -> None:
    other.order = LockAlone()
    for first, second in ((database, other), (other, database)):
        patient = Database(str_url(second), lock_seconds=0.2)
        patient.order = second.order
        with closing(patient), closing(Meeting(database)) as met:
            script = (BY_LOCK if first is other else BY_MARK).order
            met.writer.run(f"BEGIN; {script}")
            with pytest.raises(Conflict):
                add_entries(SqlStore(patient), "a")
            met.writer.run("ROLLBACK")
            add_entries(SqlStore(patient), "a")


def test_a_writer_that_learned_of_a_choice_that_is_not_so_any_more_decides_again(
    database: Database, other: Database
) -> None:
    store = SqlStore(database)
    with store.begin() as transaction:
        beside = entries_of(transaction, "a")
        choose_order(other, "lock")
        with pytest.raises(Conflict):
            transaction.commit(beside)
    add_entries(store, "a")
    assert positions(database) == [1, 2, 4]
    choose_order(other, "mark")
    with store.begin() as transaction:
        beside = entries_of(transaction, "a")
        transaction.commit(beside)
    assert (order_of(database), SqlReader(database).end()) == ("mark", 5)


def test_readers_know_of_a_choice_by_their_next_look(database: Database, other: Database) -> None:
    reader = SqlReader(other)
    for way, end in (("lock", 3), ("mark", 3)):
        choose_order(database, "lock")
        assert {name: read(other) for name, read in READERS.items()} == dict.fromkeys(READERS, reader.written())
        choose_order(database, "mark")
        before = reader.end()
        with closing(Meeting(database)) as met:
            for step in met.writing(met.writer, "SELECT 1"):
                step()
            add_entries(SqlStore(database), "a")
            assert {name: read(other) for name, read in READERS.items()} == dict.fromkeys(READERS, before)
            met.writer.run("ROLLBACK")
        assert way, end


@pytest.mark.parametrize("last", ["1, false", "2", "4"])
def test_a_sequence_that_stands_behind_is_moved_to_the_end(postgres_url: str, last: str) -> None:
    """As after a restore, or logical replication: every group is written all the same, above all that is there."""
    with driven_ledger(postgres_url) as ledger:
        ledger.open("acme")
        ledger.run("acme", "op-1")
        choose_order(ledger.database, "mark")
        before = ledger.reader.end()
        with ledger.database.transaction() as connection:
            connection.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('log', 'position'), {last})")
        ledger.run("acme", "op-2", "op-3")
        entries = ledger.reader.read(before, MOST)
        assert [entry.position for entry in entries] == sorted(
            {one for one in positions(ledger.database) if one > before}
        )
        assert len(entries) == 10


def test_a_sequence_that_hands_out_several_numbers_is_refused(database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("ALTER SEQUENCE log_position_seq CACHE 20")
    with pytest.raises(StoreError, match="several numbers"):
        choose_order(database, "mark")
    for _ in range(3):  # sessions that have some kept: never below their mark, which is the last of them
        with suppress(Conflict):
            add_entries(SqlStore(database), "a")
    assert SqlReader(database).end() == SqlReader(database).written()


def test_a_file_has_no_choice(sqlite_url: str) -> None:
    with closing(Database(sqlite_url)) as database:
        with pytest.raises(StoreError, match="one process at a time"):
            choose_order(database, "mark")
        assert order_of(database) == "lock"


def test_a_copy_is_of_a_moment_below_which_nothing_is_to_come(database: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        with held_writer(database, "c") as (process, _):
            add_entries(SqlStore(database), "d")
            copying = pool.submit(copied, database)
            assert not copying.done()
        assert copying.result() == [1, 2, 3, 4]
        assert ended(process) == 0


def copied(database: Database) -> list[int]:
    with one_moment(database) as connection:
        return [row[0] for row in stored_rows(connection, LOG)]


# Safe is safe for ever


def test_an_end_never_goes_back_for_a_mark_that_was_published_late(database: Database) -> None:
    reader, before = SqlReader(database), SqlReader(database).end()
    add_entries(SqlStore(database), "a")
    assert reader.end() == before + 1
    [(log,)] = database.read("SELECT 'log'::regclass::oid::int")
    with database.transaction() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock_shared({log}, {before})")
        assert reader.end() == before + 1
        with closing(Database(str_url(database))) as fresh:
            assert SqlReader(fresh).end() == before
            Projector(fresh, FactSource(SqlReader(fresh), FactMapper()), ()).advance()


def test_facts_that_were_lost_are_not_said_to_be_there(database: Database) -> None:
    reader = SqlReader(database)
    assert reader.end() == 2
    with database.transaction() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("DELETE FROM log WHERE position = 2")
    assert reader.end() == 1
