"""WaveSpeed: submissions, predictions and uploads; its money is in wavespeed_money.py.

POST /api/v3/{model path}                 a job, at once `created`, or held open with enable_sync_mode
GET  /api/v3/predictions/{id}[/result]    a poll
POST /api/v3/predictions                  the list of jobs
POST /api/v3/media/uploads, then PUT      a file of one's own
GET  /api/v3/models                       what it offers: wavespeed.json, or what a test says

Inputs that a model does not document are dropped without a word, as the API's own client says of it
(https://github.com/WaveSpeedAI/wavespeed-cli, src/lib/validate-inputs.ts).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from infrastructure.clock import SECOND
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.desk import EXTENSIONS, Desk, Order, data_uri, inline_uri
from tests.wire.fake.files import address
from tests.wire.fake.prices import models, outputs, seconds, size_of
from tests.wire.fake.state import Job, Served, State, new_id
from tests.wire.fake.webhooks import SECRET, claimed, notify, prediction

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEPT = 7 * 86_400 * SECOND
MEGABYTE = 1024 * 1024
LARGEST = {"image": 10 * MEGABYTE, "audio": 50 * MEGABYTE, "video": 500 * MEGABYTE}
LARGEST_UPLOAD = 200 * MEGABYTE
MEDIA_INPUTS = ("image", "mask", "video", "audio")
MESSAGES = {401: "Unauthorized", 404: "model not found", 429: "too many requests, please slow down"}
FORMATS = {"jpeg": "JPEG", "jpg": "JPEG", "webp": "WEBP"}
LIST = Path(__file__).with_name("wavespeed.json")
DECIDED = frozenset({"enable_sync_mode", "enable_base64_output", "num_images", "max_images"})
"""Inputs that every model takes."""


class WaveSpeed:
    """The API; `prefix` and `provider` tell whether it is reached directly or through Hugging Face's router."""

    def __init__(self, state: State, prefix: str = "", provider: str = "wavespeed") -> None:
        self.state, self.desk, self.prefix, self.provider = state, Desk(state), prefix, provider
        self.notices: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        base = f"/{self.prefix}api/v3"
        return [
            Route(f"{base}/predictions/{{id}}/result", self.guarded("polls", self.poll), methods=["GET"]),
            Route(f"{base}/predictions/{{id}}", self.guarded("polls", self.poll), methods=["GET"]),
            Route(f"{base}/predictions", self.guarded("predictions", self.listing), methods=["POST"]),
            Route(f"{base}/media/uploads", self.guarded("uploads", self.upload), methods=["POST"]),
            Route(f"{base}/models", self.guarded("models", self.models), methods=["GET"]),
            Route(f"{base}/webhook/secret", self.guarded("secret", self.secret), methods=["GET"]),
            Route(f"{base}/{{path:path}}", self.submit, methods=["POST"]),
        ]

    def guarded(self, name: str, handler: Any) -> Any:
        """The handler behind the key, and behind scripts for "wavespeed.{name}"."""

        async def guard(request: Request) -> Response:
            if not self.desk.knows(request, self.provider):
                return refusal(401)
            return await self.desk.read(f"{self.provider}.{name}", lambda: handler(request), refuse=scripted)

        return guard

    async def submit(self, request: Request) -> Response:
        path = request.path_params["path"]
        problem, sent = await self.checked(request, path)
        if problem is not None:
            self.desk.record_refusal(request, self.provider, path, problem.status_code)
            return problem
        inputs = {name: value for name, value in sent.items() if name in DECIDED or name in documented()[path]}
        made = self.made(models()[path].makes, inputs)
        webhook = request.query_params.get("webhook", "")
        extra: dict[str, Any] = {"base": str(request.base_url), "prefix": self.prefix}
        if inputs.get("enable_base64_output"):
            extra["inline"] = [inline_uri(one) if isinstance(one, bytes) else one for one in made]
        order = Order(self.provider, path, inputs, made, self.price(path, inputs), webhook, extra, sent)
        return await self.desk.submit(request, order, reply=self.accepted, refuse=scripted)

    async def checked(self, request: Request, path: str) -> tuple[Response | None, dict[str, Any]]:
        """The refusal, if it deserves one, and its inputs."""
        if not self.desk.knows(request, self.provider):
            return refusal(401), {}
        if path not in models():
            return refusal(404), {}
        try:
            inputs = json.loads(await request.body())
        except ValueError:
            return refusal(400, "invalid JSON body"), {}
        if not isinstance(inputs, dict):
            return refusal(400, "the body must be an object"), {}
        missing = [name for name in models()[path].needs if not inputs.get(name)]
        if missing:
            return refusal(400, f"property {missing[0]!r} is missing"), inputs
        complaints = [text for name, value in inputs.items() for text in complaints_about(name, value)]
        return (refusal(400, complaints[0]) if complaints else None), inputs

    async def accepted(self, job: Job) -> Response:
        base, behaviour = job.extra["base"], job.behaviour
        if not behaviour.early:
            self.tell(job)
        elif claimed(job, self.state, early=True):
            await notify(replace(job, polled=behaviour.polls), self.state)
        shown = {**prediction(job, base, running=True), "status": "created"}
        if job.inputs.get("enable_sync_mode"):
            if behaviour.sync == "waits":
                job = self.state.update(job.id, lambda one: replace(one, polled=behaviour.polls))
                shown = prediction(job, base)
            else:
                shown |= {"status": "processing", "error": "Sync mode timed out, query the result later"}
                shown |= {"code": 5004} if behaviour.sync == "5004" else {}
        return JSONResponse(shown) if behaviour.bare else envelope(shown)

    def tell(self, job: Job) -> None:
        """Send the webhooks of a job that has ended, without waiting for them."""
        if claimed(job, self.state):
            task = asyncio.get_running_loop().create_task(notify(job, self.state))
            self.notices.add(task)
            task.add_done_callback(self.notices.discard)

    async def poll(self, request: Request) -> Response:
        job = self.found(request.path_params["id"])
        if job is None:
            return refusal(404, "prediction not found")
        failures = job.behaviour.poll_failures
        if job.failed_polls < len(failures):
            self.state.update(job.id, lambda one: replace(one, failed_polls=one.failed_polls + 1))
            return refusal(failures[job.failed_polls])
        shown = prediction(job, str(request.base_url), running=not job.ended)
        job = self.state.update(job.id, lambda one: replace(one, polled=one.polled + 1))
        self.tell(job)
        return JSONResponse(shown) if job.behaviour.bare else envelope(shown)

    def found(self, id: str) -> Job | None:
        job = self.state.job(id)
        return job if job and job.provider == self.provider and self.state.now() - job.created <= KEPT else None

    async def listing(self, request: Request) -> Response:
        wanted = await request.json()
        page, size = wanted.get("page"), wanted.get("page_size")
        if not (isinstance(page, int) and isinstance(size, int) and page >= 1 and 1 <= size <= 100):
            return refusal(400, "page must be at least 1 and page_size between 1 and 100")
        jobs = [job for job in reversed(self.state.jobs(self.provider)) if self.found(job.id)]
        shown = [(job, prediction(job, str(request.base_url))) for job in jobs]
        chosen = [self.listed(request, job, one, wanted) for job, one in shown if matches(job, one, wanted)]
        items = chosen[(page - 1) * size : page * size]
        return envelope({"page": page, "total": len(chosen), "items": items})

    def listed(self, request: Request, job: Job, shown: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
        return {**shown, "input": stored_inputs(request, job.inputs)} if wanted.get("include_inputs") else shown

    async def upload(self, request: Request) -> Response:
        wanted = await request.json()
        size, filename = wanted.get("size"), wanted.get("filename")
        if not isinstance(size, int) or not isinstance(filename, str) or not 0 < size <= LARGEST_UPLOAD:
            return refusal(400, f"filename and size (at most {LARGEST_UPLOAD} bytes) are required")
        _, dot, ending = filename.rpartition(".")
        served = Served(f"upload-{new_id()}{dot}{ending}", self.state.now(), uploaded=False)
        self.state.announce(served)
        where = address(request, served.name)
        headers = {"Content-Type": wanted.get("content_type") or "application/octet-stream"}
        return envelope(
            {"upload": {"method": "PUT", "url": f"{where}?size={size}", "headers": headers}, "download_url": where}
        )

    async def models(self, request: Request) -> Response:
        return envelope_of(self.state.setting("models:wavespeed", offered()))

    async def secret(self, request: Request) -> Response:
        return envelope({"secret": self.state.setting("webhook secret", SECRET)})

    def price(self, path: str, inputs: Mapping[str, Any]) -> str:
        """US dollars: what a test has set for the path, or what the table says."""
        fixed = self.state.setting(f"price:{path}", None)
        return str(models()[path].price(inputs, self.measured(inputs)) if fixed is None else fixed)

    def measured(self, inputs: Mapping[str, Any]) -> float | None:
        """How long the video or the sound among the inputs lasts; None where there is none that can be read here."""
        for name in ("video", "audio"):
            content = self.content(str(inputs.get(name, "")))
            if content is not None:
                return media.seconds_of(content)
        return None

    def content(self, value: str) -> bytes | None:
        name = value.rpartition("/")[2]
        if value.startswith("http") and self.state.served(name):
            return self.state.content(name)
        return data_uri(value)

    def made(self, makes: str, inputs: Mapping[str, Any]) -> tuple[bytes | str, ...]:
        count, first = outputs(inputs), len(self.state.jobs()) + 1
        return tuple(self.one(makes, inputs, first * 7 + number) for number in range(count))

    def one(self, makes: str, inputs: Mapping[str, Any], seed: int) -> bytes | str:
        match makes:
            case "text":
                return f"A picture in one colour, described for the {seed}th time."
            case "model":
                return media.glb(seed)
            case "video":
                return media.mp4(float(seconds(inputs, self.measured(inputs))), *(size_of(inputs) or (64, 64)), seed)
            case _:
                wanted = FORMATS.get(str(inputs.get("output_format", "")), "PNG")
                return media.image(*(size_of(inputs) or (64, 64)), wanted, seed)


def complaints_about(name: str, value: Any) -> list[str]:
    """What is wrong with an input that should be media."""
    if isinstance(value, list):
        return [text for one in value for text in complaints_about(name, one)]
    kind = next((kind for kind in MEDIA_INPUTS if kind in name.split("_") or f"{kind}s" == name), None)
    if kind is None or not value or isinstance(value, bool):  # a flag such as generate_audio is no file
        return []
    content = data_uri(str(value))
    if content is None:
        return [] if str(value).startswith(("http://", "https://")) else [f"{name} must be a URL or a data URI"]
    expected = "image" if kind == "mask" else kind
    if not media.media_type(content).startswith(expected):
        return [f"{name} is not a supported {expected}"]
    return [f"{name} is too large"] if len(content) > LARGEST[expected] else []


def matches(job: Job, shown: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a listed prediction passes the filters."""
    status = "processing" if shown["status"] == "created" else shown["status"]
    return (
        wanted.get("model") in (None, "", shown["model"])
        and wanted.get("status") in (None, "", status)
        and job.created >= micros(wanted.get("created_after"), 0)
        and job.created <= micros(wanted.get("created_before"), 2**63)
    )


def micros(instant: str | None, default: int) -> int:
    """An ISO 8601 instant in epoch microseconds."""
    return (datetime.fromisoformat(instant) - EPOCH) // timedelta(microseconds=1) if instant else default


def stored_inputs(request: Request, inputs: Any) -> Any:
    """Inputs as the provider shows them: it keeps files elsewhere, and gives their addresses."""
    match inputs:
        case {"sha256": digest, "media_type": kind}:
            return address(request, f"input-{digest[:32]}.{EXTENSIONS[kind]}")
        case dict():
            return {name: stored_inputs(request, one) for name, one in inputs.items()}
        case list():
            return [stored_inputs(request, one) for one in inputs]
        case _:
            return inputs


@lru_cache
def offered() -> list[dict[str, Any]]:
    """The list of models, in the API's own shape."""
    found: list[dict[str, Any]] = json.loads(LIST.read_text(encoding="utf-8"))
    return found


@lru_cache
def documented() -> dict[str, frozenset[str]]:
    """The inputs of each model, by its path."""
    return {one["model_id"]: frozenset(schema_of(one)["properties"]) for one in offered()}


def schema_of(model: Mapping[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = model["api_schema"]["api_schemas"][0]["request_schema"]
    return schema


def envelope_of(data: Any) -> Response:
    return JSONResponse({"code": 200, "message": "success", "data": data})


def envelope(data: Mapping[str, Any]) -> Response:
    return envelope_of(data)


def refusal(status: int, message: str = "") -> Response:
    return JSONResponse({"code": status, "message": message or MESSAGES.get(status, "internal error")}, status)


def scripted(behaviour: Behaviour) -> Response:
    """The error that a script asks for."""
    if behaviour.filtered == "refused":
        return refusal(400, "content flagged as potentially sensitive")
    return refusal(behaviour.status, behaviour.error)
