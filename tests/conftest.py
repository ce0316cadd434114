"""Databases for tests: a fresh one a test, on SQLite and on a PostgreSQL that the session starts itself."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import make_url

from infrastructure.collector import THRESHOLDS
from tests.objects import Server, running_rclone, running_swift, server_home
from tests.postgres import (
    PostgresUnavailable,
    execute,
    fresh_database,
    in_memory,
    one_at_a_time,
    running_postgres,
)

DATABASES = ("sqlite", "postgresql")
TEMPLATE = "studio_template"

# Files of tests are real files, but nobody pulls the plug: a disk would only make them slower.
for place in in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(place))

# Threads of a network wait for each other asleep: awake they take a core from whoever else has work for it.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# Whatever the shell says, what is compiled is kept: each worker rewrites the asserts of five hundred files.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The collector looks as seldom as in a service: a tenth of the time of the tests went into that, and of gathering them.
gc.set_threshold(*THRESHOLDS)

# Most tests are of something else than the price of the plan that they happen to use.
os.environ.setdefault("IMAGESTUDIO_PLAN_PRICES", "elsewhere")

# No test asserts on a clock, so neither does hypothesis. Every run tries other examples, in CI too, and one that fails
# is told in a way that can be repeated elsewhere.
settings.register_profile(
    "studio", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=False, print_blob=True
)
settings.load_profile("studio")


def pytest_sessionstart() -> None:
    """What is installed offers what pyproject.toml says, as otherwise providers and their models are missing."""
    root = Path(__file__).parent.parent
    for place in (".", "workshop"):
        declared = tomllib.loads((root / place / "pyproject.toml").read_text())["project"]["entry-points"]
        offered = {group: {point.name: point.value for point in entry_points(group=group)} for group in declared}
        if any(not points.items() <= offered[group].items() for group, points in declared.items()):
            run = "python -m pip install --editable '.[dev]' --editable ./workshop"
            pytest.exit(f"the installed entry points are older than {place}/pyproject.toml; run: {run}", 4)


LONGEST = ("tests/faults/", "tests/infrastructure/simulation/", "tests/infrastructure/dashboard/")
"""Where single tests take half a minute, most of it waiting for processes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, beside others that work: at the end only one worker would still be at them."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """What was collected stays to the end, and is half a million objects: the collector need not look at them again."""
    gc.collect()
    gc.freeze()


class Worker(Protocol):
    """What xdist's controller lets us see of a worker."""

    config: pytest.Config
    workerinput: dict[str, str | None]


SESSION = ExitStack()
SERVER = pytest.StashKey[str]()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Under xdist the controller starts the one server; where it cannot, each test that wants it says why."""
    with suppress(PostgresUnavailable):
        config.stash[SERVER] = SESSION.enter_context(running_postgres(fsync=False))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Worker) -> None:
    """Tell a worker where the server is."""
    node.workerinput["postgres_server"] = node.config.stash.get(SERVER, None)


def pytest_unconfigure() -> None:
    SESSION.close()


def migrate(url: str) -> None:
    """Make the studio's schema; imported late, so that tests of pure rules need no store."""
    from infrastructure.store.migrations import upgrade_schema

    upgrade_schema(url)


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of the session's server; started on first use where no controller started it."""
    workerinput: dict[str, str | None] = getattr(request.config, "workerinput", {})
    if shared := workerinput.get("postgres_server"):
        yield shared
    else:
        with ExitStack() as own:
            try:
                server = own.enter_context(running_postgres(fsync=False))
            except PostgresUnavailable as missing:
                pytest.fail(str(missing), pytrace=False)
            yield server


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """The name of a migrated database; made once a server, by whichever worker comes first."""
    with one_at_a_time(postgres_server):
        if not execute(postgres_server, f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}'"):
            with fresh_database(postgres_server) as url:
                migrate(url)
                execute(postgres_server, f'ALTER DATABASE "{make_url(url).database}" RENAME TO {TEMPLATE}')
    return TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "studio.db"
    migrate(f"sqlite:///{path}")
    assert not path.with_name(f"{path.name}-wal").exists(), "the migration left a connection open"
    return path


@pytest.fixture(scope="session")
def swift() -> Iterator[Server]:
    """A real S3 server, which all tests of a process share; each has buckets of its own."""
    with server_home() as home, running_swift(home) as server:
        yield server


@pytest.fixture(scope="session")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Another S3 server, which can less."""
    with running_rclone(tmp_path_factory.mktemp("rclone")) as server:
        yield server


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    """A SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'empty.db'}"


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """A PostgreSQL database with no tables."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite file of this test alone."""
    path = tmp_path / "studio.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """A migrated PostgreSQL database of this test alone."""
    with fresh_database(postgres_server, template=postgres_template) as url:
        yield url


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of this test alone, once on each kind. Without PostgreSQL that half fails."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url
