"""Hugging Face's router, which passes a task on to the service that its route names, and bills it.

    hf-inference ── POST {router}/hf-inference/models/{model} ── 200, the file itself ──> Delivery
    fal-ai ── GET {hub}/api/models/{model} ── POST {router}/fal-ai/{its name there}?_subdomain=queue ──> Job
                    └── GET …/requests/{id}/status until COMPLETED ── GET …/requests/{id} ──> Delivery

A catalogue's route is SERVICE/OWNER/NAME, the model being named as on the Hub. The Hub says what fal calls it, so that
the catalogue need not follow when it changes there; that is asked once a process and model, before anything is sent.
A name in braces is an input of the caller's: "hf-inference/{model_id}". The id of a job is its path in the queue. A
call that was never answered cannot be looked up.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import partial
from typing import Final

import httpx
from pydantic import SecretStr

from application.ports import (
    Delivery,
    Job,
    Media,
    Progress,
    ProviderError,
    ProviderRefused,
    ProviderUnknown,
    Task,
    TaskFailed,
    Value,
)
from application.providing.listings import Offers
from infrastructure.plugins import ApiSettings, ProviderContext
from infrastructure.providers.huggingface import fal, inference
from infrastructure.providers.huggingface.listing import HubListing
from infrastructure.settings import Address, revealed
from infrastructure.wire import queue
from infrastructure.wire.answers import Unreadable
from infrastructure.wire.api import CHECKING, Pace, Patience
from infrastructure.wire.blind import BlindAdapter, how_it_ended
from infrastructure.wire.content import private_texts

LARGEST: Final = 128 * 1024 * 1024
ASKING: Final = 30.0
SETTLING: Final = 20.0
"""Seconds after which the answer that a job broke is believed."""
QUEUE: Final = {"_subdomain": "queue"}
PICTURES: Final = Pace(1.0, 3.0)
VIDEOS: Final = Pace(5.0, 10.0)
MODEL: Final = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
Body = Callable[[Task, dict[str, Value]], dict[str, object]]
NAMED: Final = re.compile(r"\{(\w+)\}")


class Settings(ApiSettings):
    """`bill_to` is the organisation that pays, where it is not the key's owner; `fal_key` is one of fal's own, with
    which it tells its prices and nothing else is asked."""

    url: Address = "https://router.huggingface.co"
    hub_url: Address = "https://huggingface.co"
    bill_to: str = ""
    fal_key: SecretStr | None = None
    fal_url: Address = "https://api.fal.ai/v1"

    @property
    def origins(self) -> tuple[str, ...]:
        return (self.url, self.hub_url)


class HuggingFaceProvider(BlindAdapter):
    """Implements Provider and Listing."""

    def __init__(self, context: ProviderContext[Settings]) -> None:
        own, client = context.settings, context.open_client()
        api = partial(context.api, client=client, key=revealed(own.key))
        paying = {"X-HF-Bill-To": own.bill_to} if own.bill_to else {}
        super().__init__(context.name, api(own.url, headers=paying, explain=inference.explain))
        self._fal = api(own.url, headers=paying, explain=queue.explain)
        self._results = api(own.url, headers=paying, explain=queue.explain_result)
        self._hub = api(own.hub_url, explain=inference.explain)
        priced = context.api(own.fal_url, client=client, key=revealed(own.fal_key), scheme="Key", explain=queue.explain)
        self._listing = HubListing(self._hub, priced)
        self._names: dict[str, str] = {}

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        service, model, inputs = _addressed(task)
        if service == "fal-ai":
            return await self._enqueue(task, await self._name_at_fal(model), inputs)
        if service != "hf-inference":
            raise ProviderRefused("unknown_route", f"there is no service {service!r} behind this provider")
        progress(0.0, "sent")
        answer = await self._api.submit(
            f"/hf-inference/models/{model}",
            patience=Patience(task.deadline, task.deadline),
            headers={"Accept": next(iter(task.media_types), "image/png")},
            json=await self._written(inference.body, task, inputs),
            hidden=private_texts(task),
            limit=LARGEST,
        )
        if not answer.content or answer.media_type.startswith(("text/", "application/json")):
            raise Unreadable("the provider's answer is not a file")
        return Delivery((Media(answer.content, answer.media_type),))

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        async def ask(left: float) -> Delivery | None:
            answer = await self._fal.read("GET", f"/fal-ai/{job.id}/status", within=left, params=QUEUE)
            status = queue.read_status(answer.object())
            if status.waiting:
                progress(0.5, status.waiting)
                return None
            if status.failure:
                words = self._fal.told(status.words, private_texts(task))
                raise TaskFailed(status.failure, words or "the job was not completed")
            return await self._result(task, job, left)

        pace = VIDEOS if any(kind.startswith("video/") for kind in task.media_types) else PICTURES
        return await self._fal.poll(ask, pace=pace, deadline=task.deadline)

    async def cancel(self, task: Task, job: Job | None) -> bool:  # noqa: ARG002
        """True for what still waited in fal's queue and was taken out of it; a running job is merely asked to stop."""
        if job is None:
            return False
        try:
            answer = await self._fal.read("PUT", f"/fal-ai/{job.id}/cancel", within=ASKING, params=QUEUE)
            return answer.status == httpx.codes.OK and answer.object().get("status") == "OK"
        except ProviderError:
            return False

    async def check(self) -> str:
        who = (await self._hub.read("GET", "/api/whoami-v2", within=CHECKING)).object()
        return f"the key belongs to {who.get('name')}"

    async def offers(self, routes: Collection[str]) -> Offers:
        return await self._listing.offers(routes)

    async def _enqueue(self, task: Task, name: str, inputs: dict[str, Value]) -> Job:
        body = await self._written(fal.body, task, inputs)
        answer = await self._fal.submit(f"/fal-ai/{name}", params=QUEUE, json=body, hidden=private_texts(task))
        return fal.job(answer.object())

    async def _written(self, body: Body, task: Task, inputs: dict[str, Value]) -> dict[str, object]:
        """The body of a submission, its files as text."""
        size = sum(len(file.content) for files in task.media.values() for file in files)
        return await self._api.unblocked(size, body, task, inputs)

    async def _name_at_fal(self, model: str) -> str:
        """Nothing has been sent yet, so that whatever goes wrong here is a refusal."""
        if model not in self._names:
            asked = {"expand": "inferenceProviderMapping"}
            try:
                answer = await self._hub.read("GET", f"/api/models/{model}", within=ASKING, params=asked)
                self._names[model] = fal.name_of(answer.object().get("inferenceProviderMapping"))
            except ProviderUnknown as error:
                message = f"the Hub does not say what fal calls the model: {error.message}"
                raise ProviderRefused("unreachable", message) from error
        return self._names[model]

    async def _result(self, task: Task, job: Job, left: float) -> Delivery | None:
        within, hidden = min(left, SETTLING), private_texts(task)
        try:
            answer = await self._results.read("GET", f"/fal-ai/{job.id}", within=within, params=QUEUE, hidden=hidden)
        except ProviderError as error:
            if error.code == queue.NOT_YET:
                return None
            raise how_it_ended(error) from error
        return await self._results.understood(answer, queue.delivery)


def _addressed(task: Task) -> tuple[str, str, dict[str, Value]]:
    """Service, model and the inputs that are left once those which the route names have been put into it."""
    named = NAMED.findall(task.route)
    route = NAMED.sub(lambda found: str(task.inputs.get(found[1], "")), task.route)
    service, _, model = route.partition("/")
    if not MODEL.fullmatch(model):
        raise ProviderRefused("invalid_request", "a model is named OWNER/NAME, as on the Hub")
    return service, model, {name: value for name, value in task.inputs.items() if name not in named}


def build(context: ProviderContext[Settings]) -> HuggingFaceProvider:
    return HuggingFaceProvider(context)
