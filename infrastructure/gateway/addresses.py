"""Addresses that answers hold: behind the origin to which the request came, as a client may only trust that one."""

from __future__ import annotations

from fastapi import Request

from domain.errors import InvalidInput


def absolute(request: Request, url: str) -> str:
    """The address itself, or a path of ours behind the origin of the request."""
    return f"{str(request.base_url).rstrip('/')}{url}" if url.startswith("/") else url


async def check_text(request: Request) -> None:
    """Refuse the one character that no database keeps, wherever an address holds it. Raises InvalidInput."""
    for name, value in (*request.path_params.items(), *request.query_params.multi_items()):
        if "\x00" in name or "\x00" in str(value):
            raise InvalidInput(name.replace("\x00", "?"), "has characters that are not text", hint="remove them")
