"""A provider: it knows one API, and nothing about money or customers; what it can besides is a port of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from application.ports.files import Media
from application.ports.work import Delivery, Job, Progress, Recovery, Task


@runtime_checkable
class Provider(Protocol):
    """One API. Methods never block the event loop and never submit twice."""

    @property
    def name(self) -> str: ...

    @property
    def recovery(self) -> Recovery: ...

    def lacks(self, route: str) -> str:
        """The lack here for a route, such as a key or a package, and how to mend it; empty if nothing is."""

    async def submit(self, task: Task, progress: Progress) -> Delivery | Job:
        """Send the task once. Raises ProviderRefused, TaskFailed or ProviderUnknown."""

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        """Wait for a job, within the task's deadline. Raises TaskFailed; ProviderUnknown when that passes."""

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:
        """Look up what became of a submission: its outcome, or the jobs that may be its, most likely first.

        Empty if the provider never saw it. Whose job each is, the ledger knows. Raises TaskFailed if it was
        accepted and failed, ProviderUnknown if it cannot be learned now.
        """

    async def cancel(self, task: Task, job: Job | None) -> bool:
        """Stop it; True if it is definitely stopped and will neither deliver nor be billed, False otherwise."""

    async def check(self) -> str:
        """Whether key and address work, in a few words such as a balance; costs nothing. Raises ProviderError."""

    async def close(self) -> None: ...


@runtime_checkable
class Previewing(Protocol):
    """A provider that draws small pictures of files, on this machine and for nothing: no operation is made of it."""

    async def preview(self, file: Media, side: int) -> Media:
        """A still picture, upright and in sRGB, of at most so many pixels a side.

        Raises ProviderRefused for a file of which nothing can be shown, TaskFailed.
        """


@runtime_checkable
class Quoting(Protocol):
    """A provider that says beforehand what a task will cost."""

    async def quote(self, task: Task) -> int | None:
        """Its bill for the task, in micro-units of USD; None if it does not say. Raises ProviderError."""


@dataclass(frozen=True, slots=True)
class Bill:
    """A provider's bill for one job: micro-units (None if it is unreadable), and when (epoch microseconds).

    `model` is the provider's own name for it.
    """

    job: str
    amount: int | None
    at: int
    model: str = ""


@runtime_checkable
class Billing(Protocol):
    """A provider whose bills can be read, one a job."""

    def bills(self, since: int, until: int) -> AsyncIterator[Bill]:
        """The bills of jobs created in [since, until), epoch microseconds. Raises ProviderError."""


@runtime_checkable
class Wakeable(Protocol):
    """A provider that can be told that a job has ended, so that a waiter looks at once."""

    def notify(self, job: str) -> bool:
        """Call it on the event loop that waits; whether anybody does."""
