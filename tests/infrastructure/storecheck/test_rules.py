"""Every rule is kept by both databases, and seen to be broken by a store that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from domain.errors import StoreUnavailable
from infrastructure.store.options import SEARCH_PATH, options_of, with_settings
from infrastructure.store.urls import parse_url
from infrastructure.storecheck import RULES, check_store, locks, log, orders
from infrastructure.storecheck.trial import NotKept, TrialPlace, trial_on
from tests.infrastructure.storecheck.broken import Hasty, InHalves, WithoutLock, WithoutOrder


@pytest.fixture
def at(postgres_url: str) -> Iterator[TrialPlace]:
    with trial_on(postgres_url) as place:
        yield place


def spoiled(at: TrialPlace, *statements: str) -> TrialPlace:
    with at.open() as database, database.transaction() as connection:
        for statement in statements:
            connection.execute(text(statement))
    return at


def blinded(at: TrialPlace) -> TrialPlace:
    """An engine that shows no locks."""
    spoiled(at, "CREATE VIEW pg_locks AS SELECT * FROM pg_catalog.pg_locks WHERE false")
    url = parse_url(at.url)
    told = options_of(url)
    theirs = with_settings(url, {**told, SEARCH_PATH: f"{told[SEARCH_PATH]},pg_catalog"})
    return replace(at, url=theirs.render_as_string(hide_password=False))


def test_both_databases_keep_every_rule_and_nothing_is_left(database_url: str) -> None:
    found = check_store(database_url)
    assert {line.name: line.broken for line in found if not line.kept} == {}
    servers = {rule.name for rule in RULES if rule.of_servers}
    asked = {rule.name for rule in RULES} - (servers if database_url.startswith("sqlite") else set())
    assert {line.name for line in found} == asked


def test_a_schema_or_a_file_is_taken_away_again(database_url: str, at: TrialPlace) -> None:
    with trial_on(database_url) as place, place.open() as database:
        assert database.rows(text("SELECT count(*) FROM log"))[0][0] == 0
    with pytest.raises((StoreUnavailable, FileNotFoundError)), place.open() as gone:
        gone.rows(text("SELECT count(*) FROM log"))


BROKEN: dict[str, tuple[Callable[[TrialPlace], None], Callable[[TrialPlace], TrialPlace], str]] = {
    "a guard that is seen and does nothing": (
        log.refuses_changes,
        lambda at: spoiled(at, "ALTER TABLE log DISABLE TRIGGER log_append_only"),
        "it took: UPDATE log",
    ),
    "a key twice": (
        log.keeps_what_is_unique,
        lambda at: spoiled(at, "ALTER TABLE keys DROP CONSTRAINT keys_pkey"),
        "the same row is twice in keys",
    ),
    "commits what nobody committed": (
        log.leaves_nothing_abandoned,
        lambda at: replace(at, store=Hasty),
        "that nobody committed",
    ),
    "reads what comes later": (
        log.shows_one_moment,
        lambda at: replace(at, readings=WithoutLock),
        "after it had begun",
    ),
    "locks nothing": (locks.lock_one, lambda at: replace(at, store=WithoutLock), "the lock of one account"),
    "no deadlock, as nothing is locked": (
        locks.end_a_deadlock,
        lambda at: replace(at, store=WithoutLock),
        "that wait for each other",
    ),
    "marks that nobody sees": (orders.stay_below_marks, blinded, "passed a writer that had drawn"),
    "halves": (orders.be_whole, lambda at: replace(at, store=InHalves), "a part of a group|does not hold together"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_store_that_breaks_a_rule_is_seen(at: TrialPlace, name: str) -> None:
    rule, spoil, told = BROKEN[name]
    with pytest.raises(NotKept, match=told):
        rule(spoil(at))


def test_a_store_without_an_order_of_commits_is_seen(at: TrialPlace) -> None:
    """As often as it takes."""
    slowly = """CREATE FUNCTION hesitate() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(random() * 0.008); RETURN NULL; END $$"""
    spoiled(at, slowly, "CREATE TRIGGER hesitate AFTER INSERT ON log EXECUTE FUNCTION hesitate()")
    found: Any = None
    while found is None:
        try:
            orders.miss_nothing(replace(at, store=WithoutOrder))
        except NotKept as error:
            found = str(error)
    assert "never found" in found
