"""For whoever runs the studio: models and what they cost, whether the log holds, how far views are."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from domain.keys import KeyScope
from infrastructure.auditing import verdict_of
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
from infrastructure.dashboard.pages.rows import PAST, past_read, view_rows
from infrastructure.shards.turns import each_in_turn_blocking
from infrastructure.showing.documents import model_document, price_text
from infrastructure.showing.formats import document
from infrastructure.showing.queues import queues_document
from infrastructure.showing.seals import signed_document, watch_document
from infrastructure.showing.verdicts import verdict_document
from projections.views.costs import COSTS

SEALS: Final = (
    TableColumn(name="at", kind="instant"),
    TableColumn(name="position", kind="count"),
    TableColumn(name="streams", kind="count"),
    TableColumn(name="root", kind="id"),
    TableColumn(name="key", kind="mono", wide=True),
)
QUEUES: Final = (
    TableColumn(name="provider", to="provider", by="provider"),
    TableColumn(name="waiting", kind="count"),
    TableColumn(name="waiting_since", kind="due"),
    TableColumn(name="taken", kind="count"),
    TableColumn(name="places", kind="limit"),
    TableColumn(name="rests_until", kind="due"),
)
LINES: Final = (
    TableColumn(name="account", to="operations", by="account"),
    TableColumn(name="provider"),
    TableColumn(name="waiting", kind="count"),
    TableColumn(name="waiting_since", kind="due"),
    TableColumn(name="running", kind="count"),
    TableColumn(name="running_since", kind="due", wide=True),
)
PROCESSES: Final = (
    TableColumn(name="process", kind="mono"),
    TableColumn(name="operations", kind="count"),
    TableColumn(name="over", kind="count"),
    TableColumn(name="until", kind="instant"),
)
VIEWS: Final = (
    TableColumn(name="view"),
    TableColumn(name="position", kind="count"),
    TableColumn(name="lag", kind="count"),
    TableColumn(name="rebuilding", kind="since"),
    TableColumn(name="failed_at", kind="since"),
    TableColumn(name="error", kind="since"),
)
MODELS: Final = (
    TableColumn(name="id"),
    TableColumn(name="provider"),
    TableColumn(name="kinds", kind="words"),
    TableColumn(name="class"),
    TableColumn(name="price_text"),
    TableColumn(name="status", kind="state"),
)
COST_COLUMNS: Final = (
    TableColumn(name="month_start", kind="day"),
    TableColumn(name="model"),
    TableColumn(name="provider", wide=True),
    TableColumn(name="charged", kind="count"),
    TableColumn(name="released", kind="count", wide=True),
    TableColumn(name="units", wide=True),
    TableColumn(name="price", kind="money"),
    TableColumn(name="adjusted", kind="money", wide=True),
    TableColumn(name="cost", kind="money"),
    TableColumn(name="cost_unknown", kind="count", wide=True),
)


async def _costs(visit: Visit) -> Document:
    """The document of `/v1/costs`."""
    return await view_rows(visit, "costs", COSTS)


async def _prices(visit: Visit) -> Document:
    """The models of `/v1/prices`, a page of them, each with its price in a few words."""
    studio, kind, at = visit.studio, visit.params.get("kind"), visit.gate.clock()
    every = studio.catalogue.for_kind(kind) if kind else sorted(studio.catalogue, key=lambda one: one.id)
    after, off = visit.after or "", studio.providers.off
    provider = visit.params.get("provider")
    left = [one for one in every if one.id > after and provider in (None, one.provider)]
    left.sort(key=lambda one: one.id)
    shown = left[: visit.limit]
    rows = [{**model_document(one, at, off), "price_text": price_text(one, visit.gate.currency)} for one in shown]
    more = {"next": shown[-1].id} if len(left) > len(shown) else {}
    return {"currency": visit.gate.currency, "models": rows, **more}


async def _views(visit: Visit) -> Document:
    """How far each view is behind the log."""
    found = await asyncio.to_thread(visit.studio.views.status)
    return {"views": [document(one) for one in found]}


async def _queues(visit: Visit) -> Document:
    """The operations that wait for each provider, whose they are, and which processes work."""
    return queues_document(await asyncio.to_thread(visit.studio.queues.standing))


async def _audit(visit: Visit) -> Document:
    """The watch over the log, and the newest seals, as `/v1/seals` tells them."""
    seals = visit.studio.seals
    kept = await asyncio.to_thread(seals.kept)
    newest = [signed_document(one) for one in reversed(kept[-visit.limit :])]
    return {"watch": watch_document(await asyncio.to_thread(seals.watch.standing)), "seals": newest}


async def _run_audit(sent: FormSent) -> Shows:
    """The document of `/v1/audit`."""
    visit = sent.visit
    async with visit.gate.auditing:
        verdict: dict[str, Any] = verdict_document(await verdict_of(visit.studio.audit, visit.whose))
    return Shows("verdict.html", "audit.verdict", verdict, under="audit")


async def _seal(sent: FormSent) -> str:
    visit = sent.visit
    async with visit.gate.auditing:
        taken = await each_in_turn_blocking(visit.studio.by_shard, lambda one: one.seals.take())
    for error in taken.failed.values():
        raise error
    return visit.link("audit")


async def _recover(sent: FormSent) -> str:
    await sent.visit.studio.upkeep.recover()
    return sent.visit.link("queues")


PAGES = (
    WebPage(
        name="prices",
        path="/prices",
        document=_prices,
        meant=MeantFor.ANY,
        group="money",
        rows="models",
        columns=MODELS,
        filters=(PageFilter(name="kind"), PageFilter(name="provider")),
    ),
    WebPage(
        name="costs",
        path="/costs",
        document=_costs,
        reads=past_read,
        scope=KeyScope.READ,
        meant=MeantFor.STUDIO,
        group="studio",
        rows="costs",
        columns=COST_COLUMNS,
        filters=(PageFilter(name="model"), PageFilter(name="provider"), PageFilter(name="at", kind="day"), PAST),
    ),
    WebPage(
        name="queues",
        path="/queues",
        document=_queues,
        template="queues.html",
        meant=MeantFor.STUDIO,
        group="studio",
        rows="queues",
        columns=QUEUES,
        parts={"lines": LINES, "processes": PROCESSES},
    ),
    WebPage(
        name="audit",
        path="/audit",
        document=_audit,
        template="audit.html",
        scope=KeyScope.ADMIN,
        meant=MeantFor.STUDIO,
        group="studio",
        rows="seals",
        columns=SEALS,
    ),
    WebPage(
        name="views",
        path="/views",
        document=_views,
        meant=MeantFor.STUDIO,
        group="studio",
        rows="views",
        columns=VIEWS,
    ),
)
ACTIONS = tuple(
    WebAction(name=name, path=path, do=do, scope=KeyScope.ADMIN, meant=MeantFor.STUDIO)
    for name, path, do in (
        ("run_audit", "/audit/run", _run_audit),
        ("take_seal", "/audit/seal", _seal),
        ("recover", "/queues/recover", _recover),
    )
)
