"""Problems (RFC 9457) as the library's own errors, by their code, and what a lost connection is told as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from domain import errors
from domain.alerts import UnknownAlert
from domain.approvals import ApprovalNeeded, UnknownQuote
from domain.billing import UnknownPeriod, UnknownStatement
from domain.erasure import UnknownUser
from domain.errors import (
    ImageStudioError,
    InvalidInput,
    InvalidRequest,
    OperationError,
    OperationRefused,
    Overloaded,
    StoreUnavailable,
)
from domain.invoices import InvoiceExists, UnknownInvoice
from domain.meaning import Kind
from infrastructure.client.records import refusal_from, waiting_from

_ELSEWHERE: Final = (UnknownPeriod, UnknownStatement, UnknownInvoice, InvoiceExists, UnknownAlert, UnknownUser)
_BESIDE: Final = (ApprovalNeeded, UnknownQuote, *_ELSEWHERE)
_NAMED: Final = (*vars(errors).values(), *_BESIDE)
_LISTED: Final = [one for one in _NAMED if isinstance(one, type) and issubclass(one, ImageStudioError)]
BY_CODE: Final[Mapping[str, type[ImageStudioError]]] = {one.code: one for one in reversed(_LISTED)}
"""The class of each code; of several with one code the first, which is the base of the others."""

ASKED_WRONGLY: Final = frozenset(
    {Kind.INVALID, Kind.NOT_FOUND, Kind.CONFLICT, Kind.UNVERIFIED, Kind.UNAUTHENTICATED, Kind.FORBIDDEN, Kind.GONE}
)


class Unreachable(StoreUnavailable):
    """The service did not answer, however often it was asked: whether it took the request is not known."""

    code = "unreachable"


class ForeignAnswer(ImageStudioError):
    """Whatever answers at the address is no Image Studio, or its answer was changed on the way."""

    code = "foreign_answer"


def error_in(content: bytes, status: int) -> ImageStudioError:
    """The error that a problem document tells."""
    try:
        problem = msgspec.json.decode(content)
        return error_from(problem)
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError):
        return foreign(status)


def error_from(problem: Mapping[str, Any]) -> ImageStudioError:
    """The error of the library that a problem is, with its message, hint, field, operation and figures."""
    code, message, hint = str(problem["code"]), str(problem["detail"]), str(problem["hint"])
    shape = BY_CODE.get(code) or _unlisted(code, Kind(problem["kind"]))
    if issubclass(shape, OperationRefused):
        return shape(problem["operation"], message, refusal=refusal_from(problem["refusal"]), hint=hint)
    if issubclass(shape, OperationError):
        return shape(problem["operation"], message, hint=hint)
    if issubclass(shape, ApprovalNeeded):
        return shape(message, waiting=waiting_from(problem["approval"]), hint=hint)
    if issubclass(shape, InvalidInput):
        return shape(problem["field"], message.removeprefix(f"{problem['field']}: "), hint=hint)
    return shape(message, hint=hint)


def foreign(status: int) -> ForeignAnswer:
    """The error about an answer that nobody understands."""
    told = f"an answer with status {status} that is not the service's"
    return ForeignAnswer(told, hint="check the address: it is that of 'serve', without /v1")


def _unlisted(code: str, kind: Kind) -> type[ImageStudioError]:
    """A class for an error of the service alone, such as that the body is too large, under the one of its kind."""
    base: type[ImageStudioError] = ImageStudioError
    if kind in ASKED_WRONGLY:
        base = InvalidRequest
    elif kind is Kind.OVERLOADED:
        base = Overloaded
    elif kind is Kind.UNAVAILABLE:
        base = StoreUnavailable
    return type(base.__name__, (base,), {"code": code, "kind": kind})
