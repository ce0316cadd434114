"""Facts about erasures: who is shown by a pseudonym, and what was done; the decisions are in `domain.erasure`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from domain.value import value


@value
class UserErased:
    """From now on the account's user is shown by the pseudonym, in whatever was recorded of them and will be."""

    account: str
    at: int
    user: str
    pseudonym: str
    reason: str = ""


@value
class ErasureDone:
    """Whatever stood beside the log about an operation, a user or the account is deleted, by counts of where it stood.

    `subject` is the id of what was erased, `kept` how many files others need, `left` how much was found again.
    `digest` (SHA-256, hex) is of the document that lists it.
    """

    account: str
    at: int
    scope: str
    subject: str
    batches: int
    assets: int
    kept: int
    left: int
    digest: str
    erased: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""
