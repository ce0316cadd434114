"""A log on each kind of database, with a projector and a way to look at all views."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from infrastructure.store.database import Database
from projections.engine.projector import Projector
from projections.queries import Views
from projections.views import ALL
from tests.projections.histories import Log


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database of this test alone, once on each kind."""
    with closing(Database(database_url)) as database:
        yield database


@pytest.fixture
def log(database: Database) -> Log:
    """Its log, to append to."""
    return Log(database)


@pytest.fixture
def projector(log: Log) -> Projector:
    """A projector of all views in small batches, so that there are several."""
    return Projector(log.database, log.source, ALL, batch=50)


@pytest.fixture
def views(log: Log, projector: Projector) -> Views:
    """The queries."""
    return Views(log.database, log.reader, projector.advance)
