"""fal: a queue that takes JSON, calls back, says what it bills with each result, and lists what it was asked.

    submit ── POST {route}?fal_webhook=… ──> Job, the request's id
    collect ── GET {app}/requests/{id}/status until COMPLETED ── GET {app}/requests/{id} ──> Delivery and its bill
    find ── GET /models/requests/by-endpoint ──> the requests with the very same input, from the same minutes
    receive ── POST signed with Ed25519, whose public keys are a JWKS ──> Notification

A catalogue's route is the endpoint, as "fal-ai/flux/dev"; its first two parts are the app, behind which requests are
found. Inputs carry the API's own names; `width` and `height` become its `image_size`, files data URIs. A bill is the
units of the result's header, times the endpoint's unit price, which is asked once an hour. Errors are not billed; what
was made and then filtered is. The list of requests holds those that have ended, so that one that is missing was never
seen for certain only after its deadline. Balance and bills are told to a key of scope ADMIN alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from importlib.util import find_spec
from typing import Any, Final, Self
from urllib.parse import quote as quoted

import httpx
from pydantic import SecretStr, model_validator

from application.ports import (
    Bill,
    Delivery,
    Job,
    Progress,
    ProviderError,
    ProviderRefused,
    ProviderUnknown,
    Recovery,
    Task,
    TaskFailed,
    Value,
)
from application.providing.listings import Offered, Offers
from application.providing.receiving import Callback, Notification
from domain.errors import Unverified
from infrastructure.clock import SECOND, now
from infrastructure.plugins import ApiSettings, ProviderContext
from infrastructure.settings import Address, revealed
from infrastructure.wire import queue
from infrastructure.wire.answers import Unreadable
from infrastructure.wire.api import CHECKING, Pace
from infrastructure.wire.blind import how_it_ended
from infrastructure.wire.callbacks import LARGEST, UNVERIFIED, address, attempt_of, is_recent
from infrastructure.wire.content import data_uri, decode_base64, decode_json, encode_json, micros, private_texts
from infrastructure.wire.unitprices import UnitPrice, unit_prices
from infrastructure.wire.waiting import Waiting

LARGEST_RESULT: Final = 64 * 1024 * 1024
ASKING: Final = 30.0
LOOKING: Final = 60.0
SETTLING: Final = 20.0
"""Seconds after which the answer that a request broke is believed."""
HOUR: Final = 3600.0
AGAIN: Final = 60.0
"""Seconds after which keys that verify nothing are asked for once more: they may have changed."""
SKEW: Final = 60 * SECOND
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MOST_PAGES: Final = 50
MOST_LISTED: Final = 50
PICTURES: Final = Pace(1.0, 3.0)
VIDEOS: Final = Pace(5.0, 10.0)
ENDED: Final = frozenset({"OK", "ERROR"})
SIZED: Final = "megapixel"
MEGAPIXEL: Final = 1024 * 1024
HEADERS: Final = tuple(f"x-fal-webhook-{name}" for name in ("request-id", "user-id", "timestamp", "signature"))


class Settings(ApiSettings):
    """`webhook` is the public https address under which callbacks are received, `webhook_secret` one of our own that
    ties each to its operation; without either there are none. `keys_url` is where fal's public keys are."""

    url: Address = "https://queue.fal.run"
    api_url: Address = "https://api.fal.ai/v1"
    keys_url: Address = "https://rest.fal.ai/.well-known/jwks.json"
    webhook: Address | None = None
    webhook_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _signed_webhooks(self) -> Self:
        if self.webhook and not self.webhook_secret:
            raise ValueError("IMAGESTUDIO_FAL_WEBHOOK needs IMAGESTUDIO_FAL_WEBHOOK_SECRET beside it")
        if self.webhook and find_spec("cryptography") is None:
            raise ValueError("IMAGESTUDIO_FAL_WEBHOOK needs the extra: pip install 'image-studio[webhooks]'")
        return self


class Fal:
    """Implements Provider, Billing, Listing, Receiving and Wakeable."""

    recovery = Recovery.FINDABLE

    def __init__(self, context: ProviderContext[Settings]) -> None:
        own, client = context.settings, context.open_client()
        key = revealed(own.key)
        self.name = context.name
        self._queue = context.api(own.url, key=key, scheme="Key", explain=queue.explain, client=client)
        self._results = context.api(own.url, key=key, scheme="Key", explain=queue.explain_result, client=client)
        self._platform = context.api(own.api_url, key=key, scheme="Key", explain=queue.explain, client=client)
        self._webhook, self._secret = own.webhook or "", revealed(own.webhook_secret)
        self._keys_url, self._monotonic = own.keys_url, context.monotonic
        self._waiting = Waiting()
        self._prices: dict[str, tuple[float, UnitPrice]] = {}
        self._keys: tuple[float, tuple[bytes, ...]] | None = None

    def lacks(self, route: str) -> str:  # noqa: ARG002
        return "" if self._queue.has_key else f"set IMAGESTUDIO_{self.name.upper()}_KEY"

    async def submit(self, task: Task, progress: Progress) -> Job:
        progress(0.0, "sent")
        params = {}
        if self._webhook and self._secret:
            params["fal_webhook"] = address(self._webhook, task.operation, self._secret, task.attempt)
        body = await self._body(task)
        answer = await self._queue.submit(quoted(task.route), params=params, json=body, hidden=private_texts(task))
        return Job(_id(answer.object()))

    async def collect(self, task: Task, job: Job, progress: Progress) -> Delivery:
        where = f"{_app(task.route)}/requests/{quoted(job.id, safe='')}"

        async def ask(left: float) -> Delivery | None:
            answer = await self._queue.read("GET", f"{where}/status", within=left)
            status = queue.read_status(answer.object())
            if status.waiting:
                progress(0.5, status.waiting)
                return None
            if status.failure:
                words = self._queue.told(status.words, private_texts(task))
                raise TaskFailed(status.failure, words or "the request was not completed")
            return await self._result(task, where, left)

        pace = VIDEOS if any(kind.startswith("video/") for kind in task.media_types) else PICTURES
        with self._waiting.on(job.id) as woken:
            return await self._queue.poll(ask, pace=pace, deadline=task.deadline, woken=woken)

    def notify(self, job: str) -> bool:
        return self._waiting.notify(job)

    async def find(self, task: Task) -> tuple[Job, ...]:
        """Those with this very input. Raises ProviderUnknown while it may still run, or if inputs were not kept."""
        sent = decode_json(encode_json(await self._body(task)))
        found, unsure = [], False
        async for item in self._requests(task):
            told = item.get("json_input")
            if told == sent:
                found.append(Job(_id(item)))
            unsure = unsure or not isinstance(told, dict) or bool(task.media and _texts(told) == _texts(sent))
        if not found and (unsure or now() < task.since + task.deadline * SECOND + SKEW):
            raise ProviderUnknown("not_listed", "the provider does not list the request, as yet")
        return tuple(found)

    async def cancel(self, task: Task, job: Job | None) -> bool:
        """True for what still waited and was taken out of the queue; a running request is merely asked to stop."""
        if job is None:
            return False
        where = f"{_app(task.route)}/requests/{quoted(job.id, safe='')}/cancel"
        try:
            answer = await self._queue.read("PUT", where, within=ASKING)
            return answer.status == httpx.codes.OK and answer.object().get("status") == "OK"
        except ProviderError:
            return False

    async def check(self) -> str:
        """The balance, where the key may see it."""
        try:
            params = {"expand": "credits"}
            told = (await self._platform.read("GET", "/account/billing", within=CHECKING, params=params)).object()
        except ProviderRefused as refusal:
            if refusal.code != "bad_key":
                raise
            await self._platform.read("GET", "/models/requests/search", within=CHECKING, params={"limit": "1"})
            return "the key works; the balance is told to an ADMIN key alone"
        credits = told.get("credits")
        left = credits.get("current_balance") if isinstance(credits, dict) else None
        if isinstance(left, bool) or not isinstance(left, int | Decimal):
            raise Unreadable
        return f"{left} USD left"

    async def bills(self, since: int, until: int) -> AsyncIterator[Bill]:
        """One a request that is billed, after discounts."""
        params = {"start": _iso(since), "end": _iso(until)}
        async for item in self._items("/models/billing-events", "billing_events", params):
            at = _instant(item.get("timestamp"))
            if at is not None and since <= at < until:
                model = item.get("endpoint_id")
                yield Bill(_id(item), micros(item.get("cost_total")), at, model if isinstance(model, str) else "")

    async def offers(self, routes: Collection[str]) -> Offers:
        """Whether these endpoints are there, and what a unit of them costs."""
        wanted, there = sorted(routes), set[str]()
        for start in range(0, len(wanted), MOST_LISTED):
            params = {"endpoint_id": ",".join(wanted[start : start + MOST_LISTED])}
            async for item in self._items("/models", "models", params):
                there.add(str(item.get("endpoint_id")))
        prices = await unit_prices(self._platform, there & set(wanted))
        notes = tuple(f"fal tells no price of {name}" for name in wanted if name in there and name not in prices)
        found = tuple(_offered(name, prices.get(name)) for name in wanted if name in there)
        return Offers(found, is_whole=False, gone=tuple(name for name in wanted if name not in there), notes=notes)

    async def receive(self, callback: Callback, now: int) -> Notification:
        """`now` in epoch microseconds."""
        given = {name.lower(): value for name, value in callback.headers.items()}
        request, user, at, signature = (given.get(name, "") for name in HEADERS)
        attempt = attempt_of(callback.operation, callback.mac, self._secret) if self._secret else None
        if attempt is None or not is_recent(at, now) or len(callback.body) > LARGEST:
            raise Unverified(UNVERIFIED)
        message = "\n".join((request, user, at, hashlib.sha256(callback.body).hexdigest())).encode(errors="replace")
        if not await self._is_signed(message, signature):
            raise Unverified(UNVERIFIED)
        job, status = _told(callback.body)
        return Notification(request, callback.operation, job, status in ENDED, attempt)

    async def close(self) -> None:
        await self._queue.close()

    async def _body(self, task: Task) -> dict[str, object]:
        """The JSON of one submission, its files as text."""
        size = sum(len(file.content) for files in task.media.values() for file in files)
        return await self._queue.unblocked(size, _body, task)

    async def _result(self, task: Task, where: str, left: float) -> Delivery | None:
        within, hidden = min(left, SETTLING), private_texts(task)
        try:
            answer = await self._results.read("GET", where, within=within, hidden=hidden, limit=LARGEST_RESULT)
        except ProviderError as error:
            if error.code == queue.NOT_YET:
                return None
            raise how_it_ended(error) from error
        units = queue.billed(answer).get(queue.METER)
        cost = None if units is None else await self._bill(task.route, units)
        try:
            delivery = await self._results.understood(answer, queue.delivery)
        except TaskFailed as failed:
            raise TaskFailed(failed.code, failed.message, cost=cost, usage=failed.usage) from failed
        return replace(delivery, cost=cost)

    async def _bill(self, route: str, millionths: int) -> int | None:
        """Micro-units for so much of a unit; None where its price is not told."""
        at, price = self._prices.get(route, (0.0, None))
        if price is None or self._monotonic() - at > HOUR:
            try:
                price = (await unit_prices(self._platform, {route}, CHECKING)).get(route)
            except ProviderError:
                return None
            if price is not None:
                self._prices[route] = (self._monotonic(), price)
        return None if price is None else price.of(millionths)

    async def _requests(self, task: Task) -> AsyncIterator[Mapping[str, Any]]:
        """Requests to the task's endpoint that may be its own, with their inputs."""
        params = {"endpoint_id": task.route, "expand": "payloads", "start": _iso(task.since - SKEW)}
        async for item in self._items("/models/requests/by-endpoint", "items", params):
            sent = _instant(item.get("sent_at"))
            if item.get("endpoint_id") == task.route and (sent is None or sent >= task.since - SKEW):
                yield item

    async def _items(self, path: str, name: str, params: Mapping[str, str]) -> AsyncIterator[Mapping[str, Any]]:
        """All pages of a list. Raises Unreadable for what is none, or has no end."""
        cursor = ""
        for _ in range(MOST_PAGES):
            wanted = {**params, "limit": "100", **({"cursor": cursor} if cursor else {})}
            answer = await self._platform.read("GET", path, within=LOOKING, params=wanted, limit=LARGEST_RESULT)
            page = await self._platform.understood(answer, lambda answer: answer.object())
            listed = page.get(name)
            if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
                raise Unreadable
            for one in listed:
                yield one
            cursor = page.get("next_cursor") or ""
            if not isinstance(cursor, str) or not cursor:
                return
        raise Unreadable("the provider's list has no end")

    async def _is_signed(self, message: bytes, signature: str) -> bool:
        """By any of fal's keys, which may have changed since they were asked for."""
        for fresh in (False, True):
            if any(_verifies(key, message, signature) for key in await self._public_keys(fresh=fresh)):
                return True
        return False

    async def _public_keys(self, *, fresh: bool) -> Sequence[bytes]:
        at, keys = self._keys or (0.0, ())
        if self._keys is None or self._monotonic() - at > (AGAIN if fresh else 24 * HOUR):
            try:
                answer = await self._platform.read("GET", self._keys_url, within=CHECKING)
                keys = tuple(_public_key(one) for one in answer.object().get("keys", ()))
            except (ProviderError, ValueError, TypeError, KeyError) as error:
                raise Unverified("the provider's public keys cannot be had") from error
            self._keys = (self._monotonic(), keys)
        return keys


def _body(task: Task) -> dict[str, object]:
    fields: dict[str, object] = dict(task.inputs)
    if {"width", "height"} <= fields.keys():
        fields["image_size"] = {side: fields.pop(side) for side in ("width", "height")}
    if task.outputs > 1:
        fields["num_images"] = task.outputs
    for name, files in task.media.items():
        uris = [data_uri(file) for file in files]
        fields[name] = uris if name in task.many else uris[0]
    return fields


def _app(route: str) -> str:
    """The part of an endpoint's name by which its requests go."""
    return quoted("/".join(route.split("/")[:2]))


def _id(told: Mapping[str, Any]) -> str:
    id = told.get("request_id")
    if not isinstance(id, str) or not id.replace("-", "").isalnum() or not id.isascii():
        raise Unreadable("the provider's answer names no request")
    return id


def _texts(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not files: fal may show one at another address than it was sent at."""
    return {name: value for name, value in inputs.items() if not name.endswith(("_url", "_urls"))}


def _offered(route: str, price: UnitPrice | None) -> Offered:
    if price is None:
        return Offered(route)
    by_size = partial(_sized, price) if price.unit.startswith(SIZED) else None
    return Offered(route, price=by_size or price.of_one(), formula=str(price))


def _sized(price: UnitPrice, inputs: Mapping[str, Value], seconds: Mapping[str, Decimal]) -> Decimal:  # noqa: ARG001
    """Of one picture: of its megapixels, one that is begun counts whole. Raises ValueError where it has no sides."""
    width, height = inputs.get("width"), inputs.get("height")
    if not isinstance(width, int) or not isinstance(height, int):
        raise ValueError("what it bills hangs on the size")
    return price.each * -(-width * height // MEGAPIXEL)


def _told(body: bytes) -> tuple[str, str]:
    """The request that a callback is about, and its status."""
    try:
        told = decode_json(body)
        return _id(told), str(told.get("status", ""))
    except (ValueError, AttributeError, Unreadable) as error:
        raise Unverified("the callback names no job") from error


def _public_key(jwk: Mapping[str, Any]) -> bytes:
    """The 32 bytes of an Ed25519 key (RFC 8037). Raises ValueError, KeyError, TypeError."""
    text = str(jwk["x"]).replace("-", "+").replace("_", "/")
    return decode_base64(text + "=" * (-len(text) % 4))


def _verifies(key: bytes, message: bytes, signature: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(signature), message)
    except (ValueError, InvalidSignature):
        return False
    return True


def _iso(instant: int) -> str:
    return (EPOCH + timedelta(microseconds=instant)).isoformat().replace("+00:00", "Z")


def _instant(text: object) -> int | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if at is None or at.tzinfo is None else (at - EPOCH) // timedelta(microseconds=1)


def build(context: ProviderContext[Settings]) -> Fal:
    return Fal(context)
