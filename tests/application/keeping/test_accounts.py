"""Terms, limits, credit and corrections: each is one append, a repeat is harmless, and money is never created."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from application.ledger.group import Proposal
from domain.account import LimitChanged, PlanChanged, TimeZoneChanged
from domain.errors import (
    AccountExists,
    IllegalTransition,
    InvalidInput,
    InvalidMoney,
    KeyReused,
    OperationFailed,
    OperationPending,
    OperationRefused,
    UnknownOperation,
)
from domain.ledger import BalanceReturned, CreditAdded, Fact, Ledger
from domain.money import Money
from domain.openings import Terms, open_account
from domain.operation import Adjusted, Charged, Rejected
from domain.plans import Limits
from infrastructure.service import Studio
from tests.amounts import micros
from tests.application.studios import BLIND, PRICE, SYNC, count, facts_of, is_sound, studio_on

DOLLAR = Money(1_000_000, "USD")


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path) as opened:
        await opened.accounts.open("acme", plan="pro", zone="Europe/Berlin", cycle="anniversary")
        yield opened
        assert await is_sound(opened)


async def generate(studio: Studio, account: str = "acme", **options: object) -> str:
    result = await studio.operations.generate("a lake", account=account, **{"model": SYNC, **options})  # type: ignore[arg-type]
    return result.operation


async def refused(studio: Studio, account: str = "acme", **options: object) -> Rejected:
    with pytest.raises(OperationRefused) as error:
        await generate(studio, account, **options)
    assert error.value.hint
    *_, rejected = studio.log.facts(error.value.operation)
    assert isinstance(rejected, Rejected)
    return rejected


# Terms


async def test_opening_again_on_the_same_terms_changes_nothing(studio: Studio) -> None:
    length = studio.log.reader.end()
    view = await studio.accounts.open("acme", plan="pro", zone="Europe/Berlin", cycle="anniversary")
    assert (view.id, view.plan, view.zone) == ("acme", "pro", "Europe/Berlin")
    assert studio.log.reader.end() == length


async def test_a_plan_counts_at_once_also_for_what_was_used(studio: Studio) -> None:
    for _ in range(2):
        await generate(studio, n=10)
    view = await studio.accounts.change_plan("acme", "free")
    assert (view.used["images"], view.left["images"]) == (20, 0)
    assert (await refused(studio)).limit == 10
    await studio.accounts.change_plan("acme", "enterprise")
    assert await generate(studio)
    assert count(facts_of(studio), PlanChanged) == 2


async def test_a_change_that_changes_nothing_records_nothing(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "images", 7)
    length = studio.log.reader.end()
    await studio.accounts.change_limit("acme", "images", 7)
    await studio.accounts.change_plan("acme", "pro")
    await studio.accounts.change_time_zone("acme", "Europe/Berlin")
    await studio.accounts.inherit_limit("acme", "edits")
    assert studio.log.reader.end() == length


async def test_a_limit_is_changed_and_given_back_to_the_plan(studio: Studio) -> None:
    assert (await studio.accounts.change_limit("acme", "images", None)).left["images"] is None
    assert (await studio.accounts.change_limit("acme", "images", 0)).left["images"] == 0
    assert (await refused(studio)).measure == "images"
    assert (await studio.accounts.inherit_limit("acme", "images")).left["images"] == 100
    assert count(facts_of(studio), LimitChanged) == 3


async def test_limits_of_users_and_projects_bind_them_alone(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "images", 1, scope="user:ann")
    await studio.accounts.change_limit("acme", "spend", 2 * PRICE, scope="project:site")
    await generate(studio, user="ann", project="site")
    rejected = await refused(studio, user="ann")
    assert (rejected.scope, rejected.limit, rejected.asked, rejected.left) == ("user:ann", 1, 1, 0)
    await generate(studio, user="bob", project="site")
    rejected = await refused(studio, user="cyd", project="site")
    assert (rejected.scope, rejected.measure, rejected.left) == ("project:site", "spend", 0)
    assert await generate(studio, user="cyd", project="else")


async def test_midnights_move_with_the_next_period(studio: Studio) -> None:
    await generate(studio)
    before = (await studio.accounts.show("acme")).period
    view = await studio.accounts.change_time_zone("acme", "Asia/Tokyo")
    assert (view.zone, view.period) == ("Asia/Tokyo", before)
    assert count(facts_of(studio), TimeZoneChanged) == 1


# Prepaid


async def test_a_prepaid_account_spends_what_was_paid_in_and_no_more(studio: Studio) -> None:
    await studio.accounts.open("paid", plan="pro", prepaid=True)
    assert (await refused(studio, "paid")).reason == "balance"
    view = await studio.accounts.add_credit("paid", Money(3 * PRICE - 1, "USD"), "payment-1")
    assert view.balance == 3 * PRICE - 1
    answers = await asyncio.gather(*(generate(studio, "paid") for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(answer, str) for answer in answers) == 2
    assert (await studio.accounts.show("paid")).balance == PRICE - 1


async def test_a_payment_counts_once_however_often_it_is_told(studio: Studio) -> None:
    await studio.accounts.open("paid", plan="pro", prepaid=True)
    await asyncio.gather(*(studio.accounts.add_credit("paid", DOLLAR, "payment-1") for _ in range(5)))
    with pytest.raises(KeyReused) as reused:
        await studio.accounts.add_credit("paid", Money(1, "USD"), "payment-1")
    told = "key 'payment-1' was used for another payment: it paid in 1.00 USD, and is asked for 0.000001 USD"
    assert reused.value.message == told
    assert (await studio.accounts.show("paid")).balance == DOLLAR.micros
    assert count(facts_of(studio), CreditAdded) == 1


@pytest.mark.parametrize("amount", ["12.50", 12, None])
async def test_an_amount_without_a_currency_is_no_money(studio: Studio, amount: Any) -> None:
    await studio.accounts.open("paid", plan="pro", prepaid=True)
    before, other = len(facts_of(studio)), cast("Money", amount or "0")
    with pytest.raises(InvalidMoney, match="is not money") as refused:
        await studio.accounts.add_credit("paid", amount, "payment-1")
    assert refused.value.hint == 'write Money.parse("12.50", "USD")'
    for correcting in (
        studio.upkeep.adjust("an-operation", account="paid", price=amount, reason="a test", reference="r-1"),
        studio.upkeep.adjust(
            "an-operation", account="paid", price=-DOLLAR, cost=other, reason="a test", reference="r-1"
        ),
        studio.upkeep.refund("an-operation", account="paid", amount=other, reason="a test", reference="r-1"),
    ):
        with pytest.raises(InvalidMoney, match="is not money"):
            await correcting
    assert len(facts_of(studio)) == before


async def test_a_payments_key_and_a_requests_key_are_not_the_same(studio: Studio) -> None:
    await studio.accounts.open("paid", plan="pro", prepaid=True)
    await studio.accounts.add_credit("paid", DOLLAR, "key-1")
    assert await generate(studio, "paid", key="key-1")


async def test_what_was_held_and_not_used_is_spendable_again(studio: Studio) -> None:
    await studio.accounts.open("paid", plan="pro", prepaid=True)
    await studio.accounts.add_credit("paid", DOLLAR, "payment-1")
    with pytest.raises(OperationFailed):
        await generate(studio, "paid", outcome="fail")
    await generate(studio, "paid", n=4, outcome="partial")
    assert (await studio.accounts.show("paid")).balance == DOLLAR.micros - 3 * PRICE
    assert count(facts_of(studio), BalanceReturned) == 0


# Corrections


async def test_refunds_at_once_never_exceed_what_was_charged(studio: Studio) -> None:
    """Nine of a hundredth of a dollar, where four were charged."""
    operation = await generate(studio)
    cent = Money(PRICE // 4, "USD")
    answers = await asyncio.gather(
        *(
            studio.upkeep.refund(operation, amount=cent, reason="blurred", reference=f"ticket-{number}", account="acme")
            for number in range(9)
        ),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers].count(InvalidInput) == 5
    result = await studio.operations.wait(operation, account="acme")
    assert result.price.micros == 0
    assert count(facts_of(studio), Adjusted) == 4


async def test_the_same_refund_at_once_and_again_is_one(studio: Studio) -> None:
    operation = await generate(studio)
    again = [studio.upkeep.refund(operation, reason="blurred", reference="ticket-1", account="acme") for _ in range(6)]
    answers = await asyncio.gather(*again)
    assert sorted(len(facts) for facts in answers) == [0] * 5 + [1]
    assert (await studio.operations.wait(operation, account="acme")).price.micros == 0
    assert (await studio.accounts.show("acme")).used["spend"] == 0


async def test_refunds_by_two_processes_never_exceed_what_was_charged(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as one, studio_on(database_url, tmp_path) as two:
        await one.accounts.open("acme", plan="pro")
        operation = await generate(one)
        half = Money(PRICE // 2, "USD")
        answers = await asyncio.gather(
            *(
                studio.upkeep.refund(
                    operation, amount=half, reason="blurred", reference=f"{name}-{number}", account="acme"
                )
                for name, studio in (("one", one), ("two", two))
                for number in range(3)
            ),
            return_exceptions=True,
        )
        assert [type(answer) for answer in answers].count(InvalidInput) == 4
        assert (await two.operations.wait(operation, account="acme")).price.micros == 0


async def test_a_refund_frees_the_limit_and_a_partial_one_its_part(studio: Studio) -> None:
    await studio.accounts.change_limit("acme", "spend", PRICE)
    operation = await generate(studio)
    await refused(studio)
    await studio.upkeep.refund(
        operation, amount=Money(1, "USD"), reason="blurred", reference="ticket-1", account="acme"
    )
    assert (await refused(studio)).left == 1
    await studio.upkeep.refund(operation, reason="blurred", reference="ticket-2", account="acme")
    assert await generate(studio)


async def test_our_cost_is_corrected_apart_from_the_price(studio: Studio) -> None:
    operation = await generate(studio)
    none = Money(0, "USD")
    await studio.upkeep.adjust(
        operation,
        price=none,
        cost=Money(5_000, "USD"),
        reason="the bill",
        reference="bill-11",
        account="acme",
    )
    result = await studio.operations.wait(operation, account="acme")
    assert (result.price.micros, micros(result.cost)) == (PRICE, PRICE + 5_000)


async def test_one_operation_of_a_batch_is_corrected_and_not_the_batch(studio: Studio) -> None:
    batch = await generate(studio, n=6)
    with pytest.raises(UnknownOperation, match="no single operation"):
        await studio.upkeep.refund(batch, reason="blurred", reference="ticket-1", account="acme")
    await studio.upkeep.refund(f"{batch}.2", reason="blurred", reference="ticket-1", account="acme")
    assert (await studio.operations.wait(batch, account="acme")).price.micros == 4 * PRICE
    assert count(facts_of(studio), Charged) == 2


async def test_what_is_held_is_shown_as_held(studio: Studio) -> None:
    """I3: the sum of open holds is what the account shows."""
    for _ in range(3):
        with pytest.raises(OperationPending):
            await generate(studio, model=BLIND, outcome="timeout")
    view = await studio.accounts.show("acme")
    assert (view.open, view.held["spend"], view.held["images"]) == (3, 3 * PRICE, 3)
    assert view.left["images"] == 97


@pytest.mark.parametrize("currency", ["EUR", "JPY", "GBP"])
async def test_an_account_that_could_buy_nothing_is_not_opened(studio: Studio, currency: str) -> None:
    before = studio.log.reader.end()
    with pytest.raises(InvalidInput, match=f"no rate from USD to {currency}, so the account could buy nothing"):
        await studio.accounts.open("other", plan="pro", currency=currency)
    assert studio.log.reader.end() == before


async def test_what_an_account_is_by_now_is_said_where_it_is_opened_again(studio: Studio) -> None:
    """The ten lines of the README open their account each time they are run."""
    await studio.accounts.open("ten-lines", plan="pro")
    await studio.accounts.change_plan("ten-lines", "free")
    view = await studio.accounts.open("ten-lines", plan="pro")
    assert (view.plan, view.changed) == ("free", ("plan is free, not pro",))
    assert (await studio.accounts.open("ten-lines", plan="free")).changed == ()
    with pytest.raises(AccountExists, match="plan pro, not basic"):
        await studio.accounts.open("ten-lines", plan="basic")


async def test_an_account_opens_again_although_its_plan_has_other_limits_by_now(studio: Studio) -> None:
    def before(ledger: Ledger, now: int) -> list[Fact]:
        return [*open_account(ledger.account, "ten-lines", Terms("pro", Limits(images=1), prepaid=False), now)]

    await studio.accounts.writer.put(Proposal("ten-lines", before, opening=True))
    view = await studio.accounts.open("ten-lines", plan="pro")
    assert (view.limits["account"]["images"], view.changed) == (1, ())


async def test_a_suspended_account_gets_nothing_until_it_is_resumed_and_a_closed_one_never(studio: Studio) -> None:
    view = await studio.accounts.suspend("acme", "overdue")
    assert (view.standing, view.reason) == ("suspended", "overdue")
    assert (await refused(studio)).reason == "suspended"
    await studio.accounts.resume("acme", "paid")
    operation = await generate(studio)
    await studio.accounts.close("acme", "the contract ended")
    assert (await refused(studio)).reason == "closed"
    await studio.upkeep.refund(operation, reason="blurred", reference="ticket-1", account="acme")
    with pytest.raises(AccountExists, match="was closed"):
        await studio.accounts.open("acme", plan="pro")


async def test_a_refund_under_a_reference_of_another_amount_is_refused_and_so_is_one_of_nothing(
    studio: Studio,
) -> None:
    operation = await generate(studio)
    await studio.upkeep.refund(
        operation, amount=Money(1, "USD"), reason="blurred", reference="ticket-1", account="acme"
    )
    before = studio.log.reader.end()
    assert not await studio.upkeep.refund(
        operation, amount=Money(1, "USD"), reason="blurred", reference="ticket-1", account="acme"
    )
    for amount in (Money(2, "USD"), Money(0, "USD"), None):
        with pytest.raises(KeyReused, match="ticket-1"):
            await studio.upkeep.refund(operation, amount=amount, reason="blurred", reference="ticket-1", account="acme")
    with pytest.raises(InvalidInput, match="nothing of operation"):
        await studio.upkeep.refund(
            operation, amount=Money(0, "USD"), reason="blurred", reference="ticket-2", account="acme"
        )
    assert studio.log.reader.end() == before
    await studio.upkeep.refund(operation, reason="the rest", reference="ticket-2", account="acme")
    assert not await studio.upkeep.refund(operation, reason="the rest", reference="ticket-2", account="acme")
    with pytest.raises(InvalidInput, match="nothing of operation"):
        await studio.upkeep.refund(operation, reason="the rest", reference="ticket-3", account="acme")


async def test_nothing_is_given_back_of_what_was_released(studio: Studio) -> None:
    with pytest.raises(OperationFailed) as failed:
        await generate(studio, outcome="fail")
    before = studio.log.reader.end()
    with pytest.raises(InvalidInput, match="nothing of operation"):
        await studio.upkeep.refund(failed.value.operation, reason="sorry", reference="ticket-1", account="acme")
    with pytest.raises(IllegalTransition):
        await studio.upkeep.refund(
            failed.value.operation,
            amount=Money(1, "USD"),
            reason="sorry",
            reference="ticket-1",
            account="acme",
        )
    assert studio.log.reader.end() == before
