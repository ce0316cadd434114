"""Closed periods leave the log for files, and nobody who reads the log sees a difference; or nothing leaves it."""

from __future__ import annotations

import asyncio
import re
import signal
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from application.keeping.books import BookQuery
from application.keeping.verdict import audited
from application.ledger.reader import LogFilter
from domain.errors import InvalidInput, KeyReused, LogCorrupted, StoreUnavailable
from domain.money import Money
from domain.streams import account_of
from infrastructure.archiving.archiving import ArchivedPeriods, PeriodArchive
from infrastructure.clock import now
from infrastructure.copying.accounts import export_account
from infrastructure.copying.backing import back_up_whole
from infrastructure.copying.restoring import restore
from infrastructure.opening import Access, belonging, open_log
from infrastructure.service import Studio
from infrastructure.store.guarding import ARCHIVING
from infrastructure.store.migrations.guard import is_refused
from infrastructure.store.reader import SqlReader
from infrastructure.store.urls import sqlite_url as url_of
from tests.application.studios import SYNC, database_of, facts_of, is_sound, settings_for, studio_on
from tests.application.support import Clock
from tests.domain.wall_clocks import utc
from tests.faults.processes import Reaper, ended, forks
from tests.infrastructure.copying.killing import telling
from tests.infrastructure.copying.test_backup import silent

MONTHS = tuple(utc(f"2026-0{month}-10T12:00") for month in (3, 4, 5))
NAMES = ("2026-03-01", "2026-04-01")
DAYS = ("2026-03-10T12:00:00Z", "2026-03-20", "2026-04-20", "2026-05-10")
FEW = 13
"""Facts of a segment, so that streams and operations are cut across several."""


async def lived(studio: Studio, clock: Clock) -> list[str]:
    """Two accounts over three months, of which the first two are closed; the operations of one that pays."""
    await studio.accounts.open("acme", plan="pro", prepaid=True)
    await studio.accounts.open("beside", plan="pro")
    await studio.accounts.add_credit("acme", Money.parse("25", "USD"), "pay-1")
    made: list[str] = []
    for month, instant in enumerate(MONTHS):
        clock.now = instant
        for number in range(4):
            done = await studio.operations.generate("a lake", account="acme", model=SYNC, key=f"k-{month}-{number}")
            await studio.operations.generate("a fox", account="beside", model=SYNC)
            made.append(done.operation)
        if month == 1:
            await studio.upkeep.refund(made[0], account="acme", reason="spoilt", reference="r1")
        for account in ("acme", "beside"):
            if month:
                await studio.statements.close(account, NAMES[month - 1])
    await asyncio.to_thread(studio.views.catch_up)
    return made


def archiving_of(studio: Studio) -> PeriodArchive:
    assert studio.archiving is not None
    return PeriodArchive(studio.archiving.database, studio.archiving.codec, studio.archiving.clock, FEW)


def archived(studio: Studio, **asked: Any) -> ArchivedPeriods:
    return archiving_of(studio).run(**asked)


def rows_in_log(studio: Studio) -> int:
    return int(database_of(studio).read("SELECT count(*) FROM log")[0][0])


async def told(studio: Studio, made: Sequence[str]) -> dict[str, Any]:
    """All that the log tells, by every way to read it."""
    reader = studio.log.reader
    assert isinstance(reader, SqlReader)
    of_acme = [*reader.streams_of("acme")]
    return {
        "log": reader.read(0, 10_000),
        "pages": [page for after in range(0, reader.end(), 19) for page in [reader.read(after, 19)]],
        "states": reader.states(0, reader.end(), 10_000),
        "account": reader.read(0, 10_000, LogFilter(account="beside")),
        "named": reader.read(0, 10_000, LogFilter(topics=studio.log.codec.names_of(type(facts_of(studio)[-1])))),
        "streams": [reader.entries(stream, 0, 2**62, 1_000, ()) for stream in of_acme],
        "parts": [reader.entries(stream, 3, 9, 4, ()) for stream in of_acme],
        "ends": [reader.end_of(stream) for stream in of_acme],
        "stories": [studio.log.facts(id) for id in made],
        "entries": reader.entries_of(made),
        "statements": [(await studio.statements.preview("acme", name)).content for name in NAMES],
        "past": [await past(studio, moment) for moment in (*range(9, reader.end(), 61), *DAYS)],
        "history": await studio.past.history("acme"),
        "why": [await studio.past.why(id, "acme") for id in made],
        "books": studio.books.postings(BookQuery(account="acme")),
    }


async def past(studio: Studio, moment: int | str) -> tuple[Any, ...]:
    """The account as it was, its holds, the books of all, and where an instant was."""
    place = await studio.past.moment(moment), await studio.past.moment(moment, "acme")
    return *place, await studio.past.account("acme", moment), await studio.past.balance(moment)


async def test_whoever_reads_the_log_sees_no_difference(database_url: str, tmp_path: Path) -> None:
    clock = Clock(MONTHS[0])
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        made = await lived(studio, clock)
        before, rows = await told(studio, made), rows_in_log(studio)
        done = archived(studio)
        assert done.periods == tuple((account, name) for name in NAMES for account in ("acme", "beside"))
        taken = sum(one.taken for one in done.segments)
        assert (len(done.segments) > 3, rows_in_log(studio)) == (True, rows - taken)
        assert await told(studio, made) == before
        assert await is_sound(studio)
        assert archived(studio).segments == ()
    async with studio_on(database_url, tmp_path, clock=clock) as later:
        assert await told(later, made) == before
        later.audit.rebuild()
        assert await is_sound(later)


SHORTENED = """SELECT count(*) FROM facts WHERE topic LIKE 'operation.%' AND state NOT LIKE '{"operation":{%'"""


def segments_in(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "archive").glob("*/*.xz"))


async def test_a_repeat_of_what_was_archived_is_answered_and_a_later_refund_of_it_is_booked(
    database_url: str, tmp_path: Path
) -> None:
    clock = Clock(MONTHS[0])
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        made = await lived(studio, clock)
        archived(studio)
    async with studio_on(database_url, tmp_path, clock=clock) as later:
        end = later.log.reader.end()
        again = await later.operations.generate("a lake", account="acme", model=SYNC, key="k-1-2")
        assert (again.operation, later.log.reader.end()) == (made[6], end)
        with pytest.raises(KeyReused):
            await later.operations.generate("a fox", account="acme", model=SYNC, key="k-1-2")
        await later.upkeep.refund(made[6], account="acme", reason="spoilt", reference="r2")
        with pytest.raises(InvalidInput, match="nothing of operation"):
            await later.upkeep.refund(made[6], account="acme", reason="spoilt", reference="r3")
        assert [type(fact).__name__ for fact in later.log.facts(made[6])][-2:] == ["Charged", "Adjusted"]
        assert await is_sound(later)


async def test_a_segment_that_is_missing_cut_or_changed_is_told_by_its_name_and_stops_nobody_else(
    sqlite_url: str, tmp_path: Path
) -> None:
    clock = Clock(MONTHS[0])
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        made = await lived(studio, clock)
        archived(studio)
        await studio.upkeep.refund(made[5], account="acme", reason="spoilt", reference="r5")
        assert database_of(studio).read(SHORTENED)[0][0] == 0
    file = segments_in(tmp_path)[0]
    whole = file.read_bytes()
    for damage in (b"", whole[:-9], whole[:50] + b"?" + whole[51:], None):
        file.unlink() if damage is None else file.write_bytes(damage)
        async with studio_on(sqlite_url, tmp_path, clock=clock) as later:
            assert [file.name in str(problem) for problem in later.audit.verify()] == [True]
            assert [problem.what for problem in archiving_of(later).problems()] == [
                problem.what for problem in later.audit.verify()
            ]
            verdict = await audited(later.audit)
            assert [file.name in problem for problem in verdict.problems] == [True]
            later.seals.watch.turn()
            assert [file.name in problem for problem in later.seals.watch.standing().problems] == [True]
            told = (
                "cannot be read" if damage is None else f"{len(damage):,} of" if len(damage) < len(whole) else "SHA-256"
            )
            with pytest.raises(LogCorrupted, match=f"{file.name} of the archive .*{told}"):
                later.log.facts(made[1])
            failed = later.upkeep.refund(made[1], account="acme", reason="spoilt", reference="r2")
            fine = later.operations.generate("a fox", account="beside", model=SYNC)
            error, done = await asyncio.gather(failed, fine, return_exceptions=True)
            assert (isinstance(error, LogCorrupted), file.name in str(error)) == (True, True)
            assert not isinstance(done, BaseException)
            assert (await later.operations.generate("a lake", account="acme", model=SYNC)).status == "charged"
    file.write_bytes(whole)
    async with studio_on(sqlite_url, tmp_path, clock=clock) as repaired:
        assert await is_sound(repaired)


async def test_the_guard_lets_only_facts_go_that_a_segment_holds(database_url: str, tmp_path: Path) -> None:
    clock = Clock(MONTHS[0])
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await lived(studio, clock)
        archived(studio)
        database = database_of(studio)
        for attack in (
            "DELETE FROM log",
            "DELETE FROM log WHERE operation IS NOT NULL",
            "DELETE FROM log WHERE version = 1",
            "DELETE FROM archived_streams",
            "UPDATE archive_segments SET digest = ''",
        ):
            with database.transaction() as connection:
                if not database.is_sqlite:
                    connection.execute(text(ARCHIVING))
                assert is_refused(connection, attack), attack


async def test_what_is_open_current_not_yet_followed_or_later_than_asked_for_stays_and_says_why(
    sqlite_url: str, tmp_path: Path
) -> None:
    clock = Clock(MONTHS[0])
    async with studio_on(sqlite_url, tmp_path, clock=clock) as studio:
        await lived(studio, clock)
        rows = rows_in_log(studio)
        told = archived(studio, before=date(2026, 4, 1))
        assert {name for _, name in told.periods} == {NAMES[0]}
        assert {(one.name, one.reason) for one in told.left} == {(NAMES[1], "it ends after 2026-04-01")}
        assert archived(studio, dry_run=True).segments == ()
        folder = tmp_path / "archive"
        folder.rename(tmp_path / "kept")
        folder.touch()
        with pytest.raises(StoreUnavailable, match=r"segment 0.*xz cannot be written to .*: Not a directory"):
            archived(studio)
        folder.unlink()
        (tmp_path / "kept").rename(folder)
        with database_of(studio).transaction() as connection:
            connection.execute(text("UPDATE view_checkpoints SET position = 40 WHERE view = 'usage_summary'"))
            connection.execute(text("UPDATE operations SET phase = 'running' WHERE account = 'beside'"))
        found = archived(studio)
        reasons = {one.account: one.reason for one in found.left}
        assert (found.periods, "of its operations" in reasons["beside"]) == ((), True)
        assert reasons["acme"].endswith(", and the view usage_summary read the log up to 40")
        assert rows_in_log(studio) < rows


async def test_a_backup_has_archived_facts_whole_and_is_restored_with_all_of_them_in_the_database(
    database_url: str, tmp_path: Path
) -> None:
    clock = Clock(MONTHS[0])
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await lived(studio, clock)
        before, rows = studio.log.reader.read(0, 10_000), rows_in_log(studio)
        archived(studio)
    settings = settings_for(database_url, tmp_path)
    with closing(open_log(settings, Access.READ)) as log:
        back_up_whole(log.database, belonging(settings, log), tmp_path / "copy", silent)
        mine = [one for one in before if account_of(one.link.originator_id) == "acme"]
        files = belonging(settings, log)
        export = export_account(log.database, files, "acme", tmp_path / "acme.tar", silent, with_files=False)
        assert export.manifest.parts["log"].rows == len(mine)
    elsewhere = settings_for(url_of(tmp_path / "elsewhere" / "ledger.db"), tmp_path / "elsewhere")
    restore(tmp_path / "copy", elsewhere, silent)
    async with studio_on(elsewhere.database, tmp_path / "elsewhere", clock=clock) as restored:
        assert (restored.log.reader.read(0, 10_000), rows_in_log(restored)) == (before, rows)
        assert await is_sound(restored)
        assert archived(restored).segments
        assert restored.log.reader.read(0, 10_000) == before


def dying(url: str, home: Path, last: int) -> None:
    """What a child does: archive, and die at a step; files and whatever is written to the database are steps."""
    reaper = Reaper(last)

    def told(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith(("BEGIN", "INSERT", "DELETE", "COMMIT")):
            reaper(statement)

    event.listen(Engine, "after_cursor_execute", told)
    sys.addaudithook(telling(reaper))
    with closing(open_log(settings_for(url, home), Access.WRITE)) as log:
        PeriodArchive(log.database, log.codec, now, FEW).run()


STEPS = {"sqlite": (3, 6, 7, 9, 11), "postgresql": (9, 13)}
"""Of the first segment that is left: written, moved, flushed, listed, deleted, committed; and into the next one."""


async def test_killed_at_any_moment_no_fact_is_lost_and_the_next_run_goes_on(database_url: str, tmp_path: Path) -> None:
    clock = Clock(MONTHS[0])
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await lived(studio, clock)
        before = studio.log.reader.read(0, 10_000)
        for last in STEPS[database_of(studio).dialect]:
            process = forks().Process(target=dying, args=(database_url, tmp_path, last), daemon=True)
            process.start()
            assert await asyncio.to_thread(ended, process) == -signal.SIGKILL
            assert archiving_of(studio).problems() == []
            assert studio.log.reader.read(0, 10_000) == before
        assert studio.archiving is not None
        assert len(studio.archiving.segments()) > 0
        archived(studio)
        assert studio.log.reader.read(0, 10_000) == before
        assert await is_sound(studio)


async def counted(
    url: str, home: Path, clock: Clock, work: Callable[[Studio], Awaitable[object]]
) -> tuple[list[str], int]:
    """The statements of a piece of work in a studio that has just been opened, and of its opening; and files read."""
    seen: list[str] = []

    def told(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "NOTIFY" not in statement:  # it has the process's name, as others wait to be told
            seen.append(re.sub(r"\d+", "0", statement))

    event.listen(Engine, "after_cursor_execute", told)
    try:
        async with studio_on(url, home, clock=clock) as studio:
            await work(studio)
            return seen, database_of(studio).archive.opened
    finally:
        event.remove(Engine, "after_cursor_execute", told)


async def test_opening_and_recording_ask_the_same_and_read_no_file_with_and_without_an_archive(
    database_url: str, tmp_path: Path
) -> None:
    clock = Clock(MONTHS[0])

    async def record(studio: Studio) -> None:
        for account in ("acme", "beside"):
            done = await studio.operations.generate("a lake", account=account, model=SYNC)
            await studio.upkeep.refund(done.operation, account=account, reason="spoilt", reference="r9")
        await studio.accounts.limits("acme")
        await asyncio.to_thread(studio.views.catch_up)

    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await lived(studio, clock)
    await counted(database_url, tmp_path, clock, record)
    without, none = await counted(database_url, tmp_path, clock, record)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        assert archived(studio).segments
    within, read = await counted(database_url, tmp_path, clock, record)
    assert (Counter(within) - Counter(without), Counter(without) - Counter(within)) == (Counter(), Counter())
    assert (read, none) == (0, 0)
    assert [one for one in within if "archive" in one and "SELECT count(*) FROM archive_segments" not in one] == []
