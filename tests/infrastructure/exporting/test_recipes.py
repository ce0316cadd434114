"""The queries of the page about facts for others, run as they stand there over a real export in two parts."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from domain.operation import Adjusted, Charged
from tests.infrastructure.exporting.shelf import Shelf

PAGE = Path(__file__).parents[3] / "docs" / "relaying.md"
MICRO = 6


@pytest.fixture(scope="module")
def recipes() -> list[str]:
    return re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)


def asked(query: str, folder: Path) -> list[Any]:
    found: Any = duckdb.sql(query.replace("'costs/", f"'{folder}/").rstrip().removesuffix(";"))
    return list(found.fetchall())


def test_the_recipes_come_to_what_was_booked(shelf: Shelf, recipes: list[str], tmp_path: Path) -> None:
    middle = shelf.end // 2
    for number, part in enumerate(({"upto": middle}, {"after": middle})):
        (tmp_path / f"{number}.parquet").write_bytes(shelf.export_bytes("focus-1.4-parquet", **part)[0])
    by_model, by_account, once = (asked(recipe, tmp_path) for recipe in recipes)

    charged: Counter[tuple[str, str]] = Counter()
    for one in shelf.books.log.read():
        if isinstance(one.fact, Charged | Adjusted):
            charged[one.currency, one.fact.operation.model] += one.fact.price
    told: Counter[tuple[str, str]] = Counter()
    for currency, _month, model, amount, _count in by_model:
        told[currency, model] += int(amount.scaleb(MICRO))
    assert {key: told[key] for key in charged} == dict(charged)

    assert [row[2] for row in by_account] == sorted((row[2] for row in by_account), reverse=True)
    assert sum(row[1] for row in once) == sum(row[2] for row in by_account)
    (tmp_path / "again.parquet").write_bytes((tmp_path / "1.parquet").read_bytes())
    assert asked(recipes[2], tmp_path) == once
