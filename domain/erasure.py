"""Evidence of an erasure, as a fact: how much of what stands beside the log was deleted, and looked for again.

ContentErased … ── deleted ── looked for again ── ErasureDone: counts, and the digest of the document that lists it
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from domain.account import Account, AccountFact, user_scope
from domain.erased import ErasureDone, UserErased
from domain.errors import InvalidRequest
from domain.ids import check_id, check_reason
from domain.meaning import Kind
from domain.value import value

OPERATION, USER, ACCOUNT = "operation", "user", "account"
SCOPES: Final = (OPERATION, USER, ACCOUNT)


@value
class ErasureEvidence:
    """The document of an erasure: the batches and assets whose content and files are gone, and counts of all that was
    deleted by where it stood.

    `kept` are assets whose files others of the account still need. `left` is what was found when it was looked for
    again, nothing if all is gone. `digest` is SHA-256 of the rest in its canonical form, as the fact has it; empty if
    there was nothing to erase.
    """

    scope: str
    account: str
    subject: str
    reason: str
    batches: tuple[str, ...]
    assets: tuple[str, ...]
    kept: tuple[str, ...]
    erased: Mapping[str, int]
    left: Mapping[str, int]
    digest: str = ""

    def content(self) -> dict[str, object]:
        """Whatever the digest is of."""
        lists: dict[str, Sequence[str]] = {"batches": self.batches, "assets": self.assets, "kept": self.kept}
        told = {"scope": self.scope, "account": self.account, "subject": self.subject, "reason": self.reason}
        named = {name: [*ids] for name, ids in lists.items()}
        return {**told, **named, "erased": dict(self.erased), "left": dict(self.left)}


class UnknownUser(InvalidRequest):
    """The account has no such user: nothing of the log, and nothing beside it, is about them."""

    code = "unknown_user"
    kind = Kind.NOT_FOUND


def is_named_in(account: Account, user: str) -> bool:
    """Whether the account's terms are about a user: itself, one erased, with a limit, an alert, or ever a key."""
    scope = user_scope(user)
    limits = (account.overrides, *account.windowed.values())
    return (
        user in (account.id, *account.erased, *account.erased.values())
        or any(user in key.users for key in account.keys.values())
        or any(scope in known for known in limits)
        or any(alert.scope == scope for alert in account.alerts.values())
    )


def keys_naming(account: Account, user: str) -> list[str]:
    """The API keys that ask for a user, or did before their terms were changed."""
    return [key.id for key in account.keys.values() if user in key.users]


def hide_users(account: Account, users: Mapping[str, str], reason: str, now: int) -> list[AccountFact]:
    """Show users by these pseudonyms from now on; those who were erased before keep theirs, and nothing is added.

    Whoever has the account's own id is no person.
    """
    check_reason(reason)
    new = {user: name for user, name in users.items() if user not in account.erased and user != account.id}
    return [UserErased(account.id, now, user, name, reason) for user, name in new.items()]


def note_erasure(account: Account, done: ErasureEvidence, now: int) -> list[AccountFact]:
    """Record that it was done; also of an account that is closed."""
    check_id("subject", done.subject)
    check_reason(done.reason)
    counts = {name: count for name, count in done.erased.items() if count}
    left = sum(done.left.values())
    return [
        ErasureDone(
            *(account.id, now, done.scope, done.subject),
            batches=len(done.batches),
            assets=len(done.assets),
            kept=len(done.kept),
            erased=counts,
            left=left,
            digest=done.digest,
            reason=done.reason,
        )
    ]
