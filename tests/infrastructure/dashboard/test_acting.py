"""Deeds at pages: the form of every action is sent, and its fact names the key that did it, or it is refused."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from application.ledger.reader import LogFilter
from domain.alerts import ALERT_MEASURES, COST, FAILED, FAILURE_RATE
from domain.keys import STUDIO, KeyScope, KeyTerms
from domain.money import Money
from infrastructure.clock import SECOND, now
from infrastructure.dashboard.cells import shown_value
from infrastructure.dashboard.pages import ACTIONS, library
from infrastructure.showing.formats import iso
from tests.application.studios import studio_on
from tests.infrastructure.dashboard.visitors import post, token_in, visitor
from tests.infrastructure.gateway.gateways import ADMIN, OPERATE, Gateway, before, gateway_on
from tests.wire.fake.server import Fake

MODEL = "scripted-image"
MONTH = 40 * 24 * 60 * 60 * SECOND
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
SECRET = re.compile(r'id="secret"[^>]* value="([^"]+)"')
MADE = {"service": "create", "prompt": "a lake at dawn", "model": MODEL, "n": "1", "allow.test": "yes"}
CHEAPER = f'[[price]]\nmodel = "{MODEL}"\nrate = "0.02"\n'


@pytest.fixture(scope="module")
def gateway(fake: Fake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """With an account that has a period that is over, and a prepaid one."""
    home = tmp_path_factory.mktemp("studio")
    url = f"sqlite:///{home / 'ledger.db'}"
    asyncio.run(_before(url, home))
    with gateway_on(url, home, **before(fake)) as running:
        yield running


async def _before(url: str, home: Path) -> None:
    async with studio_on(url, home, clock=lambda: now() - MONTH) as studio:
        await studio.accounts.open("acme", plan="pro")
        await studio.accounts.open("prepaid", plan="basic", prepaid=True)
        await studio.operations.generate("a month ago", account="acme", model=MODEL, user="ann")


@pytest.fixture(scope="module")
def studio(gateway: Gateway) -> Iterator[httpx.Client]:
    with visitor(gateway, gateway.administrator()) as client:
        yield client


@pytest.fixture(scope="module")
def admin(gateway: Gateway) -> Iterator[httpx.Client]:
    with visitor(gateway, gateway.issue("acme", ADMIN)) as client:
        yield client


def act(client: httpx.Client, action: str, account: str = "", **fields: Any) -> httpx.Response:
    """The answer to the action's form; fields of its address are filled in there."""
    [one] = [one for one in ACTIONS if one.name == action]
    address = one.path.format_map(fields)
    told = {name: value for name, value in fields.items() if f"{{{name}}}" not in one.path}
    return post(client, f"{address}?account={account}" if account else address, **told)


def facts(gateway: Gateway, account: str) -> list[tuple[str, str]]:
    """Names and actors of all facts of an account."""
    read = gateway.studio.log.reader.read(0, 10_000, LogFilter(account=account))
    return [(entry.link.topic, entry.link.actor) for entry in read]


def test_a_period_is_closed_billed_voided_and_given_back_from(gateway: Gateway, studio: httpx.Client) -> None:
    period = gateway.run(gateway.studio.statements.periods("acme"))[0].name
    preview = studio.get(f"/periods/{period}/closing?account=acme").text
    assert "Nothing counts in this period any more." in preview
    assert "0.04<" in preview
    closed = act(studio, "close_period", "acme", period=period)
    assert closed.headers["location"] == f"/statements/{period}?account=acme"
    assert "Its statement was not issued yet." in studio.get(f"/periods/{period}/closing?account=acme").text
    issued = act(studio, "issue_statement", "acme", period=period, reason="the month is over")
    assert issued.headers["location"] == "/statements/acme-0001?account=acme"
    page = studio.get(issued.headers["location"]).text
    assert "Statement acme-0001" in page
    [behind] = {unescape(one) for one in re.findall(r'href="(/operations\?[^"]+)">0\.04<', page)}
    assert studio.get(behind.replace("/operations?", "/operations.json?")).json()["operations"][0]["user"] == "ann"
    for format, kind in (("pdf", "application/pdf"), ("csv", "text/csv; charset=utf-8"), ("html", "text/html")):
        found = studio.get(f"/statements/acme-0001/file?format={format}&account=acme")
        assert found.headers["content-type"].startswith(kind.split(";")[0])
        assert found.headers["content-disposition"] == f'attachment; filename="acme-0001.{format}"'
    assert act(studio, "goodwill", "acme", period=period, amount="0.01", reason="sorry").status_code == 303
    assert act(studio, "void_statement", "acme", number="acme-0001").status_code == 400
    assert act(studio, "void_statement", "acme", number="acme-0001", reason="a typo").status_code == 303
    page = studio.get("/statements/acme-0001?account=acme").text
    assert re.search(r"It holds no more: voided on 2\d{3}-\d\d-\d\d by key:\S+: a typo\.", page)


def test_terms_are_changed_by_the_studio_alone(gateway: Gateway, studio: httpx.Client, admin: httpx.Client) -> None:
    for action, fields in (
        ("change_plan", {"plan": "basic", "reason": "a smaller one"}),
        ("change_limit", {"measure": "spend", "limit": "12.50"}),
        ("change_limit", {"measure": "images", "limit": "unlimited", "scope": "user:ann", "window": "day"}),
        ("change_standing", {"step": "suspend", "reason": "unpaid"}),
        ("change_standing", {"step": "resume", "reason": "paid"}),
    ):
        assert act(admin, action, **fields).status_code == 403
        assert act(studio, action, "acme", **fields).headers["location"] == "/limits?account=acme"
    assert act(studio, "change_limit", "acme", measure="images", limit="many").status_code == 400
    view = gateway.run(gateway.studio.accounts.show("acme"))
    assert (view.plan, view.limits["account"]["spend"], view.standing) == ("basic", 12_500_000, "open")
    act(studio, "add_credit", "prepaid", amount="20", key="order-1")
    act(studio, "add_credit", "prepaid", amount="20", key="order-1")
    assert gateway.run(gateway.studio.accounts.show("prepaid")).balance == Money.parse("20", "USD").micros
    opened = act(studio, "open_account", id="newcomer", plan="free")
    assert opened.headers["location"] == "/?account=newcomer"
    history = studio.get("/history.json?account=acme").json()["history"]
    assert history[0]["reason"] == "paid"
    assert {one["actor"].split(":")[0] for one in history} >= {"key", "operator"}


def test_a_key_is_issued_shown_once_bounded_and_revoked(gateway: Gateway, admin: httpx.Client) -> None:
    page = act(admin, "issue_key", name="shop", scopes="operate", limit="5", approve_above="1", per_minute="60")
    assert page.headers["cache-control"] == "no-store"
    found = SECRET.search(page.text)
    assert found is not None
    holder = gateway.run(gateway.studio.keys.known(found[1]))
    assert (holder.terms.scopes, holder.terms.per_minute) == ((KeyScope.OPERATE,), 60)
    assert found[1] not in admin.get("/keys").text + admin.get(f"/keys/{holder.key}").text
    assert act(admin, "limit_key", id=holder.key, limit="2.50").status_code == 303
    assert gateway.run(gateway.studio.keys.show("acme", holder.key)).limits["spend"] == 2_500_000
    assert act(admin, "revoke_key", id=holder.key, reason="lost").status_code == 303
    assert gateway.run(gateway.studio.keys.show("acme", holder.key)).standing == "revoked"
    assert act(admin, "issue_key", name="none").status_code == 400


def test_nobody_issues_more_than_they_may_themselves(gateway: Gateway) -> None:
    with visitor(gateway, gateway.issue("acme", KeyTerms((KeyScope.ADMIN,)))) as client:
        assert act(client, "issue_key", scopes="operate").status_code == 403
    with visitor(gateway, gateway.issue("acme", OPERATE)) as client:
        assert act(client, "issue_key", scopes="read").status_code == 403


def test_webhooks_are_added_tried_paused_and_removed(gateway: Gateway, admin: httpx.Client) -> None:
    page = act(admin, "add_webhook", url="https://shop.example/hooks", events="operation.charged")
    assert SECRET.search(page.text)
    hook = gateway.run(gateway.studio.webhooks.list("acme"))[0].id
    assert "The address did not take it." in act(admin, "test_webhook", id=hook).text
    assert SECRET.search(act(admin, "rotate_webhook", id=hook).text)
    assert act(admin, "pause_webhook", id=hook).status_code == 303
    assert "paused" in admin.get(f"/webhooks/{hook}").text
    assert act(admin, "pause_webhook", id=hook, resume="yes").status_code == 303
    assert act(admin, "replay_webhook", id=hook).status_code == 303
    assert act(admin, "remove_webhook", id=hook).headers["location"] == "/webhooks"


def test_something_is_made_at_the_price_that_was_shown(gateway: Gateway, admin: httpx.Client) -> None:
    page = act(admin, "price", **MADE)
    assert "Make it for 0.04 USD" in page.text
    hidden = dict(HIDDEN.findall(page.text))
    told = {**MADE, "quote": hidden["quote"], "key": hidden["key"]}
    assert act(admin, "make", **{**told, "prompt": "another lake"}).status_code == 400
    made = act(admin, "make", **told)
    id = made.headers["location"].rsplit("/", 1)[1]
    assert act(admin, "make", **told).headers["location"] == made.headers["location"], "sent twice, made once"
    result = gateway.run(gateway.studio.operations.wait(id, account="acme"))
    assert str(result.price) == "0.04 USD"
    name, actor = facts(gateway, "acme")[-1]
    assert name.startswith("operation.charged")
    assert actor.startswith("studio:")
    assert act(admin, "cancel", id=id).status_code == 409


def test_a_batch_is_made_at_the_price_of_all_its_lines(gateway: Gateway, admin: httpx.Client) -> None:
    told = {"name": "spring", "prompts": "a lake\n\na fox", "model": MODEL, "allow.test": "yes"}
    page = act(admin, "price_batch", **told)
    assert "Make 2 for 0.08 USD" in page.text
    quote = dict(HIDDEN.findall(page.text))["quote"]
    assert act(admin, "make_batch", **told, quote="none").status_code == 400
    assert act(admin, "make_batch", **{**told, "prompts": "a lake"}, quote=quote).status_code == 400
    made = act(admin, "make_batch", **told, quote=quote).headers["location"]
    assert act(admin, "make_batch", **told, quote=quote).headers["location"] == made == "/batch/spring"
    rows = admin.get(f"{made}.json").json()["operations"]
    for row in rows:
        gateway.run(gateway.studio.operations.wait(row["operation"], account="acme"))
    assert admin.get(f"{made}.json").json()["total"]["amount"] == "0.08"
    assert "batch_made" not in admin.get(made).text
    assert admin.get("/batch/none").status_code == 400
    assert "prompts: are empty" in act(admin, "price_batch", **{**told, "prompts": ""}).text


def test_what_would_pass_a_limit_or_is_wrong_is_said_instead_of_a_price(gateway: Gateway, admin: httpx.Client) -> None:
    gateway.run(gateway.studio.accounts.open("small", plan="free"))
    gateway.run(gateway.studio.accounts.change_limit("small", "spend", 10_000))
    with visitor(gateway, gateway.issue("small", OPERATE)) as client:
        page = act(client, "price", **MADE)
        assert "It would be refused now" in page.text
        assert 'name="quote"' not in page.text
    page = act(admin, "price", **{**MADE, "prompt": ""})
    assert "prompt: is empty" in page.text
    assert 'name="quote"' not in page.text


def test_what_a_key_may_not_spend_by_itself_is_approved_and_then_made(gateway: Gateway, admin: httpx.Client) -> None:
    secret = gateway.issue("acme", KeyTerms((KeyScope.OPERATE,), approve_above=10_000))
    with visitor(gateway, secret) as client:
        page = act(client, "price", **MADE)
        assert "a person has to approve it first" in page.text
        hidden = dict(HIDDEN.findall(page.text))
        told = {**MADE, "quote": hidden["quote"], "key": hidden["key"]}
        assert act(client, "make", **told).status_code == 403
        waiting = admin.get("/approvals.json").json()["approvals"][0]
        assert act(client, "approve", quote=waiting["quote"]).status_code == 403
        assert act(admin, "approve", quote=waiting["quote"], reason="go on").headers["location"] == "/approvals"
        assert act(client, "make", **told).status_code == 303


def test_the_studio_looks_after_itself(gateway: Gateway, studio: httpx.Client, admin: httpx.Client) -> None:
    assert "Everything agrees with the log." in act(studio, "run_audit").text
    assert act(studio, "take_seal").headers["location"] == "/audit"
    assert act(studio, "recover").headers["location"] == "/queues"
    assert "What the providers answered" in act(studio, "check_providers").text
    for action in ("run_audit", "take_seal", "recover", "check_providers"):
        assert act(admin, action).status_code == 403


def test_a_refund_is_given_on_the_operations_page(gateway: Gateway, studio: httpx.Client, admin: httpx.Client) -> None:
    made = gateway.run(gateway.studio.operations.generate("to refund", account="acme", model=MODEL))
    told = {"id": made.operation, "amount": "0.01", "reason": "a smudge", "reference": "smudge-1"}
    assert act(admin, "refund", **told).status_code == 403
    assert act(studio, "refund", "acme", **told).status_code == 303
    page = studio.get(f"/operations/{made.operation}?account=acme").text
    assert "0.03 USD is charged for 1 of 1 output, with a correction of -0.01 USD." in page


def test_credit_is_paid_in_granted_and_taken_back(gateway: Gateway, studio: httpx.Client, admin: httpx.Client) -> None:
    told = {"amount": "5", "reference": "welcome", "kind": "text-to-image", "until": "2099-01-01"}
    assert act(admin, "grant_credit", **told).status_code == 403
    for _ in range(2):
        assert act(studio, "grant_credit", "prepaid", **told).headers["location"] == "/wallet?account=prepaid"
    assert act(studio, "add_credit", "prepaid", amount="7", key="order-2").status_code == 303
    wallet = studio.get("/wallet.json?account=prepaid").json()
    [grant] = [one for one in wallet["grants"] if one["grant"] == "welcome"]
    assert (grant["left"]["amount"], grant["kinds"]) == ("5.00", ["text-to-image"])
    assert act(admin, "revoke_grant", grant="welcome", reason="abuse").status_code == 403
    assert act(studio, "revoke_grant", "prepaid", grant="welcome", reason="abuse").status_code == 303
    assert "welcome" not in [one["grant"] for one in studio.get("/wallet.json?account=prepaid").json()["grants"]]
    before = wallet["balance"]["micros"]
    back = {"payment": "order-2", "amount": "7", "reason": "a stolen card", "suspend": "yes"}
    assert act(studio, "charge_back", "prepaid", **back).status_code == 303
    wallet = studio.get("/wallet.json?account=prepaid").json()
    assert (wallet["balance"]["micros"], wallet["terms"]["standing"]) == (before - 7_000_000, "suspended")


def test_alerts_are_set_and_removed_by_the_account(gateway: Gateway, admin: httpx.Client) -> None:
    assert act(admin, "set_alert", measure="spend", at="50%, 2.50").headers["location"] == "/alerts"
    [alert] = admin.get("/alerts.json").json()["alerts"]
    assert (alert["at"], alert["limit"]["currency"]) == (["50%", "2.50"], "USD")
    for measure in ALERT_MEASURES:
        assert act(admin, "set_alert", measure=measure, at="5" if measure in (COST, FAILED) else "50%").is_redirect
    assert admin.get("/alerts").status_code == 200
    of_measure = {one["measure"]: one for one in admin.get("/alerts.json").json()["alerts"]}
    assert of_measure[FAILURE_RATE]["value"] is None, "too few have ended to say"
    assert str(shown_value("25%", "money")) == "25%", "a rate is a text"
    for one in of_measure.values():
        assert one["id"] == alert["id"] or act(admin, "remove_alert", alert=one["id"]).is_redirect
    assert act(admin, "set_alert", measure="spend", at="often").status_code == 400
    assert act(admin, "remove_alert", alert=alert["id"]).status_code == 303
    assert admin.get("/alerts.json").json()["alerts"] == []


def test_an_invoice_is_recorded_compared_settled_and_voided(
    gateway: Gateway, studio: httpx.Client, admin: httpx.Client
) -> None:
    at = {"provider": "scripted"}
    told = {"number": "R-1", "month": "2026-10", "amount": "9", "lines": f"name,model,amount\nImages,{MODEL},9"}
    assert act(admin, "record_invoice", **at, **told).status_code == 403
    month = act(studio, "record_invoice", **at, **told).headers["location"]
    assert month == "/providers/scripted/months/2026-10"
    assert "9.00<" in studio.get(month).text
    assert studio.get(f"{month}.json").json()["drifted"]
    assert act(studio, "settle_month", **at, month="2026-10", reason="we take it").headers["location"] == month
    assert studio.get(f"{month}.json").json()["left"]["micros"] == 0
    assert act(studio, "void_invoice", **at, number="R-1", reason="a typo").headers["location"] == "/providers/scripted"
    assert studio.get("/providers/scripted.json").json()["invoices"][0]["voided"]
    assert studio.get("/providers/nobody").status_code == 400


def test_bills_are_read_and_our_costs_corrected_by_them(gateway: Gateway, studio: httpx.Client) -> None:
    day = {"since": "2026-01-01", "until": "2099-01-01"}
    page = studio.get("/providers/scripted/reconciliation.json", params=day)
    assert page.status_code == 200, page.text
    done = act(studio, "correct_costs", provider="scripted", **day)
    assert done.headers["location"].startswith("/providers/scripted/reconciliation?since=2026-01-01")
    assert studio.get("/providers/openai/reconciliation", params=day).status_code == 400


def test_the_page_about_other_terms_tells_what_the_routes_tell(gateway: Gateway, studio: httpx.Client) -> None:
    terms = {"plan": "basic", "tariff": "none", "routing": "cheapest"}
    page = studio.get("/what-if.json", params={**terms, "since": "2020-01-01", "of": "acme"}).json()
    shown = act(studio, "reprice", book=CHEAPER, since="2020-01-01", of="acme").text
    span = {"from": "2020-01-01", "to": iso(now() + MONTH), "account": "acme"}
    with gateway.client(gateway.administrator()) as client:
        route = client.post("/v1/simulate", json={**span, **terms}).json()
        repriced = client.post("/v1/reprice", json={**span, "book": CHEAPER}).json()
    beside = [
        {**line, "was": {"price": line["was"], "cost": line["was_cost"]}}
        | {"would": {"price": line["would"], "cost": line["would_cost"]}}
        for line in page["lines"]
    ]
    own = ("was_cost", "would_cost", "change")
    assert [{name: line[name] for name in line if name not in own} for line in beside] == route["lines"] != []
    assert {part: page[part] for part in ("fees", "total")} == {part: route[part] for part in ("fees", "total")}
    assert f"Price book {repriced['price_book']}" in shown
    [lowered] = [line["lowered"]["amount"] for line in repriced["lines"]]
    assert lowered != "0.00"
    assert f">{lowered}<" in shown


def test_other_terms_are_asked_about_and_other_prices_booked(
    gateway: Gateway, studio: httpx.Client, admin: httpx.Client
) -> None:
    asked = {"since": "2020-01-01", "plan": "basic", "of": "acme"}
    found = studio.get("/what-if.json", params=asked).json()
    assert {one["account"] for one in found["lines"]} == {"acme"}
    assert studio.get("/what-if.csv", params=asked).text.count("\n") == len(found["lines"]) + 1
    assert studio.get("/what-if", params={"tariff": "none-such"}).status_code == 400
    assert admin.get("/what-if").status_code == 403
    cheaper = {"book": CHEAPER, "since": "2020-01-01", "of": "acme"}
    assert "Nothing is booked yet." in act(studio, "reprice", **cheaper).text
    booked = act(studio, "reprice", **cheaper, book_it="yes", reason="a better price")
    assert re.search(r"corrections? (was|were) booked\.", booked.text)
    assert act(studio, "reprice", **{**cheaper, "book": "[[models"}).status_code == 400


def test_every_action_is_tried() -> None:
    """Each test above sends the forms of its part; together, and with those of the library, they leave out none."""
    tests, own = Path(__file__).read_text(encoding="utf-8"), {one.name for one in library.ACTIONS}
    assert [one.name for one in ACTIONS if one.name not in own and f'"{one.name}"' not in tests] == []


def test_a_form_without_scripts_leads_to_the_same_price(gateway: Gateway, admin: httpx.Client) -> None:
    form = admin.get("/create").text
    page = admin.post("/create/price", data={**MADE, "token": token_in(form)})
    assert page.text.startswith("<!doctype html>")
    assert dict(HIDDEN.findall(page.text))["prompt"] == MADE["prompt"]
    part = admin.post("/create/price", data={**MADE, "token": token_in(form)}, headers={"hx-request": "true"})
    assert not part.text.startswith("<!doctype html>")
    assert STUDIO not in part.text
