"""A film as OpenAI's clients read one, with OpenRouter's fields beside it; what nobody knows is null."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from application.asking.requests import OperationResult, Result
from application.ports import Scalar
from infrastructure.clock import SECOND
from infrastructure.gateway.openai.answering import usage_of
from infrastructure.showing.formats import units_of
from projections.views.operations import OperationRow

STATES: Final[Mapping[str, str]] = {
    "requested": "queued",
    "validated": "queued",
    "dispatched": "in_progress",
    "submitted": "in_progress",
    "completed": "in_progress",
    "charged": "completed",
    "released": "failed",
    "rejected": "failed",
}
"""The word of OpenAI for each phase of an operation."""
MILLISECONDS: Final = 1_000


def film_of_result(result: Result, created: int, inputs: Mapping[str, Scalar], completed: int | None) -> dict[str, Any]:
    """An operation that makes a film, as it stands; `created` and `completed` in seconds, `inputs` as far as they are
    known."""
    one = result.operations[0]
    found = _film(one.operation, one.model, one.status, created, completed)
    found["prompt"] = inputs.get("prompt")
    found["metadata"] = dict(result.tags)
    found["seconds"], found["size"] = _looks(one, inputs)
    if found["status"] == "failed":
        found["error"] = {"code": "refused" if one.rejected else "failed", "message": one.reason}
    if found["status"] == "completed":
        found |= {
            "unsigned_urls": [f"/v1/videos/{one.operation}/content"],
            "usage": {**usage_of(result), "is_byok": False},
        }
    return found


def film_of_row(row: OperationRow, tags: Mapping[str, str]) -> dict[str, Any]:
    """The same as a list has it, without what only its files and its content tell."""
    completed = None if row.settled_at is None else row.settled_at // SECOND
    found = _film(row.id, row.model, row.state, row.requested_at // SECOND, completed)
    found["metadata"] = dict(tags)
    if found["status"] == "failed":
        found["error"] = {"code": "failed", "message": row.reason or ""}
    return found


def _film(id: str, model: str, state: str, created: int, completed: int | None) -> dict[str, Any]:
    status = STATES[state]
    return {
        "id": id,
        "object": "video",
        "model": model,
        "status": status,
        "progress": 100 if status == "completed" else 0,
        "created_at": created,
        "completed_at": completed if status == "completed" else None,
        "expires_at": None,
        "prompt": None,
        "size": None,
        "seconds": None,
        "remixed_from_video_id": None,
        "error": None,
        "polling_url": f"/v1/videos/{id}",
    }


def _looks(one: OperationResult, inputs: Mapping[str, Scalar]) -> tuple[str | None, str | None]:
    """Length and size as the film is; before there is one, as it was asked for."""
    if one.outputs:
        film = one.outputs[0].asset
        long = None if film.duration_ms is None else units_of(film.duration_ms * MILLISECONDS)
        return long, f"{film.width}x{film.height}" if film.width and film.height else None
    told = [inputs.get(name) for name in ("duration", "size")]
    long, size = (None if one is None else str(one) for one in told)
    return long, size
