"""A ledger before and after its closed periods were archived: bytes an operation, and what opening, recording,
rebuilding and auditing take, in processor time, in a process of its own each time.

python -m benchmarks.archiving [EVENTS] [MONTHS]
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from shutil import copytree
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time

from application.asking.requests import Request
from benchmarks.fill import Size, fill
from infrastructure.bootstrap import open_studio
from infrastructure.clock import now
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.store.database import Database
from infrastructure.store.migrations import upgrade_schema

ACCOUNTS = 5
ROUNDS = 5

Work = Callable[[Settings], Awaitable[object]]


def main() -> None:
    """Print the figures."""
    events, months = (int(word) for word in (sys.argv[1:] + ["60000", "6"][len(sys.argv) - 1 :])[:2])
    with TemporaryDirectory() as home:
        settings = _settings(Path(home))
        upgrade_schema(settings.database)
        fill(settings.database, Size(events, accounts=ACCOUNTS, months=months))
        asyncio.run(_measure(settings, months))


async def _measure(settings: Settings, months: int) -> None:
    async with _opened(settings) as studio:
        await _close(studio)
        studio.audit.rebuild()
    operations, before = _rows(settings, "SELECT count(*) FROM operations"), _apart(settings)
    size, rows = _log_size(settings), _rows(settings, "SELECT count(*) FROM log")
    async with _opened(settings) as studio:
        assert studio.archiving is not None
        began = process_time()
        done = studio.archiving.run()
        spent = process_time() - began
    taken, written = sum(one.taken for one in done.segments), sum(one.size for one in done.segments)
    after = _apart(settings)
    archived, kept = operations * taken / rows, _rows(settings, "SELECT count(*) FROM log")
    each = written / archived
    lines = [
        f"{operations:,} operations, {rows:,} facts, {len(done.periods)} periods closed in {months} months",
        f"the log: {size / operations:,.0f} bytes an operation; it keeps {kept:,} facts",
        f"archived: {taken:,} facts in {len(done.segments)} segments, {1e6 * spent / taken:.0f} us each",
        f"          {each:,.0f} bytes an operation, {each / (size / operations):.3f} of the log",
    ]
    for name, value in before.items():
        lines.append(
            f"{name:10} {1000 * value:9.1f} ms before, {1000 * after[name]:9.1f} after: {after[name] / value:.2f}"
        )
    sys.stdout.write("\n".join(lines) + "\n")


def _opened(settings: Settings):  # type: ignore[no-untyped-def]
    return open_studio(settings, serve=False)


async def _close(studio: Studio) -> None:
    for number in range(ACCOUNTS):
        account = f"account-{number:05}"
        for period in await studio.statements.periods(account):
            if period.closing is None and period.period.end <= now():
                await studio.statements.close(account)


def _apart(settings: Settings) -> dict[str, float]:
    """The figures of a copy, which is as it was for whoever measures next."""
    with TemporaryDirectory() as spare, ProcessPoolExecutor(1, get_context("spawn")) as pool:
        copied = copytree(settings.home, Path(spare) / "home")
        return pool.submit(_all_figures, copied).result()


def _all_figures(home: Path) -> dict[str, float]:
    return asyncio.run(_figures(_settings(home)))


def _settings(home: Path) -> Settings:
    return Settings(home=home, database_url=f"sqlite:///{home}/ledger.db", plan_prices="elsewhere")


async def _figures(settings: Settings) -> dict[str, float]:
    works = {"opening": _open, "recording": _record, "rebuilding": _rebuild, "auditing": _audit}
    return {name: await _timed(settings, work) for name, work in works.items()}


async def _timed(settings: Settings, work: Work) -> float:
    seconds: list[float] = []
    for _ in range(ROUNDS):
        began = process_time()
        await work(settings)
        seconds.append(process_time() - began)
    return median(seconds)


async def _open(settings: Settings) -> None:
    async with _opened(settings) as studio:
        await studio.accounts.show("account-00001")


async def _record(settings: Settings) -> None:
    async with _opened(settings) as studio:
        for _ in range(20):
            wanted = Request("text-to-image", "account-00001", {"prompt": "a lake"}, model="local-canvas")
            await studio.operations.run(wanted)


async def _rebuild(settings: Settings) -> None:
    async with _opened(settings) as studio:
        studio.audit.rebuild()


async def _audit(settings: Settings) -> None:
    async with _opened(settings) as studio:
        assert [*studio.audit.verify()] == []


def _rows(settings: Settings, query: str) -> int:
    with closing(Database(settings.database)) as database:
        return int(database.read(query)[0][0])


def _log_size(settings: Settings) -> int:
    """The bytes of a file that has the log and its indexes, and nothing else."""
    alone = settings.home / "alone.db"
    with closing(Database(settings.database)) as database, database.connect() as connection:
        connection.exec_driver_sql(f"ATTACH '{alone}' AS alone")
        (made,) = connection.exec_driver_sql("SELECT sql FROM sqlite_master WHERE name = 'log'").scalars()
        connection.exec_driver_sql(made.replace("CREATE TABLE log", "CREATE TABLE alone.log"))
        connection.exec_driver_sql("CREATE INDEX alone.log_operation ON log (operation)")
        connection.exec_driver_sql("INSERT INTO alone.log SELECT * FROM main.log ORDER BY position")
        connection.exec_driver_sql("DETACH alone")
    return alone.stat().st_size


if __name__ == "__main__":
    main()
