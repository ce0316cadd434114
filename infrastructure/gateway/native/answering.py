"""Documents as answers, without what is the operator's own: what providers bill is told to administrators alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from fastapi import Response

from domain.keys import KeyScope
from infrastructure.gateway.door import KeyCaller

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
OPERATORS: Final = frozenset(
    {
        *("cost", "cost_source", "cost_partial", "cost_unknown", "listed"),
        *("route", "sent_as"),
        *("path", "where", "copy"),
    }
)
"""Fields that tell what a provider is paid, how it is asked, and where files are kept."""


def encoded(document: Any, caller: KeyCaller) -> bytes:
    """The document as JSON, as far as the caller may see it."""
    return msgspec.json.encode(document if caller.holder.may(KeyScope.ADMIN) else _shown(document))


def json_of(document: Any, caller: KeyCaller, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> Response:
    """The answer of a route."""
    return Response(encoded(document, caller), status, dict(headers), "application/json")


def _shown(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _shown(one) for name, one in document.items() if name not in OPERATORS}
    if isinstance(document, list):
        return [_shown(one) for one in document]
    return document
