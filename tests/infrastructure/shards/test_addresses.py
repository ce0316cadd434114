"""A shard's server moves: its address is changed by a command, while services go on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from domain.errors import StoreUnavailable
from infrastructure.bootstrap import open_studio
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.shards.addressing import change_address
from tests.application.support import PATIENCE
from tests.infrastructure.cli.workspaces import call
from tests.infrastructure.shards.conftest import account_in, settings_over
from tests.infrastructure.shards.test_moving import asking
from tests.postgres import execute, fresh_database

ACCOUNT = account_in("c", among=("a", "b", "c"))


@contextmanager
def moved(server: str, url: str) -> Iterator[str]:
    """A database as it is at another address; at the old one nobody answers any more."""
    old = stop(server, url)
    with fresh_database(server, template=old) as new:
        yield new


def stop(server: str, url: str) -> str:
    """Let nobody connect to a database any more; its name."""
    name = url.rpartition("/")[2]
    execute(server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    execute(server, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    return name


def start(server: str, url: str) -> None:
    execute(server, f"ALTER DATABASE {url.rpartition('/')[2]} ALLOW_CONNECTIONS true")


@pytest.fixture
def settings(home: Path, shards_url: str) -> Settings:
    return settings_over(shards_url, home, actor="operator:ann")


async def sold(studio: Studio, key: str) -> str:
    """As a client does that tries again."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return (await studio.operations.run(asking(key, ACCOUNT))).operation
            except StoreUnavailable:
                await asyncio.sleep(0.05)


def test_what_runs_goes_on_at_the_new_address_of_a_server_that_moved(settings: Settings, postgres_server: str) -> None:
    async def live(before: str, stack: ExitStack) -> None:
        async with open_studio(settings) as studio:
            await studio.accounts.open(ACCOUNT, plan="pro")
            first = await sold(studio, "first")
            after = stack.enter_context(moved(postgres_server, before))
            await asyncio.to_thread(change_address, settings, "c", after, reason="a new disk")
            assert await sold(studio, "first") == first
            assert await sold(studio, "second") != first
            studio.views.catch_up()

    with fresh_database(postgres_server) as before, ExitStack() as stack:
        assert call("shard", "add", "c", before).code == 0
        asyncio.run(live(before, stack))
        [change] = call("shard", "list", "--json").document["changes"]
        assert (change["shard"], change["actor"], change["reason"]) == ("c", "operator:ann", "a new disk")
        assert before.rpartition("/")[2] in change["before"]


def test_another_place_than_that_very_shard_is_refused(
    settings: Settings, shards_url: str, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMAGESTUDIO_SEAL_FILE", str(settings.home / "seals"))

    def refused(url: str, name: str = "c") -> str:
        done = call("shard", "address", name, url, "--json")
        assert done.code != 0
        return str(done.error["message"])

    with fresh_database(postgres_server) as here, fresh_database(postgres_server) as empty:
        assert call("shard", "add", "c", here).code == 0
        assert call("account", "open", ACCOUNT).code == 0
        with moved(postgres_server, here) as older:
            start(postgres_server, here)
            assert refused(older).endswith("as well, and that is another database")
            assert call("account", "limit", "images", "5", "--account", ACCOUNT).code == 0
            assert call("seals", "keep").code == 0
            stop(postgres_server, here)
            assert refused(older).startswith("facts were lost: the log was sealed up to position")
            execute(older, "DROP TRIGGER log_append_only ON c.log")
            monkeypatch.delenv("IMAGESTUDIO_SEAL_FILE")
            assert "does not refuse" in refused(older)
            start(postgres_server, here)
        assert "schema" in refused(empty)
        assert "schema" in refused(shards_url)
        assert refused(f"{shards_url}?options=-csearch_path%3Db") == "url: that is shard 'b'"
        assert refused(here, "d") == "name: there is no shard 'd'"
        execute(here, "UPDATE c.this_shard SET directory = 'other'")
        assert refused(here) == "url: that is shard 'c' of another directory"
        execute(here, "DELETE FROM c.this_shard")
        assert refused(here).startswith("url: that is no shard")
        assert call("shard", "list", "--json").document["changes"] == []


def test_the_same_database_by_another_address_is_the_same_shard(home: Path, shards_url: str) -> None:
    other = f"{shards_url}?application_name=again"
    done = call("shard", "address", "a", other)
    assert (done.code, done.out.startswith("Shard a is at postgresql://")) == (0, True)
    assert call("account", "open", account_in("a")).code == 0
    assert "by operator:" in " ".join(call("shard", "list").out.split())
