"""The adapter: submits a task once, waits for its job, and finds it again where the answer was lost.

submit ── files uploaded ── POST /{model path} ──> Job
collect ── GET /predictions/{id}/result, until it has ended ──> Delivery or ProviderFailed
find ── POST /predictions ──> the jobs with the same inputs, from the same minutes
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from functools import partial
from typing import Final, Self
from urllib.parse import quote as quoted

from pydantic import SecretStr, model_validator

from application.ports import Bill, Delivery, Job, Progress, Recovery, Task
from application.providing.listings import Offers
from application.providing.receiving import Callback, Notification
from infrastructure.plugins import ApiSettings, ProviderContext
from infrastructure.providers.wavespeed.callbacks import verified_callback
from infrastructure.providers.wavespeed.inputs import Inputs
from infrastructure.providers.wavespeed.listing import ModelsListing
from infrastructure.providers.wavespeed.lookup import Lookup
from infrastructure.providers.wavespeed.money import MoneyApi
from infrastructure.providers.wavespeed.predictions import explain, read_prediction, unwrap
from infrastructure.settings import Address, revealed
from infrastructure.wire.answers import Answer
from infrastructure.wire.api import Pace, Patience
from infrastructure.wire.callbacks import address
from infrastructure.wire.content import private_texts
from infrastructure.wire.waiting import Waiting

SUBMITTING: Final = Patience(60.0, 180.0)
POLLING: Final = Patience(30.0, 60.0)
LARGEST_RESULT: Final = 64 * 1024 * 1024
"""Bytes: a result may hold its files."""
QUICK: Final = Pace(1.0, 5.0)
SLOW: Final = Pace(5.0, 15.0)
"""How often a job is asked about that makes pictures or texts, and one that makes videos or models."""


class Settings(ApiSettings):
    """`webhook` is the public https address under which callbacks are received, `webhook_secret` signs them; without
    either there are none, and jobs are only polled."""

    url: Address = "https://api.wavespeed.ai/api/v3"
    webhook: Address | None = None
    webhook_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _signed_webhooks(self) -> Self:
        if self.webhook and not self.webhook_secret:
            raise ValueError("IMAGESTUDIO_WAVESPEED_WEBHOOK needs IMAGESTUDIO_WAVESPEED_WEBHOOK_SECRET beside it")
        return self


class WaveSpeed:
    """Implements Provider, Quoting, Billing, Listing, Wakeable and Receiving."""

    recovery = Recovery.FINDABLE

    def __init__(self, context: ProviderContext[Settings], submitting: Patience = SUBMITTING) -> None:
        own = context.settings
        self.name = context.name
        self._api = context.api(own.url, key=revealed(own.key), explain=explain)
        self._inputs = Inputs(self._api, context.monotonic)
        self._lookup = Lookup(self._api, context.downloads)
        self._money = MoneyApi(self._api)
        self._listing = ModelsListing(self._api)
        self._webhook, self._secret = own.webhook or "", revealed(own.webhook_secret)
        self._waiting, self._submitting = Waiting(), submitting

    def lacks(self, route: str) -> str:  # noqa: ARG002
        return "" if self._api.has_key else "set IMAGESTUDIO_WAVESPEED_KEY"

    async def submit(self, task: Task, progress: Progress) -> Job:
        """Always a job, even where it has ended already: what it cost is found under its id."""
        body, hidden = await self._inputs.body(task), private_texts(task)
        progress(0.0, "submitting")
        params = {}
        if self._webhook and self._secret:
            params["webhook"] = address(self._webhook, task.operation, self._secret, task.attempt)
        answer = await self._api.submit(
            quoted(task.route), patience=self._submitting, limit=LARGEST_RESULT, params=params, json=body, hidden=hidden
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
        with self._waiting.on(job.id) as woken:
            delivery = await self._api.poll(ask, pace=pace, deadline=task.deadline, woken=woken)
        progress(1.0, "done")
        return delivery

    def _told(self, task: Task, answer: Answer) -> Delivery | str:
        """The outcome of a job, or its status while it runs. Raises TaskFailed if it ended otherwise."""
        prediction = read_prediction(unwrap(self._api, answer, private_texts(task)))
        return prediction.status if prediction.is_running else prediction.delivery(self._api, task)

    def notify(self, job: str) -> bool:
        return self._waiting.notify(job)

    async def receive(self, callback: Callback, now: int) -> Notification:
        """Without a secret all are refused."""
        return verified_callback(callback, self._secret, now)

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


def build(context: ProviderContext[Settings]) -> WaveSpeed:
    return WaveSpeed(context)
