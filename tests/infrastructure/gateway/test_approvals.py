"""What a key may not spend by itself, over HTTP: refused with a quote, approved by another key, and then done once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from openai import APIStatusError

from domain.keys import KeyScope, KeyTerms
from domain.money import Money
from infrastructure.client.opening import Client
from tests.infrastructure.gateway.gateways import OPERATE, Gateway

DRAW: dict[str, Any] = {"kind": "text-to-image", "inputs": {"prompt": "a lake"}, "model": "scripted-image"}
AGENT = replace(OPERATE, approve_above=10_000)
PRICE = {"amount": "0.04", "currency": "USD", "micros": 40_000}


def ask(gateway: Gateway, secret: str, path: str, body: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
    with gateway.client(secret, prefer="wait=30", **headers) as client:
        answer = client.post(path, json=body)
    return answer.status_code, answer.json()


def approve(gateway: Gateway, quote: str) -> tuple[int, dict[str, Any]]:
    """By another key of the account."""
    admin = gateway.issue("acme", KeyTerms((KeyScope.ADMIN,)))
    return ask(gateway, admin, "/v1/approvals", {"quote": quote, "reason": "a campaign"})


def test_the_refusal_carries_the_quote_and_the_approved_request_goes_through_once(gateway: Gateway) -> None:
    agent = gateway.issue("acme", AGENT)
    status, refused = ask(gateway, agent, "/v1/operations", DRAW)
    approval = refused["approval"]
    assert (status, refused["code"], approval["price"]) == (403, "approval_needed", PRICE)
    assert approval["quote"] in refused["hint"]
    assert approval["left"]["images"] is not None
    named = {**DRAW, "quote": approval["quote"]}
    assert ask(gateway, agent, "/v1/operations", named)[1]["code"] == "approval_needed"
    assert ask(gateway, agent, "/v1/approvals", {"quote": approval["quote"]})[1]["code"] == "forbidden"

    status, given = approve(gateway, approval["quote"])
    assert (status, given["standing"], given["price"]) == (200, "approved", PRICE)
    (status, done), (_, again) = [ask(gateway, agent, "/v1/operations", named) for _ in range(2)]

    assert (status, done["price"], again["operation"]) == (200, PRICE, done["operation"])
    with gateway.client(agent) as client:
        shown = client.get(f"/v1/approvals/{approval['quote']}").json()
    assert (shown["standing"], shown["operation"]) == ("used", done["operation"])


def test_a_request_with_an_idempotency_key_goes_through_as_it_was_sent(gateway: Gateway) -> None:
    agent, key = gateway.issue("acme", AGENT), {"idempotency-key": "order-7"}
    _, refused = ask(gateway, agent, "/v1/operations", DRAW, **key)
    assert approve(gateway, refused["approval"]["quote"])[0] == 200
    (status, done), (_, again) = [ask(gateway, agent, "/v1/operations", DRAW, **key) for _ in range(2)]
    assert (status, again["operation"]) == (200, done["operation"])


def test_an_estimate_warns_and_its_own_quote_may_be_approved(gateway: Gateway) -> None:
    agent = gateway.issue("acme", AGENT)
    _, estimate = ask(gateway, agent, "/v1/estimates", DRAW)
    assert estimate["needs_approval"] is True
    _, refused = ask(gateway, agent, "/v1/operations", {**DRAW, "quote": estimate["quote"]})
    quote = refused["approval"]["quote"]
    approve(gateway, quote)
    status, done = ask(gateway, agent, "/v1/operations", {**DRAW, "quote": quote})
    assert (status, done["price"]) == (200, PRICE)


def test_an_openai_client_names_the_quote_in_a_header(gateway: Gateway) -> None:
    agent = replace(gateway, secret=gateway.issue("acme", AGENT)).openai()
    asked = {"model": "scripted-image", "prompt": "a lake"}
    with pytest.raises(APIStatusError) as refused:
        agent.images.generate(**asked)
    error: Any = refused.value
    assert (error.status_code, error.body["code"]) == (403, "approval_needed")
    quote = error.body["approval"]["quote"]
    approve(gateway, quote)
    answer = agent.images.generate(**asked, extra_headers={"x-imagestudio-quote": quote})
    assert answer.data[0].b64_json


def test_a_python_client_has_the_librarys_own_error_and_names_the_quote(gateway: Gateway) -> None:
    from domain.approvals import ApprovalNeeded

    with Client(gateway.url, key=gateway.issue("acme", AGENT)) as studio:
        with pytest.raises(ApprovalNeeded) as refused:
            studio.operations.generate("a lake", model="scripted-image")
        waiting = refused.value.waiting
        assert (waiting.price, waiting.above, waiting.known) == (40_000, 10_000, True)
        assert waiting.expires is not None
        approve(gateway, waiting.quote)
        done = studio.operations.generate("a lake", model="scripted-image", quote=waiting.quote)
    assert done.price == Money(40_000, "USD")


def test_bad_quotes_are_told_apart(gateway: Gateway) -> None:
    admin = gateway.administrator()
    status, problem = ask(gateway, admin, "/v1/approvals", {"quote": "quote_0"})
    assert (status, problem["code"]) == (404, "unknown_quote")
    status, problem = ask(gateway, gateway.secret, "/v1/operations", {**DRAW, "quote": "quote_0"})
    assert (status, problem["code"]) == (404, "unknown_quote")
    _, refused = ask(gateway, gateway.issue("acme", AGENT), "/v1/operations", DRAW)
    status, given = ask(gateway, admin, "/v1/approvals", {"quote": refused["approval"]["quote"]})
    assert (status, given["account"]) == (200, "acme")
