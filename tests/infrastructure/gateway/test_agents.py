"""Agents at `/mcp` of the gateway, by the official client: tenants, limits, approval, callers that go away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError

from domain.keys import KeyScope, KeyTerms
from tests import patience
from tests.infrastructure.agents.sessions import AUTO, LEGACY, PICTURE, call, hears, over_http, refused, says
from tests.infrastructure.gateway.gateways import OPERATE, Gateway

AGENT = replace(OPERATE, approve_above=50_000)
ADMIN = KeyTerms((KeyScope.ADMIN,))
READ = KeyTerms((KeyScope.READ,))


def acted(work: Coroutine[Any, Any, None]) -> None:
    """Run a session to its end, in a loop apart from the gateway's."""
    asyncio.run(asyncio.wait_for(work, patience.SECONDS))


@pytest.mark.parametrize("mode", [AUTO, LEGACY])
def test_a_picture_has_an_address_for_a_while_and_its_facts_name_the_key(gateway: Gateway, mode: str) -> None:
    secret = gateway.issue("acme")

    async def session() -> None:
        async with over_http(gateway.url, secret, mode=mode) as client:
            made = await call(client, "generate", **PICTURE)
            output = made["outputs"][0]
            with gateway.client("") as anybody:
                assert len(anybody.get(output["url"]).content) == output["size"]
            assert {"cost", "path"}.isdisjoint({*made, *output})
            with gateway.client(secret) as reader:
                events = reader.get(f"/v1/operations/{made['operation']}/events").json()["events"]
                keys = {one["data"]["operation"]["api_key"] for one in events}
            assert events[0]["actor"] == f"key:{keys.pop()}"

    acted(session())


def test_a_stranger_finds_nothing_of_anothers(gateway: Gateway) -> None:
    gateway.run(gateway.studio.accounts.open("stranger", plan="pro"))
    owner, stranger = gateway.issue("acme", AGENT), gateway.issue("stranger", replace(ADMIN, scopes=(*KeyScope,)))

    async def session() -> None:
        async with over_http(gateway.url, owner) as client:
            made = await call(client, "generate", **PICTURE)
            quote = (await refused(client, "generate", **PICTURE, n=2))["approval"]["quote"]
        uri, asset = made["outputs"][0]["uri"], f"asset:{made['outputs'][0]['asset']}"
        async with over_http(gateway.url, stranger) as client:
            for tool, arguments, code in (
                ("operation", {"operation": made["operation"]}, "unknown_operation"),
                ("cancel", {"operation": made["operation"]}, "unknown_operation"),
                ("approve", {"quote": quote}, "unknown_quote"),
                ("edit", {"image": asset, "prompt": "mine", "model": "scripted-edit"}, "unknown_asset"),
            ):
                assert (await refused(client, tool, **arguments))["code"] == code, tool
            assert not (await call(client, "operations"))["operations"]
            assert not (await call(client, "assets"))["assets"]
            assert not (await client.list_resources()).resources
            with pytest.raises(MCPError, match="no asset"):
                await client.read_resource(uri)

    acted(session())


def test_a_limit_refuses_with_its_figures_and_bad_input_names_its_field(gateway: Gateway) -> None:
    secret = gateway.issue("acme", limits={"spend": 50_000})

    async def session() -> None:
        async with over_http(gateway.url, secret) as client:
            error = await refused(client, "generate", **PICTURE, n=2)
            assert (error["code"], error["refusal"]["measure"]) == ("refused", "spend")
            assert (error["refusal"]["left"]["amount"], error["refusal"]["asked"]["amount"]) == ("0.05", "0.08")
            for tool, arguments, field in (
                ("generate", {"prompt": ""}, "prompt"),
                ("generate", {**PICTURE, "wait": 10_000}, "wait"),
                ("generate", {**PICTURE, "colour": "red"}, "colour"),
                ("run", {"kind": "text-to-image", "inputs": {"prompt": [1]}}, "inputs.prompt"),
                ("edit", {"image": "data:image/png;base64,!", "prompt": "x"}, "image"),
                ("generate", {**PICTURE, "quote": "a.b"}, "quote"),
            ):
                assert (await refused(client, tool, **arguments))["field"] == field, arguments
            for tool, arguments, code in (
                ("run", {"kind": "to-gold"}, "unknown_kind"),
                ("generate", {**PICTURE, "model": "nobody"}, "unknown_model"),
                ("generate", {**PICTURE, "quote": "quote_0"}, "unknown_quote"),
                ("operation", {"operation": "nothing"}, "unknown_operation"),
            ):
                found = await refused(client, tool, **arguments)
                assert (found["code"], "imagestudio " in found["hint"]) == (code, False), tool
            with pytest.raises(MCPError, match="there is no tool"):
                await client.call_tool("overspend", {})

    acted(session())


def test_a_person_approves_by_a_key_of_their_own_and_the_same_call_goes_through_once(gateway: Gateway) -> None:
    agent, person = gateway.issue("acme", AGENT), gateway.issue("acme", ADMIN)
    asked = {**PICTURE, "n": 2}

    async def session() -> None:
        async with over_http(gateway.url, agent) as client, over_http(gateway.url, person) as desk:
            assert "approve" not in [one.name for one in (await client.list_tools()).tools]
            assert "generate" not in [one.name for one in (await desk.list_tools()).tools]
            error = await refused(client, "generate", **asked)
            quote = error["approval"]["quote"]
            assert (error["code"], quote in error["hint"]) == ("approval_needed", True)
            for _ in range(2):
                assert (await refused(client, "approve", quote=quote))["code"] == "forbidden"
            assert (await call(desk, "approve", quote=quote, reason="a campaign"))["standing"] == "approved"
            first, again = [await call(client, "generate", **asked, quote=quote) for _ in range(2)]
            assert (first["price"]["amount"], again["operation"], again["repeated"]) == (
                "0.08",
                first["operation"],
                True,
            )
            error = await refused(client, "generate", **{**asked, "prompt": "a sea"}, quote=quote)
            assert (error["code"], error["field"]) == ("invalid_input", "quote")

    acted(session())


def test_a_newer_client_asks_its_person_if_the_key_lets_it_and_an_older_one_has_no_way_to(gateway: Gateway) -> None:
    lets, keeps = gateway.issue("acme", replace(AGENT, approve_in_client=True)), gateway.issue("acme", AGENT)
    questions: list[str] = []

    async def session() -> None:
        async with over_http(gateway.url, lets, person=says(questions, True)) as client:
            assert (await call(client, "generate", **PICTURE, n=2))["price"]["amount"] == "0.08"
        for secret, mode in ((lets, LEGACY), (keeps, AUTO)):
            async with over_http(gateway.url, secret, mode=mode, person=says(questions)) as client:
                assert (await refused(client, "generate", **PICTURE, n=2))["code"] == "approval_needed"

    acted(session())
    assert len(questions) == 1


def test_who_does_not_wait_finds_it_later_and_who_goes_away_stops_nothing(gateway: Gateway) -> None:
    secret = gateway.issue("acme")
    slow = {"prompt": "a lake", "model": "scripted-findable", "inputs": {"delay_ms": 1_500}}

    async def session() -> None:
        held: asyncio.Queue[str] = asyncio.Queue()

        async with over_http(gateway.url, secret) as client:
            calling = asyncio.create_task(
                client.call_tool("generate", slow, progress_callback=hears(lambda _done, words: held.put_nowait(words)))
            )
            left = (await held.get()).split()[1]
            calling.cancel()
            await asyncio.wait([calling])
            assert (await call(client, "operation", operation=left, wait=60))["status"] == "charged"
            never = await call(client, "generate", **{**slow, "inputs": {"outcome": "never"}}, wait=0)
            assert never["status"] in ("validated", "dispatched", "submitted")
            assert "tool 'operation'" in never["hint"]
            while (await call(client, "operation", operation=never["operation"]))["status"] != "submitted":
                pass  # only a job that the provider has can be stopped there
            stopped = await call(client, "cancel", operation=never["operation"], reason="a mistake")
            assert (stopped["status"], stopped["reason"]) == ("released", "cancelled")
            error = await refused(client, "generate", **{**slow, "inputs": {"outcome": "fail"}})
            assert (error["code"], bool(error["operation"])) == ("failed", True)

    acted(session())


def test_an_estimate_holds_model_and_price_and_a_reader_may_not_spend(gateway: Gateway) -> None:
    operator, reader = gateway.issue("acme"), gateway.issue("acme", READ)

    async def session() -> None:
        async with over_http(gateway.url, operator) as client:
            asked = {"inputs": {"prompt": "a lake"}, "model": "scripted-image"}
            estimate = await call(client, "estimate", **asked)
            made = await call(client, "run", **asked, kind="text-to-image", quote=estimate["quote"])
            assert (made["price"], made["model"]) == (estimate["price"], estimate["model"])
        async with over_http(gateway.url, reader) as client:
            assert (await refused(client, "generate", **PICTURE))["code"] == "forbidden"
            assert (await call(client, "limits"))["account"] == "acme"

    acted(session())


def test_a_key_of_the_studios_own_names_the_account(gateway: Gateway) -> None:
    async def session() -> None:
        secret = await asyncio.to_thread(gateway.administrator)
        async with over_http(gateway.url, secret, account="acme") as client:
            assert (await call(client, "limits"))["account"] == "acme"

    acted(session())


def test_the_door_is_the_gateways(gateway: Gateway) -> None:
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"accept": "application/json, text/event-stream"}
    slow = gateway.issue("acme", replace(OPERATE, per_minute=1))
    with gateway.client("", **headers) as client:
        assert client.post("/mcp", json=listing).json()["code"] == "unauthenticated"
    with gateway.client(**headers) as client:
        assert client.get("/mcp").json()["code"] == "not_allowed"
        assert client.post("/mcp", content=b"{").status_code == 400
        large = {**listing, "params": {"cursor": "x" * (33 * 1024 * 1024)}}
        assert client.post("/mcp", content=json.dumps(large).encode()).status_code == 413
        assert client.post("/mcp", json=listing).status_code == 200
    with gateway.client(slow, **headers) as client:
        client.post("/mcp", json=listing)
        assert client.post("/mcp", json=listing).json()["code"] == "rate_limited"
