"""Rules of commits: their order is every reader's, and each is there as a whole, whatever is killed meanwhile."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from time import monotonic
from typing import Final

from sqlalchemy import text

from application.keeping.chains import verify_chains
from application.ledger.transaction import CommitUnknown, Conflict
from domain.errors import StoreUnavailable
from infrastructure.store.database import Database
from infrastructure.store.order import BY_MARK, MARK
from infrastructure.store.reader import SqlReader
from infrastructure.store.reordering import choose_order
from infrastructure.store.transactions import PostgresTransaction
from infrastructure.store.writes import postgres_script
from infrastructure.storecheck.trial import NotKept, TrialPlace, add_entries, append, locked

WRITERS: Final = 3
GROUPS: Final = 40
ACCOUNTS: Final = 40
PAGE: Final = 50
KILLS: Final = 12
TICK: Final = 0.005
ALL: Final = 1_000_000
VICTIM: Final = "imagestudio-victim"
KILL: Final = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{VICTIM}'"


def miss_nothing(at: TrialPlace) -> None:
    """Groups of many accounts and of very different sizes, by several writers, and a reader without a pause."""
    with at.open() as database, ThreadPoolExecutor(WRITERS) as pool:
        reader = SqlReader(database)
        seen = last = reader.end()
        found: set[int] = set()
        writing = [pool.submit(_write, at, f"order{number}") for number in range(WRITERS)]
        while True:
            finished = all(one.done() for one in writing)
            page = reader.read(last, PAGE)
            found.update(entry.position for entry in page)
            last = page[-1].position if page else last
            if finished and not page:
                break
        for one in writing:
            one.result()
        missed = {entry.position for entry in reader.read(seen, ALL)} - found
    if missed:
        raise NotKept(f"a reader that had seen later entries never found {len(missed)} of them")


def stay_below_marks(at: TrialPlace) -> None:
    """The same where commits are ordered by marks, and nobody passes a writer that has drawn and is not seen yet."""
    with at.open() as database:
        choose_order(database, MARK)
        _pass_nobody(at, database)
        miss_nothing(at)
        choose_order(database, "lock")


def _pass_nobody(at: TrialPlace, database: Database) -> None:
    reader = SqlReader(database)
    add_entries(at.store(database), "passed")
    before = reader.end()
    with at.open() as own, at.store(own).begin() as held:
        assert isinstance(held, PostgresTransaction)
        beside = append(held, locked(held, "held"))
        held.session.run(*postgres_script(held.rows(), beside, BY_MARK))
        add_entries(at.store(database), "passed")
        if reader.end() != before or reader.read(before, PAGE):
            raise NotKept("a reader passed a writer that had drawn its position and was not seen yet")
    if reader.end() == before or not reader.read(before, PAGE):
        raise NotKept("readers wait for a writer that is gone")


def _write(at: TrialPlace, name: str) -> None:
    sizes = random.Random(name)
    with at.open() as own:
        store = at.store(own)
        for _ in range(GROUPS):
            with suppress(Conflict):
                add_entries(store, *(f"{name}-{number}" for number in range(sizes.randint(1, ACCOUNTS))))


def be_whole(at: TrialPlace) -> None:
    """Sessions are ended by the server while they write and commit; the log is then whole, and has what was told.

    Each is ended a little later in its second group than the one before, by the time that its first group took.
    """
    told: list[str] = []
    with at.open() as database:
        for turn in range(KILLS):
            with at.open(name=VICTIM) as own, ThreadPoolExecutor(1) as pool:
                known, begun = len(told), monotonic()
                writing = pool.submit(_keep_writing, at, own, turn, told)
                while not writing.done() and len(told) == known:
                    wait([writing], TICK)
                wait([writing], (monotonic() - begun) * turn / KILLS)
                while not writing.done():
                    database.rows(text(KILL))
                    wait([writing], 0.05)
        groups: dict[str, int] = {}
        for entry in SqlReader(database).read(0, ALL):
            account = str(entry.link.originator_id).split(":")[1]
            if account.startswith("kill"):
                group = account.rpartition("-")[0]
                groups[group] = groups.get(group, 0) + 1
        problems = [str(problem) for problem in verify_chains(SqlReader(database))]
    if halves := [group for group, size in groups.items() if size != ACCOUNTS]:
        raise NotKept(f"a part of a group was there: {halves[0]}")
    if lost := [group for group in told if group not in groups]:
        raise NotKept(f"a group was committed and is gone: {lost[0]}")
    if problems:
        raise NotKept(f"the log does not hold together: {problems[0]}")


def _keep_writing(at: TrialPlace, database: Database, turn: int, told: list[str]) -> None:
    """Groups of accounts of their own, until the session is ended."""
    store = at.store(database)
    for number in range(ALL):
        group = f"kill{turn}-{number}"
        try:
            add_entries(store, *(f"{group}-{account}" for account in range(ACCOUNTS)))
        except (CommitUnknown, Conflict, StoreUnavailable):
            return
        told.append(group)
