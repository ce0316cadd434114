"""The offers of Hugging Face's router among the models that are asked about, and fal's bills for those that it runs.

    GET {hub}/api/models/{model}?expand=inferenceProviderMapping ──> who runs it, under which name, live or not
    GET {fal}/models/pricing?endpoint_id=… ──> a price and its unit, with a key of fal's own

The Hub lists a hundred thousand models, so that none is said to be new; what it does not know, or nobody runs, is gone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from application.ports import ProviderRefused
from application.providing.listings import Offered, Offers
from infrastructure.providers.huggingface import fal
from infrastructure.wire.api import Api
from infrastructure.wire.unitprices import UnitPrice, unit_prices

SERVICES: Final = frozenset({"fal-ai", "hf-inference"})
LIVE: Final = "live"
ASKING: Final = 30.0
FAL_KEY: Final = "IMAGESTUDIO_HUGGINGFACE_FAL_KEY"


@dataclass(frozen=True, slots=True)
class HubListing:
    """Asks the Hub who runs what, and fal what it costs; `prices` is fal's own API, which wants a key of its own."""

    hub: Api
    prices: Api

    async def offers(self, routes: Collection[str]) -> Offers:
        """The offers of these routes. Raises ProviderError."""
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
        costs = await unit_prices(self.prices, at_fal) if self.prices.has_key and at_fal else {}
        if at_fal and not self.prices.has_key:
            notes.append(f"what fal bills was not asked: set {FAL_KEY}")
        unpriced = sorted(at_fal - costs.keys()) if self.prices.has_key else []
        notes += [f"fal tells no price of {name}" for name in unpriced]
        found = tuple(_offered(route, name, costs.get(name)) for route, name in names.items())
        return Offers(found, is_whole=False, gone=tuple(gone), notes=tuple(notes))

    async def _name(self, service: str, model: str) -> str:
        """The service's name for a model; empty if it does not run it, or the Hub does not know it."""
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


def _offered(route: str, name: str, cost: UnitPrice | None) -> Offered:
    if cost is None:
        return Offered(route, about=name)
    return Offered(route, about=name, price=cost.of_one(), formula=str(cost))
