"""Which request an HTTP request repeats: by its key, or by the mark of a client that sends one again.

    Idempotency-Key            that key
    x-stainless-retry-count 0  a key of its own, under which a repeat can find it
    … 1, 2, …                  the key of the same caller's same request of a moment ago, if it did not fail
    neither                    none: equal requests are different requests

Clients of OpenAI make several equal requests at once where one would do, so that an equal body proves nothing. Only a
client that says so repeats itself, and of several equal requests it gets one whose answer was not sent yet.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from fastapi import Request

from application.asking.requests import File
from application.ports import Index
from domain.ids import check_id
from infrastructure.clock import SECOND, new_id, now
from infrastructure.showing.formats import document

AGAIN: Final = "x-stainless-retry-count"
KEY: Final = "idempotency-key"
WITHIN: Final = 15 * 60
"""Seconds; clients wait for at most ten minutes for an answer, and at most two between tries."""
MOST: Final = 64
REMEMBERED: Final = 10_000
FAILED: Final = frozenset({"released", "rejected"})


@dataclass(slots=True)
class Repeats:
    """Tells repeats apart; what it remembers of answers only decides among equals."""

    index: Index
    _answered: OrderedDict[str, None] = field(default_factory=OrderedDict, init=False)

    async def key_for(
        self, request: Request, account: str, who: str, fields: Mapping[str, Any], media: Mapping[str, Sequence[File]]
    ) -> str | None:
        """The key to put the request to the ledger under; None for one that can never be repeated.

        Raises InvalidInput for an `Idempotency-Key` that is no id.
        """
        named = request.headers.get(KEY)
        if named is not None:
            return check_id("Idempotency-Key", named)
        count = request.headers.get(AGAIN)
        if count is None:
            return None
        digest = await asyncio.to_thread(digest_of, request.url.path, fields, media)
        start = f"again:{who}:{digest}:"
        if count.isdigit() and int(count) > 0:
            alive = await asyncio.to_thread(self._alive, account, start)
            waiting = [key for key in alive if key not in self._answered]
            if alive:
                self._remember((waiting or alive)[0])
                return (waiting or alive)[0]
        return start + new_id()

    async def answered(self, request: Request, key: str | None) -> None:
        """The answer to the request under a key is ready, and if its client is still there, it gets it."""
        if key is not None and not await request.is_disconnected():
            self._remember(key)

    def _remember(self, key: str) -> None:
        """Another repeat is one of another request."""
        self._answered[key] = None
        while len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)

    def _alive(self, account: str, start: str) -> list[str]:
        """The keys of a moment ago, the last first, but for those of what failed."""
        since = f"{(now() - WITHIN * SECOND) // 1_000:012x}"
        found = self.index.keys_between(account, f"{start}{since[:8]}-{since[8:]}", f"{start}g", MOST)
        return [key for key, phase in found if phase not in FAILED]


def digest_of(path: str, fields: Mapping[str, Any], media: Mapping[str, Sequence[File]]) -> str:
    """Of what was asked for, however a form divides it."""
    files = {name: [_file_digest(one) for one in many] for name, many in media.items()}
    asked = [path, document(fields), files]
    return sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()[:32]


def _file_digest(file: File) -> str:
    if isinstance(file, str):
        return file
    if isinstance(file, Path):
        with file.open("rb") as content:
            digest = sha256()
            while piece := content.read(1024 * 1024):
                digest.update(piece)
        return digest.hexdigest()
    return sha256(file).hexdigest()
