"""Batches as JSON: what one would cost, and how one ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.counts import counted
from infrastructure.showing.formats import document, measured

if TYPE_CHECKING:
    from pathlib import Path

    from application.library.archive import Archived
    from application.studios.batch import Batched
    from application.studios.carrying import Outcome
    from application.studios.forecast import Forecast
    from domain.errors import ImageStudioError


def forecast_document(found: Forecast) -> dict[str, object]:
    """`held` is the sum of what is known, null if nothing is; `short` are the limits that would stop it."""
    currency = found.held.currency
    known = any(one.held is not None for one in found.items)
    return {
        "items": len(found.items),
        "held": document(found.held) if known else None,
        "unknown": found.unknown,
        "wrong": [{"item": one.number, "error": _error(one.error)} for one in found.items if one.error is not None],
        "asks": measured(found.asks, currency),
        "short": [
            {
                "measure": one.measure,
                "asked": measured({one.measure: one.asked}, currency)[one.measure],
                "left": measured({one.measure: one.left}, currency)[one.measure],
            }
            for one in found.short
        ],
        "over_budget": found.over,
    }


def batched_document(batched: Batched) -> dict[str, object]:
    """Every item with its operations and files; `stopped` says why not all were begun, null if all were."""
    return {
        "batch": batched.name,
        "states": dict(batched.states),
        "price": document(batched.price),
        "stopped": batched.stopped or None,
        "items": [_outcome(one) for one in batched.outcomes],
    }


def archived_document(file: Path | None, archived: Archived) -> dict[str, object]:
    """The names of the files in an archive with the asset of each, and the assets whose files are gone."""
    return {"file": str(file), "files": document(archived.files), "missing": list(archived.missing)}


def archived_text(file: Path | None, archived: Archived) -> str:
    """The same as a line."""
    gone = f"; {counted(len(archived.missing), 'file')} gone" if archived.missing else ""
    return f"Wrote {counted(len(archived.files), 'file')} to {file}{gone}"


def _outcome(one: Outcome) -> dict[str, object]:
    return {
        "item": one.number,
        "state": one.state,
        "operations": [result.operation for result in one.results],
        "files": [{**document(output.asset), "path": output.path, "where": output.where} for output in one.outputs],
        "error": _error(one.error) if one.error is not None else None,
    }


def _error(error: ImageStudioError) -> dict[str, str]:
    from infrastructure.showing.hints import in_shell

    return {"code": error.code, "message": error.message, "hint": in_shell(error.advice)}
