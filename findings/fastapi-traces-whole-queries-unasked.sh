#!/usr/bin/env bash
# fastapi 0.165.0: once a process has a tracer, every application traces its requests without having been asked to, and a span has the whole
# query. Five names of signatures are left out (X-Amz-Signature, sig, …), all others are not: a link that is signed by `signature` or
# `token`, as most are, is in every collector. Starlette's own middleware (1.x) leaves out nothing.
#   url.query: signature=c2VjcmV0&token=dG9rZW4&sig=REDACTED
# Exits with 1 if no span is made, or the signature is not in it. `FastAPI(telemetry={"tracing": False, …})` switches it off.
set -euo pipefail
there=$(mktemp -d); trap 'rm -rf "$there"' EXIT; cd "$there"
python3 -m pip install --quiet --root-user-action=ignore --target wheels fastapi==0.165.0 opentelemetry-sdk==1.45.2 httpx==0.28.1
PYTHONPATH=wheels python3 - <<'PYTHON'
import asyncio
import sys

import httpx
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

kept, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(kept))
trace.set_tracer_provider(provider)
app = FastAPI()


@app.get("/file")
async def file() -> str:
    return "content"


async def ask() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://studio") as client:
        await client.get("/file", params={"signature": "c2VjcmV0", "token": "dG9rZW4", "sig": "c2ln"})


asyncio.run(ask())
told = [str(span.attributes["url.query"]) for span in kept.get_finished_spans() if "url.query" in span.attributes]
print(f"url.query: {', '.join(told)}")
sys.exit(0 if told and all("signature=c2VjcmV0&token=dG9rZW4" in one for one in told) else 1)
PYTHON
