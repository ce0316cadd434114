"""Two shards, each a schema of one database, and their directory beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infrastructure.settings import Settings
from infrastructure.shards.adding import add_shard
from infrastructure.shards.directory import Directory
from infrastructure.shards.opening import open_directory
from tests.infrastructure.cli.workspaces import call, settle
from tests.postgres import beside, execute, fresh_database, one_at_a_time

TEMPLATE = "studio_template_shards"
SHARDS = ("a", "b")


@pytest.fixture(scope="session")
def sharded_template(postgres_server: str) -> str:
    """The name of a database with two shards and their directory; made once a server."""
    with one_at_a_time(postgres_server):
        if not execute(postgres_server, f"SELECT 1 FROM pg_database WHERE datname = '{TEMPLATE}'"):
            execute(postgres_server, f"CREATE DATABASE {TEMPLATE}")
            url = beside(postgres_server, TEMPLATE)
            for name in SHARDS:
                add_shard(Settings(shards=url), name, url)
    return TEMPLATE


@pytest.fixture
def shards_url(postgres_server: str, sharded_template: str) -> Iterator[str]:
    """The directory of two shards of this test alone."""
    with fresh_database(postgres_server, template=sharded_template) as url:
        name = url.rpartition("/")[2]
        execute(url, f"UPDATE shards SET url = replace(url, '{sharded_template}', '{name}')")
        yield url


@pytest.fixture
def settings(shards_url: str, tmp_path: Path) -> Settings:
    return settings_over(shards_url, tmp_path)


def settings_over(url: str, home: Path, **changes: Any) -> Settings:
    usual = {"wait_seconds": 20, "scripted_enabled": True, "blind_enabled": True, "plan_prices": "elsewhere"}
    return Settings(shards=url, home=home, **{**usual, **changes})


@pytest.fixture
def directory(settings: Settings) -> Iterator[Directory]:
    with open_directory(settings) as found:
        yield found


def account_in(shard: str, prefix: str = "acct", among: tuple[str, ...] = SHARDS) -> str:
    """The first account whose hash chooses this shard."""
    from infrastructure.shards.directory import by_hash

    names = (f"{prefix}-{number}" for number in range(1_000))
    return next(name for name in names if by_hash(name, among) == shard)


AccountIn = Callable[[str], str]


ACCOUNTS = (account_in("a"), account_in("b"))


@pytest.fixture
def home(shards_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settle(monkeypatch, tmp_path)
    monkeypatch.setenv("IMAGESTUDIO_SHARDS", shards_url)
    return tmp_path


@pytest.fixture
def studio(home: Path) -> Path:
    """An account with one picture in each shard."""
    for account in ACCOUNTS:
        assert call("account", "open", account, "--plan", "pro").code == 0
        assert call("generate", "x", "-m", "scripted-image", "--account", account).code == 0
    return home
