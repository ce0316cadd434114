"""One shelf for all tests of a file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.ledger import Fact
from domain.operation import OperationFact
from infrastructure.store.database import Database
from projections.books import Books
from tests.domain.examples import GIVEN_UP, PREPAID, SETTLED, of_operation
from tests.infrastructure.exporting.shelf import ODD, Shelf
from tests.projections.histories import Log
from tests.projections.test_books import lively


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Shelf]:
    """Much that happened to three accounts, and a little to one with an odd id."""
    file = shutil.copy(sqlite_template, tmp_path_factory.mktemp("books") / "ledger.db")
    with closing(Database(f"sqlite:///{file}")) as database:
        log = Log(database)
        log.record([*lively(21), *map(_oddly, (*PREPAID, *SETTLED, *of_operation("op-2", *GIVEN_UP)))])
        yield Shelf(Books(database, log.source), log.reader.end())


def _oddly(fact: Any) -> Fact:
    """The same of the account with the odd id."""
    if isinstance(fact, OperationFact):
        return replace(fact, operation=replace(fact.operation, account=ODD))
    changed: Fact = replace(fact, account=ODD)
    return changed
