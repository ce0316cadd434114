"""A library of many assets beside the plainest SQL that answers the same: a list, a search, a lineage.

python -m benchmarks.libraries [ASSETS]      on a SQLite file of its own; 100,000 assets unless said otherwise

Each way is asked in turn, many times, in one process; a figure is the ratio of the medians.
"""

from __future__ import annotations

import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from rich.console import Console

from application.library.lineage import Kin, lineage_of
from application.library.records import AssetQuery
from infrastructure.shelves import AssetsInViews
from infrastructure.store.database import Database
from infrastructure.store.migrations import upgrade_schema
from infrastructure.store.reader import SqlReader
from projections.queries import Views

ACCOUNT = "acme"
ASSETS = 100_000
ROUNDS = 31
WORDS = "lake dawn fog fox city roof shore light old red blue stone river hill cloud".split()
MONEY = """(SELECT sum(o.price / l.files + (l.place < o.price % l.files)) FROM asset_links l JOIN operation_log o
    ON o.id = l.operation WHERE l.account = a.account AND l.asset = a.id AND l.role = 'output') AS price,
    (SELECT sum(o.cost / l.files + (l.place < o.cost % l.files)) FROM asset_links l JOIN operation_log o
    ON o.id = l.operation WHERE l.account = a.account AND l.asset = a.id AND l.role = 'output') AS cost,
    (SELECT sum(o.cost_unknown) FROM asset_links l JOIN operation_log o
    ON o.id = l.operation WHERE l.account = a.account AND l.asset = a.id AND l.role = 'output') AS unknown,
    (SELECT max(o.currency) FROM asset_links l JOIN operation_log o
    ON o.id = l.operation WHERE l.account = a.account AND l.asset = a.id AND l.role = 'output') AS currency"""
LIST = f"""SELECT a.*, {MONEY} FROM assets a WHERE a.account = ? AND a.standing = 'kept' AND a.media_type LIKE 'image/%'
    ORDER BY a.first_seen DESC, a.id DESC LIMIT 51"""
SEARCH = f"""SELECT a.*, {MONEY} FROM assets a WHERE a.account = ? AND a.standing = 'kept' AND a.id IN (SELECT w.asset
    FROM asset_words w WHERE w.account = ? AND w.row IN (SELECT rowid FROM asset_search WHERE asset_search MATCH ?))
    ORDER BY a.first_seen DESC, a.id DESC LIMIT 51"""
UP = """WITH RECURSIVE kin (asset) AS (SELECT ? UNION SELECT i.asset FROM kin JOIN asset_links o ON o.asset = kin.asset
    AND o.account = ? AND o.role = 'output' JOIN asset_links i ON i.operation = o.operation AND i.role = 'input')"""
NODES = f"{UP} SELECT a.*, {MONEY} FROM assets a WHERE a.account = ? AND a.id IN (SELECT asset FROM kin)"
PLACES = f"""{UP} SELECT * FROM asset_links WHERE account = ?
    AND ((role = 'output' AND asset IN (SELECT asset FROM kin)) OR (role = 'input' AND operation IN (SELECT operation
    FROM asset_links WHERE account = ? AND role = 'output' AND asset IN (SELECT asset FROM kin))))"""


def id_of(number: int) -> str:
    return f"{number:024x}"


def fill(database: Database, assets: int) -> None:
    """One operation an asset, each made from the one of half its number; every asset has words."""
    seen = 1_790_000_000_000_000
    with database.transaction() as connection:
        put = connection.exec_driver_sql
        operations, links, rows, words, search = [], [], [], [], []
        for number in range(assets):
            id, operation, at = id_of(number), f"op-{number:08}", seen + number
            operations.append((operation, ACCOUNT, 40_000, 30_000, "USD"))
            links.append((operation, "output", 0, ACCOUNT, id, operation, 1, at))
            if number:
                links.append((operation, "input", 0, ACCOUNT, id_of(number // 2), operation, 1, at))
            rows.append((ACCOUNT, id, "image/png", 1_000 + number, at, operation, at, at))
            words.append((number + 1, ACCOUNT, id))
            search.append(
                (number + 1, " ".join(WORDS[(number * step) % len(WORDS)] for step in (1, 3, 7)), str(number))
            )
        put(
            "INSERT INTO operation_log (id, account, price, cost, currency, outputs, adjusted, cost_unknown, estimated,"
            " late, lost, unlike) VALUES (?, ?, ?, ?, ?, 1, 0, 0, 0, 0, 0, 0)",
            operations,
        )
        put(
            "INSERT INTO asset_links (operation, role, place, account, asset, batch, files, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            links,
        )
        put(
            'INSERT INTO assets (account, id, made, used, media_type, size, first_seen, "user", project, operation,'
            " kind, model, provider, last_seen, standing, stood_at)"
            " VALUES (?, ?, 1, 1, ?, ?, ?, 'ann', '', ?, 'edit', 'm', 'p', ?, 'kept', ?)",
            rows,
        )
        put("INSERT INTO asset_words VALUES (?, ?, ?, '', '', 0, '')", words)
        put("INSERT INTO asset_search (rowid, prompt, title) VALUES (?, ?, ?)", search)


def timed(ways: Sequence[Callable[[], Any]]) -> list[float]:
    """The median seconds of each way, asked in turn."""
    taken: list[list[float]] = [[] for _ in ways]
    for _ in range(ROUNDS):
        for way, times in zip(ways, taken, strict=True):
            began = perf_counter()
            way()
            times.append(perf_counter() - began)
    return [median(times) for times in taken]


def peak(way: Callable[[], Any]) -> int:
    """The most bytes that one question takes."""
    tracemalloc.start()
    way()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def main(assets: int) -> None:
    say = Console(highlight=False, soft_wrap=True).print
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'ledger.db'}"
        upgrade_schema(url)
        with closing(Database(url)) as database:
            fill(database, assets)
            records = AssetsInViews(Views(database, SqlReader(database), lambda: 0), database)
            last = id_of(assets - 1)

            def plain(*questions: tuple[str, tuple[Any, ...]]) -> list[Any]:
                with database.connect() as connection:
                    return [connection.exec_driver_sql(sql, values).fetchall() for sql, values in questions]

            def lineage() -> Any:
                record = records.one(ACCOUNT, last)
                assert record is not None
                assets, links = records.ancestors(ACCOUNT, last)
                up = Kin(tuple(assets), tuple(links))
                return lineage_of(record, up, Kin((record,), ()))

            around = (last, ACCOUNT, ACCOUNT)
            questions: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
                "list": (
                    lambda: records.page(ACCOUNT, AssetQuery(type="image"), None, 50),
                    lambda: plain((LIST, (ACCOUNT,))),
                ),
                "search": (
                    lambda: records.page(ACCOUNT, AssetQuery(text='lake fo* -"red blue"'), None, 50),
                    lambda: plain((SEARCH, (ACCOUNT, ACCOUNT, '("lake" AND "fo" *) NOT "red blue"'))),
                ),
                "lineage": (lineage, lambda: plain((NODES, around), (PLACES, (*around, ACCOUNT)))),
            }
            for name, ways in questions.items():
                ours, theirs = timed(ways)
                say(
                    f"{name:8} {assets:9,} assets  {ours * 1000:8.2f} ms  plain {theirs * 1000:8.2f} ms"
                    f"  ratio {ours / theirs:5.2f}  peak {peak(ways[0]) / 1024:8.0f} KiB"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ASSETS)
