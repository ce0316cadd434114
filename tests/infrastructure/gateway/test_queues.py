"""The queue at its route: all of it for the studio's own keys, and of an account its own lines alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from application.asking.requests import Request
from domain.keys import STUDIO, KeyScope, KeyTerms
from imagestudio import Client
from infrastructure.gateway import serving
from infrastructure.service import Studio
from tests.application.studios import JOBS, settings_for, studio_on
from tests.infrastructure.gateway.gateways import Gateway

READ, STUDIOS = KeyTerms((KeyScope.READ,)), KeyTerms((KeyScope.ADMIN,))


async def queued(studio: Studio, account: str, count: int) -> None:
    await studio.accounts.open(account, plan="pro")
    for place in range(count):
        wish = Request("text-to-image", account, {"prompt": f"wish {place}"}, model=JOBS)
        await studio.operations.submit(wish, queued=True)


async def test_each_key_sees_what_waits_for_its_account(database_url: str, tmp_path: Path) -> None:
    async with studio_on(database_url, tmp_path) as studio:
        await queued(studio, "acme", 2)
        await queued(studio, "globex", 1)
        app: Any = serving.server(studio, settings_for(database_url, tmp_path)).config.app
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:

            async def told(account: str, terms: KeyTerms, **headers: str) -> httpx.Response:
                secret = (await studio.keys.issue(account, terms)).secret
                return await client.get("/v1/queues", headers={"authorization": f"Bearer {secret}", **headers})

            own = (await told("acme", READ)).json()
            assert own == (await told(STUDIO, STUDIOS, **{"x-imagestudio-account": "acme"})).json()
            assert (own["waiting"], own["running"]) == (2, 0)
            (line,) = own["lines"]
            assert (line["account"], line["waiting"], line["waiting_since"]) == ("acme", 2, own["waiting_since"])
            assert own.keys() == {"waiting", "waiting_since", "running", "lines"}
            every = (await told(STUDIO, STUDIOS)).json()
            assert [(one["account"], one["waiting"]) for one in every["lines"]] == [("acme", 2), ("globex", 1)]
            assert (every["waiting"], [one["waiting"] for one in every["queues"]]) == (3, [3])
            assert (await told("acme", READ, **{"x-imagestudio-account": "globex"})).status_code == 404


def test_a_client_tells_the_queue_as_the_library_does(gateway: Gateway) -> None:
    wish = Request("text-to-image", "acme", {"prompt": "a lake", "outcome": "never"}, model=JOBS)
    begun = gateway.run(gateway.studio.operations.submit(wish))
    with Client(gateway.url, key=gateway.administrator()) as client:
        found, own = client.queues.standing(), client.queues.standing("acme")
    ours = gateway.studio.queues.standing()  # the service has brought the views up
    assert (found.providers, found.lines) == (ours.providers, ours.lines)
    assert [(one.owner, one.operations) for one in found.processes] == [
        (one.owner, one.operations) for one in ours.processes
    ]
    assert own == gateway.studio.queues.standing("acme")
    (line,) = own.lines
    assert (line.waiting, line.running, found.running) == (0, 1, 1), begun
