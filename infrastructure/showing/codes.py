"""The answer of a door to each kind of error: an exit code of the shell, a status of HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.errors import ImageStudioError
from domain.meaning import Kind

OTHER: Final = 1
"""The exit code of what has none of its own."""

EXIT_CODES: Final[Mapping[Kind, int]] = MappingProxyType(
    {
        Kind.INVALID: 2,
        Kind.NOT_FOUND: 2,
        Kind.CONFLICT: 2,
        Kind.UNVERIFIED: 2,
        Kind.UNAUTHENTICATED: 2,
        Kind.FORBIDDEN: 2,
        Kind.REFUSED: 3,
        Kind.FAILED: 4,
        Kind.PENDING: 5,
        Kind.UNAVAILABLE: 6,
        Kind.GONE: 6,
        Kind.BROKEN: 6,
        Kind.OVERLOADED: OTHER,
    }
)

STATUSES: Final[Mapping[Kind, int]] = MappingProxyType(
    {
        Kind.INVALID: 400,
        Kind.NOT_FOUND: 404,
        Kind.CONFLICT: 409,
        Kind.UNVERIFIED: 401,
        Kind.UNAUTHENTICATED: 401,
        Kind.FORBIDDEN: 403,
        Kind.REFUSED: 402,  # and not 429, which clients send again by themselves: a refusal is recorded
        Kind.FAILED: 502,
        Kind.PENDING: 202,
        Kind.UNAVAILABLE: 503,
        Kind.GONE: 410,
        Kind.BROKEN: 500,
        Kind.OVERLOADED: 503,
    }
)

STATUSES_BY_CODE: Final[Mapping[str, int]] = MappingProxyType(
    {
        "key_reused": 422,  # as https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header says
        "too_large": 413,
        "too_slow": 408,
        "not_allowed": 405,
        "unsupported_media": 415,
        "bad_range": 416,
        "rate_limited": 429,
    }
)
"""Of errors for which HTTP has a status that says more than their kind's."""


def status_for(error: ImageStudioError) -> int:
    """The status of HTTP for an error."""
    return STATUSES_BY_CODE.get(error.code, STATUSES[error.kind])
