"""Statements over HTTP and by the client: read by a customer, closed and issued by whoever runs the studio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.billing import UnknownStatement
from domain.errors import Forbidden
from imagestudio import Client, Money
from tests.application.studios import SYNC, studio_on
from tests.application.support import Clock
from tests.domain.wall_clocks import utc
from tests.infrastructure.gateway.gateways import Gateway, gateway_on

APRIL = utc("2026-04-10T12:00")
FOUR = "2026-04-01"


@pytest.fixture(scope="module")
def billed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A service whose account was used in a month that is over."""
    home = tmp_path_factory.mktemp("billed")
    (home / "ledger.db").write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{home / 'ledger.db'}"
    asyncio.run(in_april(url, home))
    with gateway_on(url, home) as gateway:
        yield gateway


async def in_april(url: str, home: Path) -> None:
    async with studio_on(url, home, clock=Clock(APRIL)) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.open("globex", plan="pro", prepaid=True)
        await studio.accounts.add_credit("globex", Money.parse("5", "USD"), "pay-1")
        for account in ("acme", "globex"):
            await studio.operations.generate("a lake", account=account, user="ann", model=SYNC)


def test_whoever_runs_the_studio_closes_and_issues_and_the_customer_reads(billed: Gateway) -> None:
    with billed.client(billed.administrator(), **{"x-imagestudio-account": "acme"}) as studio:
        refused = studio.post("/v1/statements", json={"period": FOUR})
        assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
        closed = studio.post(f"/v1/periods/{FOUR}/close", json={"reason": "month end"}).json()
        assert (closed["status"], closed["carried"]) == ("closed", 0)
        first = studio.post("/v1/statements", json={"period": FOUR}).json()
        assert studio.post("/v1/statements", json={"period": FOUR}).json() == first
        assert first["cost"]["partial"] is False
        voided = studio.post("/v1/statements/acme-0001/void", json={"reason": "a wrong name"}).json()
        again = studio.post("/v1/statements", json={"period": FOUR}).json()
        assert (voided["status"], again["number"], again["replaces"]) == ("voided", "acme-0002", "acme-0001")
    with billed.client() as customer:
        shown = customer.get(f"/v1/statements/{FOUR}").json()
        assert (shown["number"], shown["digest"], "cost" in shown) == ("acme-0002", first["digest"], False)
        assert shown["content"] == first["content"]
        assert [one["number"] for one in customer.get("/v1/statements").json()["statements"]] == [
            "acme-0001",
            "acme-0002",
        ]
        assert customer.get("/v1/statements/periods").json()["periods"][0]["statement"] == "acme-0002"
        for format, begins in {"pdf": b"%PDF", "csv": b"statement,", "html": b"<!doctype html>"}.items():
            answer = customer.get("/v1/statements/acme-0002", params={"format": format})
            assert answer.content.startswith(begins)
            assert format in answer.headers["content-type"]
        wrong = {
            "/v1/statements/acme-0009": (404, "unknown_statement"),
            "/v1/statements/2031-01": (404, "unknown_period"),
            "/v1/statements/acme-0001?format=docx": (400, "invalid_input"),
            "/v1/statements/preview?colour=red": (400, "invalid_input"),
        }
        for path, told in wrong.items():
            answer = customer.get(path)
            assert (answer.status_code, answer.json()["code"]) == told
        assert customer.post("/v1/statements", json={"period": FOUR}).status_code == 403


def test_a_client_does_the_same(billed: Gateway) -> None:
    with Client(billed.url, key=billed.administrator(), account="globex") as studio:
        bills = studio.statements
        draft = bills.preview()
        assert (draft["status"], draft["content"]["balance"]["closing"]) == ("draft", "4.96")
        given = bills.goodwill("globex", "0.01", reason="an outage", reference="g-1", period=FOUR)
        assert given == bills.goodwill("globex", "0.01", reason="an outage", reference="g-1", period=FOUR)
        assert bills.close("globex", FOUR)["name"] == FOUR
        issued = bills.issue("globex", FOUR)
        assert issued["content"] == draft["content"]
        assert bills.show(which="globex-0001") == issued
        assert bills.content(which="globex-0001").startswith(b"%PDF")
        assert bills.void("globex", "globex-0001", "a wrong name")["status"] == "voided"
        assert [one["status"] for one in bills.list()] == ["voided"]
        assert [one["status"] for one in bills.periods()] == ["closed", "open"]
        with pytest.raises(UnknownStatement):
            bills.show(which="globex-0007")
    with Client(billed.url, key=billed.secret) as customer, pytest.raises(Forbidden):
        customer.statements.close("acme", FOUR)
