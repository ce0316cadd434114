"""Providers' invoices over HTTP and by the client: for whoever runs the studio, and nobody else."""

from __future__ import annotations

from functools import partial

import pytest

from domain.invoices import InvoiceExists, UnknownInvoice
from imagestudio import Client
from infrastructure.clock import now
from infrastructure.showing.formats import iso
from tests.infrastructure.gateway.gateways import Gateway

MONTH = iso(now())[:7]
LINES = [{"name": "Pictures", "model": "scripted-image", "quantity": "3", "amount": "0.15"}]
ASKED = {"number": "I-1", "month": MONTH, "amount": {"amount": "0.15", "currency": "USD"}, "lines": LINES}


def test_an_invoice_is_recorded_compared_and_voided_by_whoever_runs_the_studio(gateway: Gateway) -> None:
    path = "/v1/providers/scripted"
    with gateway.client(gateway.administrator()) as studio:
        assert studio.get(f"{path}/invoices").json()["code"] == "unknown_invoice"
        first = studio.post(f"{path}/invoices", json=ASKED).json()
        assert (first["new"], first["month"]["invoiced"]["micros"]) == (True, 150_000)
        assert studio.post(f"{path}/invoices", json=ASKED).json()["new"] is False
        other = studio.post(
            f"{path}/invoices", json={**ASKED, "amount": {"amount": "1", "currency": "USD"}, "lines": []}
        )
        assert (other.status_code, other.json()["code"]) == (409, "invoice_exists")
        for change in ({"month": "May"}, {"lines": [{"amount": "0.15"}]}, {"lines": [{**LINES[0], "amount": "0.1"}]}):
            wrong = studio.post(f"{path}/invoices", json={**ASKED, "number": "I-2", **change})
            assert wrong.status_code == 400, wrong.text
        month = studio.get(f"{path}/months/{MONTH}").json()
        assert (month["invoices"], month["models"][0]["model"]) == (["I-1"], "scripted-image")
        assert studio.post(f"{path}/months/{MONTH}/settle", json={"reason": "ok"}).json()["left"]["micros"] == 0
        assert [one["month"] for one in studio.get(f"{path}/months").json()["months"]] == [MONTH]
        assert studio.post(f"{path}/invoices/I-1/void", json={"reason": "a slip"}).json()["voided"]
    with gateway.client() as customer:
        assert customer.get(f"{path}/invoices").status_code == 403
        assert customer.post(f"{path}/invoices", json=ASKED).status_code == 403
        assert customer.get("/v1/alerts/drift").status_code == 403


def test_the_client_has_the_same(gateway: Gateway) -> None:
    with Client(gateway.url, key=gateway.administrator()) as studio:
        record = partial(studio.invoices.record, "atelier", "A-1", month=MONTH, currency="USD")
        recorded = record(amount="0.10")
        assert (recorded["new"], recorded["month"]["covered_percent"]) == (True, "0")
        with pytest.raises(InvoiceExists):
            record(amount="0.20")
        assert studio.invoices.compare("atelier", MONTH)["delta"]["micros"] == 100_000
        assert studio.invoices.settle("atelier", MONTH, "ok")["booked_difference"]["micros"] == 100_000
        assert (studio.invoices.zone("atelier"), len(studio.invoices.months("atelier"))) == ("UTC", 1)
        assert studio.invoices.void("atelier", "A-1", "a slip")["voided"]
        assert [one["number"] for one in studio.invoices.list("atelier")] == ["A-1"]
        [drift] = studio.invoices.drifts("atelier")
        assert (drift["invoice"], drift["delta"]["amount"], drift["computed"]["micros"]) == ("A-1", "0.10", 0)
        assert drift["proposal"] == {"models": [], "notes": [], "overlay": None}
        assert {one["provider"] for one in studio.invoices.drifts()} >= {"atelier"}
        for ask in (studio.invoices.list, studio.invoices.drifts):
            with pytest.raises(UnknownInvoice):
                ask("nobody")
