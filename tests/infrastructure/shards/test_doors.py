"""The service over shards: no route and no page says that it is of one ledger, and answers tell their positions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from domain.keys import STUDIO, KeyScope, KeyTerms
from infrastructure.bootstrap import open_studio
from infrastructure.cli.worker import at_work
from infrastructure.dashboard.pages import PAGES
from infrastructure.gateway import serving
from infrastructure.settings import Settings
from tests.infrastructure.dashboard.visitors import logged_in
from tests.infrastructure.shards.conftest import ACCOUNTS
from tests.infrastructure.shards.test_moving import asking
from tests.wire.loops import in_thread, listener

Served = tuple[str, str, dict[str, str]]


@pytest.fixture
def served(settings: Settings) -> Iterator[Served]:
    """The address of a service over two shards, a key of the studio's own, and what may stand in addresses."""
    socket = listener()
    made: list[Served] = []

    @asynccontextmanager
    async def work() -> AsyncIterator[None]:
        async with open_studio(settings) as studio:
            for account in ACCOUNTS:
                await studio.accounts.open(account, plan="pro")
                operation = (await studio.operations.run(asking("key", account))).operation
            secret = (await studio.keys.issue(STUDIO, KeyTerms((KeyScope.ADMIN,)), reason="test")).secret
            server = serving.server(studio, settings)
            running = asyncio.create_task(server.serve([socket]))
            told = {"operation": operation, "account": account, "provider": "scripted", "month": "2026-11"}
            made.append((f"http://127.0.0.1:{socket.getsockname()[1]}", secret, told))
            async with at_work(studio, 4, 5, asyncio.Event()):
                yield
                server.stop()
                await running

    with in_thread(work):
        yield made[0]


def filled(pattern: str, told: dict[str, str]) -> str:
    """An address of something that is there, as far as its pattern says what it is of."""
    ids = {"id": told["operation" if "operations" in pattern else "account"], "period": "2026-11-01"}
    names = dict.fromkeys(re.findall(r"{(\w+)}", pattern), "x")
    return pattern.format_map({**names, **ids, **told})


def test_no_route_and_no_page_is_of_one_ledger(served: Served) -> None:
    url, secret, told = served
    refused = list[Any]()
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {secret}"}, timeout=60) as client:
        for pattern, methods in client.get("/openapi.json").json()["paths"].items():
            for query in ("", f"?account={told['account']}") if "get" in methods else ():
                answer = client.get(filled(pattern, told) + query)
                if answer.status_code >= 500 or "one ledger" in answer.text:
                    refused.append((pattern, answer.status_code, answer.text))
        assert {*client.get("/v1/costs").json()["positions"]} == {"a", "b"}
        sums = client.get("/v1/usage?group_by=account&format=csv")
        assert re.fullmatch(r"a:\d+,b:\d+", sums.headers["x-position"])
        postings = client.get("/v1/books/postings?limit=1").json()
        assert client.get(f"/v1/books/postings?after={postings['next']}").json()["postings"]
        assert {*client.post("/v1/seals").json()["shards"]} == {"a", "b"}
    with httpx.Client(base_url=url, timeout=60) as client:
        assert logged_in(client, secret).status_code == 303
        for page in PAGES:
            answer = client.get(filled(page.path, told))
            if answer.status_code >= 500 or "one ledger" in answer.text:
                refused.append((page.name, answer.status_code))
        where = client.get("/studio.json").json()
        assert (where["position"], {*where["positions"]}) == (sum(where["positions"].values()), {"a", "b"})
    assert not refused
