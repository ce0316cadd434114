"""The benchmark of billing measures what it says: the same rows on both sides, on a small log."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from benchmarks.billing import BARS, FORMATS, WAYS, exported
from benchmarks.fill import Size, fill
from benchmarks.rebuilding import rebuild_all
from benchmarks.sql_views import unfold
from infrastructure.store.database import Database
from infrastructure.store.migrations import upgrade_schema


def test_both_sides_have_the_same_rows(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    upgrade_schema(url)
    fill(url, Size(500))
    rebuild_all(url, 1)
    with closing(Database(url)) as database:
        unfold(database)
    found = {name: way(url) for name, way in WAYS.items() if name != "erase"}
    assert found["audit"] == found["reading"] >= 500
    assert found["statement"] == found["grouped"] > 50
    assert len({exported(url, format) for format in FORMATS}) == 1
    assert WAYS["erase"](url) == 1
    assert min(BARS.values()) > 1
