"""The queue as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infrastructure.showing.formats import iso

if TYPE_CHECKING:
    from application.performing.standing import QueueLine, QueueStanding


def queues_document(found: QueueStanding) -> dict[str, Any]:
    """Operations that wait, by provider and by account, and who works; null: nothing does, or no limit is set."""
    return {
        "waiting": found.waiting,
        "waiting_since": _instant(found.since),
        "running": found.running,
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
        "lines": [_line(one) for one in found.lines],
        "processes": [
            {"process": one.owner, "operations": one.operations, "over": one.over, "until": _instant(one.until)}
            for one in found.processes
        ],
    }


def own_queue_document(found: QueueStanding) -> dict[str, Any]:
    """The part of it that is an account's: what waits of it, and what is worked on."""
    return {
        "waiting": found.waiting,
        "waiting_since": _instant(found.since),
        "running": found.running,
        "lines": [_line(one) for one in found.lines],
    }


def _line(one: QueueLine) -> dict[str, Any]:
    return {
        "account": one.account,
        "provider": one.provider,
        "waiting": one.waiting,
        "waiting_since": _instant(one.since),
        "running": one.running,
        "running_since": _instant(one.oldest),
    }


def _instant(at: int | None) -> str | None:
    return None if at is None else iso(at, precision="microseconds")
