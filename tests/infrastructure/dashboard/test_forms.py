"""Forms as people fill them in, in a real browser: found on their page, opened, filled, confirmed, sent, and seen done.

    page ── the form of an action ── its part opened ── fields ── button ── "are you sure" ── what the page says then

One browser and one service for all of them; whatever a page complains of on the way fails the walk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from application.library.records import AssetQuery
from domain.keys import STUDIO, KeyScope, KeyTerms
from domain.money import Money
from infrastructure.dashboard.pages import ACTIONS
from tests.application.studios import studio_on
from tests.infrastructure.dashboard.browsing import Person, person
from tests.infrastructure.gateway.gateways import ADMIN, Gateway, before, gateway_on
from tests.wire.fake.server import Fake

MODEL = "scripted-image"
CHEAPER = f'[[price]]\nmodel = "{MODEL}"\nrate = "0.02"\n'
PATHS = {one.name: one.path for one in ACTIONS}


@dataclass(frozen=True)
class Step:
    """A form on a page, what is filled in, and what the page that follows says; addresses name parts of the ledger."""

    action: str
    page: str
    fields: Mapping[str, str | bool] = field(default_factory=dict)
    says: str = ""


OF_ACCOUNT = (
    Step("set_alert", "/alerts", {"at": "50%, 2.50", "measure": "spend"}, "50%, 2.50"),
    Step("remove_alert", "/alerts", {}, "No alert is set."),
    Step("add_webhook", "/webhooks", {"url": "https://shop.example/hooks"}, "shown once"),
    Step("test_webhook", "/webhooks/{hook}", {}, "The address did not take it."),
    Step("pause_webhook", "/webhooks/{hook}", {}, "paused"),
    Step("pause_webhook", "/webhooks/{hook}", {}, "live"),
    Step("rotate_webhook", "/webhooks/{hook}", {}, "shown once"),
    Step("replay_webhook", "/webhooks/{hook}", {}, "Messages"),
    Step("remove_webhook", "/webhooks/{hook}", {}, "Webhooks"),
    Step("limit_key", "/keys/{key}", {"limit": "2.50", "reason": "a trial"}, "2.50"),
    Step("revoke_key", "/keys/{key}", {"reason": "lost"}, "revoked"),
    Step("make_collection", "/collections", {"name": "spring", "description": "what blooms"}, "what blooms"),
    Step("describe_asset", "/library/{asset}", {"title": "A lake", "tags": "blue, calm"}, "A lake"),
    Step("collect_asset", "/library/{asset}", {"collection": "spring"}, "spring"),
    Step("favour_asset", "/library/{asset}", {}, "Favourite"),
    Step("trash_asset", "/library/{asset}", {}, "trash"),
    Step("restore_asset", "/library/{asset}", {}, "Put it into the trash"),
    Step("drop_collection", "/collections", {"name": "spring"}, "No collection was made yet."),
)
OF_STUDIO = (
    Step("open_account", "/accounts", {"id": "newcomer", "plan": "free", "zone": "Europe/Berlin"}, "newcomer"),
    Step("change_limit", "/limits?account=acme", {"measure": "spend", "limit": "12.50", "reason": "a bound"}, "12.50"),
    Step("change_plan", "/limits?account=acme", {"plan": "basic", "reason": "smaller"}, "basic"),
    Step("change_standing", "/limits?account=acme", {"reason": "unpaid"}, "suspended"),
    Step("change_standing", "/limits?account=acme", {"reason": "paid"}, "open"),
    Step("add_credit", "/wallet?account=coin", {"amount": "20", "key": "order-1", "reason": "paid"}, "21.00"),
    Step("grant_credit", "/wallet?account=coin", {"amount": "5", "reference": "welcome"}, "welcome"),
    Step("revoke_grant", "/wallet?account=coin", {"reason": "abuse"}, "Nothing is granted now."),
    Step("charge_back", "/wallet?account=coin", {"payment": "order-1", "amount": "20", "reason": "stolen"}, "0.00"),
    Step("goodwill", "/statements/{period}?account=acme", {"amount": "0.01", "reason": "sorry"}, "Statements"),
    Step("check_providers", "/providers", {}, "What the providers answered"),
    Step("record_invoice", "/providers/scripted", {"number": "R-1", "month": "2026-10", "amount": "9"}, "9.00"),
    Step("settle_month", "/providers/scripted/months/2026-10", {"reason": "we take it"}, "9.00"),
    Step("void_invoice", "/providers/scripted", {"number": "R-1", "reason": "a typo"}, "No invoice was recorded."),
    Step("run_audit", "/audit", {}, "Everything agrees with the log."),
    Step("take_seal", "/audit", {}, "Audit and seals"),
    Step("recover", "/queues", {}, "Queue"),
    Step("reprice", "/what-if", {"book": CHEAPER, "since": "2020-01-01", "of": "acme"}, "Nothing is booked yet."),
)


@pytest.fixture(scope="module")
def gateway(fake: Fake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    home = tmp_path_factory.mktemp("studio")
    url = f"sqlite:///{home / 'ledger.db'}"
    with ThreadPoolExecutor(1) as apart:  # the browser has a loop in this one
        apart.submit(lambda: asyncio.run(_before(url, home))).result()
    with gateway_on(url, home, **before(fake)) as running:
        yield running


async def _before(url: str, home: Path) -> None:
    async with studio_on(url, home) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.open("coin", plan="basic", prepaid=True)
        await studio.accounts.add_credit("coin", Money.parse("1", "USD"), "first")
        await studio.operations.generate("a lake", account="acme", model=MODEL, user="ann")


def parts_of(gateway: Gateway) -> dict[str, str]:
    """The ids that addresses name, as the ledger has them now."""
    studio = gateway.studio
    hooks = gateway.run(studio.webhooks.list("acme"))
    return {
        "hook": hooks[0].id if hooks else "",
        "key": gateway.run(studio.keys.list("acme"))[0].id,
        "asset": gateway.run(studio.library.list("acme", AssetQuery(standing=None))).assets[0].id,
        "period": gateway.run(studio.statements.periods("acme"))[-1].name,
    }


def walk(one: Person, gateway: Gateway, steps: tuple[Step, ...]) -> None:
    """Each form in turn."""
    one.tab.on("dialog", lambda dialog: dialog.accept())
    for step in steps:
        one.go(step.page.format_map(parts_of(gateway)))
        form = form_of(one, step.action)
        summary = form.locator("xpath=ancestor::details[not(@open)][1]/summary")
        if summary.count():
            summary.click()
        for name, value in step.fields.items():
            fill(form.locator(f"[name='{name}']").first, value)
        one.send(form.locator("button[type=submit], button:not([type])").first)
        expect(one.tab.locator("main")).to_contain_text(step.says)
        assert "That did not work" not in one.text, (step.action, one.text)
        assert not one.complaints, (step.action, one.complaints)


def form_of(one: Person, action: str) -> Locator:
    """The form on the page that is sent to an action; parts of its address may be anything."""
    begins, _, rest = PATHS[action].partition("{")
    ends = rest.rpartition("}")[2]
    found = one.tab.locator(f"form[method='post'][action^='{begins}']")
    if not ends:
        return found.first
    return found.and_(one.tab.locator(f"form[action*='{ends}']")).first


def fill(control: Locator, value: str | bool) -> None:
    """By whatever it is."""
    kind = control.evaluate("one => one.tagName")
    if isinstance(value, bool):
        control.set_checked(value)
    elif kind == "SELECT":
        control.select_option(value)
    else:
        control.fill(value)


def test_every_form_is_filled_in_and_sent(chromium: Browser, gateway: Gateway) -> None:
    own, studio = gateway.issue("acme", ADMIN), gateway.issue(STUDIO, KeyTerms((KeyScope.ADMIN,)))
    with person(chromium, gateway.url) as one:
        one.log_in(own)
        walk(one, gateway, OF_ACCOUNT)
    with person(chromium, gateway.url) as one:
        one.log_in(studio)
        walk(one, gateway, OF_STUDIO)


def test_each_form_is_walked_here_or_in_a_story() -> None:
    """The stories are in test_working.py, test_databases.py and test_library.py."""
    in_stories = {"price", "make", "refund", "issue_key", "close_period", "issue_statement", "void_statement"}
    in_stories |= {"cancel", "approve", "price_batch", "make_batch"}
    by_http = {"add_asset", "erase_asset", "correct_costs"}
    assert {one.action for one in (*OF_ACCOUNT, *OF_STUDIO)} | in_stories | by_http == PATHS.keys()
