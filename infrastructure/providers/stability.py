"""Stability AI: pictures made, edited, controlled and enlarged, and pictures made into 3D models.

    POST {route} ─┬─ 200, the file itself ─────────────────────────────> Delivery
                  └─ 200 or 202, {"id"} ──> Job ── GET /v2beta/results/{id}, 202 while it runs ──> Delivery

A catalogue's route is the path, as "/v2beta/stable-image/generate/core" is. The v2beta API takes forms only; of v1,
which takes JSON, text-to-image is spoken, where `prompt` and `negative_prompt` become prompts of weight 1 and -1.
Results are kept for a day, and fetched by the id of the job; which jobs there are cannot be asked, nor can one be
stopped. A picture that was made and then filtered is billed as any other, as it is called a successful generation that
was blurred; errors are not.
"""

from __future__ import annotations

from typing import Any, Final

import httpx

from application.ports import Delivery, Job, Media, Progress, ProviderRefused, Task, TaskFailed
from infrastructure.plugins import ApiSettings, ProviderContext
from infrastructure.settings import Address, revealed
from infrastructure.wire.answers import MODERATED, Answer, ApiProblem, Unreadable
from infrastructure.wire.api import CHECKING, Pace, Patience
from infrastructure.wire.blind import BlindAdapter, how_it_ended
from infrastructure.wire.content import decode_base64, private_texts
from infrastructure.wire.forms import file_parts, text_part

LARGEST: Final = 128 * 1024 * 1024
JSON: Final = {"Accept": "application/json"}
GLB: Final = "model/gltf-binary"
# Whoever polls more often than that may be turned away.
PACE: Final = Pace(10.0, 10.0)
IMAGE_TO_IMAGE: Final = "image-to-image"
# A form without a file is sent as multipart only if it has at least this part.
NO_FILE: Final = ("none", (None, b""))
CODES: Final = {"insufficient_balance": "no_credit", "payment_required": "no_credit"}
MODERATIONS: Final = frozenset({"content_moderation", "invalid_prompts"})
FILTERED: Final = "CONTENT_FILTERED"


class Settings(ApiSettings):
    url: Address = "https://api.stability.ai"


class StabilityProvider(BlindAdapter):
    """Implements Provider for Stability AI."""

    def __init__(self, context: ProviderContext[Settings]) -> None:
        own = context.settings
        super().__init__(context.name, context.api(own.url, key=revealed(own.key), explain=_explain))

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        progress(0.0, "sent")
        patience, hidden = Patience(task.deadline, task.deadline), private_texts(task)
        if task.route.startswith("/v1/"):
            answer = await self._api.submit(
                task.route, patience=patience, hidden=hidden, limit=LARGEST, headers=JSON, json=_prompts(task)
            )
            return await self._api.understood(answer, _artifacts)
        answer = await self._api.submit(
            task.route, patience=patience, hidden=hidden, limit=LARGEST, headers=_accepting(task), files=_form(task)
        )
        if answer.media_type == "application/json":
            return await self._api.understood(answer, _job)
        return _delivery(answer)

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        async def ask(left: float) -> Delivery | None:
            try:
                answer = await self._api.read(
                    "GET", f"/v2beta/results/{job.id}", within=left, headers=_accepting(task), limit=LARGEST
                )
            except ProviderRefused as refusal:
                raise how_it_ended(refusal) from refusal
            progress(0.5, "working")
            return None if answer.status == httpx.codes.ACCEPTED else _delivery(answer)

        return await self._api.poll(ask, pace=PACE, deadline=task.deadline)

    async def check(self) -> str:
        answer = await self._api.read("GET", "/v1/user/balance", within=CHECKING)
        return f"{answer.object().get('credits')} credits left"


def _accepting(task: Task) -> dict[str, str]:
    """Files as they are, rather than as text within JSON that is a third longer."""
    return {"Accept": GLB if GLB in task.media_types else "image/*"}


def _form(task: Task) -> list[Any]:
    parts = [text_part(name, value) for name, value in task.inputs.items()]
    if task.route.endswith("/generate/sd3") and "image" in task.media and "mode" not in task.inputs:
        parts.append(text_part("mode", IMAGE_TO_IMAGE))
    files = [part for name, media in task.media.items() for part in file_parts(name, media)]
    return [*parts, *(files or [NO_FILE])]


def _prompts(task: Task) -> dict[str, object]:
    """The body of v1, in which what to avoid is a prompt of negative weight."""
    weights = {"prompt": 1, "negative_prompt": -1}
    texts = [{"text": task.inputs[name], "weight": weight} for name, weight in weights.items() if task.inputs.get(name)]
    others = {name: value for name, value in task.inputs.items() if name not in weights}
    return {**others, "text_prompts": texts, "samples": task.outputs}


def _job(answer: Answer) -> Job:
    id = answer.object().get("id")
    if not isinstance(id, str) or not id.replace("-", "").isalnum():
        raise Unreadable("the provider's answer names no job")
    return Job(id)


def _delivery(answer: Answer) -> Delivery:
    if not answer.content or answer.media_type.startswith(("text/", "application/json")):
        raise Unreadable("the provider's answer is not a file")
    if answer.headers.get("finish-reason") == FILTERED:
        raise _filtered()
    seed = answer.headers.get("seed")
    return Delivery((Media(answer.content, answer.media_type),), metadata={"seed": seed} if seed else {})


def _artifacts(answer: Answer) -> Delivery:
    """The pictures of v1; those that were filtered are left out."""
    artifacts = answer.object().get("artifacts")
    if not isinstance(artifacts, list) or not all(isinstance(one, dict) for one in artifacts):
        raise Unreadable
    good = [one for one in artifacts if one.get("finishReason") == "SUCCESS"]
    if not good and any(one.get("finishReason") == FILTERED for one in artifacts):
        raise _filtered()
    seeds = [str(one["seed"]) for one in good if "seed" in one]
    try:
        outputs = tuple(Media(decode_base64(one["base64"]), "image/png") for one in good)
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable from error
    return Delivery(outputs, metadata={"seed": ", ".join(seeds)} if seeds else {})


def _filtered() -> TaskFailed:
    return TaskFailed(MODERATED, "the provider filtered what it had made", cost=None)


def _explain(answer: Answer) -> ApiProblem:
    """Its errors are {"id", "name", "errors": […]}, those of v1 {"id", "name", "message"}."""
    try:
        body = answer.object()
    except Unreadable:
        return ApiProblem()
    name, errors = body.get("name"), body.get("errors")
    words = "; ".join(map(str, errors)) if isinstance(errors, list) else str(body.get("message", ""))
    return ApiProblem.moderated(words) if str(name) in MODERATIONS else ApiProblem(words, CODES.get(str(name), ""))


def build(context: ProviderContext[Settings]) -> StabilityProvider:
    return StabilityProvider(context)
