"""How long the views' queries take, one after another, for accounts and users drawn at random."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from time import perf_counter

from benchmarks.fill import Size
from benchmarks.rebuilding import rebuild_all
from benchmarks.stores import Stores
from benchmarks.timing import percentile
from infrastructure.clock import now
from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from infrastructure.store.reader import SqlReader
from projections.engine.database import FactSource
from projections.engine.projector import Projector
from projections.queries import Views
from projections.views import ALL
from projections.views.costs import COSTS, CostFilter
from projections.views.operations import OPERATIONS, OperationFilter
from projections.views.periods import PERIODS, PeriodFilter
from projections.views.usage import USAGE, UsageFilter

WARM = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """One query's milliseconds."""

    database: str
    events: int
    query: str
    p50: float
    p99: float


def measure(stores: Stores, database: str, size: Size, times: int, say: Callable[[str], None]) -> list[Asked]:
    """Each query so many times."""
    url = stores.filled(database, size, "views").url
    with closing(Database(url)) as opened:
        reader = SqlReader(opened)
        views = Views(opened, reader, Projector(opened, FactSource(reader, FactMapper()), ALL).advance)
        if any(status.lag for status in views.status()):
            rebuild_all(url, 1)
        found = [_ask(database, size, name, one, times) for name, one in _queries(views, size).items()]
    for asked in found:
        say(
            f"{database:10} {size.events:9,} events  {asked.query:36} p50 {asked.p50:6.2f} ms   p99 {asked.p99:6.2f} ms"
        )
    return found


def _queries(views: Views, size: Size) -> dict[str, Callable[[], object]]:
    draw = random.Random(2)

    def account() -> str:
        return f"account-{draw.randrange(size.accounts):05}"

    def user() -> str:
        return f"user-{draw.randrange(5)}"

    return {
        "usage of an account in this period": lambda: views.rows(USAGE, UsageFilter(account=account(), at=now())),
        "usage of a user of it, all periods": lambda: views.rows(USAGE, UsageFilter(account=account(), user=user())),
        "period totals of an account": lambda: views.rows(PERIODS, PeriodFilter(account=account())),
        "an account's newest 100 operations": lambda: (
            views.find(OPERATIONS, OperationFilter(account=account()), limit=100).rows
        ),
        "costs of all models in this period": lambda: views.rows(COSTS, CostFilter(at=now())),
    }


def _ask(database: str, size: Size, name: str, one: Callable[[], object], times: int) -> Asked:
    took = []
    for _ in range(WARM):
        one()
    for _ in range(times):
        began = perf_counter()
        one()
        took.append(1e3 * (perf_counter() - began))
    return Asked(database, size.events, name, percentile(took, 50), percentile(took, 99))
