"""WaveSpeed's money: what a request would cost, what a job has cost, what is left.

    POST /api/v3/model/price       {model_id, inputs} -> {price, discounted_price, currency}
    POST /api/v3/model/pricing     the older name -> {unit_price}
    POST /api/v3/billings/search   one record a job: `pre` while it runs and after it failed, `done` when it is final
    GET  /api/v3/balance

The record of a job that failed disappears after three hours, unless its script says that it is billed all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infrastructure.clock import SECOND
from tests.wire.fake.prices import models
from tests.wire.fake.state import Job
from tests.wire.fake.wavespeed import WaveSpeed, envelope, refusal

REFUNDED: Final = 3 * 3_600 * SECOND
"""Microseconds after which a failed job's record is gone."""
MICROS: Final = 1_000_000
BALANCE: Final = "100"
MILLISECOND: Final = 1_000


class Money:
    """The part of an API that is about money."""

    def __init__(self, api: WaveSpeed) -> None:
        self.api, self.state = api, api.state

    def routes(self) -> list[Route]:
        handlers = {
            "model/price": ("price", self.price),
            "model/pricing": ("price", self.pricing),
            "billings/search": ("billings", self.search),
        }
        base = f"/{self.api.prefix}api/v3"
        posts = [
            Route(f"{base}/{path}", self.api.guarded(name, handler), methods=["POST"])
            for path, (name, handler) in handlers.items()
        ]
        return [*posts, Route(f"{base}/balance", self.api.guarded("balance", self.balance), methods=["GET"])]

    async def price(self, request: Request) -> Response:
        dollars = await self.asked(request)
        if isinstance(dollars, Response):
            return dollars
        return envelope({"price": dollars, "discounted_price": dollars, "currency": "USD"})

    async def pricing(self, request: Request) -> Response:
        dollars = await self.asked(request)
        return dollars if isinstance(dollars, Response) else envelope({"unit_price": dollars, "currency": "USD"})

    async def asked(self, request: Request) -> float | Response:
        wanted = await request.json()
        path, inputs = wanted.get("model_id"), wanted.get("inputs")
        if path not in models():
            return refusal(404)
        return float(self.api.price(path, inputs)) if isinstance(inputs, dict) else refusal(400, "inputs are required")

    async def balance(self, request: Request) -> Response:
        """What it was less what has been billed."""
        start = Decimal(str(self.state.setting("balance:wavespeed", BALANCE)))
        bills = [job.price for job in self.state.jobs(self.api.provider) if billed(job, self.state.now())]
        spent = sum((Decimal(bill) for bill in bills if bill and bill != "unreadable"), Decimal())
        return envelope({"balance": float(start - spent)})

    async def search(self, request: Request) -> Response:
        wanted = await request.json()
        page, size = wanted.get("page"), wanted.get("page_size")
        if not (isinstance(page, int) and isinstance(size, int) and page >= 1 and 1 <= size <= 100):
            return refusal(400, "page must be at least 1 and page_size between 1 and 100")
        now = self.state.now()
        jobs = [job for job in self.state.jobs(self.api.provider) if billed(job, now) and selected(job, wanted)]
        if str(wanted.get("sort", "created_at DESC")).endswith("DESC"):
            jobs.reverse()
        items = [record(job) for job in jobs[(page - 1) * size : page * size]]
        return envelope({"page": page, "total": len(jobs), "items": items})


def billed(job: Job, now: int) -> bool:
    """Whether there is a record of it."""
    if job.price in (None, "nothing"):
        return False
    refunded = job.ended and not job.delivered and job.behaviour.bill is None
    return not refunded or now - job.created < REFUNDED


def selected(job: Job, wanted: Mapping[str, Any]) -> bool:
    """Whether a record passes the filters; the range of time is in milliseconds, as strings."""
    return (
        wanted.get("billing_type") in (None, "", "deduct")
        and (not wanted.get("prediction_uuids") or job.id in wanted["prediction_uuids"])
        and job.created >= int(wanted.get("start_time") or 0) * MILLISECOND
        and job.created <= int(wanted.get("end_time") or 2**52) * MILLISECOND
    )


def record(job: Job) -> dict[str, Any]:
    at = f"{datetime.fromtimestamp(job.created // SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{job.created % SECOND // 1000:03d}Z"
    price = amount(job)
    final = job.delivered or (job.ended and job.behaviour.bill is not None)
    status = job.ending if job.ended else "processing"
    return {
        "uuid": job.id[::-1],
        "billing_type": "deduct",
        "price": price,
        "created_at": at,
        "updated_at": at,
        "order": {"uuid": f"{job.id[16:]}{job.id[:16]}", "state": "done" if final else "pre", "price": price},
        "prediction": {"uuid": job.id, "model_uuid": job.path, "status": status},
        "access_key_name": "studio",
    }


def amount(job: Job) -> float | int | str:
    if job.price == "unreadable":
        return "a few cents"
    dollars = Decimal(job.price or 0)
    return int(dollars * MICROS) if job.behaviour.bill_unit == "micros" else float(dollars)
