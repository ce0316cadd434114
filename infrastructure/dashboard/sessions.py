"""Sessions: a signed cookie that names the key that was shown, and tokens of forms that belong to it.

    key ── known? ── SignedSession: account, key, a random word, an end ── HMAC ──> cookie
    cookie ── signed here, not over? ── the key is live? ── holder
    form ── its token is of the session's word ──> it was one of ours

Nothing is kept: a session ends by its time, with its key, or as the browser forgets it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import Forbidden, Unauthenticated
from infrastructure.clock import SECOND, new_secret
from infrastructure.signedtexts import NotSigned, TextSigner

COOKIE: Final = "imagestudio_session"
FORM_COOKIE: Final = "imagestudio_form"
"""Before anybody is logged in, the word that the login's own form belongs to."""
SECONDS: Final = 8 * 60 * 60
"""How long a session lasts."""
LONGEST: Final = 1_000
TOKEN: Final = "token"


class SignedSession(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key that was shown, until an instant in epoch microseconds; `word` is random."""

    account: str
    key: str
    word: str
    expires: int


class StrangeForm(Forbidden):
    """The form does not belong to this session."""

    code = "strange_form"


@dataclass(frozen=True, slots=True)
class Sessions:
    """Makes and reads them; `keys` are secrets, the newest first, `clock` tells epoch microseconds."""

    keys: Callable[[], Sequence[bytes]]
    clock: Callable[[], int]

    def begin(self, account: str, key: str) -> SignedSession:
        """A session of a key that was just shown."""
        return SignedSession(account, key, new_secret().hex()[:32], self.clock() + SECONDS * SECOND)

    def read(self, request: Request) -> SignedSession:
        """The session that a request brings. Raises Unauthenticated."""
        text = request.cookies.get(COOKIE, "")
        try:
            if not text or len(text) > LONGEST:
                raise NotSigned("there is none")
            found = msgspec.json.decode(self._signer.read(text), type=SignedSession)
        except (NotSigned, msgspec.MsgspecError) as error:
            raise Unauthenticated("nobody is logged in", hint="log in with a key") from error
        if self.clock() >= found.expires:
            raise Unauthenticated("the session is over", hint="log in again")
        return found

    def put(self, response: Response, session: SignedSession, *, secure: bool) -> None:
        """Set its cookie."""
        set_cookie(response, COOKIE, self.text(session), SECONDS, secure=secure)

    def text(self, session: SignedSession) -> str:
        """It as the cookie holds it."""
        return self._signer.sign(msgspec.json.encode(session))

    def token(self, word: str) -> str:
        """The token of the forms of a session, or of the login, by its word."""
        return self._tokens.sign(word.encode())

    def check(self, word: str, token: str) -> None:
        """Go on if a form's token is that. Raises StrangeForm."""
        try:
            found = self._tokens.read(token) if len(token) <= LONGEST else b""
        except NotSigned:
            found = b""
        if not word or not hmac.compare_digest(found, word.encode()):
            raise StrangeForm("the form is not of this session", hint="load the page again, and send it anew")

    @property
    def _signer(self) -> TextSigner:
        return TextSigner(self.keys, b"session-1")

    @property
    def _tokens(self) -> TextSigner:
        return TextSigner(self.keys, b"form-1")


def set_cookie(response: Response, name: str, value: str, seconds: int, *, secure: bool) -> None:
    """A cookie that scripts do not see and other sites do not send."""
    response.set_cookie(name, value, seconds, httponly=True, samesite="strict", secure=secure, path="/")


def forget_cookie(response: Response, name: str) -> None:
    response.delete_cookie(name, path="/", httponly=True, samesite="strict")
