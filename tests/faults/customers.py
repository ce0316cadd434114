"""Customers over HTTP who want each order once: they ask at any process, again and again under the order's own key.

order ── asked ──┬─ lost, overloaded, away ── asked elsewhere, under the same key
                 ├─ accepted, or pending ──── looked at until it has ended
                 └─ drawn, refused, failed ── remembered
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from tests.application.asking.test_waiting import until
from tests.faults.towns import MILL, POND

TIGHT = "tight"
"""The account whose limit is reached; its pictures are of a model whose jobs are always found again."""

ROOMY = ("acme", "beta")
AT_ONCE = 16
AGAIN = frozenset({429, 503})
"""Statuses after which whoever asks waits for a moment, and asks again."""

OPEN = frozenset({202, 424})
ENDED = frozenset({"charged", "released"})


@dataclass(frozen=True, slots=True)
class Order:
    """One picture that somebody wants; its key is its prompt, by which the provider knows it, too."""

    key: str
    account: str
    model: str
    queued: bool


@dataclass(frozen=True, slots=True)
class Told:
    """How an order ended, as its customer was told: `phase` is charged, released or rejected."""

    operation: str
    phase: str
    pictures: tuple[str, ...] = ()
    """Digests."""


@dataclass(slots=True)
class Customers:
    """Those of all accounts, each with its account's key; what they were told at first is what they are held to."""

    urls: Sequence[str]
    secrets: Mapping[str, str] = field(repr=False)
    chance: random.Random
    client: httpx.AsyncClient = field(repr=False)
    orders: list[Order] = field(default_factory=list)
    told: dict[str, Told] = field(default_factory=dict)
    requests: int = 0
    lost: int = 0
    """Requests whose answers never came."""

    def order(self, number: int) -> Order:
        """A third of them are the tight account's, and half of them for the queue."""
        account = (TIGHT, *ROOMY)[number % 3]
        model = POND if account == TIGHT else self.chance.choice((POND, MILL))
        return Order(f"order-{number}", account, model, self.chance.random() < 0.5)

    async def come(self, orders: int) -> None:
        """Each with one order, a few at a time."""
        self.orders.extend(self.order(number) for number in range(orders))
        await self._want(self.orders)

    async def come_again(self) -> None:
        """Everybody asks once more, under the same key."""
        await self._want(self.orders)

    async def until_told(self, orders: int) -> None:
        """Wait until so many of the orders have an end."""
        await until(lambda: len(self.told) >= orders)

    async def _want(self, orders: Sequence[Order]) -> None:
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(order: Order) -> None:
            async with turns:
                await self.want(order)

        async with asyncio.TaskGroup() as group:
            for order in orders:
                group.create_task(one(order))

    async def want(self, order: Order) -> None:
        """Ask until there is an end, and remember it; whoever asks again is told what was told before.

        Of a refusal nothing stays: whoever asks again may find room. What was released, as nobody knew whether it was
        made, may have come since, and is given for nothing.
        """
        found = await (self._order_queued(order) if order.queued else self._draw(order))
        before = self.told.get(order.key)
        if before is not None and before.phase != "rejected":
            may_come = replace(before, pictures=found.pictures) if before.phase == "released" else before
            assert found in (before, may_come), f"{order} was told {before}, and then {found}"
        self.told[order.key] = found

    async def _draw(self, order: Order) -> Told:
        body = {"model": order.model, "prompt": order.key}
        answer = await self._ask("POST", "/v1/images/generations", order, json=body)
        operation = answer.headers["x-imagestudio-operation"]
        if answer.status_code == 200:
            pictures = [base64.b64decode(one["b64_json"]) for one in answer.json()["data"]]
            phase = "charged" if float(answer.headers["x-litellm-response-cost"]) else "released"
            return Told(operation, phase, tuple(hashlib.sha256(one).hexdigest() for one in pictures))
        if answer.status_code == 424:
            return await self._ended(order, operation)
        return Told(operation, {402: "rejected", 502: "released"}[answer.status_code])

    async def _order_queued(self, order: Order) -> Told:
        body = {"kind": "text-to-image", "model": order.model, "inputs": {"prompt": order.key}}
        answer = await self._ask("POST", "/v1/operations", order, json=body)
        operation = answer.headers["x-imagestudio-operation"]
        return Told(operation, "rejected") if answer.status_code == 402 else await self._ended(order, operation)

    async def _ended(self, order: Order, operation: str) -> Told:
        while True:
            answer = await self._ask("GET", f"/v1/operations/{operation}", order)
            (one,) = answer.json()["operations"]
            if one["status"] in ENDED:
                return Told(operation, one["status"], tuple(output["digest"] for output in one["outputs"]))

    async def _ask(self, method: str, path: str, order: Order, **more: Any) -> httpx.Response:
        """The first answer that says something; some do not wait for it long, and most wait while it is open."""
        headers = {"authorization": f"Bearer {self.secrets[order.account]}", "prefer": "wait=5"}
        headers |= {"idempotency-key": order.key} if method == "POST" else {}
        while True:
            self.requests += 1
            url, patience = self.chance.choice(self.urls), self.chance.choice((0.3, 5, 30))
            try:
                answer = await self.client.request(method, url + path, headers=headers, timeout=patience, **more)
            except httpx.TransportError:
                self.lost += 1
                await asyncio.sleep(0.1)
                continue
            if answer.status_code not in AGAIN:
                assert answer.status_code in {200, 402, 502} | OPEN, f"{order}: {answer.status_code} {answer.text}"
                return answer
            await asyncio.sleep(0.1)
