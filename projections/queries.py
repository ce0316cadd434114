"""What people ask of the views: usage, statements, costs, operations, and how far behind each view is.

Amounts are micro-units, without the costs of `cost_unknown` operations, instants epoch microseconds UTC, `units`
millionths of a unit. An answer is one statement, and so of one moment, also while a rebuilt table is swapped in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Select, Table, cast, func, select

from application.ledger.reader import LogReader
from domain.errors import InvalidInput
from domain.operation import PHASES
from projections.engine.database import Database
from projections.engine.tables import CHECKPOINTS, FRESH, TABLES
from projections.engine.tally import Tally, Value
from projections.views import ALL, COSTS, OPERATIONS, PERIODS, USAGE


@dataclass(frozen=True, slots=True)
class Usage:
    """What one user of an account did with one kind of operation in one period: how many operations, how many outputs
    were `asked` for, and how many `outputs` were charged."""

    account: str
    user: str
    period_start: int
    period_end: int
    kind: str
    operations: int
    asked: int
    rejected: int
    charged: int
    failed: int
    released: int
    outputs: int
    price: int
    adjusted: int
    cost: int
    cost_unknown: int
    estimated: int
    currency: str | None

    @property
    def gross(self) -> int:
        """What was charged, before any correction."""
        return self.price - self.adjusted


@dataclass(frozen=True, slots=True)
class PeriodTotal:
    """One account's period: its operations and its money; `held` is what open operations may still cost.

    For a prepaid account, what is left in its current period is carried + credits + returned - price - held.
    """

    account: str
    period_start: int
    period_end: int
    operations: int
    asked: int
    rejected: int
    charged: int
    failed: int
    released: int
    outputs: int
    price: int
    adjusted: int
    cost: int
    cost_unknown: int
    estimated: int
    carried: int
    credits: int
    returned: int
    currency: str | None
    plan: str | None
    held: int

    @property
    def gross(self) -> int:
        """What was charged, before any correction."""
        return self.price - self.adjusted

    @property
    def balance(self) -> int:
        """What is left of a prepaid account's money in its current period."""
        return self.carried + self.credits + self.returned - self.price - self.held


@dataclass(frozen=True, slots=True)
class ModelCost:
    """What one model brought in and cost us in one calendar month of UTC; its units were last counted in `unit`."""

    model: str
    provider: str
    currency: str
    month_start: int
    month_end: int
    charged: int
    released: int
    outputs: int
    units: int
    price: int
    adjusted: int
    cost: int
    cost_unknown: int
    estimated: int
    unit: str | None

    @property
    def gross(self) -> int:
        """What was charged, before any correction."""
        return self.price - self.adjusted


@dataclass(frozen=True, slots=True)
class Logged:
    """One operation: where it is and its money. `late` counts deliveries after a release by policy, `lost` outputs
    that were gone before they could be fetched, and `job` is the provider's id."""

    id: str
    outputs: int
    price: int
    adjusted: int
    cost: int
    cost_unknown: int
    estimated: int
    late: int
    lost: int
    batch: str
    account: str
    user: str
    project: str | None
    kind: str
    model: str
    provider: str
    job: str | None
    period_start: int
    period_end: int
    asked: int
    requested_at: int
    settled_at: int | None
    state: str
    reason: str | None
    held: int | None
    currency: str | None
    price_source: str | None
    cost_source: str | None
    model_class: str | None

    @property
    def known_cost(self) -> int | None:
        """Its cost, None where it is not known."""
        return None if self.cost_unknown else self.cost

    @property
    def gross(self) -> int:
        """What was charged, before any correction."""
        return self.price - self.adjusted

    @property
    def flags(self) -> tuple[str, ...]:
        """What is out of the ordinary about it, by the names of FLAGS."""
        return tuple(name for name, holds in FLAGS.items() if holds(self))


@dataclass(frozen=True, slots=True)
class ViewStatus:
    """How far a view is: `lag` in positions of the log; the fact it chokes on; how far its rebuild is."""

    view: str
    position: int
    lag: int
    failed_at: int | None
    error: str | None
    rebuilding: int | None


Answer = TypeVar("Answer")

FLAGS: Mapping[str, Callable[[Any], Any]] = {
    "lost": lambda row: row.lost > 0,
    "late": lambda row: row.late > 0,
    "overbilled": lambda row: row.cost > row.price - row.adjusted,
    "estimated": lambda row: row.estimated > 0,
    "unknown": lambda row: row.cost_unknown > 0,
    "stand-in": lambda row: row.model_class == "stand-in",
    "test": lambda row: row.model_class == "test",
}
"""What is out of the ordinary, asked of a row or of the table's columns: outputs that could not be kept, deliveries
after a release, costs above the price, amounts that are the most they can be, costs that nobody knows, models that are
no real ones."""


class Views:
    """All queries. None asks for any; `at` asks for the periods that contain an instant. Raises StoreUnavailable."""

    def __init__(self, database: Database, reader: LogReader) -> None:
        self._database = database
        self._reader = reader

    def usage(
        self,
        account: str | None = None,
        user: str | None = None,
        kind: str | None = None,
        at: int | None = None,
        limit: int | None = None,
    ) -> list[Usage]:
        """The usage summary, by key. Raises UnknownKind."""
        equal = {"account": account, "user": user, "kind": kind}
        return _of_kind(kind, self._rows(Usage, _by_key(USAGE, equal, at, limit)))

    def periods(self, account: str | None = None, at: int | None = None, limit: int | None = None) -> list[PeriodTotal]:
        """Billing-period totals, by account and time."""
        log, totals = TABLES[OPERATIONS.name], TABLES[PERIODS.name]
        held = (
            select(cast(func.coalesce(func.sum(log.c.held), 0), BigInteger))
            .where(log.c.account == totals.c.account, log.c.period_start == totals.c.period_start, log.c.held > 0)
            .scalar_subquery()
        )
        return self._rows(PeriodTotal, _by_key(PERIODS, {"account": account}, at, limit).add_columns(held))

    def costs(
        self,
        model: str | None = None,
        provider: str | None = None,
        at: int | None = None,
        limit: int | None = None,
    ) -> list[ModelCost]:
        """Per-model costs, by key."""
        return self._rows(ModelCost, _by_key(COSTS, {"model": model, "provider": provider}, at, limit))

    def operations(
        self,
        *,
        account: str | None = None,
        user: str | None = None,
        project: str | None = None,
        batch: str | None = None,
        kind: str | None = None,
        model: str | None = None,
        provider: str | None = None,
        state: str | None = None,
        flag: str | None = None,
        at: int | None = None,
        requested: tuple[int, int] | None = None,
        limit: int | None = 100,
    ) -> list[Logged]:
        """The operation log, the newest first; `flag` is one of FLAGS, `requested` the span [since, until).

        Raises InvalidInput for a state or a flag that there is not, UnknownKind.
        """
        check_word("state", state, PHASES.values())
        check_word("flag", flag, FLAGS)
        who = {"account": account, "user": user, "project": project, "batch": batch}
        what = {"kind": kind, "model": model, "provider": provider, "state": state}
        table = TABLES[OPERATIONS.name]
        query = _filtered(OPERATIONS, {**who, **what}, at)
        if flag is not None:
            query = query.where(FLAGS[flag](table.c))
        if requested is not None:
            query = query.where(table.c.requested_at >= requested[0], table.c.requested_at < requested[1])
        newest = query.order_by(table.c.requested_at.desc(), table.c.id.desc()).limit(limit)
        return _of_kind(kind, self._rows(Logged, newest))

    def operation(self, id: str) -> Logged | None:
        """One operation, None where the view does not know it (yet)."""
        return next(iter(self._rows(Logged, _filtered(OPERATIONS, {"id": id}, None))), None)

    def status(self) -> list[ViewStatus]:
        """How far each view is behind the log."""
        rows = {row.view: row for row in self._database.rows(select(CHECKPOINTS))}
        end = self._reader.end()
        return [_status(view.name, rows, end) for view in ALL]

    def _rows(self, shape: type[Answer], query: Select[Any]) -> list[Answer]:
        return [shape(*row) for row in self._database.rows(query)]


def check_word(name: str, word: str | None, known: Iterable[str]) -> None:
    """A filter names something that there is, as one that is misspelt would find nothing. Raises InvalidInput."""
    words = list(known)
    if word is not None and word not in words:
        close = get_close_matches(str(word), words, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are: {', '.join(words)}"
        raise InvalidInput(name, f"there is no {name} {word!r}", hint=hint)


def _of_kind(kind: str | None, found: list[Answer]) -> list[Answer]:
    """The rows; if there are none, the kind that was asked for must be one that there is. Raises UnknownKind."""
    if kind is not None and not found:
        from domain.catalogue import Catalogue

        Catalogue.family(kind)
    return found


def _by_key(view: Tally, equal: Mapping[str, Value], at: int | None, limit: int | None) -> Select[Any]:
    table = TABLES[view.name]
    return _filtered(view, equal, at).order_by(*(table.c[name] for name in view.key)).limit(limit)


def _filtered(view: Tally, equal: Mapping[str, Value], at: int | None) -> Select[Any]:
    table = TABLES[view.name]
    wanted = [table.c[name] == value for name, value in equal.items() if value is not None]
    return select(table).where(*wanted, *_containing(table, at))


def _containing(table: Table, at: int | None) -> list[ColumnElement[bool]]:
    if at is None:
        return []
    start, end = ("month_start", "month_end") if "month_start" in table.c else ("period_start", "period_end")
    return [table.c[start] <= at, table.c[end] > at]


def _status(view: str, rows: Mapping[str, Any], end: int) -> ViewStatus:
    row, fresh = rows.get(view), rows.get(view + FRESH)
    rebuilding = fresh.position if fresh is not None else None
    if row is None:
        return ViewStatus(view, 0, end, None, None, rebuilding)
    return ViewStatus(view, row.position, max(end - row.position, 0), row.failed_at, row.error, rebuilding)
