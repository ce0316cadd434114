"""Models at the fake's providers, one of each way in which a submission can be known again, and a child that asks one.

pond       WaveSpeed: jobs that are listed, outputs to be fetched
lagoon     Stability, later: jobs that are known by their id alone
puddle     Stability, at once: nothing is known but the answer
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from application.asking.requests import Request
from application.performing.recovery import Recovered
from domain.errors import OperationFailed, OperationPending
from domain.operation import CLOSED_PHASES, Charged, Released, Requested
from infrastructure.assembly import Parts
from infrastructure.bootstrap import open_providers, open_studio
from infrastructure.files.shelf import shelf_in
from infrastructure.service import Studio
from tests.application.studios import LONG_AFTER, charged, count, facts_of, later, picture, settings_for, studio_on
from tests.faults.killed import LOOK, TappedAssets, TappedProvider
from tests.faults.processes import signal_here, started
from tests.wire.clients import PICTURE
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake
from tests.wire.fake.state import Job

LISTED, KEPT, BLIND = "pond", "lagoon", "puddle"
PROVIDER = {LISTED: "wavespeed", KEPT: "stability", BLIND: "stability"}
PRICE = 50_000
"""Of one picture of any of them, in micro-units."""
COST = 40_000
ENTRY = """
[[model]]
id = "{id}"
provider = "{provider}"
route = "{route}"
kinds = ["{kind}"]
outputs = ["image/png"]
unit = "image"
prices = [{{ rate = "0.05", cost = "0.04" }}]
inputs.prompt = {{ type = "text", required = true }}
"""
UPSCALE = "/v2beta/stable-image/upscale/creative"
CORE = "/v2beta/stable-image/generate/core"
OVERLAY = (
    'currency = "USD"\n'
    + ENTRY.format(id=LISTED, provider="wavespeed", route=PICTURE, kind="text-to-image")
    + ENTRY.format(id=KEPT, provider="stability", route=UPSCALE, kind="upscale")
    + 'inputs.image = { type = "image", required = true }\n'
    + ENTRY.format(id=BLIND, provider="stability", route=CORE, kind="text-to-image")
)


def leading_to(fake: Fake, home: Path, url: str = "") -> dict[str, Any]:
    """Settings that lead to the fake, by another address where one is given."""
    overlay = home / "ponds.toml"
    overlay.write_text(OVERLAY)
    return {
        "catalogues": (overlay,),
        "wavespeed_url": f"{url or fake.url}/api/v3",
        "wavespeed_key": fake.key("wavespeed"),
        "stability_url": url or fake.url,
        "stability_key": fake.key("stability"),
    }


def prompt_of(account: str) -> str:
    return f"a pond as {account} likes it"


def request_for(model: str, account: str) -> Request:
    """Under a key named as the account."""
    inputs = {"prompt": prompt_of(account)}
    if model == KEPT:
        return Request("upscale", account, inputs, {"image": [picture(64, 64)]}, model=model, key=account)
    return Request("text-to-image", account, inputs, model=model, key=account)


def jobs_of(fake: Fake, account: str) -> list[Job]:
    return [job for job in fake.jobs() if job.inputs["prompt"] == prompt_of(account)]


@dataclass(frozen=True, slots=True)
class Place:
    """What a child needs to know of a scene, and when it lives, in microseconds from now."""

    url: str
    home: Path
    settings: dict[str, Any]
    by: int = 0

    @asynccontextmanager
    async def studio(self, step: str, number: int) -> AsyncIterator[Studio]:
        """A studio whose process sends itself signal `number` when it first comes to `step`."""
        left = {step}

        def tap(reached: str) -> None:
            if reached in left:
                left.remove(reached)
                signal_here(number)

        wanted = settings_for(self.url, self.home, **self.settings)
        async with open_providers(wanted) as providers:
            with ThreadPoolExecutor(2) as pool:
                tapped = {name: TappedProvider(provider, tap) for name, provider in providers.items()}
                assets = TappedAssets(shelf_in(self.home / "assets", pool, LOOK), tap)
                parts = Parts(assets=assets, providers=tapped, clock=later(self.by))
                async with open_studio(wanted, parts, serve=False) as studio:
                    yield studio


async def perform(place: Place, model: str, account: str, step: str, number: int) -> None:
    """What a child does that asks for one picture."""
    async with place.studio(step, number) as studio:
        with suppress(OperationFailed, OperationPending):
            await studio.operations.run(request_for(model, account))


async def recover(place: Place, step: str, number: int) -> None:
    """What a child does that recovers."""
    async with place.studio(step, number) as studio:
        await studio.upkeep.recover()


async def check_account(
    studio: Studio, fake: Fake, account: str, phase: str, jobs: int, sent: int | None = None
) -> None:
    """It has ended once, as its provider knows it, and holds nothing; `sent` where not all that was is a job."""
    facts = facts_of(studio, account)
    assert phase in CLOSED_PHASES
    assert count(facts, Requested) == 1
    assert (count(facts, Charged), count(facts, Released)) == ((1, 0) if phase == "charged" else (0, 1))
    assert charged(facts) == (PRICE if phase == "charged" else 0)
    view = await studio.accounts.show(account)
    assert (view.open, set(view.held.values())) == (0, {0})
    came = [one for one in fake.submissions() if one.inputs["prompt"] == prompt_of(account)]
    assert (len(came), len(jobs_of(fake, account))) == (jobs if sent is None else sent, jobs)


async def check_repeat(studio: Studio, model: str, account: str) -> None:
    """Who comes back under the key finds the same operation, with its file where there is one."""
    before = facts_of(studio, account)
    try:
        result = await studio.operations.run(request_for(model, account))
    except OperationFailed:
        assert count(before, Released) == 1
    else:
        [output] = result.assets
        assert output.content == Path(output.path or "").read_bytes() != b""
    assert facts_of(studio, account) == before


KILLED, STOPPED = signal.SIGKILL, signal.SIGSTOP


def is_polled(fake: Fake, account: str) -> bool:
    return any(job.polled for job in jobs_of(fake, account))


@dataclass(frozen=True, slots=True)
class Seen:
    """A step that only the provider sees: what it is told to do, and what is true of it when the step is reached."""

    behaviour: Behaviour
    reached: Callable[[Fake, str], object]


SEEN = {
    "while it is accepted": Seen(Behaviour(held=True), jobs_of),
    "while it is polled": Seen(Behaviour(ending="never"), is_polled),
}


@dataclass(frozen=True, slots=True)
class Scene:
    """A fake, a database and a folder, and what processes do there; `way` is the address of the fake, or a proxy's."""

    fake: Fake
    url: str
    home: Path
    way: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        return leading_to(self.fake, self.home, self.way)

    def place(self, by: int = 0) -> Place:
        return Place(self.url, self.home, self.settings, by)

    def studio(self, **more: Any) -> AbstractAsyncContextManager[Studio]:
        return studio_on(self.url, self.home, **self.settings, **more)

    async def open_accounts(self, *accounts: str) -> None:
        async with self.studio() as studio:
            await asyncio.gather(*(studio.accounts.open(account, plan="pro") for account in accounts))

    def signalled(self, model: str, account: str, step: str, number: int) -> ForkServerProcess:
        """A process that performs one operation and is sent the signal at the step, by itself where it can be."""
        seen = SEEN.get(step)
        if seen is not None:
            self.fake.next(PROVIDER[model], seen.behaviour)
        owner = started(perform, self.place(), model, account, step, number)
        if seen is not None:
            self.fake.wait_for(partial(seen.reached, self.fake, account))
            os.kill(owner.pid or 0, number)
        return owner

    def let_end(self) -> None:
        """From now on the provider's jobs have ended well, and its answers go out."""
        for job in self.fake.jobs():
            self.fake.change(job.id, Behaviour())
        self.fake.release()

    async def recover(self, by: int = LONG_AFTER) -> dict[str, Recovered]:
        """What another process does, long after; by account."""
        async with self.studio(clock=later(by)) as studio:
            return {one.account: one for one in await studio.upkeep.recover()}
