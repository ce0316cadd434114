"""All of a user or of an account is erased with evidence, in proportion to what it is, and the log stays as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import event

from application.keeping.chains import verify_chains
from application.ledger.contents import canonical
from domain.erased import ErasureDone
from domain.errors import IllegalTransition, OperationPending, UnknownAccount
from domain.keys import KeyScope, KeyTerms
from domain.ledger import ContentErased
from infrastructure.service import Studio
from tests.application.keeping.test_traces import in_bytes, in_rows
from tests.application.studios import SYNC, count, database_of, facts_of, is_sound, picture, studio_on
from tests.application.support import Clock
from tests.domain.wall_clocks import utc

APRIL, MAY = utc("2026-04-10T12:00"), utc("2026-05-02T09:00")


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path / "home", clock=Clock(APRIL)) as opened:
        for account in ("acme", "globex"):
            await opened.accounts.open(account, plan="pro")
            await opened.accounts.allow(account, "stand-in")
        yield opened
        assert await is_sound(opened)


def files(home: Path) -> int:
    return len([file for file in (home / "assets").rglob("*.png") if file.is_file()])


def heads(studio: Studio) -> list[bytes]:
    return [entry.link.hash for entry in studio.log.reader.read(0, 100_000)]


async def test_all_of_a_user_is_erased_and_others_keep_what_they_need(studio: Studio, tmp_path: Path) -> None:
    home, image = tmp_path / "home", picture()
    for user in ("ann", "bob"):
        await studio.operations.edit(image, f"sepia {user}secret", account="acme", user=user, allow="stand-in")
    await studio.operations.generate("annsecret", account="acme", user="ann", model=SYNC)
    studio.views.catch_up()
    before, amounts = heads(studio), studio.books.balance("acme")
    assert in_rows(studio, ("annsecret", "bobsecret")) == {"annsecret", "bobsecret"}

    done = await studio.upkeep.erase_user("ann", account="acme", reason="they asked")
    assert (done.scope, done.subject, len(done.batches), done.left) == ("user", "ann", 2, {})
    assert (done.erased["contents"], done.erased["files"]) == (2, 1)
    assert len(done.kept) == 2, "the picture that both brought, and the one that both got of it"
    assert in_rows(studio, ("annsecret", "bobsecret")) == {"bobsecret"}
    assert files(home) == 2

    assert heads(studio)[: len(before)] == before
    noted = facts_of(studio)[len(before) :]
    assert (count(noted, ContentErased), count(noted, ErasureDone), len(noted)) == (2, 1, 3)
    last = noted[-1]
    assert isinstance(last, ErasureDone)
    assert last.digest == done.digest == sha256(canonical(done.content()).encode()).hexdigest()
    studio.views.catch_up()
    assert studio.books.balance("acme").lines == amounts.lines
    again = await studio.upkeep.erase_user("ann", account="acme")
    assert (again.erased, again.digest, len(heads(studio))) == ({}, "", len(before) + 3)


async def test_what_is_open_keeps_a_user_from_being_erased(studio: Studio) -> None:
    await studio.operations.generate("annsecret", account="acme", user="ann", model=SYNC)
    with pytest.raises(OperationPending):
        await studio.operations.generate("annsecret", account="acme", user="ann", model=SYNC, outcome="timeout")
    with pytest.raises(IllegalTransition, match="still open"):
        await studio.upkeep.erase_user("ann", account="acme")
    assert in_rows(studio, ("annsecret",)) == {"annsecret"}
    with pytest.raises(UnknownAccount):
        await studio.upkeep.erase_user("ann", account="nobody")
    assert (await studio.upkeep.erase_user("nobody", account="acme")).digest == ""


async def test_no_trace_of_an_account_is_left_anywhere(studio: Studio, tmp_path: Path) -> None:
    """In no row of any table, and on SQLite in no byte of its files; what another account said stays."""
    home, words = tmp_path / "home", studio.library.words
    secrets = ("pelican", "heron", "ibis", "spoonbill", "bittern", "avocet", "dunlin", "lapwing")
    made = await studio.operations.generate("a pelican", account="acme", user="ann", model=SYNC, key="k-1")
    asset = made.assets[0].asset.id
    await words.describe("acme", asset, title="Heron", description="lapwing " * 300)
    await words.tag("acme", asset, add=["ibis"])
    await words.make_collection("acme", "Spoonbill", description="bittern")
    await words.collect("acme", "Spoonbill", add=[asset])
    await studio.keys.issue("acme", KeyTerms((KeyScope.READ,)), name="Dunlin")
    await studio.webhooks.add("acme", "https://shop.example/avocet")
    brought = tmp_path / "Heron.png"
    brought.write_bytes(picture(70, 50))
    await studio.library.add("acme", brought)
    brought.unlink()
    for one in (await studio.library.list("acme")).assets:
        await studio.library.thumbnail("acme", one.id)
    stays = await studio.operations.generate("a flamingo", account="globex", model=SYNC)
    assert in_rows(studio, (*secrets, "flamingo")) == {*secrets, "flamingo"}

    done = await studio.upkeep.erase_account("acme", reason="they left")
    assert done.left == {}
    assert {"contents", "files", "webhooks", "key_names", "asset_collections", "fingerprints"} <= done.erased.keys()
    assert in_rows(studio, (*secrets, "flamingo")) == {"flamingo"}
    assert in_bytes(tmp_path, secrets) == {}
    assert not [file for file in (home / "assets").glob("acme*/*/*") if file.is_file()]
    assert (await studio.operations.wait(stays.operation, account="globex")).assets[0].content
    assert not [*verify_chains(studio.audit.reader)]


async def test_an_erased_accounts_statements_still_verify(database_url: str, tmp_path: Path) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.generate("a lake", account="acme", model=SYNC)
        clock.now = MAY
        await studio.statements.close("acme", "2026-04-01")
        issued = await studio.statements.issue("acme", "2026-04-01")
        await studio.upkeep.erase_account("acme", reason="they left")
        shown = await studio.statements.show("acme", issued.number)
        assert (shown.content, shown.digest) == (issued.content, issued.digest)
        assert not [*studio.audit.bills()]
        assert await is_sound(studio)


async def test_erasing_one_operation_asks_no_more_of_a_large_account(database_url: str, tmp_path: Path) -> None:
    """As many statements, and as many facts, with three operations as with sixty."""
    asked: list[int] = []
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="enterprise")
        await studio.accounts.allow("acme", "stand-in")
        for others in (3, 60):
            for _ in range(others):
                await studio.operations.generate("a lake", account="acme", model=SYNC)
            one = await studio.operations.edit(picture(others, 9), "sepia", account="acme", allow="stand-in")
            studio.views.catch_up()
            statements: list[str] = []

            def told(*given: object, heard: list[str] = statements) -> None:
                heard.append(str(given[2]))

            event.listen(database_of(studio).engine, "before_cursor_execute", told)
            await studio.upkeep.erase(one.operation, account="acme")
            event.remove(database_of(studio).engine, "before_cursor_execute", told)
            asked.append(len([one for one in statements if one.lstrip().startswith("SELECT")]))
    assert asked[0] >= asked[1] - 2, asked
