"""Times as a clock in the zone of the page shows them, and keys by the names that people gave them.

Both are of the page that is being written: which, is told once for all that writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from datetime import datetime
from types import MappingProxyType

from domain.zones import zone_of
from infrastructure.showing.formats import UTC_NAME

ZONE: ContextVar[str] = ContextVar("zone", default=UTC_NAME)
"""The time zone of the page that is being written."""
NAMES: ContextVar[Mapping[str, str]] = ContextVar("names", default=MappingProxyType({}))
"""The names of the keys that it may show."""


def local(text: str) -> str:
    """An instant of a document as a clock in the page's zone shows it; a day, and what says its offset, stay."""
    if not text.endswith("Z") or (zone := ZONE.get()) == UTC_NAME:
        return text
    return datetime.fromisoformat(text).astimezone(zone_of(zone)).isoformat()


def to_the_second(text: str) -> str:
    """An instant to the second, as people read it."""
    return local(text)[:19].replace("T", " ")


def to_the_millisecond(text: str) -> str:
    """An instant, as those read it who look for an order."""
    return local(text)[:23].replace("T", " ")


def name_of_key(id: str) -> str:
    """The name of a key, nothing if it has none that may be shown."""
    return NAMES.get().get(id, "")


def day(text: str) -> str:
    """The day of an instant, or a day as it is."""
    return local(text)[:10]
