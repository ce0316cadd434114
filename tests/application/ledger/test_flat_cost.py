"""An operation costs the same whatever came before it and however much is open: statements, and rows read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest
from sqlalchemy import event, text

from application.ledger.group import Proposal
from infrastructure.store.schema import METADATA
from tests.application.support import Office, accepting, asking, completing, desk, opening
from tests.postgres import fresh_database

MEASURED = 10
GROUP = 250


@dataclass
class Cost:
    """What the database was asked, and what it had to look at."""

    statements: Counter[str]
    rows: int


async def earlier(office: Office, count: int) -> None:
    """So many operations, all settled."""
    for start in range(0, count, GROUP):
        ids = [f"earlier-{number}" for number in range(start, min(start + GROUP, count))]
        await put(office, [accepting(asking(id)) for id in ids])
        await put(office, [completing(id) for id in ids])


async def open_ones(office: Office, count: int) -> None:
    """So many operations, all still open."""
    for start in range(0, count, GROUP):
        ids = [f"open-{number}" for number in range(start, min(start + GROUP, count))]
        await put(office, [accepting(asking(id)) for id in ids])


async def put(office: Office, proposals: list[Proposal]) -> None:
    for waiting in [office.writer.put(proposal) for proposal in proposals]:
        await waiting


def life_cycles(office: Office) -> None:
    """Keyed, so that keys are read too; and what is settled is sometimes settled again."""
    for number in range(MEASURED):
        id = f"measured-{number}"
        office.do(accepting(asking(id, key=id, fingerprint="same")), completing(id), completing(id))


@contextmanager
def counted(office: Office) -> Iterator[Cost]:
    """Counts statements, and rows looked at: as PostgreSQL counts them, or by the steps of SQLite's machine."""
    cost = Cost(Counter(), 0)

    def note(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        cost.statements[statement.split("\n", maxsplit=1)[0]] += 1
        if office.database.is_sqlite:
            cursor.connection.set_progress_handler(step, 1)

    def unwatch(_connection: Any, cursor: Any, *_rest: Any) -> None:
        if office.database.is_sqlite:
            cursor.connection.set_progress_handler(None, 1)

    def step() -> int:
        cost.rows += 1
        return 0

    heard: dict[str, Callable[..., None]] = {"before_cursor_execute": note, "after_cursor_execute": unwatch}
    before = looked_at(office)
    for name, heed in heard.items():
        event.listen(office.database.engine, name, heed)
    yield cost
    for name, heed in heard.items():
        event.remove(office.database.engine, name, heed)
    cost.rows += looked_at(office) - before


def looked_at(office: Office) -> int:
    """Rows PostgreSQL has read so far."""
    if office.database.is_sqlite:
        return 0
    with office.database.session("BEGIN") as writers:
        writers.rows("SELECT pg_stat_force_next_flush()")
        writers.run("COMMIT")
    with office.database.connect() as connection:
        read = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables"
        return int(connection.execute(text(read)).scalar_one())


def keep_plans(office: Office) -> None:
    """Autovacuum might come by in the middle of one measurement, and let PostgreSQL change its mind."""
    if not office.database.is_sqlite:
        with office.database.connect() as connection:
            for table in METADATA.tables:
                connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = false)"))


async def cost_after(url: str, *, closed: int, open: int) -> Cost:
    with desk(url) as office:
        keep_plans(office)
        office.do(opening())
        await earlier(office, closed)
        await open_ones(office, open)
        with counted(office) as cost:
            life_cycles(office)
        assert cost.rows > MEASURED, "nothing was counted"
        return cost


@pytest.fixture
def another_url(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[str]:
    """A second database of the same kind."""
    if database_url.startswith("sqlite"):
        path = tmp_path / "another.db"
        copyfile(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
    else:
        template = request.getfixturevalue("postgres_template")
        with fresh_database(request.getfixturevalue("postgres_server"), template=template) as url:
            yield url


async def test_history_costs_nothing(database_url: str, another_url: str) -> None:
    """Ten or three thousand operations before."""
    assert await cost_after(database_url, closed=10, open=1) == await cost_after(another_url, closed=3_000, open=1)


async def test_what_is_open_costs_nothing(database_url: str, another_url: str) -> None:
    """One operation open or two thousand."""
    assert await cost_after(database_url, closed=10, open=1) == await cost_after(another_url, closed=10, open=2_000)
