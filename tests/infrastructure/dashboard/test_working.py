"""People work at a real browser: from nothing to a statement, with prices before buttons, files, limits and refunds."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from domain.keys import STUDIO, KeyScope, KeyTerms
from tests.infrastructure.dashboard.browsing import person
from tests.infrastructure.dashboard.visitors import visitor
from tests.infrastructure.gateway.gateways import ADMIN, OPERATE, Gateway
from tests.infrastructure.gateway.test_serve import serving

SLOW = 30_000
"""Milliseconds that a picture painted on a busy machine may take."""


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    file = tmp_path / "lake.png"
    content = io.BytesIO()
    Image.new("RGB", (96, 64), "#1177aa").save(content, "PNG")
    file.write_bytes(content.getvalue())
    return file


def test_from_nothing_to_the_first_picture_and_its_statement(chromium: Browser, tmp_path: Path) -> None:
    """A service on an empty database, without a provider's key: its own first keys, and models of this machine."""
    with serving(tmp_path) as (said, _), person(chromium, said["url"]) as one:
        one.log_in(said["first_keys"]["operator"])
        one.check()
        one.tab.click("text=Make the first picture")
        expect(one.tab.locator("#exact")).to_have_text("0.01USD")
        expect(one.tab.locator("#price")).to_contain_text("99 left afterwards, of 100 now")
        one.check()
        one.tab.click("#price button")
        expect(one.tab.locator("#live")).to_contain_text("0.01 USD was charged for 1 of 1 output.", timeout=SLOW)
        expect(one.tab.locator(".thumbs img").first).to_have_js_property("complete", True)
        one.check()
        one.tab.click("nav >> text=Statements")
        one.tab.click("tbody a >> nth=0")
        expect(one.tab.locator("#total")).to_contain_text("0.01")
        one.tab.click("tbody a >> nth=0")
        assert "/operations?" in one.tab.url
        assert one.tab.locator("tbody tr").count() == 1
        one.check()


def test_a_picture_is_brought_and_enlarged(chromium: Browser, gateway: Gateway, picture: Path) -> None:
    with person(chromium, gateway.url) as one:
        one.log_in(gateway.issue("acme", OPERATE), "/create?service=upscale&model=local-upscale")
        expect(one.tab.locator("#price")).to_contain_text("choose a file")
        one.tab.set_input_files("#make-image", picture)
        one.tab.click("#price button")
        expect(one.tab.locator("#live")).to_contain_text("was charged for 1 of 1 output.", timeout=SLOW)
        assert one.tab.locator(".thumbs img").count() == 2
        one.check()


def test_a_picture_is_edited_in_words(chromium: Browser, gateway: Gateway, picture: Path) -> None:
    with person(chromium, gateway.url) as one:
        one.log_in(gateway.issue("acme", OPERATE), "/create?service=edit&model=scripted-edit&allow=test")
        one.tab.set_input_files("#make-image", picture)
        one.tab.fill("#make-prompt", "at night")
        expect(one.tab.locator("#exact")).to_have_text("0.04USD")
        one.tab.click("#price button")
        expect(one.tab.locator("#live")).to_contain_text("0.04 USD was charged for 1 of 1 output.", timeout=SLOW)
        expect(one.tab.locator("dl.figures")).to_contain_text("image-edit")
        one.check()


def test_wishes_are_made_together_at_the_price_of_all(chromium: Browser, gateway: Gateway) -> None:
    with person(chromium, gateway.url) as one:
        one.log_in(gateway.issue("acme", OPERATE), "/create")
        one.tab.click(".tabs >> text=Batch")
        one.tab.fill("#make-prompts", "a lake\n\na fox\na mill")
        one.tab.fill("#make-model", "scripted-image")
        one.tab.check("input[name='allow.test']")
        expect(one.tab.locator("#exact")).to_have_text("0.12USD")
        one.check()
        one.tab.click("#price button")
        one.tab.wait_for_url("**/batch/*")
        expect(one.tab.locator("#total")).to_have_text("0.12USD", timeout=SLOW)
        assert one.tab.locator("tbody tr").count() == 3
        one.check()


def test_what_runs_is_cancelled_and_what_was_held_is_free(chromium: Browser, gateway: Gateway) -> None:
    with gateway.client() as api, person(chromium, gateway.url) as one:
        inputs = {"prompt": "a lake", "outcome": "never"}
        asked = {"kind": "text-to-image", "inputs": inputs, "model": "scripted-findable"}
        begun = api.post("/v1/operations", json=asked).json()["operation"]
        one.log_in(gateway.secret, f"/operations/{begun}")
        expect(one.tab.locator("#live")).to_contain_text("At the provider", timeout=SLOW)
        one.tab.once("dialog", lambda dialog: dialog.dismiss())
        one.tab.click("button:has-text('Cancel')")
        assert api.get(f"/v1/operations/{begun}").json()["status"] == "submitted"
        one.tab.once("dialog", lambda dialog: dialog.accept())
        one.tab.click("button:has-text('Cancel')")
        expect(one.tab.locator("dl.figures")).to_contain_text("released")
        expect(one.tab.locator("#live")).to_contain_text("cancelled")
        one.check()
        one.go("/holds")
        assert begun not in one.tab.content()


def test_what_a_key_may_not_spend_by_itself_is_approved_by_another(chromium: Browser, gateway: Gateway) -> None:
    """The form stays while it waits: the same button goes through once a person agreed."""
    asking = gateway.issue("acme", KeyTerms((KeyScope.OPERATE,), approve_above=10_000))
    with person(chromium, gateway.url) as asker, person(chromium, gateway.url) as boss:
        asker.log_in(asking, "/create?prompt=a+lake&model=scripted-image&allow=test")
        expect(asker.tab.locator("#price")).to_contain_text("a person has to approve it first")
        asker.tab.click("#price button")
        expect(asker.tab.locator("[role=alert]")).to_be_visible()
        asker.refused()
        asker.check()
        boss.log_in(gateway.issue("acme", OPERATE), "/approvals")
        assert boss.tab.locator("tbody tr").count() == 1
        assert boss.tab.locator("main form[method=post]").count() == 0, "who may spend may not approve"
        boss.tab.click("text=Log out")
        boss.log_in(gateway.issue("acme", ADMIN), "/approvals")
        boss.tab.fill("main form[method=post] input[name=reason]", "go on")
        boss.tab.click("main form[method=post] button")
        expect(boss.tab.locator("main form[method=post]")).to_have_count(0)
        boss.check()
        asker.tab.click("#price button")
        asker.tab.wait_for_url("**/operations/*")
        expect(asker.tab.locator("#live")).to_contain_text("0.04 USD was charged for 1 of 1 output.", timeout=SLOW)
        asker.check()


def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(chromium: Browser, gateway: Gateway) -> None:
    with person(chromium, gateway.url) as one:
        one.log_in(gateway.issue("acme", ADMIN), "/keys")
        one.tab.click("summary:has-text('Issue a key')")
        one.tab.fill("#key-name", "web shop")
        one.tab.fill("#key-limit", "a lot")
        one.tab.click("form button:has-text('Issue a key')")
        expect(one.tab.locator("#key-limit + [role=alert]")).to_contain_text("'a lot'")
        expect(one.tab.locator("#key-limit")).to_be_focused()
        one.refused()
        one.check()
        assert one.tab.input_value("#key-name") == "web shop"
        one.tab.fill("#key-limit", "2.50")
        one.tab.keyboard.press("Enter")
        expect(one.tab.locator("#secret")).to_be_focused()
        one.check()
        one.tab.go_back()
        expect(one.tab.locator("table")).to_contain_text("web shop")


def test_a_limit_refuses_before_the_button_and_a_refusal_is_explained(chromium: Browser, gateway: Gateway) -> None:
    gateway.run(gateway.studio.accounts.open("small", plan="free"))
    gateway.run(gateway.studio.accounts.change_limit("small", "spend", 10_000))
    secret = gateway.issue("small", KeyTerms((KeyScope.OPERATE, KeyScope.ADMIN)))
    with person(chromium, gateway.url) as one:
        one.log_in(secret, "/create?prompt=a+lake&model=scripted-image&allow=test")
        expect(one.tab.locator("#price")).to_contain_text("It would be refused now")
        assert one.tab.locator("#price button").count() == 0
        one.check()
    with gateway.client(secret) as api:
        asked = {"kind": "text-to-image", "inputs": {"prompt": "a lake"}, "model": "scripted-image"}
        assert api.post("/v1/operations", json=asked).status_code == 402
    with person(chromium, gateway.url) as one:
        one.log_in(secret, "/refusals")
        expect(one.tab.locator("main")).to_contain_text("0.01 USD")
        one.check()


def test_the_studio_gives_a_charge_back_and_hands_the_statement_on(
    chromium: Browser, gateway: Gateway, tmp_path: Path
) -> None:
    made = gateway.run(gateway.studio.operations.generate("a lake", account="acme", model="scripted-image"))
    period = gateway.run(gateway.studio.statements.periods("acme"))[-1].name
    with person(chromium, gateway.url) as one:
        one.log_in(gateway.issue(STUDIO, KeyTerms((KeyScope.ADMIN,))), f"/operations/{made.operation}?account=acme")
        one.tab.fill("#refund-amount", "0.01")
        one.tab.fill("#refund-reason", "a smudge")
        one.tab.once("dialog", lambda dialog: dialog.accept())
        one.tab.click("button:has-text('Give it back')")
        expect(one.tab.locator("#live")).to_contain_text(
            "0.03 USD is charged for 1 of 1 output, with a correction of -0.01 USD."
        )
        one.check()
        one.go(f"/statements/{period}?account=acme")
        expect(one.tab.locator("main")).to_contain_text("a smudge")
        with one.tab.expect_download() as download:
            one.tab.click("text=PDF")
        file = tmp_path / "statement.pdf"
        download.value.save_as(file)
        assert file.read_bytes().startswith(b"%PDF")
        one.check()


def test_a_secret_is_shown_once_and_logs_in(chromium: Browser, gateway: Gateway) -> None:
    with person(chromium, gateway.url) as one:
        one.log_in(gateway.issue("acme", ADMIN), "/keys")
        one.tab.click("summary:has-text('Issue a key')")
        one.tab.fill("#key-name", "web shop")
        one.tab.click("form button:has-text('Issue a key')")
        secret = one.tab.input_value("#secret")
        one.check()
        one.tab.click("text=I have kept it")
        expect(one.tab.locator("table")).to_contain_text("web shop")
        assert secret not in one.tab.content()
    with visitor(gateway, secret) as client:
        assert client.get("/").status_code == 200


def test_two_tenants_in_two_windows_see_their_own(chromium: Browser, gateway: Gateway) -> None:
    gateway.run(gateway.studio.accounts.open("rivals", plan="pro"))
    made = gateway.run(gateway.studio.operations.generate("theirs", account="rivals", model="scripted-image"))
    with person(chromium, gateway.url) as ours, person(chromium, gateway.url) as theirs:
        ours.log_in(gateway.issue("acme", ADMIN))
        theirs.log_in(gateway.issue("rivals", ADMIN), "/operations")
        assert made.operation in theirs.tab.content()
        ours.go("/operations")
        assert made.operation not in ours.tab.content()
        ours.go(f"/operations/{made.operation}")
        assert "no operation" in ours.text
        assert re.search(r"Status 404", ours.text)
        theirs.check()


def test_a_page_of_a_running_operation_follows_it_to_its_end(chromium: Browser, gateway: Gateway) -> None:
    with gateway.client() as api, person(chromium, gateway.url) as one:
        asked = {"kind": "text-to-video", "inputs": {"prompt": "waves"}, "model": "wan-2.6-t2v"}
        begun = api.post("/v1/operations", json=asked).json()["operation"]
        one.log_in(gateway.secret, f"/operations/{begun}")
        expect(one.tab.locator("#live")).to_contain_text("was charged for 1 of 1 output.", timeout=SLOW)
        end = gateway.studio.log.reader.end()
        expect(one.tab.locator("#position")).to_have_text(f"The log up to position {end:,}")
        one.check()
