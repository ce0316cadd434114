"""Addresses that answers hold: behind the origin to which the request came, as a client may only trust that one."""

from __future__ import annotations

from fastapi import Request


def absolute(request: Request, url: str) -> str:
    """The address itself, or a path of ours behind the origin of the request."""
    return f"{str(request.base_url).rstrip('/')}{url}" if url.startswith("/") else url
