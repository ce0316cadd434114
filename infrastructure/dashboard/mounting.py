"""The dashboard's routes: every page as HTML, `.json` and, if it is a table, `.csv`; every action as a form's POST."""

from __future__ import annotations

from asyncio import gather
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from domain.errors import InvalidInput
from domain.keys import KeyScope
from infrastructure.dashboard import entering
from infrastructure.dashboard.csvfiles import csv_lines
from infrastructure.dashboard.entering import LoggedIn
from infrastructure.dashboard.forms import sent
from infrastructure.dashboard.longlooks import LongLooks
from infrastructure.dashboard.page import (
    ACCOUNT,
    MOST,
    PAGING,
    USUAL,
    Document,
    Guarded,
    Listed,
    MeantFor,
    Reading,
    Shows,
    Visit,
    WebAction,
    WebFile,
    WebPage,
)
from infrastructure.dashboard.permission import may, require
from infrastructure.dashboard.positions import Placed, placed
from infrastructure.dashboard.rendering import STATIC, Linker, Wording, menu, rendered
from infrastructure.dashboard.responses import GUARDS, PARTIAL, page_response, see_other, told_as_page
from infrastructure.dashboard.sessions import Sessions
from infrastructure.gateway.addresses import check_text
from infrastructure.gateway.door import ACCOUNT as ACCOUNT_HEADER
from infrastructure.gateway.door import KeyCaller
from infrastructure.gateway.gate import Gate
from infrastructure.gateway.native.answering import encoded
from infrastructure.gateway.rates import Rates
from infrastructure.showing.positions import position_document
from infrastructure.showing.telling import without_ours

POSITION: Final = "x-imagestudio-position"
FOR_EVER: Final = "public, max-age=31536000, immutable"
Endpoint = Callable[[Request], Awaitable[Response]]


class PlainPages(BaseRoute):
    """The pages whose addresses have no parts, found by their address: one look, instead of one at each route.

    It stands before the routes of the API, which it is nothing to; whatever it does not know is found as before.
    """

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        plain = (one for one in routes if isinstance(one, Route) and "{" not in one.path)
        self._known = {one.path: one for one in plain if one.methods is not None and "GET" in one.methods}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        route = self._known.get(scope.get("path", ""))
        found = (Match.NONE, {}) if route is None else route.matches(scope)
        return found if found[0] is Match.FULL else (Match.NONE, {})

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._known[scope["path"]].handle(scope, receive, send)


@dataclass(frozen=True)
class Dashboard:
    """All of it, behind a gate."""

    gate: Gate
    pages: Sequence[WebPage]
    actions: Sequence[WebAction]
    files: Sequence[WebFile] = ()
    rates: Rates = field(default_factory=Rates)
    looks: LongLooks = field(default_factory=LongLooks)

    @cached_property
    def sessions(self) -> Sessions:
        return Sessions(self.gate.studio.library.links.keys, self.gate.clock)

    @cached_property
    def known(self) -> dict[str, Guarded]:
        """Pages, files and actions by name."""
        every: list[Guarded] = [*self.pages, *self.files, *self.actions]
        return {one.name: one for one in every}

    def routes(self) -> list[Route]:
        """Those with a form of a page stand before the page, whose last part may be any word."""
        found = [
            _route("/static/{name:path}", _static),
            _route("/login", partial(entering.login, self), "GET", "POST"),
            _route("/logout", partial(entering.logout, self), "POST"),
        ]
        for page in self.pages:
            if page.rows:
                found.append(_route(f"{page.base}.csv", partial(self._csv, page), data=True))
            found.append(_route(f"{page.base}.json", partial(self._json, page), data=True))
            if page.live is not None or page.reads is not None:
                found.append(_route(f"{page.base}/live", partial(self._live, page), data=True))
        found += [_route(one.path, partial(self._file, one)) for one in self.files]
        found += [_route(page.path, partial(self._html, page)) for page in self.pages]
        return found + [_route(one.path, partial(self._act, one), "POST") for one in self.actions]

    async def _html(self, page: WebPage, request: Request) -> Response:
        who = await entering.entered(self, request)
        require(who.holder, page)
        if page.meant is MeantFor.ACCOUNT and who.holder.runs_studio and not request.query_params.get(ACCOUNT):
            return see_other("/studio" if page.name == "overview" else "/accounts")
        visit = self.visit(page, request, KeyCaller(who.holder, request.query_params.get(ACCOUNT) or None))

        async def both() -> tuple[Document, Wording]:
            return await gather(page.document(visit), self._wording(visit, page))

        make = partial(placed, self.gate.studio, _about(page, visit), both)
        if page.reads is None:
            made = await make()
        else:
            reading = await page.reads(visit)
            look = await self.looks.begun(_which(page, visit), reading, make, keep=visit.partial)
            if look is not None and not look.done():
                return await self._meanwhile(page, visit, who, reading)
            made = await make() if look is None else look.result()
        document, wording = made.document
        found = Placed(document, made.position, made.moved)
        content = rendered(page.template, self.context(visit, who, found, page), wording)
        return page_response(content, headers={POSITION: str(found.position)})

    async def _meanwhile(self, page: WebPage, visit: Visit, who: LoggedIn, reading: Reading) -> Response:
        """A page that says how far the one that was asked for is."""
        told = Placed({"missing": reading.missing, "read": reading.read}, 0)
        context = self.context(visit, who, told, page)
        return page_response(rendered("meanwhile.html", context, await self._wording(visit, page)), 202)

    async def _json(self, page: WebPage, request: Request) -> Response:
        visit = self.visit(page, request, await self._caller(page, request))
        found = await self._placed(page, visit)
        moved = {} if found.moved is None else {"until": int(found.moved)}
        content = encoded({**position_document(found.position), **moved, **found.document}, visit.caller)
        return Response(content, 200, {**GUARDS, POSITION: str(found.position)}, "application/json")

    async def _placed(self, page: WebPage, visit: Visit) -> Placed[Document]:
        return await placed(self.gate.studio, _about(page, visit), partial(page.document, visit))

    async def _file(self, file: WebFile, request: Request) -> Response:
        visit = self.visit(file, request, await self._caller(file, request))
        answer = await file.make(visit, request)
        answer.headers.update({name: value for name, value in GUARDS.items() if name not in answer.headers})
        return answer

    async def _csv(self, page: WebPage, request: Request) -> Response:
        """The whole table, unless the address says how much of it."""
        caller = await self._caller(page, request)
        visit = self.visit(page, request, caller, MOST)

        async def following(after: str) -> Document:
            return as_shown(caller, await page.document(self.visit(page, request, caller, MOST, after)))

        found = await self._placed(page, visit)
        first = as_shown(caller, found.document)
        if "limit" in request.query_params:
            first.pop("next", None)
        lines = csv_lines(first, page.rows, [one.name for one in page.columns], following)
        told = {"content-disposition": f'attachment; filename="{page.name}.csv"', POSITION: str(found.position)}
        return StreamingResponse(lines, 200, {**GUARDS, **told}, "text/csv; charset=utf-8")

    async def _live(self, page: WebPage, request: Request) -> Response:
        """A line for each change; a browser asks for the page again, so that all is told in one place."""
        visit = self.visit(page, request, await self._caller(page, request))
        changes = self.looks.until_done(_which(page, visit)) if page.live is None else await page.live(visit)

        async def events() -> AsyncIterator[str]:
            async for _ in changes:
                yield "event: fact\ndata:\n\n"
            yield "event: end\ndata:\n\n"

        return StreamingResponse(events(), 200, dict(GUARDS), "text/event-stream")

    async def _act(self, action: WebAction, request: Request) -> Response:
        who = await entering.entered(self, request)
        require(who.holder, action)
        visit = self.visit(None, request, KeyCaller(who.holder, request.query_params.get(ACCOUNT) or None))
        async with sent(request, visit) as form:
            entering.check_form(self, request, who.session.word, form.text("token"))
            done = await action.do(form)
        if isinstance(done, str):
            return see_other(done)
        context = self.context(visit, who, Placed(done.document, 0), done)
        return page_response(rendered(done.template, context, await self._wording(visit, action)))

    async def _wording(self, visit: Visit, what: Guarded) -> Wording:
        """Times of the account that is looked at, of all accounts in UTC; names of keys for whoever sees them."""
        account, studio = visit.whose, visit.studio
        if what.meant is MeantFor.STUDIO or account is None:
            return Wording()
        if not may(visit.caller.holder, self.known["keys"]):
            return Wording((await studio.accounts.show(account)).zone)
        view, keys = await gather(studio.accounts.show(account), studio.keys.list(account))
        return Wording(view.zone, {one.id: one.name for one in keys if one.name})

    async def _caller(self, page: Listed, request: Request) -> KeyCaller:
        """Of a data file: by a session, or by a key in the headers, as at the API."""
        if "authorization" in request.headers or "x-api-key" in request.headers:
            caller = await self.gate.door.enter(request, KeyScope.READ)
        else:
            caller = KeyCaller((await entering.entered(self, request)).holder)
        require(caller.holder, page)
        named = request.query_params.get(ACCOUNT) or request.headers.get(ACCOUNT_HEADER)
        return KeyCaller(caller.holder, named)

    def visit(
        self,
        page: Listed | None,
        request: Request,
        caller: KeyCaller,
        usual: int = USUAL,
        after: str | None = None,
    ) -> Visit:
        """All that the address asks of a page. Raises InvalidInput for what it does not take."""
        params = dict(request.query_params)
        known = {ACCOUNT, *PAGING, *(one.name for one in (page.filters if page else ()))}
        for unknown in params.keys() - known:
            raise InvalidInput(unknown, "is no parameter of this page", hint=f"there are: {', '.join(sorted(known))}")
        return Visit(
            gate=self.gate,
            caller=caller,
            link=Linker(self.known, caller.holder, caller.named),
            path=request.path_params,
            params={name: value for name, value in params.items() if name not in (*PAGING, ACCOUNT) and value},
            after=after or params.get("after") or None,
            partial=PARTIAL in request.headers,
            limit=_limit(params.get("limit", str(usual))),
        )

    def context(self, visit: Visit, who: LoggedIn, found: Placed[Document], page: WebPage | Shows) -> dict[str, Any]:
        """All that a template sees."""
        holder, chosen = who.holder, visit.whose
        return {
            "page": page,
            "visit": visit,
            "document": as_shown(visit.caller, found.document),
            "position": found.position,
            "moved": found.moved,
            "holder": holder,
            "account": chosen,
            "menu": menu(self.pages, holder, chosen is not None),
            "link": visit.link,
            "may": lambda name: may(holder, self.known[name]),
            "token": self.sessions.token(who.session.word),
            "currency": self.gate.currency,
        }


def _which(page: WebPage, visit: Visit) -> Hashable:
    """The page that somebody looks at, and who."""
    asked = (*sorted(visit.path.items()), *sorted(visit.params.items()), visit.after, visit.limit)
    return (visit.caller.holder.key, visit.whose, page.name, asked)


def _about(page: WebPage, visit: Visit) -> str | None:
    """The account whose facts a page follows from; None: all of them."""
    return None if page.meant is MeantFor.STUDIO else visit.whose


def as_shown(caller: KeyCaller, document: Document) -> Document:
    """The document as far as the caller may see it, as at the API."""
    found: Document = dict(document) if caller.holder.may(KeyScope.ADMIN) else without_ours(document)
    return found


def _route(path: str, endpoint: Endpoint, *methods: str, data: bool = False) -> Route:
    """The route, whose errors are told as pages, or as at the API; requests are logged by its pattern."""

    async def answered(request: Request) -> Response:
        request.scope["route"] = route
        if not data:
            request.state.tell = partial(told_as_page, request)
        await check_text(request)
        return await endpoint(request)

    route = Route(path, answered, methods=[*methods] or ["GET"])
    return route


async def _static(request: Request) -> Response:
    file = (STATIC / request.path_params["name"]).resolve()
    if not file.is_relative_to(STATIC) or not file.is_file():
        raise InvalidInput("name", "there is no such file", hint="see the dashboard")
    return FileResponse(file, headers={**GUARDS, "cache-control": FOR_EVER})


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= MOST):
        raise InvalidInput("limit", f"must be a number from 1 to {MOST}", hint=f"leave it out for {USUAL}")
    return int(text)
