"""A persistence module for the eventsourcing library, on SQLAlchemy Core: SQLite and PostgreSQL.

PERSISTENCE_MODULE=infrastructure.store  IMAGESTUDIO_DATABASE_URL=sqlite:///ledger.db
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eventsourcing import persistence
from eventsourcing.utils import Environment, EnvType

from infrastructure.store.database import Database
from infrastructure.store.facts import FactMapper
from infrastructure.store.recorders import LogRecorder, SnapshotRecorder

DATABASE_URL = "IMAGESTUDIO_DATABASE_URL"
LOCK_SECONDS = "IMAGESTUDIO_LOCK_SECONDS"
STATEMENT_SECONDS = "IMAGESTUDIO_STATEMENT_SECONDS"
ARCHIVE = "IMAGESTUDIO_ARCHIVE"
READING = "IMAGESTUDIO_READING"
"""There, whatever it says, if nothing may be changed."""


class Factory(persistence.InfrastructureFactory[persistence.TrackingRecorder]):
    """Builds mapper and recorders on the database that the environment names."""

    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env)
        url = self.env.get(DATABASE_URL)
        if not url:
            raise persistence.InfrastructureFactoryError(f"{DATABASE_URL} names no database")
        self.database = Database(
            url,
            lock_seconds=float(self.env.get(LOCK_SECONDS, "10")),
            statement_seconds=float(self.env.get(STATEMENT_SECONDS, "30")),
            reading=READING in self.env,
            archive=Path(self.env[ARCHIVE]) if ARCHIVE in self.env else None,
        )

    def mapper(self, transcoder: Any = None, mapper_class: Any = None) -> Any:  # noqa: ARG002
        """Facts have one form in the log, whatever transcoder is configured."""
        return FactMapper()

    def aggregate_recorder(self, purpose: str = "events") -> persistence.AggregateRecorder:
        return SnapshotRecorder(self.database) if purpose == "snapshots" else LogRecorder(self.database)

    def application_recorder(self) -> persistence.ApplicationRecorder:
        return LogRecorder(self.database)

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> persistence.TrackingRecorder:  # noqa: ARG002
        raise persistence.NotSupportedError("projections keep their own checkpoints, in the views' transactions")

    def process_recorder(self) -> persistence.ProcessRecorder:
        raise persistence.NotSupportedError("projections keep their own checkpoints, in the views' transactions")

    def close(self) -> None:
        self.database.close()
