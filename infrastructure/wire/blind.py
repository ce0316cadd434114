"""The common part of adapters whose APIs keep no list of what they were asked: nothing can be looked up later."""

from __future__ import annotations

from typing import Final

from application.ports import (
    Delivery,
    Job,
    Progress,
    ProviderError,
    ProviderUnknown,
    Recovery,
    Task,
    TaskFailed,
)
from infrastructure.wire.answers import MODERATED
from infrastructure.wire.api import UNKNOWN_JOB, Api

CANCELLED: Final = "cancelled"
BROKE: Final = "job_broke"
ENDINGS: Final = frozenset({MODERATED, CANCELLED, BROKE, "invalid_request"})


class BlindAdapter:
    """An adapter under `name`, with the key of IMAGESTUDIO_<NAME>_KEY; it closes its API.

    As it stands it hands out no jobs, and nothing that it was sent can be stopped.
    """

    recovery = Recovery.BLIND

    def __init__(self, name: str, api: Api) -> None:
        self.name = name
        self._api = api

    def lacks(self, route: str) -> str:  # noqa: ARG002
        return "" if self._api.has_key else f"set IMAGESTUDIO_{self.name.upper()}_KEY"

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:  # noqa: ARG002
        raise TaskFailed(UNKNOWN_JOB, "this provider hands out no jobs")

    async def find(self, task: Task) -> Delivery | tuple[Job, ...]:  # noqa: ARG002
        raise ProviderUnknown("not_findable", "this provider keeps no list of what it was asked")

    async def cancel(self, task: Task, job: Job | None) -> bool:  # noqa: ARG002
        return False

    async def close(self) -> None:
        await self._api.close()


def how_it_ended(error: ProviderError) -> ProviderError:
    """The meaning for a job of a result that was not given: it failed, where the job itself is blamed for that."""
    return TaskFailed(error.code, error.message) if error.code in ENDINGS else error
