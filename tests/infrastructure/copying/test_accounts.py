"""One account is taken into another ledger: facts, hashes and ids stay, books and usage are equal, or nothing."""

from __future__ import annotations

import asyncio
import io
import shutil
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from application.asking.requests import Request
from application.keeping.verdict import audited
from application.ledger.reader import LogFilter
from domain.errors import AccountExists, ImageStudioError, InvalidInput, OperationRefused, UnknownAccount
from domain.money import Money
from infrastructure.copying.accounts import AccountCopy, ImportedAccount, export_account, import_account
from infrastructure.copying.backing import back_up_whole
from infrastructure.copying.restoring import restore
from infrastructure.opening import Access, belonging, claimed, open_log
from infrastructure.reading import open_reading
from infrastructure.service import Studio
from infrastructure.settings import Settings
from projections.summing import SumQuestion
from projections.views import ALL
from projections.views.quarters import QuarterFilter
from projections.views.usage import USAGE, UsageFilter
from tests.application.studios import settings_for, studio_on
from tests.infrastructure.copying.killing import MOMENTS, killed, run
from tests.infrastructure.copying.test_backup import silent

DRAWN: dict[str, Any] = {"account": "acme", "model": "scripted-image"}
TAGGED: dict[str, Any] = {**DRAWN, "tags": {"team": "red", "run": "7"}}
BY_TAG = SumQuestion(by=("tag",), wanted=QuarterFilter(account="acme"))
VIEWS = [view for view in ALL if "account" in view.filter.__slots__]


def write_out(settings: Settings, target: Path, account: str = "acme") -> AccountCopy:
    with closing(open_log(settings, Access.READ)) as log:
        return export_account(log.database, belonging(settings, log), account, target, silent, with_files=True)


def take_in(settings: Settings, file: Path) -> ImportedAccount:
    with closing(open_log(settings, Access.WRITE)) as log:
        return import_account(log.database, log.codec, claimed(settings, log), file, silent)


async def live(studio: Studio) -> None:
    """Months of an account, and another beside it."""
    await studio.accounts.open("acme", plan="pro", prepaid=True)
    await studio.accounts.open("beside", plan="pro")
    await studio.accounts.add_credit("acme", Money.parse("5", "USD"), "p1")
    first = await studio.operations.generate("a lake", user="ann", key="k1", **TAGGED)
    await studio.operations.generate("a fox", account="beside", model="scripted-image")
    await studio.operations.edit(first.assets[0].content, "sepia", account="acme", allow="stand-in")
    await studio.upkeep.refund(first.operation, account="acme", reason="blurred", reference="r1")
    await studio.accounts.change_limit("acme", "images", 2)
    with pytest.raises(OperationRefused):
        await studio.operations.generate("a fox", key="k2", n=3, **DRAWN)
    [asset, *_] = (await studio.library.list("acme")).assets
    await studio.library.words.describe("acme", asset.id, title="The lake")
    await studio.library.words.tag("acme", asset.id, add=["spring"])


async def told(studio: Studio) -> dict[str, Any]:
    """All that is said of the account, but for positions."""
    await asyncio.to_thread(studio.views.catch_up)
    links = [one.link for one in studio.log.reader.read(0, 100_000, LogFilter(account="acme"))]
    assets = (await studio.library.list("acme")).assets
    return {
        "links": links,
        "account": await studio.accounts.show("acme"),
        "limits": await studio.accounts.limits("acme"),
        "tags": studio.views.sum_up(BY_TAG).rows,
        "books": studio.books.balance("acme").lines,
        "assets": assets,
        "words": [(await studio.library.show("acme", one.id)).words for one in assets],
        **{view.name: studio.views.rows(view, view.filter(account="acme")) for view in VIEWS},
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def other_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind, with a ledger in it after the first opening."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'other.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def is_clean(settings: Settings) -> bool:
    with open_reading(settings) as reading:
        return (await audited(reading.audit)).clean


async def test_an_account_is_the_same_elsewhere_and_goes_on_there(
    database_url: str, other_url: str, tmp_path: Path
) -> None:
    if database_url == other_url:
        pytest.skip("one test has one PostgreSQL database; the other way round is tried")
    here, there = settings_for(database_url, tmp_path / "home"), settings_for(other_url, tmp_path / "there")
    async with studio_on(database_url, tmp_path / "home") as studio:
        await live(studio)
        before = await told(studio)
    made = write_out(here, tmp_path / "acme.tar")
    assert made.manifest.parts["log"].rows == len(before["links"])
    async with studio_on(other_url, tmp_path / "there") as studio:
        await studio.accounts.open("resident", plan="pro")
        await studio.operations.generate("a hill", account="resident", model="scripted-image")
        end = studio.log.reader.end()
        found = await asyncio.to_thread(take_in, there, tmp_path / "acme.tar")
        assert (found.first, found.last) == (end + 1, end + len(before["links"]))
        assert await told(studio) == before
        for asset in before["assets"]:
            assert (await studio.library.content("acme", asset.id)).content
        repeated = await studio.operations.generate("a lake", user="ann", key="k1", **TAGGED)
        assert repeated.repeated
        await studio.accounts.change_limit("acme", "images", None)
        [asset, *_] = [one for one in before["assets"] if one.kind == "text-to-image"]
        edited = Request(
            "image-edit", "acme", {"prompt": "sepia"}, {"image": [f"asset:{asset.id}"]}, allow=("stand-in",)
        )
        again = await studio.operations.run(edited)
        assert [one.id for one in again.operations[0].given] == [asset.id], "its assets keep the key of their ids"
    assert await is_clean(there)
    with pytest.raises(AccountExists, match="in this ledger already"):
        take_in(there, tmp_path / "acme.tar")
    with pytest.raises(AccountExists):
        take_in(here, tmp_path / "acme.tar")
    write_out(there, tmp_path / "again.tar")


async def test_an_account_travels_on_with_the_key_of_its_assets(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path / "home") as studio:
        await live(studio)
        before = await told(studio)
    source = settings_for(sqlite_url, tmp_path / "home")
    for place in ("second", "third"):
        settings = settings_for(f"sqlite:///{tmp_path / place}.db", tmp_path / place)
        async with studio_on(settings.database, tmp_path / place) as studio:
            await studio.accounts.open("resident", plan="pro")
            write_out(source, tmp_path / f"{place}.tar")
            await asyncio.to_thread(take_in, settings, tmp_path / f"{place}.tar")
            assert await told(studio) == before
        assert await is_clean(settings)
        source = settings


@pytest.fixture
async def made(sqlite_url: str, tmp_path: Path) -> Path:
    """An export."""
    async with studio_on(sqlite_url, tmp_path / "home") as studio:
        await live(studio)
    write_out(settings_for(sqlite_url, tmp_path / "home"), tmp_path / "acme.tar")
    return tmp_path / "acme.tar"


@pytest.fixture
async def there(tmp_path: Path) -> Settings:
    """Another ledger."""
    settings = settings_for(f"sqlite:///{tmp_path / 'there.db'}", tmp_path / "there")
    async with studio_on(settings.database, tmp_path / "there") as studio:
        await studio.accounts.open("resident", plan="pro")
    return settings


def rewritten(file: Path, change: Callable[[str, bytes], tuple[str, bytes]]) -> None:
    """The export with other members."""
    with tarfile.open(file) as tar:
        members = [(one.name, tar.extractfile(one).read()) for one in tar if one.isreg()]  # type: ignore[union-attr]
    with tarfile.open(file, "w") as tar:
        for name, content in members:
            new_name, new_content = change(name, content)
            told = tarfile.TarInfo(new_name)
            told.size = len(new_content)
            tar.addfile(told, io.BytesIO(new_content))


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "cut short": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "no archive": lambda file: file.write_bytes(b"hello" * 500),
    "empty": lambda file: file.write_bytes(b""),
    "another part": lambda file: rewritten(file, lambda n, c: (n, c[::-1] if n.startswith("log") else c)),
    "another file": lambda file: rewritten(file, lambda n, c: (n, c + b"x" if n.endswith(".png") else c)),
    "another account": lambda file: rewritten(
        file, lambda n, c: (n, c.replace(b'"account": "acme"', b'"account": "evil"') if n == "manifest.json" else c)
    ),
    "outside": lambda file: rewritten(file, lambda n, c: (f"../{n}" if n.startswith("log") else n, c)),
    "absolute": lambda file: rewritten(file, lambda n, c: (f"/tmp/{n}" if n.startswith("log") else n, c)),
    "gone": lambda file: file.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_what_is_no_whole_export_is_refused_and_leaves_nothing(made: Path, there: Settings, damage: str) -> None:
    DAMAGES[damage](made)
    with pytest.raises(ImageStudioError):
        take_in(there, made)
    with open_reading(there) as reading, pytest.raises(UnknownAccount):
        await reading.accounts.show("acme")
    assert await is_clean(there)


async def test_what_is_open_or_would_be_told_again_is_not_taken_in(
    sqlite_url: str, tmp_path: Path, there: Settings
) -> None:
    here = settings_for(sqlite_url, tmp_path / "home")
    async with studio_on(sqlite_url, tmp_path / "home") as studio:
        await studio.accounts.open("acme", plan="pro")
        asked = Request("text-to-image", "acme", {"prompt": "x"}, model="scripted-image")
        begun = await studio.operations.submit(asked, queued=True)
        write_out(here, tmp_path / "open.tar")
        await studio.operations.cancel(begun.operation, account="acme")
        hook = (await studio.webhooks.add("acme", "https://shop.example/hooks")).webhook.id
        write_out(here, tmp_path / "hooked.tar")
        await studio.webhooks.remove("acme", hook)
        write_out(here, tmp_path / "free.tar")
    with pytest.raises(InvalidInput, match="1 of its operations is open"):
        take_in(there, tmp_path / "open.tar")
    with pytest.raises(InvalidInput, match="has webhooks"):
        take_in(there, tmp_path / "hooked.tar")
    assert take_in(there, tmp_path / "free.tar").account == "acme"
    with pytest.raises(UnknownAccount):
        write_out(here, tmp_path / "nobody.tar", "nobody")
    with pytest.raises(InvalidInput, match="is there already"):
        write_out(here, tmp_path / "free.tar")
    assert not (tmp_path / "nobody.tar").exists()


@pytest.mark.parametrize("moment", MOMENTS)
async def test_killed_at_any_moment_an_account_is_taken_in_whole_or_not_at_all(
    made: Path, there: Settings, tmp_path: Path, moment: int
) -> None:
    spare = shutil.copyfile(tmp_path / "there.db", tmp_path / "spare.db")
    taking = ("import-account", str(made), "--db")
    shutil.copytree(tmp_path / "there", tmp_path / "spare")
    code, steps = await asyncio.to_thread(run, tmp_path / "spare", *taking, f"sqlite:///{spare}")
    assert code == 0
    await asyncio.to_thread(killed, tmp_path / "there", moment, steps, *taking, there.database)
    assert await is_clean(there)
    with open_reading(there) as reading:
        try:
            view = await reading.accounts.show("acme")
        except UnknownAccount:
            view = None
    if view is None:
        assert (await asyncio.to_thread(run, tmp_path / "there", *taking, there.database))[0] == 0
    async with studio_on(there.database, tmp_path / "there") as studio:
        assert len((await told(studio))["assets"]) == 2
    assert await is_clean(there)


async def test_a_user_who_was_erased_is_so_elsewhere(sqlite_url: str, tmp_path: Path) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    here, there = settings_for(sqlite_url, tmp_path / "home"), settings_for(other, tmp_path / "there")
    async with studio_on(sqlite_url, tmp_path / "home") as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.generate("a lake", user="persephone", **DRAWN)
        await studio.upkeep.erase_user("persephone", account="acme", reason="she asked")
        [row] = studio.views.rows(USAGE, UsageFilter(account="acme"))
    write_out(here, tmp_path / "acme.tar")
    async with studio_on(other, tmp_path / "there") as studio:
        await studio.accounts.open("resident", plan="pro")
        studio.views.catch_up()
        await asyncio.to_thread(take_in, there, tmp_path / "acme.tar")
        studio.views.catch_up()
        assert [one.user for one in studio.views.rows(USAGE, UsageFilter(account="acme"))] == [row.user]
    with closing(open_log(here, Access.READ)) as log:
        back_up_whole(log.database, belonging(here, log), tmp_path / "backup", silent)
    again = settings_for(f"sqlite:///{tmp_path / 'again.db'}", tmp_path / "again")
    await asyncio.to_thread(restore, tmp_path / "backup", again, silent)
    async with studio_on(f"sqlite:///{tmp_path / 'again.db'}", tmp_path / "again") as studio:
        await studio.operations.generate("a fox", user="persephone", **DRAWN)
        studio.views.catch_up()
        assert [one.user for one in studio.views.rows(USAGE, UsageFilter(account="acme"))] == [row.user]
