"""All that a fake provider knows, in one folder: a small database, and the files it serves.

submissions   every request that would create work, with what became of it
jobs          what was accepted, with its behaviour, its outputs and its bill
scripts       behaviours waiting for the submissions to come
files         outputs and uploads, whose bytes lie beside the database
settings      keys, prices, balance, how far its clock is off
"""

from __future__ import annotations

import json
import sqlite3
import threading
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infrastructure.clock import SECOND, now
from tests.wire.fake.behaviour import HEALTHY, Behaviour

TABLES = """
CREATE TABLE IF NOT EXISTS submissions (number INTEGER PRIMARY KEY, provider TEXT, body TEXT);
CREATE TABLE IF NOT EXISTS jobs (number INTEGER PRIMARY KEY, id TEXT UNIQUE, provider TEXT, body TEXT);
CREATE TABLE IF NOT EXISTS scripts (number INTEGER PRIMARY KEY, provider TEXT, times INTEGER, body TEXT);
CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, body TEXT);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, body TEXT);
"""
FOR_EVER = -1


@dataclass(frozen=True, slots=True)
class Submission:
    """One request for work. Files among `inputs` are given as {"sha256", "bytes", "media_type"}; `job` is None where
    none was made; `at` in epoch microseconds."""

    provider: str
    path: str
    inputs: dict[str, Any]
    headers: dict[str, str]
    status: int
    job: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Job:
    """Work that was accepted. `price` is what is billed for it in US dollars, None for no bill; instants in epoch
    microseconds; `outputs` are texts, and names of files."""

    id: str
    provider: str
    path: str
    inputs: dict[str, Any]
    behaviour: Behaviour
    created: int
    outputs: tuple[str, ...] = ()
    price: str | None = None
    polled: int = 0
    failed_polls: int = 0
    webhook: str = ""
    notified: bool = False
    cancelled: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        return self.cancelled or (self.behaviour.ending != "never" and self.polled >= self.behaviour.polls)

    @property
    def ending(self) -> str:
        """How it ends, whether it has or not."""
        if self.cancelled:
            return "cancelled"
        return "failed" if self.behaviour.filtered == "result" else self.behaviour.ending

    @property
    def delivered(self) -> bool:
        return self.ended and self.ending in ("completed", "succeeded")


@dataclass(frozen=True, slots=True)
class Served:
    """A file that is served under its name, and what fetching it meets."""

    name: str
    created: int
    files: str = "fine"
    failures: tuple[int, ...] = ()
    fetched: int = 0
    uploaded: bool = True


class State:
    """The folder, opened; any number of processes and threads may have it open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "files").mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(folder / "fake.db", timeout=30, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(TABLES)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def now(self) -> int:
        """Epoch microseconds of the provider's clock."""
        return now() + int(self.setting("clock", 0))

    # Scripts.

    def script(self, provider: str, behaviour: Behaviour, times: int | None) -> None:
        row = (provider, FOR_EVER if times is None else times, json.dumps(behaviour.stored()))
        self._run("INSERT INTO scripts (provider, times, body) VALUES (?, ?, ?)", *row)

    def take(self, provider: str) -> Behaviour:
        """The behaviour that the oldest script left has for this submission."""
        found = self._run(
            "UPDATE scripts SET times = times - (times > 0) WHERE number = "
            "(SELECT min(number) FROM scripts WHERE provider = ? AND times <> 0) RETURNING body",
            provider,
        )
        return Behaviour.read(json.loads(found[0][0])) if found else HEALTHY

    def unscript(self, provider: str = "") -> None:
        self._run("DELETE FROM scripts WHERE provider = ? OR ? = ''", provider, provider)

    # Submissions and jobs.

    def record(self, submission: Submission) -> None:
        row = (submission.provider, json.dumps(asdict(submission)))
        self._run("INSERT INTO submissions (provider, body) VALUES (?, ?)", *row)

    def submissions(self, provider: str = "") -> list[Submission]:
        rows = self._run(
            "SELECT body FROM submissions WHERE provider = ? OR ? = '' ORDER BY number", provider, provider
        )
        return [Submission(**json.loads(body)) for (body,) in rows]

    def add(self, job: Job) -> None:
        row = (job.id, job.provider, json.dumps(asdict(job)))
        self._run("INSERT INTO jobs (id, provider, body) VALUES (?, ?, ?)", *row)

    def update(self, id: str, change: Callable[[Job], Job]) -> Job:
        """Change one job; whoever else changes it at the same time comes before or after. KeyError where it is not."""
        with self._lock, self._database:
            self._run("BEGIN IMMEDIATE")
            job = self.job(id)
            if job is None:
                raise KeyError(f"no job {id}")
            changed = change(job)
            self._run("UPDATE jobs SET body = ? WHERE id = ?", json.dumps(asdict(changed)), id)
        return changed

    def job(self, id: str) -> Job | None:
        rows = self._run("SELECT body FROM jobs WHERE id = ?", id)
        return read_job(rows[0][0]) if rows else None

    def jobs(self, provider: str = "") -> list[Job]:
        rows = self._run("SELECT body FROM jobs WHERE provider = ? OR ? = '' ORDER BY number", provider, provider)
        return [read_job(body) for (body,) in rows]

    # Files.

    def keep(self, content: bytes, served: Served) -> None:
        (self.folder / "files" / served.name).write_bytes(content)
        self.announce(served)

    def announce(self, served: Served) -> None:
        row = (served.name, json.dumps(asdict(served)))
        self._run("INSERT OR REPLACE INTO files (name, body) VALUES (?, ?)", *row)

    def served(self, name: str) -> Served | None:
        rows = self._run("SELECT body FROM files WHERE name = ?", name)
        stored = json.loads(rows[0][0]) if rows else None
        return Served(**{**stored, "failures": tuple(stored["failures"])}) if stored else None

    def fetch(self, served: Served) -> None:
        """Count one fetch."""
        self.announce(replace(served, fetched=served.fetched + 1))

    def content(self, name: str) -> bytes:
        return (self.folder / "files" / name).read_bytes()

    # Settings.

    def setting(self, name: str, default: Any) -> Any:
        rows = self._run("SELECT body FROM settings WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else default

    def set(self, name: str, value: Any) -> None:
        self._run("INSERT OR REPLACE INTO settings (name, body) VALUES (?, ?)", name, json.dumps(value))

    def _run(self, statement: str, *values: object) -> list[Any]:
        with self._lock:
            return self._database.execute(statement, values).fetchall()


def read_job(body: str) -> Job:
    stored = json.loads(body)
    outputs, behaviour = tuple(stored["outputs"]), Behaviour.read(stored["behaviour"])
    return Job(**{**stored, "outputs": outputs, "behaviour": behaviour})


def new_id() -> str:
    return uuid.uuid4().hex


def iso(micros: int) -> str:
    """An instant as WaveSpeed writes it, to the nanosecond."""
    moment = datetime.fromtimestamp(micros // SECOND, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{micros % SECOND * 1000:09d}Z"
