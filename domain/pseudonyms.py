"""Erased users: what views, exports and documents name instead of them.

    UserErased ── account, SHA-256 of account and user ──> "erased-4f1c…"

The log keeps the id, and whatever is shown of it afterwards has the pseudonym: the same for ever, and drawn by lot, so
that nobody finds out by guessing whose it is. The user's id stands nowhere beside the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final, TypeVar

from domain.alerts import AlertRaised
from domain.assets import AssetAdded
from domain.operation import Operation, Rejected, Substituted
from domain.statement import Statement
from domain.statementlines import UsageLine

PREFIX: Final = "erased-"
LENGTH: Final = 16
"""Hexadecimal digits after it."""
F = TypeVar("F")


def user_digest(account: str, user: str) -> str:
    """The name of a user in the table of those who were erased. An account's id holds no line feed."""
    return sha256(f"{account}\n{user}".encode()).hexdigest()


def pseudonym_of(noise: bytes) -> str:
    """The pseudonym that random bytes make."""
    return PREFIX + noise.hex()[:LENGTH]


def is_pseudonym(user: str) -> bool:
    """Whether it is a name of this form."""
    return user.startswith(PREFIX) and len(user) == len(PREFIX) + LENGTH


@dataclass(frozen=True, slots=True)
class ErasedUsers:
    """Pseudonyms by account and digest; false if nobody was erased."""

    pseudonyms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.pseudonyms)

    def __len__(self) -> int:
        """How many were erased, in all accounts."""
        return sum(map(len, self.pseudonyms.values()))

    def named(self, account: str, user: str) -> str:
        """The user, or the pseudonym of one who was erased."""
        known = self.pseudonyms.get(account)
        return user if known is None else known.get(user_digest(account, user), user)

    def hide(self, fact: F) -> F:
        """The fact as it is shown: with the pseudonym where the user stands, also in the scope of a limit or alert."""
        told: Any = fact
        operation = getattr(told, "operation", None)
        changes: dict[str, Any] = {}
        if isinstance(operation, Operation):
            shown = self.named(operation.account, operation.user)
            changes |= {"operation": replace(operation, user=shown)} if shown != operation.user else {}
            if isinstance(told, Rejected | Substituted):
                changes |= self._scope(operation.account, told.scope)
        elif isinstance(told, AssetAdded):
            shown = self.named(told.account, told.user)
            changes |= {"user": shown} if shown != told.user else {}
        elif isinstance(told, AlertRaised):
            changes |= self._scope(told.account, told.scope)
        return replace(told, **changes) if changes else fact

    def _scope(self, account: str, scope: str) -> dict[str, Any]:
        """The change of a scope that is an erased user's."""
        level, _, user = scope.partition(":")
        shown = self.named(account, user) if level == "user" else user
        return {"scope": f"{level}:{shown}"} if shown != user else {}


def hide_in_statement(one: Statement, pseudonyms: Mapping[str, str]) -> Statement:
    """The statement with pseudonyms in the place of users, and its lines in their order again."""
    if not any(line.user in pseudonyms for line in one.usage):
        return one
    hidden = hide_in_lines(one, pseudonyms)

    def place(line: UsageLine) -> tuple[object, ...]:
        charged = one.period if line.charged is None else line.charged
        words = (line.provider, line.model, line.kind, line.user, line.project or "", line.unit)
        return *words, charged.start, charged.end

    return replace(hidden, usage=tuple(sorted(hidden.usage, key=place)))


def hide_in_lines(one: Statement, pseudonyms: Mapping[str, str]) -> Statement:
    """The same with each line in its place, so that a line has the number that it had before."""
    return replace(one, usage=tuple([replace(line, user=pseudonyms.get(line.user, line.user)) for line in one.usage]))
