"""A batch: many wishes in one form, with the exact price of all before the button, and a page that follows them.

lines ── a service drafts each ── estimates ── sum, what would be left, a signed quote ── button
button ── the same lines and their quote ── each submitted under a key of its own ── the batch's page, live
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any, Final

from application.asking.requests import Estimate
from application.asking.requests import Request as StudioRequest
from application.ledger.reader import LogFilter
from application.studios.presets import Quality, Style
from application.studios.templates import Template
from domain.errors import ImageStudioError, InvalidInput
from domain.keys import KeyScope
from domain.money import Money
from domain.operation import CLOSED_PHASES
from infrastructure.clock import new_id
from infrastructure.dashboard.page import Document, FormSent, Shows, TableColumn, Visit, WebAction, WebPage
from infrastructure.dashboard.pages.create import CLASSES, FORMS, choices_of, no_price_said
from infrastructure.gateway.native.following import until_ended
from infrastructure.gateway.repeats import digest_of
from infrastructure.showing.documents import result_document
from infrastructure.showing.formats import iso, measured, money

MOST: Final = 50
"""Lines of a batch: longer lists are for the command line, which goes on with them after a stop."""
OPTIONS: Final = ("template", "style", "quality", "aspect", "negative", "model")
CHOSEN: Final = {"template": Template, "style": Style, "quality": Quality}
COLUMNS: Final = (
    TableColumn(name="number", kind="count"),
    TableColumn(name="operation", kind="id", to="operation"),
    TableColumn(name="status", kind="state"),
    TableColumn(name="model", wide=True),
    TableColumn(name="price", kind="money"),
)
Drafted = Sequence[tuple[StudioRequest, Estimate]]


async def _form(visit: Visit) -> Document:
    """The form: the wishes as lines, and what all of them share."""
    services = [*FORMS, "batch"]
    return {"services": services, "choices": choices_of(visit, CHOSEN), "most": MOST, "name": new_id()}


async def _drafts(sent: FormSent) -> Drafted:
    """A request and its estimate for each line. Raises InvalidInput that names the line."""
    visit = sent.visit
    lines = [one.strip() for one in sent.text("prompts").splitlines() if one.strip()]
    if not lines:
        raise InvalidInput("prompts", "are empty", hint="write one wish a line")
    if len(lines) > MOST:
        raise InvalidInput("prompts", f"are {len(lines)} lines, {MOST} at most", hint="make several batches")
    options: dict[str, Any] = {name: sent.text(name) for name in OPTIONS if sent.text(name)}
    allow = tuple(one for one in CLASSES if sent.text(f"allow.{one}") == "yes")
    found = []
    for line in lines:
        asked = {**options, **visit.caller.asks_as(None, None), "allow": allow}
        request = visit.studio.services.create.draft(line, visit.account, asked).request
        found.append((request, await visit.studio.operations.estimate(request)))
    return found


async def _price(sent: FormSent) -> Shows:
    """The price of all lines, and what would be left after them; what is wrong is said in its place."""
    visit, name = sent.visit, sent.text("name") or new_id()
    told: Document = {"name": name, "fields": {one: value for one, value in sent.fields.items() if one != "token"}}
    try:
        drafted = await _drafts(sent)
        told |= {"error": None, "count": len(drafted), **_sums(drafted)}
        told |= await _quoted(sent, drafted) if not told["refused"] else {"quote": None, "expires": None}
    except ImageStudioError as error:
        told |= {"quote": None, "error": no_price_said(error, sent)}
    return Shows("batch_price.html" if visit.partial else "batch_priced.html", "batch.priced", told, under="create")


def _sums(drafted: Drafted) -> Document:
    """The whole price, None if a part of it is not known; by measure what is left and would be; and what refuses it."""
    estimates = [one for _, one in drafted]
    currency, left = estimates[0].currency, estimates[0].left
    asks: Counter[str] = Counter()
    for one in estimates:
        asks.update(one.asks)
    short = [name for name, amount in asks.items() if (now := left.get(name)) is not None and amount > now]
    refused = next((one.refused for one in estimates if one.refused), None)
    rest = {name: None if (now := left.get(name)) is None else now - amount for name, amount in asks.items()}
    had, would = measured({name: left.get(name) for name in asks}, currency), measured(rest, currency)
    held = [one.held for one in estimates]
    known = None if None in held else money(sum(one.micros for one in held if one is not None), currency)
    return {
        "price": known,
        "refused": refused or (short[0] if short else None),
        "approval": any(one.needs_approval for one in estimates),
        "models": dict(Counter(one.model for one in estimates)),
        "after": {name: {"left": had[name], "after": would[name]} for name in asks},
    }


async def _quoted(sent: FormSent, drafted: Drafted) -> Document:
    """A signed quote for exactly these lines; none if a price is not known, or a person would have to approve it."""
    held = [one.held for _, one in drafted]
    if None in held or any(one.needs_approval for _, one in drafted):
        return {"quote": None, "expires": None}
    price = Money(sum(one.micros for one in held if one is not None), drafted[0][1].currency)
    text, told = sent.visit.gate.quotes.quote(sent.visit.account, _digest(sent), "batch", price)
    return {"quote": text, "expires": iso(told.expires)}


async def _make(sent: FormSent) -> str:
    """Have all lines made, at most at the price that was shown; each is held and recorded before the answer."""
    visit, name = sent.visit, sent.needed("name")
    told = visit.gate.quotes.read(visit.account, _digest(sent), sent.needed("quote"))
    drafted = await _drafts(sent)
    held = sum(one.held.micros for _, one in drafted if one.held is not None)
    if held > told.price:
        raise InvalidInput("quote", "is below what it costs by now", hint="load the price again")
    for number, (request, found) in enumerate(drafted, 1):
        wanted = replace(request, model=found.model, max_price=found.held, priced_at=told.at, key=_key(name, number))
        await visit.studio.operations.submit(wanted, queued=True)
    return visit.link("batch_made", name=name)


def _key(name: str, number: int) -> str:
    return f"batch:{name}/{number}"


def _digest(sent: FormSent) -> str:
    fields = {name: value for name, value in sent.fields.items() if name not in ("token", "quote") and value.strip()}
    return digest_of("make a batch", fields, {})


async def _operations(visit: Visit) -> list[str]:
    """The operations of a batch, by the keys under which they were asked. Raises InvalidInput if there is none."""
    index, name, account = visit.studio.log.index, visit.path["name"], visit.account

    def found() -> list[str]:
        spent = (index.key(account, _key(name, number)) for number in range(1, MOST + 1))
        return [one.reference for one in iter(lambda: next(spent, None), None)]

    ids = await asyncio.to_thread(found)
    if not ids:
        raise InvalidInput("name", "is that of no batch", hint="make one")
    return ids


async def _made(visit: Visit) -> Document:
    """Each operation of a batch as it stands, and what they came to."""
    operations, account = visit.studio.operations, visit.account
    results = [await operations.look(id, account=account) for id in await _operations(visit)]
    rows = [_row(number, result_document(one)) for number, one in enumerate(results, 1)]
    known = [row["price"] for row in rows if row["price"] is not None]
    total = money(sum(one["micros"] for one in known), known[0]["currency"]) if known else None
    states = dict(Counter(row["status"] for row in rows))
    return {"name": visit.path["name"], "operations": rows, "total": total, "states": states}


def _row(number: int, told: Document) -> Document:
    return {
        "number": number,
        "operation": told["operation"],
        "status": told["status"],
        "model": told.get("model"),
        "price": told.get("price") if told["status"] in CLOSED_PHASES else None,
    }


async def _live(visit: Visit) -> AsyncIterator[object]:
    log = visit.studio.log
    return await until_ended(log, LogFilter(operations=tuple(await _operations(visit))), log.reader.end())


PAGES = (
    WebPage(
        name="batch",
        path="/batch",
        document=_form,
        template="batch.html",
        scope=KeyScope.OPERATE,
        under="create",
    ),
    WebPage(
        name="batch_made",
        path="/batch/{name}",
        document=_made,
        template="batch_made.html",
        under="create",
        rows="operations",
        columns=COLUMNS,
        live=_live,
    ),
)
ACTIONS = (
    WebAction(name="price_batch", path="/batch/price", do=_price, scope=KeyScope.OPERATE),
    WebAction(name="make_batch", path="/batch", do=_make, scope=KeyScope.OPERATE),
)
