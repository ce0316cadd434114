"""Plans and grants on real databases: once by however many processes, found by a service, explained by the audit."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request
from domain.errors import InvalidInput, KeyReused, OperationPending, OperationRefused
from domain.money import Money
from domain.operation import Charged, Validated
from domain.wallet import GrantEnded, GrantGiven, GrantRevoked, SubscriptionCharged, sum_of
from domain.windowed import WindowOpened
from infrastructure.service import Studio
from infrastructure.showing.wallets import wallet_document
from tests.application.studios import PRICE, SYNC, facts_of, is_sound, studio_on
from tests.application.support import Clock
from tests.domain.wall_clocks import utc
from tests.faults.processes import in_processes
from tests.patience import wait_until

APRIL, MAY = utc("2026-04-01"), utc("2026-05-02T09:00")
PLANS = """
[[plan]]
id = "club"
price = "20.00"
allowance = "0.10"
overage = "refused"

[[plan]]
id = "twice"
price = "20.00"
allowance = "0.10"
overage = "2"

[[plan]]
id = "open"
price = "30.00"
allowance = "0.10"

[[plan]]
id = "tried"
price = "30.00"
trial = { days = 15 }

[[plan]]
id = "daily"
price = "30.00"
windows.day = { images = 4 }
windows.hour = { images = 3 }
trial = { days = 15 }
"""


def opened(url: str, home: Path, at: int, *, serve: bool = False) -> AbstractAsyncContextManager[Studio]:
    home.mkdir(exist_ok=True)
    (home / "plans.toml").write_text(PLANS)
    plans = (home / "plans.toml",)
    return studio_on(url, home, clock=Clock(at), serve=serve, plans=plans, plan_prices="charged")


def usd(text: str) -> Money:
    return Money.parse(text, "USD")


async def begun(url: str, home: Path, plan: str, *, prepaid: bool = False) -> None:
    async with opened(url, home, APRIL) as studio:
        await studio.accounts.open("acme", plan=plan, prepaid=prepaid)


async def asking(url: str, home: Path, name: str) -> int:
    """Grant the same twice, and ask until nothing is sold any more; how much was."""
    async with opened(url, home, MAY) as studio:
        sold = 0
        for _ in range(2):
            await studio.accounts.grant("acme", usd("0.22"), "welcome", expires=utc("2026-06-01"))
        for _ in range(20):
            with suppress(OperationRefused):
                await studio.operations.generate("a lake", account="acme", user=name, model=SYNC)
                sold += 1
        return sold


def test_processes_together_charge_a_plan_once_a_period_and_spend_no_grant_twice(
    database_url: str, tmp_path: Path
) -> None:
    asyncio.run(begun(database_url, tmp_path / "home", "club"))
    sold = in_processes(asking, [(database_url, tmp_path / "home", f"p{number}") for number in range(3)])
    asyncio.run(spent(database_url, tmp_path / "home", sum(sold)))


async def spent(url: str, home: Path, sold: int) -> None:
    async with opened(url, home, MAY) as studio:
        facts = facts_of(studio)
        charged = [fact.price for fact in facts if isinstance(fact, SubscriptionCharged)]
        given = [fact.amount for fact in facts if isinstance(fact, GrantGiven)]
        held = [sum_of(fact.drawn) for fact in facts if isinstance(fact, Validated)]
        assert charged == [20_000_000] * 2
        assert sorted(given) == [100_000, 100_000, 220_000]
        assert [fact.amount for fact in facts if isinstance(fact, GrantEnded)] == [100_000]
        assert held == [PRICE] * sold == [PRICE] * 8
        assert {one.id[:9]: one.left for one in (await studio.accounts.wallet("acme")).grants} == {
            "allowance": 0,
            "welcome": 0,
        }
        may = await studio.statements.preview("acme", "2026-05-01")
        assert may.statement.total == 20_000_000
        assert await is_sound(studio)
        assert (list(studio.audit.books()), list(studio.audit.bills())) == ([], [])


def charged_twice(studio: Studio) -> bool:
    """And the grant of an account that was closed has lapsed."""
    facts = facts_of(studio)
    lapsed = any(isinstance(fact, GrantEnded) and fact.grant == "gift" for fact in facts)
    return lapsed and len([fact for fact in facts if isinstance(fact, SubscriptionCharged)]) == 2


async def test_a_service_charges_the_plans_of_accounts_that_nobody_uses(database_url: str, tmp_path: Path) -> None:
    async with opened(database_url, tmp_path / "home", APRIL) as studio:
        await studio.accounts.open("acme", plan="open")
        await studio.accounts.open("gone")
        await studio.accounts.grant("gone", usd("0.10"), "gift", expires=MAY - 1)
        await studio.accounts.close("gone", "moved away")
    async with opened(database_url, tmp_path / "home", MAY, serve=True) as studio:
        is_charged = partial(charged_twice, studio)
        await asyncio.to_thread(wait_until, is_charged, "the service charges the plan")
    async with opened(database_url, tmp_path / "home", MAY) as studio:
        assert [fact.covers.start for fact in facts_of(studio) if isinstance(fact, SubscriptionCharged)] == [
            APRIL,
            utc("2026-05-01"),
        ]
        assert await is_sound(studio)


async def test_a_closing_charges_the_next_period_of_a_quiet_account(database_url: str, tmp_path: Path) -> None:
    await begun(database_url, tmp_path / "home", "open")
    async with opened(database_url, tmp_path / "home", MAY) as studio:
        await studio.statements.close("acme", "2026-04")
        issued = await studio.statements.issue("acme", "2026-04")
        may = await studio.statements.preview("acme", "2026-05")
    assert issued.content["totals"]["total"] == "30.00"
    assert [line["amount"] for line in may.content["subscription"]] == ["30.00"]
    assert may.content["grants"]["opening"] == issued.content["grants"]["closing"] == "0.10"
    assert [line["lapsed"] for line in may.content["grants"]["lines"]] == ["0.10", "0.00"]


async def test_a_plan_that_follows_a_trial_within_a_period_is_billed_by_whoever_closes_that(
    database_url: str, tmp_path: Path
) -> None:
    await begun(database_url, tmp_path / "home", "tried")
    async with opened(database_url, tmp_path / "home", MAY) as studio:
        await studio.statements.close("acme")
        found = [await studio.statements.preview("acme", name) for name in ("2026-04-01", "2026-05-01")]
        assert [one.statement.total for one in found] == [15_000_000, 30_000_000]
        assert charged_in(studio) == 45_000_000
        assert (list(studio.audit.books()), list(studio.audit.bills())) == ([], [])


@pytest.mark.parametrize("by_request", [True, False])
async def test_the_limits_of_a_plan_that_follows_a_trial_hold_for_what_was_asked_before_in_its_day(
    database_url: str, tmp_path: Path, *, by_request: bool
) -> None:
    """The trial is over at half past nine; that is recorded by the next request, or by a grant before it."""
    (tmp_path / "plans.toml").write_text(PLANS)
    clock = Clock(utc("2026-04-01T09:30"))
    async with studio_on(database_url, tmp_path, clock=clock, plans=(tmp_path / "plans.toml",)) as studio:

        async def refused_in(hour: str) -> str | None:
            clock.now = utc(f"2026-04-16T{hour}")
            try:
                await studio.operations.generate("a lake", account="acme", user="ann", model=SYNC)
            except OperationRefused as error:
                return error.refusal.window
            return None

        await studio.accounts.open("acme", plan="daily")
        assert [await refused_in(hour) for hour in ("08:00", "09:10", "09:20")] == [None] * 3
        if not by_request:
            clock.now = utc("2026-04-16T09:31")
            await studio.accounts.grant("acme", usd("0.01"), "welcome")
        assert [await refused_in(hour) for hour in ("09:40", "09:50", "10:00")] == [None, "hour", "day"]
        assert await is_sound(studio)
        began = [fact for fact in facts_of(studio) if isinstance(fact, WindowOpened)]
    taken = [(fact.window, fact.taken["account"].posted["images"]) for fact in began[:2]]
    assert taken == [("hour", 2), ("day", 3)]


def charged_in(studio: Studio) -> int:
    return sum(fact.price for fact in facts_of(studio) if isinstance(fact, SubscriptionCharged))


async def test_an_account_that_is_closed_pays_what_was_due_before(sqlite_url: str, tmp_path: Path) -> None:
    await begun(sqlite_url, tmp_path / "home", "club")
    async with opened(sqlite_url, tmp_path / "home", MAY) as studio:
        await studio.accounts.close("acme", "gone")
        assert charged_in(studio) == 40_000_000


async def test_a_change_of_plan_at_the_periods_end_waits_for_it(sqlite_url: str, tmp_path: Path) -> None:
    await begun(sqlite_url, tmp_path / "home", "open")
    async with opened(sqlite_url, tmp_path / "home", APRIL + 1) as studio:
        assert (await studio.accounts.change_plan("acme", "club", at="period-end")).plan == "open"
        assert (await studio.accounts.wallet("acme")).next_plan == "club"
        with pytest.raises(InvalidInput, match="at"):
            await studio.accounts.change_plan("acme", "club", at="tomorrow")
    async with opened(sqlite_url, tmp_path / "home", MAY) as studio:
        assert (await studio.accounts.show("acme")).plan == "club"


async def test_a_payment_that_is_taken_back_is_a_debt_until_it_is_paid_again(database_url: str, tmp_path: Path) -> None:
    await begun(database_url, tmp_path / "home", "free", prepaid=True)
    async with opened(database_url, tmp_path / "home", MAY) as studio:
        await studio.accounts.add_credit("acme", usd("1"), "p1")
        await studio.operations.generate("a lake", account="acme", user="ann", model=SYNC)
        for _ in range(2):
            view = await studio.accounts.charge_back("acme", "p1", usd("1"), "disputed", suspend=True)
        assert (view.balance, view.standing) == (-PRICE, "suspended")
        with pytest.raises(KeyReused):
            await studio.accounts.charge_back("acme", "p1", usd("0.50"), "disputed")
        await studio.accounts.resume("acme", "talked to them")
        with pytest.raises(OperationRefused, match=r"the prepaid balance is -0.04 USD"):
            await studio.operations.generate("a lake", account="acme", user="ann", model=SYNC)
        assert await is_sound(studio)
        assert list(studio.audit.differences()) == []


@pytest.mark.parametrize("prepaid", [True, False])
async def test_a_payment_for_a_grant_is_taken_back_from_what_is_left_and_the_rest_is_owed(
    database_url: str, tmp_path: Path, *, prepaid: bool
) -> None:
    await begun(database_url, tmp_path / "home", "free", prepaid=prepaid)
    async with opened(database_url, tmp_path / "home", MAY) as studio:
        await studio.accounts.grant("acme", usd("0.10"), "pack", source="paid")
        await studio.accounts.grant("acme", usd("0.10"), "gift")
        await studio.operations.generate("a lake", account="acme", user="ann", model=SYNC)  # of the gift
        for _ in range(2):
            await studio.operations.generate("a lake", account="acme", user="ann", model=SYNC)
        left = {one.id: one.left for one in (await studio.accounts.wallet("acme")).grants}
        spent = usd("0.10").micros - left["pack"]
        assert (spent, left["gift"]) == (20_000, 0)
        for _ in range(2):
            view = await studio.accounts.charge_back("acme", "pack", usd("0.10"), "disputed", of_grant=True)
        assert view.balance == (-spent if prepaid else None)
        assert {one.id: one.left for one in (await studio.accounts.wallet("acme")).grants}["pack"] == 0
        for payment, amount in (("pack", "0.05"), ("gift", "0.05"), ("none", "0.05")):
            with pytest.raises(KeyReused if payment == "pack" else InvalidInput):
                await studio.accounts.charge_back("acme", payment, usd(amount), "disputed", of_grant=True)
        studio.views.catch_up()
        lines = {one.ledger_account.name: one.balance for one in studio.books.balance("acme").lines}
        assert {lines.get(name, 0) for name in ("payments", "credits:paid")} == {0}
        may = await studio.statements.preview("acme", "2026-05")
        told = [(one["key"], one["amount"]) for one in may.content["credits"]]
        owed = [(one["what"], one["reference"], one["amount"]) for one in may.content["adjustments"]]
        assert (told, owed) == (([("pack", "-0.02")], []) if prepaid else ([], [("chargeback", "pack", "0.02")]))
        assert may.statement.total == (lines["receivable"] if not prepaid else 0)
        assert await is_sound(studio)
        assert (list(studio.audit.differences()), list(studio.audit.books())) == ([], [])


async def buying_or_revoking(url: str, home: Path, name: str) -> int:
    """Ask ten times, or revoke the grant again and again meanwhile."""
    async with opened(url, home, MAY) as studio:
        for number in range(10):
            if name == "administrator":
                await asyncio.sleep(0.02 * number)
                await studio.accounts.revoke_grant("acme", "welcome", "abuse")
            else:
                await studio.operations.generate("a lake", account="acme", user=name, model=SYNC)
        return 0


def test_a_grant_is_revoked_once_while_it_is_spent_and_no_more_than_was_left(database_url: str, tmp_path: Path) -> None:
    asyncio.run(given(database_url, tmp_path / "home"))
    in_processes(buying_or_revoking, [(database_url, tmp_path / "home", name) for name in ("ann", "administrator")])
    asyncio.run(revoked(database_url, tmp_path / "home"))


async def given(url: str, home: Path) -> None:
    await begun(url, home, "free")
    async with opened(url, home, MAY) as studio:
        await studio.accounts.grant("acme", usd("5"), "welcome")


async def test_a_revoked_grant_is_shown_as_such_while_it_is_held(sqlite_url: str, tmp_path: Path) -> None:
    async with opened(sqlite_url, tmp_path / "home", MAY) as studio:
        await studio.accounts.open("acme", plan="free")
        await studio.accounts.grant("acme", usd("1"), "gift")
        with pytest.raises(OperationPending):
            await studio.operations.generate("a lake", account="acme", model=SYNC, outcome="timeout")
        assert [one.revoked for one in (await studio.accounts.wallet("acme")).grants] == [False]
        [held] = (await studio.accounts.revoke_grant("acme", "gift", "abuse")).grants
        assert (held.id, held.left, held.revoked, held.held > 0) == ("gift", 0, True, True)
        shown: Any = wallet_document(await studio.accounts.wallet("acme"))
        assert [one["revoked"] for one in shown["grants"]] == [True]


async def revoked(url: str, home: Path) -> None:
    async with opened(url, home, MAY) as studio:
        facts = facts_of(studio)
        [taken] = [fact.amount for fact in facts if isinstance(fact, GrantRevoked)]
        late = sum(fact.amount for fact in facts if isinstance(fact, GrantEnded))
        charges = [fact for fact in facts if isinstance(fact, Charged)]
        assert sum(sum_of(fact.drawn) for fact in charges) + taken + late == 5_000_000
        assert len(charges) == 10
        studio.views.catch_up()
        lines = {one.ledger_account.name: one.balance for one in studio.books.balance("acme").lines}
        assert lines.get("credits:promotional", 0) == 0
        may = await studio.statements.preview("acme", "2026-05")
        [line] = may.content["grants"]["lines"]
        assert line["revoked"] == str(Money(taken + late, "USD")).removesuffix(" USD")
        assert (line["lapsed"], line["ended"], line["reason"]) == ("0.00", "revoked", "abuse")
        assert await is_sound(studio)
        assert (list(studio.audit.differences()), list(studio.audit.books())) == ([], [])


async def test_an_estimate_has_the_overage_and_says_which_grants_pay(database_url: str, tmp_path: Path) -> None:
    await begun(database_url, tmp_path / "home", "twice")
    asked, told = Request("text-to-image", "acme", {"prompt": "a lake"}, model=SYNC), []
    async with opened(database_url, tmp_path / "home", APRIL + 1) as studio:
        await studio.accounts.grant("acme", usd("0.02"), "gift")
        for _ in range(4):
            found = await studio.operations.estimate(asked)
            chain = [str(one.price) for one in found.chain]
            told.append(([(one.source, str(one.amount)) for one in found.grants], str(found.own), chain))
            done = await studio.operations.run(asked)
            assert done.price == found.price == found.held
        assert told == [
            ([("allowance", "0.04 USD")], "0.00 USD", ["0.04 USD"]),
            ([("allowance", "0.04 USD")], "0.00 USD", ["0.04 USD"]),
            ([("allowance", "0.02 USD"), ("promotional", "0.02 USD")], "0.00 USD", ["0.04 USD"]),
            ([], "0.08 USD", ["0.08 USD"]),
        ]
        operations = [fact.operation.id for fact in facts_of(studio) if isinstance(fact, Validated)]
        [why] = await studio.past.why(operations[2])
        [paid] = [one for one in why.sentences if one.startswith("Paid by grants")]
        assert "0.02 USD of allowance:" in paid
        assert paid.endswith("0.02 USD of gift (promotional); the account's own money: 0.00 USD.")
