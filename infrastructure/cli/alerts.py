"""Alerts: set, listed and removed; what they told, and a look for what is new."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from domain.invoices import CostDrifted, provider_in
from infrastructure.cli.commands import Report, command
from infrastructure.cli.files import write_new
from infrastructure.cli.options import Account, Limit, Scope, Why
from infrastructure.cli.session import CommandSession
from infrastructure.showing.alerts import (
    alert_document,
    alert_terms_of,
    raised_document,
    raised_text,
    threshold_name,
    threshold_text,
    watched_text,
)
from infrastructure.showing.formats import iso
from infrastructure.showing.invoices import drift_document, drift_text

if TYPE_CHECKING:
    from application.notifying.alerts import AlertView
    from domain.alerts import AlertRaised
    from infrastructure.cli.rendering import Page

app = typer.Typer()


@command(app, "set")
async def set_alert(
    at: Annotated[
        list[str], Option("--at", metavar="THRESHOLD", help="A share such as 80%, or an amount; may be given again.")
    ],
    scope: Scope,
    session: CommandSession,
    measure: Annotated[
        str,
        Option("--measure", metavar="NAME", help="spend, cost, images and so on, failed, failure_rate."),
    ] = "spend",
    window: Annotated[str, Option("--window", metavar="NAME", help="hour, day or period.")] = "period",
    lock: Annotated[bool, Option("--lock", help="Its highest threshold suspends the account.")] = False,
    reason: Why = "",
) -> Report:
    """Have it told when use comes to thresholds: each once an hour, day or period.

    Shares are of the limit of the same scope, measure and window. Whoever has a webhook for alert.raised is told.
    """
    named = session.account(scope.account)
    async with session.studio() as studio:
        view = await studio.accounts.show(named)
        asked = {"scope": scope.scope(), "measure": measure, "window": window}
        terms = alert_terms_of(at, view.currency, **asked, locks=lock)
        found = await studio.alerts.set(named, terms, reason=reason)
    return Report(alert_document(found), lambda page: _show_all(page, [found]))


@command(app, "list")
async def list_alerts(session: CommandSession, account: Account = None) -> Report:
    """List an account's alerts, and what each has come to."""
    named = session.account(account)
    async with session.reading() as reading:
        await session.catch_up(reading)
        found = await reading.alerts.list(named)
    document = {"alerts": [alert_document(one) for one in found]}
    return Report(document, lambda page: _show_all(page, found))


@command(app)
async def remove(
    alert: Annotated[str, Argument(metavar="ALERT", help="Its id, as 'imagestudio alert list' shows them.")],
    session: CommandSession,
    account: Account = None,
    reason: Why = "",
) -> Report:
    """Tell nothing of it any more."""
    named = session.account(account)
    async with session.studio() as studio:
        await studio.alerts.remove(named, alert, reason=reason)
    return Report({"removed": alert}, lambda page: page.line(f"Alert {alert} is removed."))


@command(app)
async def history(session: CommandSession, account: Account = None, limit: Limit = None) -> Report:
    """List the thresholds that were reached, the newest first."""
    named = session.account(account)
    async with session.reading() as reading:
        found = await reading.alerts.history(named, limit or 100)
        zone = (await reading.accounts.show(named)).zone
    document = {"raised": [raised_document(one) for one in found]}
    return Report(document, lambda page: _show_raised(page, found, zone))


@command(app)
async def check(session: CommandSession) -> Report:
    """Look for thresholds that were reached, of all accounts and invoices, as services do by themselves."""
    async with session.studio() as studio:
        found = await studio.alerts.check()
        drifted, zones = list[CostDrifted](), dict[str, str]()
        for ledger in studio.ledgers:
            for one in await ledger.invoices.check():
                drifted.append(one)
                zones[one.account] = await ledger.invoices.zone(provider_in(one.account))
    document = {
        "raised": [raised_document(one) for one in found],
        "drift": [drift_document(one, zones[one.account]) for one in drifted],
    }

    def show(page: Page) -> None:
        if found or not drifted:
            _show_raised(page, found, "UTC")
        for one in drifted:
            page.line(f"{iso(one.at)}  {drift_text(one, zones[one.account])}")

    return Report(document, show)


@command(app)
async def drift(
    session: CommandSession,
    provider: Annotated[str, Option("--provider", metavar="NAME", help="Of this provider alone.")] = "",
    overlay: Annotated[
        Path | None,
        Option("--overlay", metavar="FILE", help="Write the prices that the newest suggests, to be reviewed."),
    ] = None,
) -> Report:
    """List the alerts about providers' invoices, the newest first, and the prices that they suggest."""
    from infrastructure.catalogue.invoiced import proposed_prices

    async with session.studio(writes=False) as studio:
        found, now = await studio.invoices.drifts(provider), studio.providers.clock()
        proposals = [proposed_prices(one.month, studio.catalogue, now) for one in found]
    both = [*zip(found, proposals, strict=True)]
    documents = [
        {**drift_document(one.raised, one.month.zone), "proposal": proposal.document()} for one, proposal in both
    ]
    text = next((one.text for one in proposals if one.text), "")
    if overlay is not None and text:
        write_new(overlay, text, "--overlay")

    def show(page: Page) -> None:
        if not found:
            page.line("No invoice drifts.")
        if overlay is not None:
            page.line(f"  written: {overlay}" if text else f"  no price is proposed: {overlay} is not written", "dim")
        for one, proposal in both:
            page.line(f"{iso(one.raised.at, one.month.zone)}  {drift_text(one.raised, one.month.zone)}")
            if proposal.text:
                named = f"imagestudio invoices compare {one.month.provider} {one.month.month} --overlay FILE"
                page.prose(f"prices are proposed: {named}", indent=2)

    return Report({"drift": documents}, show)


def _show_all(page: Page, found: Sequence[AlertView]) -> None:
    from infrastructure.cli.rendering import PageColumn

    if not found:
        page.line("There is no alert.")
        return
    page.table(
        PageColumn("ALERT", [one.alert.id for one in found]),
        PageColumn("SCOPE", [one.alert.scope for one in found]),
        PageColumn("MEASURE", [one.alert.measure for one in found]),
        PageColumn("WINDOW", [one.alert.window for one in found]),
        PageColumn("AT", [_thresholds(one) for one in found], wrap=16),
        PageColumn("NOW", [_now(one) for one in found], right=True),
        PageColumn("LIMIT", [_limit(one) for one in found], right=True, drop=2),
        PageColumn("TOLD", [_told(one) for one in found], drop=1),
        PageColumn("", ["locks" if one.alert.locks else "" for one in found]),
    )


def _thresholds(one: AlertView) -> str:
    return ", ".join(threshold_text(some, one.alert.measure, one.currency) for some in one.alert.thresholds)


def _now(one: AlertView) -> str:
    return "-" if one.value is None else watched_text(one.value, one.alert.measure, one.currency)


def _limit(one: AlertView) -> str:
    return "" if one.limit is None else watched_text(one.limit, one.alert.measure, one.currency)


def _show_raised(page: Page, found: Sequence[AlertRaised], zone: str) -> None:
    if not found:
        page.line("Nothing was reached.")
    for one in found:
        page.line(f"{iso(one.reached, zone)}  {one.account}  {raised_text(one)}")


def _told(one: AlertView) -> str:
    """The last threshold that was told."""
    raised = one.alert.raised
    return "" if raised is None else threshold_name(raised.threshold, raised.measure, raised.currency)
