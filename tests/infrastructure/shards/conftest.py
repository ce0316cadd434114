"""Two shards, each a schema of one database, and their directory beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from application.asking.requests import Request
from infrastructure.bootstrap import open_studio
from infrastructure.settings import Settings
from infrastructure.shards.adding import add_shard
from infrastructure.shards.directory import Directory
from infrastructure.shards.opening import open_directory
from tests.application.studios import SYNC
from tests.infrastructure.cli.workspaces import settle
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


@contextmanager
def copied(server: str, template: str) -> Iterator[str]:
    """A directory and its shards, copied from a template."""
    with fresh_database(server, template=template) as url:
        execute(url, f"UPDATE shards SET url = replace(url, '{template}', '{url.rpartition('/')[2]}')")
        yield url


@pytest.fixture
def shards_url(request: pytest.FixtureRequest, postgres_server: str, sharded_template: str) -> Iterator[str]:
    """The directory of two shards of this test alone; with something in them if it is about a studio."""
    filled = "studio" in request.fixturenames
    template = request.getfixturevalue("filled_shards").template if filled else sharded_template
    with copied(postgres_server, template) as url:
        yield url


@dataclass(frozen=True)
class FilledShards:
    """A template with an account and a picture in each shard, and the files beside them."""

    template: str
    home: Path


@pytest.fixture(scope="session")
def filled_shards(
    postgres_server: str, sharded_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FilledShards]:
    home = tmp_path_factory.mktemp("shards")

    async def fill(url: str) -> None:
        async with open_studio(settings_over(url, home), serve=False) as studio:
            for account in ACCOUNTS:
                await studio.accounts.open(account, plan="pro")
                await studio.operations.run(Request("text-to-image", account, {"prompt": "x"}, model=SYNC))

    with copied(postgres_server, sharded_template) as url:
        asyncio.run(fill(url))
        yield FilledShards(url.rpartition("/")[2], home)


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
def studio(home: Path, filled_shards: FilledShards) -> Path:
    """An account with one picture in each shard."""
    copytree(filled_shards.home, home, dirs_exist_ok=True)
    return home
