"""A provider that does what its input says, for tests and demonstrations: no network, real files and jobs.

The inputs `outcome`, `delay_ms`, `job`, `cost` (a decimal of the currency's unit) and `failure` (a code) say
what happens, and `billed` what the job's bill says later where that is not its cost. Routes are "image", "edit",
"upscale", "video" and "3d"; "async-" before them hands out a job.

    outcome       journal   submit                       afterwards
    done          yes       the outputs, or a job
    partial       yes       one output fewer than asked
    unreadable    yes       bytes that are no image
    fail          yes       ProviderFailed
    fail-billed   yes       ProviderFailed with `cost`
    refuse        no        ProviderRefused
    timeout       yes       ProviderUnknown              find() learns that it was done
    lost          no        ProviderUnknown              find() learns that it never arrived
    never         yes       a job, else ProviderUnknown  never finishes
    hang          yes       waits until cancelled        find() learns that it was done

The journal is a folder shared by processes, one file a submission, so that submissions can be counted exactly
and a job outlives the process that started it. It holds the script and no other input.
"""

from __future__ import annotations

import asyncio
import functools
import hashlib
import io
import itertools
import json
import os
import re
import secrets
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from PIL import Image, ImageOps

from application.ports import (
    Bill,
    Delivery,
    Job,
    Media,
    Progress,
    ProviderRefused,
    ProviderUnknown,
    Recovery,
    Task,
    TaskFailed,
    Value,
)
from infrastructure.clock import now
from infrastructure.media import image_media
from infrastructure.plugins import ProviderContext, ProviderSettings

LABEL: Final = "Image Studio scripted provider (a stand-in, not a model)"
OUTCOMES: Final = frozenset(
    {"done", "partial", "unreadable", "fail", "fail-billed", "refuse", "timeout", "lost", "never", "hang"}
)
_ROUTES: Final = frozenset({"image", "edit", "upscale", "video", "3d"})
_ASYNC: Final = "async-"
_UNBILLED: Final = frozenset({"fail", "never"})
_STEPS: Final = 4
_SIDE: Final = 64
_FRAMES: Final = 4
_MICROS: Final = 1_000_000
FOLDER: Final = "scripted"
"""Of the journal, where the studio keeps things."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")

P = ParamSpec("P")
R = TypeVar("R")
Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Submission:
    """One journal entry: `cost` and `billed` in micro-units, `delay` in milliseconds, `job` on "async-" routes only,
    and when it came, in epoch microseconds."""

    provider: str
    operation: str
    attempt: int
    model: str
    route: str
    outcome: str
    job: str | None
    delay: int
    cost: int | None
    failure: str
    billed: int | None = None
    at: int = 0

    @property
    def bill(self) -> int | None:
        """The sum of its bill; None if there is none, as the script names no cost, or none that is billed."""
        return self.cost if self.billed is None and self.outcome not in _UNBILLED else self.billed


class ScriptedProvider:
    """See the module's table. `recovery` decides what `find` and `bills` may know; BLIND learns nothing."""

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "scripted",
        recovery: Recovery = Recovery.FINDABLE,
        sleep: Sleep = asyncio.sleep,
        executor: Executor | None = None,
    ) -> None:
        self._journal = Journal(folder)
        self._name = name
        self._recovery = recovery
        self._sleep = sleep
        self._executor = executor

    @property
    def name(self) -> str:
        return self._name

    @property
    def recovery(self) -> Recovery:
        return self._recovery

    def submissions(self) -> tuple[Submission, ...]:
        """Every submission ever accepted under this name, by any process; read from disk, blocking."""
        return tuple(entry for entry in self._journal.entries() if entry.provider == self._name)

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        submission = _read_script(task, self._name)
        if submission.outcome == "refuse":
            raise ProviderRefused(submission.failure or "refused", "the script refuses this submission")
        if submission.outcome == "lost":
            raise ProviderUnknown("connection_lost", "the connection broke before anything was accepted")
        await self._blocking(self._journal.add, submission)
        if submission.outcome == "timeout":
            await self._wait(submission, progress)
            raise ProviderUnknown("timeout", "no answer in time; it may have been accepted")
        if submission.job is not None:
            return Job(submission.job)
        return await self._finish(task, submission, progress)

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        for submission in await self._submissions_of(task):
            if submission.job == job.id:
                return await self._finish(task, submission, progress)
        raise TaskFailed("unknown_job", "there is no such job")

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
        self._check_findable()
        found = [entry for entry in await self._submissions_of(task) if entry.attempt == task.attempt]
        if not found:
            return ()
        if found[0].job is not None:
            return (Job(found[0].job),)
        return await self._outcome(task, found[0])

    async def cancel(self, task: Task, job: Job | None) -> bool:
        """A job that never finishes can be stopped; nothing else can."""
        entries = await self._submissions_of(task)
        return any(job is not None and entry.job == job.id and entry.outcome == "never" for entry in entries)

    async def bills(self, since: int, until: int) -> AsyncIterator[Bill]:
        """A bill for each job whose script names what it costs. Raises ProviderUnknown where nothing can be learned."""
        self._check_findable()
        for entry in await self._blocking(self.submissions):
            if entry.job is not None and entry.bill is not None and since <= entry.at < until:
                yield Bill(entry.job, entry.bill, entry.at, entry.model)

    async def check(self) -> str:
        return "a stand-in that needs no key"

    def lacks(self, route: str) -> str:  # noqa: ARG002
        return ""

    async def close(self) -> None:
        """Holds nothing open."""

    def _check_findable(self) -> None:
        if self._recovery is Recovery.BLIND:
            raise ProviderUnknown("not_findable", "this provider keeps no record that can be asked")

    async def _submissions_of(self, task: Task) -> list[Submission]:
        entries = await self._blocking(self._journal.of_operation, task.operation)
        return [entry for entry in entries if entry.provider == self._name]

    async def _finish(self, task: Task, submission: Submission, progress: Progress) -> Delivery:
        await self._wait(submission, progress)
        if submission.outcome == "hang":
            await asyncio.Event().wait()
        return await self._outcome(task, submission)

    async def _wait(self, submission: Submission, progress: Progress) -> None:
        for step in range(_STEPS):
            progress(step / _STEPS, "working")
            if submission.delay:
                await self._sleep(submission.delay / _STEPS / 1000)
        progress(1.0, "done")

    async def _outcome(self, task: Task, submission: Submission) -> Delivery:
        match submission.outcome:
            case "fail":
                raise TaskFailed(submission.failure or "failed", "the script fails this submission")
            case "fail-billed":
                message = "the script fails this submission and bills it"
                raise TaskFailed(submission.failure or "failed", message, cost=submission.cost or 0)
            case "never":
                raise ProviderUnknown("timeout", "the job is not finished yet")
            case "unreadable":
                outputs = (Media(b"these bytes are no image", "image/png"),) * task.outputs
            case "partial":
                outputs = await self._blocking(_outputs, task, task.outputs - 1)
            case _:
                outputs = await self._blocking(_outputs, task, task.outputs)
        metadata = {"label": LABEL} | ({"job": submission.job} if submission.job else {})
        return Delivery(outputs, submission.cost, metadata)

    async def _blocking(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        call = functools.partial(work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


class Journal:
    """Submissions as files; an entry appears whole or not at all, and none ever replaces another."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, entry: Submission) -> None:
        """A repeated submission becomes a second entry: what was sent twice must be seen twice."""
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / f".{secrets.token_hex(8)}"
        try:
            with temporary.open("x", encoding="utf-8") as stream:
                json.dump(asdict(entry), stream)
                stream.flush()
                os.fsync(stream.fileno())
            self._publish(temporary, f"{_stem(entry.operation)}.{entry.attempt}")
        finally:
            temporary.unlink(missing_ok=True)

    def entries(self) -> list[Submission]:
        return self._read("*.json")

    def of_operation(self, operation: str) -> list[Submission]:
        return self._read(f"{_stem(operation)}.*.json")

    def _publish(self, temporary: Path, stem: str) -> None:
        for number in itertools.count(1):
            try:
                # A link fails where the name is taken, as O_EXCL does, but never names a half-written file.
                (self._folder / f"{stem}.{number:04}.json").hardlink_to(temporary)
                break
            except FileExistsError:
                continue
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _read(self, pattern: str) -> list[Submission]:
        files = sorted(file for file in self._folder.glob(pattern) if not file.name.startswith("."))
        return [Submission(**json.loads(file.read_text(encoding="utf-8"))) for file in files]


def _stem(operation: str) -> str:
    return operation if _PLAIN.fullmatch(operation) else hashlib.sha256(operation.encode()).hexdigest()


def _read_script(task: Task, provider: str) -> Submission:
    if task.route.removeprefix(_ASYNC) not in _ROUTES:
        raise ProviderRefused("unknown_route", "this provider has no such route")
    outcome = str(task.inputs.get("outcome", "done"))
    if outcome not in OUTCOMES:
        raise ProviderRefused("bad_script", f"the outcome is one of: {', '.join(sorted(OUTCOMES))}")
    delay = task.inputs.get("delay_ms", 0)
    if not isinstance(delay, int) or delay < 0:
        raise ProviderRefused("bad_script", "delay_ms is a whole number of milliseconds")
    job = None
    if task.route.startswith(_ASYNC):
        job = str(task.inputs.get("job", f"job-{task.operation}-{task.attempt}"))
    cost, billed = _read_amount(task.inputs, "cost"), _read_amount(task.inputs, "billed")
    who = (provider, task.operation, task.attempt, task.model, task.route)
    return Submission(*who, outcome, job, delay, cost, str(task.inputs.get("failure", "")), billed, now())


def _read_amount(inputs: Mapping[str, Value], name: str) -> int | None:
    if name not in inputs:
        return None
    try:
        micros = Decimal(str(inputs[name])) * _MICROS
        exact = micros.is_finite() and micros >= 0 and micros == int(micros)
    except InvalidOperation:
        exact = False
    if not exact:
        raise ProviderRefused("bad_script", f'{name} is a decimal of at most six places, such as "0.04"')
    return int(micros)


def _outputs(task: Task, count: int) -> tuple[Media, ...]:
    seed = task.inputs.get("seed", task.operation)
    digests = [hashlib.sha256(f"{seed}/{index}".encode()).digest() for index in range(count)]
    match task.route.removeprefix(_ASYNC):
        case "video":
            seconds = task.inputs.get("duration", 1)
            return tuple(_video(digest, seconds if isinstance(seconds, int) else 1) for digest in digests)
        case "3d":
            return tuple(_model(digest) for digest in digests)
        case "upscale":
            return tuple(_picture(digest, 2 * _SIDE) for digest in digests)
    return tuple(_picture(digest, _SIDE) for digest in digests)


def _picture(digest: bytes, side: int) -> Media:
    return image_media(_gradient(digest, side), "PNG", text={"Software": LABEL})


def _gradient(digest: bytes, side: int) -> Image.Image:
    first, last = tuple(digest[:3]), tuple(digest[3:6])
    return ImageOps.colorize(Image.linear_gradient("L").resize((side, side)), first, last)


def _video(digest: bytes, seconds: int) -> Media:
    """An animated WebP, honest about its type, that lasts as long as was asked."""
    duration = max(1, seconds) * 1000
    picture, stream = _gradient(digest, _SIDE), io.BytesIO()
    turns = [picture.rotate(90 * turn) for turn in range(_FRAMES)]
    turns[0].save(stream, "WEBP", save_all=True, append_images=turns[1:], duration=duration // _FRAMES)
    return Media(stream.getvalue(), "image/webp", _SIDE, _SIDE, duration)


def _model(digest: bytes) -> Media:
    """One triangle as binary glTF 2.0: a header, a chunk of JSON and a chunk of coordinates."""
    corners = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    body = struct.pack("<9f", *corners)
    color = [*(channel / 255 for channel in digest[:3]), 1.0]
    scene = {
        "asset": {"version": "2.0", "generator": LABEL},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorFactor": color}, "doubleSided": True}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": 3,
                "type": "VEC3",
                "min": [0, 0, 0],
                "max": [1, 1, 0],
            }
        ],
        "bufferViews": [{"buffer": 0, "byteLength": len(body), "target": 34962}],
        "buffers": [{"byteLength": len(body)}],
    }
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(body), b"BIN\0") + body
    return Media(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks, "model/gltf-binary")


def build(context: ProviderContext[ProviderSettings]) -> ScriptedProvider:
    """One that can be asked what became of a submission; both write into one journal."""
    return ScriptedProvider(context.home / FOLDER, name=context.name, executor=context.executor)


def build_blind(context: ProviderContext[ProviderSettings]) -> ScriptedProvider:
    """One that can be asked nothing."""
    folder = context.home / FOLDER
    return ScriptedProvider(folder, name=context.name, recovery=Recovery.BLIND, executor=context.executor)
