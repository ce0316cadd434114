"""WaveSpeed's money: what a task would cost, what each job was billed, what is left. Never a binary fraction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any, Final

from application.ports import Bill, ProviderRefused
from domain.inputs import plain
from domain.money import LARGEST_AMOUNT
from infrastructure.providers.wavespeed.pages import items
from infrastructure.providers.wavespeed.predictions import ENDED_BADLY, instant, unwrap
from infrastructure.wire.answers import Unreadable
from infrastructure.wire.api import CHECKING, Api
from infrastructure.wire.content import micros

CURRENCY: Final = "USD"
QUOTE_SECONDS: Final = 10.0
MOST_BILLS: Final = 1_000_000
LEAST_MICROS: Final = 1_000
MILLISECOND: Final = 1_000


class MoneyApi:
    """The part of the API that is about money."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def quote(self, route: str, body: Mapping[str, Any]) -> int | None:
        """Micro-units that this body would cost, discounts included; None where the API does not say.

        A null is not said: without a discount the discounted price may be.
        """
        wanted = {"model_id": route, "inputs": body}
        for path, names in (("model/price", ("discounted_price", "price")), ("model/pricing", ("unit_price",))):
            try:
                answer = await self._api.read("POST", path, within=QUOTE_SECONDS, json=wanted)
                data = unwrap(self._api, answer)
            except ProviderRefused as refusal:
                if refusal.code != "unknown_model":
                    raise
                continue
            if (data.get("currency") or CURRENCY) != CURRENCY:
                return None
            told = [data[name] for name in names if data.get(name) is not None]
            return micros(told[0]) if told else None
        return None

    async def bills(self, since: int, until: int) -> AsyncIterator[Bill]:
        """One a job, oldest first; a record is made when its job is.

        The charge of a failed job is paid back within three hours, and counts as nothing unless it is final.
        """
        wanted = {
            "billing_type": "deduct",
            "sort": "created_at ASC",
            "start_time": str(since // MILLISECOND),
            "end_time": str((until - 1) // MILLISECOND),
        }
        async for item in items(self._api, "billings/search", wanted, MOST_BILLS):
            if (bill := _bill(item)) is not None:
                yield bill

    async def balance(self) -> str:
        """The rest of the balance, in words."""
        data = unwrap(self._api, await self._api.read("GET", "balance", within=CHECKING))
        amount = data.get("balance")
        if not isinstance(amount, int | Decimal):
            raise Unreadable
        return f"{plain(Decimal(amount))} {CURRENCY} left"


def _bill(item: Mapping[str, Any]) -> Bill | None:
    """A record as a bill; None where it is not about a job."""
    job = item.get("prediction")
    if not isinstance(job, dict) or not isinstance(id := job.get("uuid"), str):
        return None
    model = job.get("model_uuid")
    return Bill(id, _amount(item, job), instant(item.get("created_at")) or 0, model if isinstance(model, str) else "")


def _amount(item: Mapping[str, Any], job: Mapping[str, Any]) -> int | None:
    """In micro-units. The API has told prices in dollars and, earlier, in whole millionths of one: no job is so dear
    or so cheap that the two could be mistaken for each other."""
    order = item.get("order")
    if str(job.get("status")) in ENDED_BADLY and isinstance(order, dict) and order.get("state") != "done":
        return 0
    price = item.get("price")
    if isinstance(price, int) and not isinstance(price, bool) and price >= LEAST_MICROS:
        return price if price <= LARGEST_AMOUNT else None
    return micros(price)
