"""What is sold is what was asked for: no strategy and no fallback reaches what only imitates it unless it may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request
from domain.account import ConsentChanged
from domain.errors import InvalidInput, OperationFailed, UnknownModel
from domain.money import Money
from domain.operation import Charged, Released, Rerouted, Validated
from infrastructure.service import Studio
from infrastructure.showing.hints import in_shell
from projections.views.operations import OPERATIONS, OperationFilter
from tests.application.studios import LOCAL, SYNC, count, facts_of, is_sound, studio_on, timeline
from tests.application.wilful import KIND, REFUSED, UNREACHABLE, Entry, Trade, trade

NOWHERE = "http://127.0.0.1:1"
"""Where nobody listens."""
PENNY = Entry("penny", "abbey", 1, "stand-in")
TUPPENCE = Entry("tuppence", "borough", 2)
ASKED = {"prompt": "a quiet shore"}


@asynccontextmanager
async def open_trade(url: str, home: Path, *entries: Entry) -> AsyncIterator[tuple[Studio, Trade]]:
    made = trade(home, entries)
    async with studio_on(url, home, catalogues=(made.overlay,), providers=made.providers) as studio:
        await studio.accounts.open("acme", plan="pro")
        yield studio, made


def ask(model: str = "cheapest", **options: Any) -> Request:
    return Request(KIND, "acme", ASKED, model=model, **options)


# Classes


@pytest.mark.parametrize("wish", ["auto", "cheapest", "best", "balanced"])
async def test_without_a_key_nothing_is_painted_in_a_model_s_place_and_nothing_recorded(
    sqlite_url: str, tmp_path: Path, wish: str
) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        with pytest.raises(UnknownModel, match="no real model can do text-to-image here") as refused:
            await studio.operations.generate("a portrait of a woman", account="acme", model=wish)
        assert "IMAGESTUDIO_WAVESPEED_KEY" in refused.value.hint
        assert "--allow stand-in" in in_shell(refused.value.advice)
        assert len(refused.value.hint) < 400
        assert facts_of(studio, "acme") == []


@pytest.mark.parametrize("kind", ["text-to-video", "text-to-image"])
async def test_in_an_outage_nobody_is_charged_for_a_procedural_film(sqlite_url: str, tmp_path: Path, kind: str) -> None:
    """Keys are set, and no provider answers; Hugging Face's, which asks its Hub for half a minute, is left out."""
    dead: dict[str, Any] = {f"{name}_url": NOWHERE for name in ("wavespeed", "stability", "openai")}
    keys: dict[str, Any] = {f"{name}_key": "key" for name in ("wavespeed", "stability", "openai")}
    async with studio_on(sqlite_url, tmp_path, **dead, **keys) as studio:
        await studio.accounts.open("acme", plan="pro")
        asked = Request(kind, "acme", {"prompt": "a woman walks through Berlin"})
        with pytest.raises(OperationFailed, match="no connection"):
            await studio.operations.run(asked)
        facts = facts_of(studio, "acme")
        assert (count(facts, Charged), count(facts, Released)) == (0, 1)
        asked_of = [fact.operation.provider for fact in facts if isinstance(fact, Validated | Rerouted)]
        assert len(asked_of) == len(set(asked_of))
        assert "local" not in asked_of
        assert (await studio.accounts.show("acme")).held["spend"] == 0


async def test_a_stand_in_is_taken_where_the_call_allows_it_and_its_result_says_so(
    database_url: str, tmp_path: Path
) -> None:
    async with open_trade(database_url, tmp_path, PENNY, TUPPENCE) as (studio, _):
        real = await studio.operations.run(ask())
        assert (real.model, real.model_class) == ("tuppence", "real")
        allowed = await studio.operations.run(ask(allow="stand-in"))
        assert (allowed.model, allowed.model_class) == ("penny", "stand-in")
        assert (await studio.operations.wait(allowed.operation, account="acme")).model_class == "stand-in"
        studio.views.catch_up()
        flagged = studio.views.rows(OPERATIONS, OperationFilter(account="acme", flag="stand-in"))
        assert [(one.id, one.model_class) for one in flagged] == [(allowed.operation, "stand-in")]
        assert await is_sound(studio)


async def test_the_terms_of_an_account_allow_a_class_until_they_do_not(database_url: str, tmp_path: Path) -> None:
    async with open_trade(database_url, tmp_path, PENNY, TUPPENCE) as (studio, _):
        assert (await studio.accounts.show("acme")).allowed == ("real",)
        assert (await studio.accounts.allow("acme", "stand-in")).allowed == ("real", "stand-in")
        assert (await studio.operations.run(ask())).model == "penny"
        await studio.accounts.allow("acme", "stand-in")
        assert (await studio.accounts.forbid("acme", "stand-in")).allowed == ("real",)
        assert (await studio.operations.run(ask())).model == "tuppence"
        assert count(facts_of(studio), ConsentChanged) == 2
        with pytest.raises(InvalidInput, match="real models may always be chosen"):
            await studio.accounts.forbid("acme", "real")
        with pytest.raises(InvalidInput, match="'nice' is not one of real, stand-in, test"):
            await studio.accounts.allow("acme", "nice")


async def test_terms_that_another_process_changed_hold_here_too(database_url: str, tmp_path: Path) -> None:
    async with (
        open_trade(database_url, tmp_path, PENNY) as (studio, made),
        studio_on(database_url, tmp_path, catalogues=(made.overlay,), providers=made.providers) as other,
    ):
        with pytest.raises(UnknownModel):
            await studio.operations.run(ask())
        await other.accounts.allow("acme", "stand-in")
        assert (await studio.operations.run(ask())).model == "penny"
        await other.accounts.forbid("acme", "stand-in")
        with pytest.raises(UnknownModel, match="does not allow"):
            await studio.operations.run(ask())
        assert (await studio.operations.run(ask("penny"))).model_class == "stand-in"


async def test_to_name_a_model_is_consent_and_no_other_is_asked(sqlite_url: str, tmp_path: Path) -> None:
    refusing = Entry("shilling", "abbey", 3, "stand-in", REFUSED)
    async with open_trade(sqlite_url, tmp_path, refusing, PENNY, TUPPENCE) as (studio, made):
        assert (await studio.operations.run(ask("penny"))).model_class == "stand-in"
        with pytest.raises(OperationFailed):
            await studio.operations.run(ask("shilling", allow="stand-in", max_price="1.00"))
        assert [model for _, model in made.sent] == ["penny", "shilling"]


async def test_local_work_and_scripts_say_what_they_are(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        painted = await studio.operations.generate("a lake", account="acme", model=LOCAL, width=64, height=64)
        scripted = await studio.operations.generate("a lake", account="acme", model=SYNC)
        assert (painted.model_class, scripted.model_class) == ("stand-in", "test")
        assert [one.price.micros for one in (painted, scripted)] == [10_000, 40_000]


@pytest.mark.parametrize("allow", ["nice", ("stand-in", "nice"), (1,)])
async def test_a_class_that_there_is_not_is_refused(sqlite_url: str, tmp_path: Path, allow: object) -> None:
    async with open_trade(sqlite_url, tmp_path, TUPPENCE) as (studio, _):
        with pytest.raises(InvalidInput, match=r"allow: .* is not one of real, stand-in, test"):
            await studio.operations.run(ask(allow=allow))


# Fallback


async def test_after_no_connection_another_provider_is_asked_and_never_the_same_again(
    sqlite_url: str, tmp_path: Path
) -> None:
    dead = [Entry(f"dead-{n}", "abbey", 5, answer=UNREACHABLE, quality=90 - n) for n in (1, 2, 3)]
    async with open_trade(sqlite_url, tmp_path, *dead, Entry("alive", "borough", 5, quality=1)) as (studio, made):
        result = await studio.operations.run(ask("best"))
        assert [model for _, model in made.sent] == ["dead-1", "alive"]
        [moved] = result.rerouted
        assert (moved.code, moved.model, moved.next_model) == (UNREACHABLE, "dead-1", "alive")


async def test_a_refusal_of_one_model_may_go_to_another_of_its_provider(sqlite_url: str, tmp_path: Path) -> None:
    entries = (Entry("first", "abbey", 5, answer=REFUSED, quality=90), Entry("second", "abbey", 5))
    async with open_trade(sqlite_url, tmp_path, *entries) as (studio, made):
        assert (await studio.operations.run(ask("best"))).model == "second"
        assert [model for _, model in made.sent] == ["first", "second"]


async def test_no_fallback_costs_more_than_is_held_unless_the_request_says_so(sqlite_url: str, tmp_path: Path) -> None:
    entries = (Entry("first", "abbey", 1, answer=REFUSED), Entry("dearer", "borough", 2))
    async with open_trade(sqlite_url, tmp_path, *entries) as (studio, made):
        with pytest.raises(OperationFailed):
            await studio.operations.run(ask())
        with pytest.raises(OperationFailed):
            await studio.operations.run(ask(max_price="0.019999"))
        assert [model for _, model in made.sent] == ["first", "first"]
        heard: list[str] = []
        result = await studio.operations.run(ask(max_price="0.02"), lambda _, words: heard.append(words))
        assert (result.model, result.price) == ("dearer", Money(20_000, "USD"))
        told = "refused at first (abbey, 0.01 USD held): dearer (borough) instead, 0.02 USD held"
        assert heard == [told]
        assert str(result.rerouted[0]) == told
        assert str((await studio.operations.wait(result.operation, account="acme")).rerouted[0]) == told
        [moved] = [fact for fact in timeline(studio, result.operation) if isinstance(fact, Rerouted)]
        assert (moved.quote.price, moved.quote.model_class) == (20_000, "real")


async def test_a_batch_as_a_whole_stays_within_its_price(sqlite_url: str, tmp_path: Path) -> None:
    entries = (Entry("first", "abbey", 1, answer=REFUSED), Entry("dearer", "borough", 2))
    async with open_trade(sqlite_url, tmp_path, *entries) as (studio, _):
        with pytest.raises(OperationFailed):
            await studio.operations.run(ask(n=3, max_price="0.05"))
        assert (await studio.operations.run(ask(n=3, max_price="0.06"))).price == Money(60_000, "USD")


@pytest.mark.parametrize("model", ["cheapest", "tuppence"])
async def test_nothing_that_costs_more_than_the_request_allows_is_even_begun(
    sqlite_url: str, tmp_path: Path, model: str
) -> None:
    async with open_trade(sqlite_url, tmp_path, TUPPENCE) as (studio, made):
        with pytest.raises(InvalidInput, match=r"max_price: 0\.02 USD would be held for 'tuppence', more than 0\.01"):
            await studio.operations.run(ask(model, max_price="0.01"))
        with pytest.raises(InvalidInput, match="max_price"):
            await studio.operations.estimate(ask(model, max_price="0.01"))
        assert (made.sent, facts_of(studio, "acme")) == ([], [])


@pytest.mark.parametrize("price", [0.05, "cheap", "1e-3", Money(50_000, "EUR")])
async def test_a_price_that_is_no_exact_amount_in_the_currency_is_refused(
    sqlite_url: str, tmp_path: Path, price: object
) -> None:
    async with open_trade(sqlite_url, tmp_path, TUPPENCE) as (studio, _):
        with pytest.raises(InvalidInput, match="max_price"):
            await studio.operations.run(ask(max_price=price))


async def test_the_cheapest_is_the_cheapest_for_as_many_as_are_asked_for(sqlite_url: str, tmp_path: Path) -> None:
    """By the piece the one, by the call the other."""
    made = trade(tmp_path, (Entry("piece", "abbey", 2), Entry("call", "borough", 5, per_call=4)))
    made.overlay.write_text(made.overlay.read_text().replace('"0.05" }', '"0.05", unit = "call" }'))
    async with studio_on(sqlite_url, tmp_path, catalogues=(made.overlay,), providers=made.providers) as studio:
        await studio.accounts.open("acme", plan="pro")
        assert [(await studio.operations.estimate(ask(n=n))).model for n in (1, 2, 3, 4, 5)] == [
            "piece", "piece", "call", "call", "call"
        ]  # fmt: skip


# What an estimate tells


async def test_an_estimate_lists_who_would_be_asked_and_who_not_and_why(sqlite_url: str, tmp_path: Path) -> None:
    entries = (
        Entry("first", "abbey", 3, quality=90),
        Entry("second", "borough", 3, quality=50),
        Entry("third", "abbey", 2, quality=40),
        Entry("fourth", "castle", 2, quality=30),
        Entry("dear", "castle", 9, quality=20),
        Entry("fake", "castle", 1, "stand-in"),
        Entry("mystery", "castle", None),
    )
    async with open_trade(sqlite_url, tmp_path, *entries) as (studio, _):
        found = await studio.operations.estimate(ask("best", n=2))
        ours = [one for one in found.chain if one.provider in ("abbey", "borough", "castle")]
        asked = [(one.model, one.provider, one.model_class, str(one.price)) for one in ours if not one.skipped]
        assert asked == [
            ("first", "abbey", "real", "0.06 USD"),
            ("second", "borough", "real", "0.06 USD"),
            ("fourth", "castle", "real", "0.04 USD"),
        ]
        assert {one.model: one.skipped for one in ours if one.skipped} == {
            "third": "others come before it",
            "dear": "it costs more than is held",
            "fake": "its class, stand-in, is not allowed",
            "mystery": "its price is not known",
        }
        assert (await studio.operations.estimate(ask("fake"))).chain[0].model_class == "stand-in"
