"""All that a route works with: the studio, who may come in, models as clients name them, and repeats."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from fastapi import Request

from application.providing.callbacks import Callbacks
from infrastructure.clock import SECOND
from infrastructure.documents.brand import OURS, Brand
from infrastructure.drafting import Drafts
from infrastructure.gateway.aliases import ClientModels
from infrastructure.gateway.door import Door
from infrastructure.gateway.quotes import Quotes
from infrastructure.gateway.repeats import Repeats
from infrastructure.gateway.watching import Meters, Readiness
from infrastructure.service import Studio


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The parts of the gateway; `clock` tells epoch microseconds, `currency` is that of all prices.

    With `links` a client that did not say how it wants pictures gets their addresses, too.
    """

    studio: Studio
    door: Door
    models: ClientModels
    repeats: Repeats
    quotes: Quotes
    clock: Callable[[], int]
    currency: str
    links: bool
    readiness: Readiness
    meters: Meters
    drafts: Drafts = field(default_factory=Drafts)
    """Prices and plans that are only asked about, over those in force."""
    brand: Brand = OURS
    """Whose reports they are."""
    callbacks: dict[str, Callbacks] = field(default_factory=dict)
    auditing: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(1))
    """An audit reads all of the log: one goes on at a time."""

    def seconds(self) -> int:
        """The time as OpenAI tells it."""
        return self.clock() // SECOND


def gate_of(request: Request) -> Gate:
    """The gate of the application that answers the request."""
    return cast("Gate", request.app.state.gate)
