"""The adapter: submits a task once, waits for its job, and finds it again where the answer was lost.

submit ── files uploaded ── POST /{model path} ──> Job
collect ── GET /predictions/{id}/result, until it has ended ──> Delivery or ProviderFailed
find ── POST /predictions ──> the jobs with the same inputs, from the same minutes
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection
from concurrent.futures import Executor
from functools import partial
from typing import Final
from urllib.parse import quote as quoted

import httpx

from application.ports import Bill, Delivery, Downloads, Job, Progress, Recovery, Task
from application.providing.listings import Offers
from infrastructure.providers.wavespeed.inputs import Inputs
from infrastructure.providers.wavespeed.listing import Listing
from infrastructure.providers.wavespeed.lookup import Lookup
from infrastructure.providers.wavespeed.money import Money
from infrastructure.providers.wavespeed.predictions import explain, read_prediction, unwrap
from infrastructure.webhooks import address
from infrastructure.wire.answers import Answer
from infrastructure.wire.api import Api, Monotonic, Pace, Patience, Sleep
from infrastructure.wire.content import private_texts

NAME: Final = "wavespeed"
BASE: Final = "https://api.wavespeed.ai/api/v3"
KEY_SETTING: Final = "IMAGESTUDIO_WAVESPEED_KEY"
SUBMITTING: Final = Patience(60.0, 180.0)
POLLING: Final = Patience(30.0, 60.0)
LARGEST_RESULT: Final = 64 * 1024 * 1024
"""Bytes: a result may hold its files."""
QUICK: Final = Pace(1.0, 5.0)
SLOW: Final = Pace(5.0, 15.0)
"""How often a job is asked about that makes pictures or texts, and one that makes videos or models."""


class WaveSpeed:
    """Implements Provider, Quoting, Billing and Listing. `webhook` is the public https address under which callbacks
    are received, `secret` signs them; without either there are none, and jobs are only polled."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        downloads: Downloads,
        *,
        key: str = "",
        base: str = BASE,
        webhook: str = "",
        secret: str = "",
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
        executor: Executor | None = None,
    ) -> None:
        self._api = Api(base, client, key=key, explain=explain, sleep=sleep, monotonic=monotonic, executor=executor)
        self._inputs = Inputs(self._api, monotonic)
        self._lookup = Lookup(self._api, downloads)
        self._money = Money(self._api)
        self._listing = Listing(self._api)
        self._webhook, self._secret = webhook, secret
        self._woken: dict[str, asyncio.Event] = {}

    @property
    def name(self) -> str:
        return NAME

    @property
    def recovery(self) -> Recovery:
        return Recovery.FINDABLE

    def lacks(self, route: str) -> str:  # noqa: ARG002
        return "" if self._api.has_key else f"set {KEY_SETTING}"

    async def submit(self, task: Task, progress: Progress) -> Job:
        """Always a job, even where it has ended already: what it cost is found under its id."""
        body, hidden = await self._inputs.body(task), private_texts(task)
        progress(0.0, "submitting")
        params = {}
        if self._webhook and self._secret:
            params["webhook"] = address(self._webhook, task.operation, self._secret, task.attempt)
        answer = await self._api.submit(
            quoted(task.route), patience=SUBMITTING, limit=LARGEST_RESULT, params=params, json=body, hidden=hidden
        )
        return Job(read_prediction(unwrap(self._api, answer, hidden)).id)

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        async def ask(left: float) -> Delivery | None:
            path = f"predictions/{quoted(job.id, safe='')}/result"
            answer = await self._api.read("GET", path, within=left, patience=POLLING, limit=LARGEST_RESULT)
            told = await self._api.understood(answer, partial(self._told, task))
            if isinstance(told, Delivery):
                return told
            progress(0.0, told)
            return None

        pace = QUICK if task.media_types and task.media_types[0].startswith(("image/", "text/")) else SLOW
        woken = self._woken.setdefault(job.id, asyncio.Event())
        try:
            delivery = await self._api.poll(ask, pace=pace, deadline=task.deadline, woken=woken)
        finally:
            self._woken.pop(job.id, None)
            woken.set()  # whoever else waits for the same job, as where a callback is settled, need wait no longer
        progress(1.0, "done")
        return delivery

    def _told(self, task: Task, answer: Answer) -> Delivery | str:
        """What came of a job, or its status while it runs. Raises ProviderFailed where it ended otherwise."""
        prediction = read_prediction(unwrap(self._api, answer, private_texts(task)))
        return prediction.status if prediction.is_running else prediction.delivery(self._api, task)

    def notify(self, job: str) -> bool:
        """Somebody says that a job has ended: if it is being waited for, look now. Call it on the event loop."""
        if (woken := self._woken.get(job)) is not None:
            woken.set()
        return woken is not None

    async def find(self, task: Task) -> tuple[Job, ...]:
        return await self._lookup.jobs(task)

    async def cancel(self, task: Task, job: Job | None) -> bool:  # noqa: ARG002
        """The API stops nothing: it can delete what it tells about a job, but does not say that this ends or unbills
        it."""
        return False

    async def check(self) -> str:
        return await self._money.balance()

    async def quote(self, task: Task) -> int | None:
        return await self._money.quote(task.route, await self._inputs.body(task))

    async def offers(self, routes: Collection[str]) -> Offers:
        return await self._listing.offers(routes)

    def bills(self, since: int, until: int) -> AsyncIterator[Bill]:
        return self._money.bills(since, until)

    async def close(self) -> None:
        await self._api.close()
