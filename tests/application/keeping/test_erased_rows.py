"""The table of erased users is held against the log, and made anew from it; whoever folds views then knows."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from application.ledger.group import Proposal
from domain.erasure import hide_users
from domain.ledger import Fact, Ledger, known_account
from infrastructure.clock import SECOND
from infrastructure.service import Studio
from infrastructure.settings import Settings
from projections.views.usage import USAGE, UsageFilter
from tests.application.keeping.test_erasing import GONE, pseudonyms
from tests.application.studios import SYNC, database_of, is_sound, studio_on
from tests.application.support import Clock


def lose(studio: Studio) -> None:
    with database_of(studio).transaction() as connection:
        connection.execute(text("DELETE FROM erased_users"))


async def users(studio: Studio) -> set[str]:
    await studio.operations.generate("a lake", account="acme", user=GONE, model=SYNC)
    studio.views.catch_up()
    return {row.user for row in studio.views.rows(USAGE, UsageFilter(account="acme"))}


async def test_a_row_that_was_lost_is_made_anew_and_known_to_whoever_folds(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await users(studio)
        await studio.upkeep.erase_user(GONE, account="acme", reason="she asked")
        name = await pseudonyms(studio)
        lose(studio)
    async with studio_on(database_url, tmp_path) as other:
        assert GONE in await users(other)
        [found] = other.audit.differences()
        assert (found.table, found.account, found.told) == ("erased_users", "acme", {"pseudonym": name})
        assert [*other.audit.differences("globex")] == []
        assert GONE not in str(found)
        assert [*other.audit.mend(["erased_users"], told=True)] == [found]
        assert [*other.audit.mend(["erased_users"])] == [found]
        await users(other)
        rows = other.views.rows(USAGE, UsageFilter(account="acme"))
        assert {row.user: row.charged for row in rows} == {name: 2, GONE: 1}, "folded before and after it was lost"
        other.audit.rebuild()
        assert await users(other) == {name}
        assert await is_sound(other)


async def test_an_erasure_that_goes_on_is_no_difference_and_one_that_was_left_is(
    sqlite_url: str, tmp_path: Path
) -> None:
    clock = Clock()
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        await studio.accounts.open("acme", plan="pro")

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return [*hide_users(known_account(ledger, "acme"), {GONE: "erased-0123456789abcdef"}, "as asked", now)]

        await studio.accounts.writer.put(Proposal("acme", decide))
        assert [*studio.audit.differences()] == []
        clock.now += (Settings().lease_seconds + 1) * SECOND
        [found] = studio.audit.mend()
        assert (found.table, found.stored) == ("erased_users", None)
        assert await is_sound(studio)
