"""Finished pictures and films as JSON: every file with its bytes before and after, or the error that was in its way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from infrastructure.showing.documents import file_document, result_document
from infrastructure.showing.formats import document
from infrastructure.showing.hints import in_shell
from infrastructure.showing.services import advised_document

if TYPE_CHECKING:
    from application.studios.finishing import AdvisedSet, FinishedFile, FinishedSet


def finished_document(done: FinishedSet, copies: Mapping[str, Path]) -> dict[str, object]:
    """All files, the results that they come from, and the price of all; `copies` are by operation."""
    return {
        "files": [_file_document(one, copies) for one in done.files],
        "results": [result_document(one) for one in done.results],
        "notes": list(done.notes),
        "total": document(done.price),
    }


def advised_set_document(found: AdvisedSet) -> dict[str, object]:
    """Every estimate, and the price of all."""
    return {
        "estimates": [advised_document(one) for one in found.parts],
        "notes": list(found.notes),
        "total": document(found.price),
    }


def _file_document(one: FinishedFile, copies: Mapping[str, Path]) -> dict[str, object]:
    outputs = one.operation.outputs if one.operation else ()
    copy = copies.get(one.operation.operation) if one.operation else None
    error = one.error and {"code": one.error.code, "message": one.error.message, "hint": in_shell(one.error.advice)}
    return {
        "name": one.name,
        "operation": one.operation.operation if one.operation else None,
        "before": one.before,
        "after": one.after,
        **({"lasted_ms": one.lasted} if one.lasted is not None else {}),
        **({**file_document(outputs[0].asset), "path": outputs[0].path} if outputs else {}),
        "copy": document(copy),
        "error": error,
    }
