"""Accounts, keys, approvals and the audit through a client: equal results and errors, and the key in the log."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from application.library.records import AssetQuery
from domain.alerting import AlertTerms
from domain.alerts import UnknownAlert
from domain.approvals import ApprovalNeeded
from domain.errors import InvalidInput, OperationFailed, UnknownAccount
from domain.keys import STUDIO, KeyScope, KeyTerms
from imagestudio import Client, ImageStudioError, Money, Request
from infrastructure.blocking import BlockingStudio
from projections.engine.view import AnyView
from projections.summing import SumQuestion
from projections.views.costs import COSTS
from projections.views.links import LINKS
from projections.views.operations import OPERATIONS, OperationFilter
from projections.views.periods import PERIODS
from projections.views.quarters import QuarterFilter
from projections.views.spend import SPEND
from projections.views.usage import USAGE
from tests.infrastructure.client.both import Either
from tests.infrastructure.gateway.gateways import ADMIN, Gateway

BUYER = "globex"
DOLLAR = Money.parse("12.50", "USD")
TERMS = KeyTerms(
    (KeyScope.OPERATE, KeyScope.READ),
    user="ann",
    project="spring",
    forwards=False,
    expires=4_102_444_800_123_456,
    approve_above=2_500_000,
    per_minute=60,
    approve_in_client=True,
)
PICTURE: dict[str, Any] = {"model": "scripted-image"}


@pytest.fixture(scope="module")
def operator(gateway: Gateway) -> Iterator[Client]:
    """A client with a key of the studio's own."""
    with Client(gateway.url, key=gateway.administrator()) as studio:
        studio.accounts.open(BUYER, plan="pro", prepaid=True)
        yield studio


@pytest.fixture(scope="module")
def local(local: BlockingStudio) -> BlockingStudio:
    local.accounts.open(BUYER, plan="pro", prepaid=True)
    return local


def alike(found: Any, account: str) -> Any:
    """A view of an account or a key without what tells one run from another."""
    return re.sub(r"key_[a-z0-9]+|quote_[a-z0-9]+|[0-9a-f-]{36}|\d{16}", "ID", repr(found)).replace(account, "ACCOUNT")


ACCOUNTS: dict[str, Callable[[Either], Any]] = {
    "open": lambda studio: studio.accounts.open("initech", plan="basic", zone="Europe/Berlin", cycle="calendar"),
    "open again": lambda studio: studio.accounts.open("initech", plan="basic", zone="Europe/Berlin", reason="twice"),
    "plan": lambda studio: studio.accounts.change_plan(BUYER, "enterprise", reason="they grew"),
    "limit": lambda studio: studio.accounts.change_limit(BUYER, "spend", 25_000_000, scope="user:ann", window="day"),
    "limits": lambda studio: studio.accounts.limits(BUYER),
    "no limit": lambda studio: studio.accounts.change_limit(BUYER, "images", None),
    "inherit": lambda studio: studio.accounts.inherit_limit(BUYER, "spend", scope="user:ann", window="day"),
    "credit": lambda studio: studio.accounts.add_credit(BUYER, DOLLAR, "p1", reason="an invoice"),
    "chargeback": lambda studio: studio.accounts.charge_back(BUYER, "p1", DOLLAR, "disputed"),
    "grant": lambda studio: studio.accounts.grant(BUYER, DOLLAR, "g1", kinds=("videos",), reason="welcome"),
    "revoke": lambda studio: studio.accounts.revoke_grant(BUYER, "g1", "abuse"),
    "paid grant": lambda studio: studio.accounts.grant(BUYER, DOLLAR, "g2", source="paid", expires=4 * 10**15),
    "wallet": lambda studio: studio.accounts.wallet(BUYER),
    "plan later": lambda studio: studio.accounts.change_plan(BUYER, "basic", at="period-end"),
    "wallet then": lambda studio: studio.accounts.wallet(BUYER),
    "credit again": lambda studio: studio.accounts.add_credit(BUYER, DOLLAR, "p1"),
    "zone": lambda studio: studio.accounts.change_time_zone(BUYER, "Asia/Tokyo"),
    "allow": lambda studio: studio.accounts.allow(BUYER, "stand-in", reason="for drafts"),
    "forbid": lambda studio: studio.accounts.forbid(BUYER, "stand-in"),
    "on limit": lambda studio: studio.accounts.on_limit(BUYER, "local-canvas"),
    "on limit, refused": lambda studio: studio.accounts.on_limit(BUYER),
    "end of a period": lambda studio: studio.accounts.end_period(BUYER, "a wrong clock"),
    "suspend": lambda studio: studio.accounts.suspend(BUYER, "an open invoice"),
    "resume": lambda studio: studio.accounts.resume(BUYER, "it was paid"),
    "show": lambda studio: studio.accounts.show(BUYER),
    "close": lambda studio: studio.accounts.close("initech", "they left"),
}
"""In this order, as each goes on from the one before."""


def test_accounts_have_equal_results(local: BlockingStudio, operator: Client) -> None:
    for name, program in ACCOUNTS.items():
        assert program(operator) == program(local), name


def issued(studio: Either) -> Any:
    new = studio.keys.issue(BUYER, TERMS, name="web shop", limits={"spend": 5_000_000, "images": 7}, reason="asked")
    assert new.secret.startswith("isk_")
    assert new.key.terms == TERMS
    assert studio.keys.show(BUYER, new.key.id) == new.key
    assert studio.keys.list(BUYER) == [new.key]
    return new.key


def changed(studio: Either) -> Any:
    key = studio.keys.list(BUYER)[0].id
    changes: dict[str, Any] = {"expires": None, "per_minute": 5, "approve_above": 1, "scopes": (KeyScope.READ,)}
    found = studio.keys.change(BUYER, key, changes=changes, name="shop", limits={"images": None})
    assert found.terms == replace(TERMS, **changes)
    return found


def renamed(studio: Either) -> Any:
    return studio.keys.change(BUYER, studio.keys.list(BUYER)[0].id, name="")


def revoked(studio: Either) -> Any:
    return studio.keys.revoke(BUYER, studio.keys.list(BUYER)[0].id, reason="lost")


def test_keys_have_equal_results(local: BlockingStudio, operator: Client) -> None:
    for program in (issued, changed, renamed, revoked):
        assert alike(program(operator), BUYER) == alike(program(local), BUYER), program.__name__


def test_a_key_that_needs_approval_gets_it_by_another(gateway: Gateway, operator: Client) -> None:
    secret = gateway.issue("acme", KeyTerms((KeyScope.OPERATE,), approve_above=0))
    asked = Request("text-to-image", "acme", {"prompt": "a lake"}, **PICTURE)
    with Client(gateway.url, key=secret) as agent:
        with pytest.raises(ApprovalNeeded) as waits:
            agent.operations.run(asked)
        quote = waits.value.waiting.quote
        assert operator.approvals.show("acme", quote).standing == "waiting"
        assert agent.approvals.list().approvals == operator.approvals.list().approvals
        assert quote in {one.quote for one in operator.approvals.list("acme", limit=500).approvals}
        given = operator.approvals.give("acme", quote, reason="it is cheap")
        assert given == gateway.run(gateway.studio.approvals.show("acme", quote))
        assert given.standing == "approved"
        assert agent.operations.run(replace(asked, quote=quote)).assets
        assert agent.approvals.show("", quote).standing == "used"


@pytest.mark.parametrize("view", [USAGE, PERIODS, SPEND, COSTS, OPERATIONS], ids=lambda view: view.name)
def test_rows_of_a_view_are_the_librarys(gateway: Gateway, operator: Client, remote: Client, view: AnyView) -> None:
    """All of them, and by pages of one."""
    for number in (1, 2, 3):
        remote.operations.generate("a lake", account="acme", key=f"view-{number}", **PICTURE)
    gateway.studio.views.catch_up()
    wanted = view.filter() if view is COSTS else view.filter(account="acme")
    ours = gateway.studio.views.find(view, wanted)
    assert ours.rows
    assert operator.views.find(view, wanted) == ours
    assert operator.views.rows(view, wanted) == ours.rows
    pages, after = list[Any](), None
    for _ in ours.rows:
        page = operator.views.find(view, wanted, after=after, limit=1)
        pages, after = pages + page.rows, page.next
    assert (pages, after) == (ours.rows, None)


@pytest.mark.parametrize(
    "asked",
    [
        SumQuestion(),
        SumQuestion(by=("user", "day"), zone="Asia/Kathmandu", top="price"),
        SumQuestion(by=("account", "model", "period")),
        SumQuestion(by=("code", "hour"), wanted=QuarterFilter(account="acme", project="", kind="text-to-image")),
    ],
)
def test_sums_are_the_librarys(gateway: Gateway, operator: Client, remote: Client, asked: SumQuestion) -> None:
    """All of them, and by pages of one."""
    remote.operations.generate("a lake", account="acme", key="sums", **PICTURE)
    gateway.studio.views.catch_up()
    if "account" not in asked.by:
        asked = replace(asked, wanted=replace(asked.wanted, account="acme"))
    ours = gateway.studio.views.sum_up(asked)
    assert ours.rows
    assert operator.views.sum_up(asked) == ours
    first = operator.views.sum_up(asked, limit=1)
    assert first == gateway.studio.views.sum_up(asked, limit=1)


def test_alerts_are_the_librarys(gateway: Gateway, operator: Client) -> None:
    terms = AlertTerms(scope="user:ann", shares=(80,), amounts=(25_000_000, 1_500), locks=True)
    found = operator.alerts.set(BUYER, terms, reason="a budget")
    counted = operator.alerts.set(BUYER, AlertTerms(measure="failed", window="day", amounts=(1_000,)))
    assert operator.alerts.list(BUYER) == gateway.run(gateway.studio.alerts.list(BUYER))
    assert {one.alert.id for one in operator.alerts.list(BUYER)} == {found.alert.id, counted.alert.id}
    assert (found.alert.amounts, found.alert.locks) == ((1_500, 25_000_000), True)
    operator.alerts.remove(BUYER, found.alert.id)
    with pytest.raises(UnknownAlert):
        operator.alerts.remove(BUYER, found.alert.id)


def test_alerts_that_were_raised_are_the_librarys(gateway: Gateway, operator: Client, remote: Client) -> None:
    operator.alerts.set("acme", AlertTerms(amounts=(1,)))
    remote.operations.generate("a lake", account="acme", **PICTURE)
    gateway.run(gateway.studio.alerts.check())
    found = operator.alerts.history("acme")
    assert [one.threshold for one in found] == ["1"]
    assert found == gateway.run(gateway.studio.alerts.history("acme"))
    assert operator.alerts.list("acme")[0].alert.raised == found[0]


def test_a_wish_that_a_service_does_not_know_is_told(operator: Client) -> None:
    with pytest.raises(ImageStudioError, match="asset_links is not asked of a service"):
        operator.views.rows(LINKS)
    with pytest.raises(ImageStudioError, match="requested: is not asked of a service"):
        operator.views.rows(OPERATIONS, OperationFilter(account="acme", requested=(0, 1)))


def test_one_verdict_is_about_all_and_another_about_an_account(gateway: Gateway, operator: Client) -> None:
    whole, one = operator.audit.verdict(), operator.audit.verdict(BUYER)
    assert (whole.clean, whole.problems, bool(whole.seal)) == (True, (), True)
    assert (one.clean, one.seal) == (True, None)
    assert (one.facts or 0) < (whole.facts or 0)
    assert {view["view"] for view in whole.views} == {view.view for view in gateway.studio.views.status()}


def test_what_was_asked_is_erased_and_recovery_finds_nothing_open(operator: Client, remote: Client) -> None:
    made = remote.operations.generate("a secret lake", account="acme", **PICTURE)
    erased = operator.upkeep.erase(made.operation, account="acme", reason="they asked for it")
    assert (erased.batch, erased.content, erased.files) == (made.operation, True, 1)
    again = operator.upkeep.erase(made.operation, account="acme")
    assert (again.content, again.files) == (False, 0)
    assert operator.upkeep.recover() == []


def test_corrections_have_equal_ends_and_count_once_a_reference(
    gateway: Gateway, operator: Client, remote: Client
) -> None:
    made = remote.operations.generate("a lake", account="acme", key="too-dear", **PICTURE).operation
    why: dict[str, Any] = {"account": "acme", "reason": "it was blurred", "reference": "ticket-1"}
    cent = Money.parse("0.01", "USD")
    back = operator.upkeep.refund(made, amount=cent, **why)
    assert (back["refunded"]["amount"], back["repeated"]) == ("0.01", False)
    assert operator.upkeep.refund(made, amount=cent, **why) == {**back, "repeated": True}
    with pytest.raises(ImageStudioError, match="ticket-1"):
        operator.upkeep.refund(made, amount=cent + cent, **why)
    changed = operator.upkeep.adjust(made, price=-cent, cost=cent, **{**why, "reference": "ticket-2"})
    assert (changed["price"]["amount"], changed["cost"]["amount"]) == ("-0.01", "0.01")
    cost = operator.upkeep.correct_cost(made, cost=Money.parse("0.06", "USD"), **{**why, "reference": "ticket-3"})
    rest = operator.upkeep.refund(made, **{**why, "reference": "ticket-4"})
    gateway.studio.views.catch_up()
    row = gateway.studio.views.one(OPERATIONS, made)
    assert row is not None
    assert (row.price, row.cost, cost["cost"]["amount"]) == (0, 60_000, "0.06")
    assert rest["refunded"]["amount"] == "0.02"
    with pytest.raises(ImageStudioError, match="EUR"):
        operator.upkeep.refund(made, amount=Money.parse("0.01", "EUR"), **{**why, "reference": "ticket-5"})
    with pytest.raises(ImageStudioError, match="no scope admin"):
        remote.upkeep.refund(made, **why)


def test_many_assets_at_once_are_as_in_the_library(gateway: Gateway, operator: Client, remote: Client) -> None:
    library = gateway.studio.library
    made = remote.operations.generate("a lake", account="acme", key="gone", **PICTURE)
    asset = made.assets[0].asset.id
    assert operator.library.known("acme", asset) == gateway.run(library.known("acme", asset))
    assert operator.library.of_operation("acme", made.operation) == gateway.run(
        library.of_operation("acme", made.operation)
    )
    pictures = AssetQuery(type="image", kind="text-to-image")
    assert operator.library.statistics("acme", pictures) == gateway.run(library.statistics("acme", pictures))
    remote.library.trash("acme", asset)
    emptied = remote.library.empty_trash("acme", reason="it is full")
    assert (emptied.assets, emptied.files) == ((asset,), 1)
    assert remote.library.empty_trash("acme").assets == ()


def test_an_operation_that_made_nothing_has_no_files_and_another_accounts_is_not_found(remote: Client) -> None:
    with pytest.raises(OperationFailed) as failed:
        remote.operations.run(Request("text-to-image", "acme", {"prompt": "a lake", "outcome": "fail"}, **PICTURE))
    assert remote.library.of_operation("acme", failed.value.operation) == ()
    with pytest.raises(ImageStudioError, match="nothing-1"):
        remote.library.of_operation("acme", "nothing-1")


ERRORS: dict[str, Callable[[Either], Any]] = {
    "no account": lambda studio: studio.accounts.show("nobody"),
    "other terms": lambda studio: studio.accounts.open(BUYER, plan="free", prepaid=False),
    "no plan": lambda studio: studio.accounts.change_plan(BUYER, "gold"),
    "no measure": lambda studio: studio.accounts.change_limit(BUYER, "smiles", 3),
    "no window": lambda studio: studio.accounts.change_limit(BUYER, "images", 3, window="week"),
    "no zone": lambda studio: studio.accounts.change_time_zone(BUYER, "Mars/Olympus"),
    "no class": lambda studio: studio.accounts.allow(BUYER, "fake"),
    "no model": lambda studio: studio.accounts.on_limit(BUYER, "nobody-1"),
    "another currency": lambda studio: studio.accounts.add_credit(BUYER, Money.parse("1", "EUR"), "p2"),
    "no key": lambda studio: studio.keys.show(BUYER, "key_nothing"),
    "a name of two lines": lambda studio: studio.keys.issue(BUYER, TERMS, name="web\nshop"),
    "no operation": lambda studio: studio.upkeep.erase("nothing", account=BUYER),
}


@pytest.mark.parametrize("program", ERRORS.values(), ids=ERRORS)
def test_administrators_have_equal_errors(
    program: Callable[[Either], Any], local: BlockingStudio, operator: Client
) -> None:
    with pytest.raises(ImageStudioError) as there:
        program(operator)
    with pytest.raises(ImageStudioError) as ours:
        program(local)
    assert (there.value.code, there.value.kind, there.value.message) == (
        ours.value.code,
        ours.value.kind,
        ours.value.message,
    )


def test_an_accounts_own_administrator_changes_what_is_the_customers_and_no_more(gateway: Gateway) -> None:
    gateway.run(gateway.studio.accounts.open("hooli", plan="pro"))
    secret = gateway.issue("hooli", KeyTerms((KeyScope.ADMIN,)))
    with Client(gateway.url, key=secret) as own:
        assert own.accounts.change_time_zone("hooli", "Asia/Tokyo").id == "hooli"
        assert own.accounts.allow("hooli", "stand-in").allowed == ("real", "stand-in")
        key = own.keys.issue("", KeyTerms((KeyScope.READ,)))
        assert own.keys.show("", key.key.id) == key.key
        for refused in (
            lambda: own.accounts.change_plan("hooli", "enterprise"),
            lambda: own.accounts.change_limit("hooli", "spend", None),
            lambda: own.accounts.inherit_limit("hooli", "spend"),
            lambda: own.accounts.end_period("hooli", "because"),
            lambda: own.accounts.allow(BUYER, "stand-in"),
            lambda: own.accounts.change_time_zone(BUYER, "UTC"),
            lambda: own.keys.issue("", KeyTerms((KeyScope.OPERATE,))),
            lambda: own.keys.change("", key.key.id, changes={"scopes": (KeyScope.OPERATE,)}),
            own.upkeep.recover,
        ):
            with pytest.raises(ImageStudioError) as told:
                refused()
            assert told.value.code in ("forbidden", "unknown_account"), told.value


def test_the_log_names_the_key_by_which_it_was_done(gateway: Gateway, operator: Client) -> None:
    operator.accounts.open("umbrella", plan="free", reason="a trial")
    by = {str(entry.link.actor) for entry in gateway.studio.log.reader.read(0, 10_000) if "umbrella" in str(entry.link)}
    studios = {f"key:{one.id}" for one in gateway.run(gateway.studio.keys.list(STUDIO))}
    assert by
    assert by <= studios


def test_a_user_and_an_account_are_erased_with_evidence(operator: Client, gateway: Gateway) -> None:
    operator.accounts.open("leaving", plan="pro")
    with Client(gateway.url, key=gateway.issue("leaving")) as leaving:
        made = leaving.operations.generate("a secret fox", account="leaving", **PICTURE)
    one = operator.upkeep.erase_operation(made.operation, account="leaving", reason="they asked")
    assert (one.scope, one.batches, one.erased["contents"], one.left) == ("operation", (made.operation,), 1, {})
    assert operator.upkeep.erase_user("leaving", account="leaving").digest == ""
    whole = operator.upkeep.erase_account("leaving", reason="they left")
    assert (whole.scope, whole.left) == ("account", {})
    with gateway.client(gateway.administrator(), **{"x-imagestudio-account": "leaving"}) as asking:
        for wrong in ({}, {"user": "ann", "everything": True}):
            assert asking.post("/v1/erasures", json=wrong).json()["field"] == "erasure"


def test_an_account_is_exported_as_at_the_shell_for_the_studio_alone(
    operator: Client, gateway: Gateway, tmp_path: Path
) -> None:
    made = gateway.run(gateway.studio.operations.generate("a lake", account="acme", **PICTURE))
    files = {with_files: tmp_path / f"{with_files}.tar" for with_files in (True, False)}
    seals = [operator.copies.export("acme", file, with_files=one) for one, file in files.items()]
    assert all(seals)
    with tarfile.open(files[True]) as whole, tarfile.open(files[False]) as bare:
        assert made.assets[0].asset.digest in " ".join(whole.getnames())
        assert "manifest.json" in " ".join(bare.getnames())
        assert made.assets[0].asset.digest not in " ".join(bare.getnames())
    with pytest.raises(InvalidInput, match="is there already"):
        operator.copies.export("acme", files[True])
    with pytest.raises(UnknownAccount):
        operator.copies.export("nobody", tmp_path / "nobody.tar")
    with gateway.client(gateway.issue("acme", ADMIN)) as own:
        assert own.get("/v1/accounts/acme/export").status_code == 403
    assert sorted(one.name for one in tmp_path.iterdir()) == ["False.tar", "True.tar"]
