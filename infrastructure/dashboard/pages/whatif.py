"""Questions about other terms: charges as they would have been on another plan, tariff or route, or by other prices."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from domain.catalogue import Strategy
from domain.errors import InvalidInput
from domain.keys import KeyScope
from infrastructure.dashboard.page import (
    Document,
    FormSent,
    MeantFor,
    PageFilter,
    Reading,
    Shows,
    TableColumn,
    Visit,
    WebAction,
    WebPage,
)
from infrastructure.dashboard.pages.rows import span_to_now
from infrastructure.drafting import NO_TARIFF, Draft
from infrastructure.gateway.native.repricing import repricing_by, simulation_by
from infrastructure.showing.formats import iso, money

LARGEST: Final = 200_000
"""Characters of prices that are pasted."""
QUESTION: Final = ("plan", "tariff", "routing")
"""Filters that are what is asked; the others say of what."""
COLUMNS: Final = (
    TableColumn(name="account", to="overview", by="account"),
    TableColumn(name="model"),
    TableColumn(name="other"),
    TableColumn(name="operations", kind="count"),
    TableColumn(name="was", kind="money"),
    TableColumn(name="would", kind="money"),
    TableColumn(name="change", kind="money"),
    TableColumn(name="was_cost", kind="money", wide=True),
    TableColumn(name="would_cost", kind="money", wide=True),
    TableColumn(name="refused", kind="count", wide=True),
    TableColumn(name="unknown", kind="count", wide=True),
)
REPRICED: Final = (
    TableColumn(name="account", to="overview", by="account"),
    TableColumn(name="model"),
    TableColumn(name="operations", kind="count"),
    TableColumn(name="charged", kind="money"),
    TableColumn(name="lowered", kind="money"),
    TableColumn(name="raised", kind="money"),
    TableColumn(name="cost", kind="money", wide=True),
    TableColumn(name="unknown", kind="count", wide=True),
)
FEES: Final = (
    TableColumn(name="account"),
    TableColumn(name="period", kind="day"),
    TableColumn(name="price", kind="money"),
    TableColumn(name="covered", kind="money"),
    TableColumn(name="overage", kind="money"),
)


async def _document(visit: Visit) -> Document:
    """The document of `imagestudio simulate`, of this month unless told; without a question only what can be asked."""
    accounts, params, now = visit.studio.accounts, visit.params, visit.gate.clock()
    since = params.get("since", f"{iso(now)[:8]}01")
    choices = {"plans": list(accounts.plans), "tariffs": _tariffs(visit), "routings": [str(one) for one in Strategy]}
    told: Document = {"since": since, "until": params.get("until"), **choices}
    if not params.keys() & set(QUESTION):
        return {**told, "asked": False, "lines": [], "fees": [], "total": []}
    draft = Draft(**{name: params.get(name) for name in QUESTION})
    document = await simulation_by(visit.gate, draft, span_to_now(visit, since, params.get("until")), params.get("of"))
    return {**told, **document, "asked": True, "lines": [_flat(one) for one in document["lines"]]}


async def _reads(visit: Visit) -> Reading:
    """The log, if something is asked."""
    asked = visit.params.keys() & set(QUESTION)
    return Reading(int(await asyncio.to_thread(visit.studio.log.reader.end)) if asked else 0)


def _tariffs(visit: Visit) -> list[str]:
    selling = visit.studio.accounts.selling
    return [] if selling is None else [*selling.tariffs, NO_TARIFF]


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    """A line with its amounts beside each other, and what moved."""
    was, would = line["was"], line["would"]
    change = money(would["price"]["micros"] - was["price"]["micros"], was["price"]["currency"])
    amounts = {"was": was["price"], "would": would["price"], "change": change}
    costs = {"was_cost": was["cost"], "would_cost": would["cost"]}
    return {name: value for name, value in line.items() if name not in ("was", "would")} | amounts | costs


async def _reprice(sent: FormSent) -> Shows:
    """Charges by other prices: shown, and, with a reason, booked as corrections; a charge never rises."""
    visit, text, book_it = sent.visit, sent.needed("book"), sent.text("book_it") == "yes"
    if len(text) > LARGEST:
        raise InvalidInput("book", "is too long", hint="paste the entries of a catalogue that change")
    document = await repricing_by(
        visit.gate,
        text,
        span_to_now(visit, sent.needed("since"), sent.text("until") or None),
        account=sent.text("of") or None,
        by=visit.caller.holder.actor,
        reason=sent.text("reason"),
        dry=not book_it,
    )
    told = {name: sent.text(name) for name in ("book", "since", "until", "of")}
    return Shows("repriced.html", "whatif.repriced", {**document, "asked": told}, under="whatif", columns=REPRICED)


PAGES = (
    WebPage(
        name="whatif",
        path="/what-if",
        document=_document,
        template="whatif.html",
        reads=_reads,
        scope=KeyScope.ADMIN,
        meant=MeantFor.STUDIO,
        group="money",
        rows="lines",
        columns=COLUMNS,
        parts={"fees": FEES},
        filters=(
            *(PageFilter(name=name) for name in QUESTION),
            *(PageFilter(name="of"), PageFilter(name="since", kind="day"), PageFilter(name="until", kind="day")),
        ),
    ),
)
ACTIONS = (WebAction(name="reprice", path="/what-if/prices", do=_reprice, scope=KeyScope.ADMIN, meant=MeantFor.STUDIO),)
