"""Operations, refusals and changes are explained by what the log has of that moment, whatever happened since."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request
from domain.actor import Actor, ActorKind
from domain.errors import InvalidInput, OperationRefused, UnknownAccount, UnknownOperation
from domain.keys import KeyScope, KeyTerms
from domain.money import Money
from infrastructure.service import Studio
from tests.application.studios import studio_on

DRAWN: dict[str, Any] = {"account": "acme", "user": "ann", "model": "scripted-image"}


async def explained(studio: Studio, operation: str) -> str:
    [found] = await studio.past.why(operation, "acme")
    return " ".join((*found.sentences, *found.costs))


async def test_an_operation_is_told_with_the_limits_that_it_met(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.generate("a lake", **DRAWN)
        made = await studio.operations.generate("a fox", key="k1", project="poster", **DRAWN)
        before = await explained(studio, made.operation)
        for part in (
            "ann of acme asked on",
            "for 1 output of text-to-image, for project poster, under the idempotency key 'k1'",
            "The request named its model, scripted-image",
            "The account's images limit of 100 a period had 1 used and 0 held, which left 99: enough for the 1 asked.",
            "spend limit of 100.00 USD a period had 0.04 USD used",
            "0.04 USD were held: 1 image at 0.04 USD, by price book",
            "0.04 USD were charged",
            "The price is 0.04 USD (quoted): the price was known before.",
            "Our cost is 0.04 USD",
        ):
            assert part in before
        await studio.accounts.change_limit("acme", "images", 1)
        await studio.accounts.change_plan("acme", "free")
        assert await explained(studio, made.operation) == before, "later limits are not those of that moment"
        await studio.upkeep.refund(made.operation, account="acme", reason="blurred", reference="r1")
        assert "the price was corrected by -0.04 USD, blurred (reference r1)" in await explained(studio, made.operation)


async def test_no_sentence_repeats_a_prompt_and_an_erased_one_is_told_without_inputs(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        made = await studio.operations.generate("a red barn", **DRAWN)
        told = await explained(studio, made.operation)
        assert "barn" not in told
        assert "prompt (10 characters)" in told
        await studio.upkeep.erase(made.operation, account="acme")
        assert "Its inputs are erased." in await explained(studio, made.operation)


async def test_a_strategy_is_told_with_those_that_would_have_followed(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        asked = Request("text-to-image", "acme", {"prompt": "x"}, model="cheapest", allow=("stand-in",))
        made = await studio.operations.run(asked)
        told = await explained(studio, made.operation)
        assert f"by the strategy 'cheapest', the lowest price, {made.model} came first" in told


async def test_each_of_a_batch_meets_what_the_one_before_has_taken(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        each = ({"prompt": "a"}, {"prompt": "b"})
        batch = await studio.operations.run(
            Request("text-to-image", "acme", {}, model="scripted-image", each=each, user="ann")
        )
        found = await studio.past.why(batch.operation, "acme")
        assert len(found) == 2
        for count, one in enumerate(found):
            assert any(f"had 0 used and {count} held" in sentence for sentence in one.sentences)


async def test_refusals_are_told_by_key_or_the_newest_first(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.change_limit("acme", "images", 1, scope="user:ann")
        await studio.operations.generate("a lake", key="fine", **DRAWN)
        for key in ("k1", "k2"):
            with pytest.raises(OperationRefused):
                await studio.operations.generate("a fox", key=key, **DRAWN)
        await studio.accounts.inherit_limit("acme", "images", scope="user:ann")
        await asyncio.to_thread(studio.views.catch_up)
        newest = await studio.past.refusals("acme")
        assert len(newest) == 2
        [first] = await studio.past.refusals("acme", "k1")
        assert first == newest[1]
        assert first.refused
        told = " ".join(first.sentences)
        assert "User:ann's images limit of 1 a period had 1 used and 0 held, which left 0: not enough" in told
        assert "It was refused: user:ann's images limit of 1" in told
        for key, why in (("fine", "was not refused"), ("never", "was never used by account 'acme'")):
            with pytest.raises(InvalidInput, match=why):
                await studio.past.refusals("acme", key)
        with pytest.raises(UnknownAccount):
            await studio.past.refusals("nobody")


async def test_anothers_operation_is_not_explained(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        made = await studio.operations.generate("a lake", **DRAWN)
        for id, account in ((made.operation, "other"), ("nothing", None)):
            with pytest.raises(UnknownOperation):
                await studio.past.why(id, account)


async def test_a_history_says_who_changed_what_from_what_to_what(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        by = Actor(ActorKind.OPERATOR, "eve")
        await studio.accounts.open("acme", plan="pro", prepaid=True)
        await studio.accounts.change_plan("acme", "basic", by=by, reason="cheaper")
        await studio.accounts.change_limit("acme", "spend", 5_000_000, scope="user:ann", window="day", by=by)
        await studio.accounts.add_credit("acme", Money.parse("2.50", "USD"), "p1", by=by, reason="invoice 7")
        await studio.accounts.grant("acme", Money.parse("1", "USD"), "spring", by=by, reason="welcome")
        await studio.accounts.revoke_grant("acme", "spring", "abuse", by=by)
        await studio.accounts.charge_back("acme", "p1", Money.parse("0.50", "USD"), "disputed", by=by)
        made = await studio.operations.generate("a lake", **DRAWN)
        await studio.upkeep.refund(made.operation, account="acme", reason="blurred", reference="r1", by=by)
        issued = await studio.keys.issue("acme", KeyTerms((KeyScope.READ,)), by=by)
        await studio.keys.revoke("acme", issued.key.id, reason="lost", by=by)
        await studio.accounts.suspend("acme", "unpaid", by=by)
        history = await studio.past.history("acme")
        told = [
            (one.actor, one.reason, change.what, change.before, change.after)
            for one in history[1:]
            for change in one.changes
        ]
        who = "operator:eve"
        assert (who, "cheaper", "plan", "pro", "basic") in told
        assert (who, "", "limit of user:ann: spend over day", None, "5.00 USD") in told
        assert (who, "invoice 7", "paid in", None, "2.50 USD") in told
        assert (who, "welcome", "grant spring given", None, "1.00 USD") in told
        assert (who, "abuse", "grant spring revoked", None, "1.00 USD") in told
        assert (who, "disputed", "charged back", None, "0.50 USD") in told
        assert (who, "blurred", f"price of {made.operation}", None, "-0.04 USD") in told
        assert (who, "lost", f"key {issued.key.id}", "read", "revoked") in told
        assert (who, "unpaid", "standing", "open", "suspended") in told
        assert [one.position for one in history] == sorted(one.position for one in history)
        with pytest.raises(UnknownAccount):
            await studio.past.history("nobody")


async def test_a_difference_is_of_terms_figures_and_models(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro", prepaid=True)
        await studio.accounts.add_credit("acme", Money.parse("1", "USD"), "p1")
        await studio.operations.generate("a lake", **DRAWN)
        since = studio.log.reader.end()
        await studio.operations.generate("a fox", **DRAWN)
        await studio.accounts.change_plan("acme", "basic")
        found = await studio.past.difference("acme", since)
        told = {one.what: (one.before, one.after) for one in (*found.terms, *found.figures)}
        assert told["plan"] == ("pro", "basic")
        assert told["balance"] == ("0.96 USD", "0.92 USD")
        assert told["used: images"] == ("1", "2")
        [model] = found.models
        assert (model.model, model.charged, model.outputs, model.price) == ("scripted-image", 1, 1, 40_000)
        same = await studio.past.difference("acme", since, since)
        assert (same.terms, same.figures, same.models) == ((), (), ())
        with pytest.raises(InvalidInput, match="is before"):
            await studio.past.difference("acme", since, 1)


async def test_a_revoked_grant_is_told_where_it_mattered(database_url: str, tmp_path: Path) -> None:
    """Afterwards it had paid, before it could have paid; of what was neither nothing is told."""
    async with studio_on(database_url, tmp_path) as studio:
        by = Actor(ActorKind.OPERATOR, "eve")
        await studio.accounts.open("acme", plan="pro", prepaid=True)
        await studio.accounts.add_credit("acme", Money.parse("0.04", "USD"), "p1")
        await studio.accounts.grant("acme", Money.parse("0.06", "USD"), "gift", kinds=("images",))
        await studio.accounts.grant("acme", Money.parse("1", "USD"), "films", kinds=("videos",))
        paid = await studio.operations.generate("a lake", **DRAWN)
        assert "revoked" not in await explained(studio, paid.operation)
        for grant in ("gift", "films"):
            await studio.accounts.revoke_grant("acme", grant, "abuse", by=by)
        after = await explained(studio, paid.operation)
        assert "Grant gift: it was revoked on " in after
        assert "by operator:eve (abuse) afterwards; 0.04 USD that it had paid stay paid" in after
        own = await studio.operations.generate("a fox", **DRAWN)
        told = await explained(studio, own.operation)
        assert "Grant gift paid nothing of it: it was revoked on " in told
        assert "(abuse) before, with 0.02 USD of it left." in told
        assert "films" not in told
        with pytest.raises(OperationRefused):
            await studio.operations.generate("a third", key="k3", **DRAWN)
        [refused] = await studio.past.refusals("acme", "k3")
        assert "Grant gift paid nothing of it" in " ".join(refused.sentences)
