"""How the service is, for machines: alive, ready or not, and in numbers that tell nothing of an account."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from infrastructure.gateway.watching import STUCK, Readiness
from tests.application.studios import SYNC, database_of, studio_on
from tests.infrastructure.gateway.gateways import Gateway


def test_no_key_is_needed_to_ask_how_it_is(gateway: Gateway) -> None:
    with gateway.client("") as client:
        answers = [client.get(path) for path in ("/healthz", "/readyz", "/metrics")]
    assert [one.status_code for one in answers] == [200] * 3
    assert answers[1].json() == {"status": "ready", "lacks": [], "watch": {"verified": 0, "reading": 0, "problems": 0}}


def test_meters_count_requests_by_route_and_tell_of_no_account(gateway: Gateway) -> None:
    with gateway.client() as client:
        for id in ("one", "two"):
            client.get(f"/v1/operations/{id}")
        text = client.get("/metrics").text
    samples = {
        (sample.name, sample.labels.get("route"), sample.labels.get("status")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert samples["imagestudio_requests_total", "/v1/operations/{id}", "404"] == 2
    assert samples["imagestudio_log_position", None, None] >= gateway.studio.log.reader.end() - 1
    assert "acme" not in text


def test_the_routes_are_documented_without_asking_anybody_else(gateway: Gateway) -> None:
    with gateway.client("") as client:
        page = client.get("/docs").text
        files = re.findall(r'(?:src|href)="([^"]+)"', page)
        found = [client.get(file).status_code for file in files]
        document = client.get("/openapi.json").json()
    assert len(files) >= 3
    assert not [file for file in files if "//" in file]
    assert found == [200] * len(files)
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


async def test_it_is_not_ready_if_a_view_is_behind_and_does_not_move(sqlite_url: str, tmp_path: Path) -> None:
    now = 0.0
    async with studio_on(sqlite_url, tmp_path) as studio:  # nobody keeps its views up
        await studio.accounts.open("acme", plan="pro")
        await studio.operations.generate("a lake", account="acme", model=SYNC)
        readiness = Readiness(studio, lambda: now)
        assert await readiness.lacks() == []
        now = STUCK
        lacks = await readiness.lacks()
        assert lacks
        assert all("not moving" in lack for lack in lacks)
        studio.views.catch_up()
        assert await readiness.lacks() == []


async def test_it_is_not_ready_without_its_database(sqlite_url: str, tmp_path: Path) -> None:
    async with studio_on(sqlite_url, tmp_path) as studio:
        database_of(studio).close()
        Path(sqlite_url.removeprefix("sqlite:///")).rename(tmp_path / "away.db")
        lacks = await Readiness(studio).lacks()
        (tmp_path / "away.db").rename(sqlite_url.removeprefix("sqlite:///"))
    assert len(lacks) == 1
    assert lacks[0].startswith("database: ")
