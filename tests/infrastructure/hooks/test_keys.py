"""The keys that webhooks' secrets follow from: made once, shared by a setting, and missed loudly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domain.errors import InvalidInput, StoreUnavailable
from infrastructure.hooks.keys import webhook_keys_of
from infrastructure.settings import Settings
from tests.application.notifying.receivers import Receiver
from tests.application.studios import SYNC, studio_on

ONE, TWO = "a1" * 32, "b2" * 32


def test_a_setting_stands_over_the_file_and_names_tell_nothing(tmp_path: Path) -> None:
    made = webhook_keys_of(Settings(home=tmp_path))
    assert ((tmp_path / "webhook-keys").stat().st_mode & 0o777) == 0o600
    assert webhook_keys_of(Settings(home=tmp_path)) == made
    first, second = webhook_keys_of(Settings(home=tmp_path, webhook_keys=f"{ONE} {TWO} {ONE}"))
    assert (first.value.hex(), second.value.hex(), len({first.name, second.name, ONE[:8], TWO[:8]})) == (ONE, TWO, 4)
    assert ONE not in repr(first)


@pytest.mark.parametrize("said", ["secret", ONE[:-1], f"{ONE} {ONE.upper()}"])
def test_what_is_no_key_is_not_shown(tmp_path: Path, said: str) -> None:
    with pytest.raises(InvalidInput, match="IMAGESTUDIO_WEBHOOK_KEYS") as error:
        webhook_keys_of(Settings(home=tmp_path, webhook_keys=said))
    assert not [word for word in said.split() if word in str(error.value)]


async def test_a_key_that_is_put_before_another_signs_what_is_new_and_the_other_what_there_was(
    sqlite_url: str, tmp_path: Path
) -> None:
    with Receiver().running() as shop:
        origins: dict[str, Any] = {"webhook_origins": (shop.url,)}
        async with studio_on(sqlite_url, tmp_path, webhook_keys=ONE, **origins) as studio:
            await studio.accounts.open("acme", plan="pro")
            old = await studio.webhooks.add("acme", f"{shop.url}/old", events=["operation.charged"])
        async with studio_on(sqlite_url, tmp_path, webhook_keys=f"{TWO} {ONE}", **origins) as studio:
            new = await studio.webhooks.add("acme", f"{shop.url}/new", events=["operation.charged"])
            await studio.operations.generate("a lake", account="acme", model=SYNC)
            await studio.make_sender().once()
            for path, made in (("/old", old), ("/new", new)):
                [one] = shop.of(path)
                one.verify(made.secret)
        async with studio_on(sqlite_url, tmp_path, webhook_keys=TWO, **origins) as studio:
            with pytest.raises(StoreUnavailable, match="which this process does not have"):
                await studio.webhooks.test("acme", old.webhook.id)
            await studio.operations.generate("a lake", account="acme", model=SYNC)
            await studio.make_sender().once()
            assert (len(shop.of("/old")), len(shop.of("/new"))) == (1, 2)
            # It is nobody's failure but ours: it waits, as new as it was.
            page = await studio.webhooks.deliveries("acme", old.webhook.id, state="waiting")
            assert [one.tries for one in page.messages] == [0]
        async with studio_on(sqlite_url, tmp_path, webhook_keys="c3" * 32, **origins) as studio:
            with pytest.raises(InvalidInput, match="no secret in use is under one that this process has"):
                await studio.webhooks.add("acme", f"{shop.url}/newer")
