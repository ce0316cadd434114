"""The proof that a statement was issued: its digest is in a fact, the fact in its account's stream, and that in a seal.

    content ── SHA-256 = digest ── billing.statement_issued ── each later entry's hash ── the stream's end ── the seal

Whoever has the statement, this and a public key needs nothing of ours: not the database, and no word of us.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from application.keeping.ends import SealBroken
from application.keeping.forms import content_digest
from application.keeping.seals import Inclusion, SealChecker, SignedSeal
from application.ledger.log import GENESIS, Link, fact_name, link_hash
from application.ledger.reader import StreamReader
from domain.billing import UnknownStatement, statement_number
from domain.ledger import account_stream

ISSUED: Final = "billing.statement_issued"
PAGE: Final = 1_000
FIELDS: Final = ("number", "digest", "content")
"""The fields of a statement's document that are proved."""


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """One entry of the stream, as it is hashed; `state` is the fact as JSON."""

    topic: str
    operation: str | None
    actor: str
    state: str


@dataclass(frozen=True, slots=True)
class StatementProof:
    """The entries of the account's stream from the issuing to the sealed end; `before` is the hash before them."""

    seal: SignedSeal
    inclusion: Inclusion
    before: bytes
    entries: tuple[SealedEntry, ...]

    def check(self, statement: Mapping[str, Any], checker: SealChecker) -> None:
        """Raises SealBroken if the statement is not what was issued and sealed, InvalidInput for a key not known."""
        self.seal.check(checker)
        self.inclusion.check(self.seal.seal)
        self._check_entries()
        number, digest, content = (statement.get(field) for field in FIELDS)
        if not isinstance(content, dict) or content_digest(content) != digest:
            raise SealBroken("the statement's content is not what its digest is of")
        account = content.get("account")
        if self.inclusion.end.stream != account_stream(str(account)):
            raise SealBroken(f"the proof is not of the log of account {account!r}")
        issued = self.entries[0].state.encode()
        if (_number(issued), json.loads(issued)["digest"]) != (number, digest):
            raise SealBroken(f"no statement {number} of this content was issued at this place of the log")

    def _check_entries(self) -> None:
        end = self.inclusion.end
        hash, version = self.before, end.version - len(self.entries)
        for entry in self.entries:
            version += 1
            state = entry.state.encode()
            hash = link_hash(hash, end.stream, version, entry.topic, entry.operation, entry.actor, state)
        if not self.entries or hash != end.hash or fact_name(self.entries[0].topic) != ISSUED:
            raise SealBroken("the entries do not lead from the issuing of a statement to the sealed end of the stream")


def statement_proof(streams: StreamReader, seal: SignedSeal, inclusion: Inclusion, number: str) -> StatementProof:
    """The proof for an account's statement of this number. Raises UnknownStatement if the seal is older."""
    entries = _entries(streams, inclusion)
    for place, link in enumerate(entries):
        if fact_name(link.topic) == ISSUED and _number(link.state) == number:
            before = entries[place - 1].hash if place else GENESIS
            later = (SealedEntry(one.topic, one.operation, one.actor, one.state.decode()) for one in entries[place:])
            return StatementProof(seal, inclusion, before, tuple(later))
    told = f"statement {number}" if number else "a draft"
    raise UnknownStatement(f"{told} was not issued when the log was sealed at {seal.seal.position}")


def _number(state: bytes) -> str:
    fact = json.loads(state)
    return statement_number(fact["account"], fact["number"])


def _entries(streams: StreamReader, inclusion: Inclusion) -> Sequence[Link]:
    """Of the account's own stream: its terms and statements, not its operations, so that they are few."""
    found: list[Link] = []
    end = inclusion.end
    while page := streams.entries(end.stream, len(found), end.version, PAGE, ()):
        found += page
    return found
