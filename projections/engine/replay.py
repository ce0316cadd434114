"""Replays the log from its first fact into scratch tables and compares views with the replay, row for row.

    one moment of the views ── fold up to where each is ── tables that only this connection sees ── rows that differ

The scratch tables are temporary and belong to one connection: no writer or reader waits, and memory stays flat.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Dialect, MetaData, Table, TextClause, select, text
from sqlalchemy.schema import CreateTable

from application.ledger.reader import LogFilter
from domain.errors import ViewStopped
from projections.engine import checkpoints, rows
from projections.engine.checkpoints import Mark
from projections.engine.columns import STORED, ColumnKind
from projections.engine.database import FactSource
from projections.engine.folding import Choked, Folded, Folder, LogRow
from projections.engine.renaming import erased_users
from projections.engine.rows import Unwritable
from projections.engine.tables import live, table_of
from projections.engine.view import AnyView, in_order

READ = 10_000
"""Facts read, folded and written at a time."""

REPLAYED = "__replayed"
MOST = 100
"""Differing rows shown of each view."""


@dataclass(frozen=True, slots=True)
class DifferingRow:
    """A row that the replay makes otherwise; None where one side has none."""

    view: str
    key: dict[str, str | int]
    live: dict[str, Any] | None
    replayed: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ReplayedView:
    """One view: where it stood, how many facts it was compared after, how many rows differ, and the first of them."""

    view: str
    position: int
    rows: int
    differing: int
    differences: tuple[DifferingRow, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """The verdict: how many facts were replayed, and each view against the replay."""

    facts: int
    views: tuple[ReplayedView, ...]

    @property
    def equal(self) -> bool:
        return not any(view.differing for view in self.views)


class TableReplay:
    """Views as they should be, in tables that only this connection sees."""

    def __init__(
        self,
        connection: Connection,
        source: FactSource,
        views: Sequence[AnyView],
        account: str | None,
        read: int,
        most: int,
    ) -> None:
        self._connection = connection
        self._at_a_time, self._most = read, most
        self.source = source
        self.views = tuple(views)
        self.account = account
        self.position = {view.name: 0 for view in views}
        self.facts = {view.name: 0 for view in views}
        self.erased = erased_users(connection)
        self._tables: dict[str, Table] = {}

    @contextmanager
    def scratch(self) -> Iterator[None]:
        """Tables are made for views that are written; they go with this, with the connection at the latest."""
        failed = True
        try:
            yield
            failed = False
        finally:
            if not failed or self._connection.dialect.name == "sqlite":  # else they go with their transaction
                for table in self._tables.values():
                    self._connection.exec_driver_sql(f"DROP TABLE IF EXISTS {table.name}")

    def add(self, views: Sequence[AnyView], folded: Folded) -> None:
        """Add rows to the scratch tables of views, after those that were added before. Raises Unwritable."""
        for view in views:
            self._table(view)
        rows.add(self._connection, views, folded, REPLAYED)

    def replayed(self) -> Replay:
        """The views as they are at this moment, each with the replay of the log up to where it is."""
        self.to(checkpoints.marks(self._connection, self.position))
        compared = tuple(self.compare(view, self.position[view.name]) for view in self.views)
        return Replay(max(self.facts.values()), compared)

    def _table(self, view: AnyView) -> Table:
        """The scratch table of a view, made when it is first asked for."""
        if view.name not in self._tables:
            table, kind = _scratch_of(view), type(self._connection.dialect)
            self._connection.exec_driver_sql(_making(table, kind))  # type: ignore[arg-type]  # as any type, it hashes
            self._tables[view.name] = table
        return self._tables[view.name]

    def to(self, marks: Mapping[str, Mark]) -> None:
        """Fold every view up to its mark; views at one position are folded together."""
        goal = {name: mark.position for name, mark in marks.items()}
        while behind := {name: at for name, at in self.position.items() if at < goal.get(name, 0)}:
            start = min(behind.values())
            together = [view for view in self.views if behind.get(view.name) == start]
            stops = [at for at in behind.values() if at > start]
            upto = min([goal[view.name] for view in together] + stops)
            self._fold(together, start, upto)

    def _fold(self, views: Sequence[AnyView], start: int, upto: int) -> None:
        facts = self._read(start, upto)
        folder = Folder(views, self.source.codec, self.erased)
        folded = folder.empty()
        try:
            folder.fold(facts, folded)
            self.add(views, folded)
        except (Choked, Unwritable) as error:
            raise unreplayed(error) from error
        for view in views:
            self.position[view.name] = facts[-1][0] if len(facts) == self._at_a_time else upto
            self.facts[view.name] += len(facts)

    def _read(self, start: int, upto: int) -> Sequence[LogRow]:
        reader = self.source.reader
        if self.account is None:
            return reader.states(start, upto, self._at_a_time)
        found = reader.read(start, self._at_a_time, LogFilter(upto, self.account))
        links = [(one.position, one.link) for one in found]
        return [(at, link.topic, link.originator_version, link.state.decode()) for at, link in links]

    def compare(self, view: AnyView, position: int) -> ReplayedView:
        """A view as it is at this moment against its scratch table, which has what all facts up to a position make."""
        table = self._table(view)
        whose = {} if self.account is None else {"account": self.account}
        alike = "IS" if self._connection.dialect.name == "sqlite" else "IS NOT DISTINCT FROM"
        queries = _queries(view, account_in(view) if whose else "", alike)
        agreed = self._connection.execute(queries.agreed, whose).one()
        count = (
            0
            if agreed.both == agreed.ours == agreed.replayed
            else self._connection.execute(queries.differing, whose).scalar_one()
        )
        shown = self._connection.execute(queries.first, whose | {"most": self._most}).all() if count else ()
        differences = tuple(self._difference(view, table, key) for key in shown)
        return ReplayedView(view.name, position, agreed.ours, count, differences)

    def _difference(self, view: AnyView, scratch: Table, key: Sequence[Any]) -> DifferingRow:
        named = dict(zip(view.key, key, strict=True))
        ours, replayed = (self._row(table, named) for table in (live(view), scratch))
        return DifferingRow(view.name, named, ours, replayed)

    def _row(self, table: Table, key: Mapping[str, Any]) -> dict[str, Any] | None:
        query = select(table).where(*(table.c[name] == value for name, value in key.items()))
        row = self._connection.execute(query).mappings().first()
        return None if row is None else dict(row)


def account_in(view: AnyView) -> str:
    """The column that says whose a row is, empty if rows are of all accounts together."""
    return next((column.name for column in view.stored if column.kind is ColumnKind.ACCOUNT), "")


@cache
def _scratch_of(view: AnyView) -> Table:
    return table_of(view, MetaData(), view.name + REPLAYED, prefixes=["TEMPORARY"])


@cache
def _making(table: Table, dialect: type[Dialect]) -> str:
    """Written once a kind of database, as that takes longer than to make the table."""
    return str(CreateTable(table).compile(dialect=dialect()))


class _Queries(NamedTuple):
    """How many rows either side has and how many both have alike; if these are not the same, how many keys stand for a
    row that only one side has, or has so, and the first of them."""

    agreed: TextClause
    differing: TextClause
    first: TextClause


@cache
def _queries(view: AnyView, owner: str, alike: str) -> _Queries:
    """Those of a view, or of the rows whose column `owner` names one account.

    They are written once: to put them together anew took most of the time that the audit of a small ledger needs.
    """
    names, key = (", ".join(f'"{name}"' for name in chosen) for chosen in (view.named(*STORED), view.key))
    whose = f' WHERE "{owner}" = :account' if owner else ""
    ours, replayed = (f"SELECT {names} FROM {table}{whose}" for table in (view.name, view.name + REPLAYED))
    lost, strange = (f"{one} EXCEPT {other}" for one, other in ((replayed, ours), (ours, replayed)))
    keys = f"SELECT {key} FROM ({lost}) AS lost UNION SELECT {key} FROM ({strange}) AS strange"
    return _Queries(
        text(_agreed(view, owner, alike)),
        text(f"SELECT count(*) FROM ({keys}) AS differing"),
        text(f"{keys} ORDER BY {key} LIMIT :most"),
    )


def _agreed(view: AnyView, owner: str, alike: str) -> str:
    """Rows are met by their keys, which takes a third of the time that sorting both sides does."""
    here, there = view.name, view.name + REPLAYED
    met = " AND ".join(f'there."{name}" = here."{name}"' for name in view.key)
    same = " AND ".join(f'there."{name}" {alike} here."{name}"' for name in view.named(*STORED))
    mine = [f' WHERE {side}"{owner}" = :account' if owner else "" for side in ("", "here.")]
    counts = [f"(SELECT count(*) FROM {table}{mine[0]})" for table in (here, there)]
    both = f"(SELECT count(*) FROM {here} AS here JOIN {there} AS there ON {met} AND {same}{mine[1]})"
    return f'SELECT {counts[0]} AS ours, {counts[1]} AS replayed, {both} AS "both"'


def unreplayed(error: Exception) -> ViewStopped:
    """The log has a fact that cannot be folded, or of which no row can be made."""
    return ViewStopped(f"the log cannot be replayed {error}", hint="the fact itself is damaged")


@contextmanager
def moment_of_views(connection: Connection, views: Sequence[AnyView]) -> Iterator[None]:
    """One snapshot of all views; on PostgreSQL the tables are held first, lest a rebuilt one is swapped in behind it.

    Scratch tables are made, filled and dropped in the same transaction: behind a pooler the next one may be in another
    session. Only a rebuild that swaps in its tables meanwhile has to wait. Nothing else is written, so it takes no turn
    and on SQLite no lock, and a session that is meant to read may do it, too; a standby cannot make a table, not even a
    temporary one.
    """
    if connection.dialect.name == "sqlite":
        with _transaction(connection):
            yield
        return
    names = ", ".join(view.name for view in in_order(views))
    with _transaction(connection, " ISOLATION LEVEL REPEATABLE READ READ WRITE"):
        connection.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS SHARE MODE")
        yield


@contextmanager
def _transaction(connection: Connection, mode: str = "") -> Iterator[None]:
    connection.exec_driver_sql(f"BEGIN{mode}")
    try:
        yield
    finally:
        if not connection.invalidated:  # what a lost session began ended with it
            connection.exec_driver_sql("COMMIT")
