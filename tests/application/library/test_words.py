"""Words about assets are found on both databases alike, belong to their account, and go with what they are about."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from application.library.records import AssetQuery
from application.library.searching import as_fts5, as_tsquery, as_tsvector, searched, words_of
from domain.errors import InvalidInput, UnknownAsset, UnknownCollection
from infrastructure.service import Studio
from infrastructure.store.database import Database
from tests.application.studios import SYNC, is_sound, picture, studio_on

PROMPTS = {
    "lake": "A lake at dawn, in the fog",
    "fox": "an Ångström-sized fox & the lake's shore",
    "city": 'the "old" city: dawn over roofs',
}


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path) as opened:
        for account in ("acme", "globex"):
            await opened.accounts.open(account, plan="pro")
        yield opened
        assert await is_sound(opened)


@pytest.fixture
async def ids(studio: Studio) -> dict[str, str]:
    """Three assets of acme by the word for each, and one of globex."""
    found = {}
    for name, prompt in PROMPTS.items():
        found[name] = (await studio.operations.generate(prompt, account="acme", model=SYNC)).assets[0].asset.id
    await studio.operations.generate("a lake of another's", account="globex", model=SYNC)
    return found


async def names(studio: Studio, ids: dict[str, str], looked_for: str, **more: object) -> set[str]:
    query = AssetQuery(text=looked_for, **more)  # type: ignore[arg-type]
    found = (await studio.library.list("acme", query)).assets
    return {name for name, id in ids.items() if id in {one.id for one in found}}


@pytest.mark.parametrize(
    ("looked_for", "found"),
    [
        ("lake", {"lake", "fox"}),
        ("LAKE dawn", {"lake"}),
        ('"lake at dawn"', {"lake"}),
        ('"dawn lake"', set()),
        ("da*", {"lake", "city"}),
        ("lake -fog", {"fox"}),
        ('dawn -"old city"', {"lake"}),
        ("angstrom", {"fox"}),
        ("lake's", {"fox"}),
        ("Ångström-sized", {"fox"}),
        ("nowhere", set()),
        ("lake OR city", set()),
    ],
)
async def test_prompts_are_found_by_words_phrases_and_beginnings(
    studio: Studio, ids: dict[str, str], looked_for: str, found: set[str]
) -> None:
    assert await names(studio, ids, looked_for) == found


@pytest.mark.parametrize(
    "odd", ["'; DROP TABLE log; --", 'a"b', "lake)", "title:lake", "NEAR(a b)", "x & !y", "\\", "^a"]
)
async def test_no_sign_of_a_users_is_an_error_of_syntax(studio: Studio, ids: dict[str, str], odd: str) -> None:
    try:
        await names(studio, ids, odd)
    except InvalidInput as error:
        assert not words_of(odd), error  # noqa: PT017


@pytest.mark.parametrize("empty", ["", "-fog", "…", " ".join(["word"] * 30)])
async def test_a_search_for_nothing_is_refused(studio: Studio, empty: str) -> None:
    with pytest.raises(InvalidInput, match="names no word"):
        await studio.library.list("acme", AssetQuery(text=empty))


async def test_titles_descriptions_and_tags_are_found_with_prompts(studio: Studio, ids: dict[str, str]) -> None:
    words = studio.library.words
    await words.describe("acme", ids["fox"], title="Reineke", description="For the spring campaign")
    await words.tag("acme", ids["fox"], add=["red", "animal"])
    for looked_for in ("reineke", "spring campaign", "animal", "reineke shore"):
        assert await names(studio, ids, looked_for) == {"fox"}
    await words.describe("acme", ids["fox"], title="")
    await words.tag("acme", ids["fox"], remove=["animal"])
    assert await names(studio, ids, "reineke") == await names(studio, ids, "animal") == set()
    assert (await words.of("acme", ids["fox"]))[ids["fox"]].tags == ("red",)


async def test_a_phrase_does_not_go_from_one_text_into_the_next(studio: Studio, ids: dict[str, str]) -> None:
    await studio.library.words.describe("acme", ids["fox"], title="red", description="fox")
    assert await names(studio, ids, '"red fox"') == set()
    assert await names(studio, ids, "red fox") == {"fox"}


async def test_assets_are_listed_by_tag_favourite_and_collection(studio: Studio, ids: dict[str, str]) -> None:
    words = studio.library.words
    await words.tag("acme", ids["lake"], add=["water", "blue"])
    await words.tag("acme", ids["fox"], add=["water"])
    await words.describe("acme", ids["fox"], favourite=True)
    await words.make_collection("acme", "Campaign", description="for spring")
    await words.collect("acme", "Campaign", add=[ids["city"], ids["fox"]])
    await words.make_collection("acme", "Other")
    await words.collect("acme", "Other", add=[ids["fox"]])

    async def listed(**asked: object) -> set[str]:
        found = (await studio.library.list("acme", AssetQuery(**asked))).assets  # type: ignore[arg-type]
        return {name for name, id in ids.items() if id in {one.id for one in found}}

    assert await listed(tag="water") == {"lake", "fox"}
    assert await listed(favourite=True) == {"fox"}
    assert await listed(collection="Campaign") == {"city", "fox"}
    assert await listed(collection="Campaign", tag="water", text="shore") == {"fox"}
    await words.collect("acme", "Campaign", remove=[ids["fox"]])
    assert await listed(collection="Campaign") == {"city"}
    assert [(one.name, one.assets) for one in await words.collections("acme")] == [("Campaign", 1), ("Other", 1)]
    await words.drop_collection("acme", "Campaign")
    assert [one.name for one in await words.collections("acme")] == ["Other"]
    assert (await studio.library.show("acme", ids["fox"])).words.collections == ("Other",)


async def test_words_are_an_accounts_own(studio: Studio, ids: dict[str, str]) -> None:
    words = studio.library.words
    await words.describe("acme", ids["lake"], title="secret")
    await words.make_collection("acme", "Campaign")
    with pytest.raises(UnknownAsset):
        await words.describe("globex", ids["lake"], title="stolen")
    with pytest.raises(UnknownAsset):
        await words.collect("acme", "Campaign", add=["0" * 24])
    with pytest.raises(UnknownCollection):
        await words.collect("globex", "Campaign")
    assert (await studio.library.list("globex", AssetQuery(text="secret"))).assets == ()
    assert await words.collections("globex") == []
    assert len((await studio.library.list("globex", AssetQuery(text="lake"))).assets) == 1


@pytest.mark.parametrize(
    "wrong", [{"title": "x" * 201}, {"description": "x" * 5_001}, {"title": "a\x00b"}, {"title": 7}], ids=str
)
async def test_words_that_cannot_be_kept_are_refused(
    studio: Studio, ids: dict[str, str], wrong: dict[str, object]
) -> None:
    with pytest.raises(InvalidInput):
        await studio.library.words.describe("acme", ids["lake"], **wrong)  # type: ignore[arg-type]


def stored_words(database: Database) -> str:
    """Everything that the tables of words hold, and the index over them."""
    held = ("asset_words", "asset_tags", "collected_assets", "asset_search")
    with database.connect() as connection:
        return " ".join(repr(tuple(row)) for name in held for row in connection.execute(text(f"SELECT * FROM {name}")))


async def test_erasing_an_asset_erases_all_words_about_it(
    database_url: str, studio: Studio, ids: dict[str, str]
) -> None:
    words = studio.library.words
    await words.describe("acme", ids["lake"], title="pelican")
    await words.tag("acme", ids["lake"], add=["heron"])
    await words.make_collection("acme", "Birds")
    await words.collect("acme", "Birds", add=[ids["lake"]])
    assert await names(studio, ids, "pelican heron fog") == {"lake"}
    await studio.library.erase("acme", ids["lake"])
    database = Database(database_url)
    left = stored_words(database)
    database.close()
    assert not [word for word in ("pelican", "heron", "fog", ids["lake"]) if word in left]


async def test_erasing_an_operation_erases_its_prompt_from_the_index(
    database_url: str, studio: Studio, ids: dict[str, str]
) -> None:
    assert await names(studio, ids, "fog") == {"lake"}
    made = (await studio.library.show("acme", ids["lake"])).made_by[0].operation
    await studio.upkeep.erase(made, account="acme")
    assert await names(studio, ids, "fog", standing=None) == set()
    database = Database(database_url)
    left = stored_words(database)
    database.close()
    assert "fog" not in left


async def test_content_that_was_erased_before_it_was_indexed_is_never_found(
    studio: Studio, ids: dict[str, str]
) -> None:
    made = (await studio.library.show("acme", ids["lake"])).made_by[0].operation
    await studio.upkeep.erase(made, account="acme")
    assert await names(studio, ids, "fog", standing=None) == set()
    assert await names(studio, ids, "shore") == {"fox"}


@given(text=st.text(max_size=60))
def test_whatever_is_looked_for_is_an_expression_of_words_alone(text: str) -> None:
    try:
        wanted = searched(text)
    except InvalidInput:
        return
    for term in (*wanted.every, *wanted.none):
        assert all(word.isalnum() for word in term.words)
    assert as_fts5(wanted).startswith("(")
    assert as_tsquery(wanted).startswith("(")


def test_places_of_words_keep_texts_apart() -> None:
    assert as_tsvector([["a", "b", "a"], [], ["b"]]) == "'a':1,3 'b':2,8"


async def test_statistics_add_up_to_what_is_listed(studio: Studio, ids: dict[str, str]) -> None:
    await studio.accounts.allow("acme", "stand-in")
    made = await studio.operations.upscale(picture(), account="acme")
    await studio.library.words.describe("acme", ids["fox"], favourite=True)
    for query in (AssetQuery(), AssetQuery(text="lake"), AssetQuery(made=False), AssetQuery(favourite=True)):
        listed = (await studio.library.list("acme", query, limit=100)).assets
        found = await studio.library.statistics("acme", query)
        assert (found.assets, found.size) == (len(listed), sum(one.size for one in listed))
        prices = [one.price.micros for one in listed if one.price is not None]
        assert (None if found.price is None else found.price.micros) == (sum(prices) if prices else None)
        assert found.favourites == len([one for one in listed if one.id == ids["fox"]])
    whole = await studio.library.statistics("acme")
    assert {(one.kind, one.model, one.assets) for one in whole.parts} == {
        ("text-to-image", SYNC, 3),
        ("upscale", made.model, 1),
        (None, None, 1),
    }
