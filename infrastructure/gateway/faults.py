"""Errors as answers: our own as a problem (RFC 9457), those of OpenAI's routes in OpenAI's envelope.

Both have the same status, code, words and figures. `x-should-retry` says whether sending the request again may help:
never while an outcome is unknown, and never after what is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from domain.approvals import ApprovalNeeded
from domain.errors import ImageStudioError, InvalidInput, OperationError, OperationRefused
from domain.meaning import Kind
from infrastructure.gateway.rates import TooManyRequests
from infrastructure.showing.codes import status_for
from infrastructure.showing.hints import outside, over_http
from infrastructure.showing.refusals import refusal_document, waiting_document

PROBLEM: Final = "application/problem+json"
AGAIN: Final = frozenset({Kind.FAILED, Kind.UNAVAILABLE, Kind.OVERLOADED})
"""Nothing was charged, and it may go better the next time."""

_OPENAI_TYPES: Final[Mapping[Kind, str]] = {
    Kind.INVALID: "invalid_request_error",
    Kind.NOT_FOUND: "invalid_request_error",
    Kind.CONFLICT: "invalid_request_error",
    Kind.GONE: "invalid_request_error",
    Kind.UNVERIFIED: "authentication_error",
    Kind.UNAUTHENTICATED: "authentication_error",
    Kind.FORBIDDEN: "permission_error",
    Kind.REFUSED: "insufficient_quota",
    Kind.OVERLOADED: "rate_limit_error",
}


class Defect(ImageStudioError):
    """A mistake of the program; its place is in the log."""

    code = "defect"


def problem_of(error: ImageStudioError, instance: str) -> dict[str, Any]:
    """The problem document; `instance` is the id of the request."""
    message, hint = outside(error, over_http)
    return {
        "type": f"urn:imagestudio:error:{error.code}",
        "title": error.code.replace("_", " "),
        "status": status_for(error),
        "detail": message,
        "instance": f"urn:imagestudio:request:{instance}",
        "code": error.code,
        "kind": str(error.kind),
        "hint": hint,
        **figures_of(error),
    }


def openai_error(error: ImageStudioError) -> dict[str, Any]:
    """The envelope, with all four keys that clients read; what is more stands beside them."""
    message, hint = outside(error, over_http)
    told = {
        "message": f"{message} ({hint})" if hint else message,
        "type": _OPENAI_TYPES.get(error.kind, "server_error"),
        "param": error.field if isinstance(error, InvalidInput) else None,
        "code": error.code,
    }
    return {"error": {**told, **figures_of(error)}}


def headers_of(error: ImageStudioError) -> dict[str, str]:
    """Whether to send it again, and when; a refusal of a window that ends says when it does in its figures."""
    again = error.kind in AGAIN
    found = {"x-should-retry": "true" if again else "false"}
    if error.kind in (Kind.UNAVAILABLE, Kind.OVERLOADED):
        found["retry-after"] = str(error.seconds) if isinstance(error, TooManyRequests) else "1"
    if isinstance(error, TooManyRequests):
        found["ratelimit"] = f'"key";r=0;t={error.seconds}'
    if isinstance(error, OperationError):
        found["x-imagestudio-operation"] = error.operation
    return found


def figures_of(error: ImageStudioError) -> dict[str, Any]:
    """The part of an error that is more than words: its operation, its field, the figures of a refusal, a quote."""
    found: dict[str, Any] = {"operation": error.operation} if isinstance(error, OperationError) else {}
    if isinstance(error, InvalidInput):
        found["field"] = error.field
    if isinstance(error, ApprovalNeeded):
        found["approval"] = waiting_document(error.waiting)
    if isinstance(error, OperationRefused):
        found["refusal"] = refusal_document(error.refusal)
    return found
