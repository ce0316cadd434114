"""Tags that are changed after the work was asked for: beside the log, by whom is in it, and nothing of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from domain.actor import Actor, ActorKind
from domain.errors import IllegalTransition, InvalidInput, OperationRefused, UnknownOperation
from domain.ledger import TagsChanged
from infrastructure.service import Studio
from projections.summing import SumQuestion
from projections.views.operations import OPERATIONS, OperationFilter
from projections.views.quarters import QuarterFilter
from tests.application.studios import SYNC, facts_of, is_sound, studio_on, timeline

EVE = Actor(ActorKind.OPERATOR, "eve")


async def made(studio: Studio, **options: Any) -> str:
    done = await studio.operations.generate("a lake", account="acme", user="ann", model=SYNC, **options)
    return done.operation


def groups(studio: Studio, by: str) -> dict[str, int]:
    studio.views.catch_up()
    found = studio.views.sum_up(SumQuestion(by=(by,), wanted=QuarterFilter(account="acme")))
    return {str(row.group[by]): row.sums["price"] for row in found.rows}


async def test_tags_are_given_and_taken_away_later_and_nobody_reads_them_in_the_log(
    database_url: str, tmp_path: Path
) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        id, other = await made(studio, tags={"team": "curlew", "run": "7"}), await made(studio)

        assert await studio.operations.tag(id, {"team": "ibis", "for": "ibis"}, account="acme", by=EVE) == {
            "for": "ibis",
            "run": "7",
            "team": "ibis",
        }
        assert await studio.operations.untag(id, "run", "none", account="acme", by=EVE) == {
            "for": "ibis",
            "team": "ibis",
        }
        told = len(facts_of(studio))
        assert await studio.operations.tag(id, {"team": "ibis"}, account="acme") == {"for": "ibis", "team": "ibis"}
        assert len(facts_of(studio)) == told

        changed = [fact for fact in timeline(studio, id) if isinstance(fact, TagsChanged)]
        assert [(fact.added, fact.removed) for fact in changed] == [(2, 0), (0, 1)]
        assert not any(word in repr(facts_of(studio)) for word in ("ibis", "curlew"))
        history = [
            (one.actor, change.what, change.after)
            for one in await studio.past.history("acme")
            for change in one.changes
        ]
        assert ("operator:eve", f"tags of {id}", "2 given, 0 taken away") in history
        whole = sum(groups(studio, "model").values())
        assert groups(studio, "tag:team") == {"": whole // 2, "ibis": whole // 2}
        wanted = OperationFilter(account="acme", tag=("for", "ibis"))
        assert [row.id for row in studio.views.rows(OPERATIONS, wanted)] == [id]
        assert studio.views.tags([other, id]) == {id: {"for": "ibis", "team": "ibis"}}
        assert await is_sound(studio)
        assert list(studio.audit.differences()) == []


async def test_those_who_change_tags_at_the_same_moment_lose_none(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        id = await made(studio, tags={"t0": "x"})

        given = [studio.operations.tag(id, {f"t{number}": "y"}, account="acme") for number in range(16)]
        await asyncio.gather(*given, studio.operations.untag(id, "t0", account="acme"))
        tags = (await studio.operations.look(id, account="acme")).tags
        assert {*tags} - {"t0"} == {f"t{number}" for number in range(1, 16)}
        with pytest.raises(InvalidInput, match=r"1[78] tags"):
            await studio.operations.tag(id, {"more": "y", "most": "y"}, account="acme")
        assert (await studio.operations.look(id, account="acme")).tags == tags


async def test_a_batch_is_tagged_as_a_whole_and_what_was_refused_or_erased_is_not(
    database_url: str, tmp_path: Path
) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        batch = (await studio.operations.generate("a lake", account="acme", model=SYNC, n=5)).operation
        await studio.operations.tag(batch, {"team": "red"}, account="acme")
        assert studio.views.tags([f"{batch}.1", f"{batch}.2"]) == {f"{batch}.{one}": {"team": "red"} for one in (1, 2)}

        await studio.upkeep.erase_user("acme", account="acme")
        with pytest.raises(IllegalTransition, match="were erased"):
            await studio.operations.tag(batch, {"team": "red"}, account="acme")
        await studio.accounts.change_limit("acme", "spend", 0)
        with pytest.raises(OperationRefused) as refusal:
            await made(studio)
        with pytest.raises(IllegalTransition, match="was refused"):
            await studio.operations.tag(refusal.value.operation, {"team": "red"}, account="acme")
        for wrong in (
            {"": "x"},
            {"a=b": "x"},
            {"a": ""},
            {"a": "x" * 513},
            {"a" * 65: "x"},
            {"a,b": "x"},
            {" a": "x"},
            {},
        ):
            with pytest.raises(InvalidInput):
                await studio.operations.tag(batch, wrong, account="acme")
        with pytest.raises(UnknownOperation):
            await studio.operations.tag(batch, {"team": "red"}, account="globex")
