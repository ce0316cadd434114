"""An engine that calls itself something else than PostgreSQL has to keep every rule, or is not served."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from infrastructure.store.database import Database
from infrastructure.storecheck.engines import foreign_engine, is_plain
from tests import patience
from tests.infrastructure.storecheck.broken import PRETENDS, VERSION

COMMAND = [sys.executable, "-c", "from infrastructure.cli import main; raise SystemExit(main())"]


@pytest.mark.parametrize(
    ("version", "plain"),
    [
        ("PostgreSQL 18.6 on x86_64-pc-linux-gnu, compiled by gcc", True),
        ("PostgreSQL 15.20 (Debian 15.20-0+deb12u1) on x86_64-pc-linux-gnu", True),
        ("PostgreSQL 19beta2 on aarch64-unknown-linux-gnu", True),
        (VERSION, False),
        ("CockroachDB CCL v26.3.0 (x86_64-pc-linux-gnu)", False),
        ("PostgreSQL 12.12 (Greenplum Database 7.1.0 build) on x86_64", False),
    ],
)
def test_forks_are_known_by_what_they_call_themselves(version: str, plain: bool) -> None:
    assert is_plain(version) is plain


def test_both_databases_are_what_they_say(database_url: str) -> None:
    assert foreign_engine(database_url) is None


def test_a_foreign_engine_that_breaks_a_rule_is_not_served(postgres_url: str, tmp_path: Path) -> None:
    with closing(Database(postgres_url)) as database, database.transaction() as connection:
        for statement in PRETENDS:
            connection.execute(text(statement))
        name = database.url.database
        connection.execute(text(f'ALTER DATABASE "{name}" SET search_path = public, pretended, pg_catalog'))
    assert foreign_engine(postgres_url) == VERSION
    environment = {**os.environ, "IMAGESTUDIO_ASSETS": str(tmp_path / "assets")}
    command = [*COMMAND, "serve", "--db", postgres_url, "--port", "0"]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=patience.SECONDS, check=False
    )
    assert done.returncode == 6, done.stderr
    assert "does not keep a rule of the ledger (unique:" in done.stderr
    assert "the same row is twice in keys" in done.stderr
