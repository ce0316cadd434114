"""Lists that come in pages: read to their end, or not believed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from application.ports import ProviderUnknown
from infrastructure.providers.wavespeed.predictions import unwrap
from infrastructure.wire.answers import Unreadable
from infrastructure.wire.api import Api

PAGE: Final = 100
"""The most items of one page."""
PAGE_SECONDS: Final = 60.0
LARGEST_PAGE: Final = 64 * 1024 * 1024
"""Bytes: jobs may be listed with their files inside."""


async def items(api: Api, path: str, wanted: Mapping[str, object], most: int) -> AsyncIterator[Mapping[str, Any]]:
    """Each item of a list, whose length may be told or not. Raises ProviderUnknown where it has more than `most`."""
    seen = 0
    for page in range(1, most + 2):
        asked = {**wanted, "page": page, "page_size": PAGE}
        answer = await api.read("POST", path, within=PAGE_SECONDS, limit=LARGEST_PAGE, json=asked)
        data = unwrap(api, answer)
        listed, total = data.get("items"), data.get("total")
        if not isinstance(listed, list):
            raise Unreadable
        seen += len(listed)
        if seen > most:
            break
        for item in listed:
            if isinstance(item, dict):
                yield item
        if not listed or (seen >= total if isinstance(total, int) else len(listed) < PAGE):
            return
    raise ProviderUnknown("too_many_items", f"the provider lists more than {most} items")
