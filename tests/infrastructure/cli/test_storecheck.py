"""The commands that try whether a database keeps what the ledger rests on, and choose how its commits are ordered."""

from __future__ import annotations

from contextlib import closing

from sqlalchemy import text

from infrastructure.store.database import Database
from tests.infrastructure.cli.workspaces import Workspace, call
from tests.infrastructure.storecheck.broken import PRETENDS


def test_the_command_says_each_rule_and_exits_by_them(workspace: Workspace, postgres_url: str) -> None:
    found = call("storecheck", "--json")
    assert (found.code, found.document["fit"]) == (0, True)
    assert {rule["because"] for rule in found.document["rules"]} == {None}
    with closing(Database(postgres_url)) as database, database.transaction() as connection:
        for statement in PRETENDS:
            connection.execute(text(statement))
    told = call("storecheck", postgres_url)
    assert told.code == 6
    assert "1 rule not kept" in told.out
    assert "the same row is twice in keys" in told.out
    assert call("storecheck", "mysql://nowhere/x", "--json").error["code"] == "store"


def test_the_order_of_commits_is_shown_and_chosen_where_there_is_a_choice(
    workspace: Workspace, postgres_url: str
) -> None:
    def told(*words: str) -> dict[str, str]:
        done = call("db", "order", *words, "--json")
        return done.document if done.code == 0 else done.error

    assert told() == {"order": "lock"}
    assert "one process at a time" in told("mark")["message"]
    assert told("--db", postgres_url) == {"order": "lock"}
    assert told("mark", "--db", postgres_url) == told("--db", postgres_url) == {"order": "mark"}
    assert "ordered by lock" in call("db", "order", "lock", "--db", postgres_url).out
    assert "'late' is no order of commits" in told("late", "--db", postgres_url)["message"]
    with closing(Database(postgres_url)) as database, database.transaction() as connection:
        connection.execute(text("ALTER SEQUENCE log_position_seq CACHE 9"))
    assert "several numbers" in told("mark", "--db", postgres_url)["message"]
