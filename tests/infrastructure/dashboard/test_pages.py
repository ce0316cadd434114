"""Pages show what the API says, of one position of the log, to whom the API says it, and never at 300 kB."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from domain.keys import STUDIO, KeyScope, KeyTerms
from infrastructure.dashboard.responses import GUARDS
from infrastructure.showing.telling import OPERATORS
from tests.infrastructure.dashboard.visitors import visitor
from tests.infrastructure.gateway.gateways import ADMIN, Gateway

MODEL = "scripted-image"
LARGEST = 300_000
LINKS = re.compile(r'(?:href|src|data-live)="([^"]*)"')


@pytest.fixture(scope="module")
def operations(gateway: Gateway) -> list[str]:
    """Some of acme's, and one of an account that is another's."""
    gateway.run(gateway.studio.accounts.open("rivals", plan="pro"))
    made = []
    for account, prompt in (("acme", "a lake"), ("acme", "a fox"), ("rivals", "the rivals wish")):
        work = gateway.studio.operations.generate(prompt, account=account, model=MODEL, user=f"{account}-ann")
        made.append(gateway.run(work).operation)
    return made


def by(gateway: Gateway, account: str, *scopes: KeyScope) -> str:
    return gateway.issue(account, KeyTerms(scopes))


def test_the_list_is_the_apis_with_the_same_filters(gateway: Gateway, operations: list[str]) -> None:
    with visitor(gateway) as client, gateway.client() as api:
        several: list[dict[str, Any]] = [{}, {"state": "charged"}, {"model": MODEL, "limit": 1}, {"flag": "test"}]
        for asked in several:
            page = client.get("/operations.json", params=asked).json()
            assert page.pop("position") == gateway.studio.log.reader.end()
            assert page == api.get("/v1/operations", params=asked).json()


def test_a_key_reads_data_files_as_it_reads_the_api(gateway: Gateway, operations: list[str]) -> None:
    with gateway.client() as api:
        assert api.get("/operations.json").json()["operations"] == api.get("/v1/operations").json()["operations"]
    with gateway.client("") as api:
        assert api.get("/operations.json").json()["code"] == "unauthenticated"


def test_the_csv_is_the_whole_table_with_exact_amounts(gateway: Gateway, operations: list[str]) -> None:
    with visitor(gateway) as client:
        found = client.get("/operations.csv")
        rows = list(csv.DictReader(io.StringIO(found.text)))
        assert found.headers["content-type"] == "text/csv; charset=utf-8"
        told = client.get("/operations.json").json()["operations"]
        assert [(row["id"], row["price"]) for row in rows] == [(one["id"], one["price"]["amount"]) for one in told]
        assert not OPERATORS & rows[0].keys()


def test_pages_say_their_position_and_agree(gateway: Gateway, operations: list[str]) -> None:
    end = str(gateway.studio.log.reader.end())
    with visitor(gateway) as client:
        told = {client.get(address).headers["x-imagestudio-position"] for address in ("/", "/operations")}
        assert told == {end}
        overview = client.get("/overview.json").json()
        rows = client.get("/operations.json").json()["operations"]
        assert overview["operations"] == rows[: len(overview["operations"])]
        spent = sum(row["price"]["micros"] for row in rows)
        assert overview["pace"]["spent"]["micros"] == spent == sum(one["micros"] for one in overview["days"])


def test_what_is_the_operators_is_shown_to_administrators_alone(gateway: Gateway, operations: list[str]) -> None:
    address = f"/operations/{operations[0]}"
    with visitor(gateway) as client:
        page, told = client.get(address).text, client.get(f"{address}.json").text
        assert "cost" not in page.lower()
        assert not [name for name in OPERATORS if f'"{name}":' in told]
    with visitor(gateway, gateway.issue("acme", ADMIN)) as client:
        assert "Our cost" in client.get(address).text
        assert client.get(f"{address}.json").json()["operations"][0]["postings"]


def test_a_stranger_finds_nothing_of_anothers(gateway: Gateway, operations: list[str]) -> None:
    with visitor(gateway, gateway.issue("acme", ADMIN)) as client:
        for address in (f"/operations/{operations[2]}", "/?account=rivals", "/operations?account=rivals"):
            answer = client.get(address)
            assert answer.status_code == 404
            assert "rivals-ann" not in answer.text
        assert client.get("/accounts").status_code == 403


def test_what_no_parameter_is_called_is_refused(gateway: Gateway) -> None:
    with visitor(gateway) as client:
        for address in ("/operations?stat=charged", "/operations?limit=201", "/operations?state=paid", "/?limit=x"):
            answer = client.get(address)
            assert answer.status_code == 400, address
            assert "That did not work" in answer.text


def test_every_answer_has_the_strict_policy(gateway: Gateway) -> None:
    with visitor(gateway) as client:
        for address in ("/", "/operations.json", "/login", "/operations?limit=x", "/static/app.js"):
            headers = client.get(address).headers
            assert headers["content-security-policy"] == GUARDS["content-security-policy"], address
            assert headers["x-content-type-options"] == "nosniff"


def links_in(address: str, text: str) -> Iterator[str]:
    for found in LINKS.findall(text):
        one = urlsplit(urljoin(address, unescape(found)))
        if not one.netloc and one.path and one.path != "/logout":
            yield f"{one.path}?{one.query}" if one.query else one.path


WHO: dict[str, Any] = {
    "reader": ("acme", KeyScope.READ),
    "operator": ("acme", KeyScope.OPERATE),
    "administrator": ("acme", KeyScope.OPERATE, KeyScope.ADMIN),
    "studio's reader": (STUDIO, KeyScope.READ),
    "studio's administrator": (STUDIO, KeyScope.ADMIN),
}


@pytest.mark.parametrize("who", WHO)
def test_a_crawler_follows_every_link_of_every_role(gateway: Gateway, operations: list[str], who: str) -> None:
    """It meets no error, no foreign data, no page that is too large."""
    account, *scopes = WHO[who]
    strangers = ("rivals", operations[2]) if account != STUDIO else ()
    with visitor(gateway, by(gateway, account, *scopes)) as client:
        waiting, seen = ["/"], {"/"}
        while waiting:
            address = waiting.pop()
            with client.stream("GET", address) as answer:
                text = answer.read().decode("utf-8", "replace")
            assert answer.status_code < 400, (address, answer.status_code)
            is_page = not answer.headers.get("content-type", "").startswith("text/csv")  # that is a whole table
            assert len(text) <= LARGEST or not is_page, address
            assert not [word for word in strangers if word in text], address
            html = answer.headers.get("content-type", "").startswith("text/html")
            onward = [answer.headers["location"]] if "location" in answer.headers else []
            for link in (*onward, *(links_in(address, text) if html else ())):
                if link not in seen and not link.startswith("/docs"):
                    seen.add(link)
                    waiting.append(link)
        assert len(seen) > 8


def test_nothing_at_an_address_is_said_to_people_as_a_page_and_to_programs_as_a_problem(gateway: Gateway) -> None:
    with visitor(gateway) as client:
        page = client.get("/nowhere", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert (
            client.get("/nowhere").json()["code"] == client.get("/v1/x", headers={"accept": "text/html"}).json()["code"]
        )


def test_what_was_is_shown_as_it_was(gateway: Gateway, operations: list[str]) -> None:
    with visitor(gateway) as client, gateway.client() as api:
        first = client.get(f"/operations/{operations[0]}.json").json()["operations"][0]["events"][-1]["position"]
        then = client.get("/operations.json", params={"as_of": first}).json()
        assert [one["id"] for one in then["operations"]] == [operations[0]]
        then.pop("position")
        assert then == api.get("/v1/operations", params={"as_of": first}).json()
        assert "As it was at" in client.get("/operations", params={"as_of": first}).text
        for address in ("/usage", "/limits"):
            assert client.get(address, params={"as_of": first}).status_code == 200
            assert client.get(address, params={"as_of": "yesterday"}).status_code == 400


def test_requests_are_counted_by_the_pattern_of_their_page(gateway: Gateway, operations: list[str]) -> None:
    with visitor(gateway) as client:
        client.get(f"/operations/{operations[0]}")
        counted = client.get("/metrics").text
    assert 'route="/operations/{id}"' in counted
    assert operations[0] not in counted


def test_tags_are_shown_found_by_and_gone_once_they_are_erased(gateway: Gateway) -> None:
    studio = gateway.studio
    made = gateway.run(studio.operations.generate("a lake", account="acme", model=MODEL, tags={"team": "<red>"}))
    with visitor(gateway) as client:
        asked = {"tag": "team=<red>"}
        assert [
            row["tags"] for row in csv.DictReader(client.get("/operations.csv", params=asked).text.splitlines())
        ] == ["team=<red>"]
        assert "team=&lt;red&gt;" in client.get("/operations", params=asked).text
        gateway.run(studio.upkeep.erase(made.operation, account="acme"))
        assert client.get("/operations.json", params=asked).json()["operations"] == []
        assert "team" not in client.get("/operations.csv").text
        assert client.get("/operations", params={"tag": "team"}).status_code == 400
