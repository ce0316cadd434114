"""The bills of an account: periods and statements; every number of a statement leads to what is behind it."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from domain.keys import KeyScope
from infrastructure.clock import new_id
from infrastructure.dashboard.page import (
    Document,
    FormSent,
    MeantFor,
    PageFilter,
    Reading,
    TableColumn,
    Visit,
    WebFile,
    WebPage,
    studios_action,
)
from infrastructure.dashboard.pages.rows import position_in
from infrastructure.documents.drawing import FORMATS, Letterhead, written_as
from infrastructure.showing.formats import iso
from infrastructure.showing.statements import periods_document, statement_document, statements_document

PERIODS: Final = (
    TableColumn(name="name", kind="day", to="statement", by="which"),
    TableColumn(name="start", kind="instant", wide=True),
    TableColumn(name="end", kind="instant", wide=True),
    TableColumn(name="status", kind="state"),
    TableColumn(name="carried", kind="count", wide=True),
    TableColumn(name="statement", to="statement", by="which"),
)
COLUMNS: Final = (
    TableColumn(name="number", to="statement", by="which"),
    TableColumn(name="status", kind="state"),
    TableColumn(name="period", kind="day"),
    TableColumn(name="issued", kind="instant"),
    TableColumn(name="total", kind="amount"),
    TableColumn(name="currency", wide=True),
    TableColumn(name="replaces", to="statement", by="which", wide=True),
    TableColumn(name="voided_by", wide=True),
    TableColumn(name="reason", wide=True),
)
CREDITS: Final = (
    TableColumn(name="at", kind="instant"),
    TableColumn(name="key"),
    TableColumn(name="reason"),
    TableColumn(name="amount", kind="amount"),
)
SUBSCRIPTION: Final = (
    TableColumn(name="plan"),
    TableColumn(name="from", kind="day"),
    TableColumn(name="to", kind="day"),
    TableColumn(name="amount", kind="amount"),
    TableColumn(name="rounded", kind="amount"),
)
GRANTS: Final = (
    TableColumn(name="grant"),
    TableColumn(name="source"),
    TableColumn(name="expires", kind="until"),
    TableColumn(name="given", kind="amount"),
    TableColumn(name="used", kind="amount"),
    TableColumn(name="lapsed", kind="amount", wide=True),
    TableColumn(name="revoked", kind="amount", wide=True),
    TableColumn(name="ended", kind="state"),
    TableColumn(name="revoked_at", kind="day", wide=True),
    TableColumn(name="reason", wide=True),
    TableColumn(name="rounded", kind="amount"),
)
ALLOWANCES: Final = (
    TableColumn(name="measure", kind="measure"),
    TableColumn(name="used", kind="amount"),
    TableColumn(name="limit", kind="amount"),
)


async def _list(visit: Visit) -> Document:
    """The documents of `/v1/statements` and `/v1/statements/periods`, the newest first."""
    statements = visit.studio.statements
    issued = statements_document(await statements.list(visit.account))["statements"]
    periods = periods_document(await statements.periods(visit.account))["periods"]
    return {"statements": issued[::-1], "periods": periods[::-1]}


async def _one(visit: Visit) -> Document:
    """The document of `/v1/statements/{number or period}`, and when its period begins, for links to what is in it.

    A page of it shows so many lines, after as many as the address says.
    """
    position_in(visit.after)
    found = await visit.studio.statements.show(visit.account, visit.path["which"])
    return {**statement_document(found), "at": iso(found.statement.period.start)}


async def _reads(visit: Visit) -> Reading:
    """The facts of the period that this process has not added up yet."""
    missing, read = await visit.studio.statements.unread(visit.account, visit.path.get("which") or visit.path["period"])
    return Reading(missing, read)


async def _closing(visit: Visit) -> Document:
    """A period before it is closed: its statement as things stand, and what keeps it open."""
    statements, name = visit.studio.statements, visit.path["period"]
    found = await statements.show(visit.account, name)
    rows = periods_document(await statements.periods(visit.account))["periods"]
    earlier = [
        one["name"] for one in rows if one["status"] == "open" and one["start"] < iso(found.statement.period.start)
    ]
    over = found.statement.period.end <= visit.gate.clock()
    this = next(one for one in rows if one["name"] == found.content["period"]["name"])
    return {**statement_document(found), "period": this, "over": over, "earlier": earlier}


async def _file(visit: Visit, request: Request) -> Response:  # noqa: ARG001
    """The statement as it is handed on."""
    format = visit.params.get("format", "pdf")
    one = await visit.studio.statements.show(visit.account, visit.path["which"])
    content = await asyncio.to_thread(written_as, one, format, Letterhead())
    name = one.number or f"{visit.account}-{visit.path['which']}"
    headers = {"content-disposition": f'attachment; filename="{name}.{format}"', "digest": f"sha-256={one.digest}"}
    return Response(content, 200, headers, FORMATS[format][0])


async def _close(sent: FormSent) -> str:
    visit, period = sent.visit, sent.visit.path["period"]
    by, reason = visit.caller.holder.actor, sent.text("reason")
    carry, statements = sent.text("carry") == "yes", visit.studio.statements
    await statements.close(visit.account, period, carry=carry, by=by, reason=reason)
    if sent.text("issue") != "yes":
        return visit.link("statement", which=period)
    issued = await statements.issue(visit.account, period, by=by, reason=reason)
    return visit.link("statement", which=issued.number)


async def _issue(sent: FormSent) -> str:
    visit, period = sent.visit, sent.visit.path["period"]
    by, reason = visit.caller.holder.actor, sent.text("reason")
    issued = await visit.studio.statements.issue(visit.account, period, by=by, reason=reason)
    return visit.link("statement", which=issued.number)


async def _void(sent: FormSent) -> str:
    visit, number = sent.visit, sent.visit.path["number"]
    by = visit.caller.holder.actor
    await visit.studio.statements.void(visit.account, number, sent.needed("reason"), by=by)
    return visit.link("statement", which=number)


async def _goodwill(sent: FormSent) -> str:
    visit, period = sent.visit, sent.visit.path["period"]
    await visit.studio.statements.goodwill(
        visit.account,
        sent.needed_amount("amount", visit.gate.currency),
        period=period,
        reason=sent.needed("reason"),
        reference=sent.text("reference") or new_id(),
        by=visit.caller.holder.actor,
    )
    return visit.link("statements")


PAGES = (
    WebPage(
        name="statements",
        path="/statements",
        document=_list,
        template="statements.html",
        group="money",
        rows="statements",
        columns=COLUMNS,
        parts={"periods": PERIODS},
    ),
    WebPage(
        name="statement",
        path="/statements/{which}",
        document=_one,
        template="statement.html",
        reads=_reads,
        under="statements",
        parts={"credits": CREDITS, "allowances": ALLOWANCES, "subscription": SUBSCRIPTION, "grants": GRANTS},
    ),
    WebPage(
        name="closing",
        path="/periods/{period}/closing",
        document=_closing,
        template="closing.html",
        reads=_reads,
        scope=KeyScope.ADMIN,
        meant=MeantFor.FOR_ACCOUNT,
        under="statements",
    ),
)
FILES = (
    WebFile(
        name="statement_file",
        path="/statements/{which}/file",
        make=_file,
        filters=(PageFilter(name="format", among=tuple(FORMATS)),),
    ),
)


ACTIONS = (
    studios_action("close_period", "/periods/{period}/close", _close),
    studios_action("issue_statement", "/periods/{period}/issue", _issue),
    studios_action("void_statement", "/statements/{number}/void", _void),
    studios_action("goodwill", "/periods/{period}/goodwill", _goodwill),
)
