"""What accounts are sold for, over HTTP: agreed by the studio's keys alone, told in prices, estimates and quotes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from imagestudio import Client
from tests.application.asking.test_sold import settings
from tests.application.performing.test_fallback import KIND
from tests.infrastructure.gateway.gateways import ADMIN, Gateway, gateway_on

WISH = {"kind": KIND, "model": "nickel", "inputs": {"prompt": "a lake"}}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    home = tmp_path_factory.mktemp("studio")
    with gateway_on(f"sqlite:///{home / 'ledger.db'}", home, **settings(home)) as running:
        running.run(running.studio.accounts.open("euro", plan="shop", currency="EUR"))
        yield running


def posted(gateway: Gateway, path: str, body: dict[str, Any], secret: str | None = None) -> Any:
    with gateway.client(secret) as client:
        return client.post(path, json=body)


def test_the_studios_keys_agree_prices_and_an_accounts_own_do_not(gateway: Gateway) -> None:
    studio, own = gateway.administrator(), gateway.issue("acme", ADMIN)

    agreed = posted(gateway, "/v1/accounts/acme/tariff", {"tariff": "partners", "reason": "as signed"}, studio)
    off = posted(gateway, "/v1/accounts/acme/discount", {"percent": "12.5", "until": "2099-01-01"}, studio)

    assert (agreed.status_code, agreed.json()["tariff"]) == (200, "partners")
    assert off.json()["discount"] == {"percent": "12.5", "from": None, "until": "2099-01-01T00:00:00Z"}
    for path, body in (("tariff", {"tariff": ""}), ("discount", {"percent": "100"})):
        assert posted(gateway, f"/v1/accounts/acme/{path}", body, own).status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tariff", {"tariff": "retial"}),
        ("discount", {"percent": "101"}),
        ("discount", {"percent": 5}),
        ("discount", {"percent": "5", "from": "2027-01-01", "until": "2026-01-01"}),
    ],
)
def test_what_cannot_be_agreed_is_told(gateway: Gateway, path: str, body: dict[str, Any]) -> None:
    answer = posted(gateway, f"/v1/accounts/acme/{path}", body, gateway.administrator())

    assert answer.status_code in (400, 422)
    assert answer.json()["code"]


def test_an_estimate_its_quote_and_the_operation_have_one_price_and_only_administrators_see_how(
    gateway: Gateway,
) -> None:
    customer, own = gateway.issue("euro"), gateway.issue("euro", ADMIN)

    estimate = posted(gateway, "/v1/estimates", WISH, customer).json()
    done = posted(gateway, "/v1/operations", {**WISH, "quote": estimate["quote"]}, customer).json()
    told = posted(gateway, "/v1/estimates", WISH, own).json()

    assert (estimate["price"]["amount"], estimate["price"]["currency"]) == ("0.09", "EUR")
    assert not {"sale", "listed", "cost"} & estimate.keys()
    assert (told["sale"]["tariff"], told["sale"]["rate"], told["listed"]["currency"]) == ("retail", "0.9", "USD")
    with gateway.client(customer, prefer="wait=30") as client:
        assert client.get(f"/v1/operations/{done['operation']}").json()["price"]["amount"] == "0.09"


def test_prices_say_what_an_account_pays(gateway: Gateway) -> None:
    with gateway.client(gateway.issue("euro")) as client:
        models = {one["id"]: one for one in client.get(f"/v1/prices?kind={KIND}").json()["models"]}

    assert models["nickel"]["sold"] == [
        {
            "kind": KIND,
            "unit": "image",
            "when": {},
            "price": {"micros": 90_000, "currency": "EUR", "amount": "0.09"},
        }
    ]


PENNY = 'currency = "USD"\n[[price]]\nmodel = "penny"\nrate = "0.02"\n'
SPAN = {"from": "2020-01-01", "to": "2100-01-01"}


def test_charges_are_priced_again_by_the_studios_keys_alone(gateway: Gateway) -> None:
    gateway.run(gateway.studio.accounts.open("buyer", plan="bare"))
    with gateway.client(gateway.issue("buyer"), prefer="wait=30") as client:
        assert client.post("/v1/operations", json={**WISH, "model": "penny"}).is_success
    body: dict[str, Any] = {**SPAN, "book": PENNY, "account": "buyer"}
    for path, one in (("reprice", body), ("simulate", SPAN)):
        assert posted(gateway, f"/v1/{path}", one, gateway.issue("buyer", ADMIN)).status_code == 403
    wrong: list[dict[str, Any]] = [{"book": "x ="}, {"to": "2019-01-01"}, {"dry_run": False}, {"rise": True}]
    for one in (*wrong, {"dry_run": "off", "reason": "x"}, {"dry_run": 0, "reason": "x"}):
        assert posted(gateway, "/v1/reprice", {**body, **one}, gateway.administrator()).status_code == 400
    for path in ("reprice", "simulate"):
        told = {**SPAN, **({"book": PENNY} if path == "reprice" else {})}
        assert posted(gateway, f"/v1/{path}", {**told, "account": "nobody"}, gateway.administrator()).status_code == 404
    for one in ({"tariff": "retial"}, {"routing": "dearest"}, {"plan": "none"}, {"plans": "x ="}):
        assert posted(gateway, "/v1/simulate", {**SPAN, **one}, gateway.administrator()).status_code in (400, 404)
    with Client(gateway.url, key=gateway.administrator()) as studio:
        asked = partial(studio.repricing.run, PENNY, SPAN["from"], SPAN["to"], account="buyer", reason="a wrong price")
        dry, kept, raised = asked(), asked(dry=False), asked(dry=False, rises=True)
        would = studio.simulations.run(SPAN["from"], SPAN["to"], account="buyer", book=PENNY, plan="bare")
    with Client(gateway.url, key=gateway.administrator(), account="acme") as acme:
        others = acme.repricing.run(PENNY, SPAN["from"], SPAN["to"]), acme.simulations.run(SPAN["from"], SPAN["to"])
        named = acme.repricing.run(PENNY, SPAN["from"], SPAN["to"], account="buyer")
    assert {line["account"] for one in others for line in one["lines"]} <= {"acme"}, "for which the client was made"
    assert {line["account"] for line in named["lines"]} == {"buyer"}
    assert [one["booked"] for one in (dry, kept, raised)] == [None, 1, 1]
    assert (dry["lines"][0]["raised"]["amount"], raised["not_covered"]) == ("0.01", 0)
    assert [one["would"]["price"]["amount"] for one in would["lines"]] == ["0.02"]
