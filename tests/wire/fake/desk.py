"""What all APIs do with a submission: check the key, take a script, record it, make a job, and answer, or not."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.media import media_type
from tests.wire.fake.state import Job, Served, State, Submission, new_id
from tests.wire.fake.wires import Dropped, Truncated

HEADERS = (
    *("accept", "content-type", "user-agent", "x-hf-bill-to", "idempotency-key", "x-stainless-retry-count"),
    "traceparent",
)
KEYS = {
    "wavespeed": "ws-key",
    "stability": "sk-stability",
    "huggingface": "hf_token",
    "openai": "sk-openai",
    "fal": "fal-key",
    "gemini": "gm-key",
}
LONGEST_HOLD = 60.0
BLINK = 0.005

Reply = Callable[[Job], Awaitable[Response]]
Refuse = Callable[[Behaviour], Response]


@dataclass(frozen=True, slots=True)
class Order:
    """A submission that its API found valid: `outputs` are what would be delivered, texts being texts, and `price`
    what that costs in US dollars. `sent` is what came, where the API drops a part of it."""

    provider: str
    path: str
    inputs: Mapping[str, Any]
    outputs: tuple[bytes | str, ...]
    price: str | None
    webhook: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    sent: Mapping[str, Any] | None = None


class Desk:
    """Takes submissions for one state."""

    def __init__(self, state: State) -> None:
        self.state = state

    def knows(self, request: Request, provider: str, header: str = "authorization", scheme: str = "Bearer ") -> bool:
        """Whether the request carries the provider's key."""
        key = self.state.setting(f"key:{provider}", KEYS[provider])
        return request.headers.get(header) == f"{scheme}{key}"

    async def submit(self, request: Request, order: Order, *, reply: Reply, refuse: Refuse) -> Response:
        """Make a job of `order` and answer with `reply`, or do what the script says.

        `refuse` words an error in the API's own way.
        """
        behaviour, released = self.state.take(order.provider), self._released()
        job = self._accept(order, behaviour) if behaviour.makes_a_job else None
        self.record(request, order, 403 if behaviour.filtered == "refused" else behaviour.status, job)
        await self._pause(behaviour, released)
        if job is None or behaviour.status >= 400:
            response = refuse(behaviour)
        else:
            response = await reply(job)
        if behaviour.retry_after:
            response.headers["retry-after"] = behaviour.retry_after
        return lost(response, behaviour)

    async def read(self, name: str, handler: Callable[[], Awaitable[Response]], *, refuse: Refuse) -> Response:
        """Answer a request that makes nothing, as the scripts for `name` say."""
        behaviour = self.state.take(name)
        await self._pause(behaviour, self._released())
        response = refuse(behaviour) if behaviour.status >= 400 else await handler()
        return lost(response, behaviour)

    def record(self, request: Request, order: Order, status: int, job: Job | None) -> None:
        headers = {name: request.headers[name] for name in HEADERS if name in request.headers}
        inputs, at = digested(dict(order.inputs if order.sent is None else order.sent)), self.state.now()
        id = job.id if job else None
        self.state.record(Submission(order.provider, order.path, inputs, headers, status, id, at))

    def record_refusal(self, request: Request, provider: str, path: str, status: int) -> None:
        """Keep a submission that never became an order."""
        self.record(request, Order(provider, path, {}, (), None), status, None)

    def _accept(self, order: Order, behaviour: Behaviour) -> Job:
        id, created = new_id(), self.state.now()
        count = len(order.outputs) if behaviour.outputs is None else behaviour.outputs
        outputs = tuple(self._kept(id, n, order.outputs[n % len(order.outputs)], behaviour) for n in range(count))
        price = order.price if behaviour.bill is None else behaviour.bill
        job = Job(
            id,
            order.provider,
            order.path,
            digested(dict(order.inputs)),
            behaviour,
            created,
            outputs,
            price,
            webhook=order.webhook,
            extra=dict(order.extra),
        )
        self.state.add(job)
        return job

    def _kept(self, job: str, number: int, output: bytes | str, behaviour: Behaviour) -> str:
        if isinstance(output, str):
            if behaviour.texts == "inline":
                return output
            output = output.encode()
        name = f"{job}-{number}.{EXTENSIONS[media_type(output)]}"
        self.state.keep(output, Served(name, self.state.now(), behaviour.files, behaviour.file_failures))
        return name

    def _released(self) -> int:
        """How often replies were let go; whoever sees a job may do it before the reply waits."""
        times: int = self.state.setting("released", 0)
        return times

    async def _pause(self, behaviour: Behaviour, released: int) -> None:
        await asyncio.sleep(behaviour.delay)
        if behaviour.held:
            for _ in range(int(LONGEST_HOLD / BLINK)):
                if self._released() != released:
                    break
                await asyncio.sleep(BLINK)


EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "model/gltf-binary": "glb",
    "text/plain": "txt",
}


def lost(response: Response, behaviour: Behaviour) -> Response:
    match behaviour.lost:
        case "drop":
            return Dropped()
        case "truncate":
            return Truncated(response)
        case _:
            return response


def digested(value: Any) -> Any:
    """The same inputs, each file in them replaced by its digest, its size and what it is."""
    match value:
        case dict():
            return {name: digested(one) for name, one in value.items()}
        case list() | tuple():
            return [digested(one) for one in value]
        case bytes():
            digest = hashlib.sha256(value).hexdigest()
            return {"sha256": digest, "bytes": len(value), "media_type": media_type(value)}
        case str() if (content := data_uri(value)) is not None:
            return digested(content)
        case _:
            return value


def data_uri(value: str) -> bytes | None:
    """The content of a data URI; None for any other string."""
    if not value.startswith("data:") or ";base64," not in value:
        return None
    try:
        return base64.b64decode(value.split(";base64,", 1)[1], validate=True)
    except binascii.Error:
        return None


def inline_uri(content: bytes) -> str:
    """The content as a data URI."""
    return f"data:{media_type(content)};base64,{base64.b64encode(content).decode()}"


def as_list(value: Any) -> list[Any]:
    """A repeated input, which may have come once or not at all."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


async def form_inputs(request: Request) -> dict[str, Any]:
    """The parts of a multipart body; a part with a file name is bytes, and a repeated one is a list."""
    inputs: dict[str, Any] = {}
    async with request.form(max_part_size=64 * 1024 * 1024) as form:
        for name, part in form.multi_items():
            value: Any = await part.read() if isinstance(part, UploadFile) else part
            if name in inputs:
                value = [*as_list(inputs[name]), value]
            inputs[name] = value
    return inputs
