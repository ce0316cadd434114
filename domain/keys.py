"""An account's API keys, by which programs ask over the wire: for whom, and until when.

    KeyIssued ─ (KeyChanged) … ─ (KeyRevoked)

Facts of the account's own stream. Of a key's secret they hold an HMAC under a pepper that no database has. Limits of a
key are those of its scope, `key:ID`, as a user's are. The decisions about keys are in `domain.issuing`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

STUDIO: Final = "@studio"
"""The studio's own account: it pays for nothing, and its administrators' keys may do for every account."""


class KeyScope(StrEnum):
    """The use that a key is for. Whoever may operate or administer may read."""

    READ = "read"
    """See what is the account's."""
    OPERATE = "operate"
    """Ask for operations, and cancel them."""
    ADMIN = "admin"
    """Change the account's terms and keys, erase, refund."""


@dataclass(frozen=True, slots=True)
class KeyTerms:
    """The bounds of a key. `user` and `project` are fixed: what is asked for by this key is theirs.

    A key that `forwards` may name the users for whom it asks. `expires` is an instant, `approve_above` an amount in
    micro-units above which a person has to agree, `per_minute` the most requests; None: no such bound. With
    `approve_in_client` the person whom its client asks may agree, too.
    """

    scopes: tuple[KeyScope, ...]
    user: str | None = None
    project: str | None = None
    forwards: bool = False
    expires: int | None = None
    approve_above: int | None = None
    per_minute: int | None = None
    approve_in_client: bool = False

    def may(self, scope: KeyScope) -> bool:
        """Whether these terms allow it."""
        return scope in self.scopes or scope is KeyScope.READ

    def needs_approval(self, price: int | None) -> bool:
        """Whether a person has to agree to a price in micro-units; also if that is not known."""
        return self.approve_above is not None and (price is None or price > self.approve_above)


# Facts


@dataclass(frozen=True, slots=True)
class KeyIssued:
    """There is a key of this id; `digest` is its secret's HMAC, under the pepper that `pepper` names."""

    account: str
    at: int
    key: str
    digest: str = field(repr=False)
    pepper: str
    terms: KeyTerms
    reason: str = ""


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """The key's terms are these from now on; its secret stays."""

    account: str
    at: int
    key: str
    terms: KeyTerms
    reason: str = ""


@dataclass(frozen=True, slots=True)
class KeyRevoked:
    """The key opens nothing any more, for ever."""

    account: str
    at: int
    key: str
    reason: str = ""


KeyFact = KeyIssued | KeyChanged | KeyRevoked


# States


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its facts leave it; `revoked` is since when it opens nothing, and `users` all that its terms named."""

    id: str
    account: str
    digest: str = field(repr=False)
    pepper: str
    terms: KeyTerms
    issued: int
    revoked: int | None = None
    users: frozenset[str] = frozenset()

    def is_live(self, now: int) -> bool:
        """Whether it opens anything at an instant."""
        return self.revoked is None and (self.terms.expires is None or now < self.terms.expires)


# Evolve


def evolve_key(key: ApiKey | None, fact: KeyFact) -> ApiKey | None:
    """The key after one more fact; a fact about a key that was never issued changes nothing."""
    match fact:
        case KeyIssued():
            named = _named(fact.terms)
            return key or ApiKey(fact.key, fact.account, fact.digest, fact.pepper, fact.terms, fact.at, users=named)
        case KeyChanged():
            return key and replace(key, terms=fact.terms, users=key.users | _named(fact.terms))
        case KeyRevoked():
            return key and replace(key, revoked=fact.at)


def _named(terms: KeyTerms) -> frozenset[str]:
    return frozenset() if terms.user is None else frozenset((terms.user,))
