"""Files brought into the library by themselves: measured, noted once, kept as long as people want, erased whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from application.library.answers import Bringing
from application.library.records import AssetQuery
from domain.actor import actor
from domain.assets import AssetAdded, AssetFact
from domain.errors import AssetMissing, IllegalTransition, InvalidInput, UnknownAccount, UnknownAsset
from domain.operation import Requested
from infrastructure.service import Studio
from tests.application.studios import database_of, facts_of, is_sound, later, picture, studio_on
from tests.infrastructure.films import film
from tests.objects import Server
from tests.workshop.solids import box


@pytest.fixture
async def studio(database_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(database_url, tmp_path / "home") as opened:
        await ready(opened)
        yield opened
        assert await is_sound(opened)


async def ready(studio: Studio) -> None:
    for account in ("acme", "globex"):
        await studio.accounts.open(account, plan="pro")
        await studio.accounts.allow(account, "stand-in")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    file = tmp_path / "Lake_at  dawn\n.v2.png"
    file.write_bytes(picture(40, 30))
    return file


def facts(studio: Studio) -> list[AssetFact]:
    return [fact for fact in facts_of(studio) if isinstance(fact, AssetFact)]


def log_text(studio: Studio) -> str:
    return "".join(entry.link.state.decode() for entry in studio.log.reader.read(0, 1_000))


async def in_pieces(content: bytes, size: int = 1_000) -> AsyncIterator[bytes]:
    for at in range(0, len(content), size):
        yield content[at : at + size]


async def test_a_file_is_an_asset_with_its_name_as_title_and_neither_name_nor_digest_in_the_log(
    studio: Studio, lake: Path
) -> None:
    new = Bringing(user="ann", project="site", by=actor("user:ann"))
    added = await studio.library.add("acme", lake, new=new)
    asset = added.asset
    assert (asset.media_type, asset.size, asset.width, asset.height) == ("image/png", lake.stat().st_size, 40, 30)
    assert (asset.made, asset.used, asset.price, asset.operation, asset.standing) == (0, 0, None, None, "kept")
    assert (asset.user, asset.project, added.is_new) == ("ann", "site", True)
    shown = await studio.library.show("acme", asset.id)
    assert (shown.words.title, shown.digest) == ("Lake at dawn .v2", sha256(lake.read_bytes()).hexdigest())
    assert shown.path is not None
    assert Path(shown.path).read_bytes() == lake.read_bytes()
    assert not [word for word in ("Lake", "dawn", str(shown.digest)) if word in log_text(studio)]
    [link] = [entry.link for entry in studio.log.reader.read(0, 1_000) if entry.link.topic == "asset.added"]
    assert (link.actor, link.operation) == ("user:ann", asset.id)


async def test_the_same_bytes_are_one_asset_and_one_fact(studio: Studio, lake: Path) -> None:
    first = await studio.library.add("acme", lake)
    again = await studio.library.add("acme", in_pieces(lake.read_bytes(), 7), new=Bringing(title="Another"))
    assert (again.asset.id, again.is_new, len(facts(studio))) == (first.asset.id, False, 1)
    assert (await studio.library.show("acme", first.asset.id)).words.title == "Another"
    await studio.library.add("acme", lake)
    assert (await studio.library.show("acme", first.asset.id)).words.title == "Another"
    assert (await studio.library.add("globex", lake)).asset.id != first.asset.id
    with pytest.raises(UnknownAsset):
        await studio.library.show("globex", first.asset.id)


async def test_operations_take_it_by_its_id_and_lineage_begins_with_it(studio: Studio, lake: Path) -> None:
    asset = (await studio.library.add("acme", lake)).asset
    result = await studio.operations.upscale(f"asset:{asset.id}", account="acme", key="k")
    lineage = await studio.library.lineage("acme", result.assets[0].asset.id)
    assert [one.id for one in lineage.ancestors.assets] == [asset.id]
    assert lineage.whole.brought == 1
    [requested] = [fact for fact in facts_of(studio) if isinstance(fact, Requested)]
    assert [given.id for given in requested.inputs] == [asset.id]
    again = await studio.operations.upscale(f"asset:{asset.id}", account="acme", key="k")
    assert (again.operation, again.repeated) == (result.operation, True)
    made = result.assets[0].asset.id
    await studio.operations.edit(f"asset:{made}", "sepia", account="acme")
    assert (await studio.library.show("acme", made)).used_by
    for account, id in (("globex", asset.id), ("acme", "0" * 24), ("acme", "")):
        with pytest.raises(UnknownAsset):
            await studio.operations.upscale(f"asset:{id}", account=account)


async def test_it_stays_although_an_operation_that_took_it_is_erased_and_a_sweep_keeps_it(
    database_url: str, tmp_path: Path, lake: Path
) -> None:
    async with studio_on(database_url, tmp_path / "home", clock=later()) as studio:
        await ready(studio)
        asset = (await studio.library.add("acme", lake)).asset
        result = await studio.operations.upscale(lake, account="acme")
        await studio.upkeep.erase(result.operation, account="acme")
        assert not (await studio.upkeep.sweep()).files
        shown = await studio.library.show("acme", asset.id)
        assert shown.asset.standing == "kept"
        assert shown.path is not None
        assert await is_sound(studio)


async def test_what_an_operation_had_before_is_the_same_asset_and_stays_too(studio: Studio, lake: Path) -> None:
    result = await studio.operations.upscale(lake, account="acme")
    added = await studio.library.add("acme", lake)
    assert (added.is_new, added.asset.used) == (True, 1)
    await studio.upkeep.erase(result.operation, account="acme")
    assert (await studio.library.show("acme", added.asset.id)).path is not None


async def test_erasing_it_leaves_nothing_that_tells_which_file_it_was(studio: Studio, lake: Path) -> None:
    asset = (await studio.library.add("acme", lake)).asset
    assert (await studio.library.erase("acme", asset.id)).files == 1
    digest = sha256(lake.read_bytes()).hexdigest()
    with database_of(studio).connect() as connection:
        bodies = list(connection.execute(text("SELECT body FROM contents")).scalars())
    assert not [body for body in bodies if digest in body]
    with pytest.raises(AssetMissing):
        await studio.library.content("acme", asset.id)
    with pytest.raises(AssetMissing):
        await studio.operations.upscale(f"asset:{asset.id}", account="acme")
    back = await studio.library.add("acme", lake)
    assert (back.asset.id, back.is_new, back.asset.standing) == (asset.id, True, "kept")
    assert (await studio.library.show("acme", asset.id)).path is not None


async def test_one_that_is_added_again_is_out_of_the_trash(studio: Studio, lake: Path) -> None:
    asset = (await studio.library.add("acme", lake)).asset
    await studio.library.trash("acme", asset.id)
    assert (await studio.library.add("acme", lake)).asset.standing == "kept"
    assert [type(fact).__name__ for fact in facts(studio)] == ["AssetAdded", "AssetTrashed", "AssetRestored"]


async def test_films_and_models_are_measured_and_large_ones_come_in_pieces(studio: Studio, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(film(seconds=2) + b"\0\0\0\x08free" * 300_000)
    added = (await studio.library.add("acme", clip)).asset
    assert (added.media_type, added.width, added.height, added.duration_ms) == ("video/mp4", 128, 96, 2_000)
    assert added.size == clip.stat().st_size > 2**21
    for content, kind in ((box().content, "gltf-binary"), (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "obj")):
        assert (await studio.library.add("acme", in_pieces(content))).asset.media_type == f"model/{kind}"
    assert len((await studio.library.list("acme", AssetQuery(made=False))).assets) == len(facts(studio)) == 3


async def test_what_cannot_be_brought_leaves_nothing(studio: Studio, lake: Path, tmp_path: Path) -> None:
    wrong: list[tuple[str, Any, Any, type[Exception]]] = [
        ("acme", in_pieces(b"only words"), Bringing(), InvalidInput),
        ("acme", in_pieces(b""), Bringing(), InvalidInput),
        ("acme", in_pieces(picture()[:-9]), Bringing(), InvalidInput),
        ("acme", tmp_path / "none.png", Bringing(), InvalidInput),
        ("acme", tmp_path, Bringing(), InvalidInput),
        ("nobody", lake, Bringing(), UnknownAccount),
        ("acme", lake, Bringing(title="x" * 201), InvalidInput),
    ]
    for account, file, new, error in wrong:
        with pytest.raises(error):
            await studio.library.add(account, file, new=new)
    with pytest.raises(InvalidInput, match="file: is no image"):
        await studio.library.add("acme", in_pieces(b"only words"))
    assert not [
        one
        for one in (tmp_path / "home" / "assets").rglob("*")
        if one.is_file() and one.suffix != ".json" and one.name != ".lock"
    ]
    assert not facts(studio)
    await studio.accounts.suspend("acme", reason="overdue")
    with pytest.raises(IllegalTransition):
        await studio.library.add("acme", lake)
    await studio.accounts.resume("acme", reason="paid")


async def test_the_audit_tells_content_that_was_changed_or_is_missing(studio: Studio, lake: Path) -> None:
    await studio.library.add("acme", lake)
    fact = next(fact for fact in facts(studio) if isinstance(fact, AssetAdded))
    assert not list(studio.audit.differences())
    change = text("UPDATE contents SET body = replace(body, 'png', 'gif') WHERE batch = :batch")
    with database_of(studio).engine.begin() as connection:
        connection.execute(change, {"batch": fact.content})
    assert [one.why for one in studio.audit.differences()] == ["is not what was added"]
    with database_of(studio).engine.begin() as connection:
        connection.execute(text("DELETE FROM contents WHERE batch = :batch"), {"batch": fact.content})
    assert [one.why for one in studio.audit.differences()] == ["is missing although its asset is not erased"]
    await studio.library.erase("acme", fact.asset)
    assert not list(studio.audit.differences())


async def test_a_bucket_keeps_what_was_added(swift: Server, sqlite_url: str, tmp_path: Path, lake: Path) -> None:
    settings: dict[str, Any] = swift.settings(swift.bucket())
    async with studio_on(sqlite_url, tmp_path / "home", **settings) as studio:
        await ready(studio)
        asset = (await studio.library.add("acme", lake)).asset
        assert (await studio.library.content("acme", asset.id)).content == lake.read_bytes()
