"""Keys over HTTP: issued, used, listed and revoked; never more than their maker may do, never a secret twice."""

from __future__ import annotations

import pytest

from domain.keys import KeyScope, KeyTerms
from infrastructure.gateway.rates import WINDOW, Rates, TooManyRequests
from tests.infrastructure.gateway.gateways import ADMIN, Gateway


def test_a_key_is_issued_used_and_revoked(gateway: Gateway) -> None:
    with gateway.client(gateway.issue("acme", ADMIN)) as admin:
        new = admin.post("/v1/keys", json={"name": "shop", "limit": "1", "scopes": ["operate"]})
        listed, shown = admin.get("/v1/keys"), admin.get(f"/v1/keys/{new.json()['id']}")
        with gateway.client(new.json()["secret"]) as shop:
            before = shop.get("/v1/limits")
            admin.post(f"/v1/keys/{new.json()['id']}/revoke", json={"reason": "lost"})
            after = shop.get("/v1/limits")
    assert new.status_code == 201
    assert (new.json()["name"], new.json()["limits"]["spend"]["amount"]) == ("shop", "1.00")
    assert new.headers["cache-control"] == "no-store"
    assert new.json()["secret"] not in listed.text + shown.text
    assert (before.status_code, after.status_code) == (200, 401)


def test_a_keys_own_limit_refuses_what_would_pass_it(gateway: Gateway) -> None:
    secret = gateway.issue("acme", limits={"spend": 10_000})
    body = {"kind": "text-to-image", "inputs": {"prompt": "x", "quality": "high"}, "model": "gpt-image-2"}
    with gateway.client(secret) as client:
        answer = client.post("/v1/operations", json=body)
    assert (answer.status_code, answer.json()["code"]) == (402, "refused")
    assert answer.json()["refusal"]["scope"].startswith("key")


def test_nobody_issues_a_key_that_may_do_more_than_their_own(gateway: Gateway) -> None:
    with gateway.client(gateway.issue("acme", KeyTerms((KeyScope.ADMIN,)))) as admin:
        answer = admin.post("/v1/keys", json={"scopes": ["operate"]})
    with gateway.client() as client:
        refused = client.post("/v1/keys", json={})
    assert (answer.status_code, refused.status_code) == (403, 403)


@pytest.mark.parametrize(
    "body",
    [{"scopes": []}, {"scopes": ["all"]}, {"limit": "much"}, {"expires": "soon"}, {"per_minute": 0}, {"colour": 1}],
)
def test_wrong_terms_are_told(gateway: Gateway, body: dict[str, object]) -> None:
    with gateway.client(gateway.issue("acme", ADMIN)) as admin:
        answer = admin.post("/v1/keys", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in ("invalid_input", "invalid_money")


def test_a_key_makes_so_many_requests_a_minute_and_is_told_what_is_left(gateway: Gateway) -> None:
    secret = gateway.issue("acme", KeyTerms((KeyScope.OPERATE,), per_minute=2))
    with gateway.client(secret) as client:
        answers = [client.get("/v1/models") for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    assert [one.headers["ratelimit"].partition(";t=")[0] for one in answers] == [
        f'"key";r={left}' for left in (1, 0, 0)
    ]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=2;w=60'
    assert 1 <= int(answers[2].headers["retry-after"]) <= WINDOW
    assert answers[2].json()["error"]["code"] == "rate_limited"


def test_a_minute_begins_with_its_first_request() -> None:
    now = 0.0
    rates = Rates(lambda: now)
    for _ in range(2):
        rates.take("a", 2)
    rates.take("b", 2)
    now = WINDOW - 1
    with pytest.raises(TooManyRequests) as raised:
        rates.take("a", 2)
    assert raised.value.seconds == 1
    now = WINDOW
    assert rates.take("a", 2)["ratelimit"] == '"key";r=1;t=60'
