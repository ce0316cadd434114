"""Erased words are in no row, and on SQLite in no byte: not of the file, its log, its index, nor beside the files."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest
from sqlalchemy import text

from application.library.records import AssetQuery
from application.studios.recipes import Item, Order, Recipe, Step
from infrastructure.service import Studio
from tests.application.studios import SYNC, database_of, is_sound, picture, studio_on

GONE = ("pelican", "heron", "egret", "ibis", "spoonbill", "bittern", "avocet", "lapwing", "dunlin", "ruffian")
KEPT = ("flamingo", "kingfisher")
PROVIDERS = "scripted"
"""The folder in which the providers of tests keep what they were asked, as real ones would elsewhere."""


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path / "home") as opened:
        for account in ("acme", "globex"):
            await opened.accounts.open(account, plan="pro")
            await opened.accounts.allow(account, "stand-in")
        yield opened
        assert await is_sound(opened)


def in_rows(studio: Studio, words: Collection[str]) -> set[str]:
    """Those that any row of any table holds."""
    database = database_of(studio)
    names = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if database.is_sqlite
        else "SELECT table_name FROM information_schema.tables"
        " WHERE table_type = 'BASE TABLE' AND table_schema = current_schema()"
    )
    with database.connect() as connection:
        held = " ".join(
            repr(tuple(row))
            for name in connection.execute(text(names)).scalars().all()
            for row in connection.execute(text(f'SELECT * FROM "{name}"'))
        )
    return {word for word in words if word in held.lower()}


def in_bytes(home: Path, words: Collection[str]) -> dict[str, set[str]]:
    """The files of a home that hold any, in any case of letters, and which."""
    found: dict[str, set[str]] = {}
    for file in home.rglob("*"):
        if file.is_file() and PROVIDERS not in file.parts:
            content = file.read_bytes().lower()
            met = {word for word in words if word.encode() in content or word in file.name.lower()}
            if met:
                found[file.name] = met
    return found


async def filled(studio: Studio, home: Path) -> list[str]:
    """Words at every place where somebody can say any, of what is erased and of what stays; the operations to erase."""
    words = studio.library.words
    made = await studio.operations.generate("a Pelican", negative_prompt="lapwing", account="acme", model=SYNC)
    steps = (Step(service="create", options={"model": SYNC}),)
    order = Order(items=[Item("a dunlin")], recipe=Recipe(id="r", name="r", steps=steps), name="b", account="acme")
    batched = await studio.services.batch.run(order)
    stream = io.BytesIO()
    await studio.services.batch.archive(order, batched, stream)
    assert b"dunlin" in stream.getvalue()
    asset = made.assets[0].asset.id
    await words.describe("acme", asset, title="Heron", description="an egret, far off " * 200)
    await words.tag("acme", asset, add=["ibis", "ruffian"])
    await words.tag("acme", asset, remove=["ruffian"])
    await words.make_collection("acme", "Spoonbill", description="bittern")
    await words.collect("acme", "Spoonbill", add=[asset])
    brought = home.parent / "Avocet.png"
    brought.write_bytes(picture(700, 500))
    await studio.library.add("acme", brought)
    brought.unlink()
    stays = await studio.operations.generate("a flamingo", account="globex", model=SYNC)
    await words.describe("globex", stays.assets[0].asset.id, title="Kingfisher")
    assert len((await studio.library.list("acme", AssetQuery(text="pelican heron ibis"))).assets) == 1
    for one in (await studio.library.list("acme")).assets:
        await studio.library.thumbnail("acme", one.id)
    return [made.operation, *(result.operation for one in batched.outcomes for result in one.results)]


async def erased(studio: Studio, operations: Collection[str]) -> None:
    """All that the account has and said."""
    for operation in operations:
        await studio.upkeep.erase(operation, account="acme")
    ids = [one.id for one in (await studio.library.list("acme", AssetQuery(standing=None))).assets]
    await studio.library.erase("acme", *ids)
    await studio.library.words.drop_collection("acme", "Spoonbill")


async def test_no_word_of_what_is_erased_is_left_anywhere(studio: Studio, tmp_path: Path) -> None:
    home = tmp_path / "home"
    operations = await filled(studio, home)
    assert in_rows(studio, (*GONE, *KEPT)) >= {*GONE, *KEPT} - {"ruffian"}
    await erased(studio, operations)
    assert in_rows(studio, (*GONE, *KEPT)) == {*KEPT}
    assert not list((home / "assets").glob("acme*/*/*"))
    on_sqlite = database_of(studio).is_sqlite
    assert in_bytes(tmp_path, GONE) == {}
    assert not on_sqlite or {word for met in in_bytes(tmp_path, KEPT).values() for word in met} == {*KEPT}
    assert len((await studio.library.list("globex", AssetQuery(text="flamingo kingfisher"))).assets) == 1


async def test_what_is_erased_while_somebody_reads_is_gone_once_they_have_ended(
    sqlite_url: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    async with studio_on(sqlite_url, home) as studio:
        for account in ("acme", "globex"):
            await studio.accounts.open(account, plan="pro")
        operations = await filled(studio, home)
        with database_of(studio).engine.connect() as reader:
            reader.exec_driver_sql("BEGIN")
            reader.exec_driver_sql("SELECT count(*) FROM log").scalar_one()
            await erased(studio, operations)
            assert in_rows(studio, GONE) == set()
            reader.exec_driver_sql("ROLLBACK")
        assert await is_sound(studio)
    assert in_bytes(tmp_path, GONE) == {}
