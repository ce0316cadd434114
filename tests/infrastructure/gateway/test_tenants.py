"""No account sees or touches anything of another's: every route of the OpenAPI document, asked by a stranger.

Each address is filled with the ids of the owner's things. What comes back must hold none of the owner's words, and
afterwards the owner's facts are what they were.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from application.ledger.reader import LogFilter
from domain.alerting import AlertTerms
from infrastructure.gateway.door import ACCOUNT
from tests.infrastructure.gateway.gateways import ADMIN, OPERATE, Gateway

PROMPT = "the owners secret wish"
OWNER = "owner-of-things"
ADDRESS = "https://owners.example/hooks"
BODIES: dict[str, Any] = {
    "/v1/operations": {"kind": "text-to-image", "inputs": {"prompt": "mine"}, "model": "scripted-image"},
    "/v1/estimates": {"kind": "text-to-image", "inputs": {"prompt": "mine"}, "model": "scripted-image"},
    "/v1/images/generations": {"prompt": "mine", "model": "scripted-image"},
    "/v1/webhooks": {"url": "https://mine.example/hooks"},
    "/v1/webhooks/{id}": {"url": "https://mine.example/hooks"},
    "/v1/webhooks/{id}/replay": {"dead": True},
}


@pytest.fixture(scope="module")
def things(gateway: Gateway) -> dict[str, list[str]]:
    """The ids of an owner's things, by the parameter of an address that may name one."""
    gateway.run(gateway.studio.accounts.open(OWNER, plan="pro"))
    secret = gateway.issue(OWNER)
    with gateway.client(secret, prefer="wait=30") as client:
        drawn = {"kind": "text-to-image", "inputs": {"prompt": PROMPT}, "model": "scripted-image"}
        operation = client.post("/v1/operations", json=drawn).json()
        filmed = {"kind": "text-to-video", "inputs": {"prompt": PROMPT}, "model": "wan-2.6-t2v"}
        film = client.post("/v1/operations", json=filmed).json()["operation"]
    asset = operation["operations"][0]["outputs"][0]["asset"]
    key = gateway.run(gateway.studio.keys.list(OWNER))[0].id
    alert = gateway.run(gateway.studio.alerts.set(OWNER, AlertTerms(shares=(80,)))).alert.id
    hook = gateway.run(gateway.studio.webhooks.add(OWNER, ADDRESS)).webhook.id
    ids = [operation["operation"], film, asset, key, hook, alert, OWNER]
    agent = gateway.issue(OWNER, replace(OPERATE, approve_above=0))
    with gateway.client(agent) as client:
        quote = client.post("/v1/operations", json=drawn).json()["approval"]["quote"]
    ids.append(quote)
    period = gateway.run(gateway.studio.statements.periods(OWNER))[0].name
    bills = {"which": [f"{OWNER}-0001"], "number": [f"{OWNER}-0001"], "period": [period]}
    told = {"provider": ["wavespeed"], "mac": ["0" * 32], "step": ["close"], "month": ["2026-10"], **bills}
    return {"id": ids, "operation": ids, "key": [key], "quote": [quote], **told}


def addresses(gateway: Gateway, things: dict[str, list[str]]) -> Iterator[tuple[str, str, str]]:
    """Each method, pattern and address of the document."""
    with gateway.client() as client:
        paths = client.get("/openapi.json").json()["paths"]
    for pattern, methods in paths.items():
        names = re.findall(r"{(\w+)}", pattern)
        for method in methods:
            for place in range(max([len(things[name]) for name in names], default=1)):
                filled = {name: things[name][place % len(things[name])] for name in names}
                yield method.upper(), pattern, pattern.format_map(filled)


def facts(gateway: Gateway) -> list[Any]:
    return [entry.link.state for entry in gateway.studio.log.reader.read(0, 10_000, LogFilter(account=OWNER))]


@pytest.mark.parametrize("named", [False, True], ids=["own account", "naming the owner's"])
def test_a_stranger_gets_and_changes_nothing_of_the_owners(
    gateway: Gateway, things: dict[str, list[str]], named: bool
) -> None:
    before, tried = facts(gateway), 0
    # An address or a header that names a thing may be told back as it was said.
    hidden = [PROMPT, OWNER, ADDRESS, *(id for id in things["id"] if id != OWNER)]
    headers = {ACCOUNT: OWNER} if named else {}
    with gateway.client(gateway.issue("acme", ADMIN), **headers) as client:
        for method, pattern, address in addresses(gateway, things):
            body = BODIES.get(pattern, {}) if method in ("POST", "PATCH") else None
            answer: httpx.Response = client.request(method, address, json=body)
            tried += 1
            assert answer.status_code < 500, (method, address, answer.text)
            said = (address, *headers.values())
            own_words = [word for word in hidden if not any(word in one for one in said)]
            assert not [word for word in own_words if word in answer.text], (method, address, answer.text)
            if pattern == "/v1/reports/{period}" and not named:
                assert answer.json()["account"] == "acme", "its own period has the same name"
            elif "{" in pattern and "models" not in pattern and "callbacks" not in pattern:
                assert answer.status_code >= 400, (method, address, answer.text)
    assert tried > 20
    assert facts(gateway) == before


def test_without_a_key_nothing_but_health_answers(gateway: Gateway, things: dict[str, list[str]]) -> None:
    open_to_all = {"/healthz", "/readyz", "/metrics"}
    with gateway.client("") as client:
        for method, pattern, address in addresses(gateway, things):
            answer = client.request(method, address, json={} if method == "POST" else None)
            if pattern not in open_to_all:
                told = (method, address, answer.text)
                assert answer.status_code == 401, told


def test_an_account_that_is_none_has_no_sums_whoever_asks(gateway: Gateway) -> None:
    told = {"x-imagestudio-account": "nobody"}
    with gateway.client(gateway.administrator(), **told) as client:
        paths = client.get("/openapi.json").json()["paths"]
        asked = [path for path, one in paths.items() if "get" in one and path.startswith("/v1/") and "{" not in path]
        answers = {path: client.get(path).status_code for path in asked}
    assert answers
    assert {path: status for path, status in answers.items() if status not in (400, 403, 404)} == {}
