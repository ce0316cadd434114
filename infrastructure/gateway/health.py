"""For whatever starts the service again, sends it requests, or draws its curves.

    /healthz   the process answers
    /readyz    the database answers, and every view moves: send requests; and how far the log was verified
    /metrics   counts and times, as Prometheus reads them

None needs a key.
"""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from infrastructure.gateway.describing import answers
from infrastructure.gateway.gate import gate_of

router = APIRouter(tags=["Health"])
ROUTES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""They are asked every few seconds, which nobody wants to read."""


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Whether the process answers."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(request: Request) -> JSONResponse:
    """Whether requests may be sent here; if not, why. How far a broker is told is no reason against it."""
    readiness = gate_of(request).readiness
    lacks, relays = await readiness.lacks(), await readiness.relays()
    more = {"watch": await readiness.watched(), **({"relays": relays} if relays else {})}
    told = {"status": "not ready" if lacks else "ready", "lacks": lacks, **more}
    return JSONResponse(told, 503 if lacks else 200)


@router.get("/metrics", openapi_extra=answers({"type": "string"}, type="text/plain"))
async def metrics(request: Request) -> Response:
    """All meters, in Prometheus' text."""
    content = await asyncio.to_thread(generate_latest, gate_of(request).meters.registry)
    return Response(content, media_type=CONTENT_TYPE_LATEST)
