"""What accounts are sold for in a whole studio: tariffs, discounts and other currencies, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request, Result
from domain.errors import CurrencyMismatch, InvalidInput
from domain.money import Money
from domain.operation import Charged, Validated
from domain.postings import Before, postings_of
from infrastructure.service import Studio
from infrastructure.showing.stories import in_words
from projections.views.operations import OPERATIONS
from projections.views.usage import USAGE
from tests.application.performing.test_fallback import KIND, models
from tests.application.studios import is_sound, studio_on, timeline

PENNY, NICKEL = ("penny", "0.01", "done"), ("nickel", "0.05", "done")
PLANS = """
[[plan]]
id = "shop"
price = "0"
tariff = "retail"
limits = { spend = "100.00" }

[[plan]]
id = "bare"
price = "0"

[[tariff]]
id = "retail"
rules = [
  { factor = "2" },
  { model = "penny", factor = "3", by = "model", tiers = [{ after = 2, factor = "1.5" }] },
]

[[tariff]]
id = "partners"
rules = [{ factor = "1.1" }]

[[tariff]]
id = "upside-down"
rules = [{ factor = "1" }, { model = "penny", factor = "9" }]
"""
RATES = """
[[exchange]]
from = "USD"
to = "EUR"
rate = "0.9"
source = "ECB"
at = 2020-01-01

[[exchange]]
from = "USD"
to = "JPY"
rate = "150"
source = "BOJ"
at = 2020-01-01
"""


def settings(folder: Path) -> dict[str, Any]:
    overlay, plans = models(folder, PENNY, NICKEL), folder / "plans.toml"
    overlay.write_text(overlay.read_text() + RATES)
    plans.write_text(PLANS)
    return {"catalogues": (overlay,), "plans": (plans,)}


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path, **settings(tmp_path)) as studio:
        yield studio
        assert await is_sound(studio)


def wish(account: str, model: str = "nickel", **changes: Any) -> Request:
    return replace(Request(KIND, account, {"prompt": "a lake"}, model=model), **changes)


async def bought(studio: Studio, account: str, model: str = "nickel", **changes: Any) -> Result:
    return await studio.operations.run(wish(account, model, **changes))


def cents(result: Result) -> str:
    return f"{result.price} for {result.cost}"


async def test_an_account_pays_by_its_plans_tariff_then_by_its_own_then_less(studio: Studio) -> None:
    await studio.accounts.open("acme", plan="shop")
    await studio.accounts.open("plain", plan="bare")

    assert cents(await bought(studio, "plain")) == "0.05 USD for 0.05 USD"
    assert cents(await bought(studio, "acme")) == "0.10 USD for 0.05 USD"
    await studio.accounts.agree_tariff("acme", "partners", reason="as signed")
    assert cents(await bought(studio, "acme")) == "0.055 USD for 0.05 USD"
    view = await studio.accounts.agree_discount("acme", Decimal(10))
    assert (view.tariff, view.discount is not None and view.discount.percent) == ("partners", 10)
    assert cents(await bought(studio, "acme")) == "0.0495 USD for 0.05 USD"
    with pytest.raises(InvalidInput, match="no tariff 'retial'"):
        await studio.accounts.agree_tariff("acme", "retial")


async def test_the_price_falls_with_the_volume_and_an_estimate_says_so_before(studio: Studio) -> None:
    await studio.accounts.open("acme", plan="shop")

    told = []
    for _ in range(3):
        estimate = await studio.operations.estimate(wish("acme", "penny"))
        result = await bought(studio, "acme", "penny")
        assert estimate.price == result.price
        assert estimate.listed == Money.parse("0.01", "USD")
        told.append(str(result.price))

    assert told == ["0.03 USD", "0.03 USD", "0.015 USD"]


async def test_requests_at_the_same_moment_are_in_one_order_of_tiers(studio: Studio) -> None:
    await studio.accounts.open("acme", plan="shop")

    results = await asyncio.gather(*(bought(studio, "acme", "penny") for _ in range(8)))

    assert sorted(result.price.micros for result in results) == [15_000] * 6 + [30_000] * 2


async def test_the_volume_goes_on_in_another_process_from_a_snapshot_or_from_the_log(
    database_url: str, tmp_path: Path
) -> None:
    told = []
    for every in (1, 1, 2_000, 2_000):
        async with studio_on(database_url, tmp_path, snapshot_every=every, **settings(tmp_path)) as studio:
            await studio.accounts.open("acme", plan="shop")
            told.append((await bought(studio, "acme", "penny")).price.micros)
            assert await is_sound(studio)

    assert told == [30_000, 30_000, 15_000, 15_000]


async def test_a_most_price_is_what_it_is_sold_for(studio: Studio) -> None:
    await studio.accounts.open("acme", plan="shop")

    with pytest.raises(InvalidInput, match=r"0\.10 USD would be held"):
        await bought(studio, "acme", max_price="0.09")
    with pytest.raises(InvalidInput, match=r"0\.03 USD would be held"):
        await bought(studio, "acme", "cheapest", max_price="0.02")
    assert str((await bought(studio, "acme", "cheapest", max_price="0.03")).price) == "0.03 USD"


async def test_accounts_pay_in_their_currency_and_costs_stay_the_providers(studio: Studio) -> None:
    await studio.accounts.open("euro", plan="shop", currency="EUR")
    await studio.accounts.open("yen", plan="bare", currency="JPY", prepaid=True)
    await studio.accounts.add_credit("yen", Money.parse("100", "JPY"), "p1")

    euro, yen = await bought(studio, "euro"), await bought(studio, "yen", max_price="7.5")

    assert cents(euro) == "0.09 EUR for 0.05 USD"
    assert cents(yen) == "7.5 JPY for 0.05 USD"
    assert (await studio.accounts.show("euro")).limits["account"]["spend"] == 90_000_000
    assert (await studio.accounts.show("yen")).balance == 92_500_000
    (charged,) = [fact for fact in timeline(studio, euro.operation) if isinstance(fact, Charged)]
    moved = {(one.source.name, one.currency): one.amount for one in postings_of(charged, Before(prepaid=False))}
    assert moved == {("receivable", "EUR"): 90_000, (f"expense:{charged.operation.provider}", "USD"): 50_000}
    await asyncio.to_thread(studio.views.catch_up)
    several = (studio.views.rows(OPERATIONS), studio.views.rows(USAGE))
    for rows in several:
        (row,) = [one for one in rows if one.account == "euro"]
        assert (row.price, row.currency, row.cost_currency) == (90_000, "EUR", "USD")
    with pytest.raises(InvalidInput, match="not in JPY"):
        await bought(studio, "yen", max_price=Money.parse("1", "USD"))


async def test_a_story_says_how_the_price_was_made(studio: Studio) -> None:
    await studio.accounts.open("euro", plan="shop", currency="EUR")
    result = await bought(studio, "euro", "penny")

    (held,) = [fact for fact in timeline(studio, result.operation) if isinstance(fact, Validated)]
    assert held.quote.sale is not None
    assert in_words(held).words.endswith(
        f"sold by tariff retail ({held.quote.sale.version}), model penny: 0.01 USD of cost times 3"
        " after 0 outputs of the period, at 0.9 EUR for 1 USD (ECB, 2020-01-01)"
    )


async def test_a_refund_is_in_the_accounts_currency_and_a_correction_of_cost_in_the_providers(studio: Studio) -> None:
    await studio.accounts.open("euro", plan="shop", currency="EUR")
    result = await bought(studio, "euro")
    told: dict[str, Any] = {"account": "euro", "reason": "blurred"}

    with pytest.raises(CurrencyMismatch, match="in EUR, not USD"):
        await studio.upkeep.refund(result.operation, amount=Money.parse("0.01", "USD"), reference="r0", **told)
    await studio.upkeep.refund(result.operation, amount=Money.parse("0.01", "EUR"), reference="r1", **told)
    with pytest.raises(CurrencyMismatch, match="in USD, not EUR"):
        await studio.upkeep.correct_cost(result.operation, cost=Money.parse("0.04", "EUR"), reference="r2", **told)
    await studio.upkeep.correct_cost(result.operation, cost=Money.parse("0.04", "USD"), reference="r3", **told)

    after = await studio.operations.look(result.operation, account="euro")
    assert cents(after) == "0.08 EUR for 0.04 USD"


async def test_an_account_whose_own_tariff_is_in_no_file_is_not_sold_to_at_another_price(
    database_url: str, tmp_path: Path
) -> None:
    told = settings(tmp_path)
    async with studio_on(database_url, tmp_path, **told) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.agree_tariff("acme", "partners")
    async with studio_on(database_url, tmp_path, catalogues=told["catalogues"]) as studio:
        with pytest.raises(InvalidInput, match="tariff 'partners', which is in no file"):
            await bought(studio, "acme")
        await studio.accounts.agree_tariff("acme", reason="it ended")
        assert cents(await bought(studio, "acme")) == "0.05 USD for 0.05 USD"


async def test_without_a_rate_an_account_is_not_opened(studio: Studio) -> None:
    with pytest.raises(InvalidInput, match="no rate from USD to GBP"):
        await studio.accounts.open("sterling", plan="bare", currency="GBP")


async def test_a_strategy_takes_the_model_for_which_the_account_pays_least(studio: Studio) -> None:
    for account, tariff in (("acme", ""), ("other", "upside-down")):
        await studio.accounts.open(account, plan="bare")
        await studio.accounts.agree_tariff(account, tariff)
    allowed: dict[str, Any] = {"model": "cheapest", "allow": ("real", "test")}
    assert (await bought(studio, "acme", **allowed)).model == "penny"
    assert (await bought(studio, "other", **allowed)).model == "nickel"
    estimate = await studio.operations.estimate(wish("other", **allowed))
    assert next((one.model, str(one.price)) for one in estimate.chain if not one.skipped) == ("nickel", "0.05 USD")
    bounded = await bought(studio, "other", **allowed, max_price="0.08")
    assert bounded.model == "nickel"


BEST = """
[[tariff]]
id = "mixed"
rules = [
  { factor = "1" },
  { model = "first", factor = "2" },
  { model = "at-a-loss", factor = "0.7" },
  { model = "too-dear", factor = "3" },
]
"""


async def test_a_fallback_is_judged_by_what_the_account_pays_and_not_done_at_a_loss(
    database_url: str, tmp_path: Path
) -> None:
    """Held are 10 cents; by the price book all others are dearer than the first, which costs us 5."""
    overlay, plans = tmp_path / "models.toml", tmp_path / "plans.toml"
    entries = (("first", "0.05", "refuse"), ("too-dear", "0.06", "done"), ("at-a-loss", "0.08", "done"))
    models(tmp_path, *entries, ("follows", "0.07", "done"))
    text = overlay.read_text()
    for quality, id in enumerate(("follows", "at-a-loss", "too-dear", "first"), 1):
        text = text.replace(f'id = "{id}"', f'id = "{id}"\nquality = {quality}')
    overlay.write_text(text)
    plans.write_text(BEST)
    async with studio_on(database_url, tmp_path, catalogues=(overlay,), plans=(plans,)) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.agree_tariff("acme", "mixed")
        asked = Request(KIND, "acme", {"prompt": "a lake"}, model="best")

        chain = [(one.model, one.skipped) for one in (await studio.operations.estimate(asked)).chain]
        done = await studio.operations.run(asked)

        assert chain[:2] == [("first", ""), ("follows", "")]
        skipped = dict(chain[2:])
        assert skipped["too-dear"] == "it costs more than is held"
        assert skipped["at-a-loss"] == "it is not done for that price"
        assert (done.model, str(done.price), str(done.cost)) == ("follows", "0.07 USD", "0.07 USD")
        assert await is_sound(studio)
