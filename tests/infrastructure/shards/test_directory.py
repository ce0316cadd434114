"""Where accounts are, by the directory, and whose jobs are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from application.ledger.transaction import Beside, Conflict, JobRow
from domain.errors import InvalidInput, NoLedger, StoreUnavailable
from infrastructure.settings import Settings
from infrastructure.shards.adding import add_shard, list_shards
from infrastructure.shards.directory import Directory, Home, by_hash
from infrastructure.shards.jobs import claimed_jobs
from infrastructure.shards.map import ShardMap
from infrastructure.shards.opening import open_directory
from infrastructure.store.database import Database
from infrastructure.store.transactions import SqlStore
from infrastructure.storecheck.trial import append, locked

ACCOUNTS = [f"account-{number}" for number in range(600)]


def test_accounts_are_spread_evenly_and_few_would_be_elsewhere_with_one_shard_more() -> None:
    before, after = ([by_hash(one, shards) for one in ACCOUNTS] for shards in ("abc", "abcd"))
    assert all(150 < before.count(shard) < 250 for shard in "abc")
    assert {new for old, new in zip(before, after, strict=True) if old != new} == {"d"}


def test_an_account_stays_where_it_was_opened_though_shards_are_added(directory: Directory) -> None:
    account = next(one for one in ACCOUNTS if by_hash(one, "ab") != by_hash(one, "abc"))
    first = directory.place(account, "ab")
    assert directory.place(account, "abc") == directory.home(account) == first


def test_of_many_that_open_an_account_at_once_all_are_told_one_shard(directory: Directory) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda among: directory.place("acme", among), ["a", "b", "a", "b"]))
    assert len(set(found)) == 1
    assert directory.accounts() == {found[0].shard: 1}


def test_a_process_sees_within_a_second_that_an_account_is_elsewhere(directory: Directory) -> None:
    time = 0
    directory.place("acme", ["a"])
    shards = ShardMap(directory, {"a": "A", "b": "B"}, lambda: time)
    assert shards.of("acme") == "A"
    directory.write("acme", Home("b"))
    assert shards.at_hand("acme") == "A"
    time = 1_000_000
    assert shards.at_hand("acme") is None
    assert shards.of("acme") == "B"


def test_accounts_that_are_known_are_found_while_the_directory_is_away(directory: Directory) -> None:
    time = 0
    directory.place("acme", ["b"])
    shards = ShardMap(directory, {"a": "A", "b": "B"}, lambda: time)
    assert shards.of("acme") == "B"
    with directory.database.transaction() as connection:
        connection.exec_driver_sql("ALTER TABLE shard_accounts RENAME TO away")
    time = 5_000_000
    assert shards.of("acme") == shards.at_hand("acme") == "B"
    with pytest.raises(StoreUnavailable):
        shards.of("other")


def test_a_job_has_one_owner_in_all_shards(directory: Directory) -> None:
    databases = [Database(url) for url in directory.shards().values()]
    stores = [claimed_jobs(SqlStore, directory)(database) for database in databases]
    job = ("jobs", "job-1")
    for store, operation in zip(stores, ("op-1", "op-2"), strict=True):
        with store.begin() as transaction:
            beside = append(transaction, locked(transaction, "acme"))
            found = transaction.jobs([job])
            named = Beside(accounts=beside.accounts, jobs=[JobRow(*job, operation)])
            if operation == "op-1":
                assert found == {}
                transaction.commit(named)
            else:
                assert found == {job: "op-1"}
                with pytest.raises(Conflict, match="another shard"):
                    transaction.commit(named)
    for database in databases:
        database.close()


def test_of_jobs_that_are_claimed_together_one_that_is_anothers_spoils_all(directory: Directory) -> None:
    assert directory.claim({("p", "1"): "mine"})
    assert directory.claim({("p", "1"): "mine"})
    assert not directory.claim({("p", "1"): "other", ("p", "2"): "other"})
    assert directory.owners([("p", "1"), ("p", "2")]) == {("p", "1"): "mine"}


def test_a_shard_is_a_schema_that_is_listed_with_its_accounts(settings: Settings, shards_url: str) -> None:
    made = add_shard(settings, "c", shards_url)
    again = add_shard(settings, "c", shards_url)
    assert made == again
    found = list_shards(settings)
    assert [(one.name, one.accounts, one.position) for one in found.shards] == [("a", 0, 0), ("b", 0, 0), ("c", 0, 0)]
    assert "search_path%3Dc" in made.url


@pytest.mark.parametrize(
    ("name", "url", "told"),
    [
        ("Wrong", "", "small letters"),
        ("public", "", "has already"),
        ("pg_one", "", "has already"),
        ("c", "sqlite:///ledger.db", "no shard"),
        ("c", "?options=-csearch_path%3Da", "shard 'a'"),
        ("c", "?options=-csearch_path%3Dx,y", "one schema"),
        ("a", "?options=-csearch_path%3Dother", "another shard"),
    ],
)
def test_what_cannot_be_a_shard_is_refused(settings: Settings, shards_url: str, name: str, url: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        add_shard(settings, name, url if "//" in url else f"{shards_url}{url}")
    assert [one.name for one in list_shards(settings).shards] == ["a", "b"]


def test_a_directory_is_postgresqls_and_is_there(postgres_url: str, sqlite_url: str) -> None:
    with pytest.raises(InvalidInput, match="SQLite"), open_directory(Settings(shards=sqlite_url)):
        pass
    with pytest.raises(NoLedger, match="no directory"):
        list_shards(Settings(shards=postgres_url))
