"""The connection to a gateway: sends, and sends again what pays nothing twice, for a bounded number of tries.

sent ─┬─ answered                     the answer, or its error
      ├─ 503, or no answer at all ──> pause ──> sent again, under the same key
      └─ 4xx, a refusal               its error, at once
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Final

import httpx

from application.ports import Asset
from domain.errors import AssetDamaged, ImageStudioError, InvalidInput
from infrastructure.client.faults import Unreachable, error_in, foreign

PROBLEM: Final = "application/problem+json"
PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
"""Seconds before each further try."""
LONGEST_PAUSE: Final = 10.0
AGAIN: Final = frozenset({502, 503, 504})
"""Statuses of an answer that says to come again; the others of these are a proxy's, if they are not a problem."""
TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
PIECE: Final = 64 * 1024

Body = Callable[[ExitStack], Mapping[str, Any]]
"""Makes httpx's arguments for the body of one try; its files are open for as long as the stack is."""


def no_body(_stack: ExitStack) -> Mapping[str, Any]:
    """Nothing."""
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: `again` says whether it may be sent once more after its answer was lost."""

    method: str
    path: str
    account: str | None = None
    body: Body = no_body
    params: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    again: bool = True


class Wire:
    """One service and one key. `account` is that for which a key of the studio's own acts."""

    def __init__(self, url: str, key: str, account: str | None) -> None:
        self.url = _checked_url(url)
        self._headers = {"authorization": f"Bearer {_checked_key(key)}"}
        self._account = account
        trusted = httpx.create_ssl_context()  # once for both, as loading it takes most of what a client takes to open
        self._http = httpx.AsyncClient(base_url=self.url, headers=self._headers, timeout=TIMEOUT, verify=trusted)
        self._files = httpx.Client(base_url=self.url, headers=self._headers, timeout=TIMEOUT, verify=trusted)

    async def ask(self, call: Call) -> httpx.Response:
        """The answer. Raises the error that it tells, Unreachable if there is none, ForeignAnswer."""
        tried = 0
        while True:
            try:
                with ExitStack() as stack:
                    answer = await self._http.request(
                        call.method,
                        call.path,
                        params=call.params,
                        headers={**self._named(call.account), **(call.headers or {})},
                        **await asyncio.to_thread(call.body, stack),
                    )
            except httpx.TransportError as error:
                may = call.again or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if not may or tried == len(PAUSES):
                    raise _unreachable(self.url, error) from error
                pause = PAUSES[tried]
            else:
                if not _comes_again(answer) or not call.again or tried == len(PAUSES):
                    return _checked(answer)
                pause = max(PAUSES[tried], _told_pause(answer))
            tried += 1
            await asyncio.sleep(pause)

    async def document(self, call: Call) -> Any:
        """The JSON of the answer. Raises as `ask`."""
        answer = await self.ask(call)
        return document_in(answer)

    async def save(self, call: Call, target: BinaryIO) -> None:
        """Write the answer into a file as it comes. Raises as `ask`, and Unreachable if it came in part."""
        try:
            with ExitStack() as stack:
                sent = await asyncio.to_thread(call.body, stack)
                headers = {**self._named(call.account), "accept-encoding": "identity"}
                async with self._http.stream(call.method, call.path, headers=headers, **sent) as answer:
                    if not answer.is_success:
                        await answer.aread()
                        raise _error_of(answer)
                    async for piece in answer.aiter_raw(PIECE):
                        await asyncio.to_thread(target.write, piece)
        except httpx.TransportError as error:
            raise _unreachable(self.url, error) from error

    def pieces(self, asset: Asset, account: str | None) -> Iterator[bytes]:
        """A file as it comes, going on after a lost connection; the last piece once its digest is the same.

        Raises AssetMissing, AssetDamaged, Unreachable and what else the service tells.
        """
        digest, at, tried, kept = sha256(), 0, 0, b""
        while at < asset.size:
            try:
                for piece in self._part(asset, account, at):
                    digest.update(piece)
                    at += len(piece)
                    if kept:
                        yield kept
                    kept = piece
                break
            except httpx.TransportError as error:
                if tried == len(PAUSES):
                    raise _unreachable(self.url, error) from error
                time.sleep(PAUSES[tried])
                tried += 1
        if digest.hexdigest() != asset.digest:
            raise AssetDamaged(f"the file of asset {asset.id} came otherwise than it was kept", hint="read it again")
        yield kept

    def download(self, path: str, target: Path) -> str:
        """Write what is at a path into a new file, whole or not at all; the seal that comes with it. Blocks.

        Raises Unreachable and what the service tells.
        """
        if target.exists():
            raise InvalidInput("target", f"{target} is there already", hint="name a new file; nothing is overwritten")
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with self._files.stream("GET", path, headers={"accept-encoding": "identity"}) as answer:
                if answer.status_code != httpx.codes.OK:
                    answer.read()
                    raise _error_of(answer)
                with part.open("xb") as file:
                    for piece in answer.iter_raw(PIECE):
                        file.write(piece)
            part.rename(target)
        except httpx.TransportError as error:
            raise _unreachable(self.url, error) from error
        finally:
            part.unlink(missing_ok=True)
        return str(answer.headers.get("imagestudio-seal", ""))

    async def close(self) -> None:
        """End all connections."""
        await self._http.aclose()
        self._files.close()

    def _part(self, asset: Asset, account: str | None, at: int) -> Iterator[bytes]:
        headers = {**self._named(account), "accept-encoding": "identity"}
        if at:
            headers["range"] = f"bytes={at}-"
        with self._files.stream("GET", f"/v1/assets/{asset.id}/content", headers=headers) as answer:
            if answer.status_code != (206 if at else 200):
                answer.read()
                raise _error_of(answer)
            yield from answer.iter_raw(PIECE)

    def _named(self, account: str | None) -> dict[str, str]:
        named = account or self._account
        return {"x-imagestudio-account": named} if named else {}


def document_in(answer: httpx.Response) -> Any:
    """The JSON of an answer. Raises ForeignAnswer."""
    try:
        return answer.json()
    except ValueError as error:
        raise foreign(answer.status_code) from error


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success and not _is_problem(answer):
        return answer
    raise _error_of(answer)


def _error_of(answer: httpx.Response) -> ImageStudioError:
    return error_in(answer.content, answer.status_code) if _is_problem(answer) else foreign(answer.status_code)


def _is_problem(answer: httpx.Response) -> bool:
    return str(answer.headers.get("content-type", "")).startswith(PROBLEM)


def _comes_again(answer: httpx.Response) -> bool:
    return answer.status_code == httpx.codes.SERVICE_UNAVAILABLE or (
        answer.status_code in AGAIN and not _is_problem(answer)
    )


def _told_pause(answer: httpx.Response) -> float:
    told = answer.headers.get("retry-after", "")
    return min(float(told), LONGEST_PAUSE) if told.isdecimal() else 0.0


def _unreachable(url: str, error: httpx.TransportError) -> Unreachable:
    told = f"{url} does not answer: {str(error) or type(error).__name__}"
    return Unreachable(told, hint="see whether the service runs; the same request under its key never pays twice")


def _checked_url(url: str) -> str:
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidInput("url", f"{url!r} is no address: {error}", hint="such as http://127.0.0.1:8700") from error
    if read.scheme not in ("http", "https") or not read.host:
        raise InvalidInput("url", f"{url!r} is no http or https address", hint="such as http://127.0.0.1:8700")
    return str(read).rstrip("/")


def _checked_key(key: str) -> str:
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInput("key", "is no API key", hint="give the secret that was shown when it was issued: isk_…")
    return key
