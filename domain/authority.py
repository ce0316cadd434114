"""Whoever shows an API key, and what that lets them do.

secret ─ known ─ KeyHolder ─┬─ require(scope)        may it, at all
                            ├─ account_for(named)    for which account
                            └─ user_for, project_for on whose behalf
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.actor import Actor, ActorKind
from domain.advice import Advice
from domain.errors import Forbidden, InvalidInput, UnknownAccount
from domain.keys import STUDIO, KeyScope, KeyTerms


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A key of an account that was live when it was shown, and its terms."""

    account: str
    key: str
    terms: KeyTerms

    @property
    def actor(self) -> Actor:
        """As the log names whoever does something by this key."""
        return Actor(ActorKind.KEY, self.key)

    @property
    def runs_studio(self) -> bool:
        """Whether it is the studio's own key, which reads and administers every account and pays for none."""
        return self.account == STUDIO

    def may(self, scope: KeyScope) -> bool:
        """Whether the key has the scope."""
        return self.terms.may(scope)

    def require(self, scope: KeyScope) -> None:
        """Go on if the key has the scope. Raises Forbidden."""
        if not self.may(scope):
            raise Forbidden(f"key {self.key} has no scope {scope}", hint=Advice("key.scope", scope=scope))

    def require_studio(self, scope: KeyScope = KeyScope.ADMIN) -> None:
        """Go on if the key is the studio's own and has the scope: for what is no one account's. Raises Forbidden."""
        self.require(scope)
        if not self.runs_studio:
            raise Forbidden(f"key {self.key} acts for account {self.account!r} alone", hint=Advice("key.studio"))

    def account_for(self, named: str | None = None) -> str:
        """The account that is acted for: the key's own, or the one a studio's key names.

        Raises UnknownAccount for another's, which is said as of one that was never opened; InvalidInput if a studio's
        key names none.
        """
        if named is None and self.runs_studio:
            raise InvalidInput("account", "a key of the studio acts for many", hint="name the account")
        if named in (None, self.account) or self.runs_studio:
            return named or self.account
        raise UnknownAccount(f"no account {named!r}")

    def user_for(self, named: str | None = None) -> str | None:
        """The user for whom is asked: the key's own; else the named one, if it forwards users; None is the account."""
        return self.terms.user or (named if self.terms.forwards else None)

    def project_for(self, named: str | None = None) -> str | None:
        """The project for which is asked: the key's own, or else the named one."""
        return self.terms.project or named
