"""Reports of billing periods, to be read here or handed on as PDF."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from infrastructure.dashboard.page import Document, TableColumn, Visit, WebFile, WebPage
from infrastructure.reports.usage import usage_report
from infrastructure.reports.writing import FORMATS, report_as
from infrastructure.showing.formats import iso

COLUMNS: Final = (
    TableColumn(name="name", kind="day"),
    TableColumn(name="start", kind="instant", wide=True),
    TableColumn(name="end", kind="instant"),
    TableColumn(name="over", kind="yes"),
    TableColumn(name="html", to="report", by="period"),
    TableColumn(name="pdf", to="report_pdf", by="period"),
)
ALONE: Final = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
}
"""A report is a page that is complete in itself, and runs nothing."""


async def _list(visit: Visit) -> Document:
    """The account's periods, the newest first; a report of one that is over never changes."""
    periods, now = await visit.studio.statements.periods(visit.account), visit.gate.clock()
    return {"reports": [_row(one, now) for one in periods[::-1]]}


def _row(one: Any, now: int) -> dict[str, Any]:
    ends = {"start": iso(one.period.start), "end": iso(one.period.end), "over": one.period.end <= now}
    return {"name": one.name, **ends, "html": one.name, "pdf": one.name}


async def _file(visit: Visit, request: Request, format: str) -> Response:  # noqa: ARG001
    account, which = visit.account, visit.path["period"]
    found = await usage_report(visit.studio, account, which, visit.gate.clock())
    content = await asyncio.to_thread(report_as, found, format, visit.gate.brand)
    how = "attachment" if format == "pdf" else "inline"
    headers = {"content-disposition": f'{how}; filename="{account}-{found.name}.{format}"', **ALONE}
    return Response(content, 200, headers, FORMATS[format][0])


async def _html(visit: Visit, request: Request) -> Response:
    return await _file(visit, request, "html")


async def _pdf(visit: Visit, request: Request) -> Response:
    return await _file(visit, request, "pdf")


PAGES = (WebPage(name="reports", path="/reports", document=_list, group="money", rows="reports", columns=COLUMNS),)
FILES = (
    WebFile(name="report", path="/reports/{period}", make=_html),
    WebFile(name="report_pdf", path="/reports/{period}/pdf", make=_pdf),
)
