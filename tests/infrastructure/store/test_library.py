"""The eventsourcing library's own tests of recorders, passed by ours on both databases.

Not applicable, and why:

* `optional_test_insert_subscribe`: a log serves projectors, which read in batches; `subscribe` says so.
* TrackingRecorderTestCase, ProcessRecorderTestCase: views keep their checkpoints in their own transactions.
* AggregateRecorderTestCase on the log: it wants no positions from an insert, and a log's recorder returns them.
* EXPECT_CONTIGUOUS_NOTIFICATION_IDS: a transaction that PostgreSQL rolls back leaves a hole in the positions.
* Streams of the log are named by text, as the library allows; snapshots are tried under its UUIDs as well.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from eventsourcing.persistence import DataError, InfrastructureFactory, NotSupportedError, StoredEvent

from infrastructure.store import Factory
from infrastructure.store.database import Database
from infrastructure.store.recorders import LogRecorder, SnapshotRecorder


@contextmanager
def without_cipher() -> Iterator[None]:
    """The library's tests import its cipher, which needs a package that this project has no use for."""
    stand_in = ModuleType("eventsourcing.cipher")
    stand_in.AESCipher = None  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "eventsourcing.cipher", stand_in)
        yield


with without_cipher():
    from eventsourcing.tests.persistence import (
        AggregateRecorderTestCase,
        ApplicationRecorderTestCase,
        NonInterleavingNotificationIDsBaseCase,
    )


class OnOurs:
    """A fresh, migrated database a test, handed to the library's TestCase by pytest."""

    database: Database
    kind = ""

    @pytest.fixture(autouse=True)
    def _fresh(self, request: pytest.FixtureRequest) -> Iterator[None]:
        self.database = Database(request.getfixturevalue(f"{self.kind}_url"))
        yield
        self.database.close()


class Snapshots(OnOurs):
    def create_recorder(self) -> SnapshotRecorder:
        return SnapshotRecorder(self.database)


class Log(OnOurs):
    def create_recorder(self) -> LogRecorder:
        return LogRecorder(self.database)

    def new_originator_id(self) -> str:
        return f"account:{uuid4()}"


class TestSnapshotsOnSqlite(Snapshots, AggregateRecorderTestCase):
    kind = "sqlite"


class TestSnapshotsOnPostgres(Snapshots, AggregateRecorderTestCase):
    kind = "postgres"


class TestLogOnSqlite(Log, ApplicationRecorderTestCase[LogRecorder]):
    kind = "sqlite"


class TestLogOnPostgres(Log, ApplicationRecorderTestCase[LogRecorder]):
    kind = "postgres"
    EXPECT_CONTIGUOUS_NOTIFICATION_IDS = False


class TestPositionsOnSqlite(Log, NonInterleavingNotificationIDsBaseCase):
    kind = "sqlite"


class TestPositionsOnPostgres(Log, NonInterleavingNotificationIDsBaseCase):
    kind = "postgres"


# The library's factory finds ours


def factory(url: str) -> Factory:
    built: Any = InfrastructureFactory.construct(
        {"PERSISTENCE_MODULE": "infrastructure.store", "IMAGESTUDIO_DATABASE_URL": url}
    )
    assert isinstance(built, Factory)
    return built


def test_the_library_finds_the_module_by_its_name(database_url: str) -> None:
    ours = factory(database_url)
    assert type(ours.application_recorder()) is LogRecorder
    assert type(ours.aggregate_recorder()) is LogRecorder
    assert type(ours.aggregate_recorder("snapshots")) is SnapshotRecorder
    ours.close()


def test_what_does_not_apply_says_so_instead_of_half_working(sqlite_url: str) -> None:
    ours = factory(sqlite_url)
    with pytest.raises(NotSupportedError, match="checkpoints"):
        ours.tracking_recorder()
    with pytest.raises(NotSupportedError, match="checkpoints"):
        ours.process_recorder()
    with pytest.raises(NotSupportedError, match="projectors"):
        ours.application_recorder().subscribe()
    ours.close()


def test_a_stream_that_was_asked_for_by_uuid_comes_back_under_that_uuid(database_url: str) -> None:
    ours, id = factory(database_url), uuid4()
    recorder = ours.application_recorder()
    recorder.insert_events([StoredEvent(id, 1, "operation.submitted", b"{}")])
    assert [event.originator_id for event in recorder.select_events(id)] == [id]
    assert [event.originator_id for event in recorder.select_notifications(None, 10)] == [str(id)]
    ours.close()


def test_what_can_never_be_stored_is_the_library_s_data_error(database_url: str) -> None:
    database = Database(database_url)
    event = StoredEvent("stream", 1, None, b"{}")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="will never take this"):
        SnapshotRecorder(database).insert_events([event])
    database.close()
