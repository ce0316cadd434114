"""Links to files: the store's own for a bucket, ours for a folder; each for one asset of an account, and for a time."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.library.links import sign, verify
from domain.errors import AssetMissing, InvalidInput, StoreUnavailable, UnknownAsset, Unverified
from infrastructure.clock import SECOND, now
from infrastructure.linkkeys import link_keys_of
from infrastructure.service import Studio
from infrastructure.settings import Settings
from tests.application.studios import SYNC, later, studio_on
from tests.objects import Server

KEY, OTHER = b"k" * 32, b"o" * 32
TEXTS = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40)


@given(account=TEXTS, asset=TEXTS, expires=st.integers(0, 2**40), other=st.tuples(TEXTS, TEXTS, st.integers(0, 2**40)))
def test_a_signature_is_good_for_one_account_asset_and_expiry_alone(
    account: str, asset: str, expires: int, other: tuple[str, str, int]
) -> None:
    signature = sign(KEY, account, asset, expires)
    assert verify([KEY], account, asset, expires, signature)
    assert verify([OTHER, KEY], account, asset, expires, signature)
    assert not verify([OTHER], account, asset, expires, signature)
    assert verify([KEY], *other, signature) == (other == (account, asset, expires))


@given(wrong=st.text(max_size=60))
def test_no_other_text_is_the_signature(wrong: str) -> None:
    signature = sign(KEY, "acme", "5a" * 12, 1_700_000_000)
    assert len(signature) == 43
    assert verify([KEY], "acme", "5a" * 12, 1_700_000_000, wrong) == (wrong == signature)
    assert not verify([], "acme", "5a" * 12, 1_700_000_000, signature)


@pytest.fixture
async def studio(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Studio]:
    async with studio_on(sqlite_url, tmp_path) as opened:
        for account in ("acme", "globex"):
            await opened.accounts.open(account, plan="pro")
        yield opened


async def drawn(studio: Studio) -> tuple[str, bytes]:
    made = (await studio.operations.generate("a lake", account="acme", model=SYNC)).assets[0]
    return made.asset.id, made.content


def parts_of(url: str) -> tuple[str, dict[str, str]]:
    cut = urlsplit(url)
    return cut.path, {name: values[0] for name, values in parse_qs(cut.query, strict_parsing=True).items()}


async def test_a_link_leads_to_the_file_until_its_time_is_over(studio: Studio, sqlite_url: str, tmp_path: Path) -> None:
    asset, content = await drawn(studio)
    link = await studio.library.link("acme", asset, expires=60)
    path, told = parts_of(link.url)
    assert (path, told["account"]) == (f"/v1/assets/{asset}/content", "acme")
    assert link.expires == int(told["expires"]) * SECOND
    assert now() < link.expires <= now() + 60 * SECOND
    expires, signature = int(told["expires"]), told["signature"]
    file = await studio.library.linked("acme", asset, expires=expires, signature=signature)
    assert b"".join(studio.library.store.pieces("acme", file)) == content
    wrong = [
        ("globex", asset, expires, signature),
        ("acme", "0" * 24, expires, signature),
        ("acme", asset, expires + 1, signature),
        ("acme", asset, expires, signature[:-1]),
        ("acme", asset, expires, ""),
        ("acme", asset, expires, "é\udc80"),
    ]
    for account, id, when, told_signature in wrong:
        with pytest.raises(Unverified, match="not made here, or was changed"):
            await studio.library.linked(account, id, expires=when, signature=told_signature)
    async with studio_on(sqlite_url, tmp_path, clock=later(61 * SECOND), clock_seconds=10**6) as afterwards:
        with pytest.raises(Unverified, match="time of this link is over"):
            await afterwards.library.linked("acme", asset, expires=expires, signature=signature)


async def test_a_link_to_what_is_erased_or_gone_leads_nowhere(studio: Studio) -> None:
    asset, _ = await drawn(studio)
    told = parts_of((await studio.library.link("acme", asset)).url)[1]
    await studio.library.erase("acme", asset)
    with pytest.raises(AssetMissing):
        await studio.library.linked("acme", asset, expires=int(told["expires"]), signature=told["signature"])
    with pytest.raises(AssetMissing):
        await studio.library.link("acme", asset)
    again, _ = await drawn(studio)
    path = (await studio.library.show("acme", again)).path
    assert path is not None
    Path(path).unlink()
    with pytest.raises(AssetMissing):
        await studio.library.link("acme", again)
    with pytest.raises(UnknownAsset):
        await studio.library.link("globex", again)


@pytest.mark.parametrize("seconds", [0, -1, 7 * 24 * 3_600 + 1, True, 1.5, "60"])
async def test_a_time_that_no_store_signs_for_is_refused(studio: Studio, seconds: Any) -> None:
    asset, _ = await drawn(studio)
    with pytest.raises(InvalidInput, match="expires: "):
        await studio.library.link("acme", asset, expires=seconds)


async def test_a_bucket_serves_its_files_itself_to_whoever_has_the_link(
    server: Server, sqlite_url: str, tmp_path: Path
) -> None:
    settings: dict[str, Any] = server.settings(server.bucket())
    async with studio_on(sqlite_url, tmp_path, **settings) as studio:
        await studio.accounts.open("acme", plan="pro")
        asset, content = await drawn(studio)
        link = await studio.library.link("acme", asset, expires=600)
        assert link.url.startswith(server.url)
        assert server.secret not in link.url
        async with httpx.AsyncClient() as client:
            answer = await client.get(link.url)
            assert (answer.status_code, answer.content) == (200, content)
            changed = await client.get(link.url.replace("X-Amz-Expires=600", "X-Amz-Expires=601"))
            assert changed.status_code == 403
            assert (await client.get(link.url.partition("?")[0])).is_client_error
        assert not (tmp_path / "link-keys").exists()
        shown = await studio.library.show("acme", asset)
        assert (shown.path, shown.where) == (
            None,
            f"{settings['assets']}/{urlsplit(link.url).path.partition('/files/')[2]}",
        )
        await studio.library.erase("acme", asset)
        with pytest.raises(AssetMissing):
            await studio.library.link("acme", asset)


@pytest.fixture(params=["swift", "rclone"])
def server(request: pytest.FixtureRequest) -> Server:
    found: Server = request.getfixturevalue(request.param)
    return found


def test_the_key_is_made_once_for_its_owners_eyes_whoever_asks_at_once(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    with ThreadPoolExecutor(8) as pool:
        keys = {tuple(found) for found in pool.map(lambda _: link_keys_of(settings), range(16))}
    assert len(keys) == 1
    file = tmp_path / "home" / "link-keys"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [len(key) for key in link_keys_of(settings)] == [32]
    assert [one.name for one in (tmp_path / "home").iterdir()] == ["link-keys"]


def test_a_setting_names_the_keys_the_newest_first_and_what_is_none_is_told(tmp_path: Path) -> None:
    first, second = "ab" * 32, "cd" * 32
    told = link_keys_of(Settings(home=tmp_path, link_keys=f"{first} {second}"))
    assert told == [bytes.fromhex(first), bytes.fromhex(second)]
    assert not list(tmp_path.iterdir())
    with pytest.raises(InvalidInput, match="IMAGESTUDIO_LINK_KEYS: holds what is not a key") as raised:
        link_keys_of(Settings(home=tmp_path, link_keys=f"{first} secret"))
    assert "secret" not in str(raised.value)
    (tmp_path / "link-keys").write_text("")
    with pytest.raises(InvalidInput, match="link-keys: holds what is not a key"):
        link_keys_of(Settings(home=tmp_path))
    (tmp_path / "link-keys").unlink()
    (tmp_path / "link-keys").mkdir()
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        link_keys_of(Settings(home=tmp_path))
