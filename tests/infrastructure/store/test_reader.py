"""Reading the log: in order, in pages, and exactly what was asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.keeping.chains import ChainReader
from application.ledger.log import fact_name
from application.ledger.reader import LogFilter
from domain.streams import account_of
from infrastructure.store.bystream import StreamRows
from infrastructure.store.reader import SqlReader
from infrastructure.store.transactions import SqlStore
from infrastructure.storecheck.trial import add_entries
from tests.infrastructure.store.driven import MONTH, DrivenLedger, driven_ledger

ACCOUNTS = ("acme", "acme:1", "acme:1:2", "acm", "acme;", "Acme", "ac%e", "ac_e", "zürich", "acme-1")
"""Ids whose streams could be taken for each other's: by prefix, colon, wildcard, case or collation."""


@pytest.fixture
def told(database_url: str) -> Iterator[DrivenLedger]:
    with driven_ledger(database_url) as opened:
        for account in ACCOUNTS:
            opened.open(account)
            opened.accept(account, f"{account}/1")
        opened.later = MONTH
        for account in ACCOUNTS:
            opened.run(account, f"{account}/2")
            opened.complete(account, f"{account}/1")
        yield opened


def test_the_reader_is_what_an_audit_reads_with(sqlite_url: str) -> None:
    with driven_ledger(sqlite_url) as opened:
        reader: ChainReader = opened.reader
        assert reader.end() == 0
        assert not reader.read(0, 10)
        assert not reader.states(0, 10, 10)
        assert not reader.accounts_after("", 10)


def test_pages_of_any_size_give_every_entry_once_and_in_order(told: DrivenLedger) -> None:
    everything = told.reader.read(0, 10_000)
    assert [entry.position for entry in everything] == sorted({entry.position for entry in everything})
    assert everything[-1].position == told.reader.end()
    for size in (1, 7, 1_000):
        read, last = list(everything[:0]), 0
        while page := told.reader.read(last, size):
            assert len(page) <= size
            read += page
            last = page[-1].position
        assert read == list(everything)


@pytest.mark.parametrize("near", [0, 10_000], ids=["by its streams", "among the last of all"])
def test_an_accounts_entries_after_any_position_are_those_of_the_log(told: DrivenLedger, near: int) -> None:
    everything, end = told.reader.read(0, 10_000), told.reader.end()
    database, topics = told.reader.database, ("operation.requested", "operation.charged")
    for wanted in (LogFilter(account="acme"), LogFilter(account="acme:1", topics=topics)):
        own = [one for one in everything if account_of(str(one.link.originator_id)) == wanted.account]
        own = [one for one in own if not wanted.topics or one.link.topic in topics]
        streams, rows = told.reader.streams_of(str(wanted.account)), StreamRows(database, wanted.topics, end, near)
        for after in range(0, end + 1, 5):
            found = rows.after(streams, after, 3)
            assert [row[-1] for row in found] == [one.position for one in own if one.position > after][:3]


def test_states_are_the_same_entries_as_bare_rows(told: DrivenLedger) -> None:
    entries = told.reader.read(0, 10_000)
    bare = [
        (entry.position, entry.link.topic, entry.link.originator_version, entry.link.state.decode())
        for entry in entries
    ]
    assert list(told.reader.states(0, told.reader.end(), 10_000)) == bare
    assert list(told.reader.states(3, 9, 4)) == [row for row in bare if 3 < row[0] <= 9][:4]


def test_an_account_is_read_with_all_its_periods_and_nobody_elses(told: DrivenLedger) -> None:
    for account in ACCOUNTS:
        read = told.reader.read(0, 10_000, LogFilter(account=account))
        named = [json.loads(entry.link.state) for entry in read]
        assert [fact.get("account") or fact["operation"]["account"] for fact in named] == [account] * 13
        assert len({entry.link.originator_id for entry in read}) == 3


def test_filters_hold_together(told: DrivenLedger) -> None:
    where = LogFilter(upto=told.reader.end(), account="acme", operations=("acme/1",), topics=("operation.charged",))
    (charged,) = told.reader.read(0, 10, where)
    assert charged.link.operation == "acme/1"
    before = LogFilter(upto=charged.position - 1, account="acme", operations=("acme/1",), topics=("operation.charged",))
    assert list(told.reader.read(0, 10, before)) == []
    assert list(told.reader.read(charged.position, 10, where)) == []


def test_an_operation_is_read_across_the_periods_it_lived_in(told: DrivenLedger) -> None:
    topics = [fact_name(entry.link.topic) for entry in told.reader.read(0, 10, LogFilter(operations=("acme/1",)))]
    assert topics == [f"operation.{word}" for word in STORY]
    assert [fact_name(link.topic) for link in told.reader.entries_of(["acme/1"])] == topics


STORY = ("requested", "validated", "dispatched", "provider_completed", "charged")


def test_rows_beside_the_log_come_by_ascending_id_compared_byte_by_byte(told: DrivenLedger) -> None:
    ordered = sorted(ACCOUNTS, key=str.encode)
    assert [row.id for row in told.reader.accounts_after("", 100)] == ordered
    assert [row.id for row in told.reader.accounts_after(ordered[2], 2)] == ordered[3:5]
    assert [row.id for row in told.reader.accounts_after("", 100, "acme")] == ["acme"]
    operations = sorted((f"{account}/{n}" for account in ACCOUNTS for n in (1, 2)), key=str.encode)
    assert [row.operation for row in told.reader.index_after("", 100)] == operations
    assert [row.operation for row in told.reader.index_after("", 100, "acme")] == ["acme/1", "acme/2"]


def test_more_ids_than_a_statement_holds_are_read_in_parts(told: DrivenLedger) -> None:
    many = [f"none/{number}" for number in range(40_000)]
    assert [row.operation for row in told.reader.indexed([*many, "acme/1"])] == ["acme/1"]
    assert len(told.reader.entries_of([*many[:600], "acme/1"])) == len(STORY)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.text(st.sampled_from("a:1%_;"), min_size=1, max_size=4), min_size=1, max_size=6))
def test_no_account_is_ever_read_as_another(empty_posts: SqlReader, accounts: set[str]) -> None:
    store = SqlStore(empty_posts.database)
    for account in accounts:
        add_entries(store, account)
    for account in accounts:
        streams = {entry.link.originator_id for entry in empty_posts.read(0, 1_000, LogFilter(account=account))}
        assert streams == {f"ledger:{account}:0"}


@pytest.fixture
def empty_posts(sqlite_url: str) -> Iterator[SqlReader]:
    with driven_ledger(sqlite_url) as opened:
        yield opened.reader
