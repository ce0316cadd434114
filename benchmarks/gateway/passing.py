"""The limit: the server and the client that ours has, handing on what comes, recording and saving nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response

from infrastructure.wire.client import open_client

UPSTREAM = os.environ.get("UPSTREAM", "")


@asynccontextmanager
async def _client(app: FastAPI) -> AsyncIterator[None]:
    async with open_client() as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=_client)


@app.post("/v1/images/generations")
async def generations(request: Request) -> Response:
    """Hand it on."""
    content = await request.body()
    headers = {"content-type": "application/json", "authorization": "Bearer sk-x"}
    answer = await request.app.state.client.post(f"{UPSTREAM}/v1/images/generations", content=content, headers=headers)
    return Response(answer.content, answer.status_code, media_type="application/json")
