"""Documents as answers, without what is the operator's own: what providers bill is told to administrators alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from fastapi import Response

from domain.keys import KeyScope
from infrastructure.gateway.door import KeyCaller
from infrastructure.showing.telling import without_ours

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


def seen_by(document: Any, caller: KeyCaller) -> Any:
    """The document as far as the caller may see it."""
    return document if caller.holder.may(KeyScope.ADMIN) else without_ours(document)


def encoded(document: Any, caller: KeyCaller) -> bytes:
    """The same as JSON."""
    return msgspec.json.encode(seen_by(document, caller))


def json_of(document: Any, caller: KeyCaller, status: int = 200, headers: Mapping[str, str] = NO_HEADERS) -> Response:
    """The answer of a route."""
    return Response(encoded(document, caller), status, dict(headers), "application/json")
