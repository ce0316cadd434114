"""No statement of a shard names another: each is worked on by a user of the server who may use no other schema.

What an engine that keeps schemas on different machines rests on, Citus with its distributed schemas among them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url

from application.asking.requests import Request
from domain.errors import OperationFailed
from domain.keys import KeyScope, KeyTerms
from domain.money import Money
from infrastructure.auditing import verdict_of
from infrastructure.bootstrap import open_studio
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.shards.directory import METADATA as OF_DIRECTORY
from infrastructure.store.schema import METADATA as OF_LEDGER
from projections.engine.tables import schema_of
from projections.views import ALL
from projections.views.usage import USAGE
from tests.application.studios import JOBS, SYNC
from tests.infrastructure.shards.conftest import SHARDS, account_in
from tests.postgres import execute

TABLES = {*OF_LEDGER.tables, *schema_of(ALL).tables}
OURS = {*OF_DIRECTORY.tables} - {"slots"}


@pytest.fixture
def users(shards_url: str) -> Iterator[dict[str, str]]:
    """By shard, a user who may use its schema alone; the directory names them in its URLs."""
    name = make_url(shards_url).database
    made = {shard: f"{name}_{shard}" for shard in SHARDS}
    for shard, user in made.items():
        execute(
            shards_url,
            f"CREATE ROLE {user} LOGIN",
            f"GRANT USAGE ON SCHEMA {shard} TO {user}",
            f"GRANT ALL ON ALL TABLES IN SCHEMA {shard} TO {user}",
            f"GRANT ALL ON ALL SEQUENCES IN SCHEMA {shard} TO {user}",
            f"UPDATE shards SET url = regexp_replace(url, '//[^@]*@', '//{user}@') WHERE name = '{shard}'",
        )
    yield made
    for user in made.values():
        execute(shards_url, f"DROP OWNED BY {user}", f"DROP ROLE {user}")


@contextmanager
def noted() -> Iterator[list[tuple[str, str]]]:
    """Every statement meanwhile, with the user who makes it."""
    found: list[tuple[str, str]] = []

    def note(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        found.append((cursor.connection.info.user, statement))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def live(studio: Studio, account: str) -> None:
    """All that the write path does for an account."""
    await studio.accounts.open(account, plan="pro", prepaid=True)
    await studio.accounts.add_credit(account, Money(5_000_000, "USD"), "paid")
    await studio.keys.issue(account, KeyTerms((KeyScope.OPERATE,)), reason="test")
    for model, inputs in ((SYNC, {}), (JOBS, {}), (SYNC, {"outcome": "fail-billed", "cost": "0.015"})):
        asked = Request("text-to-image", account, {"prompt": "x", **inputs}, model=model, key=f"{model}{len(inputs)}")
        try:
            done = await studio.operations.run(asked)
        except OperationFailed:
            continue
    queued = await studio.operations.submit(Request("text-to-image", account, {"prompt": "x"}, model=SYNC), queued=True)
    await studio.operations.cancel(queued.operation, account=account)
    await studio.upkeep.refund(done.operation, account=account, reason="test", reference="ticket-1")
    await studio.upkeep.erase_operation(done.operation, account=account, reason="test")
    await studio.accounts.suspend(account, "overdue")


async def test_whoever_may_use_one_schema_alone_can_do_all_that_its_shard_does(
    settings: Settings, users: dict[str, str]
) -> None:
    with noted() as statements:
        async with open_studio(settings, serve=True) as studio:
            for shard in SHARDS:
                await live(studio, account_in(shard))
            studio.views.catch_up()
            assert len(studio.views.rows(USAGE)) == 2
            assert (await verdict_of(studio.audit)).clean
            await studio.upkeep.recover()
    written = {user: [sql for one, sql in statements if one == user] for user in users.values()}
    for shard, user in users.items():
        assert sum("INSERT INTO log " in sql for sql in written[user]) >= 8, shard
    named = re.compile(rf"\b({'|'.join(SHARDS)})\.\"?({'|'.join(TABLES)})\b")
    assert not [sql for _, sql in statements if named.search(sql)]
    asked_here = [sql for user, sql in statements if user in users.values() and any(name in sql for name in OURS)]
    assert not asked_here


def test_a_user_of_one_schema_is_refused_the_other(shards_url: str, users: dict[str, str]) -> None:
    url = make_url(shards_url).set(drivername="postgresql", username=users["a"])
    with psycopg2.connect(url.render_as_string(hide_password=False)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM a.log")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT count(*) FROM b.log")
