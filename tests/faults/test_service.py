"""The service under load over HTTP, with any of its processes killed at any moment, and its database crashed or away.

Nothing is lost, nothing is charged or sent twice, a limit is never passed, and whoever asks again gets the one answer.
"""

from __future__ import annotations

from pathlib import Path

from tests.faults.episodes import episode


async def test_three_that_serve_and_two_workers_on_postgresql(tmp_path: Path) -> None:
    found = await episode(tmp_path, seed=11, rounds=1, on_postgres=True)
    assert found.lost > 0, "some answers were lost"
    assert found.reckoning.charged > 0
    assert found.reckoning.refused > 0


async def test_one_that_serves_on_sqlite(tmp_path: Path) -> None:
    found = await episode(tmp_path, seed=12, rounds=1, on_postgres=False)
    assert found.lost > 0, "some answers were lost"
    assert found.reckoning.charged > 0
    assert found.reckoning.refused > 0
