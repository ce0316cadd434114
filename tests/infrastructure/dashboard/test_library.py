"""The library at pages: what is found is the API's, what it cost is the ledger's, and every form does what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser

from domain.keys import KeyScope, KeyTerms
from infrastructure.dashboard.pages.library import ACTIONS
from infrastructure.showing.telling import without_ours
from tests.application.studios import SMALL
from tests.infrastructure.dashboard.browsing import PHONE, person
from tests.infrastructure.dashboard.visitors import post, token_in, visitor
from tests.infrastructure.gateway.gateways import ADMIN, Gateway

MODEL = "local-canvas"
[ADDING] = [one for one in ACTIONS if one.name == "add_asset"]
SHOWN = re.compile(r'<li><a href="(/library/[^"]+)">')


@pytest.fixture(scope="module")
def made(gateway: Gateway) -> list[str]:
    """A picture, the same enlarged, and one of another account."""
    studio = gateway.studio
    gateway.run(studio.accounts.open("rivals", plan="pro"))
    options: dict[str, Any] = {"model": MODEL, **SMALL}
    first = gateway.run(studio.operations.generate("a lake at dawn", account="acme", user="ann", **options))
    id = first.assets[0].asset.id
    second = gateway.run(studio.operations.upscale(f"asset:{id}", account="acme", model="local-detail", factor=2))
    other = gateway.run(studio.operations.generate("their wish", account="rivals", **options))
    return [id, second.assets[0].asset.id, other.assets[0].asset.id]


@pytest.fixture(scope="module")
def client(gateway: Gateway) -> Iterator[httpx.Client]:
    with visitor(gateway) as one:
        yield one


def act(client: httpx.Client, action: str, **fields: str) -> httpx.Response:
    """The answer to the action's form; fields of its address are filled in there."""
    [one] = [one for one in ACTIONS if one.name == action]
    told = {name: value for name, value in fields.items() if f"{{{name}}}" not in one.path}
    return post(client, one.path.format_map(fields), **told)


def found(client: httpx.Client, **asked: str) -> list[str]:
    """The ids of what the page shows, which is what its data have."""
    told = [one["id"] for one in client.get("/library.json", params=asked).json()["assets"]]
    assert [one.rsplit("/", 1)[1] for one in SHOWN.findall(client.get("/library", params=asked).text)] == told
    return told


def test_the_list_is_the_apis_and_has_the_words_of_people(
    gateway: Gateway, client: httpx.Client, made: list[str]
) -> None:
    with gateway.client() as api:
        for asked in ({}, {"type": "image", "sort": "dearest"}, {"text": "dawn"}, {"limit": "1"}):
            page = client.get("/library.json", params=asked).json()
            assert page.pop("position") == gateway.studio.log.reader.end()
            words = [one.pop("words") for one in page["assets"]]
            assert page == api.get("/v1/assets", params=asked).json()
            assert all(one.keys() == {"title", "description", "tags", "favourite", "collections"} for one in words)


def test_what_was_made_then_is_found(client: httpx.Client, made: list[str]) -> None:
    day = client.get("/library.json", params={"text": "dawn"}).json()["assets"][0]["first_seen"][:10]
    assert found(client, text="dawn", since=day) == made[:1]
    assert found(client, until=day) == []
    assert found(client, model="local-detail") == found(client, kind="upscale") == [made[1]]
    assert client.get("/library", params={"since": "today"}).status_code == 400
    assert client.get("/library", params={"since": day, "until": day}).status_code == 400
    assert client.get("/library", params={"colour": "red"}).status_code == 400


def test_a_page_leads_on_to_older_ones(client: httpx.Client, made: list[str]) -> None:
    page = client.get("/library", params={"limit": "1"}).text
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following is not None
    second = client.get(following[1].replace("&amp;", "&")).text
    assert SHOWN.findall(page) == [f"/library/{made[1]}"]
    assert SHOWN.findall(second) == [f"/library/{made[0]}"]


def test_one_says_what_it_cost_with_all_that_it_came_from(
    gateway: Gateway, client: httpx.Client, made: list[str]
) -> None:
    lineage = gateway.run(gateway.studio.library.lineage("acme", made[1]))
    page, told = client.get(f"/library/{made[1]}").text, client.get(f"/library/{made[1]}.json").json()
    assert told["whole"]["price"]["micros"] == lineage.whole.price.micros
    assert told["price"]["micros"] < told["whole"]["price"]["micros"]
    assert f'id="price-whole">{told["whole"]["price"]["amount"]}<' in page
    assert [one["id"] for one in told["ancestors"]["assets"]] == [made[0]]
    assert f'href="/library/{made[0]}"' in page
    assert f'href="/library/{made[1]}"' in client.get(f"/library/{made[0]}").text
    assert f'href="/operations/{told["operation"]}"' in page


def test_costs_and_places_are_shown_to_administrators_alone(
    gateway: Gateway, client: httpx.Client, made: list[str]
) -> None:
    address = f"/library/{made[1]}"
    assert "our cost" not in client.get(address).text
    told = client.get(f"{address}.json").json()
    assert told == without_ours(told)
    with visitor(gateway, gateway.issue("acme", ADMIN)) as admin:
        assert "our cost" in admin.get(address).text


def test_files_are_seen_by_their_own_account_alone(gateway: Gateway, client: httpx.Client, made: list[str]) -> None:
    small = client.get(f"/files/{made[0]}/thumbnail")
    assert small.headers["content-type"] == "image/webp"
    whole = client.get(f"/files/{made[0]}")
    assert whole.content == gateway.run(gateway.studio.library.content("acme", made[0])).content
    assert "sandbox" in whole.headers["content-security-policy"]
    for address in (f"/files/{made[2]}", f"/files/{made[2]}/thumbnail", f"/library/{made[2]}"):
        assert client.get(address).status_code == 404


def test_words_are_written_and_found(client: httpx.Client, made: list[str]) -> None:
    id, address = made[0], f"/library/{made[0]}"
    words = {"title": "The <lake>", "description": "at the *cabin*", "tags": "spring, print"}
    assert act(client, "describe_asset", id=id, **words).headers["location"] == address
    page = client.get(address).text
    assert "The &lt;lake&gt;" in page
    assert "<lake>" not in page
    assert found(client, tag="print") == [id]
    act(client, "describe_asset", id=id, title="The lake", tags="spring")
    assert client.get(f"{address}.json").json()["words"]["tags"] == ["spring"]
    assert act(client, "favour_asset", id=id, favourite="yes").status_code == 303
    assert found(client, favourite="true") == [id]
    act(client, "favour_asset", id=id, favourite="no")
    assert found(client, favourite="true") == []
    assert act(client, "describe_asset", id=made[2], title="mine").status_code == 404


def test_assets_are_put_together(client: httpx.Client, made: list[str]) -> None:
    assert act(client, "collect_asset", id=made[0], collection="Campaign").status_code == 404
    assert act(client, "make_collection", name="Campaign", description="for spring").status_code == 303
    act(client, "collect_asset", id=made[0], collection="Campaign")
    assert found(client, collection="Campaign") == [made[0]]
    assert 'href="/library?collection=Campaign"' in client.get("/collections").text
    act(client, "collect_asset", id=made[0], collection="Campaign", out="yes")
    assert found(client, collection="Campaign") == []
    assert act(client, "drop_collection", name="Campaign").status_code == 303
    assert client.get("/collections.json").json()["collections"] == []


def test_a_file_is_brought_thrown_away_restored_and_erased(
    gateway: Gateway, client: httpx.Client, made: list[str]
) -> None:
    content = gateway.run(gateway.studio.library.content("rivals", made[2])).content
    form = {"token": token_in(client.get("/library").text), "title": "Brought"}
    added = client.post(ADDING.path, data=form, files={"file": ("photo.png", content, "image/png")})
    id = added.headers["location"].rsplit("/", 1)[1]
    assert "brought, so nothing" in client.get(f"/library/{id}").text
    for action, where in (("trash_asset", "trashed"), ("restore_asset", "kept"), ("trash_asset", "trashed")):
        assert act(client, action, id=id).status_code == 303
        assert found(client, standing=where)[:1] == [id]
    assert act(client, "erase_asset", id=id, reason="not ours").status_code == 303
    assert "It was erased on" in client.get(f"/library/{id}").text
    assert client.get(f"/files/{id}").status_code == 410
    assert act(client, "restore_asset", id=id).status_code == 410
    none = client.post("/library", data={"token": form["token"]}, files={"other": ("a.txt", b"x", "text/plain")})
    assert none.status_code == 400


def test_a_reader_changes_nothing(gateway: Gateway, made: list[str]) -> None:
    with visitor(gateway, gateway.issue("acme", KeyTerms((KeyScope.READ,)))) as reader:
        assert '<form method="post" action="/library' not in reader.get(f"/library/{made[0]}").text
        for one in ACTIONS:
            assert post(reader, one.path.format(id=made[0]), name="x", collection="x").status_code == 403, one.name


def test_every_action_of_the_library_is_tried() -> None:
    """Each test above sends the forms of its part; together they leave out none."""
    tests = Path(__file__).read_text(encoding="utf-8")
    assert [one.name for one in ACTIONS if f'"{one.name}"' not in tests] == []


def test_somebody_finds_a_picture_by_a_word_and_what_it_cost(
    chromium: Browser, gateway: Gateway, made: list[str]
) -> None:
    with person(chromium, gateway.url, PHONE) as one:
        one.log_in(gateway.secret, "/library")
        assert one.fits()
        one.tab.fill("#search", "dawn")
        one.tab.keyboard.press("Enter")
        one.tab.wait_for_url("**/library?text=dawn")
        one.tab.locator(".thumbs a").first.click()
        one.tab.wait_for_url(f"**/library/{made[0]}")
        assert one.tab.inner_text("#price-paid") == "0.01USD"
        assert one.tab.evaluate("document.querySelector('.seen img').naturalWidth") == SMALL["width"]
        assert one.fits()
        one.check()
