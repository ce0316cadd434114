"""A walk along the log: entry after entry, each held against the one before it in its stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

from application.keeping.ends import Seal, StreamEnd
from application.ledger.log import GENESIS, Head, Link, Positioned, fact_name, link_hash
from application.ledger.transaction import AccountRow
from domain.ledger import account_stream
from domain.merkle import root_of
from domain.streams import account_of

BEGINNINGS = frozenset({"ledger.period_opened", "ledger.period_resumed"})
"""Facts with which an account's current period begins."""


OPERATION, AFTER = b'{"operation":{', b'},"at":'
"""How a fact of an operation begins, and what follows its operation; no text within JSON holds the second."""
DIGITS = 24
"""Of an instant, and what ends it."""


@lru_cache(maxsize=1_000)
def _may_begin(topic: str) -> bool:
    return fact_name(topic) in BEGINNINGS


@dataclass(frozen=True, slots=True)
class Problem:
    """A breach at one entry; if entries are missing, position and version are those of the last one before."""

    position: int
    stream: str
    version: int
    what: str

    def __str__(self) -> str:
        place = f", stream {self.stream}, version {self.version}" if self.stream else ""
        return f"position {self.position}{place}: {self.what}"


@dataclass(slots=True)
class WalkEnd:
    """The last entry of a stream; after a damaged one, either what it says or what it should say may go on."""

    version: int = 0
    position: int = 0
    hashes: tuple[bytes, ...] = (GENESIS,)

    @property
    def head(self) -> Head:
        return Head(self.version, self.hashes[0])


@dataclass(slots=True)
class LogWalk:
    """How far the log was read: one end a stream, one count an account."""

    ends: dict[str, WalkEnd] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    opened: dict[str, str] = field(default_factory=dict)
    """By account, the stream of the period that began last."""
    last: dict[str, int] = field(default_factory=dict)
    """By account, the instant of its last fact."""
    owners: dict[str, str | None] = field(default_factory=dict)
    """By stream, whose it is."""
    position: int = 0

    def turn(self, page: Sequence[Positioned]) -> Iterator[Problem]:
        """Read a page; an account's last entry tells the instant that no later one goes behind."""
        newest: dict[str, bytes] = {}
        for entry in page:
            stream, version, topic, state, operation, actor, hash = entry.link
            account, end = self._account(stream), self.ends.get(stream)
            if account is not None:
                newest[account] = state
            if end is None or account is None or version != end.version + 1 or _may_begin(topic):
                yield from self.step(entry)
                continue
            if link_hash(end.hashes[0], stream, version, topic, operation, actor, state) != hash:
                yield from self.step(entry)
                continue
            self.counts[account] += 1  # the usual entry: it follows from the one before it
            self.position = end.position = entry.position
            end.version, end.hashes = version, (hash,)
        for account, state in newest.items():
            with suppress(ValueError, LookupError, TypeError):  # what cannot be read was told of by its hash
                self.last[account] = _instant_of(state)

    def step(self, entry: Positioned) -> Iterator[Problem]:
        link, stream, version = entry.link, str(entry.link.originator_id), entry.link.originator_version
        self.position = entry.position
        account = self._account(stream)
        if account is None:
            yield Problem(entry.position, stream, version, "this stream belongs to no account")
        else:
            self.counts[account] = self.counts.get(account, 0) + 1
            if _may_begin(entry.link.topic):
                self.opened[account] = stream
        end = self.ends.setdefault(stream, WalkEnd())
        if version <= end.version:
            yield Problem(entry.position, stream, version, f"stands after version {end.version}")
            return
        hashes: tuple[bytes, ...] = (link.hash,)
        if version > end.version + 1:
            yield Problem(entry.position, stream, version, f"follows version {end.version}: entries are missing")
        else:
            expected = [_hash_after(before, link) for before in end.hashes]
            if link.hash not in expected:
                yield Problem(entry.position, stream, version, "is not what was written")
                hashes = (link.hash, expected[0])
        self.ends[stream] = WalkEnd(version, entry.position, hashes)

    def _account(self, stream: str) -> str | None:
        if stream not in self.owners:
            self.owners[stream] = account_of(stream)
        return self.owners[stream]

    def seal(self) -> Seal:
        return Seal(self.position, len(self.ends), root_of([end.leaf for end in self.stream_ends()]).hex())

    def stream_ends(self) -> list[StreamEnd]:
        """Every stream's end, by the streams' names."""
        return [StreamEnd(stream, end.version, end.hashes[0]) for stream, end in sorted(self.ends.items())]

    def end_of(self, stream: str) -> WalkEnd:
        return self.ends.get(stream, WalkEnd())

    def row(self, account: str) -> AccountRow:
        """The account's row as the log has it."""
        stream = self.opened.get(account, "")
        current, terms = self.end_of(stream).head, self.end_of(account_stream(account)).head
        return AccountRow.of(account, self.counts.get(account, 0), stream, current, terms, self.last.get(account, 0))


def _instant_of(state: bytes) -> int:
    """The instant of a fact, which follows its operation if it begins with one; else all of it is read."""
    if state.startswith(OPERATION):
        begun = state.find(AFTER)
        digits = state[begun + len(AFTER) : begun + len(AFTER) + DIGITS].partition(b",")[0].rstrip(b"}")
        if begun > 0 and digits.isdigit():
            return int(digits)
    return int(json.loads(state)["at"])


def _hash_after(before: bytes, link: Link) -> bytes:
    stream, version = str(link.originator_id), link.originator_version
    return link_hash(before, stream, version, link.topic, link.operation, link.actor, link.state)
