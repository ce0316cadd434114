"""Pages of lists: how many rows, and after which."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from fastapi import Request

from domain.errors import InvalidInput

USUAL: Final = 100
MOST: Final = 500
PAGED: Final = {
    "parameters": [
        {"name": "after", "in": "query", "schema": {"type": "string"}},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": MOST}},
    ]
}
"""The parameters of a page, for the OpenAPI document."""


@dataclass(frozen=True, slots=True)
class PageAsked:
    """At most `limit` rows, after the cursor of the page before."""

    NAMES: ClassVar[tuple[str, ...]] = ("after", "limit")
    after: str | None
    limit: int


def check_parameters(request: Request, known: Collection[str]) -> None:
    """Refuse a parameter that there is not, as it would choose nothing. Raises InvalidInput."""
    for unknown in request.query_params.keys() - set(known):
        hint = f"there are: {', '.join(known)}" if known else "leave it out"
        raise InvalidInput(unknown, "is no parameter of this list", hint=hint)


def flag_of(told: Mapping[str, str], name: str) -> bool:
    """A parameter that is true or false; false if it is left out. Raises InvalidInput."""
    text = told.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidInput(name, "must be true or false", hint="leave it out for false")
    return text == "true"


def page_of(request: Request) -> PageAsked:
    """The page that the parameters ask for. Raises InvalidInput."""
    text = request.query_params.get("limit", str(USUAL))
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST):
        raise InvalidInput("limit", f"must be a number from 1 to {MOST}", hint=f"leave it out for {USUAL}")
    return PageAsked(request.query_params.get("after"), int(text))
