"""Providers' invoices on a real database: held against what was recorded, by model, and proved like all else."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest

from application.asking.requests import Request
from application.keeping.books import BookQuery
from domain.actor import Actor, ActorKind
from domain.chart import payable_of
from domain.errors import IllegalTransition, InvalidInput, InvalidPeriod, OperationPending
from domain.invoices import CostDrifted, InvoiceExists, InvoiceLine, UnknownInvoice
from domain.money import Money
from infrastructure.catalogue import with_overlay
from infrastructure.catalogue.invoiced import proposed_prices
from infrastructure.service import Studio
from infrastructure.showing.invoices import lines_of_text
from tests.application.studios import BLIND, JOBS, PRICE, SYNC, count, facts_of, is_sound, studio_on
from tests.application.support import CENT, Clock
from tests.domain.wall_clocks import utc

APRIL, MAY = utc("2026-04-10T12:00"), utc("2026-05-02T09:00")
FOUR = "2026-04"


def dollars(text: str) -> Money:
    return Money.parse(text, "USD")


async def used(studio: Studio) -> None:
    """Four pictures at 4 cents, one job, and one failure that the provider billed without saying how much."""
    await studio.accounts.open("acme", plan="pro")
    for _ in range(4):
        await studio.operations.generate("a lake", account="acme", model=SYNC)
    await studio.operations.run(Request("text-to-image", "acme", {"prompt": "a fox"}, model=JOBS))


async def test_a_name_that_is_nearly_a_providers_opens_no_books(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path, clock=Clock(MAY)) as studio:
        with pytest.raises(InvalidInput, match="there is no provider 'scriptd'") as told:
            await studio.invoices.record("scriptd", "I-1", month=FOUR, amount=dollars("1"))
        assert told.value.hint == "did you mean scripted?"
        assert not facts_of(studio)
        assert (await studio.invoices.record("atelier", "I-1", month=FOUR, amount=dollars("1"))).new


async def test_a_month_is_held_against_its_invoice_by_model(database_url: str, tmp_path: Path) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await used(studio)
        clock.now = MAY
        bare = await studio.invoices.compare("scripted", FOUR)
        assert (bare.invoiced, bare.delta, bare.left, bare.covered_percent) == (None, None, None, None)
        assert (bare.computed, bare.operations, bare.unknown) == (5 * PRICE, 5, 0)

        lines = [InvoiceLine("image", 20 * CENT, "", Decimal(4)), InvoiceLine("tax", 5 * CENT)]
        recorded = await studio.invoices.record("scripted", "I-1", month=FOUR, amount=dollars("0.25"), lines=lines)
        month = recorded.comparison
        assert (recorded.new, month.invoiced, month.delta, month.delta_percent) == (
            *(True, 25 * CENT, 5 * CENT, Decimal(20)),
        )
        assert (month.known_percent, month.drifted, count(facts_of(studio), CostDrifted)) == (Decimal(100), True, 1)
        again = await studio.invoices.record("scripted", "I-1", month=FOUR, amount=dollars("0.25"), lines=lines)
        assert (again.new, count(facts_of(studio), CostDrifted)) == (False, 1)
        with pytest.raises(InvoiceExists, match=r"of 0\.25 USD for 2026-04"):
            await studio.invoices.record("scripted", "I-1", month=FOUR, amount=dollars("0.26"))
        assert await is_sound(studio)


async def test_the_books_are_balanced_and_the_difference_is_settled(database_url: str, tmp_path: Path) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await used(studio)
        clock.now = MAY
        await studio.invoices.record("scripted", "I-1", month=FOUR, amount=dollars("0.25"))
        studio.views.catch_up()
        assert balances(studio) == {"payable": 5 * CENT, "invoiced": -25 * CENT, "expense": 20 * CENT}
        settled = await studio.invoices.settle("scripted", FOUR, "accepted")
        assert (settled.booked, settled.left) == (5 * CENT, 0)
        assert (await studio.invoices.settle("scripted", FOUR, "again")).booked == 5 * CENT
        studio.views.catch_up()
        expected = {"invoiced": -25 * CENT, "expense": 20 * CENT, "difference": 5 * CENT}
        assert balances(studio) == expected
        gone = await studio.invoices.void("scripted", "I-1", "a slip", by=Actor(ActorKind.OPERATOR, "eve"))
        assert (gone.void_reason, gone.voided_by, gone.reason) == ("a slip", "operator:eve", "")
        assert (await studio.invoices.list("scripted"))[0] == gone
        studio.views.catch_up()
        assert studio.books.balance().balanced
        entries = studio.books.postings(BookQuery(ledger_account=payable_of("scripted"))).entries
        assert [one.name for one in entries[-3:]] == ["invoice.recorded", "invoice.difference_booked", "invoice.voided"]
        assert await studio.invoices.months("scripted") == ()
        assert await is_sound(studio)


def balances(studio: Studio) -> dict[str, int]:
    """Of the provider's ledger accounts, by heading."""
    balance = studio.books.balance()
    assert balance.balanced
    return {
        str(one.ledger_account.heading): one.balance for one in balance.lines if one.ledger_account.of == "scripted"
    }


async def test_a_cost_that_nobody_knows_is_told_apart_and_not_settled(database_url: str, tmp_path: Path) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await studio.accounts.open("acme", plan="pro")
        for outcome in ("done", "timeout"):
            with suppress(OperationPending):
                asked = {"prompt": "a lake", "outcome": outcome}
                await studio.operations.run(Request("text-to-image", "acme", asked, model=BLIND))
        clock.now = MAY
        await studio.upkeep.recover()
        lines = [InvoiceLine("Pictures", 2 * PRICE, BLIND)]
        recorded = await studio.invoices.record("blind", "I-1", month=FOUR, amount=Money(2 * PRICE, "USD"), lines=lines)
        month, model = recorded.comparison, recorded.comparison.models[0]
        assert (month.operations, month.unknown, month.known_percent) == (2, 1, Decimal(50))
        assert (month.computed, month.covered_percent) == (PRICE, Decimal(50))
        assert (model.difference, model.differs) == (None, True)
        assert [fact.unknown for fact in facts_of(studio) if isinstance(fact, CostDrifted)] == [1]
        assert "nobody knows" in proposed_prices(month, studio.catalogue, MAY).notes[0]
        with pytest.raises(IllegalTransition, match="nobody knows what 1"):
            await studio.invoices.settle("blind", FOUR, "too early")


async def test_the_prices_that_an_invoice_suggests_can_be_loaded(database_url: str, tmp_path: Path) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await used(studio)
        clock.now = MAY
        lines = [InvoiceLine("Pictures", 20 * CENT, SYNC, Decimal(4)), InvoiceLine("Jobs", PRICE, JOBS)]
        month = (
            await studio.invoices.record("scripted", "I-1", month=FOUR, amount=dollars("0.24"), lines=lines)
        ).comparison
        proposal = proposed_prices(month, studio.catalogue, MAY)
        assert (proposal.models, proposal.notes) == ((SYNC,), ())
        catalogue, _ = with_overlay((), proposal.text, "overlay")
        assert [rule.rate for rule in catalogue.get(SYNC).prices] == [Decimal("0.05")]
        assert catalogue.get(JOBS).prices == studio.catalogue.get(JOBS).prices

        unlined = await studio.invoices.compare("scripted", "2026-05")
        assert proposed_prices(unlined, studio.catalogue, MAY).text == ""


async def test_a_month_is_one_of_the_providers_zone(database_url: str, tmp_path: Path) -> None:
    clock = Clock(utc("2026-04-30T18:00"))
    async with studio_on(database_url, tmp_path, clock=clock) as studio:
        await used(studio)
        clock.now = MAY
        tokyo = await studio.invoices.record(
            "scripted", "I-1", month="2026-05", amount=dollars("0.20"), zone="Asia/Tokyo"
        )
        assert (tokyo.comparison.computed, tokyo.comparison.zone) == (5 * PRICE, "Asia/Tokyo")
        assert (await studio.invoices.compare("scripted", FOUR)).computed == 0
        assert [one.month for one in await studio.invoices.months("scripted")] == ["2026-05"]


async def test_bad_input_leaves_nothing(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path, clock=Clock(MAY)) as studio:
        with pytest.raises(UnknownInvoice, match="no invoice of provider"):
            await studio.invoices.list("scripted")
        with pytest.raises(InvalidPeriod):
            await studio.invoices.record("scripted", "I-1", month="April", amount=dollars("1"))
        assert facts_of(studio) == []


def test_lines_are_read_from_csv_and_json() -> None:
    expected = [InvoiceLine("Pictures", 20 * CENT, "painter", Decimal(4)), InvoiceLine("tax", 5 * CENT)]
    csv = "name,model,quantity,amount\nPictures,painter,4,0.20\ntax,,,0.05\n"
    pictures = '{"name": "Pictures", "model": "painter", "quantity": "4", "amount": "0.20"}'
    json = f'[{pictures}, {{"name": "tax", "amount": "0.05"}}]'
    assert lines_of_text(csv, "USD") == lines_of_text(json, "USD") == expected


async def test_a_drift_that_comes_later_is_told_once_a_threshold(database_url: str, tmp_path: Path) -> None:
    clock = Clock(APRIL)
    async with studio_on(database_url, tmp_path, clock=clock, drift_percent=Decimal(10)) as studio:
        await used(studio)
        operation = facts_of(studio)[-1].operation.id  # type: ignore[union-attr]
        clock.now = MAY
        lines = [InvoiceLine("Pictures", 16 * CENT, SYNC, Decimal(4)), InvoiceLine("Jobs", 5 * CENT, JOBS)]
        await studio.invoices.record("scripted", "I-1", month=FOUR, amount=dollars("0.21"), lines=lines)
        assert (await studio.invoices.check(), await studio.invoices.drifts()) == ([], [])
        await studio.upkeep.correct_cost(
            operation, account="acme", cost=dollars("0.01"), reason="a discount", reference="d-1"
        )
        [raised] = await studio.invoices.check()
        assert (raised.number, raised.invoiced, raised.computed) == ("I-1", 21 * CENT, 17 * CENT)
        assert await studio.invoices.check() == []
    async with studio_on(database_url, tmp_path, clock=clock, drift_percent=Decimal(5)) as studio:
        [again] = await studio.invoices.check()
        assert await studio.invoices.check() == []
        newest, before = await studio.invoices.drifts("scripted")
        assert ({newest.raised.allowed, before.raised.allowed}, again.allowed) == (
            {Decimal(5), Decimal(10)},
            Decimal(5),
        )
        proposal = proposed_prices(newest.month, studio.catalogue, MAY)
        assert proposal.models == (JOBS,)
        assert await is_sound(studio)
