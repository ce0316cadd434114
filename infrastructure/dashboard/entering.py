"""Logging in with a key and out again, and who is at a page.

Of a key that does not open anything is said the same, whatever is wrong with it, and one address may only try so often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import Response

from domain.authority import KeyHolder
from domain.errors import Unauthenticated
from infrastructure.clock import new_secret
from infrastructure.dashboard.forms import fields_in
from infrastructure.dashboard.rendering import rendered
from infrastructure.dashboard.responses import page_response, see_other
from infrastructure.dashboard.sessions import (
    COOKIE,
    FORM_COOKIE,
    SECONDS,
    TOKEN,
    SignedSession,
    StrangeForm,
    forget_cookie,
    set_cookie,
)
from infrastructure.gateway.rates import TooManyRequests

if TYPE_CHECKING:
    from infrastructure.dashboard.mounting import Dashboard

TRIES: Final = 10
"""Wrong keys of one address in a minute."""
WORD: Final = 32
"""Characters of the word that the login's form belongs to."""


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session, and the holder of its key as it is now."""

    session: SignedSession
    holder: KeyHolder


async def entered(dashboard: Dashboard, request: Request) -> LoggedIn:
    """Who is at a page. Raises Unauthenticated, TooManyRequests, StoreUnavailable."""
    session = dashboard.sessions.read(request)
    holder = await dashboard.gate.studio.keys.shown_before(session.account, session.key)
    dashboard.gate.door.count(request, holder)
    return LoggedIn(session, holder)


def check_form(dashboard: Dashboard, request: Request, word: str, token: str) -> None:
    """Go on if a form was one of ours, sent from one of our pages. Raises StrangeForm."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise StrangeForm("the form comes from another site", hint="send it from the dashboard")
    dashboard.sessions.check(word, token)


async def login(dashboard: Dashboard, request: Request) -> Response:
    """The form, and its answer: a session."""
    wanted = _own_address(request.query_params.get("next", "/"))
    if request.method != "POST":
        return _form(dashboard, request, wanted)
    fields = await fields_in(request)
    check_form(dashboard, request, request.cookies.get(FORM_COOKIE, ""), fields.get(TOKEN, ""))
    who = f"login {request.client.host if request.client else ''}"
    try:
        dashboard.rates.take(who, TRIES)
        holder = await dashboard.gate.studio.keys.known(fields.get("key", "").strip())
        dashboard.rates.give_back(who)
    except (Unauthenticated, TooManyRequests) as error:
        return _form(dashboard, request, wanted, error)
    answer = see_other(wanted)
    session = dashboard.sessions.begin(holder.account, holder.key)
    dashboard.sessions.put(answer, session, secure=_is_secure(request))
    forget_cookie(answer, FORM_COOKIE)
    return answer


async def logout(dashboard: Dashboard, request: Request) -> Response:
    """The browser forgets the session."""
    session = dashboard.sessions.read(request)
    fields = await fields_in(request)
    check_form(dashboard, request, session.word, fields.get(TOKEN, ""))
    answer = see_other("/login")
    forget_cookie(answer, COOKIE)
    return answer


def _form(
    dashboard: Dashboard, request: Request, wanted: str, error: Unauthenticated | TooManyRequests | None = None
) -> Response:
    known = request.cookies.get(FORM_COOKIE, "")
    word = known if len(known) == WORD else new_secret().hex()[:WORD]
    context = {"token": dashboard.sessions.token(word), "wanted": wanted, "error": error}
    status = 200 if error is None else 429 if isinstance(error, TooManyRequests) else 401
    answer = page_response(rendered("login.html", context), status)
    set_cookie(answer, FORM_COOKIE, word, SECONDS, secure=_is_secure(request))
    return answer


def _own_address(wanted: str) -> str:
    """A path of ours, and nothing that a browser could take for another's."""
    return wanted if wanted.startswith("/") and not wanted.startswith(("//", "/\\")) else "/"


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"
