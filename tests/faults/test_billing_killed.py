"""F1 for bills: a process is killed after every step of closing and issuing, and numbers have no gap."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from pathlib import Path

from domain.billing import BillingFact, PeriodClosed, StatementIssued, StatementVoided
from infrastructure.assembly import Parts
from infrastructure.bootstrap import open_studio
from tests.application.studios import SYNC, facts_of, is_sound, settings_for, studio_on
from tests.application.support import Clock, TappedStore
from tests.domain.wall_clocks import utc
from tests.faults.processes import Reaper, ended, started

STEPS = ("before commit", "after commit")
"""Of each of four decisions: to close, to issue, to void, and to issue again."""
APRIL, MAY, FOUR = utc("2026-04-10T12:00"), utc("2026-05-02T09:00"), "2026-04-01"
ACCOUNTS = [f"killed-after-{step}" for step in range(1, 4 * len(STEPS) + 2)]


async def used(url: str, home: Path) -> None:
    async with studio_on(url, home, clock=Clock(APRIL)) as studio:
        for account in ACCOUNTS:
            await studio.accounts.open(account, plan="pro")
            await studio.operations.generate("a lake", account=account, model=SYNC)


async def bill(url: str, home: Path, account: str, last: int) -> None:
    """Close, issue, void and issue again; dead after step `last`, if there are that many."""
    reaper = Reaper(last)

    def tap(step: str) -> None:
        if step in STEPS:
            reaper(step)

    parts = Parts(clock=Clock(MAY), store=partial(TappedStore, tap=tap))
    async with open_studio(settings_for(url, home), parts, serve=False) as studio:
        await studio.statements.close(account, FOUR)
        issued = await studio.statements.issue(account, FOUR)
        await studio.statements.void(account, issued.number, "killed meanwhile")
        await studio.statements.issue(account, FOUR)


def test_a_process_killed_after_any_step_of_billing_leaves_no_gap(database_url: str, tmp_path: Path) -> None:
    asyncio.run(used(database_url, tmp_path))
    codes = [ended(started(bill, database_url, tmp_path, one, step)) for step, one in enumerate(ACCOUNTS, 1)]
    assert codes == [-signal.SIGKILL] * (len(ACCOUNTS) - 1) + [0]
    asyncio.run(billed(database_url, tmp_path))


async def billed(url: str, home: Path) -> None:
    """Whoever comes after the dead goes on where they were, and each account's numbers follow each other."""
    async with studio_on(url, home, clock=Clock(MAY)) as studio:
        for account in ACCOUNTS:
            await studio.statements.close(account, FOUR)
            await studio.statements.issue(account, FOUR)
            facts = [fact for fact in facts_of(studio) if isinstance(fact, BillingFact) and fact.account == account]
            issued = [fact for fact in facts if isinstance(fact, StatementIssued)]
            voided = [fact.number for fact in facts if isinstance(fact, StatementVoided)]
            assert sum(isinstance(fact, PeriodClosed) for fact in facts) == 1
            assert [fact.number for fact in issued] == [*range(1, len(issued) + 1)]
            assert [fact.replaces for fact in issued] == [*range(len(issued))]
            assert voided == [fact.number for fact in issued[:-1]]
        assert list(studio.audit.bills()) == []
        assert await is_sound(studio)
