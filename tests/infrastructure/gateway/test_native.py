"""Our own routes: an operation of any kind asked for, waited for, followed and cancelled; rows, prices and limits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.keys import KeyScope, KeyTerms
from infrastructure.sealing import PublicKeys
from infrastructure.showing.seals import read_signed
from tests.infrastructure.gateway.gateways import ADMIN, Gateway
from tests.wire.fake import media
from tests.wire.fake.behaviour import Behaviour
from tests.wire.fake.server import Fake

DRAW = {"kind": "text-to-image", "inputs": {"prompt": "a lake", "quality": "low"}, "model": "gpt-image-2"}
WAIT = {"prefer": "wait=30"}


def done(gateway: Gateway, **changes: Any) -> dict[str, Any]:
    """An operation that has ended."""
    with gateway.client(**WAIT) as client:
        answer = client.post("/v1/operations", json={**DRAW, **changes})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize(
    "path", ["/v1/operations?user=%00", "/v1/usage?user=a%00", "/v1/books?currency=%00", "/v1/approvals/%00"]
)
def test_the_character_that_no_database_keeps_is_refused_in_an_address_and_in_a_body(
    gateway: Gateway, path: str
) -> None:
    with gateway.client(gateway.issue("acme", ADMIN)) as client:
        answers = [client.get(path), client.post("/v1/approvals", json={"quote": "q\x00"})]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input"), answer.text
        assert "characters that are not text" in answer.json()["detail"]


@pytest.mark.parametrize("content", [b"nonsense", b"[" * 100_000])
def test_what_is_no_json_is_told_of_the_body(gateway: Gateway, content: bytes) -> None:
    with gateway.client(gateway.administrator(), **{"content-type": "application/json"}) as client:
        answer = client.post("/v1/reprice", content=content)
    assert (answer.status_code, answer.json()["field"]) == (400, "body"), answer.text


def test_who_waits_gets_the_result(gateway: Gateway) -> None:
    found = done(gateway)
    assert (found["status"], found["delivered"], found["price"]["amount"]) == ("charged", 1, "0.00817")


def test_who_does_not_wait_gets_the_address_where_it_will_be(gateway: Gateway, fake: Fake) -> None:
    before = len(fake.submissions("openai"))
    fake.next("openai", Behaviour(held=True))
    with gateway.client() as client:
        answer = client.post("/v1/operations", json=DRAW)
        assert answer.status_code == 202
        assert answer.json()["status"] in ("validated", "dispatched")
        where = answer.headers["location"]
        fake.wait_for(lambda: len(fake.submissions("openai")) > before)
        fake.release()
        with client.stream("GET", f"{where}/events", headers={"accept": "text/event-stream"}) as stream:
            names = [line.removeprefix("event: ") for line in stream.iter_lines() if line.startswith("event: ")]
        assert client.get(where).json()["status"] == "charged"
    assert [name.partition(".")[2] for name in names] == [
        "requested",
        "validated",
        "dispatched",
        "provider_completed",
        "charged",
    ]


def test_who_waits_too_short_gets_what_there_is(gateway: Gateway, fake: Fake) -> None:
    fake.next("openai", Behaviour(held=True))
    with gateway.client(prefer="respond-async, wait=1") as client:
        answer = client.post("/v1/operations", json=DRAW)
    fake.release()
    assert (answer.status_code, answer.json()["status"]) == (202, "dispatched")


def test_a_stream_goes_on_after_the_last_event_that_was_seen(gateway: Gateway) -> None:
    where = f"/v1/operations/{done(gateway)['operation']}/events"
    with gateway.client(accept="text/event-stream") as client:
        whole = [line for line in client.get(where).text.splitlines() if line.startswith("id: ")]
        rest = client.get(where, headers={"last-event-id": whole[2].removeprefix("id: ")}).text
        none = client.get(where, headers={"last-event-id": whole[-1].removeprefix("id: ")}).text
        wrong = client.get(where, headers={"last-event-id": "x"})
    assert [line for line in rest.splitlines() if line.startswith("id: ")] == whole[3:]
    assert none == ""
    assert wrong.status_code == 400


def test_a_form_brings_files_beside_the_request(gateway: Gateway) -> None:
    asked = {"kind": "image-edit", "inputs": {"prompt": "autumn", "quality": "low"}, "model": "gpt-image-2-edit"}
    files = {"image": ("a.png", media.image(256, 256), "image/png")}
    with gateway.client(**WAIT) as client:
        answer = client.post("/v1/operations", data={"request": json.dumps(asked)}, files=files)
    assert (answer.status_code, answer.json()["status"]) == (200, "charged")


def test_what_failed_is_an_answer_and_not_an_error(gateway: Gateway, fake: Fake) -> None:
    fake.next("openai", Behaviour(filtered="refused"))
    found = done(gateway)
    assert (found["status"], found["delivered"], found["price"]["micros"]) == ("released", 0, 0)
    assert found["operations"][0]["reason"]


def test_what_has_ended_cannot_be_cancelled(gateway: Gateway) -> None:
    with gateway.client() as client:
        answer = client.post(f"/v1/operations/{done(gateway)['operation']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "kind"),
        ({**DRAW, "kind": 3}, 400, "kind"),
        ({**DRAW, "kind": "nothing"}, 404, None),
        ({**DRAW, "inputs": []}, 400, "inputs"),
        ({**DRAW, "inputs": {"prompt": ["a"]}}, 400, "inputs.prompt"),
        ({**DRAW, "n": "many"}, 400, "n"),
        ({**DRAW, "colour": "red"}, 400, "colour"),
        ({**DRAW, "media": {"image": "not an address"}}, 400, "image"),
        ({**DRAW, "max_price": "a lot"}, 400, "max_price"),
        ({**DRAW, "user": "two words"}, 403, None),
    ],
)
def test_a_wrong_request_is_one_problem_and_nothing_is_recorded(
    gateway: Gateway, body: dict[str, Any], status: int, field: str | None
) -> None:
    end = gateway.studio.log.reader.end()
    with gateway.client() as client:
        answer = client.post("/v1/operations", json=body)
    told = answer.json()
    assert (answer.status_code, told["status"], told.get("field")) == (status, status, field), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert told["detail"]
    assert gateway.studio.log.reader.end() == end


def test_an_estimate_says_what_would_be_held_and_records_nothing(gateway: Gateway) -> None:
    end = gateway.studio.log.reader.end()
    with gateway.client() as client:
        found = client.post("/v1/estimates", json=DRAW).json()
    assert (found["model"], found["refused"]) == ("gpt-image-2", None)
    assert found["held"]["micros"] >= 8170
    assert gateway.studio.log.reader.end() == end


# Lists


@pytest.mark.parametrize("name", ["usage", "periods", "spend", "operations"])
def test_rows_are_the_accounts_own(gateway: Gateway, name: str) -> None:
    done(gateway)
    with gateway.client() as client:
        answer = client.get(f"/v1/{name}")
    assert answer.status_code == 200
    rows = answer.json()[name]
    assert rows
    assert {row["account"] for row in rows} == {"acme"}


def test_usage_is_summed_in_groups_and_costs_are_for_administrators(gateway: Gateway) -> None:
    named = gateway.issue("acme", KeyTerms((KeyScope.OPERATE,), forwards=True))
    with gateway.client(named, **WAIT) as client:
        client.post("/v1/operations", json={**DRAW, "user": "ann", "project": "site"}).raise_for_status()
    asked = {"group_by": "user,project,day", "tz": "Asia/Kathmandu", "user": "ann"}
    with gateway.client() as client, gateway.client(gateway.issue("acme", ADMIN)) as admin:
        [seen], [whole] = (one.get("/v1/usage", params=asked).json()["usage"] for one in (client, admin))
        written = client.get("/v1/usage", params={**asked, "format": "csv"})
        stranger = client.get("/v1/usage", params={"group_by": "account"})
    assert (seen["user"], seen["project"], seen["charged"]) == ("ann", "site", whole["charged"])
    assert "cost_known" in whole
    assert not {"cost", "cost_known", "cost_partial", "cost_unknown"} & seen.keys()
    assert (written.headers["content-type"].split(";")[0], int(written.headers["x-position"]) > 0) == ("text/csv", True)
    assert written.text.splitlines()[0].startswith("user,project,day,start,end,hours,currency,charged")
    assert "cost" not in written.text
    assert stranger.status_code == 403


def test_rows_come_in_pages_and_by_their_filters(gateway: Gateway) -> None:
    made = [done(gateway)["operation"] for _ in range(3)]
    with gateway.client() as client:
        first = client.get("/v1/operations", params={"limit": 2, "state": "charged"}).json()
        second = client.get("/v1/operations", params={"limit": 1, "after": first["next"]}).json()
    assert [row["id"] for row in (*first["operations"], *second["operations"])] == made[::-1]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1000", "limit=x", "after=nothing", "colour=red", "state=glad", "at=never", "user="],
)
def test_a_wrong_parameter_is_told(gateway: Gateway, query: str) -> None:
    with gateway.client() as client:
        answer = client.get(f"/v1/operations?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert answer.json()["hint"]


def test_limits_and_prices_are_told(gateway: Gateway) -> None:
    with gateway.client() as client:
        limits, prices = client.get("/v1/limits").json(), client.get("/v1/prices?kind=text-to-image").json()
        wrong = client.get("/v1/prices?kind=nothing")
    (images,) = [one for one in limits["limits"] if one["measure"] == "images"]
    assert (images["scope"], images["window"], images["limit"]) == ("account", "period", 100)
    assert images["resets_at"] > "2026"
    assert "gpt-image-2" in {one["id"] for one in prices["models"]}
    assert (wrong.status_code, wrong.json()["code"]) == (404, "unknown_kind")


# What only administrators see


def values_of(document: Any, name: str) -> list[Any]:
    """All values under a name, however deep."""
    if isinstance(document, list):
        return [found for one in document for found in values_of(one, name)]
    if isinstance(document, dict):
        own = [document[name]] if name in document else []
        return own + [found for one in document.values() for found in values_of(one, name)]
    return []


@pytest.mark.parametrize("name", ["cost", "path", "where", "route"])
def test_what_is_the_operators_own_is_told_to_administrators_alone(gateway: Gateway, name: str) -> None:
    id = done(gateway)["operation"]
    addresses = [f"/v1/operations/{id}", f"/v1/operations/{id}/events", "/v1/usage", "/v1/operations", "/v1/prices"]
    found = []
    for secret in (gateway.secret, gateway.issue("acme", ADMIN)):
        with gateway.client(secret) as client:
            found.append([values_of(client.get(one).json(), name) for one in addresses])
    assert not any(found[0])
    assert any(found[1])


def test_accounts_are_administered_by_the_studios_own_key(gateway: Gateway) -> None:
    with gateway.client(gateway.administrator()) as client:
        opened = client.post("/v1/accounts", json={"id": "new", "plan": "basic", "prepaid": True})
        credit = client.post("/v1/accounts/new/credit", json={"amount": "25", "key": "c-1"})
        plan = client.post("/v1/accounts/new/plan", json={"plan": "pro", "reason": "asked for it"})
        limit = client.post("/v1/accounts/new/limits", json={"measure": "spend", "limit": "5"})
        suspended = client.post("/v1/accounts/new/suspend", json={"reason": "unpaid"})
        wrong = client.post("/v1/accounts/new/limits", json={"measure": "spend", "limit": "much"})
        step = client.post("/v1/accounts/new/nothing", json={"reason": "x"})
        costs = client.get("/v1/costs")
    assert opened.json()["plan"] == "basic"
    assert credit.json()["balance"]["amount"] == "25.00"
    assert plan.json()["plan"] == "pro"
    assert limit.json()["limits"]["account"]["spend"]["amount"] == "5.00"
    assert suspended.json()["standing"] == "suspended"
    assert (wrong.status_code, step.status_code, costs.status_code) == (400, 400, 200)


def test_an_audit_is_of_the_administrators_own_account(gateway: Gateway) -> None:
    done(gateway)
    with gateway.client(gateway.issue("acme", ADMIN)) as client:
        own = client.get("/v1/audit")
    with gateway.client(gateway.administrator()) as client:
        whole = client.get("/v1/audit")
    with gateway.client() as client:
        refused = client.get("/v1/audit")
    assert (own.json()["verdict"], own.json()["seal"]) == ("clean", None)
    assert (whole.json()["verdict"], bool(whole.json()["seal"])) == ("clean", True)
    assert refused.status_code == 403


def test_a_project_that_a_key_is_fixed_to_is_not_named_otherwise(gateway: Gateway) -> None:
    secret = gateway.issue("acme", KeyTerms((KeyScope.OPERATE,), project="web"))
    with gateway.client(secret, **WAIT) as client:
        found = client.post("/v1/operations", json=DRAW).json()
        refused = client.post("/v1/operations", json={**DRAW, "project": "print"})
    assert found["operations"][0]["project"] == "web"
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_the_log_is_sealed_and_the_watch_is_seen_by_the_studios_own_key(gateway: Gateway) -> None:
    with gateway.client(gateway.administrator()) as client:
        sealed = client.post("/v1/seals").json()
        seen = client.get("/v1/seals").json()
    with gateway.client(gateway.issue("acme", ADMIN)) as client:
        refused = [client.post("/v1/seals").status_code, client.get("/v1/seals").status_code]
    read_signed(sealed["seal"]).check(PublicKeys.of(sealed["keys"]))
    assert seen["watch"]["problems"] == []
    assert refused == [403, 403]


def test_nobody_who_asks_is_told_a_setting_of_the_service(gateway: Gateway) -> None:
    """What it would take to use a provider is its operator's business, in a refusal and in an estimate."""
    asked = {"kind": "text-to-image", "inputs": {"prompt": "a pond"}}
    lacking = next(model.id for model in gateway.studio.catalogue.for_kind("text-to-image") if model.provider == "fal")
    with gateway.client() as client:
        refused = client.post("/v1/operations", json={**asked, "model": lacking})
        estimated = client.post("/v1/estimates", json=asked)
    problem = refused.json()
    assert problem["detail"] == f"model {lacking!r} cannot be used here: its provider is not ready"
    assert problem["hint"].startswith("tell whoever runs this service; or name one of: ")
    passed = {one["model"]: one["skipped"] for one in estimated.json()["chain"]}
    assert passed[lacking] == "its provider is not ready"
    assert "IMAGESTUDIO_" not in refused.text + estimated.text
