"""A filter of what httpx and httpcore would log of our requests: whole addresses and headers, maybe with a token.

Their loggers are the host's: its own requests are logged as it wishes, and levels stay as they are.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

LOGGERS: Final = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))
"""All that write of requests; a filter on a parent would not see what its children write."""

_HUSHED: ContextVar[bool] = ContextVar("hushed", default=False)
_LOCK: Final = threading.Lock()
_USERS: Final[list[None]] = []


def _is_the_hosts(_record: logging.LogRecord) -> bool:
    return not _HUSHED.get()


def listen_no_more() -> None:
    """Begin to drop what is written within `hushed`; each call is undone by one of `listen_again`."""
    with _LOCK:
        _USERS.append(None)
        for name in LOGGERS:
            logging.getLogger(name).addFilter(_is_the_hosts)


def listen_again() -> None:
    """The last one leaves the loggers as they were."""
    with _LOCK:
        _USERS.pop()
        if not _USERS:
            for name in LOGGERS:
                logging.getLogger(name).removeFilter(_is_the_hosts)


@contextmanager
def hushed() -> Iterator[None]:
    """Of a request that is made in here nothing is logged by the libraries."""
    token = _HUSHED.set(True)
    try:
        yield
    finally:
        _HUSHED.reset(token)
