"""What Hugging Face's router offers of the models that are asked about, and what fal bills for those that it runs.

    GET {hub}/api/models/{model}?expand=inferenceProviderMapping ──> who runs it, under which name, live or not
    GET {fal}/models/pricing?endpoint_id=… ──> a price and its unit, with a key of fal's own

The Hub lists a hundred thousand models, so that none is said to be new; what it does not know, or nobody runs, is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from application.ports import ProviderRefused, Value
from application.providing.listings import Offered, Offers
from infrastructure.providers.huggingface import fal
from infrastructure.wire.answers import Unreadable
from infrastructure.wire.api import Api

SERVICES: Final = frozenset({"fal-ai", "hf-inference"})
LIVE: Final = "live"
ASKING: Final = 30.0
MOST_PRICED: Final = 50
"""Endpoints that one question about prices may name."""
MOST_PAGES: Final = 20
WHOLE: Final = frozenset({"image", "images", "video", "videos", "request", "requests", "generation", "generations"})
"""Units of which one submission for one output takes one."""
FAL_KEY: Final = "IMAGESTUDIO_HUGGINGFACE_FAL_KEY"


@dataclass(frozen=True, slots=True)
class _Price:
    """One amount for each output."""

    each: Decimal

    def __call__(self, inputs: Mapping[str, Value], seconds: Mapping[str, Decimal]) -> Decimal:  # noqa: ARG002
        return self.each


@dataclass(frozen=True, slots=True)
class Listing:
    """Asks the Hub who runs what, and fal what it costs; `prices` is fal's own API, which wants a key of its own."""

    hub: Api
    prices: Api

    async def offers(self, routes: Collection[str]) -> Offers:
        """What is offered of these routes. Raises ProviderError."""
        names: dict[str, str] = {}
        gone, notes = [], []
        for route in sorted(routes):
            service, _, model = route.partition("/")
            if "{" in route:
                notes.append(f"{route}: which model it is says the request, so that it cannot be looked up")
            elif name := await self._name(service, model):
                names[route] = name
            else:
                gone.append(route)
        at_fal = {name for route, name in names.items() if route.startswith("fal-ai/")}
        costs = await self._costs(at_fal) if self.prices.has_key and at_fal else {}
        if at_fal and not self.prices.has_key:
            notes.append(f"what fal bills was not asked: set {FAL_KEY}")
        unpriced = sorted(at_fal - costs.keys()) if self.prices.has_key else []
        notes += [f"fal tells no price of {name}" for name in unpriced]
        found = tuple(_offered(route, name, costs.get(name)) for route, name in names.items())
        return Offers(found, is_whole=False, gone=tuple(gone), notes=tuple(notes))

    async def _name(self, service: str, model: str) -> str:
        """What the service calls a model; empty where it does not run it, or the Hub does not know it."""
        asked = {"expand": "inferenceProviderMapping"}
        try:
            answer = await self.hub.read("GET", f"/api/models/{model}", within=ASKING, params=asked)
        except ProviderRefused as refusal:
            if refusal.code == "unknown_model":
                return ""
            raise
        entry = fal.entry_of(answer.object().get("inferenceProviderMapping"), service)
        name = entry.get("providerId")
        return name if isinstance(name, str) and entry.get("status") == LIVE else ""

    async def _costs(self, endpoints: Collection[str]) -> dict[str, tuple[Decimal, str]]:
        """Price in US dollars and its unit, by endpoint. Raises ProviderError."""
        costs: dict[str, tuple[Decimal, str]] = {}
        names = sorted(endpoints)
        for start in range(0, len(names), MOST_PRICED):
            costs |= await self._costs_of(",".join(names[start : start + MOST_PRICED]))
        return costs

    async def _costs_of(self, asked: str) -> dict[str, tuple[Decimal, str]]:
        costs: dict[str, tuple[Decimal, str]] = {}
        cursor = ""
        for _ in range(MOST_PAGES):
            params = {"endpoint_id": asked, **({"cursor": cursor} if cursor else {})}
            page = (await self.prices.read("GET", "/models/pricing", within=ASKING, params=params)).object()
            listed = page.get("prices")
            if not isinstance(listed, list):
                raise Unreadable("the provider's list of prices cannot be read")
            costs |= dict(filter(None, map(_cost, listed)))
            following = page.get("next_cursor")
            if not isinstance(following, str) or not following:
                break
            cursor = following
        return costs


def _cost(told: Any) -> tuple[str, tuple[Decimal, str]] | None:
    if not isinstance(told, dict) or told.get("currency") != "USD":
        return None
    endpoint, price, unit = told.get("endpoint_id"), told.get("unit_price"), told.get("unit")
    if isinstance(price, bool) or not isinstance(price, int | Decimal) or price < 0:
        return None
    if not isinstance(endpoint, str) or not isinstance(unit, str):
        return None
    return endpoint, (Decimal(price), unit)


def _offered(route: str, name: str, cost: tuple[Decimal, str] | None) -> Offered:
    if cost is None:
        return Offered(route, about=name)
    price, unit = cost
    told = f"{price} USD per {unit}"
    return Offered(route, about=name, price=_Price(price) if unit in WHOLE else None, formula=told)
