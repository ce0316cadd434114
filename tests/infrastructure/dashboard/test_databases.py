"""Every page on either database: as HTML, as JSON and, if it is a table, as CSV of the same rows; a period closed."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from domain.keys import STUDIO, KeyScope, KeyTerms
from infrastructure.clock import SECOND, now
from infrastructure.dashboard.page import MeantFor, WebPage
from infrastructure.dashboard.pages import PAGES
from tests.application.studios import studio_on
from tests.conftest import DATABASES
from tests.infrastructure.dashboard.browsing import person
from tests.infrastructure.dashboard.visitors import visitor
from tests.infrastructure.gateway.gateways import ADMIN, Gateway, before, gateway_on
from tests.postgres import fresh_database
from tests.wire.fake.server import Fake

MODEL = "scripted-image"
MONTH = 40 * 24 * 60 * 60 * SECOND
ZONE = "Europe/Berlin"


@pytest.fixture(scope="module", params=DATABASES)
def gateway(request: pytest.FixtureRequest, fake: Fake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """With an account that has a period that is over, in a zone that is never UTC."""
    home = tmp_path_factory.mktemp("studio")
    if request.param == "sqlite":
        yield from _running(f"sqlite:///{home / 'ledger.db'}", home, fake)
        return
    server, template = (request.getfixturevalue(f"postgres_{name}") for name in ("server", "template"))
    with fresh_database(server, template=template) as url:
        yield from _running(url, home, fake)


def _running(url: str, home: Path, fake: Fake) -> Iterator[Gateway]:
    with ThreadPoolExecutor(1) as apart:  # the browser has a loop in this one
        apart.submit(lambda: asyncio.run(_before(url, home))).result()
    with gateway_on(url, home, **before(fake)) as running:
        yield running


async def _before(url: str, home: Path) -> None:
    async with studio_on(url, home, clock=lambda: now() - MONTH) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.change_time_zone("acme", ZONE)
        await studio.operations.generate("a month ago", account="acme", model=MODEL, user="ann", key="batch:spring/1")
        await studio.webhooks.add("acme", "https://shop.example/hooks")


def address_of(page: WebPage, gateway: Gateway, form: str = "") -> str:
    """Where the page is, of something that there is."""
    studio = gateway.studio
    if page.name == "key":
        id = gateway.run(studio.keys.list("acme"))[0].id
    elif page.name == "webhook":
        id = gateway.run(studio.webhooks.list("acme"))[0].id
    elif page.name == "asset":
        id = gateway.run(studio.library.list("acme")).assets[0].id
    else:
        id = gateway.run(studio.library.list("acme")).assets[0].operation
    period = gateway.run(studio.statements.periods("acme"))[0].name
    parts = {"which": period, "period": period, "provider": "scripted", "month": "2026-11", "name": "spring"}
    path = f"{page.base}{form}" if form else page.path
    account = "" if page.meant is MeantFor.STUDIO else "?account=acme"
    return path.format(id=id, **parts) + account


def rows_of(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_page_is_html_json_and_csv_of_the_same_rows(gateway: Gateway) -> None:
    with visitor(gateway, gateway.administrator()) as studio, visitor(gateway, gateway.issue("acme", ADMIN)) as admin:
        for page in PAGES:
            client = admin if page.scope is KeyScope.OPERATE else studio
            html = client.get(address_of(page, gateway))
            assert html.status_code == 200, (page.name, html.text)
            told = client.get(address_of(page, gateway, ".json")).json()
            assert html.headers["x-imagestudio-position"] == str(told["position"]), page.name
            if page.rows:
                found = client.get(f"{address_of(page, gateway, '.csv')}")
                rows = rows_of(found.text)
                assert "next" in told or len(rows) == len(told[page.rows]), page.name
            if page.meant is not MeantFor.STUDIO:
                assert f"All times are of {ZONE}." in html.text, page.name


def test_a_period_is_closed_and_billed_after_its_preview(chromium: Browser, gateway: Gateway) -> None:
    period = gateway.run(gateway.studio.statements.periods("acme"))[0].name
    with person(chromium, gateway.url) as one:
        one.log_in(gateway.issue(STUDIO, KeyTerms((KeyScope.ADMIN,))), f"/statements/{period}?account=acme")
        one.tab.click("text=Close and bill")
        expect(one.tab.locator("#total")).to_contain_text("0.04")
        one.check()
        one.tab.once("dialog", lambda dialog: dialog.dismiss())
        one.tab.click("text=Close it and issue the statement")
        expect(one.tab.locator("h1")).to_have_text(f"Close {period}")
        one.tab.once("dialog", lambda dialog: dialog.accept())
        one.tab.click("text=Close it and issue the statement")
        expect(one.tab.locator("h1")).to_have_text("Statement acme-0001")
        one.tab.fill("#void-reason", "a typo")
        one.tab.once("dialog", lambda dialog: dialog.accept())
        one.tab.click("text=Void it")
        expect(one.tab.locator("main")).to_contain_text(
            re.compile(r"It holds no more: voided on .* by key:.*: a typo\.")
        )
        one.check()
