"""`/v1/reports/{period}`: what an account made in a billing period, as JSON, HTML or PDF."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from infrastructure.gateway.callers import Reader
from infrastructure.gateway.gate import gate_of
from infrastructure.gateway.native.answering import json_of
from infrastructure.gateway.native.paging import check_parameters
from infrastructure.reports.usage import report_document, usage_report
from infrastructure.reports.writing import FORMATS, report_as

router = APIRouter(prefix="/v1/reports", tags=["Views"])
FORMAT: Final[dict[str, Any]] = {"name": "format", "in": "query", "schema": {"type": "string", "enum": [*FORMATS]}}


@router.get("/{period}", openapi_extra={"parameters": [FORMAT]})
async def get_report(request: Request, caller: Reader, period: str) -> Response:
    """Report a billing period by day, model, user and project; of one that is over it never changes."""
    check_parameters(request, ("format",))
    gate, format = gate_of(request), request.query_params.get("format", "json")
    found = await usage_report(gate.studio, caller.account, period, gate.clock())
    if format == "json":
        return json_of(report_document(found), caller)
    content = await asyncio.to_thread(report_as, found, format, gate.brand)
    return Response(content, 200, {"x-position": str(found.position)}, FORMATS[format][0])
