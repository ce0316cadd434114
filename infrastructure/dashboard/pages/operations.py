"""All operations of an account, filtered, the newest first; and one of them: its facts, postings, files and price."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final

from application.asking.requests import Result
from application.keeping.books import BookQuery
from application.keeping.stories import Story, stories_of
from application.ledger.reader import LogFilter
from application.scope import operations_of
from domain.keys import KeyScope
from domain.kinds import KINDS, Family
from domain.operation import PHASES
from infrastructure.clock import new_id
from infrastructure.dashboard.page import (
    Document,
    FormSent,
    MeantFor,
    PageFilter,
    TableColumn,
    Visit,
    WebAction,
    WebPage,
)
from infrastructure.dashboard.pages.rows import PAST, moment_of_visit, past_read, view_rows
from infrastructure.gateway.native.asof import as_of_document
from infrastructure.gateway.native.following import until_ended
from infrastructure.showing.assets import links_document
from infrastructure.showing.books import postings_document
from infrastructure.showing.changes import explanation_document
from infrastructure.showing.customers import told_document
from infrastructure.showing.documents import result_document
from infrastructure.showing.hints import over_http
from infrastructure.showing.rows import list_document, row_document
from infrastructure.showing.stories import row_of
from infrastructure.showing.webhooks import message_document
from projections.views.operations import FLAGS, OPERATIONS, OperationFilter

MOST_FACTS: Final = 200
POSTINGS: Final = (
    TableColumn(name="source"),
    TableColumn(name="destination"),
    TableColumn(name="amount", kind="money"),
)
MESSAGES: Final = (
    TableColumn(name="event"),
    TableColumn(name="state", kind="state"),
    TableColumn(name="webhook", kind="mono", to="webhook"),
    TableColumn(name="tries", kind="count"),
    TableColumn(name="at", kind="instant"),
    TableColumn(name="said"),
)
COLUMNS: Final = (
    TableColumn(name="requested_at", kind="instant"),
    TableColumn(name="id", kind="id", to="operation"),
    TableColumn(name="kind", wide=True),
    TableColumn(name="model", wide=True),
    TableColumn(name="user", wide=True),
    TableColumn(name="state", kind="state"),
    TableColumn(name="outputs", kind="count", wide=True),
    TableColumn(name="held", kind="money", wide=True),
    TableColumn(name="price", kind="money"),
    TableColumn(name="cost", kind="money", wide=True),
    TableColumn(name="tags", kind="tags", wide=True),
    TableColumn(name="flags", kind="flags"),
)

HELD: Final = tuple(replace(one, wide=False) for one in COLUMNS if one.name not in ("price", "cost", "outputs", "tags"))


async def _list(visit: Visit) -> Document:
    """The document of `/v1/operations`."""
    return await view_rows(visit, "operations", OPERATIONS)


async def _holds(visit: Visit) -> Document:
    """The document of `/v1/holds`."""
    moment, views, account = await moment_of_visit(visit), visit.studio.views, visit.account
    if moment is not None:
        rows = await visit.studio.past.holds(account, moment)
        return dict(as_of_document({"holds": [row_document(OPERATIONS, row) for row in rows]}, moment))
    wanted = OperationFilter(account=account, holding=True)
    found = await asyncio.to_thread(views.find, OPERATIONS, wanted, after=visit.after, limit=visit.limit)
    return dict(list_document("holds", OPERATIONS, found))


async def _refusals(visit: Visit) -> Document:
    """The document of `/v1/refusals`."""
    found = await visit.studio.past.refusals(visit.account, visit.params.get("key"))
    return {"explanations": [dict(explanation_document(one, over_http)) for one in found]}


async def _one(visit: Visit) -> Document:
    """The documents of `/v1/operations/{id}`, `…/events` and `…/assets`; for administrators more.

    Of a batch each operation has its own story.
    """
    studio, id = visit.studio, visit.path["id"]
    account, log = visit.account, studio.log
    stories = await stories_of(log, studio.accounts, id, account)
    ours = visit.caller.holder.may(KeyScope.ADMIN)
    positions = [event.position for one in stories for event in one.events[:MOST_FACTS]] if ours else []
    messages = await studio.webhooks.told_of(account, positions)
    result = await studio.operations.look(id, account=account)
    return {
        "id": id,
        "result": _result(result),
        "operations": [await _story(visit, one, ours) for one in stories],
        "messages": [message_document(one) for one in messages],
        "assets": links_document(await visit.studio.library.of_operation(visit.account, id)),
    }


async def _why(visit: Visit) -> Document:
    """The document of `/v1/operations/{id}/why`, which is worked out from the log up to that moment."""
    found = await visit.studio.past.why(visit.path["id"], visit.account)
    return {"id": visit.path["id"], "explanations": [dict(explanation_document(one, over_http)) for one in found]}


def _result(result: Result) -> Document:
    found: Document = result_document(result)
    return found


async def _story(visit: Visit, story: Story, ours: bool) -> dict[str, Any]:
    row = await asyncio.to_thread(row_of, visit.studio.views, story.operation)
    events = [told_document(event, ours=ours) for event in story.events[:MOST_FACTS]]
    postings: list[Any] = []
    if ours and story.events:
        wanted = BookQuery(visit.account, operation=story.operation)
        first, last = story.events[0].position, story.events[-1].position
        page = await asyncio.to_thread(visit.studio.books.postings, wanted, first - 1, None, last)
        postings = postings_document(page, wanted)["postings"]
    return {"id": story.operation, "row": row, "events": events, "postings": postings, "zone": story.zone}


async def _live(visit: Visit) -> AsyncIterator[object]:
    log = visit.studio.log
    known = await operations_of(log.index, visit.account, visit.path["id"])
    return await until_ended(log, LogFilter(operations=tuple(one.operation for one in known)), log.reader.end())


async def _cancel(sent: FormSent) -> str:
    visit = sent.visit
    id = visit.path["id"]
    await visit.studio.operations.cancel(
        id, account=visit.account, by=visit.caller.holder.actor, reason=sent.text("reason")
    )
    return visit.link("operation", id=id)


async def _refund(sent: FormSent) -> str:
    """Give an amount of the charge back, or all that is left of it."""
    visit, id = sent.visit, sent.visit.path["id"]
    await visit.studio.upkeep.refund(
        id,
        account=visit.account,
        amount=sent.amount("amount", visit.gate.currency),
        reason=sent.needed("reason"),
        reference=sent.text("reference") or new_id(),
        by=visit.caller.holder.actor,
    )
    return visit.link("operation", id=id)


FILTERS: Final = (
    PageFilter(name="state", among=tuple(PHASES.values())),
    PageFilter(name="kind", among=tuple(KINDS)),
    PageFilter(name="family", among=tuple(map(str, Family))),
    PageFilter(name="flag", among=tuple(FLAGS)),
    PageFilter(name="model"),
    PageFilter(name="provider"),
    PageFilter(name="user"),
    PageFilter(name="project"),
    PageFilter(name="api_key"),
    PageFilter(name="batch"),
    PageFilter(name="tag"),
    PageFilter(name="at", kind="day"),
    PAST,
)

PAGES = (
    WebPage(
        name="operations",
        path="/operations",
        document=_list,
        reads=past_read,
        group="account",
        rows="operations",
        columns=COLUMNS,
        filters=FILTERS,
    ),
    WebPage(
        name="holds",
        path="/holds",
        document=_holds,
        reads=past_read,
        under="operations",
        rows="holds",
        columns=HELD,
        filters=(PAST,),
    ),
    WebPage(
        name="refusals",
        path="/refusals",
        document=_refusals,
        template="refusals.html",
        group="account",
        filters=(PageFilter(name="key"),),
    ),
    WebPage(
        name="operation",
        path="/operations/{id}",
        document=_one,
        template="operation.html",
        under="operations",
        parts={"postings": POSTINGS, "messages": MESSAGES},
        live=_live,
    ),
    WebPage(name="why", path="/operations/{id}/why", document=_why, template="why.html", under="operations"),
)
ACTIONS = (
    WebAction(name="cancel", path="/operations/{id}/cancel", do=_cancel, scope=KeyScope.OPERATE),
    WebAction(
        name="refund",
        path="/operations/{id}/refund",
        do=_refund,
        scope=KeyScope.ADMIN,
        meant=MeantFor.FOR_ACCOUNT,
    ),
)
