"""Providers: which there are, whether they answer, what they bill us beside what we booked, and job by job.

providers ── one provider: its months ── a month: invoices, our costs, model by model ── settled
                     └── its bills, read now, beside our costs, job by job ── corrected
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from application.ports import Billing
from application.providing.checking import checked, standings
from domain.errors import InvalidInput
from domain.invoices import UnknownInvoice
from domain.keys import KeyScope
from infrastructure.catalogue.invoiced import proposed_prices
from infrastructure.clock import SECOND
from infrastructure.dashboard.page import (
    Document,
    FormSent,
    MeantFor,
    PageFilter,
    Shows,
    TableColumn,
    Visit,
    WebAction,
    WebPage,
)
from infrastructure.dashboard.pages.rows import span_to_now
from infrastructure.showing.bills import Reconciliation, reconciled_document
from infrastructure.showing.formats import iso
from infrastructure.showing.invoices import invoices_document, lines_of_text, month_document, months_document
from infrastructure.showing.standings import checked_document, standing_document

SECONDS: Final = 10
"""For a provider's answer."""
WEEK: Final = 7 * 24 * 60 * 60 * SECOND
PROVIDERS: Final = (
    TableColumn(name="name", to="provider", by="provider"),
    TableColumn(name="enabled", kind="yes"),
    TableColumn(name="ready", kind="count"),
    TableColumn(name="models", kind="count"),
    TableColumn(name="recovery", wide=True),
    TableColumn(name="lacks", kind="lacks"),
)
CHECKED: Final = (TableColumn(name="name"), TableColumn(name="state", kind="state"), TableColumn(name="detail"))
MONTHS: Final = (
    TableColumn(name="month", to="provider_month", by="month", along=("provider",)),
    TableColumn(name="invoices", kind="words"),
    TableColumn(name="invoiced", kind="money"),
    TableColumn(name="computed", kind="money"),
    TableColumn(name="delta", kind="money"),
    TableColumn(name="delta_percent", kind="percent", wide=True),
    TableColumn(name="drifted", kind="drifted"),
    TableColumn(name="left", kind="money", wide=True),
)
INVOICES: Final = (
    TableColumn(name="number"),
    TableColumn(name="month"),
    TableColumn(name="amount", kind="money"),
    TableColumn(name="recorded", kind="instant"),
    TableColumn(name="reason", wide=True),
    TableColumn(name="voided", kind="due"),
    TableColumn(name="voided_by", wide=True),
    TableColumn(name="void_reason"),
)
MODELS: Final = (
    TableColumn(name="model"),
    TableColumn(name="name", wide=True),
    TableColumn(name="operations", kind="count"),
    TableColumn(name="invoiced", kind="money"),
    TableColumn(name="computed", kind="money"),
    TableColumn(name="difference", kind="money"),
    TableColumn(name="unknown", kind="count", wide=True),
)
JOBS: Final = (
    TableColumn(name="status", kind="state"),
    TableColumn(name="job", kind="mono", wide=True),
    TableColumn(name="operation", kind="id", to="operation", along=("account",)),
    TableColumn(name="account"),
    TableColumn(name="model", wide=True),
    TableColumn(name="recorded", kind="money"),
    TableColumn(name="billed", kind="money"),
    TableColumn(name="difference", kind="money"),
    TableColumn(name="booked", kind="money", wide=True),
)


async def _providers(visit: Visit) -> Document:
    """Each provider as the command line lists it: how many of its models are ready, and what the others lack."""
    studio = visit.studio
    found = await asyncio.to_thread(standings, studio.catalogue, studio.providers.by_name, studio.providers.off)
    return {"providers": [standing_document(one) for one in found]}


async def _check(sent: FormSent) -> Shows:
    """Ask each provider that is set up whether key and address work; it costs nothing."""
    studio = sent.visit.studio
    found = standings(studio.catalogue, studio.providers.by_name, studio.providers.off)
    now = sent.visit.gate.clock()
    told = await checked(studio.providers.by_name, found, SECONDS, list(studio.catalogue), now)
    return Shows(
        "checked.html",
        "providers.checked",
        {"providers": [checked_document(one) for one in told]},
        under="providers",
        columns=CHECKED,
    )


async def _provider(visit: Visit) -> Document:
    """The documents of `/v1/providers/{provider}/months` and `…/invoices`, the newest first, and how it stands here."""
    name, invoices = visit.path["provider"], visit.studio.invoices
    standing = next((one for one in (await _providers(visit))["providers"] if one["name"] == name), None)
    if standing is None:
        raise InvalidInput("provider", f"there is no provider {name[:40]!r}", hint="choose one of the list")
    told: Document = {"provider": name, "standing": standing, "billing": _has_bills(visit, name)}
    try:
        found, zone = await invoices.list(name), await invoices.zone(name)
        months = months_document(name, await invoices.months(name))["months"]
    except UnknownInvoice:
        return {**told, "zone": None, "months": [], "invoices": []}
    rows = invoices_document(name, found, invoices.currency, zone)["invoices"]
    return {**told, "zone": zone, "months": months[::-1], "invoices": rows[::-1]}


def _has_bills(visit: Visit, provider: str) -> bool:
    known: object = visit.studio.providers.by_name.get(provider)
    return isinstance(known, Billing)


async def _month(visit: Visit) -> Document:
    """The document of `/v1/providers/{provider}/months/{month}`."""
    studio = visit.studio
    found = await studio.invoices.compare(visit.path["provider"], visit.path["month"])
    proposal = proposed_prices(found, studio.catalogue, studio.providers.clock())
    told = {"models": list(proposal.models), "notes": list(proposal.notes), "overlay": proposal.text or None}
    return {**month_document(found), "proposal": told}


async def _record(sent: FormSent) -> str:
    """An invoice as it came."""
    visit, provider, invoices = sent.visit, sent.visit.path["provider"], sent.visit.studio.invoices
    amount = sent.needed_amount("amount", invoices.currency)
    month = sent.needed("month")
    await invoices.record(
        provider,
        sent.needed("number"),
        month=month,
        amount=amount,
        lines=lines_of_text(sent.text("lines"), invoices.currency) if sent.text("lines") else (),
        zone=sent.text("zone"),
        by=visit.caller.holder.actor,
        reason=sent.text("reason"),
    )
    return visit.link("provider_month", provider=provider, month=month)


async def _void(sent: FormSent) -> str:
    visit, provider = sent.visit, sent.visit.path["provider"]
    by = visit.caller.holder.actor
    await visit.studio.invoices.void(provider, sent.needed("number"), sent.needed("reason"), by=by)
    return visit.link("provider", provider=provider)


async def _settle(sent: FormSent) -> str:
    """Take the rest of a month's difference as expense or income."""
    visit, provider, month = sent.visit, sent.visit.path["provider"], sent.visit.path["month"]
    by = visit.caller.holder.actor
    await visit.studio.invoices.settle(provider, month, sent.needed("reason"), by=by)
    return visit.link("provider_month", provider=provider, month=month)


async def _reconciliation(visit: Visit) -> Document:
    """The bills that the provider has now for a span, beside our costs; nothing is asked until a span is chosen."""
    provider, since = visit.path["provider"], visit.params.get("since")
    now = visit.gate.clock()
    if since is None:
        return {"provider": provider, "since": None, "until": None, "usual": iso(now - WEEK)[:10], "lines": []}
    return await _reconciled(visit, provider, since, visit.params.get("until"), correct=False)


async def _reconciled(visit: Visit, provider: str, since: str, until: str | None, *, correct: bool) -> Document:
    start, end = span_to_now(visit, since, until)
    lines = await visit.studio.providers.reconcile(provider, start, end, correct=correct)
    currency = visit.studio.accounts.currency
    return dict(reconciled_document(Reconciliation(provider, start, end, lines, currency)))


async def _correct(sent: FormSent) -> str:
    """Book what the provider really took, by facts; no price changes."""
    visit, provider = sent.visit, sent.visit.path["provider"]
    since, until = sent.needed("since"), sent.needed("until")
    await _reconciled(visit, provider, since, until, correct=True)
    return visit.link("reconciliation", provider=provider, since=since, until=until)


def _page(name: str, path: str, document: Callable[[Visit], Awaitable[Document]], **more: Any) -> WebPage:
    return WebPage(name=name, path=path, document=document, meant=MeantFor.STUDIO, template=f"{name}.html", **more)


PAGES = (
    _page("providers", "/providers", _providers, group="studio", rows="providers", columns=PROVIDERS),
    _page(
        "provider",
        "/providers/{provider}",
        _provider,
        scope=KeyScope.ADMIN,
        under="providers",
        rows="months",
        columns=MONTHS,
        parts={"invoices": INVOICES},
    ),
    _page(
        "provider_month",
        "/providers/{provider}/months/{month}",
        _month,
        scope=KeyScope.ADMIN,
        under="providers",
        rows="models",
        columns=MODELS,
    ),
    _page(
        "reconciliation",
        "/providers/{provider}/reconciliation",
        _reconciliation,
        scope=KeyScope.ADMIN,
        under="providers",
        rows="lines",
        columns=JOBS,
        filters=(PageFilter(name="since", kind="day"), PageFilter(name="until", kind="day")),
    ),
)
ACTIONS = tuple(
    WebAction(name=name, path=path, do=do, scope=KeyScope.ADMIN, meant=MeantFor.STUDIO)
    for name, path, do in (
        ("check_providers", "/providers/check", _check),
        ("record_invoice", "/providers/{provider}/invoices", _record),
        ("void_invoice", "/providers/{provider}/invoices/void", _void),
        ("settle_month", "/providers/{provider}/months/{month}/settle", _settle),
        ("correct_costs", "/providers/{provider}/reconciliation", _correct),
    )
)
