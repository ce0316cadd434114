"""All of a user or of an account is erased with evidence, in proportion to what it is, and the log stays as it was."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from application.keeping.billed import BilledAccount, BilledReader
from application.keeping.books import BookQuery
from application.keeping.chains import verify_chains
from application.keeping.statements import StatementView
from application.ledger.contents import canonical
from application.library.answers import Bringing
from domain.actor import Actor, ActorKind
from domain.erased import ErasureDone, UserErased
from domain.erasure import UnknownUser
from domain.errors import IllegalTransition, OperationPending, OperationRefused, UnknownAccount
from domain.keys import KeyScope, KeyTerms
from domain.ledger import ContentErased
from domain.money import Money
from domain.periods import Period
from domain.statement import Statement
from infrastructure.exporting import FORMATS
from infrastructure.exporting.invoices import invoices_csv
from infrastructure.exporting.tally import ExportTally
from infrastructure.sealing import PublicKeys
from infrastructure.seals import of_statement
from infrastructure.service import Studio
from infrastructure.showing.erasure import ERASED
from infrastructure.showing.statements import statement_document
from infrastructure.store.database import Database
from infrastructure.store.milestones import SqlMilestones
from projections import tagged
from projections.engine.milestones import Milestone
from projections.summing import SumQuestion
from projections.views import ALL
from projections.views.quarters import QuarterFilter
from projections.views.usage import USAGE, UsageFilter
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
    await studio.operations.generate("annsecret", account="acme", user="ann", model=SYNC, tags={"for": "annsecret"})
    studio.views.catch_up()
    before, amounts = heads(studio), studio.books.balance("acme")
    assert in_rows(studio, ("annsecret", "bobsecret")) == {"annsecret", "bobsecret"}

    done = await studio.upkeep.erase_user("ann", account="acme", reason="they asked")
    assert (done.scope, done.subject, len(done.batches), done.left) == ("user", "ann", 2, {})
    assert (done.erased["contents"], done.erased["files"], done.erased["tags"]) == (2, 1, 1)
    assert done.erased.keys() <= ERASED.keys()
    assert len(done.kept) == 2, "the picture that both brought, and the one that both got of it"
    assert in_rows(studio, ("annsecret", "bobsecret")) == {"bobsecret"}
    assert files(home) == 2

    assert heads(studio)[: len(before)] == before
    noted = facts_of(studio)[len(before) :]
    assert (count(noted, ContentErased), count(noted, UserErased), count(noted, ErasureDone), len(noted)) == (
        2,
        1,
        1,
        4,
    )
    last = noted[-1]
    assert isinstance(last, ErasureDone)
    assert last.digest == done.digest == sha256(canonical(done.content()).encode()).hexdigest()
    studio.views.catch_up()
    assert studio.books.balance("acme").lines == amounts.lines
    again = await studio.upkeep.erase_user("ann", account="acme")
    assert (again.erased, again.digest, len(heads(studio))) == ({}, "", len(before) + 4)


async def test_what_is_open_keeps_a_user_from_being_erased(studio: Studio) -> None:
    await studio.operations.generate("annsecret", account="acme", user="ann", model=SYNC)
    with pytest.raises(OperationPending):
        await studio.operations.generate("annsecret", account="acme", user="ann", model=SYNC, outcome="timeout")
    with pytest.raises(IllegalTransition, match="still open"):
        await studio.upkeep.erase_user("ann", account="acme")
    assert in_rows(studio, ("annsecret",)) == {"annsecret"}
    with pytest.raises(UnknownAccount):
        await studio.upkeep.erase_user("ann", account="nobody")


async def test_whom_nobody_knows_is_not_erased_and_nothing_is_written(studio: Studio, tmp_path: Path) -> None:
    """Known is who asked, was refused, brought, decided, or is named by terms of now or before; by their exact id."""
    await studio.operations.generate("a lake", account="acme", user="anna", model=SYNC)
    await studio.keys.issue("acme", KeyTerms((KeyScope.OPERATE,), user="keyed"))
    lent = await studio.keys.issue("acme", KeyTerms((KeyScope.OPERATE,), user="lent"), name="theirs")
    await studio.keys.change("acme", lent.key.id, changes={"user": None})
    await studio.accounts.change_limit("acme", "images", 0, scope="user:refused")
    with pytest.raises(OperationRefused):
        await studio.operations.generate("a lake", account="acme", user="refused", model=SYNC)
    await studio.accounts.change_limit("acme", "images", 5, scope="user:limited")
    await studio.accounts.change_limit("acme", "images", 5, scope="user:once")
    await studio.accounts.inherit_limit("acme", "images", scope="user:once")
    await studio.accounts.grant("acme", Money.parse("1", "USD"), "gift", by=Actor(ActorKind.USER, "giver"))
    drawn = tmp_path / "drawn.png"
    drawn.write_bytes(picture())
    await studio.library.add("acme", drawn, new=Bringing(user="bringer"))
    before = heads(studio)
    for user in ("ann", "pro", "Anna", "gift"):
        with pytest.raises(UnknownUser, match=f"account 'acme' has no user '{user}': nothing was asked for"):
            await studio.upkeep.erase_user(user, account="acme")
    assert heads(studio) == before
    for user in ("anna", "keyed", "lent", "refused", "limited", "once", "giver", "bringer"):
        assert not (await studio.upkeep.erase_user(user, account="acme")).left
        erased = len(heads(studio))
        assert not (await studio.upkeep.erase_user(user, account="acme")).digest
        assert len(heads(studio)) == erased > len(before)


async def test_no_trace_of_an_account_is_left_anywhere(studio: Studio, tmp_path: Path) -> None:
    """In no row of any table, and on SQLite in no byte of its files; what another account said stays."""
    home, words = tmp_path / "home", studio.library.words
    secrets = ("pelican", "heron", "ibis", "spoonbill", "bittern", "avocet", "dunlin", "lapwing", "curlew")
    asked: dict[str, Any] = {"model": SYNC, "key": "k-1", "tags": {"for": "curlew"}}
    made = await studio.operations.generate("a pelican", account="acme", user="ann", **asked)
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
    stays = await studio.operations.generate("a flamingo", account="globex", model=SYNC, tags={"for": "flamingo"})
    assert in_rows(studio, (*secrets, "flamingo")) == {*secrets, "flamingo"}

    done = await studio.upkeep.erase_account("acme", reason="they left")
    assert done.left == {}
    some = {"contents", "files", "webhooks", "key_names", "asset_collections", "fingerprints", "tags"}
    assert some <= done.erased.keys()
    assert done.erased.keys() <= ERASED.keys(), "each is told in words"
    assert in_rows(studio, (*secrets, "flamingo")) == {"flamingo"}
    assert in_bytes(tmp_path, secrets) == {}
    assert not [file for file in (home / "assets").glob("acme*/*/*") if file.is_file()]
    assert (await studio.operations.wait(stays.operation, account="globex")).assets[0].content
    assert (await studio.operations.look(stays.operation, account="globex")).tags == {"for": "flamingo"}
    assert (await studio.operations.look(made.operation, account="acme")).tags == {}
    studio.views.catch_up()
    [gone, *_] = studio.views.sum_up(SumQuestion(by=("tag:for",), wanted=QuarterFilter(account="acme"))).rows
    assert (gone.group["tag:for"], gone.sums["price"]) == (tagged.GONE, made.price.micros)
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


async def test_statements_show_the_pseudonym_from_the_erasure_on_and_those_before_are_as_issued(
    database_url: str, tmp_path: Path
) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock, seal_file=tmp_path / "seals") as studio:
        await studio.accounts.open("acme", plan="pro")
        for user in (GONE, "frank", STAYS, GONE):
            await studio.operations.generate("a lake", account="acme", user=user, model=SYNC)
        clock.now = MAY
        await studio.operations.generate("a lake", account="acme", user=GONE, model=SYNC)
        await studio.statements.close("acme", "2026-04-01")
        before = await studio.statements.issue("acme", "2026-04-01")
        await studio.upkeep.erase_user(GONE, account="acme", reason="she asked")
        shown = await pseudonyms(studio)
        assert users_of(await studio.statements.preview("acme")) == [shown]
        assert users_of(await studio.statements.preview("acme", "2026-04-01")) == [STAYS, shown, "frank"]
        assert (await studio.statements.show("acme", before.number)).content == before.content
        await studio.statements.void("acme", before.number, "of her name")
        after = await studio.statements.issue("acme", "2026-04-01")
        await studio.upkeep.erase_user("frank", account="acme", reason="he asked, too")
        issued = await studio.statements.list("acme")
        assert [users_of(one) for one in issued] == [[STAYS, "frank", GONE], [STAYS, shown, "frank"]]
        assert [one.digest for one in issued] == [before.digest, after.digest]
        assert after.statement.total == before.statement.total
        told = await studio.statements.exported("acme")
        exported = ["".join(invoices_csv([one])) for one in told]
        assert not any(name in one for one in exported for name in (GONE, "frank"))
        assert [one.count(shown) for one in exported] == [1, 1]
        assert [(one.content, one.statement.total) for one in told] == [
            (one.content, one.statement.total) for one in issued
        ]
        studio.seals.take()
        for one in issued:
            proof = of_statement(studio.seals, "acme", one.number)
            proof.check(statement_document(one), PublicKeys.of(studio.seals.public_keys()))
        assert not [*studio.audit.bills()]
        assert await is_sound(studio)


def users_of(shown: StatementView) -> list[str]:
    assert [line["user"] for line in shown.content["usage"]] == [line.user for line in shown.statement.usage]
    return [line.user for line in shown.statement.usage]


@dataclass(frozen=True, slots=True)
class Interrupted(BilledReader):
    """Something is done each time a statement was read."""

    meanwhile: Callable[[], object] = list

    def statement(self, billed: BilledAccount, period: Period) -> Statement:
        found = BilledReader.statement(self, billed, period)
        self.meanwhile()
        return found


async def test_a_statement_that_is_read_before_an_erasure_is_not_issued_after_it(
    sqlite_url: str, tmp_path: Path
) -> None:
    clock, loop = Clock(APRIL), asyncio.get_running_loop()
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.generate("a lake", account="acme", user=GONE, model=SYNC)
        clock.now = MAY
        await studio.statements.close("acme", "2026-04-01")

        def erase() -> None:
            erasing = studio.upkeep.erase_user(GONE, account="acme", reason="she asked")
            asyncio.run_coroutine_threadsafe(erasing, loop).result()

        billed = studio.statements.billed
        reader = Interrupted(billed.streams, billed.codec, meanwhile=erase)
        issued = await replace(studio.statements, billed=reader).issue("acme", "2026-04-01")
        assert users_of(issued) == [await pseudonyms(studio)]
        assert not [*studio.audit.bills()]


@dataclass(frozen=True, slots=True)
class Overtaken(SqlMilestones):
    """Something is done after a milestone was found, or before one is kept."""

    after_found: Callable[[], object] = list
    before_kept: Callable[[], object] = list

    def nearest(self, scope: str, position: int) -> Milestone | None:
        found = SqlMilestones.nearest(self, scope, position)
        self.after_found()
        return found

    def keep(self, made: Milestone, erased: int) -> None:
        self.before_kept()
        SqlMilestones.keep(self, made, erased)


@pytest.mark.parametrize("when", ["after_found", "before_kept"])
async def test_no_milestone_that_is_made_while_a_user_is_erased_has_the_id(studio: Studio, when: str) -> None:
    loop, database, views = asyncio.get_running_loop(), database_of(studio), replace(studio.past.views, span=3)
    for _ in range(2):
        await studio.operations.generate("a lake", account="acme", user=GONE, model=SYNC)
    middle = studio.log.reader.end()
    await studio.operations.generate("a fox", account="acme", user=GONE, model=SYNC)
    end = studio.log.reader.end()
    await replace(studio.past, views=views).rows(USAGE, UsageFilter(account="acme"), middle)
    assert named_in_milestones(database) != set()
    erased: list[object] = []

    def erase() -> None:
        if not erased:
            erasing = studio.upkeep.erase_user(GONE, account="acme", reason="she asked")
            erased.append(asyncio.run_coroutine_threadsafe(erasing, loop).result())

    late = Overtaken(database, lambda: nullcontext(database), **{when: erase})
    past = replace(studio.past, views=replace(views, milestones=late))
    await past.rows(USAGE, UsageFilter(account="acme"), end)
    assert erased
    assert named_in_milestones(database) == set()
    await past.rows(USAGE, UsageFilter(account="acme"), end)
    assert named_in_milestones(database) == {await pseudonyms(studio)}


def named_in_milestones(database: Database) -> set[str]:
    bodies = [zlib.decompress(row[0]).decode() for row in database.rows(text("SELECT body FROM milestones"))]
    return {name for body in bodies for name in re.findall(f"{GONE}|erased-[0-9a-f]+", body)}


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


GONE, STAYS = "persephone", "demeter"


async def test_the_name_of_an_erased_user_is_in_the_log_alone(studio: Studio, tmp_path: Path) -> None:
    """In no row of another table, on SQLite in no page of another table, in no view, export or document; for ever."""
    for user in (GONE, STAYS):
        await studio.operations.generate("a lake", account="acme", user=user, model=SYNC)
        await studio.library.add("acme", named(tmp_path, user), new=Bringing(user=user))
    done = await studio.operations.generate("a fox", account="acme", user=GONE, model=SYNC)
    studio.views.catch_up()
    await studio.past.rows(USAGE, UsageFilter(account="acme"), studio.log.reader.end())
    sums = sums_of(studio)
    await studio.upkeep.erase_user(GONE, account="acme", reason="she asked")
    pseudonym = await pseudonyms(studio)

    assert_gone(studio, pseudonym)
    assert sums_of(studio) == {pseudonym: sums[GONE], STAYS: sums[STAYS]}
    then = await studio.past.rows(USAGE, UsageFilter(account="acme"), studio.log.reader.end())
    assert {row.user for row in then} == {pseudonym, STAYS}
    shown = await studio.operations.look(done.operation, account="acme")
    assert shown.operations[0].user == pseudonym

    await studio.upkeep.refund(done.operation, account="acme", reason="late", reference="r1")
    await studio.operations.generate("again", account="acme", user=GONE, model=SYNC)
    studio.views.catch_up()
    assert_gone(studio, pseudonym)
    studio.audit.rebuild()
    assert_gone(studio, pseudonym)
    again = await studio.upkeep.erase_user(GONE, account="acme", reason="once more")
    assert (again.left, await pseudonyms(studio)) == ({}, pseudonym)
    assert_gone(studio, pseudonym)


def named(folder: Path, user: str) -> Path:
    file = folder / "brought.png"
    file.write_bytes(picture(60 + len(user), 40))
    return file


def sums_of(studio: Studio) -> dict[str, tuple[int, int]]:
    rows = studio.views.rows(USAGE, UsageFilter(account="acme"))
    return {row.user: (row.charged, row.price) for row in rows}


async def pseudonyms(studio: Studio) -> str:
    [erased] = {one.pseudonym for one in facts_of(studio) if isinstance(one, UserErased)}
    return erased


def assert_gone(studio: Studio, pseudonym: str) -> None:
    for view in ALL:
        rows = repr(studio.views.rows(view, view.filter()))
        assert GONE not in rows, view.name
        assert (pseudonym in rows) is (STAYS in rows), view.name
    for name, format in FORMATS.items():
        end = studio.log.reader.end()
        pieces: Iterable[Any] = format.write(studio.books.read(BookQuery(), 0, end), ExportTally(0, end))
        written = repr([*pieces])
        assert GONE not in written, name
    assert tables_with(database_of(studio), GONE) == {"log"}


def tables_with(database: Database, word: str) -> set[str]:
    """Tables with a row that has it, and on SQLite those with a page that has it, deleted or not."""
    every = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if database.is_sqlite
        else "SELECT table_name FROM information_schema.tables"
        " WHERE table_type = 'BASE TABLE' AND table_schema = current_schema()"
    )
    with database.connect() as connection:
        names = connection.execute(text(every)).scalars().all()
        found = {name for name in names if word in repr(connection.execute(text(f'SELECT * FROM "{name}"')).all())}
        if database.is_sqlite:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
            file = Path(str(connection.exec_driver_sql("PRAGMA database_list").all()[0][2]))
            content, size = file.read_bytes(), int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
            pages = {page for page in range(len(content) // size) if word.encode() in content[page * size :][:size]}
            pageno = connection.execute(text("SELECT pageno - 1, name FROM dbstat")).all()
            owners: dict[int, str] = {row[0]: row[1] for row in pageno}
            found |= {str(owners.get(page, "free pages")) for page in pages}
    return found
