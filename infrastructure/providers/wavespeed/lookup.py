"""Which job may be that of a submission whose answer was lost: same model, same time, and the very same inputs.

A job is never guessed to be ours: another customer's result would be worse than none. Texts must be equal, nothing
may differ, and a file must be known to be the same: by the data URI or the name that the provider shows, or else by
fetching what it shows and comparing digests.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from application.ports import DownloadFailed, Downloads, Job, Media, Task
from infrastructure.clock import SECOND
from infrastructure.providers.wavespeed.inputs import longest_upload, upload_name, values
from infrastructure.providers.wavespeed.pages import items
from infrastructure.providers.wavespeed.predictions import Prediction, read_prediction
from infrastructure.wire.api import Api
from infrastructure.wire.content import read_data_uri

BEFORE: Final = 60 * SECOND
AFTER: Final = 180 * SECOND
"""Microseconds around the dispatch in which its job was made: two clocks, and a submission that took its time. Files
that were uploaded first have taken theirs."""
MOST_JOBS: Final = 1_000
RANDOM_SEED: Final = -1
NAMED: Final = 32
"""So many digits of a file's digest in its address say that it is the same."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Finds jobs; files that the provider shows by an address are fetched through `downloads`, and only compared."""

    api: Api
    downloads: Downloads

    async def jobs(self, task: Task) -> tuple[Job, ...]:
        """Those with exactly the task's inputs, the ones made nearest to the dispatch first.

        Raises ProviderUnknown where the list is not given, or too long to be sure.
        """
        found = [one for one in await self._listed(task) if _agree(one.inputs, task)]
        ours = [one for one in found if await self._same_files(one.inputs, task)]
        ours.sort(key=lambda one: abs((one.created or 0) - task.since))
        return tuple(Job(one.id) for one in ours)

    async def _listed(self, task: Task) -> list[Prediction]:
        wanted = {
            "model": task.route,
            "created_after": _iso(task.since - BEFORE),
            "created_before": _iso(task.since + AFTER + longest_upload(task)),
            "include_inputs": True,
        }
        found = {}
        async for item in items(self.api, "predictions", wanted, MOST_JOBS):
            prediction = read_prediction(item)
            found[prediction.id] = prediction
        return list(found.values())

    async def _same_files(self, shown: Mapping[str, Any], task: Task) -> bool:
        for name, files in task.media.items():
            given = shown.get(name)
            texts = given if isinstance(given, list) else [given]
            if len(texts) != (len(files) if name in task.many else 1):
                return False
            for text, file in zip(texts, files, strict=False):
                if not isinstance(text, str) or not await self._is(text, file):
                    return False
        return True

    async def _is(self, text: str, file: Media) -> bool:
        """Whether what the provider shows is this file."""
        if (media := await self.api.unblocked(len(text), read_data_uri, text)) is not None:
            return media.content == file.content
        digest = await asyncio.to_thread(upload_name, file)
        if digest[:NAMED] in text:
            return True
        if not text.startswith(("https://", "http://")):
            return False
        seen = hashlib.sha256()
        try:
            async with self.downloads.open(text, len(file.content)) as pieces:
                async for piece in pieces:
                    seen.update(piece)
        except DownloadFailed:
            return False
        return seen.hexdigest() == digest


def _agree(shown: Mapping[str, Any], task: Task) -> bool:
    """Whether nothing but files differs: texts must be there, and what else is not shown is taken for a default."""
    return bool(shown) and all(
        _equal(shown[name], value) if name in shown else not isinstance(value, str) or not value
        for name, value in values(task).items()
        if value != RANDOM_SEED
    )


def _equal(shown: object, sent: object) -> bool:
    if isinstance(shown, bool) or isinstance(sent, bool):
        return shown is sent
    if isinstance(shown, int | Decimal) and isinstance(sent, int | Decimal):
        return shown == sent
    if isinstance(shown, str) and isinstance(sent, str):
        return shown.strip() == sent.strip()
    return shown == sent


def _iso(micros: int) -> str:
    return datetime.fromtimestamp(max(0, micros) // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
