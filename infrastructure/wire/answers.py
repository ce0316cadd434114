"""An answer as it came, and what one that is no success means: refused for certain, or nobody knows.

2xx                          read it
4xx but 408, 409, 425        refused: nothing was started
all else                     unknown: it may have been accepted all the same
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from application.ports import ProviderError, ProviderRefused, ProviderUnknown
from infrastructure.wire.content import decode_json

MODERATED: Final = "content_moderation"
UNREADABLE: Final = "unreadable_answer"
RATE_LIMITED: Final = "rate_limited"
RATE_STATUS: Final = 429
TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""After these the same question may be asked again; 52x are those of a gateway that did not reach its server."""

AMBIGUOUS: Final = frozenset({408, 409, 425})
REFUSALS: Final = {
    400: "invalid_request",
    401: "bad_key",
    402: "no_credit",
    403: "bad_key",
    404: "unknown_model",
    413: "too_large",
    415: "invalid_request",
    422: "invalid_request",
    429: RATE_LIMITED,
}


@dataclass(frozen=True, slots=True)
class ApiProblem:
    """An API's words about an answer that is not a success.

    `code` where the status alone would mislead; `final` where no other model may be asked instead; `refused` where
    the API promises that nothing was started, whatever the status.
    """

    message: str = ""
    code: str = ""
    final: bool = False
    refused: bool = False

    @classmethod
    def moderated(cls, message: str) -> ApiProblem:
        """The refusal of a request that is not allowed."""
        return cls(message, MODERATED, final=True)


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer; the content is decompressed and within its limit."""

    status: int
    headers: httpx.Headers = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """Of the content, as its header has it; empty where there is none."""
        return str(self.headers.get("content-type", "")).partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The content, with exact numbers. Raises Unreadable where it is no JSON."""
        try:
            return decode_json(self.content)
        except ValueError as error:
            raise Unreadable from error

    def object(self) -> Mapping[str, Any]:
        """The content where it must be an object. Raises Unreadable where it is none."""
        value = self.json()
        if not isinstance(value, dict):
            raise Unreadable
        return value

    @property
    def wanted_pause(self) -> float | None:
        """Seconds after which what was refused for its rate alone may be sent again; None if that is not said."""
        return self.retry_after() if self.status == RATE_STATUS else None

    def retry_after(self) -> float | None:
        """Seconds to wait as the header says, a date being counted from the answer's own; None where it does not."""
        return asked_pause(self.headers)


def asked_pause(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the headers of an answer say, by number or date; None if they do not."""
    wanted = headers.get("retry-after", "").strip()
    if wanted.isdecimal():
        return float(wanted[:9])
    try:
        until, sent = (parsedate_to_datetime(text) for text in (wanted, headers.get("date", "")))
        return max(0.0, (until - sent).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


Explain = Callable[[Answer], ApiProblem]
"""Reads an API's own words about a failure; must accept anything, and raise nothing but Unreadable."""


class Unreadable(ProviderUnknown):
    """It was answered, but not in a way that can be understood: what was asked may have happened."""

    def __init__(self, message: str = "the provider's answer cannot be read") -> None:
        super().__init__(UNREADABLE, message)


def verdict(status: int, problem: ApiProblem, retry_after: float | None = None) -> ProviderError:
    """The meaning for a submission of an answer with this status, which is not a success."""
    message = f"the provider answers {status}" + (f": {problem.message}" if problem.message else "")
    if problem.refused or (400 <= status < 500 and status not in AMBIGUOUS):
        code = problem.code or REFUSALS.get(status, "refused")
        return ProviderRefused(code, message, final=problem.final, retry_after=retry_after)
    return ProviderUnknown("unavailable" if status >= 500 else "ambiguous_answer", message)
