"""PostgreSQL's connections: what they are asked for, which limits hold in them, and that every wait ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine import make_url

from application.ledger.transaction import CommitUnknown, Conflict, TooSlow
from domain.errors import StoreUnavailable
from infrastructure.reading import open_reading
from infrastructure.store.database import Database
from infrastructure.store.options import StatementLimits, connect_arguments, options_of
from infrastructure.store.reader import SqlReader
from infrastructure.store.transactions import SqlStore
from infrastructure.store.urls import parse_url
from infrastructure.storecheck.trial import add_entries, append, locked
from projections.engine.database import patiently, writing
from tests import patience
from tests.application.studios import settings_for, studio_on
from tests.postgres import beside, execute
from tests.wire.proxy import Fault, Proxy, proxied

SETTINGS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "transaction_isolation")
IN_FORCE = text("SELECT " + ", ".join(f"current_setting('{name}')" for name in SETTINGS))
OURS = ("10s", "30s", "1min", "read committed")


def with_options(url: str, options: str) -> str:
    return make_url(url).update_query_dict({"options": options}).render_as_string(hide_password=False)


@contextmanager
def through_proxy(url: str, **limits: Any) -> Iterator[tuple[Proxy, Database]]:
    """A database behind a proxy that can be frozen."""
    parsed = make_url(url)
    with proxied(str(parsed.host), int(parsed.port or 0)) as proxy:
        through = parsed.set(port=proxy.port).update_query_dict({"connect_timeout": "2"})
        with closing(Database(through.render_as_string(hide_password=False), **limits)) as database:
            try:
                yield proxy, database
            finally:
                proxy.thaw()


# What is asked of a connection


def test_the_url_has_the_last_word() -> None:
    url = parse_url("postgresql://h/n?connect_timeout=3&application_name=shop&keepalives=0&client_encoding=latin1")
    arguments = connect_arguments(url)
    assert {"connect_timeout", "application_name", "keepalives", "client_encoding", "options"}.isdisjoint(arguments)
    assert arguments["tcp_user_timeout"] == 20_000


def test_a_connection_is_never_waited_for_without_end_and_says_who_it_is() -> None:
    arguments = connect_arguments(parse_url("postgresql://h/n"))
    assert arguments["connect_timeout"] == 10
    assert arguments["keepalives"] == 1
    assert arguments["fallback_application_name"] == "imagestudio"
    assert "target_session_attrs" not in arguments


@pytest.mark.parametrize("query", ["host=one:5432&host=two:5432", "host=one,two"])
def test_of_several_servers_the_one_that_may_be_written_is_wanted(query: str) -> None:
    assert connect_arguments(parse_url(f"postgresql:///n?{query}"))["target_session_attrs"] == "read-write"
    assert "target_session_attrs" not in connect_arguments(
        parse_url(f"postgresql:///n?{query}&target_session_attrs=any")
    )


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://ann:pw@one:5432,two:5433/n", "one,two", "5432,5433"),
        ("postgres://one,two/n?sslmode=require", "one,two", ","),
        ("postgresql:///n?host=one:5432&host=two:5433", "one,two", "5432,5433"),
    ],
)
def test_several_servers_are_named_in_either_form(url: str, host: str, port: str) -> None:
    with closing(Database(url)) as database:
        _, arguments = database.engine.dialect.create_connect_args(database.url)
    assert (arguments["host"], arguments["port"], arguments["dbname"]) == (host, port, "n")
    assert connect_arguments(database.url)["target_session_attrs"] == "read-write"


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("-c search_path=studio", {"search_path": "studio"}),
        ("-csearch_path=a,b --statement-timeout=5s", {"search_path": "a,b", "statement_timeout": "5s"}),
        (r"-c search_path=a,\ b -c jit=off", {"search_path": "a, b", "jit": "off"}),
        ("", {}),
    ],
)
def test_the_settings_in_a_url_are_read_as_the_server_reads_them(options: str, found: dict[str, str]) -> None:
    assert options_of(make_url("postgresql://h/n").update_query_dict({"options": options})) == found


def test_limits_of_the_url_are_kept() -> None:
    url = make_url("postgresql://h/n").update_query_dict({"options": "-c statement_timeout=2min -c lock_timeout=1500"})
    limits = StatementLimits.of(url, 10, 30)
    assert (limits.lock, limits.statement, limits.idle, limits.patience) == (1.5, 120, 60, 125)
    assert StatementLimits.of(make_url("postgresql://h/n?options=-c%20statement_timeout=0"), 10, 30).statement is None


def test_what_the_url_says_reaches_the_server(postgres_url: str) -> None:
    execute(postgres_url, "CREATE SCHEMA elsewhere")
    url = make_url(with_options(postgres_url, "-c search_path=elsewhere -c lock_timeout=7s"))
    url = url.update_query_dict({"application_name": "shop"})
    with closing(Database(url.render_as_string(hide_password=False))) as database:
        names = text("SELECT current_setting('search_path'), current_setting('application_name')")
        assert tuple(database.rows(names)[0]) == ("elsewhere", "shop")
        assert tuple(database.rows(IN_FORCE)[0]) == ("7s", *OURS[1:])


# Which limits hold


def in_force(database: Database) -> list[tuple[str, ...]]:
    """In a reader's query, a small write, a writer's unit, a view's transaction."""
    query = IN_FORCE.text
    found = [tuple(database.rows(IN_FORCE)[0]), tuple(database.read(query)[0])]
    with database.transaction() as connection:
        found.append(tuple(connection.execute(IN_FORCE).one()))
    with SqlStore(database).begin() as transaction:
        locked(transaction, "acme")
        found.append(tuple(transaction.session.rows(query)[0]))  # type: ignore[attr-defined]
    with writing(database) as connection:
        found.append(tuple(connection.execute(IN_FORCE).one()))
    return found


def test_every_transaction_has_its_limits_whatever_the_database_or_the_role_says(postgres_url: str) -> None:
    name = make_url(postgres_url).database
    for setting in ("lock_timeout = 0", "default_transaction_isolation = 'serializable'", "statement_timeout = 1"):
        execute(postgres_url, f'ALTER DATABASE "{name}" SET {setting}')
    with closing(Database(postgres_url)) as database:
        assert set(in_force(database)) == {OURS}


def test_no_setting_stays_behind_in_the_session(postgres_url: str) -> None:
    """Behind a pooler the session is somebody else's next."""
    with closing(Database(postgres_url)) as database:
        in_force(database)
        with database.connect() as connection:
            settings = "SELECT name FROM pg_settings WHERE source = 'session' AND name LIKE '%timeout'"
            raw: Any = connection.connection.dbapi_connection
            with raw.cursor() as cursor:
                raw.ahead = ""  # as another client of the session
                cursor.execute(settings)
                assert cursor.fetchall() == []


def test_limits_cost_no_round_trip(postgres_url: str) -> None:
    sent: list[str] = []
    with closing(Database(postgres_url)) as database:
        store = SqlStore(database)
        add_entries(store, "acme")
        event.listen(database.engine, "before_cursor_execute", lambda *_: sent.append(_[2]))
        with store.begin() as transaction:
            rows = transaction.lock(["acme"], [])
            transaction.commit(append(transaction, rows["acme"]))
    assert len(sent) == 2


def test_a_rebuild_may_take_long_and_what_follows_may_not(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        with patiently(database) as connection:
            assert connection.execute(IN_FORCE).one()[1] == "1h"
        assert {row[1] for row in in_force(database)} == {"30s"}


def test_a_statement_that_the_server_stops_is_too_slow_and_its_session_stays(postgres_url: str) -> None:
    with closing(Database(postgres_url, statement_seconds=0.1)) as database:
        before = database.rows(text("SELECT pg_backend_pid()"))
        with pytest.raises(TooSlow, match="too long"):
            database.rows(text("SELECT pg_sleep(10)"))
        assert database.rows(text("SELECT pg_backend_pid()")) == before


# Every wait ends


def test_a_reader_of_a_frozen_server_is_told_and_the_next_is_served(postgres_url: str) -> None:
    with through_proxy(postgres_url, statement_seconds=0.5) as (proxy, database):
        assert SqlReader(database).end() == 0
        proxy.freeze()
        with pytest.raises(StoreUnavailable, match="no answer within"):
            SqlReader(database).end()
        with pytest.raises(StoreUnavailable, match="timeout expired"):
            SqlReader(database).end()
        proxy.thaw()
        assert SqlReader(database).end() == 0


def test_a_writer_whose_lock_is_never_answered_has_recorded_nothing(postgres_url: str) -> None:
    with through_proxy(postgres_url, statement_seconds=0.5) as (proxy, database):
        add_entries(SqlStore(database), "acme")
        proxy.freeze()
        with pytest.raises(StoreUnavailable, match="no answer within"):
            add_entries(SqlStore(database), "acme")
        proxy.thaw()
        assert SqlReader(database).end() == 1


def test_a_commit_that_is_never_answered_is_unknown(postgres_url: str) -> None:
    with through_proxy(postgres_url, statement_seconds=0.5) as (proxy, database):
        add_entries(SqlStore(database), "acme")
        proxy.next(Fault("stall", when=b"COMMIT"))
        with pytest.raises(CommitUnknown):
            add_entries(SqlStore(database), "acme")
        proxy.thaw()
        assert SqlReader(database).end() == 2, "it had arrived"


def test_a_small_write_and_a_view_on_a_frozen_server_are_told(postgres_url: str) -> None:
    with through_proxy(postgres_url, statement_seconds=0.5) as (proxy, database):
        SqlReader(database).end()
        proxy.freeze()
        with pytest.raises(StoreUnavailable), database.transaction():
            pass
        with pytest.raises(StoreUnavailable), writing(database):
            pass


def told_of_silence(database: Database) -> None:
    with pytest.raises(StoreUnavailable):
        database.read("SELECT pg_sleep(60)")


def test_closing_on_a_frozen_server_ends(postgres_url: str) -> None:
    with through_proxy(postgres_url, statement_seconds=0.5) as (proxy, database):
        add_entries(SqlStore(database), "acme")
        reading = threading.Thread(target=told_of_silence, args=(database,))
        reading.start()
        proxy.freeze()
        database.close()
        reading.join(patience.SECONDS)
        assert not reading.is_alive()


def test_whoever_finds_no_connection_free_is_told(postgres_url: str) -> None:
    with closing(Database(postgres_url, lock_seconds=0.1)) as database, ExitStack() as held:
        for _ in range(20):
            held.enter_context(database.connect())
        with pytest.raises(StoreUnavailable, match="at work"), database.connect():
            pass
        with pytest.raises(StoreUnavailable, match="at work"):
            database.read("SELECT 1")


# What is not needed any more is replaced


def test_a_session_on_a_server_that_became_read_only_is_discarded_with_all_others(postgres_url: str) -> None:
    """As after a failover: the address leads elsewhere, and what is connected stays where it is."""
    name = make_url(postgres_url).database
    execute(postgres_url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with closing(Database(postgres_url)) as database:
        held = [database.rows(text("SELECT pg_backend_pid()"))[0][0]]
        with pytest.raises(StoreUnavailable, match="may only be read"):
            add_entries(SqlStore(database), "acme")
        execute(beside(postgres_url, "postgres"), f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
        add_entries(SqlStore(database), "acme")
        assert database.rows(text("SELECT pg_backend_pid()"))[0][0] not in held


def test_so_is_one_of_a_small_write_or_of_a_view(postgres_url: str) -> None:
    name = make_url(postgres_url).database
    for write in (lambda at: at.transaction(), writing):
        execute(postgres_url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        with closing(Database(postgres_url)) as database:
            with pytest.raises(StoreUnavailable, match="may only be read"), write(database) as connection:
                connection.exec_driver_sql("DELETE FROM leases")
            execute(beside(postgres_url, "postgres"), f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
            with write(database) as connection:
                connection.exec_driver_sql("DELETE FROM leases")


async def test_who_is_meant_to_read_alone_audits_all_the_same(postgres_url: str, tmp_path: Path) -> None:
    async with studio_on(postgres_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        studio.views.catch_up()
    name = make_url(postgres_url).database
    execute(postgres_url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with open_reading(settings_for(postgres_url, tmp_path)) as reading:
        compared = reading.audit.compare()
        assert list(reading.audit.differences()) == []
    assert (compared.equal, compared.facts > 0) == (True, True)
    execute(beside(postgres_url, "postgres"), f'ALTER DATABASE "{name}" RESET default_transaction_read_only')


def test_a_connection_left_in_a_transaction_is_not_used_again(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        with database.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        assert database.rows(text("SELECT pg_backend_pid()"))[0][0] != pid


@pytest.mark.parametrize("use", [lambda at: SqlReader(at).end(), lambda at: add_entries(SqlStore(at), "acme")])
def test_a_connection_that_was_quiet_for_long_is_asked_first(
    postgres_url: str, use: Callable[[Database], object]
) -> None:
    """A router that forgot it tells nobody."""
    with through_proxy(postgres_url, quiet_seconds=-1) as (proxy, database):
        use(database)
        proxy.next(Fault("before", when=b"SELECT 1"))
        use(database)
        assert proxy.waiting == 0


# Positions


SEQUENCE = "pg_get_serial_sequence('log', 'position')"


@pytest.mark.parametrize(
    "spoil",
    [
        f"SELECT setval({SEQUENCE}, 1, false)",
        f"SELECT setval({SEQUENCE}, 2)",
        "ALTER SEQUENCE log_position_seq CACHE 50",
        "ALTER TABLE log ALTER COLUMN position DROP IDENTITY",
        f"SELECT setval({SEQUENCE}, 1000)",
    ],
)
def test_positions_rise_whatever_the_sequence_says(postgres_url: str, spoil: str) -> None:
    """As after logical replication, a restore of tables, or with numbers kept by sessions."""
    with closing(Database(postgres_url)) as database, closing(Database(postgres_url)) as other:
        reader = SqlReader(database)
        for _ in range(5):
            add_entries(SqlStore(database), "acme")
        execute(postgres_url, spoil)
        seen = [entry.position for entry in reader.read(0, 100)]
        for account in ("acme", "beta", "acme"):
            for at in (database, other):
                add_entries(SqlStore(at), account)
                assert reader.end() > seen[-1]
                seen.append(reader.end())
        assert [entry.position for entry in reader.read(0, 100)] == seen


def test_two_in_one_commit_keep_their_order(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        add_entries(SqlStore(database), "acme")
        execute(postgres_url, f"SELECT setval({SEQUENCE}, 1, false)")
        with SqlStore(database).begin() as transaction:
            row = locked(transaction, "acme")
            first = append(transaction, row)
            transaction.commit(append(transaction, first.accounts[0]))
        versions = [entry.link.originator_version for entry in SqlReader(database).read(0, 100)]
    assert versions == [1, 2, 3]


def test_a_lost_race_is_still_a_conflict(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database:
        add_entries(SqlStore(database), "acme")
        with pytest.raises(Conflict), database.transaction() as connection:
            connection.exec_driver_sql("INSERT INTO log SELECT * FROM log")
