"""People at a real browser: they log in and out, read, choose, and use the keyboard alone, in light and in dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from domain.keys import STUDIO, KeyScope, KeyTerms
from infrastructure.dashboard.page import MeantFor
from infrastructure.dashboard.pages import PAGES
from tests.infrastructure.dashboard.browsing import CONTRAST, PHONE, person
from tests.infrastructure.gateway.gateways import ADMIN, Gateway

MODEL = "scripted-image"


@pytest.fixture(scope="module")
def operation(gateway: Gateway) -> str:
    gateway.run(gateway.studio.accounts.open("rivals", plan="pro"))
    gateway.run(gateway.studio.operations.generate("their wish", account="rivals", model=MODEL, user="rival-ann"))
    made = gateway.run(gateway.studio.operations.generate("a lake", account="acme", model=MODEL, user="ann"))
    return str(made.operation)


def test_somebody_logs_in_reads_and_logs_out(chromium: Browser, gateway: Gateway, operation: str) -> None:
    with person(chromium, gateway.url) as one:
        one.go("/operations")
        one.check()
        one.log_in("isk_wrong", "/operations")
        assert "That key opens nothing" in one.text
        one.complaints.clear()  # the browser itself tells that the answer was 401
        one.log_in(gateway.secret, "/operations")
        assert one.tab.url.endswith("/operations")
        one.tab.click(f"a[href='/operations/{operation}']")
        assert "0.04 USD was charged for 1 of 1 output." in one.text
        assert "rival-ann" not in one.text
        one.check()
        one.tab.click("text=Log out")
        one.go("/operations")
        assert "/login" in one.tab.url
        one.check()


def test_a_table_is_filtered_by_its_form(chromium: Browser, gateway: Gateway, operation: str) -> None:
    with person(chromium, gateway.url) as one:
        one.log_in(gateway.secret, "/operations")
        one.tab.click("text=Filter")
        one.tab.select_option("#filter-state", "rejected")
        one.tab.click("button:has-text('Show')")
        assert "Nothing is like that." in one.text
        one.check()
        one.tab.click("a[aria-label='without State']")
        assert one.tab.locator("tbody tr").count() == 1


@pytest.fixture(scope="module")
def addresses(gateway: Gateway, operation: str) -> dict[str, list[str]]:
    """Of every page one address, by the role that sees it: an account's administrator, or the studio's."""
    keys = gateway.run(gateway.studio.keys.list("acme"))
    hook = gateway.run(gateway.studio.webhooks.add("acme", "https://shop.example/hooks")).webhook.id
    period = gateway.run(gateway.studio.statements.periods("acme"))[0].name
    asset = gateway.run(gateway.studio.library.list("acme")).assets[0].id
    gateway.run(gateway.studio.operations.generate("a lake", account="acme", model=MODEL, key="batch:spring/1"))
    parts = {"which": period, "period": period, "provider": "scripted", "month": "2026-11", "name": "spring"}
    ids = {"operation": operation, "why": operation, "asset": asset, "key": keys[0].id, "webhook": hook}
    found: dict[str, list[str]] = {"acme": [], STUDIO: []}
    for page in PAGES:
        account = STUDIO if page.meant in (MeantFor.STUDIO, MeantFor.FOR_ACCOUNT) else "acme"
        address = page.path.format(id=ids.get(page.name), **parts)
        found[account].append(f"{address}?account=acme" if page.meant is MeantFor.FOR_ACCOUNT else address)
    return found


@pytest.mark.parametrize("account", ["acme", STUDIO])
def test_every_page_can_be_read_by_everybody(
    chromium: Browser, gateway: Gateway, addresses: dict[str, list[str]], account: str
) -> None:
    """Nothing serious and no complaint, in light; what is seen in the dark can be told apart."""
    secret = gateway.issue(account, ADMIN if account == "acme" else KeyTerms((KeyScope.ADMIN,)))
    with person(chromium, gateway.url) as one:
        one.log_in(secret)
        for address in addresses[account]:
            one.tab.emulate_media(color_scheme="light")
            one.go(address)
            one.check()
            one.tab.emulate_media(color_scheme="dark")
            one.check(CONTRAST)


@pytest.mark.parametrize("account", ["acme", STUDIO])
def test_every_page_fits_on_a_phone(
    chromium: Browser, gateway: Gateway, addresses: dict[str, list[str]], account: str
) -> None:
    secret = gateway.issue(account, ADMIN if account == "acme" else KeyTerms((KeyScope.ADMIN,)))
    with person(chromium, gateway.url, PHONE) as one:
        one.log_in(secret)
        for address in addresses[account]:
            one.go(address)
            assert one.fits(), address


def test_the_theme_is_switched_and_remembered(chromium: Browser, gateway: Gateway, operation: str) -> None:
    with person(chromium, gateway.url) as one:
        one.log_in(gateway.secret)
        paper = "getComputedStyle(document.body).backgroundColor"
        light = one.tab.evaluate(paper)
        one.tab.click("[data-theme-switch]")
        dark = one.tab.evaluate(paper)
        assert dark != light
        assert one.tab.get_attribute("[data-theme-switch]", "aria-pressed") == "true"
        one.go("/operations")
        assert one.tab.evaluate(paper) == dark
        one.check()


def test_the_keyboard_is_enough(chromium: Browser, gateway: Gateway, operation: str) -> None:
    with person(chromium, gateway.url) as one:
        one.go("/")
        one.tab.keyboard.type(gateway.secret)
        one.tab.keyboard.press("Enter")
        one.tab.wait_for_url(f"{gateway.url}/")
        one.tab.keyboard.press("Tab")
        assert one.tab.evaluate("document.activeElement.textContent") == "To the content"
        one.tab.keyboard.press("Enter")
        for _ in range(40):
            one.tab.keyboard.press("Tab")
            if one.tab.evaluate("document.activeElement.getAttribute('href')") == f"/operations/{operation}":
                break
        one.tab.keyboard.press("Enter")
        one.tab.wait_for_url(f"**/operations/{operation}")
        assert one.tab.title().startswith("Operation")
