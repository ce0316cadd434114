"""Logging in: by a key, for a time, from our own form; and nobody is anybody without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import httpx
import msgspec
import pytest

from infrastructure.clock import SECOND
from infrastructure.dashboard.pages import ACTIONS, PAGES
from infrastructure.dashboard.sessions import COOKIE, SECONDS, Sessions, SignedSession
from infrastructure.signedtexts import TextSigner
from tests.infrastructure.dashboard.visitors import logged_in, post, token_in, visitor
from tests.infrastructure.gateway.gateways import ADMIN, OPERATE, Gateway


@pytest.fixture
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gateway.url, timeout=60, verify=False) as found:
        yield found


def test_a_key_begins_a_session_that_scripts_and_other_sites_do_not_get(gateway: Gateway, client: httpx.Client) -> None:
    answer = logged_in(client, gateway.secret)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    [cookie] = [one for one in answer.headers.get_list("set-cookie") if one.startswith(COOKIE)]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert f"Max-Age={SECONDS}" in cookie
    assert gateway.secret[4:] not in cookie
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("key", ["", "isk_", "isk_000000000000000000000000000000000000000000000000", "geheim"])
def test_a_key_that_opens_nothing_is_refused_alike(client: httpx.Client, key: str) -> None:
    answer = logged_in(client, key)
    assert answer.status_code == 401
    assert "That key opens nothing" in answer.text
    assert COOKIE not in client.cookies


def test_a_form_of_somebody_else_is_refused(gateway: Gateway, client: httpx.Client) -> None:
    with httpx.Client(base_url=gateway.url, verify=False) as other:
        strange = token_in(other.get("/login").text)
    client.get("/login")
    for token in ("", "x", strange):
        assert client.post("/login", data={"token": token, "key": gateway.secret}).status_code == 403
    own = token_in(client.get("/login").text)
    headers = {"sec-fetch-site": "cross-site"}
    assert client.post("/login", data={"token": own, "key": gateway.secret}, headers=headers).status_code == 403


def test_every_action_wants_the_sessions_own_token(gateway: Gateway) -> None:
    with visitor(gateway, gateway.issue("acme", ADMIN)) as one, visitor(gateway) as other:
        strange = token_in(other.get("/").text)
        for action in ACTIONS:
            address = action.path.replace("{", "").replace("}", "")
            for data in ({}, {"token": "x"}, {"token": strange}):
                assert one.post(address, data=data).status_code in (403, 415), action.name


def test_without_a_session_every_page_leads_to_the_login(gateway: Gateway, client: httpx.Client) -> None:
    for page in PAGES:
        address = page.path.replace("{", "").replace("}", "")
        answer = client.get(address)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login")
        assert client.get(f"{page.base}.json").status_code == 401
    for action in ACTIONS:
        assert client.post(action.path).headers["location"] == "/login"


def test_the_login_leads_back_to_what_was_wanted_and_nowhere_else(gateway: Gateway, client: httpx.Client) -> None:
    wanted = client.get("/operations?state=charged").headers["location"]
    form = client.get(wanted)
    answer = client.post(wanted, data={"token": token_in(form.text), "key": gateway.secret})
    assert answer.headers["location"] == "/operations?state=charged"
    for strange in ("//evil.example", "https://evil.example", "/\\evil.example"):
        form = client.get("/login", params={"next": strange})
        data = {"token": token_in(form.text), "key": gateway.secret}
        assert client.post("/login", params={"next": strange}, data=data).headers["location"] == "/"


def test_logging_out_forgets_the_session(gateway: Gateway) -> None:
    with visitor(gateway) as client:
        assert post(client, "/logout").headers["location"] == "/login"
        assert client.get("/").status_code == 303


def test_a_session_ends_by_its_time_with_its_key_and_if_it_was_changed(gateway: Gateway, client: httpx.Client) -> None:
    secret = gateway.issue("acme", OPERATE)
    key = gateway.run(gateway.studio.keys.known(secret)).key
    links = gateway.studio.library.links.keys
    made: list[SignedSession] = []

    def opens(session: SignedSession, purpose: bytes = b"session-1") -> bool:
        text = TextSigner(links, purpose).sign(msgspec.json.encode(session))
        return client.get("/", headers={"cookie": f"{COOKIE}={text}"}).status_code == 200

    now = gateway.studio.services.desk.clock()
    made.append(Sessions(links, lambda: now).begin("acme", key))
    assert opens(made[0])
    assert not opens(made[0], b"quote-1")
    assert not opens(replace_struct(made[0], expires=now - SECOND))
    assert not opens(replace_struct(made[0], account="other"))
    gateway.run(gateway.studio.keys.revoke("acme", key))
    assert not opens(made[0])


def replace_struct(session: SignedSession, **changes: object) -> SignedSession:
    return msgspec.structs.replace(session, **changes)


def test_the_requests_of_a_key_are_counted_at_pages_too(gateway: Gateway) -> None:
    with visitor(gateway, gateway.issue("acme", replace(OPERATE, per_minute=2))) as client:
        assert [client.get("/operations").status_code for _ in range(3)] == [200, 200, 429]
