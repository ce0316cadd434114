"""A backup is taken while others write, and brought back into either database; what was changed is refused."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from application.keeping.verdict import audited
from domain.errors import AssetDamaged, FactsLost, ImageStudioError, InvalidInput, StoreUnavailable
from infrastructure.copying.backing import back_up_whole, copy_files
from infrastructure.copying.parts import FILES, MANIFEST, Manifest, read_manifest
from infrastructure.copying.restoring import RestoredLedger, restore
from infrastructure.files.alone import alone
from infrastructure.files.folder import LocalFolder
from infrastructure.files.saving import reported
from infrastructure.opening import Access, belonging, open_log
from infrastructure.reading import open_reading
from infrastructure.service import Studio
from infrastructure.settings import Settings
from infrastructure.store.backup import back_up as back_up_file
from infrastructure.store.urls import SQLITE, parse_url
from tests.application.studios import settings_for, studio_on
from tests.infrastructure.copying.killing import MOMENTS, killed, run
from tests.objects import Server

DRAWN: dict[str, Any] = {"account": "acme", "model": "scripted-image"}


def silent(_fraction: float, _message: str) -> None:
    pass


def back_up(settings: Settings, target: Path) -> Manifest:
    with closing(open_log(settings, Access.READ)) as log:
        return back_up_whole(log.database, belonging(settings, log), target, silent)


def bring_back(source: Path, settings: Settings) -> RestoredLedger:
    return restore(source, settings, silent)


async def is_clean(settings: Settings) -> bool:
    with open_reading(settings, whole=False) as reading:
        return (await audited(reading.audit)).clean


def facts(studio: Studio, upto: int) -> list[Any]:
    return [one for one in studio.log.reader.read(0, 100_000) if one.position <= upto]


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind, to restore into."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'other.db'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


async def test_a_backup_while_others_write_is_of_one_moment_and_restores_anywhere(
    database_url: str, other_url: str, tmp_path: Path
) -> None:
    async with studio_on(database_url, tmp_path / "home") as studio:
        await studio.accounts.open("acme", plan="pro", prepaid=False)
        await studio.accounts.change_limit("acme", "images", None)
        done, begun = asyncio.Event(), asyncio.Event()

        async def work() -> None:
            while not done.is_set():
                await studio.operations.generate("a lake", **DRAWN)
                begun.set()

        workers = [asyncio.create_task(work()) for _ in range(3)]
        await begun.wait()
        made = await asyncio.to_thread(back_up, settings_for(database_url, tmp_path / "home"), tmp_path / "backup")
        done.set()
        await asyncio.gather(*workers)
        kept = facts(studio, made.position)
        assert studio.log.reader.end() > made.position
    assert (made.missing, made.damaged) == (0, 0)
    other = settings_for(other_url, tmp_path / "elsewhere")
    found = await asyncio.to_thread(bring_back, tmp_path / "backup", other)
    assert found.lost is None
    assert await is_clean(other)
    async with studio_on(other_url, tmp_path / "elsewhere") as restored:
        assert facts(restored, made.position) == kept
        assert restored.log.reader.end() == made.position
        await restored.upkeep.recover()
        again = await restored.operations.generate("a fox", **DRAWN)
        assert again.status == "charged"
        assert restored.log.reader.end() > made.position
    assert await is_clean(other)


@pytest.fixture
async def small(sqlite_url: str, tmp_path: Path) -> Settings:
    """A ledger with a few operations."""
    settings = settings_for(sqlite_url, tmp_path / "home")
    async with studio_on(sqlite_url, tmp_path / "home") as studio:
        await studio.accounts.open("acme", plan="pro")
        for _ in range(3):
            await studio.operations.generate("a lake", **DRAWN)
    return settings


def change_part(folder: Path) -> None:
    part = folder / "log.ndjson.gz"
    lines = gzip.decompress(part.read_bytes()).replace(b'"price\\":40000', b'"price\\":4000')
    part.write_bytes(gzip.compress(lines + b" "))


def change_file(folder: Path) -> None:
    file = next(one for one in (folder / FILES).rglob("*.png"))
    file.write_bytes(file.read_bytes()[:-1] + b"x")


def lose_file(folder: Path) -> None:
    next(one for one in (folder / FILES).rglob("*.png")).unlink()


def change_manifest(folder: Path) -> None:
    told = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**told, "position": 1}))


def nest_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text("[" * 100_000)


def lose_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def lose_part(folder: Path) -> None:
    (folder / "accounts.ndjson.gz").unlink()


@pytest.mark.parametrize(
    "damage",
    [change_part, change_file, lose_file, change_manifest, nest_manifest, lose_manifest, lose_part],
    ids=lambda one: one.__name__,
)
async def test_a_backup_that_was_changed_is_refused_and_leaves_nothing(
    small: Settings, tmp_path: Path, damage: Any
) -> None:
    back_up(small, tmp_path / "backup")
    damage(tmp_path / "backup")
    other = settings_for(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "elsewhere")
    with pytest.raises((InvalidInput, AssetDamaged, ImageStudioError)):
        bring_back(tmp_path / "backup", other)
    assert not (tmp_path / "other.db").exists()


async def test_no_place_is_written_over(small: Settings, tmp_path: Path) -> None:
    back_up(small, tmp_path / "backup")
    with pytest.raises(InvalidInput, match="is there already"):
        back_up(small, tmp_path / "backup")
    with pytest.raises(InvalidInput, match="has files already"):
        bring_back(tmp_path / "backup", small.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'other.db'}"}))
    empty = small.model_copy(update={"assets": str(tmp_path / "other")})
    with pytest.raises(InvalidInput, match="is there already"):
        bring_back(tmp_path / "backup", empty)


async def test_what_is_being_written_is_written_by_nobody_else(small: Settings, tmp_path: Path) -> None:
    other = settings_for(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "elsewhere")
    ledger = parse_url(small.database_url or "")
    back_up(small, tmp_path / "backup")
    with ExitStack() as held:
        for name in ("new", "other.db", "copy.db", "acme.tar"):
            held.enter_context(alone(tmp_path / name, "FILE"))
        with pytest.raises(InvalidInput, match="new is being written by another process"):
            back_up(small, tmp_path / "new")
        with pytest.raises(InvalidInput, match=r"other\.db is being written"):
            bring_back(tmp_path / "backup", other)
        if ledger.get_backend_name() == SQLITE:
            with pytest.raises(InvalidInput, match=r"copy\.db is being written"):
                back_up_file(ledger, tmp_path / "copy.db")
    back_up(small, tmp_path / "new")
    bring_back(tmp_path / "new", other)
    assert [one.name for one in tmp_path.glob(".*.lock")] == []


async def test_a_copy_that_has_no_space_is_told_of_the_copy(small: Settings, tmp_path: Path) -> None:
    class Full(LocalFolder):
        """As a disk without space is."""

        def put(self, name: str, content: Iterator[bytes]) -> None:
            with reported():
                raise OSError(errno.ENOSPC, "No space left on device")

    with closing(open_log(small, Access.READ)) as log, pytest.raises(StoreUnavailable, match="cannot be written to"):
        copy_files(belonging(small, log), Full(tmp_path / "copy"), silent)


async def test_an_old_backup_is_not_opened_for_writing_against_a_newer_seal(small: Settings, tmp_path: Path) -> None:
    seals = tmp_path / "seals"
    back_up(small, tmp_path / "backup")
    async with studio_on(small.database, tmp_path / "home", seal_file=seals) as studio:
        await studio.operations.generate("a fox", **DRAWN)
        await asyncio.to_thread(studio.seals.take)
    other = settings_for(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "elsewhere", seal_file=seals)
    found = await asyncio.to_thread(bring_back, tmp_path / "backup", other)
    assert isinstance(found.lost, FactsLost)
    with pytest.raises(FactsLost, match="the log was sealed up to position"):
        async with studio_on(other.database, tmp_path / "elsewhere", seal_file=seals):
            pass
    back_up(small, tmp_path / "newer")
    newest = settings_for(f"sqlite:///{tmp_path / 'newest.db'}", tmp_path / "newest", seal_file=seals)
    assert (await asyncio.to_thread(bring_back, tmp_path / "newer", newest)).lost is None
    async with studio_on(newest.database, tmp_path / "newest", seal_file=seals) as studio:
        assert (await studio.operations.generate("a hill", **DRAWN)).status == "charged"


async def test_files_that_were_lost_or_damaged_are_told(small: Settings, tmp_path: Path) -> None:
    files = sorted((tmp_path / "home" / "assets").rglob("*.png"))
    files[0].write_bytes(b"spoilt")
    made = back_up(small, tmp_path / "backup")
    assert (made.damaged, made.missing) == (1, 0)
    files[0].unlink()
    assert (back_up(small, tmp_path / "again").missing) == 1


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_at_any_moment_a_backup_and_a_restore_are_whole_or_not_there(
    small: Settings, tmp_path: Path, moment: int
) -> None:
    home, target, other = tmp_path / "home", tmp_path / "backup", tmp_path / "elsewhere"
    code, steps = await asyncio.to_thread(run, home, "backup", str(tmp_path / "undisturbed"), "--db", small.database)
    assert code == 0
    await asyncio.to_thread(killed, home, moment, steps, "backup", str(target), "--db", small.database)
    if not target.exists():
        assert (await asyncio.to_thread(run, home, "backup", str(target), "--db", small.database))[0] == 0
    read_manifest(target)
    code, steps = await asyncio.to_thread(run, tmp_path / "whole", *restoring(target, tmp_path / "whole"))
    assert code == 0
    await asyncio.to_thread(killed, other, moment, steps, *restoring(target, other))
    if not (other / "ledger.db").exists():
        assert (await asyncio.to_thread(run, other, *restoring(target, other)))[0] == 0
    settings = settings_for(f"sqlite:///{other / 'ledger.db'}", other)
    assert await is_clean(settings)
    async with studio_on(settings.database, other) as studio:
        assert (await studio.operations.generate("a hill", **DRAWN)).status == "charged"


def restoring(backup: Path, home: Path) -> tuple[str, ...]:
    return ("restore", str(backup), "--db", f"sqlite:///{home / 'ledger.db'}", "--files", str(home / "assets"))


async def test_files_in_a_bucket_are_backed_up_and_brought_back_into_a_folder_or_a_bucket(
    swift: Server, sqlite_url: str, tmp_path: Path
) -> None:
    bucket = swift.bucket()
    kept: dict[str, Any] = swift.settings(bucket)
    async with studio_on(sqlite_url, tmp_path / "home", **kept) as studio:
        await studio.accounts.open("acme", plan="pro")
        made = [await studio.operations.generate(f"a lake {number}", **DRAWN) for number in range(3)]
        digests = {one.assets[0].asset.digest for one in made}
    settings = settings_for(sqlite_url, tmp_path / "home", **kept)
    manifest = await asyncio.to_thread(back_up, settings, tmp_path / "backup")
    assert (manifest.files, manifest.missing, manifest.damaged) == (len(digests), 0, 0)
    lost = next(name for name in swift.names(bucket) if any(digest in name for digest in digests))
    swift.delete(bucket, lost)
    assert (await asyncio.to_thread(back_up, settings, tmp_path / "less")).missing == 1

    places: list[dict[str, Any]] = [{}, swift.settings(swift.bucket())]
    for number, place in enumerate(places):
        url = f"sqlite:///{tmp_path / f'{number}.db'}"
        other = settings_for(url, tmp_path / f"home{number}", **place)
        await asyncio.to_thread(bring_back, tmp_path / "backup", other)
        assert await is_clean(other)
        async with studio_on(url, tmp_path / f"home{number}", **place) as restored:
            contents = [(await restored.library.content("acme", one.assets[0].asset.id)).content for one in made]
        assert contents == [one.assets[0].content for one in made]
