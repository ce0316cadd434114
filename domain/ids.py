"""Texts of callers that are recorded for ever: opaque ids, and reasons in one line, without personal data."""

from __future__ import annotations

from domain.errors import InvalidInput
from domain.inputs import shortened

LONGEST_ID = 200


def check_id(what: str, id: str) -> str:
    """An opaque id of the caller's: 1 to 200 printable characters without spaces. Raises InvalidInput."""
    if not isinstance(id, str):
        raise InvalidInput(what, f"must be text, not {shortened(id)}", hint="use an opaque id")
    if not 1 <= len(id) <= LONGEST_ID:
        raise InvalidInput(what, f"an id has 1 to {LONGEST_ID} characters, this one has {len(id)}")
    if not id.isprintable() or " " in id:
        raise InvalidInput(what, f"{id!r} holds a space or an unprintable character", hint="use an opaque id")
    return id


def check_reason(reason: object, *, needed: bool = False) -> None:
    """Why something is done, in words: one line, or nothing unless it is needed. Raises InvalidInput."""
    if reason == "" and not needed:
        return
    if not isinstance(reason, str) or not reason.strip() or len(reason) > LONGEST_ID or not reason.isprintable():
        told = f"give one line of 1 to {LONGEST_ID} characters, without personal data: it is recorded for ever"
        raise InvalidInput("reason", "is missing or cannot be recorded", hint=told)
