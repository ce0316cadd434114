"""The ids of assets are worked out anew from the digests that are kept; of what was erased nothing is told."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from tests.application.studios import SYNC, database_of, picture, studio_on


async def test_every_id_is_what_its_file_is_named_under_the_ledgers_key(database_url: str, tmp_path: Path) -> None:
    brought = tmp_path / "brought.png"
    brought.write_bytes(picture(30, 20))
    async with studio_on(database_url, tmp_path / "home") as studio:
        for account in ("acme", "globex"):
            await studio.accounts.open(account, plan="pro")
            await studio.accounts.allow(account, "stand-in")
        await studio.operations.generate("a lake", account="globex", model=SYNC)
        result = await studio.operations.upscale(picture(), account="acme")
        await studio.library.add("acme", brought)
        assert not list(studio.audit.asset_ids())
        with database_of(studio).engine.begin() as connection:
            connection.execute(text("UPDATE ledger SET asset_key = :key"), {"key": b"another"})
        assert len(list(studio.audit.asset_ids())) == 4
        assert len(list(studio.audit.asset_ids("globex"))) == 1
        await studio.upkeep.erase(result.operation, account="acme")
        told = [one.what for one in studio.audit.asset_ids("acme")]
        assert len(told) == 2
        assert all(one.startswith("names a file asset ") for one in told)
