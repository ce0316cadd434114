"""A short simulated year, so that the long one (`make soak`) is known to work."""

from __future__ import annotations

from pathlib import Path

from tests.faults.year import simulate


async def test_a_few_accounts_are_billed_for_a_year_and_all_adds_up(sqlite_url: str, tmp_path: Path) -> None:
    assert await simulate(sqlite_url, tmp_path, accounts=3, steps=60) > 15
