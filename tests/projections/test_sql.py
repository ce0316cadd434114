"""Array literals say to PostgreSQL exactly what the values are."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infrastructure.store.database import Database
from projections.engine.sql import numbers, octets, texts

TEXTS = st.lists(st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1)
NUMBERS = st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1)
OCTETS = st.lists(st.binary(), min_size=1)


@pytest.mark.parametrize("value", ["", "NULL", "null", "{}", '"', "\\", '\\"', "a,b", " a ", "'", "%s", "\n", "ß🏔"])
def test_whatever_reads_like_syntax_is_text(value: str) -> None:
    assert texts([value]).startswith('{"')


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(some_texts=TEXTS, some_numbers=NUMBERS, some_octets=OCTETS)
def test_what_is_sent_comes_back(
    postgres_url: str, some_texts: list[str | None], some_numbers: list[int | None], some_octets: list[bytes]
) -> None:
    with closing(Database(postgres_url)) as database, database.connect() as connection:
        query = "SELECT %s::text[], %s::bigint[], %s::bytea[]"
        sent = (texts(some_texts), numbers(some_numbers), octets(some_octets))
        [(text, number, octet)] = connection.exec_driver_sql(query, sent)
        assert (text, number, [bytes(one) for one in octet]) == (some_texts, some_numbers, some_octets)


SYNTAX = ["", "NULL", "{}", '"', "\\", '\\"', "a,b", " a ", "'", "%s", "\n"]


def test_syntax_comes_back_as_text(postgres_url: str) -> None:
    with closing(Database(postgres_url)) as database, database.connect() as connection:
        assert connection.exec_driver_sql("SELECT %s::text[]", (texts(SYNTAX),)).scalar_one() == SYNTAX
