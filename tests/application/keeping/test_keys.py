"""API keys: shown once, found by their secret alone, and refused from the moment they are revoked."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from application.asking.requests import Request
from application.keeping.keys import NewKey
from application.ledger.group import Proposal
from application.ledger.reader import LogFilter
from domain.actor import Actor, ActorKind
from domain.authority import KeyHolder
from domain.errors import (
    Forbidden,
    InvalidInput,
    OperationRefused,
    StoreUnavailable,
    Unauthenticated,
    UnknownAccount,
    UnknownApiKey,
)
from domain.issuing import SealedKey, issue_key
from domain.keys import STUDIO, KeyIssued, KeyScope, KeyTerms
from domain.keytext import id_in, mint, sealed
from domain.ledger import Fact, Ledger, known_account
from domain.operation import Charged, Requested
from infrastructure.clock import SECOND, now
from infrastructure.service import Studio
from infrastructure.store.schema import METADATA
from projections.views.operations import OPERATIONS, OperationFilter
from projections.views.usage import USAGE, UsageFilter
from tests.application.studios import PRICE, SYNC, count, database_of, facts_of, is_sound, studio_on
from tests.application.support import PATIENCE
from tests.faults.processes import in_processes

OPERATE = KeyTerms((KeyScope.OPERATE,))
ADMIN = KeyTerms((KeyScope.ADMIN,))


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path, actor="operator:root") as opened:
        await opened.accounts.open("acme", plan="pro")
        await opened.accounts.open("beta", plan="pro")
        yield opened
        assert await is_sound(opened)


def asked(holder: KeyHolder, **changes: Any) -> Request:
    """A small picture, asked for by a key."""
    inputs = {"prompt": "a lake"}
    by, user, project = holder.actor, holder.user_for(), holder.project_for()
    return Request(
        "text-to-image", holder.account, inputs, model=SYNC, **{"by": by, "user": user, "project": project, **changes}
    )


async def is_refused(studio: Studio, secret: str) -> bool:
    try:
        await studio.keys.known(secret)
    except Unauthenticated:
        return True
    return False


async def test_a_key_is_issued_known_and_revoked(studio: Studio) -> None:
    new = await studio.keys.issue("acme", OPERATE, name="web shop")
    assert await studio.keys.known(new.secret) == KeyHolder("acme", new.key.id, OPERATE)
    revoked = await studio.keys.revoke("acme", new.key.id, reason="lost")
    assert (revoked.standing, revoked.name) == ("revoked", "web shop")
    for _ in range(2):
        with pytest.raises(Unauthenticated, match="was revoked"):
            await studio.keys.known(new.secret)


@pytest.mark.parametrize("wrong", ["", "isk_", "sk-proj-1234", "Bearer", "isk_" + "0" * 48, "é" * 52])
async def test_what_is_not_a_secret_opens_nothing(studio: Studio, wrong: str) -> None:
    with pytest.raises(Unauthenticated, match="this API key is not known"):
        await studio.keys.known(wrong)


async def test_a_secret_that_nobody_was_given_opens_nothing(studio: Studio) -> None:
    new = await studio.keys.issue("acme", OPERATE)
    drawn = mint(bytes(range(7, 39)))
    assert await is_refused(studio, drawn.secret)
    # The same id under another secret, as whoever has read a list of keys would try it.
    chance = int.from_bytes(bytes(range(32)), "big")
    guessed = mint((chance << 50 | _number(new.key.id)).to_bytes(40, "big")).secret
    assert id_in(guessed) == new.key.id
    for _ in range(2):  # while it is not remembered, and while it is
        for wrong in (guessed, new.secret[:-7] + "\ud800" + new.secret[-6:], new.secret + "0", new.secret[:-1]):
            with pytest.raises(Unauthenticated, match="this API key is not known"):
                await studio.keys.known(wrong)
        await studio.keys.known(new.secret)


async def test_two_accounts_that_have_an_id_in_common_have_no_key_in_common(studio: Studio) -> None:
    """As no two ever draw the same, unless somebody writes it into the ledger."""
    new = await studio.keys.issue("acme", OPERATE)
    other = mint((int.from_bytes(b"other" * 6, "big") << 50 | _number(new.key.id)).to_bytes(40, "big"))
    [pepper] = studio.keys.peppers()
    key = SealedKey(new.key.id, sealed(other.secret, pepper.value), pepper.name)

    def decide(ledger: Ledger, at: int) -> list[Fact]:
        return [*issue_key(known_account(ledger, "beta"), key, ADMIN, at)]

    await studio.accounts.writer.put(Proposal("beta", decide, actor="operator:mallory"))
    for _ in range(2):
        for secret, account, terms in ((new.secret, "acme", OPERATE), (other.secret, "beta", ADMIN)):
            assert await studio.keys.known(secret) == KeyHolder(account, new.key.id, terms)
    await studio.keys.revoke("beta", new.key.id)
    assert await is_refused(studio, other.secret)
    assert (await studio.keys.known(new.secret)).account == "acme"


async def test_a_key_of_a_suspended_account_still_reads(studio: Studio) -> None:
    new = await studio.keys.issue("acme", OPERATE)
    await studio.accounts.suspend("acme", "overdue")
    holder = await studio.keys.known(new.secret)
    with pytest.raises(OperationRefused, match="suspended"):
        await studio.operations.run(asked(holder))


def _number(id: str) -> int:
    signs = "0123456789abcdefghjkmnpqrstvwxyz"
    return sum(signs.index(sign) << 5 * place for place, sign in enumerate(id.removeprefix("key_")))


async def test_a_key_expires_by_the_clock(database_url: str, tmp_path: Path) -> None:
    time = [now()]
    async with studio_on(database_url, tmp_path, clock=lambda: time[0]) as studio:
        await studio.accounts.open("acme", plan="pro")
        new = await studio.keys.issue("acme", KeyTerms((KeyScope.READ,), expires=time[0] + 5 * SECOND))
        assert (await studio.keys.known(new.secret)).key == new.key.id
        time[0] += 5 * SECOND
        with pytest.raises(Unauthenticated, match="has expired"):
            await studio.keys.known(new.secret)
        assert [key.standing for key in await studio.keys.list("acme")] == ["expired"]


async def test_a_change_of_terms_is_known_at_once(studio: Studio) -> None:
    new = await studio.keys.issue("acme", OPERATE)
    assert (await studio.keys.known(new.secret)).may(KeyScope.OPERATE)
    changed = await studio.keys.change("acme", new.key.id, changes={"scopes": (KeyScope.READ,)}, name="viewer")
    assert (changed.name, changed.terms.scopes) == ("viewer", (KeyScope.READ,))
    assert not (await studio.keys.known(new.secret)).may(KeyScope.OPERATE)
    with pytest.raises(InvalidInput, match="colour"):
        await studio.keys.change("acme", new.key.id, changes={"colour": "red"})


async def test_keys_are_listed_by_account_and_shown_to_no_other(studio: Studio) -> None:
    mine = [await studio.keys.issue("acme", OPERATE, name=name) for name in ("one", "two")]
    theirs = await studio.keys.issue("beta", ADMIN)
    assert [(key.id, key.name) for key in await studio.keys.list("acme")] == [
        (new.key.id, name) for new, name in zip(mine, ("one", "two"), strict=True)
    ]
    for reached in (
        studio.keys.show("acme", theirs.key.id),
        studio.keys.change("acme", theirs.key.id, changes={"per_minute": 1}),
        studio.keys.revoke("acme", theirs.key.id),
    ):
        with pytest.raises(UnknownApiKey):
            await reached
    assert (await studio.keys.known(theirs.secret)).account == "beta"
    with pytest.raises(UnknownAccount):
        await studio.keys.list("gamma")


# What is asked by a key


async def test_what_a_key_asks_for_names_it_as_the_actor_and_counts_for_it(studio: Studio) -> None:
    new = await studio.keys.issue("acme", KeyTerms((KeyScope.OPERATE,), user="ann", project="shop"))
    holder = await studio.keys.known(new.secret)
    result = await studio.operations.run(asked(holder))
    [operation] = result.operations
    assert (operation.user, operation.project, operation.api_key) == ("ann", "shop", new.key.id)
    entries = studio.log.reader.read(0, 100, LogFilter(operations=(operation.operation,)))
    actors = {studio.log.codec.names[entry.link.topic]: entry.link.actor for entry in entries}
    assert actors[Requested] == f"key:{new.key.id}"
    assert actors[Charged].startswith("studio:")
    shown = await studio.keys.show("acme", new.key.id)
    assert (shown.used, shown.held) == ({"images": 1, "spend": PRICE}, {})
    await studio.operations.generate("a fox", account="acme", user="ann", model=SYNC)
    studio.views.catch_up()
    [usage] = studio.views.rows(USAGE, UsageFilter(account="acme", api_key=new.key.id))
    assert (usage.user, usage.operations, usage.price) == ("ann", 1, PRICE)
    [logged] = studio.views.rows(OPERATIONS, OperationFilter(api_key=new.key.id))
    assert (logged.id, logged.api_key) == (operation.operation, new.key.id)


async def test_an_estimate_by_a_key_tells_what_its_limit_would_refuse(studio: Studio) -> None:
    new = await studio.keys.issue("acme", OPERATE, limits={"spend": PRICE - 1})
    estimate = await studio.operations.estimate(asked(await studio.keys.known(new.secret)))
    assert (estimate.refused, estimate.left["spend"]) == ("limit", PRICE - 1)
    assert (await studio.operations.estimate(asked(KeyHolder("acme", "", OPERATE), by=None))).refused is None


async def test_a_key_spends_no_more_than_its_limit_of_many_at_once(studio: Studio) -> None:
    new = await studio.keys.issue("acme", OPERATE, limits={"spend": 5 * PRICE})
    holder = await studio.keys.known(new.secret)
    ended = await asyncio.gather(*[studio.operations.run(asked(holder)) for _ in range(12)], return_exceptions=True)
    refused = [one for one in ended if isinstance(one, OperationRefused)]
    assert (len(refused), count(facts_of(studio), Charged)) == (7, 5)
    assert {one.refusal.scope for one in refused} == {f"key:{new.key.id}"}
    assert (await studio.keys.show("acme", new.key.id)).left == {"spend": 0}
    await studio.keys.change("acme", new.key.id, limits={"spend": None})
    assert (await studio.operations.run(asked(holder))).status == "charged"


async def test_a_key_that_was_revoked_holds_nothing_although_its_holder_was_known_before(studio: Studio) -> None:
    new = await studio.keys.issue("acme", OPERATE)
    holder = await studio.keys.known(new.secret)
    await studio.keys.revoke("acme", new.key.id)
    with pytest.raises(Unauthenticated):
        await studio.operations.run(asked(holder))
    assert count(facts_of(studio), Requested) == 0


async def test_a_key_asks_for_nobody_but_those_it_is_for(studio: Studio) -> None:
    new = await studio.keys.issue("acme", KeyTerms((KeyScope.OPERATE,), user="ann"))
    reader = await studio.keys.issue("acme", KeyTerms((KeyScope.READ,)))
    holder = await studio.keys.known(new.secret)
    for request in (asked(holder, user="bob"), asked(await studio.keys.known(reader.secret))):
        with pytest.raises(Forbidden):
            await studio.operations.run(request)
    stolen = KeyHolder("beta", new.key.id, OPERATE)
    with pytest.raises(Unauthenticated):
        await studio.operations.run(asked(stolen))
    assert count(facts_of(studio), Requested) == 0


# Secrets


async def test_no_secret_is_in_any_table_log_error_or_representation(
    studio: Studio, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    new = await studio.keys.issue("acme", OPERATE, name="web shop", limits={"spend": 0})
    holder = await studio.keys.known(new.secret)
    said = [repr(new), str(new), repr(holder), repr(await studio.keys.list("acme")), repr(studio.keys)]
    with pytest.raises(OperationRefused) as refused:
        await studio.operations.run(asked(holder))
    await studio.keys.revoke("acme", new.key.id)
    with pytest.raises(Unauthenticated) as unknown:
        await studio.keys.known(new.secret)
    said += [repr(error.value) + str(error.value) + error.value.hint for error in (refused, unknown)]
    said += [repr(fact) for fact in facts_of(studio)]
    with database_of(studio).connect() as connection:
        for name in METADATA.tables:
            said += [repr(tuple(row)) for row in connection.execute(text(f"SELECT * FROM {name}"))]
    pepper = (tmp_path / "peppers").read_text().strip()
    hidden = new.secret[14:-6]
    assert len(hidden) == 32
    everything = "\n".join([*said, caplog.text])
    assert hidden not in everything
    assert pepper not in everything
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert hidden.encode() not in file.read_bytes(), file
    assert ((tmp_path / "peppers").stat().st_mode & 0o777) == 0o600


async def test_the_name_of_a_key_is_not_in_the_log_and_can_be_taken_away(studio: Studio) -> None:
    new = await studio.keys.issue("acme", OPERATE, name="Ann Example")
    assert "Example" not in json.dumps([repr(fact) for fact in facts_of(studio)])
    assert (await studio.keys.change("acme", new.key.id, name="")).name == ""
    assert [key.name for key in await studio.keys.list("acme")] == [""]


# Peppers


async def test_a_new_pepper_is_for_new_keys_and_an_old_one_opens_old_keys(database_url: str, tmp_path: Path) -> None:
    old, new, other = ("a1" * 32, "b2" * 32, "c3" * 32)
    async with studio_on(database_url, tmp_path, peppers=old) as studio:
        await studio.accounts.open("acme", plan="pro")
        first = await studio.keys.issue("acme", OPERATE)
    async with studio_on(database_url, tmp_path, peppers=f"{new} {old}") as studio:
        second = await studio.keys.issue("acme", OPERATE)
        for one in (first, second):
            assert (await studio.keys.known(one.secret)).key == one.key.id
    async with studio_on(database_url, tmp_path, peppers=new) as studio:
        assert await is_refused(studio, first.secret)
        assert (await studio.keys.known(second.secret)).key == second.key.id
    async with studio_on(database_url, tmp_path, peppers=other) as studio:
        assert [await is_refused(studio, one.secret) for one in (first, second)] == [True, True]
    assert not (tmp_path / "peppers").exists()


@pytest.mark.parametrize("bad", ["a1", "a1" * 32 + " x", "g" * 64])
async def test_what_is_no_pepper_is_refused_and_nothing_is_issued(database_url: str, tmp_path: Path, bad: str) -> None:
    async with studio_on(database_url, tmp_path, peppers=bad) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(InvalidInput) as error:
            await studio.keys.issue("acme", OPERATE)
        assert bad not in str(error.value)
        assert count(facts_of(studio), KeyIssued) == 0


async def test_a_process_without_the_peppers_of_the_others_issues_nothing(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path, peppers="a1" * 32) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.open("beta", plan="pro")
        first = await studio.keys.ensure_first_key()
        assert first is not None
    async with studio_on(database_url, tmp_path, peppers="b2" * 32) as studio:
        with pytest.raises(InvalidInput, match="peppers"):
            await studio.keys.issue("acme", OPERATE)
        await studio.keys.revoke(STUDIO, first.key.id)
        assert (await studio.keys.issue("acme", OPERATE)).key.standing == "live"
        with pytest.raises(UnknownAccount):
            await studio.keys.issue("gamma", OPERATE)


# The first key


async def first_key(url: str, home: Path) -> str | None:
    """What one process gets that makes the first key."""
    async with studio_on(url, home) as studio:
        new = await studio.keys.ensure_first_key()
        return None if new is None else new.secret


async def test_of_many_processes_exactly_one_makes_the_first_key(database_url: str, tmp_path: Path) -> None:
    secrets = await asyncio.to_thread(in_processes, first_key, [(database_url, tmp_path)] * 3)
    [secret] = [one for one in secrets if one is not None]
    async with studio_on(database_url, tmp_path) as studio:
        holder = await studio.keys.known(secret)
        assert (holder.account, holder.runs_studio, holder.may(KeyScope.ADMIN)) == (STUDIO, True, True)
        assert count(facts_of(studio), KeyIssued) == 1
        assert await studio.keys.ensure_first_key() is None
        await studio.keys.revoke(STUDIO, holder.key)
        assert await studio.keys.ensure_first_key() is None, "a key that was revoked is not made up for by itself"
        assert await is_sound(studio)


async def test_many_in_one_process_make_one_first_key(studio: Studio) -> None:
    made: list[NewKey | None] = await asyncio.gather(*[studio.keys.ensure_first_key() for _ in range(5)])
    assert len([one for one in made if one is not None]) == 1
    assert len(await studio.keys.list(STUDIO)) == 1


async def test_the_studios_account_is_opened_by_nobody_else(studio: Studio) -> None:
    with pytest.raises(InvalidInput):
        await studio.accounts.open(STUDIO, plan="enterprise")
    with pytest.raises(InvalidInput):
        await studio.keys.issue(STUDIO, OPERATE)
    await studio.keys.issue(STUDIO, ADMIN, by=Actor(ActorKind.OPERATOR, "ann"))
    assert (await studio.accounts.show(STUDIO)).left["spend"] == 0


# Other processes


async def test_a_key_is_refused_elsewhere_once_it_is_revoked(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as one, studio_on(database_url, tmp_path) as other:
        await one.accounts.open("acme", plan="pro")
        new = await one.keys.issue("acme", OPERATE)
        kept = await one.keys.issue("acme", OPERATE)
        for secret in (new.secret, kept.secret):
            await other.keys.known(secret)
        await one.keys.revoke("acme", new.key.id)
        async with asyncio.timeout(PATIENCE):
            while not await is_refused(other, new.secret):  # noqa: ASYNC110 - the other hears of it
                await asyncio.sleep(0.01)
        assert (await other.keys.known(kept.secret)).key == kept.key.id


async def test_a_remembered_key_opens_nothing_once_the_database_is_away(database_url: str, tmp_path: Path) -> None:
    time = [SECOND]
    async with studio_on(database_url, tmp_path, steady=lambda: time[0]) as studio:
        await studio.accounts.open("acme", plan="pro")
        new = await studio.keys.issue("acme", OPERATE)
        await studio.keys.known(new.secret)
        with database_of(studio).transaction() as connection:
            connection.execute(text("ALTER TABLE log RENAME TO away"))
        time[0] += SECOND
        with pytest.raises(StoreUnavailable):
            await studio.keys.known(new.secret)
        with database_of(studio).transaction() as connection:
            connection.execute(text("ALTER TABLE away RENAME TO log"))
        assert (await studio.keys.known(new.secret)).key == new.key.id
