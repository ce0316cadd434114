"""Reports in the browser and by route: read, downloaded, and of nobody else."""

from __future__ import annotations

import pytest

from infrastructure.dashboard.responses import GUARDS
from tests.infrastructure.dashboard.visitors import visitor
from tests.infrastructure.gateway.gateways import Gateway


@pytest.fixture(scope="module")
def period(gateway: Gateway) -> str:
    gateway.run(gateway.studio.accounts.open("rivals", plan="pro"))
    for account in ("acme", "rivals"):
        work = gateway.studio.operations.generate("x", account=account, model="scripted-image", user=f"{account}-ann")
        gateway.run(work)
    return str(gateway.run(gateway.studio.statements.periods("acme"))[0].name)


def test_a_report_is_read_and_downloaded(gateway: Gateway, period: str) -> None:
    with visitor(gateway) as client:
        page = client.get("/reports").text
        assert f'href="/reports/{period}"' in page
        read = client.get(f"/reports/{period}")
        assert "acme-ann" in read.text
        assert "0.04 USD" in read.text
        assert "rivals" not in read.text
        assert "script-src" not in read.headers["content-security-policy"]
        assert read.headers["x-frame-options"] == GUARDS["x-frame-options"]
        pdf = client.get(f"/reports/{period}/pdf")
        assert pdf.headers["content-disposition"] == f'attachment; filename="acme-{period}.pdf"'
        assert pdf.content.startswith(b"%PDF-")
        assert client.get("/reports/2020-01").status_code == 404


def test_a_program_gets_the_same_by_route(gateway: Gateway, period: str) -> None:
    with gateway.client() as api:
        told = api.get(f"/v1/reports/{period}").json()
        total = api.get("/v1/usage", params={"group_by": "user"}).json()["total"][0]
        assert told["total"]["price"] == total["price"]
        assert [one["user"] for one in told["users"]] == ["acme-ann"]
        assert "svg" in api.get(f"/v1/reports/{period}?format=html").text
        assert api.get(f"/v1/reports/{period}?format=doc").status_code == 400
        assert api.get("/v1/reports/2020-01").status_code == 404
