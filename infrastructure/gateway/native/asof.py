"""`?as_of=`: a route that tells what is tells what was, as the log knew it at an instant or a position."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request

from application.ledger.moments import Moment
from infrastructure.gateway.gate import gate_of
from infrastructure.showing.moments import moment_document

AS_OF: Final = "as_of"
DATED: Final = [
    {
        "name": AS_OF,
        "in": "query",
        "schema": {"type": "string"},
        "description": "An instant in ISO 8601, or a position of the log: what was known then.",
    }
]
"""The parameter, for the OpenAPI document."""


async def moment_asked(request: Request, account: str | None) -> Moment | None:
    """The moment that is asked for, of an account's facts or of all; None for now. Raises InvalidInput."""
    text = request.query_params.get(AS_OF)
    return None if text is None else await gate_of(request).studio.past.moment(text, account)


def as_of_document(document: Mapping[str, Any], moment: Moment | None) -> Mapping[str, Any]:
    """The document, with the moment that it is of."""
    return document if moment is None else {**document, AS_OF: moment_document(moment)}
