"""The place that the settings name: a folder, or a bucket on an S3-compatible store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from infrastructure.files.folder import LocalFolder

if TYPE_CHECKING:
    from infrastructure.files.place import FilePlace
    from infrastructure.settings import Settings


def place_of(settings: Settings, where: str | None = None) -> FilePlace:
    """The place of the settings' files, or the place `where`, reached as the settings say. Raises InvalidInput."""
    where = settings.assets if where is None else where
    if not where.startswith("s3://"):
        return LocalFolder(Path(where))
    from infrastructure.files.bucket import Bucket
    from infrastructure.files.s3 import S3Access, open_store

    return Bucket(where, open_store(where, S3Access.of(settings)))
