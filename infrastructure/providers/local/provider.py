"""Does real work on this machine for nothing: paints, filters and enlarges pictures, without a network or a key."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Final

from PIL import Image

from application.ports import (
    Delivery,
    Job,
    Media,
    Progress,
    ProviderFailed,
    ProviderRefused,
    Recovery,
    Task,
    Value,
)
from domain.errors import InvalidInput
from infrastructure.media import image_media, open_image
from infrastructure.providers.local import canvas, filters, upscale

LABELS: Final = {
    "canvas": "Image Studio local canvas (procedural, not a diffusion model)",
    "filter": "Image Studio local filter (classical image processing, not a model)",
    "upscale": "Image Studio local upscale (Lanczos, not a neural network)",
}
DEFAULT_SIDE: Final = 1024
SIDES: Final = range(64, 4097)
MAX_PAINTED: Final = 2048 * 2048
MAX_ENLARGED: Final = 64_000_000
MAX_OUTPUTS: Final = 16
_SIZE: Final = re.compile(r"(\d{1,5})\s*[x*]\s*(\d{1,5})")

Step = Callable[[float, str], None]
Work = Callable[[int, Step], Image.Image]
"""Makes the variation of a number; raises nothing a caller could mend."""


class LocalProvider:
    """Routes "canvas", "filter" and "upscale"; the work runs in `executor`, whose size bounds what is in flight."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    @property
    def name(self) -> str:
        return "local"

    @property
    def recovery(self) -> Recovery:
        return Recovery.REPEATABLE

    async def submit(self, task: Task, progress: Progress) -> Delivery:
        label = _accepted(task)
        loop, abandoned = asyncio.get_running_loop(), threading.Event()

        def report(fraction: float, message: str) -> None:
            if abandoned.is_set():
                raise _Abandoned
            loop.call_soon_threadsafe(progress, fraction, message)

        try:
            outputs = await loop.run_in_executor(self._executor, lambda: tuple(_perform(task, label, report)))
        except MemoryError as error:
            raise ProviderFailed("out_of_memory", "this machine has not enough memory for that size") from error
        finally:
            abandoned.set()
        progress(1.0, "done")
        return Delivery(outputs, cost=0, metadata={"label": label})

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:  # noqa: ARG002
        raise ProviderFailed("no_jobs", "local work is finished when it is submitted; there are no jobs")

    async def find(self, task: Task) -> tuple[Job, ...]:  # noqa: ARG002
        """None: local work leaves no trace, and can simply be repeated."""
        return ()

    async def cancel(self, task: Task, job: Job | None) -> bool:  # noqa: ARG002
        """Whoever runs it can stop it; nobody else can."""
        return False

    async def check(self) -> str:
        return "works on this machine"

    def lacks(self, route: str) -> str:
        return "" if route in LABELS else f"this machine has no route {route!r}"

    async def close(self) -> None:
        """The pool belongs to whoever made it."""


class _Abandoned(Exception):
    """Nobody waits for the result any more; ends the work at its next step."""


def _accepted(task: Task) -> str:
    if task.route not in LABELS:
        raise ProviderRefused("unknown_route", f"local routes are: {', '.join(LABELS)}")
    if not 1 <= task.outputs <= MAX_OUTPUTS:
        raise ProviderRefused("too_many_outputs", f"at most {MAX_OUTPUTS} outputs at once")
    return LABELS[task.route]


def _perform(task: Task, label: str, report: Step) -> Iterator[Media]:
    work = {"canvas": _painter, "filter": _editor, "upscale": _enlarger}[task.route](task)
    for variation in range(task.outputs):

        def step(fraction: float, message: str, done: int = variation) -> None:
            report((done + fraction) / task.outputs, message)

        step(0.0, "starting")
        image = work(task.first + variation, step)
        step(0.9, "encoding")
        yield image_media(image, "PNG", text={"Software": label})


def _painter(task: Task) -> Work:
    prompt, seed, size = str(task.inputs.get("prompt", "")), task.inputs.get("seed"), _size(task)
    return lambda variation, step: canvas.paint(prompt, canvas.seeded(prompt, seed, variation), size, step)


def _size(task: Task) -> tuple[int, int]:
    """From `width` and `height`, or from `size` as "1024x768"; a square of DEFAULT_SIDE where neither is given."""
    written = _SIZE.fullmatch(str(task.inputs.get("size", "")))
    width, height = map(int, written.groups()) if written else (DEFAULT_SIDE, DEFAULT_SIDE)
    width, height = _whole(task.inputs.get("width", width)), _whole(task.inputs.get("height", height))
    if width not in SIDES or height not in SIDES or width * height > MAX_PAINTED:
        limits = f"{SIDES.start} to {SIDES.stop - 1} pixels a side, at most {MAX_PAINTED} in all"
        raise ProviderRefused("unsupported_size", f"the canvas paints {limits}")
    return width, height


def _whole(value: Value) -> int:
    """A whole number, also one written as text; 0, which nothing accepts, for anything else."""
    return int(value) if str(value).isdecimal() else 0


def _editor(task: Task) -> Work:
    wanted = filters.wanted(str(task.inputs.get("prompt", "")))
    if not wanted:
        words = ", ".join(operation.word for operation in filters.OPERATIONS)
        raise ProviderRefused("unsupported_edit", f"the prompt names no edit that is known here; known are: {words}")
    image = _input(task)

    def work(variation: int, step: Step) -> Image.Image:
        edited = image
        for number, operation in enumerate(wanted):
            edited = filters.apply(operation, edited, _strength(variation))
            step(0.9 * (number + 1) / (len(wanted) + 1), operation.word)
        return edited

    return work


def _strength(variation: int) -> float:
    """1 first, then weaker and stronger by turns, ever farther from 1."""
    away = (variation + 1) // 2 * 0.3
    return 1 + away if variation % 2 == 0 else max(0.1, 1 - away)


def _enlarger(task: Task) -> Work:
    factor = _whole(str(task.inputs.get("factor", 2)).removesuffix("x"))
    if factor not in upscale.FACTORS:
        raise ProviderRefused("unsupported_factor", "pictures are enlarged 2 or 4 times")
    image = _input(task)
    if image.width * image.height * factor**2 > MAX_ENLARGED:
        raise ProviderRefused("too_large", f"the result would have more than {MAX_ENLARGED} pixels")

    return lambda variation, step: upscale.enlarged(image, factor, step, percent=110 + 30 * variation)


def _input(task: Task) -> Image.Image:
    try:
        return open_image(task.media["image"][0], field="image")
    except (KeyError, IndexError):
        raise ProviderRefused("missing_image", "there is no input image") from None
    except InvalidInput as error:
        raise ProviderRefused("unreadable_image", error.message) from error
