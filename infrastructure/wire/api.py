"""One provider's HTTP API: submit once, read until a deadline, poll a job; every failure told as the ports tell it.

submit ── not connected, 4xx ──> ProviderRefused      never sent again, whatever happens
       └─ all else ──> ProviderUnknown
read ── 4xx ──> ProviderRefused                       connection errors, 408, 425, 429 and 5xx are tried
     └─ deadline ──> ProviderUnknown                  again, with pauses, as long as there is time
poll ── read ── pause ── read … ──> what the job became, ProviderFailed, or ProviderUnknown at the deadline
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypedDict, TypeVar, TypeVarTuple, Unpack

import httpx

from application.ports import ProviderError, ProviderRefused, ProviderUnknown, TaskFailed
from domain.counts import counted
from infrastructure.wire.answers import RATE_LIMITED, TRANSIENT, Answer, ApiProblem, Explain, Unreadable, verdict
from infrastructure.wire.client import ONCE
from infrastructure.wire.content import encode_json, told_by_provider

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Sleep = Callable[[float], Awaitable[object]]
Monotonic = Callable[[], float]

LARGEST_ANSWER: Final = 8 * 1024 * 1024
QUICK: Final = 128 * 1024
"""Bytes that are made text, or read out of it, sooner than another thread could begin to."""
BACKOFF: Final = 0.5
LONGEST_PAUSE: Final = 15.0
CHECKING: Final = 10.0
"""Seconds in which a key and an address are checked: fewer than a command waits, so that it can say what was wrong."""
SHORTEST: Final = 1.0
"""Seconds that one exchange gets, however late it is."""
GONE: Final = frozenset({"unknown_model", "gone"})
UNKNOWN_JOB: Final = "unknown_job"
UNSEEN: Final = 20.0
"""Seconds for which the answer that there is no such job is repeated before it is believed: what was submitted just now
is not seen everywhere at once. Shorter than recovery waits for a job."""

# The request cannot have been sent: there was no connection to send it on.
UNSENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds for one exchange: of silence, and from connecting to the last byte."""

    silence: float
    total: float


SUBMITTING: Final = Patience(60.0, 180.0)
READING: Final = Patience(30.0, 60.0)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two polls of one job: at first, and at most, growing by half each time."""

    first: float
    slowest: float


class Options(TypedDict, total=False):
    """The parts that a request may carry. `json` is written with exact decimals; `files` and `data` as httpx has them.

    `limit` is the largest answer in bytes; `hidden` are texts that no message may quote, such as the prompt. `seen` is
    called with each piece of the answer as it comes.
    """

    params: Mapping[str, str]
    headers: Mapping[str, str]
    json: object
    content: bytes
    data: Mapping[str, Any]
    files: Mapping[str, Any] | Sequence[tuple[str, Any]]
    limit: int
    hidden: Iterable[str]
    seen: Callable[[bytes], None]


def unexplained(answer: Answer) -> ApiProblem:  # noqa: ARG001
    """Of an API that says nothing about its failures."""
    return ApiProblem()


class Api:
    """An API at `base`, through one client, which it closes.

    `key` goes into the header that is named of requests under `base`, after `scheme`, and nowhere else: an absolute
    address, as of a store of files, gets none. `explain` reads the API's own words about a failure. Blocking work runs
    in `executor`, the event loop's own where there is none.
    """

    def __init__(
        self,
        base: str,
        client: httpx.AsyncClient,
        *,
        key: str = "",
        scheme: str = "Bearer",
        header: str = "Authorization",
        headers: Mapping[str, str] | None = None,
        explain: Explain = unexplained,
        sleep: Sleep = asyncio.sleep,
        monotonic: Monotonic = time.monotonic,
        executor: Executor | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self._client = client
        self._key = key
        self._headers = {**(headers or {}), **({header: f"{scheme} {key}".lstrip()} if key else {})}
        self._explain = explain
        self._sleep = sleep
        self._monotonic = monotonic
        self._executor = executor

    def __repr__(self) -> str:
        return f"Api({self.base!r})"

    @property
    def has_key(self) -> bool:
        return bool(self._key)

    async def submit(self, path: str, *, patience: Patience = SUBMITTING, **options: Unpack[Options]) -> Answer:
        """POST once, on a connection of its own, and return the successful answer.

        Raises ProviderRefused where it was definitely not accepted, and ProviderUnknown for all else.
        """
        try:
            answer = await self._exchange("POST", path, patience, options, once=True)
        except UNSENT as error:
            raise ProviderRefused("unreachable", f"no connection to the provider: {_kind(error)}") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise _broken(error) from error
        if not answer.is_success:
            raise self.verdict(answer, options.get("hidden", ()))
        return answer

    async def read(
        self,
        method: str,
        path: str,
        *,
        within: float,
        patience: Patience = READING,
        **options: Unpack[Options],
    ) -> Answer:
        """Ask what changes nothing, again and again while that may help and `within` seconds have not passed.

        Raises ProviderRefused where the answer is definitely no, and ProviderUnknown where none came in time.
        """
        until, backoff = self._monotonic() + within, BACKOFF
        while True:
            left = max(SHORTEST, until - self._monotonic())
            wanted, limits = None, Patience(patience.silence, min(patience.total, left))
            try:
                answer = await self._exchange(method, path, limits, options)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                failure: ProviderError = _broken(error)
            else:
                if answer.is_success:
                    return answer
                failure, wanted = self.verdict(answer, options.get("hidden", ())), answer.retry_after()
                if answer.status not in TRANSIENT:
                    raise failure
            pause = max(backoff, wanted or 0.0)
            if self._monotonic() + pause >= until:
                raise ProviderUnknown(failure.code, failure.message)
            await self._sleep(pause)
            backoff = min(2 * backoff, LONGEST_PAUSE)

    async def poll(
        self,
        ask: Callable[[float], Awaitable[T | None]],
        *,
        pace: Pace,
        deadline: float,
        woken: asyncio.Event | None = None,
    ) -> T:
        """Call `ask` with the seconds left, at once and then at `pace`, until it returns something.

        An answer that is not known, or cannot be read, is asked for again; so is, for UNSEEN seconds, a job that is not
        there. `woken` ends a pause early. Raises TaskFailed where `ask` does, or where the job is definitely gone;
        ProviderUnknown where `deadline` seconds have passed, or the provider will not say: the job may still be
        running, and be billed.
        """
        until, pause, missed = self._monotonic() + deadline, pace.first, None
        while True:
            late = ProviderUnknown("timeout", f"the job has not ended within {counted(round(deadline), 'second')}")
            try:
                found = await ask(max(0.0, until - self._monotonic()))
                if found is not None:
                    return found
                missed = None
            except ProviderUnknown as unknown:
                late = unknown
            except ProviderRefused as refusal:
                if refusal.code in GONE:
                    missed = self._monotonic() if missed is None else missed
                    if self._monotonic() - missed >= min(UNSEEN, deadline):
                        message = f"the provider does not know the job any more: {refusal.message}"
                        raise TaskFailed(UNKNOWN_JOB, message) from refusal
                    late = ProviderUnknown(UNKNOWN_JOB, "the provider does not know the job, as yet")
                elif refusal.code != RATE_LIMITED:
                    raise ProviderUnknown(refusal.code, refusal.message) from refusal
            left = until - self._monotonic()
            if left <= 0:
                raise late
            await self._pause(min(pause, left), woken)
            pause = min(1.5 * pause, pace.slowest)

    async def unblocked(self, size: int, work: Callable[[*Ts], T], *args: *Ts) -> T:
        """The result of `work`, which takes the longer the more bytes it is about: done at once where they are few, and
        otherwise in the executor, while the event loop goes on."""
        if size <= QUICK:
            return work(*args)
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *args)

    async def understood(self, answer: Answer, read: Callable[[Answer], T]) -> T:
        """The result that `read` makes of an answer that may hold whole files."""
        return await self.unblocked(len(answer.content), read, answer)

    def verdict(self, answer: Answer, hidden: Iterable[str] = ()) -> ProviderError:
        """The meaning of an answer that is not a success, in the API's own words but without our secrets."""
        problem = self._explain(answer)
        message = told_by_provider(problem.message, (self._key, *hidden))
        return verdict(
            answer.status, ApiProblem(message, problem.code, problem.final, problem.refused), answer.wanted_pause
        )

    def told(self, words: object, hidden: Iterable[str] = ()) -> str:
        """A provider's words about a job, safe to show."""
        return told_by_provider(words, (self._key, *hidden))

    async def close(self) -> None:
        await self._client.aclose()

    async def _exchange(
        self, method: str, path: str, patience: Patience, options: Options, *, once: bool = False
    ) -> Answer:
        """One request and its whole answer, within its limits of time and size. Raises what httpx does, TimeoutError,
        and Unreadable where it is too large."""
        request = self._request(method, path, patience, options, once=once)
        async with asyncio.timeout(patience.total):
            response = await self._client.send(request, stream=True)
            try:
                content = await _content(response, options.get("limit", LARGEST_ANSWER), options.get("seen"))
            finally:
                await response.aclose()
        return Answer(response.status_code, response.headers, content)

    def _request(self, method: str, path: str, patience: Patience, options: Options, *, once: bool) -> httpx.Request:
        own = "://" not in path
        headers = {**(self._headers if own else {}), **options.get("headers", {})}
        content = options.get("content")
        if "json" in options:
            content = encode_json(options["json"])
            headers.setdefault("Content-Type", "application/json")
        timeout = httpx.Timeout(patience.silence, connect=self._client.timeout.connect, pool=self._client.timeout.pool)
        return self._client.build_request(
            method,
            _address(f"{self.base}/{path.lstrip('/')}" if own else path),
            params=options.get("params"),
            headers=headers,
            content=content,
            data=options.get("data"),
            files=options.get("files"),
            timeout=timeout,
            extensions={ONCE: once},
        )

    async def _pause(self, seconds: float, woken: asyncio.Event | None) -> None:
        if woken is None:
            await self._sleep(seconds)
            return
        waits = [asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(woken.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            woken.clear()


@lru_cache(maxsize=256)
def _address(text: str) -> httpx.URL:
    """An address as httpx has it, which takes it longer to read than to send. Raises httpx.InvalidURL."""
    return httpx.URL(text)


async def _content(response: httpx.Response, limit: int, seen: Callable[[bytes], None] | None) -> bytes:
    """The content as it is: what is compressed could be of any size.

    Raises Unreadable as soon as it is more than `limit` bytes, and where it is compressed although nobody asked.
    """
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Unreadable("the provider's answer is in a coding that was not asked for")
    content = bytearray()
    async for piece in response.aiter_bytes():
        content += piece
        if len(content) > limit:
            raise Unreadable(f"the provider's answer has more than {limit} bytes")
        if seen is not None:
            seen(piece)
    return bytes(content)


def _broken(error: Exception) -> ProviderUnknown:
    """The meaning of a connection that failed under way; httpx's own words may name the address."""
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return ProviderUnknown("timeout", "the provider did not answer in time")
    return ProviderUnknown("connection_lost", f"the connection to the provider failed: {_kind(error)}")


def _kind(error: Exception) -> str:
    return type(error).__name__
