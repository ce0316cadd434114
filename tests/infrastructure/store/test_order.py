"""One order for every reader: whoever follows the log from the last position they saw finds every entry of it.

Several processes write groups of many accounts, and a reader follows without a pause. The same on a store that does not
order its commits, and by a reader that does not stay below the marks, shows that this would be seen.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from typing import Any

import pytest

from application.ledger.transaction import Beside, Conflict
from infrastructure.store.database import Database
from infrastructure.store.reader import SqlReader
from infrastructure.store.reordering import choose_order
from infrastructure.store.transactions import SqlStore
from infrastructure.storecheck.trial import append, locked
from tests.faults.processes import ended, started
from tests.infrastructure.store.marking import by_lock_alone
from tests.infrastructure.storecheck.broken import WithoutOrder

WRITERS = 3
GROUPS = 60
ACCOUNTS = 40
PAGE = 50

SLOWLY = """
    CREATE FUNCTION hesitate() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(random() * 0.008); RETURN NULL; END $$;
    CREATE TRIGGER hesitate AFTER INSERT ON log EXECUTE FUNCTION hesitate()"""
"""Positions are drawn some time before the commit, as they are on a slow disk."""


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url, lock_seconds=30)) as opened:
        if not opened.is_sqlite:
            with opened.transaction() as connection:
                connection.exec_driver_sql(SLOWLY)
        yield opened


STORES: dict[str, Callable[[Database], SqlStore]] = {
    "ordered": SqlStore,
    "anyhow": WithoutOrder,
    "by lock alone": by_lock_alone,
}
"""How a process writes."""


class Boundless(SqlReader):
    """A reader that knows nothing of marks."""

    def _safely(self, upto: int | None, look: Callable[[int | None], Sequence[Any]]) -> Sequence[Any]:
        return look(upto)


async def writing(url: str, name: str, groups: int, how: str) -> None:
    """What a process does that writes groups of many accounts and of very different sizes; nothing of it is awaited."""
    sizes = random.Random(name)
    with closing(Database(url, lock_seconds=30)) as database:
        store = STORES[how](database)
        for _ in range(groups):
            with suppress(Conflict), store.begin() as transaction:
                accounts = [f"{name}-{number}" for number in range(sizes.randint(1, ACCOUNTS))]
                beside = [append(transaction, locked(transaction, account)) for account in accounts]
                transaction.commit(Beside(accounts=[row for one in beside for row in one.accounts]))


def followed(
    database: Database, *how: str, reading: type[SqlReader] = SqlReader, groups: int = GROUPS
) -> tuple[list[int], list[int]]:
    """The positions that a reader saw while processes wrote, and those there are."""
    url = database.url.render_as_string(hide_password=False)
    before = SqlReader(database).end()
    writers = [started(writing, url, f"writer{n}-{before}", groups, one) for n, one in enumerate(how)]
    reader, seen, last = reading(database), list[int](), before
    while True:
        finished = not any(writer.is_alive() for writer in writers)
        page = reader.read(last, PAGE)
        seen += [entry.position for entry in page]
        last = seen[-1] if seen else before
        if finished and not page:
            break
    assert [ended(writer) for writer in writers] == [0] * len(how)
    return seen, [entry.position for entry in reader.read(before, 1_000_000)]


def test_a_reader_never_finds_a_position_below_one_it_has_seen(database: Database) -> None:
    seen, there = followed(database, *["ordered"] * WRITERS)
    assert seen == there
    assert len(there) > WRITERS * GROUPS


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_nor_where_commits_are_ordered_by_marks_and_one_process_does_not_know(database: Database) -> None:
    choose_order(database, "mark")
    seen, there = followed(database, "ordered", "by lock alone", "ordered")
    assert seen == there
    assert len(there) > WRITERS * GROUPS


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_reader_that_does_not_stay_below_the_marks_would_be_seen(database: Database) -> None:
    """As often as it takes, which is once or twice."""
    choose_order(database, "mark")
    while True:
        seen, there = followed(database, *["ordered"] * WRITERS, reading=Boundless, groups=GROUPS // 2)
        if set(there) - set(seen):
            return


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_store_that_does_not_order_its_commits_would_be_seen(database: Database) -> None:
    """As often as it takes, which is once or twice."""
    while True:
        seen, there = followed(database, *["anyhow"] * WRITERS)
        if set(there) - set(seen):
            return
