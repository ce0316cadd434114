"""Every SQLSTATE there is, and what servers and poolers say without one: what becomes of the session and the caller."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2 import InterfaceError, OperationalError, ProgrammingError, errorcodes, errors

from application.ledger.transaction import Conflict, ServerChanged, TooSlow
from domain.errors import StoreRefused, StoreUnavailable
from infrastructure.store.errors import GONE_STATES, in_our_words, is_gone
from infrastructure.store.postgres import Overdue

STATES = sorted(
    {code for name, code in vars(errorcodes).items() if name.isupper() and isinstance(code, str) and len(code) == 5}
)

GONE = {
    *("08000", "08001", "08003", "08004", "08006", "08007", "08P01"),
    *("25000", "25001", "25006", "25P01", "25P02", "25P03", "25P04"),
    *("26000", "34000", "40003", "53300"),
    *("57P01", "57P02", "57P03", "57P04", "57P05"),
    *("58000", "58030", "58P01", "58P02", "58P03", "F0000", "F0001", "XX000", "XX001", "XX002"),
}
"""What says that this session, or its server, is not what is needed any more."""

OF_THE_QUESTION = {
    *("22001", "22P05", "23502", "23505", "23514", "28000", "28P01", "3D000", "3F000", "40001", "40P01"),
    *("42501", "42601", "42703", "42P01", "53100", "53200", "54000", "55P03", "57014"),
}
"""What is wrong with what was asked, or for the moment; the session is as good as any."""


class Told(OperationalError):
    """A server's error, as the driver would raise it."""

    def __init__(self, state: str | None, message: str = "no", severity: str = "ERROR") -> None:
        super().__init__(message)
        self.state, self.severity = state, severity

    @property
    def pgcode(self) -> Any:  # type: ignore[override]
        return self.state

    @property
    def diag(self) -> Any:  # type: ignore[override]
        return SimpleNamespace(severity_nonlocalized=self.severity)


def words(error: Exception, *, lost: bool = False) -> Conflict | StoreUnavailable | StoreRefused:
    return in_our_words(error, integrity=False, lost=lost)


@pytest.mark.parametrize("state", sorted(GONE))
def test_what_is_wrong_with_the_session_discards_it(state: str) -> None:
    assert is_gone(Told(state))


@pytest.mark.parametrize("state", sorted(OF_THE_QUESTION))
def test_what_is_wrong_with_the_question_keeps_the_session(state: str) -> None:
    assert not is_gone(Told(state))


@pytest.mark.parametrize("state", STATES)
def test_every_state_that_the_driver_knows_is_one_or_the_other_and_has_words(state: str) -> None:
    assert is_gone(Told(state)) == state.startswith(GONE_STATES)
    told = words(Told(state, "what the server said"), lost=is_gone(Told(state)))
    assert "what the server said" in str(told)
    if isinstance(told, StoreUnavailable):
        assert told.hint
        assert "is the database running" not in told.hint


@given(st.sampled_from(STATES), st.sampled_from(["FATAL", "PANIC"]))
def test_after_a_fatal_error_the_session_is_gone_whatever_its_code(state: str, severity: str) -> None:
    assert is_gone(Told(state, severity=severity))


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=5, max_size=5))
def test_a_state_that_nobody_knows_has_words_too(state: str) -> None:
    assert isinstance(words(Told(state)), Conflict | StoreUnavailable | StoreRefused)


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("server closed the connection unexpectedly"),
        OperationalError("SSL connection has been closed unexpectedly"),
        InterfaceError("cursor already closed"),
        errors.DatabaseError("error with status PGRES_TUPLES_OK and no message from the libpq"),
        errors.DatabaseError('lost synchronization with server: got message type "!", length 1'),
        Overdue("no answer within 35 seconds"),
    ],
)
def test_what_the_driver_says_without_a_code_is_about_the_connection(error: Exception) -> None:
    assert is_gone(error)


@pytest.mark.parametrize("error", [ProgrammingError("can't adapt type 'object'"), ValueError("half a pair"), None])
def test_what_the_driver_says_of_values_is_not(error: Exception | None) -> None:
    assert not is_gone(error)


def test_a_server_that_may_only_be_read_is_worth_another_connection() -> None:
    told = words(Told("25006", "cannot execute INSERT in a read-only transaction"), lost=True)
    assert isinstance(told, ServerChanged)
    assert "primary" in told.hint


def test_a_statement_that_was_stopped_is_too_slow() -> None:
    assert isinstance(words(Told("57014", "canceling statement due to statement timeout")), TooSlow)


SAID = {
    'FATAL:  password authentication failed for user "ann"': ("let this user in", "password"),
    "fe_sendauth: no password supplied": ("let this user in", "password"),
    'FATAL:  role "ann" does not exist': ("let this user in", "user"),
    'FATAL:  role "ann" is not permitted to log in': ("let this user in", "user"),
    'FATAL:  database "ledger" does not exist': ("no such database", "create the database"),
    "FATAL:  no such database: ledger": ("no such database", "create the database"),
    'could not translate host name "db.invalid" to address: Name or service not known': ("this name", "host"),
    "FATAL:  sorry, too many clients already": ("no connection to spare", "pooler"),
    'FATAL:  too many connections for role "ann"': ("no connection to spare", "pooler"),
    "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute": ("to spare", "pooler"),
    "FATAL:  no more connections allowed (max_client_conn)": ("no connection to spare", "pooler"),
    "FATAL:  query_wait_timeout": ("no connection to spare", "pooler"),
    'FATAL:  permission denied for database "ledger"': ("may not do this", "grant"),
    'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "ann", database "ledger", no encryption': (
        "encrypted connections only",
        "sslmode=require",
    ),
    'FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "ann", database "ledger", SSL encryption': (
        "from here",
        "pg_hba.conf",
    ),
    "FATAL:  SSL required": ("encrypted connections only", "sslmode=require"),
    "server does not support SSL, but SSL was required": ("does not encrypt", "sslmode"),
    "SSL error: certificate verify failed": ("cannot be trusted", "sslrootcert"),
    'root certificate file "/nowhere/root.crt" does not exist': ("cannot be trusted", "sslrootcert"),
    "FATAL:  the database system is starting up": ("starting or stopping", "shortly"),
    "FATAL:  the database system is shutting down": ("starting or stopping", "shortly"),
    "FATAL:  the database system is not yet accepting connections": ("starting or stopping", "shortly"),
    "connection failed: Connection refused": ("nobody answers", "running"),
    "timeout expired": ("does not answer", "address"),
    "No route to host": ("does not answer", "address"),
    "FATAL:  unsupported startup parameter: options": ("the pooler", "ALTER ROLE"),
    'invalid dsn: invalid connection option "serach_path"': ("cannot be read", "question mark"),
    "session is read-only": ("may be written", "primary"),
    "the world has ended": ("does not do its work", "log"),
}


@pytest.mark.parametrize("message", SAID)
def test_each_cause_has_a_sentence_of_its_own(message: str) -> None:
    says, hint = SAID[message]
    told = words(OperationalError(f'connection to server at "127.0.0.1", port 5432 failed: {message}\n'))
    assert isinstance(told, StoreUnavailable)
    assert says in told.message
    assert message in told.message
    assert hint in told.hint


STATED = {
    "53100": ("disk is full", "space"),
    "53200": ("out of memory", "memory"),
    "42501": ("may not do this", "grant"),
    "42P01": ("tables are not here", "search_path"),
    "3F000": ("no such schema", "search_path"),
    "57014": ("too long", "IMAGESTUDIO_STATEMENT_SECONDS"),
}


@pytest.mark.parametrize("state", STATED)
def test_a_code_counts_whatever_the_language_of_the_server(state: str) -> None:
    says, hint = STATED[state]
    told = words(Told(state, "das geht nicht"))
    assert isinstance(told, StoreUnavailable)
    assert says in told.message
    assert hint in told.hint
