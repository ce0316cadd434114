"""Tools that ask for no work: what became of it, what was used and is left, models, assets; and stopping, approving."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from application.asking.requests import Result
from application.library.records import AssetQuery
from domain.catalogue import Model
from domain.errors import OperationError
from domain.kinds import KINDS
from infrastructure.agents import answers
from infrastructure.agents.answers import SCHEME
from infrastructure.agents.callers import AgentCaller
from infrastructure.agents.shapes import Approve, FindAssets, Models, Nothing, OneOperation, Rows, Stop, UsageRows
from infrastructure.agents.toolbox import Answer, Context, Params, Toolbox
from infrastructure.showing.assets import page_document
from infrastructure.showing.documents import limits_document, model_document, price_text
from infrastructure.showing.formats import money
from infrastructure.showing.refusals import approval_document
from infrastructure.showing.rows import list_document
from projections.views.operations import OPERATIONS, OperationFilter
from projections.views.usage import USAGE, UsageFilter

TOLD: Final = ("id", "kind", "model", "user", "project", "state", "price", "held", "requested_at", "settled_at")
"""Columns of an operation by which an agent finds one."""


async def operation(tools: Toolbox, caller: AgentCaller, asked: OneOperation, _: Context, __: Params) -> Answer:
    """How an operation stands, once it has ended or after so many seconds. Raises UnknownOperation."""
    result = await _ended(tools, caller, asked) if asked.wait else None
    found = result or await tools.studio.operations.look(asked.operation, account=caller.account)
    return await answers.made(tools.studio, caller, found)


async def cancel(tools: Toolbox, caller: AgentCaller, asked: Stop, _: Context, __: Params) -> Answer:
    """Stop it at its provider; nothing is charged for what is stopped. Raises IllegalTransition if it has ended."""
    stopped = await tools.studio.operations.cancel(
        asked.operation, account=caller.account, by=caller.actor, reason=asked.reason
    )
    return await answers.made(tools.studio, caller, stopped)


async def list_operations(tools: Toolbox, caller: AgentCaller, asked: Rows, _: Context, __: Params) -> Answer:
    """The account's operations, the newest first."""
    views, wanted = tools.studio.views, OperationFilter(account=caller.account)
    await asyncio.to_thread(views.catch_up)
    found = await asyncio.to_thread(views.find, OPERATIONS, wanted, after=asked.after, limit=asked.limit)
    told = list_document("operations", OPERATIONS, found)
    rows: Any = told["operations"]
    return answers.reply(caller, {**told, "operations": [{name: one[name] for name in TOLD} for one in rows]})


async def list_usage(tools: Toolbox, caller: AgentCaller, asked: UsageRows, _: Context, __: Params) -> Answer:
    """Sums of what was done, by period, user and kind."""
    wanted = UsageFilter(account=caller.account, user=asked.user, kind=asked.kind)
    views = tools.studio.views
    await asyncio.to_thread(views.catch_up)
    found = await asyncio.to_thread(views.find, USAGE, wanted, after=asked.after, limit=asked.limit)
    return answers.reply(caller, list_document("usage", USAGE, found))


async def list_limits(tools: Toolbox, caller: AgentCaller, _: Nothing, __: Context, ___: Params) -> Answer:
    """Every limit with what is used, held and left of it; and what the key may spend without a person."""
    told = limits_document(await tools.studio.accounts.limits(caller.account))
    terms = None if caller.holder is None else caller.holder.terms
    if terms is not None and terms.approve_above is not None:
        told["approve_above"] = money(terms.approve_above, tools.currency)
    return answers.reply(caller, told)


async def list_models(tools: Toolbox, caller: AgentCaller, asked: Models, _: Context, __: Params) -> Answer:
    """All about one model, those of a kind with their prices, or every kind there is."""
    catalogue, at, off = tools.studio.catalogue, tools.clock(), tools.studio.providers.off
    if asked.model is not None:
        shown = model_document(catalogue.get(asked.model), at, off)
        return answers.reply(caller, {"currency": tools.currency, "model": shown})
    if asked.kind is not None:
        usable = [one for one in catalogue.for_kind(asked.kind) if _is_usable(one, at, off)]
        return answers.reply(caller, {"currency": tools.currency, "models": [_line(one, tools) for one in usable]})
    counts = {kind: sum(_is_usable(one, at, off) and kind in one.kinds for one in catalogue) for kind in KINDS}
    kinds = [{"kind": kind, "family": KINDS[kind], "models": count} for kind, count in counts.items() if count]
    return answers.reply(caller, {"kinds": kinds, "hint": "name a kind for its models and their prices"})


async def assets(tools: Toolbox, caller: AgentCaller, asked: FindAssets, _: Context, __: Params) -> Answer:
    """Files of the account's library, the newest first."""
    wanted = replace(AssetQuery(), text=asked.text, type=asked.type)
    page = await tools.studio.library.list(caller.account, wanted, after=asked.after, limit=asked.limit)
    told = page_document(page)
    listed = [{**one, "uri": f"{SCHEME}{one['id']}"} for one in told["assets"]]
    return answers.reply(caller, {**told, "assets": listed})


async def approve(tools: Toolbox, caller: AgentCaller, asked: Approve, _: Context, __: Params) -> Answer:
    """Let the request that another key was quoted go through, once. Raises UnknownQuote, Forbidden."""
    found = await tools.studio.approvals.give(caller.account, asked.quote, by=caller.actor, reason=asked.reason)
    return answers.reply(caller, approval_document(found))


async def _ended(tools: Toolbox, caller: AgentCaller, asked: OneOperation) -> Result | None:
    """The result once it has ended; None if it takes longer, or ended without one."""
    with suppress(TimeoutError, OperationError):
        async with asyncio.timeout(asked.wait):
            return await tools.studio.operations.wait(asked.operation, account=caller.account)
    return None


def _is_usable(model: Model, at: int, off: Any) -> bool:
    return model.provider not in off and not model.why_unavailable(at)


def _line(model: Model, tools: Toolbox) -> dict[str, Any]:
    return {
        "model": model.id,
        "class": model.class_,
        "quality": model.quality,
        "price": price_text(model, tools.currency),
        "outputs": list(model.outputs),
        "inputs": list(model.inputs),
        "description": model.description,
        "warning": model.warning(tools.clock()),
    }
