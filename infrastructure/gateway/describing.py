"""The part of the OpenAPI document that the routes' own signatures do not say: bodies, answers and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from infrastructure.gateway.faults import PROBLEM

JSON: Final = "application/json"
FORM: Final = "multipart/form-data"
STREAM: Final = "text/event-stream"
TEXT: Final = {"type": "string"}

ERRORS: Final = {
    400: "What was asked is wrong; nothing was recorded.",
    401: "No key, or none that is known.",
    402: "A limit or a balance refused it; the refusal is recorded, with its figures.",
    403: "The key is not for this; or not by itself, and then `approval` has the quote that a person may approve.",
    404: "There is no such thing, or it is not the caller's.",
    405: "The address is not for this method.",
    408: "The body did not go on.",
    409: "It does not agree with what is recorded.",
    410: "It was there, and is deleted.",
    413: "The body is too large.",
    415: "The body is of another type.",
    416: "The file has no such part.",
    422: "The idempotency key is another request's.",
    424: "Whether the provider did it is not known yet; its hold stands, and nobody should ask for it again.",
    429: "The key made its requests of this minute.",
    500: "Something of the service's own is broken.",
    502: "The provider failed; nothing was charged.",
    503: "Nothing new is taken now; the same request may be sent again.",
}
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "kind", "hint"],
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "instance": TEXT,
        "code": TEXT,
        "kind": TEXT,
        "hint": TEXT,
        "field": TEXT,
        "operation": TEXT,
        "refusal": {"type": "object"},
        "approval": {"type": "object"},
    },
}
_OPENAI: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {"message": TEXT, "type": TEXT, "param": {"type": ["string", "null"]}, "code": TEXT},
        }
    },
}
Extra = dict[str, Any]


def errors(*statuses: int, openai: bool = False) -> dict[int | str, Extra]:
    """The answers of a route that are errors, beside those that every route may give."""
    shape = {"application/json": {"schema": _OPENAI}} if openai else {PROBLEM: {"schema": _PROBLEM}}
    every = sorted({400, 401, 403, 404, 405, 408, 413, 429, 500, 503, *statuses})
    return {status: {"description": ERRORS[status], "content": shape} for status in every}


def answers(schema: Extra | None = None, *, type: str = JSON, status: int = 200, told: str = "The answer.") -> Extra:
    """The answer of a route that writes it itself."""
    return {"responses": {str(status): {"description": told, "content": {type: {"schema": schema or {}}}}}}


def takes(json: type[BaseModel], files: Mapping[str, bool] | None = None) -> Extra:
    """The body of a route that reads it itself: JSON, or a form with the same fields and files; `files` says of each
    whether there may be several."""
    shape = json.model_json_schema(ref_template="#/components/schemas/{model}")
    content: Extra = {JSON: {"schema": shape}}
    if files is not None:
        binary = {"type": "string", "format": "binary"}
        own = {name: {"type": "array", "items": binary} if many else binary for name, many in files.items()}
        fields = {**shape.get("properties", {}), **own}
        content[FORM] = {"schema": {"type": "object", "properties": fields}}
    return {"requestBody": {"required": True, "content": content}}


def together(*parts: Extra) -> Extra:
    """Several of these as one."""
    found: Extra = {}
    for part in parts:
        for name, value in part.items():
            found[name] = {**found.get(name, {}), **value} if isinstance(value, dict) else value
    return found
