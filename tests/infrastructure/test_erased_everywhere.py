"""A user's name at every place where one can stand; erased, it is at those places alone that docs/erasing.md names."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from application.asking.requests import Request
from application.keeping.books import BookQuery
from application.library.answers import Bringing
from application.notifying.records import MessagePage
from application.ports.hooks import HookMessage
from domain.actor import Actor, ActorKind
from domain.alerting import AlertTerms
from domain.approvals import ApprovalNeeded
from domain.errors import OperationFailed, OperationRefused
from domain.keys import KeyScope, KeyTerms
from domain.money import Money
from infrastructure.clock import now
from infrastructure.exporting import FORMATS
from infrastructure.exporting.tally import ExportTally
from infrastructure.service import Studio
from projections.views.usage import USAGE, UsageFilter
from tests.application.keeping.test_erasing import tables_with
from tests.application.keeping.test_traces import in_bytes
from tests.application.studios import SYNC, database_of, picture, studio_on
from tests.application.support import Clock
from tests.domain.wall_clocks import DAY
from tests.infrastructure.cli.workspaces import COMMANDS, call, settle
from tests.infrastructure.dashboard.visitors import visitor
from tests.infrastructure.gateway.gateways import ADMIN, Gateway, gateway_on
from tests.infrastructure.gateway.test_webhooks import until

NAME = "persephone"
SHE = Actor(ActorKind.USER, NAME)
ACCOUNT = "acme"
THEIRS = KeyTerms((KeyScope.OPERATE,), user=NAME)
HOOKS = "http://127.0.0.1:9"

LOG = "the log as it is"
TERMS = "terms that name her"
ISSUED = "a statement that was issued before"
KEPT = {
    "GET /v1/operations/{id}/events": LOG,
    "GET /v1/operations/{id}/why": LOG,
    "GET /v1/refusals": LOG,
    "GET /v1/accounts/{id}/history": LOG,
    "GET /v1/accounts/{id}": TERMS,
    "GET /v1/limits": TERMS,
    "GET /v1/keys": TERMS,
    "GET /v1/keys/{id}": TERMS,
    "GET /v1/alerts": TERMS,
    "GET /v1/statements/{which}": ISSUED,
    "why": LOG,
    "operation": LOG,
    "events": LOG,
    "account history": LOG,
    "account diff": LOG,
    "limits": TERMS,
    "account show": TERMS,
    "keys list": TERMS,
    "keys show": TERMS,
    "alert list": TERMS,
    "statement show": ISSUED,
    "/operations/ID": LOG,
    "/operations/ID/why": LOG,
    "/refusals": LOG,
    "/history": LOG,
    "/": TERMS,
    "/limits": TERMS,
    "/wallet": TERMS,
    "/alerts": TERMS,
    "/keys": TERMS,
    "/keys/ID": TERMS,
    "/statements/ID": ISSUED,
}
"""The doors that show her id afterwards, and what of hers they show; each is in docs/erasing.md."""


async def begin(url: str, home: Path) -> str:
    """A period of three months ago: closed and billed, with her in it; the statement's number."""
    clock = Clock(now() - 90 * DAY)
    async with studio_on(url, home, clock=clock) as studio:
        await studio.accounts.open(ACCOUNT, plan="pro")
        for _ in range(2):
            await studio.operations.generate("a lake", account=ACCOUNT, user=NAME, model=SYNC, by=SHE)
        clock.now += 40 * DAY
        [period] = await studio.statements.periods(ACCOUNT)
        await studio.statements.close(ACCOUNT, period.name, by=SHE)
        return (await studio.statements.issue(ACCOUNT, period.name, by=SHE)).number


async def terms(studio: Studio) -> tuple[str, str]:
    """Limits, alerts and keys of hers, some of before; the key whose terms named her before, and one that names her."""
    for window in ("period", "hour"):
        await studio.accounts.change_limit(ACCOUNT, "images", 50, scope=f"user:{NAME}", window=window, by=SHE)
    await studio.accounts.inherit_limit(ACCOUNT, "images", scope=f"user:{NAME}", window="hour", by=SHE)
    await studio.alerts.set(ACCOUNT, AlertTerms(scope=f"user:{NAME}", amounts=(10_000,)), by=SHE)
    other = await studio.alerts.set(ACCOUNT, AlertTerms(scope=f"user:{NAME}", measure="images", amounts=(9,)), by=SHE)
    await studio.alerts.remove(ACCOUNT, other.alert.id, by=SHE)
    before = (await studio.keys.issue(ACCOUNT, THEIRS, name=f"{NAME}'s laptop", by=SHE)).key.id
    await studio.keys.change(ACCOUNT, before, changes={"user": None})
    held = (await studio.keys.issue(ACCOUNT, replace(THEIRS, approve_above=0), by=SHE)).key.id
    await studio.accounts.grant(ACCOUNT, Money.parse("1", "USD"), "gift", by=SHE)
    return before, held


async def asked(studio: Studio, held: str) -> tuple[str, str, str]:
    """Operations that were charged, corrected and tagged, that failed, were refused and wait: one, the refused one, and
    the quote that waits."""
    hers: dict[str, Any] = {"account": ACCOUNT, "user": NAME, "model": SYNC, "by": SHE}
    done = await studio.operations.generate("a lake", **hers, key="k-1", tags={"for": NAME})
    await studio.operations.tag(done.operation, {"to": NAME}, account=ACCOUNT, by=SHE)
    await studio.upkeep.refund(done.operation, account=ACCOUNT, reason="late", reference="r-1", by=SHE)
    with suppress(OperationFailed):
        await studio.operations.generate("a lake", **hers, outcome="fail")
    program = Actor(ActorKind.KEY, held)
    wanted = Request("text-to-image", ACCOUNT, {"prompt": "a lake"}, model=SYNC, user=NAME, by=program)
    with pytest.raises(ApprovalNeeded) as waits:
        await studio.operations.run(wanted)
    quote = waits.value.waiting.quote
    await studio.approvals.give(ACCOUNT, quote, by=SHE)
    await studio.accounts.change_limit(ACCOUNT, "images", 1, scope=f"user:{NAME}", by=SHE)
    with pytest.raises(OperationRefused) as refused:
        await studio.operations.generate("a lake", **hers)
    return done.operation, refused.value.operation, quote


async def kept(studio: Studio, home: Path) -> str:
    """A file that she brought, with words about it; and whatever is made of the log: milestones, an archive."""
    brought = home / "brought.png"
    brought.write_bytes(picture(60, 40))
    await studio.library.add(ACCOUNT, brought, new=Bringing(user=NAME))
    brought.unlink()
    assets = (await studio.library.list(ACCOUNT)).assets
    for one in assets:
        await studio.library.words.describe(ACCOUNT, one.id, title=NAME, description=NAME)
        await studio.library.words.tag(ACCOUNT, one.id, add=[NAME])
        await studio.library.thumbnail(ACCOUNT, one.id)
    await studio.past.rows(USAGE, UsageFilter(account=ACCOUNT), studio.log.reader.end())
    await studio.alerts.check()
    await asyncio.to_thread(studio.views.catch_up)
    return assets[0].id


def followed(gateway: Gateway, hook: str) -> None:
    """The messages are there, and what is closed is archived: whoever follows the log comes to its end by itself."""
    archiving, wanted = gateway.studio.archiving, {"operation.refused", "limit.reached", "alert.raised"}
    assert archiving is not None
    until(lambda: wanted <= {one.event for one in messages(gateway, hook)})
    until(lambda: bool(archiving.run().segments))


def messages(gateway: Gateway, hook: str) -> Sequence[HookMessage]:
    found: MessagePage = gateway.run(gateway.studio.webhooks.deliveries(ACCOUNT, hook))
    return found.messages


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Gateway, dict[str, str]]]:
    """A service whose account has her name at every place, and the ids by which she is asked about."""
    home = tmp_path / "home"
    home.mkdir()
    settle(monkeypatch, home)
    monkeypatch.setenv("IMAGESTUDIO_ACCOUNT", ACCOUNT)
    url = f"sqlite:///{home / 'ledger.db'}"
    number = asyncio.run(begin(url, home))
    with gateway_on(url, home, webhook_origins=(HOOKS,)) as running:
        studio = running.studio
        hook = running.run(studio.webhooks.add(ACCOUNT, f"{HOOKS}/hooks", by=SHE)).webhook.id
        before, held = running.run(terms(studio))
        operation, refused, quote = running.run(asked(studio, held))
        asset = running.run(kept(studio, home))
        followed(running, hook)
        ids = {"LAKE": operation, "REFUSED": refused, "KEY": held, "BEFORE": before, "ASSET": asset, "WEBHOOK": hook}
        yield running, {**ids, "past-0001": number, "QUOTE": quote, "PAST": ACCOUNT, "ISSUED": ACCOUNT}


def routes(gateway: Gateway, ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Each route of the OpenAPI document that only reads, and all that it says about each thing."""
    many = [ids[name] for name in ("LAKE", "REFUSED", "ASSET", "WEBHOOK", "KEY", "BEFORE")] + [ACCOUNT]
    periods = [one.name for one in gateway.run(gateway.studio.statements.periods(ACCOUNT))]
    known = {"id": many, "operation": many[:2], "key": [ids["KEY"]], "quote": [ids["QUOTE"]]}
    known |= {"which": [ids["past-0001"]], "number": [ids["past-0001"]], "period": periods}
    with gateway.client(gateway.issue(ACCOUNT, ADMIN)) as client:
        paths = client.get("/openapi.json").json()["paths"]
        for pattern in [pattern for pattern, methods in paths.items() if "get" in methods]:
            names = re.findall(r"{(\w+)}", pattern)
            for place in range(max([len(known.get(name, ["x"])) for name in names], default=1)):
                filled = {name: (known.get(name) or ["x"])[place % len(known.get(name, "x"))] for name in names}
                yield f"GET {pattern}", client.get(pattern.format_map(filled)).text


def pages(gateway: Gateway) -> Iterator[tuple[str, str]]:
    """Each page and data file of the dashboard that a link leads to; of many of a kind, a few."""
    links, seen = re.compile(r'(?:href|src|data-live)="(/[^"]*)"'), {"/"}
    with visitor(gateway, gateway.issue(ACCOUNT, ADMIN)) as client:
        waiting = ["/"]
        while waiting:
            address = waiting.pop()
            answer = client.get(address)
            yield _kind(address), answer.text
            if answer.headers.get("content-type", "").startswith("text/html"):
                found = {urljoin(address, unescape(link)).partition("#")[0] for link in links.findall(answer.text)}
                new = {one for one in found - seen if "?" not in one and "/assets/" not in one}
                seen |= new
                waiting += sorted(new)


def _kind(address: str) -> str:
    """The page that an address is of: "/operations/ID" of an operation's data file, too."""
    path = re.sub(r"\.(json|csv)$", "", address)
    path = "/" if path == "/overview" else path
    return re.sub(r"^/(\w+)/[^/]+(/why|/file)?", r"/\1/ID\2", path).replace("/file", "")


def commands(ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """All that commands print which name or list something."""
    for command in [one for one in COMMANDS if " ".join(one[:2]) in LISTING or one[0] in LISTING]:
        words = [word for word in command if word.islower() and not word.startswith("-") and word != "3"]
        done = call(*[ids.get(word, word) for word in command], "--json")
        assert done.code == 0, (command, done.err)
        yield " ".join([word for word in words if word not in ids][:2]), done.out


LISTING = {
    *("usage", "periods", "costs", "spend", "limits", "queues", "holds", "why", "operations", "operation", "events"),
    *("account history", "account diff", "account show", "account grants", "approvals", "report", "audit", "books"),
    *("keys list", "keys show", "alert list", "alert history", "webhooks list", "webhooks deliveries"),
    *("assets list", "assets show", "assets lineage", "assets collections", "assets stats", "archive list"),
    *("statement preview", "statement show", "statement list", "period list", "simulate"),
}


def letters(gateway: Gateway, ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The bodies of all messages to the account's webhook, as they would be sent now."""
    sending = gateway.studio.webhooks.sending
    for one in messages(gateway, ids["WEBHOOK"]):
        yield f"message {one.event}", gateway.run(sending.letters(one)).decode()


def exports(gateway: Gateway) -> Iterator[tuple[str, str]]:
    end = gateway.studio.log.reader.end()
    for name, format in FORMATS.items():
        read = gateway.studio.books.read(BookQuery(), 0, end)
        yield f"export {name}", repr([*format.write(read, ExportTally(0, end))])


def named(said: Iterable[tuple[str, str]]) -> set[str]:
    """The doors that say her name."""
    found = [*said]
    assert len(found) > 20
    return {door for door, text in found if NAME in text}


def test_an_erased_user_is_named_at_no_place_that_the_documentation_does_not_name(
    gateway: tuple[Gateway, dict[str, str]], tmp_path: Path
) -> None:
    """Before, she is named wherever users are; afterwards all doors that name her are those of the table, no more."""
    service, ids = gateway
    database = database_of(service.studio)
    service.studio.views.catch_up()
    before = named([*routes(service, ids), *letters(service, ids), *exports(service)])
    assert {"GET /v1/operations/{id}", "GET /v1/usage", "message limit.reached", "export csv"} < before
    assert {"key_names", "operation_tags", "asset_words", "usage_summary"} < tables_with(database, NAME)

    done = service.run(service.studio.upkeep.erase_user(NAME, account=ACCOUNT, reason="she asked"))
    assert not done.left
    service.studio.views.catch_up()
    doors = [*routes(service, ids), *pages(service), *commands(ids), *letters(service, ids), *exports(service)]
    assert named(doors) ^ KEPT.keys() == set()
    assert tables_with(database, NAME) == {"log"}
    assert {*in_bytes(tmp_path, (NAME,))} == {"ledger.db"}
