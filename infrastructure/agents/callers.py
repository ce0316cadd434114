"""Whoever calls a tool: the holder of an API key, or the person whose own process this is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.actor import Actor
from domain.authority import KeyHolder
from domain.errors import Forbidden
from domain.keys import KeyScope
from infrastructure.gateway.door import KeyCaller


@dataclass(frozen=True, slots=True)
class AgentCaller:
    """The account that pays, and who asks for it; without a `holder` that is the operator of this machine.

    `origin` is the address under which the gateway was reached, empty over stdio.
    """

    account: str
    actor: Actor
    holder: KeyHolder | None = None
    origin: str = ""

    @classmethod
    def by_key(cls, caller: KeyCaller, origin: str = "") -> AgentCaller:
        """The caller whom a key let in. Raises InvalidInput, UnknownAccount."""
        return cls(caller.account, caller.holder.actor, caller.holder, origin)

    def may(self, scope: KeyScope) -> bool:
        """Whether the caller has the scope; whoever owns the machine approves at its shell, and not here."""
        return scope is not KeyScope.ADMIN if self.holder is None else self.holder.may(scope)

    def require(self, scope: KeyScope) -> None:
        """Go on if the caller has the scope. Raises Forbidden."""
        if self.holder is not None:
            self.holder.require(scope)
        elif not self.may(scope):
            raise Forbidden("whoever owns this machine approves at its shell", hint="it is not for an agent")

    def asks_as(self, user: str | None, project: str | None) -> dict[str, Any]:
        """The fields of a request that say for whom it is. Raises Forbidden for what a key may not name."""
        if self.holder is None:
            return {"user": user, "project": project, "by": self.actor}
        return KeyCaller(self.holder, self.account).asks_as(user, project)

    @property
    def sees_all(self) -> bool:
        """Whether what providers are paid, and where files are kept, is shown."""
        return self.holder is None or self.holder.may(KeyScope.ADMIN)
