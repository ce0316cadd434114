"""What the figures were measured on: processor, versions, durability; no name and no path of the machine."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.stores import POSTGRESQL, SQLITE, Stores
from infrastructure.store.database import Database
from tests.postgres import execute

LIBRARIES = ("SQLAlchemy", "psycopg2-binary", "msgspec", "eventsourcing")
SYNCHRONOUS = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}
TRIES = 50


def describe(stores: Stores, databases: tuple[str, ...]) -> dict[str, str]:
    """What a reader needs to judge the figures, in the order in which it is shown."""
    facts = {
        "processor": processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "system": platform.system(),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "one fsync of 4 KiB": f"{fsync_microseconds():.0f} us",
        "load before": f"{os.getloadavg()[0]:.2f}",
    }
    if SQLITE in databases:
        facts["SQLite"] = f"{sqlite3.sqlite_version}, WAL, synchronous={_synchronous(stores)}"
    if POSTGRESQL in databases:
        settings = [f"{name}={_shown(stores.server, name)}" for name in ("fsync", "synchronous_commit")]
        facts["PostgreSQL"] = ", ".join([_shown(stores.server, "server_version"), *settings])
    return facts | {library: version(library) for library in LIBRARIES}


def processor() -> str:
    """The processor's model."""
    with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def slug() -> str:
    """The machine in a file's name."""
    words = re.sub(r"[^a-z0-9]+", "-", processor().lower()).strip("-")
    return f"{words}-{len(os.sched_getaffinity(0))}-cores"


def fsync_microseconds() -> float:
    """The median time of writing and syncing four kibibytes where the databases are."""
    took = []
    with tempfile.TemporaryFile(buffering=0) as file:
        for _ in range(TRIES):
            file.write(bytes(4096))
            began = perf_counter()
            os.fsync(file.fileno())
            took.append(1e6 * (perf_counter() - began))
    return median(took)


def _synchronous(stores: Stores) -> str:
    with stores.fresh(SQLITE) as place, closing(Database(place.url)) as database, database.connect() as connection:
        return SYNCHRONOUS[connection.exec_driver_sql("PRAGMA synchronous").scalar_one()]


def _shown(server: str, name: str) -> str:
    return str(execute(server, f"SHOW {name}")[0][0])
