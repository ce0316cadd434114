"""The queue of a service: what waits for providers, and who works on what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.performing.standing import ProviderQueue, QueueLine, QueueStanding, WorkingProcess
from infrastructure.client.wire import Call, Wire
from infrastructure.showing.formats import instant_of


@dataclass(frozen=True, slots=True)
class RemoteQueues:
    """The queue as it stands; of an account's key its own lines alone."""

    wire: Wire

    async def standing(self, account: str | None = None) -> QueueStanding:
        """How the queue stands now: of all for a key of the studio's own that names no account."""
        found = await self.wire.document(Call(method="GET", path="/v1/queues", account=account or ""))
        return QueueStanding(
            tuple(_provider(one) for one in found.get("queues", ())),
            tuple(_line(one) for one in found["lines"]),
            tuple(
                WorkingProcess(one["process"], one["operations"], one["over"], instant_of(one["until"]))
                for one in found.get("processes", ())
            ),
        )


def _provider(one: Mapping[str, Any]) -> ProviderQueue:
    places, rests = one["places"] or 0, _instant(one["rests_until"])
    return ProviderQueue(one["provider"], one["waiting"], _instant(one["waiting_since"]), places, one["taken"], rests)


def _line(one: Mapping[str, Any]) -> QueueLine:
    waits = (one["waiting"], _instant(one["waiting_since"]))
    return QueueLine(one["account"], one["provider"], *waits, one["running"], _instant(one["running_since"]))


def _instant(text: str | None) -> int | None:
    return None if text is None else instant_of(text)
