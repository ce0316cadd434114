"""Pages of many facts: who asks is told meanwhile how far it is, and then gets what was worked out, once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from domain.keys import STUDIO, KeyScope, KeyTerms
from infrastructure.dashboard.longlooks import LongLooks
from tests.infrastructure.dashboard.browsing import person
from tests.infrastructure.dashboard.visitors import visitor
from tests.infrastructure.gateway.gateways import ADMIN, Gateway, gateway_on


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Few facts are many here, and nobody is kept waiting."""
    home = tmp_path_factory.mktemp("studio")
    with gateway_on(f"sqlite:///{home / 'ledger.db'}", home, looks=LongLooks(long=3, soon=0)) as running:
        yield running


@pytest.fixture(scope="module")
def period(gateway: Gateway) -> str:
    gateway.run(gateway.studio.operations.generate("a lake", account="acme", model="scripted-image"))
    return str(gateway.run(gateway.studio.statements.periods("acme"))[-1].name)


def test_a_statement_is_worked_out_once_and_waited_for(gateway: Gateway, period: str) -> None:
    address = f"/statements/{period}"
    with visitor(gateway, gateway.issue("acme", ADMIN)) as one, visitor(gateway, gateway.issue("acme", ADMIN)) as two:
        waits = one.get(address)
        assert (waits.status_code, waits.headers["cache-control"]) == (202, "no-store")
        assert "facts of the log are read for this" in waits.text
        assert one.get(f"{address}/live").text.endswith("event: end\ndata:\n\n")
        peeked = one.get(address, headers={"hx-request": "true"})
        assert 'id="total"' in peeked.text, "whoever renews a part of a page takes nothing away"
        assert 'id="total"' in one.get(address).text
        assert two.get(address).status_code == 200, "what was added up is remembered, and nothing came since"
        assert one.get(f"{address}.json").json()["content"]["account"] == "acme"
        assert one.get("/statements/2020-01-01").status_code == 404


def test_a_page_of_the_past_says_what_is_wrong_with_it_at_once(gateway: Gateway, period: str) -> None:
    with visitor(gateway, gateway.issue("acme", ADMIN)) as client:
        assert client.get("/operations", params={"as_of": "5"}).status_code == 202
        assert client.get("/operations", params={"as_of": "soon"}).status_code == 400
        assert client.get("/operations").status_code == 200


def test_the_first_search_for_words_is_waited_for(gateway: Gateway, period: str) -> None:
    with visitor(gateway) as client:
        assert client.get("/library").status_code == 200
        wanted = {"text": "lake"}
        assert client.get("/library", params=wanted).status_code == 202
        assert client.get("/library/live", params=wanted).text.endswith("event: end\ndata:\n\n")
        assert 'href="/library/' in client.get("/library", params=wanted).text
        assert client.get("/library", params={"text": "fox"}).status_code == 200, "every prompt is known by now"


def test_what_is_worked_out_comes_by_itself(chromium: Browser, gateway: Gateway, period: str) -> None:
    with person(chromium, gateway.url) as one:
        one.log_in(gateway.issue(STUDIO, KeyTerms((KeyScope.ADMIN,))))
        begun = one.tab.goto(f"{gateway.url}/what-if?plan=basic&of=acme")
        assert begun is not None
        assert begun.status == 202
        expect(one.tab.locator("table").first).to_contain_text("scripted-image")
        one.check()
