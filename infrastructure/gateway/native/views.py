"""`/v1/usage`, `/v1/periods`, `/v1/spend`, `/v1/costs`, `/v1/operations`: rows of the views, filtered and paged.

A route follows from a view's declaration: each field of its filter is a parameter, and the account is always the
caller's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import fields, replace
from io import StringIO
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from application.ledger.moments import Moment
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.keys import KeyScope
from domain.tags import tag_of
from infrastructure.gateway.callers import Reader
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import Gate, gate_of
from infrastructure.gateway.native.answering import json_of, seen_by
from infrastructure.gateway.native.asof import AS_OF, DATED, as_of_document, moment_asked
from infrastructure.gateway.native.paging import PAGED, PageAsked, check_parameters, page_of
from infrastructure.showing.formats import instant_of
from infrastructure.showing.positions import position_text
from infrastructure.showing.rows import list_document, tagged_document
from infrastructure.showing.sums import ASKED, FILTERS, question_of, sums_document, write_sums_csv
from projections.engine.filters import check_word
from projections.engine.view import AnyView
from projections.summing import SumQuestion
from projections.views.costs import COSTS
from projections.views.operations import OPERATIONS
from projections.views.periods import PERIODS
from projections.views.spend import SPEND
from projections.views.usage import USAGE

router = APIRouter(prefix="/v1", tags=["Views"])
FORMAT, JSON, CSV = "format", "json", "csv"
NO_PARAMETERS: Final = frozenset({"account", "requested", "holding"})


def parameters_of(view: AnyView) -> list[str]:
    """The names by which rows can be chosen."""
    return [one.name for one in fields(view.filter) if one.name not in NO_PARAMETERS]


async def rows_document(
    gate: Gate,
    name: str,
    view: AnyView,
    chosen: Mapping[str, str],
    page: PageAsked,
    moment: Moment | None = None,
    *,
    caught_up: bool = False,
    **account: str,
) -> Mapping[str, Any]:
    """A page of rows, as they are or were, by the view's parameters as text; `account` is whose, if a view has that.

    The views are brought up to the log before, unless whoever asks did so.
    """
    studio, filter = gate.studio, filter_of(view, chosen, account)
    if moment is not None:
        found = await studio.past.find(view, filter, moment, after=page.after, limit=page.limit)
    else:
        if not caught_up:
            await asyncio.to_thread(studio.views.catch_up)
        found = await asyncio.to_thread(studio.views.find, view, filter, after=page.after, limit=page.limit)
    if view is OPERATIONS and moment is None:
        tags = await asyncio.to_thread(studio.views.tags, [row.id for row in found.rows])
        return tagged_document(list_document(name, view, found), tags)
    return as_of_document(list_document(name, view, found), moment)


def filter_of(view: AnyView, chosen: Mapping[str, str], account: Mapping[str, str]) -> Any:
    """The filter that parameters are as text. Raises InvalidInput."""
    return view.filter(**{one: _value(one, chosen[one]) for one in parameters_of(view) if one in chosen}, **account)


async def _rows(request: Request, name: str, view: AnyView, caller: KeyCaller, account: Mapping[str, str]) -> Response:
    """A page of rows; what no parameter is called is refused, as it would choose nothing."""
    gate, chosen, page = gate_of(request), request.query_params, page_of(request)
    check_parameters(request, [*parameters_of(view), *page.NAMES, AS_OF])
    moment = await moment_asked(request, account.get("account"))
    return json_of(await rows_document(gate, name, view, chosen, page, moment, caught_up=False, **account), caller)


def _value(name: str, text: str) -> Any:
    if not text:
        raise InvalidInput(name, f"{shortened(text)} chooses nothing", hint="leave it out for all")
    if name == "tag":
        return tag_of(text)
    return instant_of(text, field=name) if name == "at" else text


async def usage(request: Request, caller: Reader) -> Response:
    """Sum up who did what in each period, and what it cost; or in other groups, by `group_by`, in any time zone."""
    if not request.query_params.keys().isdisjoint((*ASKED, FORMAT)):
        return await _summed(request, caller)
    return await _rows(request, "usage", USAGE, caller, {"account": caller.account})


async def _summed(request: Request, caller: KeyCaller) -> Response:
    """Groups of what ended, with their sums, as JSON or CSV."""
    page = page_of(request)
    check_parameters(request, [*ASKED, *FILTERS, FORMAT, *page.NAMES, AS_OF])
    words = request.query_params
    format = words.get(FORMAT, JSON)
    check_word(FORMAT, format, (JSON, CSV))
    asked = question_of(words, None)
    if "account" in asked.by:
        caller.holder.require_studio(KeyScope.READ)
    else:
        asked = replace(asked, wanted=replace(asked.wanted, account=caller.account))
    document = await _sums(request, asked, page)
    if format == JSON:
        return json_of(document, caller)
    written = StringIO()
    write_sums_csv(written, seen_by(document, caller))
    following = {"x-next": document["next"]} if "next" in document else {}
    return Response(written.getvalue(), 200, {"x-position": position_text(document), **following}, "text/csv")


async def _sums(request: Request, asked: SumQuestion, page: PageAsked) -> Mapping[str, Any]:
    """The answer as it is, or was."""
    studio, moment = gate_of(request).studio, await moment_asked(request, asked.wanted.account)
    if moment is not None:
        found = await studio.past.sum_up(asked, moment, after=page.after, limit=page.limit)
    else:
        await asyncio.to_thread(studio.views.catch_up)
        found = await asyncio.to_thread(studio.views.sum_up, asked, after=page.after, limit=page.limit)
    return as_of_document(sums_document(found), moment)


async def periods(request: Request, caller: Reader) -> Response:
    """List billing periods with their totals."""
    return await _rows(request, "periods", PERIODS, caller, {"account": caller.account})


async def spend(request: Request, caller: Reader) -> Response:
    """List what was spent on each day at each model."""
    return await _rows(request, "spend", SPEND, caller, {"account": caller.account})


async def operations(request: Request, caller: Reader) -> Response:
    """List operations, the newest first."""
    return await _rows(request, "operations", OPERATIONS, caller, {"account": caller.account})


async def costs(request: Request, caller: Reader) -> Response:
    """List what each model brought in and what it cost, over all accounts; for the studio's own keys."""
    caller.holder.require_studio(KeyScope.READ)
    return await _rows(request, "costs", COSTS, caller, {})


def _parameters(view: AnyView) -> dict[str, Any]:
    """The parameters for the OpenAPI document."""
    names = [*parameters_of(view), *((*ASKED, FORMAT) if view is USAGE else ())]
    named = [{"name": one, "in": "query", "schema": {"type": "string"}} for one in names]
    return {"parameters": [*named, *PAGED["parameters"], *DATED]}


for _list, _view in ((usage, USAGE), (periods, PERIODS), (spend, SPEND), (operations, OPERATIONS), (costs, COSTS)):
    router.get(f"/{_list.__name__}", openapi_extra=_parameters(_view))(_list)
