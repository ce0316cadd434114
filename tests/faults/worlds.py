"""A studio and the WaveSpeed that it pays, in one time: an hour that passes for the one passes for the other.

world.studio() ── the real adapter, whose pauses take no time ──> fake provider on a loopback socket
      └── the test's database
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from application.asking.requests import Request
from application.performing.outputs import PAUSES
from application.ports import Provider
from infrastructure.clock import SECOND, now
from infrastructure.service import Studio
from tests.application.studios import studio_on
from tests.infrastructure.providers.wavespeed.tasks import wavespeed
from tests.infrastructure.wire.servers import Time
from tests.wire.fake.server import Fake
from tests.wire.fake.webhooks import SECRET

HOOKS = "http://127.0.0.1:9/hooks"
"""Where nobody listens: a test hands callbacks over itself."""
POND, LAKE = 50_000, 60_000
"""Micro-units for a picture, by our price book and by the provider's own."""
MODEL = """
[[model]]
id = "{id}"
provider = "wavespeed"
route = "{route}"
kinds = ["reference-to-image"]
outputs = ["image/png"]
unit = "image"
deadline = 20
{prices}
inputs.prompt = {{ type = "text", required = true }}
inputs.size = {{ type = "size" }}
"""
ROUTES = {
    "pond": "wavespeed-ai/qwen-image/text-to-image",
    "lake": "ideogram-ai/ideogram-v3-turbo",
    "bog": "wavespeed-ai/flux-kontext-pro/text-to-image",
}
PRICED = {"pond": '{ rate = "0.05" }', "lake": '{ rate = "0.06" }', "bog": ""}
"""Of the bog nobody knows the price; the lake is dearer at the provider than here."""


def as_it_is(provider: Provider) -> Provider:
    return provider


@dataclass
class World:
    """One fake provider, one database, and their time."""

    fake: Fake
    url: str
    home: Path
    offset: int = 0
    pauses: Sequence[float] = PAUSES

    def clock(self) -> int:
        return now() + self.offset

    def advance(self, seconds: int) -> None:
        """Let time pass for everybody."""
        self.offset += seconds * SECOND
        self.fake.advance(seconds)

    def advance_to(self, instant: int) -> None:
        """Let time pass until an instant of the studio's clock, to the second."""
        self.advance((instant - self.clock()) // SECOND + 1)

    def catalogue(self, **prices: str) -> Path:
        """Models of the pond and others, at other prices than usual where they are given."""
        priced = {id: f"prices = [{rules}]" if rules else "" for id, rules in {**PRICED, **prices}.items()}
        file = self.home / f"models-{len(list(self.home.glob('models-*')))}.toml"
        file.write_text("".join(MODEL.format(id=id, route=ROUTES[id], prices=priced[id]) for id in ROUTES))
        return file

    @asynccontextmanager
    async def studio(
        self, wrapped: Callable[[Provider], Provider] = as_it_is, *, catalogue: Path | None = None, **settings: Any
    ) -> AsyncIterator[Studio]:
        """A process's worth of studio; `wrapped` puts something between it and its provider."""
        models = catalogue or self.catalogue()
        async with (
            wavespeed(self.fake, Time(), webhook=HOOKS, webhook_secret=SECRET) as adapter,
            studio_on(
                self.url,
                self.home,
                clock=self.clock,
                pauses=self.pauses,
                providers={"wavespeed": wrapped(adapter)},
                catalogues=(models,),
                wavespeed_url=f"{self.fake.url}/api/v3",
                wavespeed_webhook=HOOKS,
                wavespeed_webhook_secret=SECRET,
                **settings,
            ) as studio,
        ):
            yield studio


def ask(model: str = "pond", account: str = "acme", n: int = 1, key: str | None = None, **inputs: str) -> Request:
    """A picture; "cheapest" is the pond and then, where that is refused, the lake."""
    asked = {"prompt": "a quiet shore", **inputs}
    return Request("reference-to-image", account, asked, model=model, n=n, key=key, max_price="10.00")
