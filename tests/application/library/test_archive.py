"""Assets leave as one ZIP file: whole files under safe names, and a manifest that says what each is and cost."""

from __future__ import annotations

import io
import json
from pathlib import Path
from zipfile import ZipFile

import pytest

from domain.errors import AssetDamaged, InvalidInput, UnknownAsset
from tests.application.studios import SYNC, picture, studio_on


class OneWay(io.BytesIO):
    """A stream that cannot be wound back, as a pipe."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation("seek")

    def tell(self) -> int:
        raise io.UnsupportedOperation("tell")


async def test_files_and_what_each_is_leave_in_one_archive(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.allow("acme", "stand-in")
        made = (await studio.operations.generate("a lake", account="acme", model=SYNC)).assets[0]
        result = await studio.operations.upscale(made.content, account="acme")
        large, gone = result.assets[0], picture(7, 7)
        await studio.operations.upscale(gone, account="acme")
        [brought] = [one for one in (await studio.library.list("acme")).assets if not one.made]
        await studio.library.erase("acme", brought.id)
        ids, stream = [made.asset.id, large.asset.id, brought.id, made.asset.id], OneWay()
        archived = await studio.library.archive("acme", ids, stream)
    assert archived.missing == (brought.id,)
    assert archived.files == {f"{one.asset.id}.png": one.asset.id for one in (made, large)}
    with ZipFile(io.BytesIO(stream.getvalue())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{made.asset.id}.png", f"{large.asset.id}.png", "manifest.json"]
        assert archive.read(f"{large.asset.id}.png") == large.content
        entries = json.loads(archive.read("manifest.json"))["assets"]
    assert [one["path"] for one in entries] == [f"{made.asset.id}.png", f"{large.asset.id}.png", None]
    assert (entries[0]["price"]["amount"], entries[0]["used_by"][0]["operation"]) == ("0.04", result.operation)


async def test_a_damaged_file_is_told_and_an_unknown_asset_before_anything_is_written(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        made = (await studio.operations.generate("a lake", account="acme", model=SYNC)).assets[0]
        stream = io.BytesIO()
        with pytest.raises(UnknownAsset):
            await studio.library.archive("acme", [made.asset.id, "0" * 24], stream)
        assert stream.getvalue() == b""
        assert made.path is not None
        Path(made.path).write_bytes(b"not what it was")
        with pytest.raises(AssetDamaged):
            await studio.library.archive("acme", [made.asset.id], stream)


async def test_files_have_the_names_that_they_are_given_also_several_of_one_asset(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        made = (await studio.operations.generate("a lake", account="acme", model=SYNC)).assets[0]
        stream = OneWay()
        names = {"1 See": made.asset.id, "2 Zürich": made.asset.id}
        archived = await studio.library.archive_named("acme", names, stream)
        assert archived.files == {"1 See.png": made.asset.id, "2 Zürich.png": made.asset.id}
        with ZipFile(io.BytesIO(stream.getvalue())) as archive:
            assert [archive.read(name) for name in archived.files] == [made.content] * 2
            entries = json.loads(archive.read("manifest.json"))["assets"]
        assert [(one["path"], one["id"]) for one in entries] == [*archived.files.items()]


@pytest.mark.parametrize(
    "wrong", ["", "a/b", "..", ".a", "a\\b", "a.", "a ", "a\nb", "manifest", "x" * 101, "a*", "C:"], ids=repr
)
async def test_a_name_that_is_no_files_everywhere_is_refused(sqlite_url: str, tmp_path: Path, wrong: str) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        await studio.accounts.open("acme", plan="pro")
        made = (await studio.operations.generate("a lake", account="acme", model=SYNC)).assets[0]
        stream = io.BytesIO()
        for names in ([wrong], ["Lake", "lake"]):
            with pytest.raises(InvalidInput, match="cannot name a file"):
                await studio.library.archive_named("acme", dict.fromkeys(names, made.asset.id), stream)
        assert stream.getvalue() == b""
