"""The usual way: the same framework and client, a counter of each account that an ORM reads, checks and writes, and the
picture saved in a folder. It holds nothing, and loses what happens between its steps."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI, Request, Response
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.concurrency import run_in_threadpool

from benchmarks.gateway import passing

LIMIT = 10**9
COST = 10_000


class Base(DeclarativeBase):
    """Of the tables."""


class Used(Base):
    """What an account used."""

    __tablename__ = "used"
    account: Mapped[str] = mapped_column(primary_key=True)
    images: Mapped[int]
    spend: Mapped[int]


HOME = Path(os.environ.get("BENCH_HOME", "."))
ENGINE = create_engine(os.environ.get("BENCH_DATABASE", "sqlite://"))
Base.metadata.create_all(ENGINE)
with Session(ENGINE) as _session:
    _session.add(Used(account="Bearer x", images=0, spend=0))
    _session.commit()
app = FastAPI(lifespan=passing.app.router.lifespan_context)


def _check(account: str) -> None:
    with Session(ENGINE) as session:
        if session.get_one(Used, account).images >= LIMIT:
            raise RuntimeError("over the limit")


def _count(account: str, content: bytes) -> None:
    picture = base64.b64decode(content.split(b'"b64_json":"')[1].split(b'"')[0])
    (HOME / f"{uuid4().hex}.png").write_bytes(picture)
    with Session(ENGINE) as session:
        used = session.get_one(Used, account)
        used.images += 1
        used.spend += COST
        session.commit()


@app.post("/v1/images/generations")
async def generations(request: Request) -> Response:
    """Check, hand it on, save, count."""
    account = request.headers.get("authorization", "")
    await run_in_threadpool(_check, account)
    answer = await passing.generations(request)
    await run_in_threadpool(_count, account, bytes(answer.body))
    return answer
