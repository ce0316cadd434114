"""Callbacks of jobs: the address that ties one to its attempt at an operation, and the check that it is the provider's.

    submission ── ?webhook=BASE/OPERATION/MAC ──> provider ── POST ──> verify ──> Notification ── notified ──> settled
                                                                        └── Unverified

A notification only says that it is time to look: what became of a job is always read from the provider, so that one
that is late, early, repeated or lost changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import msgspec

from domain.errors import Unverified
from infrastructure.clock import SECOND

OLDEST: Final = 300
"""Seconds between a callback's time and ours, both ways."""
LARGEST: Final = 8 * 1024 * 1024
REMEMBERED: Final = 10_000
MOST_ATTEMPTS: Final = 9
"""Attempts at one operation whose callbacks are told apart; those of later ones are not known again."""
_SIGNATURE: Final = re.compile(r"(?:^|[\s,])v3,([0-9a-f]{64})(?![0-9a-f])")
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Notification:
    """What a verified callback is about; `id` is the same whenever it is repeated.

    `attempt` is the one at the operation to whose address it came.
    """

    id: str
    operation: str
    job: str
    status: str
    attempt: int = 1


def address(base: str, operation: str, secret: str, attempt: int = 1) -> str:
    """Where the provider shall call back for an attempt at an operation, and nobody can for another."""
    return f"{base.rstrip('/')}/{quote(operation, safe='')}/{operation_mac(operation, secret, attempt)}"


def operation_mac(operation: str, secret: str, attempt: int = 1) -> str:
    """64 hexadecimal digits that only who knows the secret can make for an attempt at an operation."""
    what = f"operation.{operation}" if attempt == 1 else f"attempt.{attempt}.{operation}"
    return _hmac(secret, what.encode())


def verify(
    operation: str, mac: str, headers: Mapping[str, str], raw_body: bytes, secret: str, now: int
) -> Notification:
    """Check a callback that came to .../OPERATION/MAC; `now` in epoch microseconds, the secret with or without whsec_.

    Raises Unverified, which does not say what exactly was wrong to whoever may be trying.
    """
    given = {name.lower(): value for name, value in headers.items()}
    id, at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not secret or not id or len(raw_body) > LARGEST or not _is_recent(at, now):
        raise Unverified(UNVERIFIED)
    signed = _hmac(secret, f"{id}.{at}.".encode(errors="replace") + raw_body)
    ours = [_equal(signature, signed) for signature in _SIGNATURE.findall(given.get("webhook-signature", ""))]
    if not any(ours):
        raise Unverified(UNVERIFIED)
    attempts = [one for one in range(1, MOST_ATTEMPTS + 1) if _equal(mac, operation_mac(operation, secret, one))]
    if not attempts:
        raise Unverified(UNVERIFIED)
    job, status = _read(raw_body)
    return Notification(id, operation, job, status, attempts[0])


UNVERIFIED: Final = "the callback is not the provider's, or too old"


class Seen:
    """The ids of callbacks that were dealt with, the latest `most`: a repeated one is known again."""

    def __init__(self, most: int = REMEMBERED) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._most = most

    def __contains__(self, id: str) -> bool:
        return id in self._ids

    def add(self, id: str) -> None:
        self._ids[id] = None
        self._ids.move_to_end(id)
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)


ENDED: Final = frozenset({"completed", "succeeded", "failed", "cancelled", "canceled", "timeout", "deleted"})


class Callbacks:
    """Takes in the callbacks of one provider: verified, and what they are about settled, once for each id.

    `notified` is `ImageStudio.notified`; `clock` is in epoch microseconds.
    """

    def __init__(
        self, secret: str, clock: Callable[[], int], notified: Callable[[str, str, int], Awaitable[object]]
    ) -> None:
        self._secret, self._clock, self._notified = secret, clock, notified
        self._seen = Seen()

    async def take(self, operation: str, mac: str, headers: Mapping[str, str], raw_body: bytes) -> bool:
        """Settle what a callback to .../OPERATION/MAC is about; whether that was news.

        Raises Unverified, which is to be answered with 401, and what `notified` raises, after which the provider may
        try again. A callback that comes before the end, or once more after it was dealt with, is taken and changes
        nothing; one that comes once more before that is dealt with as well, since the first may yet fail.
        """
        told = verify(operation, mac, headers, raw_body, self._secret, self._clock())
        if told.status not in ENDED or told.id in self._seen:
            return False
        await self._notified(told.operation, told.job, told.attempt)
        self._seen.add(told.id)
        return True


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


def _is_recent(at: str, now: int) -> bool:
    return _SECONDS.fullmatch(at) is not None and abs(now - int(at) * SECOND) <= OLDEST * SECOND


def _hmac(secret: str, message: bytes) -> str:
    return hmac.new(secret.removeprefix("whsec_").encode(), message, hashlib.sha256).hexdigest()


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())
