"""Whatever is changed in the stored log is seen, with its place; what a forger of everything does, a seal shows."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from application.keeping.chains import take_seal, verify_chains, verify_index
from application.keeping.ends import Seal
from application.keeping.walking import Problem
from application.ledger.log import GENESIS, link_hash
from domain.errors import InvalidInput, LogCorrupted
from domain.ledger import account_stream, period_stream
from domain.periods import EARLIEST, LATEST, Period
from domain.streams import account_of
from tests.infrastructure.store.driven import MONTH, DrivenLedger, driven_ledger

ENTRIES = 17
PERIOD = "ledger:acme:1793491200000000"
"""Of the 17 entries 3 to 12 are acme's operations a and b: a, entries 2-6 of its period, and b, 7-11."""


@pytest.fixture
def told(database_url: str) -> Iterator[DrivenLedger]:
    """A small true history: two accounts, three operations charged."""
    with driven_ledger(database_url) as opened:
        opened.open("acme")
        opened.run("acme", "a", "b")
        opened.open("zeta")
        opened.run("zeta", "z")
        assert opened.reader.end() >= ENTRIES
        yield opened


def problems(told: DrivenLedger, account: str | None = None, seal: Seal | None = None) -> list[Problem]:
    return list(verify_chains(told.reader, account, () if seal is None else [seal]))


def position_of(told: DrivenLedger, version: int, stream: str = PERIOD) -> int:
    return next(
        entry.position
        for entry in told.reader.read(0, 100)
        if (entry.link.originator_id, entry.link.originator_version) == (stream, version)
    )


def row(version: int, stream: str = PERIOD) -> str:
    return f"WHERE stream = '{stream}' AND version = {version}"


def test_a_true_history_has_no_problems(told: DrivenLedger) -> None:
    assert problems(told) == []
    assert problems(told, "acme") == problems(told, "zeta") == []
    assert list(verify_index(told.reader, told.codec)) == []


def test_an_empty_log_has_no_problems(database_url: str) -> None:
    with driven_ledger(database_url) as empty:
        assert problems(empty) == []
        assert problems(empty, seal=take_seal(empty.reader)) == []


def test_an_account_that_was_asked_for_and_never_opened_is_no_problem(told: DrivenLedger) -> None:
    assert problems(told, "nobody") == []


FLIPS = {
    "topic": "topic = 'operation.released'",
    "operation": "operation = 'b'",
    "operation, to none": "operation = NULL",
    "state": "state = replace(state, '80000', '90000')",
    "hash": f"hash = (SELECT hash FROM log AS other WHERE other.stream = '{PERIOD}' AND other.version = 1)",
}


@pytest.mark.parametrize("change", FLIPS.values(), ids=list(FLIPS))
def test_a_flipped_column_is_found_at_its_position_and_only_there(told: DrivenLedger, change: str) -> None:
    told.vandalise(f"UPDATE log SET {change} {row(6)}")
    assert [(found.position, found.stream, found.version) for found in problems(told)] == [
        (position_of(told, 6), PERIOD, 6)
    ]


def test_a_flipped_version_is_found(told: DrivenLedger) -> None:
    place = position_of(told, 11)
    told.vandalise(f"UPDATE log SET version = 12 {row(11)}")
    assert place in [found.position for found in problems(told)]


def test_an_entry_moved_to_another_stream_is_found_where_it_is_and_where_it_was(told: DrivenLedger) -> None:
    place = position_of(told, 5)
    told.vandalise(f"UPDATE log SET stream = 'ledger:zeta:5' {row(5)}")
    found = {(problem.position, problem.stream) for problem in problems(told)}
    assert {(place, "ledger:zeta:5"), (position_of(told, 6), PERIOD)} <= found


@pytest.mark.parametrize("version", [1, 2, 6, 10])
def test_a_removed_entry_is_found_at_the_one_that_follows_it(told: DrivenLedger, version: int) -> None:
    told.vandalise(f"DELETE FROM log {row(version)}")
    found = problems(told)
    assert (position_of(told, version + 1), PERIOD, version + 1) == (
        found[0].position,
        found[0].stream,
        found[0].version,
    )
    assert "missing" in found[0].what


@pytest.mark.parametrize("first", [11, 7, 1])
def test_a_removed_tail_is_found_against_the_accounts_row(told: DrivenLedger, first: int) -> None:
    told.vandalise(f"DELETE FROM log WHERE stream = '{PERIOD}' AND version >= {first}")
    (*_, end) = problems(told)
    assert (end.stream, end.version) == (PERIOD, first - 1)
    assert end.position == (position_of(told, first - 1) if first > 1 else 0)
    assert problems(told, "acme")
    assert not problems(told, "zeta")


def test_a_tail_removed_from_an_ended_period_is_found_by_the_accounts_count(told: DrivenLedger) -> None:
    told.later = MONTH
    told.run("acme", "c")
    assert problems(told) == []
    told.vandalise(f"DELETE FROM log {row(11)}")
    assert any("counts" in found.what for found in problems(told))


def test_a_removed_tail_is_found_by_the_index_of_operations_too(told: DrivenLedger) -> None:
    told.vandalise(f"DELETE FROM log {row(11)}", "UPDATE accounts SET version = 10, revision = revision - 1")
    (found,) = verify_index(told.reader, told.codec)
    assert found.stream == PERIOD
    assert "b charged" in found.what


def test_an_inserted_entry_with_a_perfect_hash_is_found(told: DrivenLedger) -> None:
    end = next(entry.link for entry in told.reader.read(position_of(told, 11) - 1, 1))
    stream, version, state = PERIOD, 12, end.state
    forged = link_hash(end.hash, stream, version, end.topic, end.operation, end.actor, state)
    insert = (
        "INSERT INTO log (stream, version, topic, operation, actor, state, hash)"
        " VALUES (:stream, :version, :topic, :operation, :actor, :state, :hash)"
    )
    values = {
        "stream": stream,
        "version": version,
        "topic": end.topic,
        "operation": "b",
        "actor": end.actor,
        "hash": forged,
    }
    with told.database.transaction() as connection:
        connection.execute(text(insert), {**values, "state": state.decode()})
    (*_, found) = problems(told)
    assert (found.position, found.stream, found.version) == (told.reader.end(), PERIOD, 12)


def test_a_forged_stream_of_an_account_that_never_was_is_found(told: DrivenLedger) -> None:
    with told.database.transaction() as connection:
        forged = link_hash(GENESIS, "account:ghost", 1, "account.opened", None, "", b"{}")
        insert = (
            "INSERT INTO log (stream, version, topic, actor, state, hash)"
            " VALUES ('account:ghost', 1, :topic, '', '{}', :hash)"
        )
        connection.execute(text(insert), {"topic": "account.opened", "hash": forged})
    (found,) = problems(told)
    assert (found.position, found.stream) == (told.reader.end(), "account:ghost")


def test_a_stream_with_a_name_no_fact_has_is_found(told: DrivenLedger) -> None:
    with told.database.transaction() as connection:
        forged = link_hash(GENESIS, "misc", 1, "x", None, "", b"{}")
        insert = "INSERT INTO log (stream, version, topic, actor, state, hash) VALUES ('misc', 1, 'x', '', '{}', :hash)"
        connection.execute(text(insert), {"hash": forged})
    (found,) = problems(told)
    assert (found.position, found.stream) == (told.reader.end(), "misc")


def test_two_entries_that_swapped_their_places_are_found(told: DrivenLedger) -> None:
    first, second = position_of(told, 5), position_of(told, 6)
    told.vandalise(
        f"UPDATE log SET position = -1 {row(5)}",
        f"UPDATE log SET position = {first} {row(6)}",
        f"UPDATE log SET position = {second} {row(5)}",
    )
    assert {found.position for found in problems(told)} == {first, second}


def test_two_entries_that_swapped_their_contents_are_found(told: DrivenLedger) -> None:
    told.vandalise(
        f"UPDATE log SET version = 0 {row(5)}",
        f"UPDATE log SET version = 5 {row(6)}",
        f"UPDATE log SET version = 6 {row(0)}",
    )
    assert {position_of(told, 5), position_of(told, 6)} <= {found.position for found in problems(told)}


def test_an_operation_that_left_the_index_is_found(told: DrivenLedger) -> None:
    told.vandalise("DELETE FROM operations WHERE id = 'b'")
    found = problems(told)
    assert {problem.version for problem in found} == {7, 8, 9, 10, 11}
    assert "not in the index" in found[0].what


@pytest.mark.parametrize("change", ["phase = 'released'", "charged = 1", "adjusted = -1", "stream = 'ledger:acme:1'"])
def test_an_index_that_says_something_else_than_the_log_is_found(told: DrivenLedger, change: str) -> None:
    told.vandalise(f"UPDATE operations SET {change} WHERE id = 'b'")
    assert len(list(verify_index(told.reader, told.codec))) == 1
    assert len(list(verify_index(told.reader, told.codec, "acme"))) == 1
    assert not list(verify_index(told.reader, told.codec, "zeta"))


def test_an_index_of_an_operation_that_nobody_recorded_is_found(told: DrivenLedger) -> None:
    told.vandalise("INSERT INTO operations VALUES ('ghost', 'acme', 'ledger:acme:1', 'charged', 5, 0)")
    (found,) = verify_index(told.reader, told.codec)
    assert "the log nothing" in found.what


@pytest.mark.parametrize(
    "change",
    [
        *("version = 1", "revision = 1", "revision = 99", "terms_version = 2", "stream = ''", "hash = terms_hash"),
        *("last = last + 1", "last = last - 1", "last = 0"),
    ],
)
def test_an_account_row_that_was_changed_is_found(told: DrivenLedger, change: str) -> None:
    told.vandalise(f"UPDATE accounts SET {change} WHERE id = 'acme'")
    assert problems(told)
    assert not problems(told, "zeta")


def test_an_account_row_that_went_back_to_an_ended_period_is_found(told: DrivenLedger) -> None:
    told.later = MONTH
    told.run("acme", "c")
    end = next(entry.link for entry in told.reader.read(position_of(told, 11) - 1, 1))
    hash = f"X'{end.hash.hex()}'" if told.database.is_sqlite else f"decode('{end.hash.hex()}', 'hex')"
    told.vandalise(f"UPDATE accounts SET stream = '{PERIOD}', version = 11, hash = {hash} WHERE id = 'acme'")
    (found,) = problems(told)
    assert "newest period" in found.what


def test_an_account_row_that_was_removed_is_found(told: DrivenLedger) -> None:
    told.vandalise("DELETE FROM accounts WHERE id = 'acme'")
    (found,) = problems(told)
    assert found.stream == "account:acme"
    assert "no row" in found.what


def test_a_damaged_account_is_refused_by_the_ledger_and_the_others_go_on(told: DrivenLedger) -> None:
    told.vandalise(f"UPDATE log SET state = replace(state, '80000', '90000') {row(6)}")
    with driven_ledger(str(told.database.url)) as reopened:
        with pytest.raises(LogCorrupted, match="version 6"):
            reopened.run("acme", "c")
        reopened.run("zeta", "y")


# Seals


def test_a_seal_holds_while_the_log_only_grows(told: DrivenLedger) -> None:
    seal = take_seal(told.reader)
    assert seal.position == told.reader.end()
    told.run("acme", "c")
    told.open("late")
    assert problems(told, seal=Seal.parse(str(seal))) == []


def rewind(told: DrivenLedger) -> None:
    """Remove the last operation everywhere, and make every row agree: the perfect crime."""
    before = next(e.link for e in told.reader.read(position_of(told, 6) - 1, 1))
    hash = f"X'{before.hash.hex()}'" if told.database.is_sqlite else f"decode('{before.hash.hex()}', 'hex')"
    at = json.loads(before.state)["at"]
    told.vandalise(
        f"DELETE FROM log WHERE stream = '{PERIOD}' AND version > 6",
        f"UPDATE accounts SET version = 6, hash = {hash}, revision = 7, last = {at} WHERE id = 'acme'",
        "DELETE FROM operations WHERE id = 'b'",
    )


def test_a_perfectly_removed_tail_is_found_against_a_seal_alone(told: DrivenLedger) -> None:
    seal = take_seal(told.reader)
    rewind(told)
    assert problems(told) == list(verify_index(told.reader, told.codec)) == []
    (found,) = problems(told, seal=seal)
    assert str(seal) in found.what


def test_a_tail_removed_and_written_anew_is_found_against_a_seal(told: DrivenLedger) -> None:
    seal = take_seal(told.reader)
    rewind(told)
    with driven_ledger(str(told.database.url)) as reopened:
        reopened.run("acme", "b")
        reopened.run("acme", "c")
        reopened.run("zeta", "y")
        assert problems(reopened) == []
        assert len(problems(reopened, seal=seal)) == 1


def test_an_end_of_the_whole_log_that_was_removed_is_found_against_a_seal(told: DrivenLedger) -> None:
    seal = take_seal(told.reader)
    told.vandalise(
        "DELETE FROM log WHERE stream IN ('account:zeta', 'ledger:zeta:1793491200000000')",
        "DELETE FROM accounts WHERE id = 'zeta'",
    )
    told.vandalise("DELETE FROM operations WHERE account = 'zeta'")
    assert problems(told) == []
    (found,) = problems(told, seal=seal)
    assert found.position == told.reader.end() < seal.position


def test_a_damaged_log_is_not_sealed(told: DrivenLedger) -> None:
    told.vandalise(f"UPDATE log SET topic = 'x' {row(6)}")
    with pytest.raises(LogCorrupted, match="version 6"):
        take_seal(told.reader)


@pytest.mark.parametrize("text", ["", "7", "7:2", "7:2:abc", "-7:2:" + "0" * 64, "x:2:" + "0" * 64])
def test_what_is_no_seal_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Seal.parse(text)


# While others write


def test_an_audit_beside_busy_writers_finds_no_problems(told: DrivenLedger) -> None:
    done = threading.Event()

    def write() -> None:
        for number in range(60):
            told.run("acme" if number % 2 else "zeta", f"w{number}")
            told.open(f"new{number}")
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    audits = 0
    while not done.is_set() or not audits:
        seal = take_seal(told.reader)
        assert problems(told, seal=seal) == []
        assert problems(told, "acme") == []
        assert list(verify_index(told.reader, told.codec)) == []
        audits += 1
    writer.join()


# Names of streams


@given(st.text(min_size=1), st.integers(EARLIEST, LATEST))
def test_every_stream_names_its_account_whatever_the_id_holds(account: str, start: int) -> None:
    assert account_of(account_stream(account)) == account
    assert account_of(period_stream(account, Period(start, start + 1))) == account


@pytest.mark.parametrize("stream", ["", "acme", "ledger:acme", "ledger:acme:", "ledger:acme:x", "other:acme:1"])
def test_other_names_belong_to_nobody(stream: str) -> None:
    assert account_of(stream) is None


# Any single damage at all

COLUMNS = ("stream", "topic", "operation", "state")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_character_anywhere_is_found(sqlite_history: DrivenLedger, data: st.DataObject) -> None:
    entries = sqlite_history.reader.read(0, 100)
    entry = data.draw(st.sampled_from(entries))
    column = data.draw(st.sampled_from(COLUMNS if entry.link.operation is not None else COLUMNS[:2]))
    with sqlite_history.database.connect() as connection:
        before = connection.execute(text(f"SELECT {column} FROM log WHERE position = {entry.position}")).scalar()
    assert isinstance(before, str)
    at = data.draw(st.integers(0, len(before) - 1))
    changed = (
        before[:at]
        + data.draw(st.characters(exclude_characters=before[at] + "'\x00:", codec="ascii"))
        + before[at + 1 :]
    )
    put = partial("UPDATE log SET {} = '{}' WHERE position = {}".format, column)
    sqlite_history.vandalise(put(changed, entry.position))
    assert any(found.position >= entry.position for found in problems(sqlite_history))
    sqlite_history.vandalise(put(before, entry.position))
    assert problems(sqlite_history) == []


@pytest.fixture
def sqlite_history(sqlite_url: str) -> Iterator[DrivenLedger]:
    with driven_ledger(sqlite_url) as opened:
        opened.open("acme")
        opened.run("acme", "a", "b")
        yield opened
