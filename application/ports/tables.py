"""The tables beside the log, as the use cases need them: the index, erasable content, and leases."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from domain.evidence import Spent
from domain.turns import Queued
from domain.value import value


@dataclass(frozen=True, slots=True)
class Indexed:
    """An operation's row in the index."""

    operation: str
    account: str
    phase: str


class Index(Protocol):
    """The index of operations, by id; read without locks."""

    def operations(self, id: str) -> list[Indexed]:
        """The operation, or all operations of a batch, in order; empty if there is none."""

    def jobs(self, provider: str, jobs: Sequence[str]) -> dict[str, str]:
        """Those of a provider's jobs that belong to an operation here, with its id."""

    def accounts(self, after: str, limit: int) -> Sequence[str]:
        """Accounts that were opened, by ascending id above one, at most so many; the studio's own among them."""

    def period_before(self, account: str, instant: int) -> str | None:
        """The stream of the account's last period that began at an instant or before; None if none did."""

    def key(self, account: str, key: str) -> Spent | None:
        """The earlier use of an idempotency key; None may be untrue already, as the account's lock decides."""

    def keys_between(self, account: str, low: str, high: str, limit: int) -> Sequence[tuple[str, str]]:
        """The account's keys from `low` to below `high`, the last first: each with the phase of its first operation."""


@value
class Content:
    """The content that a batch was asked with; `secret` keys its digest in the log."""

    batch: str
    account: str
    secret: bytes = field(repr=False)
    body: str = field(repr=False)


class Contents(Protocol):
    """Erasable content, beside the log."""

    def load(self, batch: str) -> Content | None: ...

    def page(self, after: str, limit: int, account: str | None = None) -> Sequence[Content]:
        """Contents by ascending batch, above one; of one account if it is named."""

    def erase(self, batch: str) -> bool:
        """Delete content and secret for ever, and what providers said of it; whether there was any content."""

    def tags(self, operation: str) -> Mapping[str, str]:
        """The tags of an operation, or of a batch; none if it had none, or they were erased."""

    def words(self, operation: str) -> str:
        """The provider's words about the operation's failure; empty if it said nothing, or that was erased."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who works on an open operation; `epoch` rises with every change of hands."""

    operation: str
    account: str
    owner: str
    epoch: int
    expires: int


class Leases(Protocol):
    """Leases of open operations, in the database's time order of claims."""

    def renew(self, operations: Sequence[str], owner: str, expires: int) -> set[str]:
        """Extend those still held by `owner`; the ids that are."""

    def expired(self, now: int) -> list[Lease]:
        """Leases past their end, oldest first."""

    def running(self, now: int) -> tuple[int, int | None]:
        """How many operations others work on, and when the last of their leases ends unless it is renewed."""

    def claim(self, lease: Lease, owner: str, expires: int) -> bool:
        """Take an expired lease by compare-and-set of epoch and expiry; whether this caller won."""


class Queue(Protocol):
    """Operations that are held and wait for a process to perform them, on the database that all of these share."""

    def waiting(self, most: int, but: Collection[str], now: int) -> list[Queued]:
        """The first few of each account and provider; none of those providers, nor of one that is held off now."""

    def claim(self, wanted: Sequence[Queued], most: int, owner: str, now: int, expires: int) -> list[Queued]:
        """Lease to `owner`, in one statement, the first so many of those wanted that nobody else has claimed."""

    def give_back(self, claimed: Queued, owner: str) -> None:
        """Let others claim what was claimed and never dispatched, unless it has ended or is another's by now."""
