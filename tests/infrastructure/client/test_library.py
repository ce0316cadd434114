"""The library and the rows of a service through a client: as they are here, and through every step of an asset."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import pytest

from application.library.answers import Bringing
from application.library.records import AssetQuery
from domain.actor import Actor, ActorKind
from domain.periods import EARLIEST, LATEST
from imagestudio import AsyncClient, Client, ImageStudioError, InvalidRequest
from infrastructure.blocking import BlockingStudio
from infrastructure.showing.assets import lineage_document, page_document, shown_document
from tests.infrastructure.client.both import ACCOUNT, Either
from tests.infrastructure.gateway.gateways import Gateway
from tests.wire.fake import media

Program = Callable[[Either], Any]
PICTURE = media.image(96, 64)
OF_ONE_RUN = {
    "id",
    "asset",
    "operation",
    "batch",
    "at",
    "first_seen",
    "last_seen",
    "stood_at",
    "path",
    "where",
    "digest",
}
HIDDEN = {"cost", "cost_partial"}


def alike(document: Any) -> Any:
    """A document without what tells one run from another, and without what is not shown to everybody."""
    if isinstance(document, dict):
        left_out = OF_ONE_RUN - {"asset"} if isinstance(document.get("asset"), dict) else OF_ONE_RUN
        return {name: alike(one) for name, one in document.items() if name not in left_out | HIDDEN}
    return [alike(one) for one in document] if isinstance(document, list) else document


def made(studio: Either, picture: bytes = PICTURE) -> str:
    """The asset of an edited picture."""
    return studio.operations.edit(picture, "sepia", account=ACCOUNT, allow="stand-in").assets[0].asset.id


def erased(studio: Either, picture: bytes = PICTURE) -> str:
    """The asset of an edited picture whose file is erased."""
    return studio.library.erase(ACCOUNT, made(studio, picture)).assets[0]


def listed(studio: Either) -> Any:
    made(studio)
    wanted = AssetQuery(kind="image-edit", sort="oldest")
    return page_document(studio.library.list(ACCOUNT, wanted, limit=1))["assets"]


def seen_between(studio: Either) -> Any:
    """Found by their first sight, to the microsecond, with one end and with both."""
    at = studio.library.show(ACCOUNT, made(studio)).asset.first_seen
    spans = ((at, at + 1), (at + 1, LATEST), (EARLIEST, at + 1))
    return [
        [min(one.first_seen - at, 1) for one in studio.library.list(ACCOUNT, AssetQuery(seen=seen)).assets][:1]
        for seen in spans
    ]


def shown(studio: Either) -> Any:
    return shown_document(studio.library.show(ACCOUNT, made(studio)))


def descended(studio: Either) -> Any:
    return lineage_document(studio.library.lineage(ACCOUNT, made(studio)))


def disposed(studio: Either) -> Any:
    asset = made(studio)
    standings = [studio.library.trash(ACCOUNT, asset, reason="blurred").standing]
    standings.append(studio.library.restore(ACCOUNT, asset).standing)
    expires = studio.library.expire(ACCOUNT, asset, at=4_000_000_000_123_456).expires
    gone = studio.library.erase(ACCOUNT, asset)
    return [standings, expires, len(gone.assets), gone.files, studio.library.show(ACCOUNT, asset).asset.standing]


def fetched(studio: Either) -> Any:
    content = studio.library.content(ACCOUNT, made(studio))
    return [content.media_type, content.width, content.height, content.content[:4]]


def drawn_small(studio: Either) -> Any:
    return studio.library.thumbnail(ACCOUNT, made(studio)).media_type


def archived(studio: Either) -> Any:
    """Two assets, of which one has no file any more, as one ZIP file."""
    kept, gone, stream = made(studio), erased(studio, media.image(33, 44)), BytesIO()
    found = studio.library.archive_named(ACCOUNT, {"front": kept, "back": gone}, stream)
    with ZipFile(stream) as archive:
        assert archive.testzip() is None
        assert archive.read("front.png") == studio.library.content(ACCOUNT, kept).content
        entries = json.loads(archive.read("manifest.json"))["assets"]
        names = archive.namelist()
    return [names, [*found.files], found.missing == (gone,), found.files["front.png"] == kept, alike(entries)]


def archived_under_ids(studio: Either) -> Any:
    kept, stream = made(studio), BytesIO()
    found = studio.library.archive(ACCOUNT, [kept], stream)
    with ZipFile(stream) as archive:
        return [
            found.files == {f"{kept}.png": kept},
            sorted(archive.namelist()) == sorted([*found.files, "manifest.json"]),
        ]


PROGRAMS: list[Program] = [
    archived,
    archived_under_ids,
    listed,
    seen_between,
    shown,
    descended,
    fetched,
    drawn_small,
    disposed,
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_finds_the_same_in_both(program: Program, local: BlockingStudio, remote: Client) -> None:
    assert alike(program(remote)) == alike(program(local))


def test_an_asset_is_the_very_record_that_the_studio_has(gateway: Gateway) -> None:
    with Client(gateway.url, key=gateway.administrator(), account=ACCOUNT) as studio:
        for known in studio.library.list().assets:
            assert gateway.run(gateway.studio.library.known(ACCOUNT, known.id)) == known


ERRORS: dict[str, Program] = {
    "no asset": lambda studio: studio.library.show(ACCOUNT, "nothing"),
    "no asset, with signs": lambda studio: studio.library.show(ACCOUNT, "x?y#z"),
    "no order": lambda studio: studio.library.list(ACCOUNT, AssetQuery(sort="nicest")),
    "no cursor": lambda studio: studio.library.list(ACCOUNT, after="x"),
    "no file": lambda studio: studio.library.add(ACCOUNT, Path("/nowhere/lake.png")),
    "no file of it": lambda studio: studio.library.file(ACCOUNT, "nothing"),
    "in the past": lambda studio: studio.library.expire(ACCOUNT, made(studio), at=1),
    "an erased file": lambda studio: studio.library.content(
        ACCOUNT, studio.library.erase(ACCOUNT, made(studio)).assets[0]
    ),
}


@pytest.mark.parametrize("program", ERRORS.values(), ids=ERRORS)
def test_a_program_is_told_the_same_in_both(program: Program, local: BlockingStudio, remote: Client) -> None:
    with pytest.raises(ImageStudioError) as there:
        program(remote)
    with pytest.raises(ImageStudioError) as ours:
        program(local)
    assert (type(there.value), there.value.code) == (type(ours.value), ours.value.code)


def test_a_file_is_brought_described_and_linked_to(gateway: Gateway, remote: Client, tmp_path: Path) -> None:
    path = tmp_path / "lake.png"
    path.write_bytes(media.image(80, 40))
    added = remote.library.add(ACCOUNT, path, new=Bringing(title="A lake"))
    again = remote.library.add(ACCOUNT, path.read_bytes())
    assert (added.is_new, again.is_new, again.asset.id) == (True, False, added.asset.id)
    words = remote.library.describe(ACCOUNT, added.asset.id, tags=["blue"], favourite=True)
    assert (words.title, words.tags, words.favourite) == ("A lake", ("blue",), True)
    assert [one.id for one in remote.library.list(wanted=AssetQuery(tag="blue")).assets] == [added.asset.id]
    link = remote.library.link(ACCOUNT, added.asset.id, expires=60)
    assert httpx.get(link.url).content == path.read_bytes()
    file = remote.library.file(ACCOUNT, added.asset.id)
    assert b"".join(remote.library.pieces(ACCOUNT, file)) == path.read_bytes()
    sent = f"asset:{added.asset.id}"
    assert remote.operations.edit(sent, "sepia", allow="stand-in").status == "charged"


def test_what_a_service_is_not_asked_is_refused_and_not_dropped(remote: Client) -> None:
    with pytest.raises(InvalidRequest, match="made"):
        remote.library.list(wanted=AssetQuery(made=True))
    with pytest.raises(InvalidRequest, match="by the key"):
        remote.library.add(ACCOUNT, PICTURE, new=Bringing(by=Actor(ActorKind.USER, "ann")))
    with pytest.raises(InvalidRequest, match="colour"):
        remote.views.usage(colour="red")


def test_rows_come_in_pages_with_exact_amounts(gateway: Gateway, remote: Client) -> None:
    made(remote), made(remote)
    first = remote.views.operations(limit=1, kind="image-edit")
    assert first.next is not None
    second = remote.views.operations(limit=1, kind="image-edit", after=first.next)
    assert first.rows[0]["id"] > second.rows[0]["id"]
    (used,) = [row for row in remote.views.usage().rows if row["kind"] == "image-edit"]
    assert used["price"]["micros"] == used["charged"] * first.rows[0]["price"]["micros"]
    assert {row["account"] for row in remote.views.spend().rows} == {ACCOUNT}
    assert len(remote.views.periods().rows) == 1


async def test_the_library_with_await(gateway: Gateway) -> None:
    async with AsyncClient(gateway.url, key=gateway.secret) as studio:
        added = await studio.library.add(ACCOUNT, media.image(20, 30))
        shown = await studio.library.show(ACCOUNT, added.asset.id)
        assert (shown.asset, (await studio.library.content(ACCOUNT, added.asset.id)).width) == (added.asset, 20)
