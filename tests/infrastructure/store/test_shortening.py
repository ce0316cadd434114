"""Facts of an operation are stored short, and read whole; whoever asks in SQL has a view for it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from application.ledger.log import Link
from infrastructure.store.shortening import KEPT, Beginnings
from infrastructure.store.transactions import SqlStore
from tests.infrastructure.store.driven import DrivenLedger, driven_ledger


@pytest.fixture
def told(database_url: str) -> Iterator[DrivenLedger]:
    with driven_ledger(database_url) as opened:
        opened.open("acme")
        opened.run("acme", "a", "b")
        yield opened


def stored(told: DrivenLedger, table: str) -> dict[int, str]:
    rows = told.reader.database.rows(text(f"SELECT position, state FROM {table} ORDER BY position"))
    return {row[0]: row[1] for row in rows}


def test_an_operation_is_stored_once_and_read_with_every_fact(told: DrivenLedger) -> None:
    entries = told.reader.read(0, 100)
    short = stored(told, "log")
    told_of = [entry for entry in entries if entry.link.topic.startswith("operation.")]
    assert len(told_of) == 2 * 5
    for entry in told_of:
        assert json.loads(entry.link.state)["operation"]["id"] == entry.link.operation
        once = entry.link.topic == "operation.requested"
        assert ("operation" in json.loads(short[entry.position])) is once


def test_the_view_of_facts_says_what_readers_are_told_to_the_byte(told: DrivenLedger) -> None:
    assert stored(told, "facts") == {one.position: one.link.state.decode() for one in told.reader.read(0, 100)}


def test_a_process_that_read_nothing_yet_gets_whole_facts_too(told: DrivenLedger, database_url: str) -> None:
    whole = [one.link for one in told.reader.read(0, 100)]
    late = max(one.position for one in told.reader.read(0, 100)) - 1
    with driven_ledger(database_url) as other:
        assert [one.link for one in other.reader.read(late, 100)] == whole[late:]
        assert other.reader.entries_about(["a"], ["operation.charged"]) == [
            link for link in whole if (link.operation, link.topic) == ("a", "operation.charged")
        ]


def test_a_writer_that_read_nothing_yet_gets_whole_facts_of_many_operations(
    told: DrivenLedger, database_url: str
) -> None:
    told.open("zeta")
    told.run("zeta", "z")
    links = [one.link for one in told.reader.read(0, 100)]
    heads = [(stream, 4) for stream in ("ledger:acme:1793491200000000", "ledger:zeta:1793491200000000")]
    with driven_ledger(database_url) as other, SqlStore(other.reader.database).begin() as transaction:
        found = transaction.entries_after(heads)
    assert {link.operation for link in found} == {"a", "b", "z"}
    assert found == [link for stream, after in heads for link in links if is_after(link, stream, after)]


def is_after(link: Link, stream: str, after: int) -> bool:
    return link.originator_id == stream and link.originator_version > after


REQUEST = '{"operation":{"id":"a","model":"one"},"at":1,"key":null}'
TRAP = '{"operation":{"id":"},\\"at\\":2"},"at":1,"key":null}'


@pytest.mark.parametrize("request_of", [REQUEST, TRAP])
def test_what_is_short_becomes_what_it_was(request_of: str) -> None:
    begun = request_of[: request_of.index('"key"')]
    fact, beginnings = f'{begun}"attempt":1}}', Beginnings()
    assert beginnings.stored("operation.requested", "a", request_of.encode()) == request_of
    short = beginnings.stored("operation.dispatched", "a", fact.encode())
    assert json.loads(short) == {"at": 1, "attempt": 1}
    row = ("operation.dispatched", "a", short)
    assert beginnings.whole([row], tuple, lambda _ids: ()) == [fact]
    assert Beginnings().whole([row], tuple, lambda ids: [(id, request_of) for id in ids]) == [fact]


def test_a_fact_that_says_something_else_of_its_operation_is_stored_whole() -> None:
    beginnings = Beginnings()
    other = REQUEST.replace("one", "two")
    assert beginnings.stored("operation.charged", "a", REQUEST.encode()) == REQUEST, "its beginning is not known"
    beginnings.stored("operation.requested", "a", REQUEST.encode())
    assert beginnings.stored("operation.rerouted", "a", other.encode()) == other
    assert beginnings.whole([("operation.rerouted", "a", other)], tuple, lambda _ids: ()) == [other]


def test_a_short_fact_without_a_beginning_stays_as_it_is() -> None:
    row = ("operation.charged", "a", '{"at":1,"price":2}')
    assert Beginnings().whole([row], tuple, lambda _ids: ()) == [row[2]]


@pytest.mark.parametrize("damaged", ['x"at":1,"price":2}', "", " ", '["at",1]'])
def test_a_state_that_is_no_object_is_not_taken_for_a_short_one(damaged: str) -> None:
    beginnings = Beginnings()
    beginnings.stored("operation.requested", "a", REQUEST.encode())
    assert beginnings.whole([("operation.charged", "a", damaged)], tuple, lambda _ids: ()) == [damaged]


def test_what_is_remembered_has_a_bound_and_what_is_forgotten_is_asked_again() -> None:
    beginnings = Beginnings()
    asked: list[str] = []
    for number in range(KEPT + 1):
        state = REQUEST.replace('"id":"a"', f'"id":"{number}"')
        beginnings.stored("operation.requested", str(number), state.encode())

    def fetch(ids: object) -> Iterator[tuple[str, str]]:
        assert isinstance(ids, list)
        asked.extend(ids)
        return ((id, REQUEST.replace('"id":"a"', f'"id":"{id}"')) for id in ids)

    rows = [("operation.charged", str(number), '{"at":1}') for number in (0, KEPT)]
    assert [json.loads(one)["operation"]["id"] for one in beginnings.whole(rows, tuple, fetch)] == ["0", str(KEPT)]
    assert asked == ["0"]
