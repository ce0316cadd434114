"""Operations of a service: the methods of `application.asking.operations.Operations`, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import httpx

from application.asking.options import request_of
from application.asking.refusals import judged
from application.asking.requests import Begun, Estimate, File, Request, Result
from application.ports import Progress, silent
from domain.advice import Advice
from domain.errors import OperationPending
from domain.operation import CLOSED_PHASES
from infrastructure.client.records import estimate_from, result_from
from infrastructure.client.sending import body_of, sent_as_json
from infrastructure.client.wire import Call, Wire, document_in
from infrastructure.clock import new_id

PATH: Final = "/v1/operations"
AT_A_TIME: Final = 20
"""Seconds for which one request waits, less than a proxy allows."""
NO_TAGS: Final[Mapping[str, str]] = {}
REPEATED: Final = "idempotency-replayed"


@dataclass(frozen=True, slots=True)
class RemoteOperations:
    """Whatever is asked of models. `account` may be left out: it is the key's. The log names the key for all of it.

    A request without a key gets one of its own, so that it is paid once, however often it has to be sent.
    `wait_seconds` is how long to wait for an operation that is open.
    """

    wire: Wire
    wait_seconds: float

    async def generate(
        self, /, prompt: str, *, account: str = "", progress: Progress = silent, **options: Any
    ) -> Result:
        """An image from words. Options: user, project, model, n, key, allow, max_price, and the model's inputs."""
        return await self.run(request_of("text-to-image", account, {"prompt": prompt}, {}, options), progress)

    async def edit(
        self, /, image: File, prompt: str, *, account: str = "", progress: Progress = silent, **options: Any
    ) -> Result:
        """An image changed as the words say; options as in `generate`."""
        request = request_of("image-edit", account, {"prompt": prompt}, {"image": [image]}, options)
        return await self.run(request, progress)

    async def upscale(
        self, /, image: File, *, account: str = "", progress: Progress = silent, **options: Any
    ) -> Result:
        """An image with more pixels; options as in `generate`."""
        return await self.run(request_of("upscale", account, {}, {"image": [image]}, options), progress)

    async def run(self, request: Request, progress: Progress = silent) -> Result:  # noqa: ARG002  # as the library's
        """Do what is asked and return the result; a service does not tell its `progress`.

        Raises InvalidRequest if nothing was recorded, OperationRefused, OperationFailed, OperationPending if it is
        open for longer than is waited, and Unreachable if the service does not answer: then it may be going on.
        """
        result = await self._asked(request, {"prefer": f"wait={AT_A_TIME}"})
        return judged(await self._ended(result, request.account))

    async def submit(self, request: Request, progress: Progress = silent, *, queued: bool = True) -> Begun:  # noqa: ARG002
        """Have it admitted, and return while it goes on at the service. Raises what `run` raises before that."""
        result = await self._asked(request, {})
        return Begun(result.operation, tuple(one.operation for one in result.operations), result.repeated)

    async def wait(self, operation: str, *, account: str = "") -> Result:
        """The result of an operation or a whole batch, once settled. Raises as `run` does, and UnknownOperation."""
        return judged(await self._ended(await self.look(operation, account=account), account))

    async def look(self, operation: str, *, account: str = "", as_of: int | str | None = None) -> Result:
        """An operation or a whole batch as it stands now, whatever became of it; or as it stood at a position of the
        log, or at an instant in ISO 8601. Raises UnknownOperation.
        """
        params = {} if as_of is None else {"as_of": str(as_of)}
        return await self._result(Call(method="GET", path=_path(operation), account=account, params=params), account)

    async def cancel(self, operation: str, *, account: str = "") -> Result:
        """Stop an operation, or every one of a batch, at its provider; nothing is charged for it.

        Raises UnknownOperation, and IllegalTransition if one has ended otherwise or cannot be stopped.
        """
        return await self._result(Call(method="POST", path=f"{_path(operation)}/cancel", account=account), account)

    async def tag(
        self, operation: str, tags: Mapping[str, str] = NO_TAGS, *, remove: Sequence[str] = (), account: str = ""
    ) -> Mapping[str, str]:
        """Give an operation, or all of a batch, tags in place of others of their names, and take others away.

        All tags there are now come back. Raises UnknownOperation, InvalidInput, and IllegalTransition for what was
        refused or whose tags were erased.
        """
        body = sent_as_json({"tags": dict(tags), "untag": list(remove)})
        call = Call(method="POST", path=f"{_path(operation)}/tags", account=account, body=body)
        found: Mapping[str, str] = (await self.wire.document(call))["tags"]
        return found

    async def untag(self, operation: str, *names: str, account: str = "") -> Mapping[str, str]:
        """Take tags away from an operation, or all of a batch; the rest comes back. Raises as `tag`."""
        return await self.tag(operation, remove=names, account=account)

    async def estimate(self, request: Request) -> Estimate:
        """The price, the hold, and whether a request would be admitted now; records nothing, saves nothing."""
        call = Call(method="POST", path="/v1/estimates", account=request.account, body=body_of(request))
        return estimate_from(await self.wire.document(call))

    async def _asked(self, request: Request, headers: dict[str, str]) -> Result:
        """The request once it is recorded; of one that has a key of ours, no try is told as a repeat."""
        key = request.key or new_id()
        sent = {"idempotency-key": key, **headers}
        call = Call(method="POST", path=PATH, account=request.account, body=body_of(request), headers=sent)
        result = await self._result(call, request.account)
        return result if request.key else replace(result, repeated=False)

    async def _ended(self, result: Result, account: str) -> Result:
        """The result once all of it has ended. Raises OperationPending."""
        deadline = asyncio.get_running_loop().time() + self.wait_seconds
        repeated = result.repeated
        while not all(one.status in CLOSED_PHASES for one in result.operations):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise OperationPending(result.operation, "it is still open", hint=Advice("operation.settle"))
            waited = {"prefer": f"wait={max(1, min(AT_A_TIME, int(left)))}"}
            call = Call(method="GET", path=_path(result.operation), account=account, headers=waited)
            result = await self._result(call, account)
        return replace(result, repeated=repeated)

    async def _result(self, call: Call, account: str) -> Result:
        answer: httpx.Response = await self.wire.ask(call)
        pieces = partial(self.wire.pieces, account=account)
        return result_from(document_in(answer), pieces, self.wire.url, repeated=REPEATED in answer.headers)


def _path(operation: str) -> str:
    return f"{PATH}/{quote(operation, safe='')}"
