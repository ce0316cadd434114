"""The application of the eventsourcing library that saves the log.

It stands by itself, so that a client at a service, which knows the log's records, does not load the library.
"""

from __future__ import annotations

from typing import ClassVar

from eventsourcing.application import Application

from application.ledger.log import Codec


class LedgerLog(Application[str]):
    """The library's application over our log: records many streams in one transaction and serves them in order.

    Its persistence module comes from PERSISTENCE_MODULE; the mapper that module provides does the encoding.
    """

    name = "imagestudio"
    env: ClassVar[dict[str, str]] = {"IS_SNAPSHOTTING_ENABLED": "y"}

    @property
    def codec(self) -> Codec:
        """The mapper, as the door it is."""
        mapper = self.mapper
        assert isinstance(mapper, Codec)
        return mapper
