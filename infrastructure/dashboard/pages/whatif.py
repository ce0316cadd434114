"""Questions about other terms: charges as they would have been on another plan, tariff or route, or by other prices."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from application.keeping.simulating import WhatIf
from domain.catalogue import Catalogue, Strategy
from domain.errors import InvalidInput
from domain.keys import KeyScope
from domain.plans import plan as find_plan
from domain.pricing import PriceBook
from infrastructure.catalogue import load_catalogue, with_overlay
from infrastructure.dashboard.page import (
    Document,
    FormSent,
    MeantFor,
    PageFilter,
    Shows,
    TableColumn,
    Visit,
    WebAction,
    WebPage,
)
from infrastructure.showing.formats import instant_of, iso, money
from infrastructure.showing.repricing import repricing_document
from infrastructure.showing.simulating import simulation_document

LARGEST: Final = 200_000
"""Characters of prices that are pasted."""
NO_TARIFF: Final = "none"
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
    if not params.keys() & {"plan", "tariff", "routing"}:
        return {**told, "asked": False, "lines": [], "fees": [], "total": []}
    start, end = _span(visit, since, params.get("until"))
    found = await visit.studio.simulations.run(_question(visit), start, end, account=params.get("of"))
    document = simulation_document(found)
    return {**told, **document, "asked": True, "lines": [_flat(one) for one in document["lines"]]}


def _tariffs(visit: Visit) -> list[str]:
    selling = visit.studio.accounts.selling
    return [] if selling is None else [*selling.tariffs, NO_TARIFF]


def _span(visit: Visit, since: str, until: str | None) -> tuple[int, int]:
    start = instant_of(since, field="since")
    end = visit.gate.clock() if until is None else instant_of(until, field="until")
    if start >= end:
        raise InvalidInput("until", "is not after the beginning", hint="name a later day")
    return start, end


def _question(visit: Visit) -> WhatIf:
    """Raises UnknownPlan, InvalidInput for a tariff or a route that there is not."""
    accounts, params = visit.studio.accounts, visit.params
    plan, tariff, routing = (params.get(name) for name in ("plan", "tariff", "routing"))
    if tariff is not None and tariff not in _tariffs(visit):
        raise InvalidInput("tariff", f"there is no {tariff[:40]!r}", hint="choose one of the list")
    if routing is not None and routing not in list(Strategy):
        raise InvalidInput("routing", f"{routing[:40]!r} is no strategy", hint="choose one of the list")
    catalogue, book = (None, None) if routing is None else load_catalogue(visit.gate.catalogues)
    return WhatIf(
        catalogue=catalogue,
        book=book,
        selling=accounts.selling,
        plan=None if plan is None else find_plan(plan, accounts.plans),
        tariff="" if tariff == NO_TARIFF else tariff,
        routing=routing,
    )


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    """A line with its amounts beside each other; what moved is null if a part is not known."""
    was, would = line["was"], line["would"]
    micros = would["price"]["micros"] - was["price"]["micros"]
    amounts = {"was": was["price"], "would": would["price"], "change": _like(was["price"], micros)}
    costs = {"was_cost": was["cost"], "would_cost": would["cost"]}
    return {name: value for name, value in line.items() if name not in ("was", "would")} | amounts | costs


def _like(amount: dict[str, Any], micros: int) -> dict[str, Any]:
    return dict(money(micros, amount["currency"]))


async def _reprice(sent: FormSent) -> Shows:
    """Charges by other prices: shown, and, with a reason, booked as corrections; a charge never rises."""
    visit, text, book_it = sent.visit, sent.needed("book"), sent.text("book_it") == "yes"
    start, end = _span(visit, sent.needed("since"), sent.text("until") or None)
    catalogue, book = await asyncio.to_thread(_loaded, visit, text)
    found = await visit.studio.repricing.run(
        catalogue,
        book,
        start,
        end,
        account=sent.text("of") or None,
        reason=sent.text("reason"),
        by=visit.caller.holder.actor,
        dry=not book_it,
    )
    told = {name: sent.text(name) for name in ("book", "since", "until", "of")}
    document = {**repricing_document(found, dry=not book_it), "asked": told}
    return Shows("repriced.html", "whatif.repriced", document, under="whatif", columns=REPRICED)


def _loaded(visit: Visit, text: str) -> tuple[Catalogue, PriceBook]:
    """The catalogue in force with other prices over it. Raises CatalogueError, InvalidInput."""
    if len(text) > LARGEST:
        raise InvalidInput("book", "is too long", hint="paste the entries of a catalogue that change")
    return with_overlay(visit.gate.catalogues, text, "prices")


PAGES = (
    WebPage(
        name="whatif",
        path="/what-if",
        document=_document,
        template="whatif.html",
        scope=KeyScope.ADMIN,
        meant=MeantFor.STUDIO,
        group="money",
        rows="lines",
        columns=COLUMNS,
        parts={"fees": FEES},
        filters=(
            *(PageFilter(name="plan"), PageFilter(name="tariff"), PageFilter(name="routing")),
            *(PageFilter(name="of"), PageFilter(name="since", kind="day"), PageFilter(name="until", kind="day")),
        ),
    ),
)
ACTIONS = (WebAction(name="reprice", path="/what-if/prices", do=_reprice, scope=KeyScope.ADMIN, meant=MeantFor.STUDIO),)
