"""The audit, statements, exports and erasures beside the least that such work can cost, as ratios of one run.

python -m benchmarks.billing                          all of it: 100 000 facts, statements of 100 000 operations
python -m benchmarks.billing --quick | --full         a smoke test; exports of a million rows, too
python -m benchmarks.billing --tree DIR               the audit of another build beside it, such as an old tree
python -m benchmarks.billing --way WAY URL            one measurement in a process of its own: seconds, rows, peak RSS

    audit       chains and views replayed            against  reading and JSON-decoding the same rows
    statement   a period's, from its stream          against  one SQL GROUP BY over the same rows, whole
    export      rows a second, and peak memory       against  its own, with a tenth of the rows
    erasure     one operation of a large account     against  one of a small account
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from rich.console import Console
from sqlalchemy import text

from benchmarks.fill import Size
from benchmarks.rebuilding import peak_kibibytes, rebuild_all
from benchmarks.sql_views import WHOLE, unfold
from benchmarks.stores import POSTGRESQL, SQLITE, Stores
from benchmarks.teams import ROOT
from infrastructure.collecting import collecting_rarely
from infrastructure.store.database import Database

CONSOLE = Console(highlight=False, soft_wrap=True)
MEBI = 1024
FORMATS = ("csv", "beancount", "focus-1.4", "focus-1.4-parquet", "cloudevents")
PAGE = 10_000

BARS = {"audit / reading": 2.5, "statement / GROUP BY": 3.0, "memory, ten times the rows": 1.25, "erasing": 1.5}
"""The most that each ratio may be."""


@dataclass(frozen=True, slots=True)
class Took:
    """One measurement: seconds, rows, and the most memory that its process held, in MiB.

    On SQLite, where one process does all of it, seconds are those of its processor: others hardly change them.
    """

    seconds: float
    rows: int
    peak: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of what is measured, and how often each is."""

    audited: Size
    billed: int
    exported: tuple[int, int]
    erased: tuple[int, int]
    rounds: int


SMOKE = Plan(Size(5_000, 20, 2), 1_000, (1_000, 5_000), (20, 100), 1)
SHORT = Plan(Size(100_000, 500, 6), 100_000, (100_000, 300_000), (100, 10_000), 3)
FULL = Plan(Size(1_000_000, 2_000, 6), 100_000, (100_000, 1_000_000), (100, 100_000), 3)


def say(line: str) -> None:
    CONSOLE.print(line, markup=False)


def verdict(name: str, database: str, ratio: float) -> None:
    bar = BARS[name]
    say(f"{'met   ' if ratio <= bar else 'MISSED'} {database:10} {ratio:6.2f}  <= {bar:<5g} {name}")


def run(way: str, url: str, tree: Path = ROOT) -> Took:
    """One measurement in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.billing", "--way", way, url]
    done = subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, text=True, check=True)
    return Took(**json.loads(done.stdout))


def ratios(ours: str, theirs: str, url: str, rounds: int) -> tuple[float, Took, Took]:
    """The median of the rounds' ratios, and the last of both; in turns, so that both meet the same machine."""
    found = [(run(ours, url), run(theirs, url)) for _ in range(rounds)]
    return median(one.seconds / other.seconds for one, other in found), *found[-1]


def audits(stores: Stores, database: str, plan: Plan, tree: Path | None) -> None:
    url = stores.filled(database, plan.audited, "billing").url
    rebuild_all(url, 1)
    ratio, audit, reading = ratios("audit", "reading", url, plan.rounds)
    for name, one in (("audit", audit), ("reading", reading)):
        say(f"{database:10} {name:20} {one.rows:9,} facts {1e6 * one.seconds / one.rows:7.2f} us each")
    verdict("audit / reading", database, ratio)
    if tree is not None:
        both = [(run("audit", url).seconds, run("audit", url, tree).seconds) for _ in range(plan.rounds)]
        say(f"{database:10} audit / that of the build in {tree.name}: {median(a / b for a, b in both):.2f}")


def statements(stores: Stores, database: str, plan: Plan) -> None:
    url = stores.filled(database, Size(plan.billed * 5), "billing").url
    with closing(Database(url)) as given:
        unfold(given)
    ratio, statement, grouped = ratios("statement", "grouped", url, plan.rounds)
    told = f"statement {statement.seconds:.2f} s, one GROUP BY {grouped.seconds:.2f} s"
    say(f"{database:10} {plan.billed:,} operations: {told}")
    verdict("statement / GROUP BY", database, ratio)


def exports(stores: Stores, database: str, plan: Plan, formats: Sequence[str]) -> None:
    urls = [stores.filled(database, Size(rows * 5 // 2, 500, 6), "export").url for rows in plan.exported]
    for format in formats:
        less, more = (run(f"export:{format}", url) for url in urls)
        say(
            f"{database:10} export {format:18} {more.rows / more.seconds:9,.0f} rows/s   "
            f"{less.rows:9,} rows {less.peak:5.0f} MiB   {more.rows:9,} rows {more.peak:5.0f} MiB"
        )
        verdict("memory, ten times the rows", database, more.peak / less.peak)


def erasures(stores: Stores, database: str, plan: Plan) -> None:
    took = []
    for operations in plan.erased:
        place = stores.filled(database, Size(operations * 5), "erasing")
        rebuild_all(place.url, 1)
        took.append(median(run("erase", place.url).seconds for _ in range(plan.rounds)))
        say(f"{database:10} erasing one of {operations:9,} operations {1e3 * took[-1]:7.1f} ms")
    verdict("erasing", database, took[1] / took[0])


def measure(
    stores: Stores,
    database: str,
    plan: Plan,
    tree: Path | None = None,
    only: Sequence[str] = (),
    formats: Sequence[str] = FORMATS,
) -> None:
    """All of it on one kind of database, or the named parts."""
    parts: dict[str, Callable[[], None]] = {
        "audits": lambda: audits(stores, database, plan, tree),
        "statements": lambda: statements(stores, database, plan),
        "exports": lambda: exports(stores, database, plan, formats),
        "erasures": lambda: erasures(stores, database, plan),
    }
    for part in only or parts:
        parts[part]()


# One measurement


def audited(url: str) -> int:
    """Chains and all views, as `imagestudio audit` reads them."""
    from application.keeping.chains import verify_chains
    from infrastructure.store.facts import FactMapper
    from infrastructure.store.reader import SqlReader
    from projections.engine.comparison import comparing
    from projections.engine.database import FactSource
    from projections.views import ALL

    with closing(Database(url)) as database, collecting_rarely():
        reader = SqlReader(database)
        with comparing(database, FactSource(reader, FactMapper()), ALL) as running:
            assert not [*verify_chains(reader, heard=running.hear)], "the log is sound"
            replay = running.verdict()
        assert replay.equal, "so are the views"
        return replay.facts


def read(url: str) -> int:
    """Every row of the log read, and its state decoded."""

    query = text("SELECT * FROM log WHERE position > :after ORDER BY position LIMIT :limit")
    rows = after = 0
    with closing(Database(url)) as database, database.connect() as connection:
        while page := connection.execute(query, {"after": after, "limit": PAGE}).all():
            for row in page:
                json.loads(row.state)
            rows, after = rows + len(page), page[-1].position
    return rows


def stated(url: str) -> int:
    """The statement of the one account's newest period."""
    from application.keeping.billed import BilledReader
    from infrastructure.store.facts import FactMapper
    from infrastructure.store.reader import SqlReader

    with closing(Database(url)) as database:
        billed = BilledReader(SqlReader(database), FactMapper())
        account = billed.account("hot")
        found = billed.statement(account, billed.periods("hot")[-1])
        return sum(one.operations for one in found.usage)


FIELDS = ("provider", "model", "kind", "user", "project")


def grouped(url: str) -> int:
    """The lines of the same statement by one SQL statement."""

    with closing(Database(url)) as database, database.connect() as connection:
        sqlite = database.is_sqlite
        of = [f"json_extract(state, '$.operation.{n}')" if sqlite else f"s -> 'operation' ->> '{n}'" for n in FIELDS]
        sums = [
            f"json_extract(state, '$.{n}')" if sqlite else f"(s ->> '{n}')::bigint"
            for n in ("outputs", "price", "cost")
        ]
        units = "CAST(json_extract(state, '$.units') AS REAL)" if sqlite else "(s ->> 'units')::numeric"
        source = WHOLE if sqlite else f"(SELECT topic, stream, state::jsonb AS s FROM {WHOLE}) AS facts"
        newest = "(SELECT max(stream) FROM log WHERE stream LIKE 'ledger:hot:%')"
        query = (
            f"SELECT {', '.join(of)}, count(*), sum({units}), {', '.join(f'sum({one})' for one in sums)} FROM {source}"
            f" WHERE topic = 'operation.charged' AND stream = {newest} GROUP BY 1, 2, 3, 4, 5"
        )
        return sum(int(row[5]) for row in connection.execute(text(query)))


def exported(url: str, format: str) -> int:
    """The whole log in a format, thrown away as it is written."""
    from infrastructure.exporting import FORMATS as ALL_FORMATS
    from infrastructure.exporting.tally import ExportTally
    from infrastructure.store.facts import FactMapper
    from infrastructure.store.reader import SqlReader
    from projections.books import Books
    from projections.engine.database import FactSource

    with closing(Database(url)) as database:
        source = FactSource(SqlReader(database), FactMapper())
        books, chosen = Books(database, source), ALL_FORMATS[format]
        from application.keeping.books import BookQuery

        tally = ExportTally(0, books.log.end())
        pieces: Iterable[str | bytes] = chosen.write(
            books.read(BookQuery(billed_late=chosen.bills), 0, tally.upto), tally
        )
        for _ in pieces:
            pass
        return tally.facts


def erased(url: str) -> int:
    """One operation, in the middle of the account's, by an open studio."""
    return asyncio.run(_erase(url))


async def _erase(url: str) -> int:
    import tempfile

    from infrastructure.bootstrap import open_studio
    from infrastructure.settings import Settings

    with tempfile.TemporaryDirectory() as home:
        async with open_studio(Settings(home=Path(home), database_url=url), serve=False) as studio:
            from infrastructure.store.reader import SqlReader

            reader = studio.log.reader
            assert isinstance(reader, SqlReader)
            query = text(
                "SELECT operation FROM log WHERE topic = 'operation.charged' AND operation NOT IN"
                " (SELECT operation FROM log WHERE topic = 'ledger.content_erased') ORDER BY position LIMIT 1"
            )
            [(operation,)] = reader.database.rows(query)
            clock = process_time if url.startswith("sqlite") else perf_counter
            began = clock()
            await studio.upkeep.erase(operation, account="hot", reason="measured")
            TIMED.append(clock() - began)
    return 1


PARTS = (
    "application.keeping.billed",
    "application.keeping.chains",
    "projections.engine.comparison",
    "projections.views",
)
"""The modules that a measurement needs, which are loaded before it begins: an audit does not take longer for them."""

TIMED: list[float] = []
"""Seconds of what measures a part of itself."""

WAYS: dict[str, Callable[[str], int]] = {
    "audit": audited,
    "reading": read,
    "statement": stated,
    "grouped": grouped,
    "erase": erased,
}


def measure_here(way: str, url: str) -> None:
    name, _, format = way.partition(":")
    for part in PARTS:
        import_module(part)
    clock = process_time if url.startswith("sqlite") else perf_counter
    began = clock()
    rows = exported(url, format) if name == "export" else WAYS[name](url)
    seconds = TIMED[-1] if TIMED else clock() - began
    sys.stdout.write(json.dumps({"seconds": seconds, "rows": rows, "peak": peak_kibibytes() / MEBI}))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.billing")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--database", choices=(SQLITE, POSTGRESQL), action="append")
    parser.add_argument("--only", choices=("audits", "statements", "exports", "erasures"), action="append")
    parser.add_argument("--format", action="append", help="of exports; else some of each kind")
    parser.add_argument("--rows", nargs=2, type=int, metavar=("FEW", "MANY"), help="of exports")
    parser.add_argument("--tree", type=Path)
    parser.add_argument("--way", nargs=2, metavar=("WAY", "URL"))
    options = parser.parse_args(arguments)
    if options.way:
        measure_here(*options.way)
        return
    plan = FULL if options.full else SMOKE if options.quick else SHORT
    plan = replace(plan, exported=tuple(options.rows)) if options.rows else plan
    with Stores() as stores:
        for database in options.database or (SQLITE, POSTGRESQL):
            measure(stores, database, plan, options.tree, options.only or (), options.format or FORMATS)


if __name__ == "__main__":
    main()
