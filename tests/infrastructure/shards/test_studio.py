"""A studio over shards: calls go to their account's shard, and questions across accounts are answered by all."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from application.asking.requests import Request
from domain.errors import InvalidInput, Unauthenticated, UnknownAccount, UnknownOperation
from domain.keys import KeyScope, KeyTerms
from domain.money import Money
from infrastructure.assembly import Parts
from infrastructure.auditing import verdict_of
from infrastructure.bootstrap import open_studio
from infrastructure.reading import open_reading
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.shards.opening import ALIKE, MADE
from infrastructure.shards.routing import FIRST, KNOWN, NAMED_BY, OF_STUDIO
from infrastructure.shards.ways import ACROSS
from projections.summing import SumQuestion
from projections.views import ALL
from projections.views.costs import COSTS
from projections.views.operations import OPERATIONS
from projections.views.usage import USAGE
from tests.application.studios import SYNC, settings_for
from tests.infrastructure.shards.conftest import account_in

ACCOUNTS = [account_in("a"), account_in("b"), account_in("a", "more"), account_in("b", "more")]
ONE_LEDGER = {
    "books": ("assets_of", "told_by"),
    "keys": ("known",),
    "log": ("follow",),
    "providers": ("callbacks",),
    "seals": ("keep", "public_keys", "take"),
    "upkeep": ("find_unneeded", "sweep"),
    "views": ("position",),
}
"""What is asked of one ledger: over shards it is refused, or has a way of its own."""


def methods() -> list[tuple[str, str, list[str]]]:
    from application.studios.services import Services

    hints = get_type_hints(Studio, localns={"Services": Services})
    shapes = {field.name: hints[field.name] for field in fields(Studio) if field.name not in (*ALIKE, *MADE, "shards")}
    return [
        (facade, name, list(inspect.signature(method).parameters))
        for facade, shape in shapes.items()
        for name, method in inspect.getmembers(shape, inspect.isfunction)
        if not name.startswith("_")
    ]


def test_every_call_has_a_way_or_is_known_to_be_of_one_ledger() -> None:
    ways = {*ACROSS, *FIRST, *KNOWN, *OF_STUDIO}
    lost = [
        f"{facade}.{name}"
        for facade, name, parameters in methods()
        if f"{facade}.{name}" not in ways
        and not set(NAMED_BY) & set(parameters)
        and not (facade == "invoices" and "provider" in parameters)
        and name not in ONE_LEDGER.get(facade, ())
    ]
    assert not lost, "give each a parameter that names its account, or a place in ACROSS, FIRST or ONE_LEDGER"


@asynccontextmanager
async def opened(settings: Settings, **how: Any) -> AsyncIterator[Studio]:
    async with open_studio(settings, Parts(), serve=False, **how) as studio:
        yield studio


async def fill(studio: Studio) -> list[str]:
    """The same in any studio: what each account asks for, and the operations' ids."""
    made = []
    for number, account in enumerate(ACCOUNTS):
        await studio.accounts.open(account, plan="pro", prepaid=number == 0)
        if number == 0:
            await studio.accounts.add_credit(account, Money(1_000_000, "USD"), "paid")
        for turn in range(number + 1):
            asked = Request("text-to-image", account, {"prompt": "x"}, model=SYNC, user=f"user-{turn}")
            made.append((await studio.operations.submit(asked, queued=number == 0)).operation)
            if number:
                await studio.operations.wait(made[-1], account=account)
    return made


async def test_all_shards_say_together_what_one_ledger_says(
    settings: Settings, sqlite_url: str, tmp_path: Path
) -> None:
    alone = settings_for(sqlite_url, tmp_path / "alone", plan_prices="elsewhere")
    async with opened(settings) as several, opened(alone) as one:
        for studio in (several, one):
            await fill(studio)
            studio.views.catch_up()
        assert [view.id for view in await several.accounts.list_after()] == sorted(ACCOUNTS)
        assert [view.id for view in await several.accounts.list_after(ACCOUNTS[0], 2)] == sorted(ACCOUNTS)[1:3]
        chosen: Any
        for chosen in (USAGE, COSTS):
            found, wanted = ([repr(row) for row in each.views.rows(chosen)] for each in (several, one))
            assert sorted(found) == sorted(wanted)
            assert len(wanted) > 0
        assert several.books.balance().lines == one.books.balance().lines
        for by, top in ((("model",), None), (("user",), "price"), (("account", "model"), "charged"), ((), None)):
            asked = SumQuestion(by=by, top=top)
            sums = [each.views.sum_up(asked) for each in (several, one)]
            assert (sums[0].rows, sums[0].totals, sums[0].open) == (sums[1].rows, sums[1].totals, sums[1].open)


async def test_pages_of_all_shards_are_in_one_order_and_nothing_is_missed_or_twice(settings: Settings) -> None:
    async with opened(settings) as studio:
        made = await fill(studio)
        studio.views.catch_up()
        whole = studio.views.find(OPERATIONS)
        assert [row.id for row in whole.rows] == sorted(made, reverse=True)
        for size in (1, 3, len(made)):
            seen, after = list[str](), None
            while True:
                page = studio.views.find(OPERATIONS, after=after, limit=size)
                seen += [row.id for row in page.rows]
                if page.next is None:
                    break
                after = page.next
            assert seen == sorted(made, reverse=True)
        asked = SumQuestion(by=("user",), top="price")
        pages = [studio.views.sum_up(asked, limit=1)]
        while pages[-1].next is not None:
            pages.append(studio.views.sum_up(asked, after=pages[-1].next, limit=1))
        assert [row for page in pages for row in page.rows] == list(studio.views.sum_up(asked).rows)


async def test_each_account_is_in_its_own_shard_alone(settings: Settings) -> None:
    async with opened(settings) as studio:
        made = await fill(studio)
        for place, one in zip((0, 1), studio.shards, strict=True):
            assert {row.id for row in await one.accounts.list_after()} == {ACCOUNTS[place], ACCOUNTS[place + 2]}
        assert await studio.operations.account_of(made[0]) == ACCOUNTS[0]
        assert (await studio.operations.look(made[1], account=ACCOUNTS[1])).operation == made[1]
        assert studio.log.facts(made[1])[0].operation.account == ACCOUNTS[1]  # type: ignore[union-attr]
        end = studio.shards[1].log.reader.end()
        assert [row.id for row in await studio.past.operations([made[1]], end)] == [made[1]]
        with pytest.raises(UnknownOperation):
            await studio.operations.look(made[1], account=ACCOUNTS[0])
        with pytest.raises(UnknownOperation):
            await studio.operations.account_of("nothing")
        with pytest.raises(UnknownAccount):
            await studio.accounts.show("nobody")
        assert {status.view.partition("/")[0] for status in studio.views.status()} == {"a", "b"}
        assert len(studio.views.status()) == 2 * len(ALL)


async def test_what_is_of_one_ledger_is_refused_with_the_reason(settings: Settings) -> None:
    async with opened(settings) as studio:
        with pytest.raises(InvalidInput, match="of one ledger, and there are 2 shards"):
            studio.seals.take()
        with pytest.raises(InvalidInput, match="of one ledger"):
            await studio.upkeep.sweep()
        with pytest.raises(InvalidInput, match="of one ledger"):
            studio.log.follow()


async def test_a_key_opens_its_account_from_whichever_shard_until_it_is_revoked(settings: Settings) -> None:
    async with opened(settings) as studio, opened(settings) as other:
        for account in ACCOUNTS[:2]:
            await studio.accounts.open(account)
            key = await studio.keys.issue(account, KeyTerms((KeyScope.OPERATE,)), reason="test")
            assert (await other.keys.known(key.secret)).account == account
            await studio.keys.revoke(account, key.key.id, reason="test")
            with pytest.raises(Unauthenticated):
                await studio.keys.known(key.secret)
        first = await studio.keys.ensure_first_key()
        assert first is not None
        assert (await other.keys.known(first.secret)).runs_studio
        assert await other.keys.ensure_first_key() is None


async def test_the_audit_is_of_all_shards_and_reading_alone_says_the_same(settings: Settings) -> None:
    async with opened(settings) as studio:
        await fill(studio)
        verdict = await verdict_of(studio.audit)
        assert verdict.clean
        assert verdict.comparison is not None
        assert {view.view.partition("/")[0] for view in verdict.comparison.views} == {"a", "b"}
        assert (await verdict_of(studio.audit, ACCOUNTS[0])).clean
        with open_reading(settings) as reading:
            reading.views.catch_up()
            assert reading.views.rows(USAGE) == studio.views.rows(USAGE)
            assert await reading.accounts.show(ACCOUNTS[1]) == replace(await studio.accounts.show(ACCOUNTS[1]))
            assert (await verdict_of(reading.audit)).clean
