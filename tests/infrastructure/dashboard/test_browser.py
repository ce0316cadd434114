"""People at a real browser: they log in and out, read, choose, and use the keyboard alone, in light and in dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from domain.keys import STUDIO, KeyScope, KeyTerms
from infrastructure.dashboard.pages import PAGES
from tests.infrastructure.dashboard.browsing import PHONE, WIDE, person
from tests.infrastructure.gateway.gateways import ADMIN, Gateway

MODEL = "scripted-image"


@pytest.fixture(scope="module")
def operation(gateway: Gateway) -> str:
    gateway.run(gateway.studio.accounts.open("rivals", plan="pro"))
    gateway.run(gateway.studio.operations.generate("their wish", account="rivals", model=MODEL, user="rival-ann"))
    made = gateway.run(gateway.studio.operations.generate("a lake", account="acme", model=MODEL, user="ann"))
    return str(made.operation)


def test_somebody_logs_in_reads_and_logs_out(chromium: Browser, gateway: Gateway, operation: str) -> None:
    with person(chromium, gateway) as one:
        one.go("/operations")
        one.check()
        one.log_in("isk_wrong", "/operations")
        assert "That key opens nothing" in one.text
        one.complaints.clear()  # the browser itself tells that the answer was 401
        one.log_in(gateway.secret, "/operations")
        assert one.tab.url.endswith("/operations")
        one.tab.click(f"a[href='/operations/{operation}']")
        assert "0.04 USD was charged for 1 of 1 outputs." in one.text
        assert "rival-ann" not in one.text
        one.check()
        one.tab.click("text=Log out")
        one.go("/operations")
        assert "/login" in one.tab.url
        one.check()


def test_a_table_is_filtered_by_its_form(chromium: Browser, gateway: Gateway, operation: str) -> None:
    with person(chromium, gateway) as one:
        one.log_in(gateway.secret, "/operations")
        one.tab.click("text=Filter")
        one.tab.select_option("#filter-state", "rejected")
        one.tab.click("button:has-text('Show')")
        assert "Nothing is like that." in one.text
        one.check()
        one.tab.click("a[aria-label='without State']")
        assert one.tab.locator("tbody tr").count() == 1


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", WIDE), ("dark", PHONE), ("dark", WIDE)], ids=["light", "dark phone", "dark"]
)
def test_every_page_can_be_read_by_everybody(
    chromium: Browser, gateway: Gateway, operation: str, scheme: str, size: tuple[int, int]
) -> None:
    """Nothing serious, no complaint and nothing wider than the window, whichever of the two it is."""
    ways = {"id": operation}
    for secret in (gateway.issue("acme", ADMIN), gateway.issue(STUDIO, KeyTerms((KeyScope.ADMIN,)))):
        with person(chromium, gateway, size, "dark" if scheme == "dark" else "light") as one:
            one.log_in(secret)
            for page in PAGES:
                one.go(page.path.format_map(ways) + "?account=acme")
                if one.complaints and "403" in one.complaints[0]:
                    one.complaints.clear()
                one.check()
                assert one.fits(), one.tab.url


def test_the_theme_is_switched_and_remembered(chromium: Browser, gateway: Gateway, operation: str) -> None:
    with person(chromium, gateway) as one:
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
    with person(chromium, gateway) as one:
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
