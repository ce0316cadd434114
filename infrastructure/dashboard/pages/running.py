"""The first page of whoever runs the studio: whether the log holds, what waits, what this month brought."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, Final

from infrastructure.clock import SECOND
from infrastructure.dashboard.page import Document, MeantFor, TableColumn, Visit, WebPage
from infrastructure.dashboard.pages.rows import view_rows
from infrastructure.showing.formats import document, iso, money
from infrastructure.showing.queues import queues_document
from infrastructure.showing.seals import signed_document, watch_document
from projections.views.costs import COSTS

MODELS: Final = (
    TableColumn(name="model", to="costs", by="model"),
    TableColumn(name="charged", kind="count"),
    TableColumn(name="price", kind="money"),
    TableColumn(name="cost", kind="money"),
    TableColumn(name="cost_unknown", kind="count", wide=True),
)
SHOWN: Final = 8
MONTH_ROWS: Final = 500
LATE: Final = 60 * SECOND
"""Microseconds after which what waits is told of."""


async def _document(visit: Visit) -> Document:
    """The documents of `/v1/costs` and `/v1/seals`, the queue and the views, as parts; and what wants attention."""
    studio, now = visit.studio, visit.gate.clock()
    queue = queues_document(await asyncio.to_thread(studio.queues.standing))
    views = [document(one) for one in await asyncio.to_thread(studio.views.status)]
    seals = await asyncio.to_thread(studio.seals.kept)
    behind = await asyncio.to_thread(studio.webhooks.sending.tables.lag, now)
    month = await view_rows(visit, "costs", COSTS, at=iso(now), limit=MONTH_ROWS)
    rows = sorted(month["costs"], key=lambda one: -one["price"]["micros"])
    told = {
        "watch": watch_document(await asyncio.to_thread(studio.seals.watch.standing)),
        "seal": signed_document(seals[-1]) if seals else None,
        "queue": {name: queue[name] for name in ("waiting", "waiting_since", "processes")},
        "views": {"behind": max((one["lag"] for one in views), default=0), "stopped": _stopped(views)},
        "webhooks": {"waiting": behind.waiting, "oldest": None if behind.oldest is None else iso(behind.oldest)},
        "month": iso(now)[:7],
        "sums": _sums(rows),
        "costs": rows[:SHOWN],
    }
    return {**told, "attention": _attention(told, now)}


def _stopped(views: list[Any]) -> list[str]:
    return [one["view"] for one in views if one["error"] is not None]


def _sums(rows: list[Document]) -> list[Document]:
    """Charges and what they cost, by currency; costs as far as they are known."""
    price: Counter[str] = Counter()
    cost: Counter[str] = Counter()
    unknown = sum(row["cost_unknown"] for row in rows)
    for row in rows:
        price[row["price"]["currency"]] += row["price"]["micros"]
        if row["cost"] is not None:
            cost[row["cost"]["currency"]] += row["cost"]["micros"]
    names = sorted(price.keys() | cost.keys())
    return [{"price": money(price[one], one), "cost": money(cost[one], one), "cost_unknown": unknown} for one in names]


def _attention(told: Document, now: int) -> list[Document]:
    """Each with the page that says more."""
    found: list[Document] = []
    if told["watch"]["problems"]:
        found.append({"what": "problems", "count": len(told["watch"]["problems"]), "page": "audit"})
    if told["views"]["stopped"]:
        found.append({"what": "stopped", "views": ", ".join(told["views"]["stopped"]), "page": "views"})
    over = sum(one["over"] for one in told["queue"]["processes"])
    if over:
        found.append({"what": "over", "count": over, "page": "queues"})
    if (since := told["queue"]["waiting_since"]) is not None and since < iso(now - LATE):
        found.append({"what": "waiting", "count": told["queue"]["waiting"], "page": "queues"})
    unknown = sum(one["cost_unknown"] for one in told["sums"][:1])
    if unknown:
        found.append({"what": "unknown", "count": unknown, "page": "costs"})
    return found


PAGES = (
    WebPage(
        name="running",
        path="/studio",
        document=_document,
        template="running.html",
        meant=MeantFor.STUDIO,
        group="studio",
        parts={"models": MODELS},
    ),
)
