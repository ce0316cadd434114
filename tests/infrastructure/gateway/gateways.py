"""A gateway on a real socket, in a thread of its own, before fake providers; and keys for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from openai import OpenAI

from domain.keys import STUDIO, KeyScope, KeyTerms
from infrastructure.alerting import watching_alerts
from infrastructure.dashboard.longlooks import LongLooks
from infrastructure.gateway import serving
from infrastructure.hooks.parts import messaging
from infrastructure.service import Studio
from infrastructure.working import working
from tests.application.studios import settings_for, studio_on
from tests.wire.fake.server import Fake
from tests.wire.loops import in_thread, listener

OPERATE = KeyTerms((KeyScope.OPERATE,))
ADMIN = KeyTerms((KeyScope.OPERATE, KeyScope.ADMIN))
WAIT = 60


@dataclass(frozen=True)
class Gateway:
    """The address of a gateway, the studio behind it, and the secret of a key of account "acme"."""

    url: str
    studio: Studio
    loop: asyncio.AbstractEventLoop = field(repr=False)
    secret: str = field(repr=False)

    def client(self, secret: str | None = None, **headers: str) -> httpx.Client:
        """A plain client with a key, acme's unless another is given; "" sends none."""
        key = self.secret if secret is None else secret
        sent = {"authorization": f"Bearer {key}", **headers} if key else headers
        return httpx.Client(base_url=self.url, headers=sent, timeout=WAIT, verify=False)  # quicker, and it is not TLS

    def openai(self, **options: Any) -> Any:
        """OpenAI's own client, as anybody installs it; it is not typed here, as answers have more than it declares."""
        return OpenAI(base_url=f"{self.url}/v1", api_key=self.secret, **options)

    def run(self, work: Any) -> Any:
        """The result of something awaited in the gateway's own loop."""
        future: Future[Any] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return future.result(WAIT)

    def issue(self, account: str, terms: KeyTerms = OPERATE, **more: Any) -> str:
        """The secret of a new key."""
        secret: str = self.run(self.studio.keys.issue(account, terms, **more)).secret
        return secret

    def administrator(self) -> str:
        """The secret of a key of the studio's own."""
        return self.issue(STUDIO, KeyTerms((KeyScope.ADMIN,)))


def before(fake: Fake) -> dict[str, Any]:
    """Settings that lead to the fake providers."""
    return {
        "openai_key": fake.key("openai"),
        "openai_url": f"{fake.url}/v1",
        "wavespeed_key": fake.key("wavespeed"),
        "wavespeed_url": f"{fake.url}/api/v3",
        "stability_key": fake.key("stability"),
        "stability_url": fake.url,
    }


@contextmanager
def gateway_on(url: str, home: Path, looks: LongLooks | None = None, **changes: Any) -> Iterator[Gateway]:
    """A gateway on a database, with an account "acme" that is on plan pro; `changes` are settings."""
    socket = listener()
    made: list[Gateway] = []

    @asynccontextmanager
    async def work() -> AsyncIterator[None]:
        async with studio_on(url, home, serve=True, **changes) as studio:
            await studio.accounts.open("acme", plan="pro")
            secret = (await studio.keys.issue("acme", OPERATE)).secret
            server = serving.server(studio, settings_for(url, home, **changes), looks)
            running = asyncio.create_task(server.serve([socket]))
            address = f"http://127.0.0.1:{socket.getsockname()[1]}"
            made.append(Gateway(address, studio, asyncio.get_running_loop(), secret))
            async with working(studio), messaging(studio), watching_alerts(studio):
                yield
                server.stop()
                await running

    with in_thread(work):
        yield made[0]
