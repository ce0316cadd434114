"""The command that tries whether a database keeps what the ledger rests on."""

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
