"""Quotes of estimates: made for what was asked, and taken with the same request, at our own routes and by agents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from application.asking.requests import Estimate, File
from application.asking.requests import Request as StudioRequest
from domain.errors import InvalidInput
from infrastructure.gateway.native.shapes import OperationAsked
from infrastructure.gateway.quotes import Quotes
from infrastructure.gateway.repeats import digest_of
from infrastructure.showing.formats import iso

QUOTED: Final = "quote"
Files = Mapping[str, list[File]]


async def quote_of(
    quotes: Quotes, account: str, asked: OperationAsked, files: Files, found: Estimate
) -> dict[str, str | None]:
    """A quote for what was estimated; none if nobody knows the most that it can come to."""
    if found.held is None:
        return {"quote": None, "quote_expires": None}
    digest = await asyncio.to_thread(digest_of, QUOTED, asked.told, files)
    text, told = quotes.quote(account, digest, found.model, found.held)
    return {"quote": text, "quote_expires": iso(told.expires)}


async def as_estimated(
    quotes: Quotes, account: str, asked: OperationAsked, files: Files, request: StudioRequest
) -> StudioRequest:
    """The request as it was estimated, if it names such a quote. Raises InvalidInput."""
    if asked.estimated is None:
        return request
    if asked.max_price is not None:
        raise InvalidInput("max_price", "is said beside a quote, which has a price", hint="leave it out")
    digest = await asyncio.to_thread(digest_of, QUOTED, asked.told, files)
    told = quotes.read(account, digest, asked.estimated)
    return replace(request, model=told.model, max_price=told.money, priced_at=told.at)
