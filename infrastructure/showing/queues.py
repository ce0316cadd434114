"""The queue as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infrastructure.showing.formats import iso

if TYPE_CHECKING:
    from infrastructure.queues import QueueStanding


def queues_document(found: QueueStanding) -> dict[str, Any]:
    """Operations that wait, by provider and by account, and who works; null: nothing does, or no limit is set."""
    return {
        "waiting": found.waiting,
        "waiting_since": _instant(found.since),
        "queues": [
            {
                "provider": one.provider,
                "waiting": one.waiting,
                "waiting_since": _instant(one.since),
                "places": one.places or None,
                "taken": one.taken,
                "rests_until": _instant(one.rests),
            }
            for one in found.providers
        ],
        "lines": [
            {"account": one.account, "provider": one.provider, "waiting": one.waiting, "waiting_since": iso(one.since)}
            for one in found.lines
        ],
        "processes": [
            {"process": one.owner, "operations": one.operations, "over": one.over, "until": iso(one.until)}
            for one in found.processes
        ],
    }


def _instant(at: int | None) -> str | None:
    return None if at is None else iso(at)
