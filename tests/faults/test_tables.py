"""F14: tables that were damaged, seen by the audit before they cost anything, and made anew while others work."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from application.asking.requests import Request
from domain.errors import OperationPending, OperationRefused
from domain.ledger import CreditAdded
from domain.money import Money
from domain.operation import Charged, Released
from infrastructure.clock import now
from infrastructure.service import Studio
from tests.application.studios import (
    BLIND,
    JOBS,
    LONG_AFTER,
    PRICE,
    SYNC,
    count,
    database_of,
    facts_of,
    later,
    studio_on,
    submissions,
)
from tests.infrastructure.store.histories import forge

ORDER = Request("text-to-image", "acme", {"prompt": "a lake"}, model=SYNC, key="order-1")
TEN_YEARS = 10 * 365 * 24 * 3600 * 1_000_000


def damage(studio: Studio, *statements: str) -> None:
    """Change the tables behind the studio's back."""
    with database_of(studio).transaction() as connection:
        for statement in statements:
            assert connection.execute(text(statement)).rowcount


def audit(studio: Studio) -> list[str]:
    return [*map(str, studio.audit.verify()), *map(str, studio.audit.differences())]


def mend(studio: Studio) -> list[str]:
    return [str(one) for one in studio.audit.mend()]


async def test_a_lost_key_is_seen_made_anew_and_answers_its_repeat(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro", prepaid=True)
        await studio.accounts.add_credit("acme", Money(9 * PRICE, "USD"), "payment-1")
        first = await studio.operations.run(ORDER)
        damage(studio, "DELETE FROM keys")
        assert sorted(audit(studio)) == [
            "keys account='acme' key='credit:payment-1': is missing, the log has it",
            "keys account='acme' key='order-1': is missing, the log has it",
        ]
        assert len(mend(studio)) == 2
        assert audit(studio) == []
        assert (await studio.operations.run(ORDER)).operation == first.operation
        await studio.accounts.add_credit("acme", Money(9 * PRICE, "USD"), "payment-1")
        facts = facts_of(studio)
        assert (count(facts, Charged), count(facts, CreditAdded)) == (1, 1)


async def test_a_key_that_was_refused_and_then_admitted_is_made_anew_for_what_was_admitted(
    database_url: str, tmp_path: Path
) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.change_limit("acme", "images", 0)
        with pytest.raises(OperationRefused):
            await studio.operations.run(ORDER)
        await studio.accounts.change_limit("acme", "images", 5)
        admitted = await studio.operations.run(ORDER)
        assert audit(studio) == mend(studio) == []
        damage(studio, "DELETE FROM keys")
        assert audit(studio)
        mend(studio)
        assert audit(studio) == []
        assert (await studio.operations.run(ORDER)).operation == admitted.operation
        assert count(facts_of(studio), Charged) == 1


async def test_what_is_not_what_was_asked_is_seen_and_never_sent(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending):
            await studio.operations.generate("a lake", account="acme", model=JOBS, outcome="timeout")
        before = len(submissions(tmp_path))
        damage(studio, "UPDATE contents SET body = replace(body, 'a lake', 'a sea')")
        assert ["is not what was asked" in one for one in audit(studio)] == [True]
    async with studio_on(database_url, tmp_path, clock=later()) as studio:
        (one,) = await studio.upkeep.recover()
        assert "is not what was asked" in one.action
        assert len(submissions(tmp_path)) == before


async def test_a_snapshot_that_was_changed_lets_nobody_past_a_limit(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path, snapshot_every=4) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.change_limit("acme", "images", 14)
        for _ in range(14):
            await studio.operations.generate("a lake", account="acme", model=SYNC)
        damage(studio, 'UPDATE snapshots SET state = replace(state, \'"posted":{"images":\', \'"posted":{"videos":\')')
        assert "snapshots stream='ledger:acme:" in audit(studio)[0]
    async with studio_on(database_url, tmp_path, snapshot_every=4) as studio:
        with pytest.raises(OperationRefused):
            await studio.operations.generate("a lake", account="acme", model=SYNC)
        assert len(mend(studio)) == 1
        assert audit(studio) == []


async def test_a_book_forged_with_its_digest_is_seen_and_mended_before_the_next_start(
    database_url: str, tmp_path: Path
) -> None:
    async with studio_on(database_url, tmp_path, snapshot_every=4) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.change_limit("acme", "images", 14)
        for _ in range(14):
            await studio.operations.generate("a lake", account="acme", model=SYNC)
        with database_of(studio).transaction() as connection:
            state = connection.execute(text("SELECT state FROM snapshots")).scalar_one()
            forged = {"state": forge(state, usage={})}
            connection.execute(text("UPDATE snapshots SET state = :state"), forged)
        assert "is not what the log makes" in audit(studio)[0]
        assert len(mend(studio)) == 1
    async with studio_on(database_url, tmp_path) as studio:
        with pytest.raises(OperationRefused):
            await studio.operations.generate("a lake", account="acme", model=SYNC)


async def test_a_lost_lease_holds_nothing_for_ever(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(OperationPending):
            await studio.operations.generate("a lake", account="acme", model=BLIND, outcome="timeout")
        damage(studio, "DELETE FROM leases")
    async with studio_on(database_url, tmp_path, clock=later()) as studio:
        assert await studio.upkeep.recover() == []
        assert [one.split()[0] for one in audit(studio)] == ["leases"]
    async with studio_on(database_url, tmp_path) as studio:
        assert len(mend(studio)) == 1
        assert audit(studio) == []
    async with studio_on(database_url, tmp_path, clock=later(2 * LONG_AFTER)) as studio:
        await studio.upkeep.recover()
        assert count(facts_of(studio), Released) == 1


async def test_an_account_set_ahead_is_mended_while_its_writers_run(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as one, studio_on(database_url, tmp_path) as other:
        await one.accounts.open("acme", plan="pro")
        for studio in (one, other):
            await studio.operations.generate("a lake", account="acme", model=SYNC)
        damage(one, f"UPDATE accounts SET last = last + {TEN_YEARS}")
        for studio in (one, other):
            await studio.accounts.show("acme")  # both have read it
        assert "has its last fact at" in audit(one)[0]
        assert len(mend(one)) == 1
        for studio in (other, one):
            await studio.operations.generate("a lake", account="acme", model=SYNC)
        assert all(fact.at <= now() for fact in facts_of(one))
        assert audit(other) == []


async def test_nothing_is_found_and_nothing_changed_while_everybody_works(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as one, studio_on(database_url, tmp_path) as other:
        for account in ("acme", "zeta"):
            await one.accounts.open(account, plan="enterprise")

        async def work(studio: Studio, account: str, keys: str) -> None:
            for number in range(12):
                await studio.operations.generate("a lake", account=account, model=SYNC, key=f"{keys}-{number}")

        def everybody(keys: str) -> asyncio.Future[list[None]]:
            pairs = [(studio, account) for studio in (one, other) for account in ("acme", "zeta")]
            return asyncio.gather(*(work(studio, account, f"{keys}-{id(studio)}") for studio, account in pairs))

        working = everybody("first")
        while not working.done():
            assert await asyncio.to_thread(audit, one) == []
            assert await asyncio.to_thread(mend, other) == []
        await working
        assert audit(one) == []
        damage(one, "DELETE FROM keys", "DELETE FROM operations")
        working = everybody("second")
        assert len(await asyncio.to_thread(mend, other)) >= 2 * 48
        await working
        assert audit(one) == mend(other) == []
        await everybody("first")
        assert count(facts_of(one), Charged) == 96
