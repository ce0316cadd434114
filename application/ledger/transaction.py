"""The writer's needs of a database, in one transaction: lock, read, append, commit."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from application.ledger.log import Head, Link
from domain.errors import StoreUnavailable
from domain.evidence import Spent
from domain.value import value


class Conflict(Exception):
    """The transaction lost: a unique violation, a deadlock, a serialization failure or an unknown commit."""


class CommitUnknown(Conflict):
    """The commit was sent and its answer was lost: what it wrote may be there."""


class ServerChanged(StoreUnavailable):
    """The server may only be read by now; a new connection may find the one that may be written."""


class TooSlow(StoreUnavailable):
    """A statement was stopped because it took too long; with less to write it might not have."""


class TablesGone(StoreUnavailable):
    """The ledger's tables are not this program's any more; they were changed, or taken away, while it ran."""


class AccountRow(NamedTuple):
    """The lock of one account, and the ends of the streams it protects: a tuple as the database has it, because each
    group reads one of every account.

    `revision` counts every fact of the account in any stream; `stream` is the current period's, empty before the
    first; `version` and `hash` are its end, those of the terms the end of the account's own stream. `last` is the
    newest instant of any fact, which no later one goes behind, whatever the clock says.
    """

    id: str
    revision: int
    stream: str
    version: int
    hash: bytes
    terms_version: int
    terms_hash: bytes
    last: int

    @classmethod
    def of(cls, id: str, revision: int, stream: str, period: Head, account: Head, last: int = 0) -> AccountRow:
        """The row with the ends of both streams."""
        return cls(id, revision, stream, *period, *account, last)

    @property
    def period_head(self) -> Head:
        """The end of the current period's stream."""
        return Head(self.version, bytes(self.hash))

    @property
    def account_head(self) -> Head:
        """The end of the account's own stream."""
        return Head(self.terms_version, bytes(self.terms_hash))


class IndexRow(NamedTuple):
    """An operation's place, and what was charged for it; a tuple as the database has it, because all write two."""

    operation: str
    account: str
    stream: str
    phase: str
    charged: int
    adjusted: int


@value
class KeyRow:
    """An idempotency key, spent."""

    account: str
    key: str
    reference: str
    fingerprint: str


@value
class JobRow:
    """Whose a provider's job is."""

    provider: str
    job: str
    operation: str


class LeaseRow(NamedTuple):
    """Who works on an open operation, until when; recovery may claim it later, raising the epoch."""

    operation: str
    account: str
    owner: str
    epoch: int
    expires: int


class QueueRow(NamedTuple):
    """An operation that is held and waits for any process to perform it; `place` is its priority's, 0 the first."""

    operation: str
    account: str
    provider: str
    place: int


class TagRow(NamedTuple):
    """A tag of an operation, erasable."""

    operation: str
    account: str
    name: str
    value: str


@value
class ContentRow:
    """The content that a batch was asked with, and its tags, erasable; `secret` keys the digest in the log."""

    batch: str
    account: str
    secret: bytes = field(repr=False)
    body: str = field(repr=False)
    tags: tuple[TagRow, ...] = field(default=(), repr=False)


def keyed_digest(secret: bytes, body: str) -> str:
    """The digest that the log has of a body, in hex: the same for nobody who lacks the secret.

    `hmac.digest` would let other threads run, and the event loop wait for its turn again (decision 11).
    """
    return hmac.new(secret, body.encode(), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class WordsRow:
    """A provider's words about an operation's failure, erasable."""

    operation: str
    said: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """A period at a version of its stream; disposable."""

    stream: str
    version: int
    state: bytes


@dataclass(slots=True)
class Beside:
    """The rows written in the append's transaction, beside the log."""

    accounts: list[AccountRow] = field(default_factory=list)
    requested: list[IndexRow] = field(default_factory=list)
    moved: list[IndexRow] = field(default_factory=list)
    leased: list[LeaseRow] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    """Operations whose leases end."""
    queued: list[QueueRow] = field(default_factory=list)
    unqueued: list[str] = field(default_factory=list)
    keys: list[KeyRow] = field(default_factory=list)
    respent: list[KeyRow] = field(default_factory=list)
    """Keys whose request was refused before and is admitted now."""
    jobs: list[JobRow] = field(default_factory=list)
    contents: list[ContentRow] = field(default_factory=list)
    words: list[WordsRow] = field(default_factory=list)
    snapshots: list[SnapshotRow] = field(default_factory=list)
    replaced: list[tuple[str, int]] = field(default_factory=list)
    """Stream and version of snapshots that these take the place of."""
    retagged: dict[str, tuple[TagRow, ...]] = field(default_factory=dict)
    """All tags of operations whose tags are changed."""


class Transaction(Protocol):
    """One transaction. Account rows first, by ascending id; then reads; then one write with the commit."""

    def lock(self, accounts: Sequence[str], opening: Sequence[str]) -> dict[str, AccountRow]:
        """Lock the rows; those in `opening` are made if they are missing."""

    def keys(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Spent]: ...

    def jobs(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Whose the jobs are already, by provider and job."""

    def operations(self, wanted: Sequence[str]) -> list[Link]:
        """Every entry of the operations, in order."""

    def tags(self, wanted: Sequence[str]) -> dict[str, dict[str, str]]:
        """The tags of operations, by id; of one whose tags were erased a blank one."""

    def charged(self, stream: str, but: Sequence[str]) -> int:
        """The charges of the operations of a period's stream, less refunds, without those of some ids."""

    def entries_after(self, heads: Sequence[tuple[str, int]]) -> list[Link]:
        """The entries of each stream above a version, by stream and version."""

    def head(self, stream: str, upto: int | None = None) -> Head:
        """The stream's end, or the entry at a version."""

    def snapshot(self, stream: str, upto: int, above: int = 0) -> SnapshotRow | None:
        """The newest one of the stream above one version, up to another."""

    def append(self, links: Sequence[Link]) -> None: ...

    def commit(self, beside: Beside) -> int | None:
        """Write everything in one go; the last link's position, if the database tells it without being asked.

        The links' positions then follow each other without a gap. Raises Conflict; StoreUnavailable if the
        database refuses to work, and StoreRefused if it will never take this.
        """


class Store(Protocol):
    """A database that can begin a transaction; one writer a process uses it."""

    def begin(self) -> AbstractContextManager[Transaction]:
        """Rolls back unless committed."""
