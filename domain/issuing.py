"""Decisions about API keys: each is a fact of the account's stream, and none if it is so already.

open_studios_account ─ issue_key ─ change_key ─ revoke_key ── check_key: may it ask for an operation, now?
"""

from __future__ import annotations

from domain.account import Account, AccountFact, AccountOpened, check_not_closed
from domain.advice import Advice
from domain.errors import Forbidden, IllegalTransition, InvalidInput, Unauthenticated, UnknownApiKey
from domain.ids import check_id, check_reason
from domain.inputs import shortened
from domain.keys import STUDIO, ApiKey, KeyChanged, KeyIssued, KeyRevoked, KeyScope, KeyTerms
from domain.periods import CALENDAR_MONTH
from domain.plans import Limits, check_limit
from domain.value import value

MOST_KEYS = 2_000
"""Keys of one account, with those that were revoked: whoever decides about it has them all in memory."""


@value
class SealedKey:
    """A new key's id, its secret's HMAC, and the name of the pepper that it is under."""

    id: str
    digest: str
    pepper: str


def issue_key(account: Account, key: SealedKey, terms: KeyTerms, now: int, reason: str = "") -> list[AccountFact]:
    """Issue it once. Raises InvalidInput for terms that cannot be, or if the account is closed."""
    check_not_closed(account)
    check_reason(reason)
    if key.id in account.keys:
        return []
    if len(account.keys) >= MOST_KEYS:
        told = f"{MOST_KEYS:,} were issued of account {account.id!r}, which is the most"
        raise InvalidInput("keys", told, hint="issue one that forwards users, or open another account")
    _check_terms(account, terms, now)
    return [KeyIssued(account.id, now, key.id, key.digest, key.pepper, terms, reason)]


def change_key(account: Account, id: str, terms: KeyTerms, now: int, reason: str = "") -> list[AccountFact]:
    """Give a key other terms, at once. Raises UnknownApiKey, IllegalTransition if it was revoked, InvalidInput."""
    check_not_closed(account)
    check_reason(reason)
    key = known_key(account, id)
    if key.revoked is not None:
        raise IllegalTransition(f"key {id} was revoked", hint="issue another")
    if key.terms == terms:
        return []
    _check_terms(account, terms, now)
    return [KeyChanged(account.id, now, id, terms, reason)]


def revoke_key(account: Account, id: str, now: int, reason: str = "") -> list[AccountFact]:
    """Let a key open nothing any more; also of a closed account. Raises UnknownApiKey."""
    check_reason(reason)
    return [] if known_key(account, id).revoked is not None else [KeyRevoked(account.id, now, id, reason)]


def open_studios_account(account: Account | None, currency: str, now: int) -> list[AccountFact]:
    """Open the studio's own account, once, on which nothing can be spent."""
    if account is not None:
        return []
    nothing = Limits(images=0, edits=0, videos=0, models_3d=0, upscales=0, spend=0, other=0)
    return [AccountOpened(STUDIO, now, "studio", nothing, currency, "UTC", CALENDAR_MONTH, prepaid=False)]


def known_key(account: Account, id: str) -> ApiKey:
    """The account's key of this id. Raises UnknownApiKey, also for another account's."""
    key = account.keys.get(id)
    if key is None:
        raise UnknownApiKey(f"account {account.id!r} has no key {id!r}", hint=Advice("key.list", account=account.id))
    return key


def check_key(account: Account, id: str, user: str, project: str | None, now: int) -> None:
    """Let a key ask for an operation of this user and project. Raises Unauthenticated, Forbidden.

    The last word, at the instant of the hold: whoever looked before may have looked before it was revoked.
    """
    key = account.keys.get(id)
    if key is None or not key.is_live(now):
        raise ended(key)
    terms = key.terms
    if not terms.may(KeyScope.OPERATE):
        raise Forbidden(f"key {id} may not ask for operations", hint=Advice("key.scope", scope=KeyScope.OPERATE))
    if user != (terms.user or account.id) and (terms.user is not None or not terms.forwards):
        raise Forbidden(f"key {id} does not ask for user {user!r}", hint=Advice("key.users"))
    if terms.project not in (None, project):
        raise Forbidden(f"key {id} asks for project {terms.project!r} alone", hint="leave the project out")


def ended(key: ApiKey | None) -> Unauthenticated:
    """The error that a key opens nothing; to whom did not show its secret nothing more is said."""
    if key is None:
        return Unauthenticated("this API key is not known", hint=Advice("key.send"))
    told = "has expired" if key.revoked is None else "was revoked"
    return Unauthenticated(f"API key {key.id} {told}", hint=Advice("key.renew"))


def _check_terms(account: Account, terms: KeyTerms, now: int) -> None:
    _check_scopes(account, terms)
    for name, id in (("user", terms.user), ("project", terms.project)):
        if id is not None:
            check_id(name, id)
    if terms.user is not None and terms.forwards:
        raise InvalidInput("user", "is fixed, so that none can be forwarded", hint="leave one of them out")
    for name, flag in (("forwards", terms.forwards), ("approve_in_client", terms.approve_in_client)):
        if type(flag) is not bool:
            raise InvalidInput(name, f"{shortened(flag)} is neither true nor false")
    if terms.expires is not None and (type(terms.expires) is not int or terms.expires <= now):
        raise InvalidInput("expires", "is not an instant in the future", hint=Advice("key.revoke"))
    check_limit("approve_above", terms.approve_above)
    if terms.per_minute is not None and (type(terms.per_minute) is not int or terms.per_minute < 1):
        raise InvalidInput("per_minute", f"{shortened(terms.per_minute)} is not a whole number of requests from 1 on")


def _check_scopes(account: Account, terms: KeyTerms) -> None:
    known = [scope for scope in KeyScope if scope in terms.scopes]
    if not known or len(known) != len(terms.scopes):
        raise InvalidInput("scope", "name at least one, and each once", hint=f"choose of {', '.join(KeyScope)}")
    if account.id == STUDIO and KeyScope.OPERATE in terms.scopes:
        told = "the studio's own account pays for nothing, so its keys ask for no operation"
        raise InvalidInput("scope", told, hint="issue a key of the account that pays")
