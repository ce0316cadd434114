"""The library in other orders: by bytes, price and title, in pages that stay exact while others write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from application.library.records import ORDERS, AssetQuery, AssetRecord
from domain.errors import InvalidInput, UnknownCollection
from domain.money import Money
from infrastructure.service import Studio
from tests.application.studios import SYNC, is_sound, picture, studio_on

TITLES = ("Zebra", "apple", "Äpfel", "Apple pie", "", "zebra", "10", "")


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path) as opened:
        for account in ("acme", "globex"):
            await opened.accounts.open(account, plan="pro")
        yield opened
        assert await is_sound(opened)


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def filled(studio: Studio) -> list[AssetRecord]:
    """Assets of several sizes, prices and titles, some equal: five that were made, three that were brought."""
    for number in range(5):
        await studio.operations.generate("a lake", account="acme", model=SYNC, seed=number)
    for number in range(3):
        await studio.library.add("acme", pieces(picture(20 + number, 20)))
    assets = list((await studio.library.list("acme")).assets)
    for asset, title in zip(assets, TITLES, strict=True):
        if title:
            await studio.library.words.describe("acme", asset.id, title=title)
    first, second = [one for one in assets if one.operation is not None][:2]
    for one, amount in ((first, 10_000), (second, 30_000)):
        assert one.operation is not None
        await studio.upkeep.refund(
            one.operation, account="acme", amount=Money(amount, "USD"), reason="r", reference=one.id
        )
    return list((await studio.library.list("acme")).assets)


async def told(studio: Studio, sort: str, limit: int = 50) -> list[AssetRecord]:
    """All pages of an order."""
    found: list[AssetRecord] = []
    after: str | None = None
    while True:
        page = await studio.library.list("acme", AssetQuery(sort=sort), after=after, limit=limit)
        found += page.assets
        after = page.next
        if after is None:
            return found


async def expected(studio: Studio, assets: list[AssetRecord], sort: str) -> list[str]:
    words = await studio.library.words.of("acme", *(one.id for one in assets))
    keys = {
        "newest": (lambda one: (one.first_seen, one.id), True),
        "oldest": (lambda one: (one.first_seen, one.id), False),
        "largest": (lambda one: (one.size, one.id), True),
        "smallest": (lambda one: (one.size, one.id), False),
        "dearest": (lambda one: (one.price.micros if one.price else -1, one.id), True),
        "cheapest": (lambda one: (one.price.micros if one.price else 2**62, one.id), False),
        "title": (lambda one: (not words[one.id].title, folded(words[one.id].title), one.id), False),
    }
    key, reverse = keys[sort]
    return [one.id for one in sorted(assets, key=key, reverse=reverse)]


def folded(title: str) -> bytes:
    return "".join(one.lower() if one.isascii() else one for one in title).encode()


async def test_every_order_is_the_same_on_both_databases_in_pages_of_any_length(studio: Studio) -> None:
    assets = await filled(studio)
    assert len({one.price for one in assets}) == 4
    for sort in ORDERS:
        wanted = await expected(studio, assets, sort)
        for limit in (1, 3, 50):
            assert [one.id for one in await told(studio, sort, limit)] == wanted, (sort, limit)


@pytest.mark.parametrize("sort", ORDERS)
async def test_pages_go_on_exactly_while_others_write(studio: Studio, sort: str) -> None:
    assets = await filled(studio)
    wanted = await expected(studio, assets, sort)
    first = await studio.library.list("acme", AssetQuery(sort=sort), limit=3)
    for number in range(3):
        await studio.library.add("acme", pieces(picture(40 + 90 * number, 40)))
        await studio.operations.generate("a fox", account="acme", model=SYNC, seed=number + 50)
    rest, after = list[AssetRecord](), first.next
    while after is not None:
        page = await studio.library.list("acme", AssetQuery(sort=sort), after=after, limit=2)
        rest, after = [*rest, *page.assets], page.next
    known = set(wanted)
    met = [one.id for one in (*first.assets, *rest) if one.id in known]
    assert met == wanted


async def test_filters_hold_in_every_order_and_another_accounts_are_not_there(studio: Studio) -> None:
    assets = await filled(studio)
    sizes = sorted(one.size for one in assets)
    middle = (sizes[2], sizes[5])
    since = sorted(one.first_seen for one in assets)[4]
    for sort in ORDERS:
        for query, wanted in (
            (AssetQuery(sort=sort, made=False), [one for one in assets if not one.made]),
            (AssetQuery(sort=sort, sizes=middle), [one for one in assets if middle[0] <= one.size <= middle[1]]),
            (AssetQuery(sort=sort, seen=(since, 2**62)), [one for one in assets if one.first_seen >= since]),
        ):
            found = (await studio.library.list("acme", query)).assets
            assert [one.id for one in found] == await expected(studio, wanted, sort)
        assert (await studio.library.list("globex", AssetQuery(sort=sort))).assets == ()


async def test_an_order_and_a_cursor_that_there_is_not_are_told(studio: Studio) -> None:
    await filled(studio)
    with pytest.raises(InvalidInput, match="there is no sort 'bigest'"):
        await studio.library.list("acme", AssetQuery(sort="bigest"))
    cursors = {sort: (await studio.library.list("acme", AssetQuery(sort=sort), limit=1)).next for sort in ORDERS}
    assert None not in cursors.values()
    for sort in ORDERS:
        for other, after in cursors.items():
            if other != sort:
                with pytest.raises(InvalidInput, match=r"^after: "):
                    await studio.library.list("acme", AssetQuery(sort=sort), after=after)
        for after in ("", "x", "W10", "é", str(cursors[sort])[:-3]):
            with pytest.raises(InvalidInput):
                await studio.library.list("acme", AssetQuery(sort=sort), after=after)


async def test_a_collection_gets_another_name_and_is_taken_away_and_its_assets_stay(studio: Studio) -> None:
    words, assets = studio.library.words, await filled(studio)
    ids = [one.id for one in assets[:3]]
    await words.make_collection("acme", "Spring", description="for the campaign")
    await words.collect("acme", "Spring", add=ids)
    await words.make_collection("globex", "Summer")
    await words.make_collection("acme", "Other")
    await words.rename_collection("acme", "Spring", "Summer")
    found = {one.name: (one.assets, one.description) for one in await words.collections("acme")}
    assert found == {"Summer": (3, "for the campaign"), "Other": (0, "")}
    assert {one.id for one in (await studio.library.list("acme", AssetQuery(collection="Summer"))).assets} == {*ids}
    await words.rename_collection("acme", "Summer", "Summer")
    with pytest.raises(InvalidInput, match="there is a collection 'Other' already"):
        await words.rename_collection("acme", "Summer", "Other")
    with pytest.raises(UnknownCollection):
        await words.rename_collection("globex", "Other", "Mine")
    for wrong in ("", " ", "x" * 101):
        with pytest.raises(InvalidInput):
            await words.rename_collection("acme", "Summer", wrong)
    await words.drop_collection("acme", "Summer")
    assert [one.name for one in await words.collections("acme")] == ["Other"]
    assert len((await studio.library.list("acme")).assets) == len(assets)
    assert [one.name for one in await words.collections("globex")] == ["Summer"]
