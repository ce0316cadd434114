"""The append-only log: its entries, and their hash chains.

An entry's hash covers the hash before it in its stream and every stored column but the position, so a flipped,
removed, inserted or swapped row shows, with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple, Protocol, runtime_checkable

from domain.alerts import AlertRaised, ProbeDiffered, alarm_of
from domain.approvals import ApprovalFact
from domain.assets import AssetFact
from domain.booking import GoodwillGiven, UsageBooked
from domain.invoices import CostDrifted, drift_of
from domain.keys import KeyFact
from domain.ledger import BalanceReturned, ContentErased, Fact, TagsChanged
from domain.operation import OperationFact
from domain.totals import PeriodState
from domain.wallet import DrawsSettled
from domain.webhooks import WebhookFact
from domain.windowed import LifeMoved

GENESIS = bytes(32)
"""The hash before a stream's first entry."""


class Link(NamedTuple):
    """The library's stored event with what this log adds: the operation it is about, who did it, and its place in
    the hash chain.

    A tuple, because every fact needs one and the library's frozen dataclass takes four times as long to make.
    """

    originator_id: str
    originator_version: int
    topic: str
    state: bytes
    operation: str | None
    actor: str
    hash: bytes


as_row: Final = tuple.__new__
"""A named tuple of all its values, in a third of the time that its own class takes to make one by position."""


class CommittedLinks(list[Link]):
    """The links of one commit, and the fact of each, at hand for whoever folds them in this process."""

    __slots__ = ("facts",)

    def __init__(self) -> None:
        super().__init__()
        self.facts: list[Fact] = []


class Positioned(NamedTuple):
    """A link and the position at which every reader meets it; a tuple, as an audit needs one of every entry."""

    position: int
    link: Link


class Entry(NamedTuple):
    """One fact in its place, in the shape of the library's domain events."""

    originator_id: str
    originator_version: int
    fact: Fact


class Head(NamedTuple):
    """The end of a stream: its last version (0 is none yet) and the hash of that entry."""

    version: int = 0
    hash: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class PeriodSnapshot:
    """A period after `version` facts of its stream, whose last hash was `hash`; disposable."""

    stream: str
    version: int
    hash: bytes
    state: PeriodState


@runtime_checkable
class Codec(Protocol):
    """The one door between facts and their stored names and bytes."""

    @property
    def names(self) -> Mapping[str, type[Fact]]:
        """Today's stored names, and which fact each is of."""

    def encode(self, fact: Fact) -> tuple[str, bytes]:
        """The stored name and bytes. Raises InvalidRequest if the fact cannot be recorded."""

    def names_of(self, shape: type[Fact]) -> tuple[str, ...]:
        """The names under which a type of fact is stored: today's first, then those of earlier shapes."""

    def decode(self, topic: str, state: bytes) -> Fact:
        """The fact, upcast to today's shape. Raises LogCorrupted."""

    def encode_snapshot(self, snapshot: PeriodSnapshot) -> bytes:
        """The bytes of a snapshot, with the schema of evolve in them."""

    def decode_snapshot(self, stream: str, version: int, state: bytes) -> PeriodSnapshot | None:
        """None if the bytes are damaged, or of another schema, stream or version."""

    def is_older_snapshot(self, state: bytes) -> bool:
        """Whether the bytes are of another schema, which everybody ignores."""


def link_hash(
    before: bytes, stream: str, version: int, topic: str, operation: str | None, actor: str, state: bytes
) -> bytes:
    """SHA-256 over the hash before and every stored column but the position, unambiguous by the lengths."""
    about = operation or ""
    place = f"{len(stream)}:{stream}{version}:{len(topic)}:{topic}{len(about)}:{about}{len(actor)}:{actor}"
    return sha256(before + place.encode() + state).digest()


def fact_name(topic: str) -> str:
    """A stored name without the version of its shape: what a fact is called, whenever it was recorded."""
    name, _, last = topic.rpartition(".")
    return name if last.isdecimal() else topic


def operation_of(fact: Fact) -> str | None:
    """The id by which a fact is indexed: an operation, asset, API key, quote, webhook, alarm or drift."""
    if isinstance(fact, OperationFact):
        return fact.operation.id
    if isinstance(fact, AssetFact):
        return fact.asset
    if isinstance(fact, KeyFact):
        return fact.key
    if isinstance(fact, ApprovalFact):
        return fact.quote
    if isinstance(fact, UsageBooked):
        return fact.operation.id
    if isinstance(fact, GoodwillGiven):
        return goodwill_index(fact.account)
    if isinstance(fact, WebhookFact):
        return fact.webhook
    if isinstance(fact, AlertRaised | ProbeDiffered):
        return alarm_of(fact)
    if isinstance(fact, CostDrifted):
        return drift_of(fact)
    return fact.operation_id if isinstance(fact, OF_OPERATIONS) else None


OF_OPERATIONS: Final = (BalanceReturned, ContentErased, TagsChanged, LifeMoved, DrawsSettled)
"""Facts about an operation that name it and do not have it."""


def goodwill_index(account: str) -> str:
    """The id under which all goodwill of an account is indexed."""
    return f"goodwill:{account}"
