"""The books over HTTP: balances and the postings behind them, for administrators alone, of their account."""

from __future__ import annotations

from imagestudio import Client
from tests.infrastructure.gateway.gateways import ADMIN, Gateway
from tests.infrastructure.gateway.test_native import done


def test_a_balance_leads_to_the_operation_and_its_assets(gateway: Gateway) -> None:
    first, second = done(gateway), done(gateway)
    with gateway.client(gateway.issue("acme", ADMIN)) as client:
        books = client.get("/v1/books").json()
        lines = {one["ledger_account"]: one for one in books["balances"]}
        [income] = [name for name in lines if name.startswith("income:")]
        page = client.get("/v1/books/postings", params={"ledger_account": income, "limit": 1}).json()
        rest = client.get("/v1/books/postings", params={"ledger_account": income, "after": page["next"]}).json()
    assert books["balanced"]
    assert books["total"][0]["debit"] == books["total"][0]["credit"]
    both = [*page["postings"], *rest["postings"]]
    assert len(page["postings"]) == 1
    assert {first["operation"], second["operation"]} <= {one["operation"] for one in both}
    assert sum(one["amount"]["micros"] for one in both) == lines[income]["credit"]["micros"]
    assert all(one["assets"] for one in both)
    assert books["position"] <= rest["position"]


def test_a_client_has_them_too_and_a_studios_key_those_of_all(gateway: Gateway) -> None:
    done(gateway)
    with Client(gateway.url, key=gateway.administrator()) as studio:
        whole, own = studio.views.books(), studio.views.books(account="acme")
        page = studio.views.postings(account="acme", ledger_account="receivable", limit=1)
        assert (whole["balanced"], own["balanced"]) == (True, True)
        assert {row["source"] for row in page.rows} == {"receivable"}
        assert studio.views.books(currency="EUR")["balances"] == []
        assert studio.views.costs().rows


def test_only_administrators_see_them_and_only_what_there_is(gateway: Gateway) -> None:
    with gateway.client() as client:
        assert client.get("/v1/books").status_code == client.get("/v1/books/postings").status_code == 403
    with gateway.client(gateway.issue("acme", ADMIN)) as client:
        wrong = [
            client.get(f"/v1/books{path}")
            for path in ("?colour=red", "/postings?ledger_account=cash", "/postings?after=x", "?at=noon")
        ]
    assert [(one.status_code, one.json()["code"]) for one in wrong] == [(400, "invalid_input")] * 4
