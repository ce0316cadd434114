"""The states the writer remembers: brought up to the locked rows, verified link by link, bounded.

A state is as good as its account row says: if the row has moved on, only newer entries are read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from application.ledger.log import Codec, Head, Link, PeriodSnapshot, link_hash
from application.ledger.transaction import AccountRow, SnapshotRow, Transaction
from domain import lifecycle
from domain import operation as operations
from domain.account import Account
from domain.advice import Advice
from domain.approvals import Approval, ApprovalFact, evolve_approval
from domain.assets import NEVER_DECIDED, AssetFact, AssetState, evolve_asset
from domain.errors import LogCorrupted
from domain.ledger import Ledger, account_stream, evolve
from domain.tariffs import Selling

CHUNK = 1_000
NEAR = 250
"""Entries that are rather read than a state of the period that another process left, however little is open."""


@dataclass(slots=True)
class Remembered:
    """One account's ledger, the ends of its streams, and the revision of the row it agrees with."""

    account: str
    ledger: Ledger = field(default_factory=Ledger)
    heads: dict[str, Head] = field(default_factory=dict)
    revision: int = 0
    stream: str = ""
    snapshot: int = 0
    counted: int = 0
    shared: bool = False
    """Whether others wrote so much since that a state is left for them, too."""

    @property
    def weight(self) -> int:
        """How much memory it takes, in open operations and scopes, of the period and of other windows."""
        current = self.ledger.current
        if current is None:
            return 1
        weight = 1 + len(current.open) + len(current.usage)
        return weight if current.windows is None else weight + current.windows.scopes

    @property
    def keys(self) -> int:
        """How many API keys its terms have."""
        account = self.ledger.account
        return 0 if account is None else len(account.keys)


class Memory:
    """The most recently used ledgers, up to a total weight."""

    def __init__(self, codec: Codec, capacity: int = 100_000, selling: Selling | None = None) -> None:
        self._codec, self._selling = codec, selling
        self._capacity = capacity
        self._kept: OrderedDict[str, Remembered] = OrderedDict()
        self._total = 0

    def __len__(self) -> int:
        return len(self._kept)

    def drop(self, accounts: Iterable[str]) -> None:
        """Forget what a lost transaction may have made untrue."""
        for account in accounts:
            gone = self._kept.pop(account, None)
            self._total -= 0 if gone is None else gone.counted

    def bring_up(
        self, transaction: Transaction, rows: dict[str, AccountRow], accounts: Sequence[str]
    ) -> dict[str, Remembered | LogCorrupted]:
        """The ledgers of the batch's accounts, at their locked rows; a corrupted one is returned as its error."""
        ledgers: dict[str, Remembered | LogCorrupted] = {}
        behind: list[Remembered] = []
        for account in accounts:
            row = rows.get(account)
            known = self._kept.get(account)
            if row is None:
                ledgers[account] = self._begun(account)
            elif known is not None and known.revision == row.revision:
                known.ledger.last = row.last  # a row that was set ahead may have been mended
                ledgers[account] = known
            else:
                behind.append(self._starting_point(transaction, known, row))
        if behind:
            self._catch_up(transaction, behind, rows, ledgers)
        return ledgers

    def keep(self, used: Iterable[Remembered]) -> None:
        """Remember what a committed batch left, and let the least recently used go."""
        for remembered in used:
            remembered.ledger.forget()
            if self._kept.get(remembered.account) is not remembered:
                self.drop([remembered.account])
                self._kept[remembered.account], remembered.counted = remembered, 0
            self._kept.move_to_end(remembered.account)
            weight = remembered.weight + remembered.keys
            self._total += weight - remembered.counted
            remembered.counted = weight
        while self._total > self._capacity and len(self._kept) > 1:
            self.drop([next(iter(self._kept))])

    def terms(self, account: str) -> Account | None:
        """The account's terms as they are remembered; from any thread, and maybe older than what is stored."""
        known = self._kept.get(account)
        return None if known is None else known.ledger.account

    def _starting_point(self, transaction: Transaction, known: Remembered | None, row: AccountRow) -> Remembered:
        """The period as it is remembered, or its newest snapshot if that is nearer by far, or nothing.

        Reading an entry takes about as long as taking over, and leaving, an operation that is open.
        """
        terms, begun = account_stream(row.id), 0
        if known is not None and known.stream == row.stream:
            known.heads = {name: known.heads[name] for name in (terms, row.stream) if name in known.heads}
            begun = known.heads.get(row.stream, Head()).version
            known.shared = row.period_head.version - begun > max(NEAR, known.weight)
            if not known.shared:
                return known
        fresh = self._begun(row.id)
        fresh.stream, fresh.heads = row.stream, {terms: Head()}
        if row.stream:
            fresh.heads[row.stream] = Head()
            self._restore(transaction, fresh, row, begun)
        if known is None or not begun:
            return fresh
        if fresh.snapshot <= begun:
            return known
        fresh.shared, fresh.ledger.account = True, known.ledger.account
        fresh.heads[terms] = known.heads.get(terms, Head())
        return fresh

    def _begun(self, account: str) -> Remembered:
        return Remembered(account, Ledger(selling=self._selling))

    def _restore(self, transaction: Transaction, fresh: Remembered, row: AccountRow, above: int) -> None:
        end = row.period_head
        snapshot = self._decode(transaction.snapshot(row.stream, end.version, above))
        if snapshot is None:
            return
        there = end if snapshot.version == end.version else transaction.head(row.stream, snapshot.version)
        if there.hash != snapshot.hash:
            return
        fresh.ledger.current = snapshot.state
        fresh.heads[row.stream] = Head(snapshot.version, snapshot.hash)
        fresh.snapshot = snapshot.version

    def _decode(self, stored: SnapshotRow | None) -> PeriodSnapshot | None:
        return None if stored is None else self._codec.decode_snapshot(stored.stream, stored.version, stored.state)

    def _catch_up(
        self,
        transaction: Transaction,
        behind: Sequence[Remembered],
        rows: dict[str, AccountRow],
        ledgers: dict[str, Remembered | LogCorrupted],
    ) -> None:
        owners = {stream: remembered for remembered in behind for stream in remembered.heads}
        wanted = [
            (stream, owner.heads[stream].version)
            for stream, owner in owners.items()
            if owner.heads[stream].version != _last_of(stream, rows[owner.account])
        ]
        damaged: dict[str, LogCorrupted] = {}
        # Terms before periods: a ledger's facts are read in the light of its account's.
        links = sorted(
            transaction.entries_after(wanted) if wanted else (),
            key=lambda link: not str(link.originator_id).startswith("account:"),
        )
        for count, link in enumerate(links, 1):
            owner = owners[str(link.originator_id)]
            if owner.account not in damaged:
                self._replay(owner, link, damaged)
            if count % CHUNK == 0:
                owner.ledger.forget()
        for remembered in behind:
            remembered.ledger.forget()
            ledgers[remembered.account] = damaged.get(remembered.account) or _agreed(remembered, rows)

    def _replay(self, owner: Remembered, link: Link, damaged: dict[str, LogCorrupted]) -> None:
        stream = str(link.originator_id)
        try:
            owner.heads[stream] = linked(owner.heads[stream], link)
            evolve(owner.ledger, self._codec.decode(link.topic, link.state))
        except LogCorrupted as error:
            damaged[owner.account] = error
            self.drop([owner.account])


def _last_of(stream: str, row: AccountRow) -> int:
    return row.version if stream == row.stream else row.terms_version


def linked(before: Head, link: Link) -> Head:
    """The end of the stream after one more link. Raises LogCorrupted, naming stream and version."""
    stream, version = str(link.originator_id), link.originator_version
    expected = link_hash(before.hash, stream, version, link.topic, link.operation, link.actor, link.state)
    if version != before.version + 1:
        raise LogCorrupted(f"stream {stream} goes from version {before.version} to {version}", hint=Advice("log.audit"))
    if expected != link.hash:
        raise LogCorrupted(f"stream {stream} version {version} is not what was written", hint=Advice("log.audit"))
    return Head(version, link.hash)


def _agreed(remembered: Remembered, rows: dict[str, AccountRow]) -> Remembered | LogCorrupted:
    """The row must say what the streams say; a removed tail shows here."""
    row = rows[remembered.account]
    terms = remembered.heads.get(account_stream(row.id), Head())
    current = remembered.heads.get(row.stream, Head())
    if (terms, current) != (row.account_head, row.period_head):
        return LogCorrupted(
            f"the streams of account {row.id!r} end at versions {terms.version} and {current.version}, "
            f"its row says {row.account_head.version} and {row.period_head.version}",
            hint=Advice("log.audit"),
        )
    remembered.revision = row.revision
    remembered.ledger.last = row.last
    return remembered


def fold_assets(codec: Codec, links: Iterable[Link]) -> dict[str, AssetState]:
    """The decisions about assets, from their own entries."""
    states: dict[str, AssetState] = {}
    for link in links:
        fact = codec.decode(link.topic, link.state)
        if isinstance(fact, AssetFact):
            states[fact.asset] = evolve_asset(states.get(fact.asset, NEVER_DECIDED), fact)
    return states


def fold_approval(codec: Codec, account: str, links: Iterable[Link]) -> Approval | None:
    """An account's approval, from the entries of its quote; None if that is another's, or nobody's."""
    state: Approval | None = None
    for link in links:
        fact = codec.decode(link.topic, link.state)
        if isinstance(fact, ApprovalFact) and fact.account == account:
            state = evolve_approval(state, fact)
    return state


def fold_operations(codec: Codec, links: Iterable[Link]) -> dict[str, operations.State]:
    """The states of operations from their own entries, wherever they were recorded."""
    states: dict[str, operations.State] = {}
    for link in links:
        fact = codec.decode(link.topic, link.state)
        if isinstance(fact, operations.OperationFact) and link.operation is not None:
            states[link.operation] = lifecycle.evolve(states.get(link.operation), fact)
    return states
