"""The API's callbacks: the check that one is its own, and what it is about.

POST, webhook-id, webhook-timestamp, webhook-signature: v3,HMAC-SHA-256("{id}.{timestamp}.{body}") in hexadecimal
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from application.providing.receiving import Callback, Notification
from domain.errors import Unverified
from infrastructure.wire.callbacks import LARGEST, UNVERIFIED, attempt_of, equal, is_recent, keyed

ENDED: Final = frozenset({"completed", "succeeded", "failed", "cancelled", "canceled", "timeout", "deleted"})
_SIGNATURE: Final = re.compile(r"(?:^|[\s,])v3,([0-9a-f]{64})(?![0-9a-f])")


def verified_callback(callback: Callback, secret: str, now: int) -> Notification:
    """Check a callback; `now` in epoch microseconds, the secret with or without whsec_.

    Raises Unverified, which does not say what exactly was wrong to whoever may be trying.
    """
    given = {name.lower(): value for name, value in callback.headers.items()}
    id, at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not secret or not id or len(callback.body) > LARGEST or not is_recent(at, now):
        raise Unverified(UNVERIFIED)
    signed = keyed(secret, f"{id}.{at}.".encode(errors="replace") + callback.body)
    ours = [equal(signature, signed) for signature in _SIGNATURE.findall(given.get("webhook-signature", ""))]
    attempt = attempt_of(callback.operation, callback.mac, secret)
    if not any(ours) or attempt is None:
        raise Unverified(UNVERIFIED)
    job, status = _read(callback.body)
    return Notification(id, callback.operation, job, status in ENDED, attempt)


def _read(raw_body: bytes) -> tuple[str, str]:
    """The job and its status, from a body with or without an envelope."""
    try:
        body: Any = msgspec.json.decode(raw_body)
    except (ValueError, RecursionError) as error:
        raise Unverified("the callback's body cannot be read") from error
    data = body.get("data", body) if isinstance(body, dict) else None
    if not isinstance(data, dict) or not isinstance(job := data.get("id"), str) or not job:
        raise Unverified("the callback names no job")
    return job, str(data.get("status", ""))
