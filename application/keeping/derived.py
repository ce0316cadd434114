"""Rows that must stand beside the log: those that follow from operations' facts, and from their content."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from application.keeping.tables import Desk, Discrepancy, Place, Row, Value
from application.ledger.contents import place_of_content
from application.ledger.group import QUEUED
from application.ledger.indexing import index_row
from application.ledger.log import Codec, Link
from application.ledger.transaction import keyed_digest
from application.providing.tasks import operation_ids
from domain import lifecycle as operations
from domain.assets import AssetAdded, AssetErased
from domain.operation import CLOSED_PHASES, OperationFact, Refused, Requested, State, Submitted
from domain.turns import USUAL_PLACE
from domain.webhooks import WebhookChanged, WebhookFact, WebhookRegistered, WebhookRemoved


@dataclass(slots=True)
class Derived:
    """The rows that must stand in each table by the log, of what was asked; `states` and `requested` by operation."""

    rows: dict[str, dict[Place, dict[str, Value]]]
    accounts: dict[tuple[str, Place], str]
    states: dict[str, State]
    requested: dict[str, Requested]
    added: dict[str, AssetAdded] = field(default_factory=dict)
    """Files that were added, by their contents."""
    erased: set[str] = field(default_factory=set)
    """Of those assets, the ones whose last fact is that they are erased."""
    addresses: dict[str, WebhookRegistered | WebhookChanged] = field(default_factory=dict)
    """Addresses of webhooks, by their contents."""
    in_use: dict[str, str] = field(default_factory=dict)
    """Of each webhook that was not removed, the content that is its address now."""

    def add(self, table: str, place: Place, account: str, row: Row) -> None:
        self.rows[table][place] = {**row}
        self.accounts[table, place] = account


def told_by(codec: Codec, links: Iterable[Link]) -> Derived:
    """The rows that follow from whole operations' entries. Raises LogCorrupted for one that cannot be read."""
    told = Derived({"operations": {}, "keys": {}, "jobs": {}, "leases": {}, "queue": {}}, {}, {}, {})
    jobs: list[Submitted] = []
    for link in links:
        fact = codec.decode(link.topic, link.state)
        if isinstance(fact, AssetAdded | AssetErased):
            _tell_asset(told, fact)
        if isinstance(fact, WebhookFact):
            _tell_webhook(told, fact)
        if not isinstance(fact, OperationFact):
            continue
        id = fact.operation.id
        if isinstance(fact, Requested):
            told.requested[id] = fact
        if id not in told.requested:  # its beginning is gone, which the chains tell
            continue
        told.states[id] = operations.evolve(told.states.get(id), fact)
        jobs += [fact] if isinstance(fact, Submitted) else []
    for state in told.states.values():
        _tell(told, state)
    for fact in jobs:
        one = fact.operation
        told.add("jobs", (one.provider, fact.job), one.account, {"operation": one.id})
    return told


def _tell_asset(told: Derived, fact: AssetAdded | AssetErased) -> None:
    if isinstance(fact, AssetAdded):
        told.added[fact.content] = fact
        told.erased.discard(fact.asset)
    else:
        told.erased.add(fact.asset)


def _tell_webhook(told: Derived, fact: WebhookFact) -> None:
    if isinstance(fact, WebhookRegistered | WebhookChanged):
        told.addresses[fact.content] = fact
        told.in_use[fact.webhook] = fact.content
    elif isinstance(fact, WebhookRemoved):
        told.in_use.pop(fact.webhook, None)


def _tell(told: Derived, state: State) -> None:
    row = index_row(state)
    id, account = row.operation, row.account
    indexed: Row = {
        "account": account,
        "stream": row.stream,
        "phase": row.phase,
        "charged": row.charged,
        "adjusted": row.adjusted,
    }
    told.add("operations", (id,), account, indexed)
    if row.phase not in CLOSED_PHASES:
        told.add("leases", (id,), account, {"account": account, "expires": None})
    if row.phase == QUEUED:
        provider = state.operation.provider
        told.add("queue", (id,), account, {"account": account, "provider": provider, "place": None})
    requested = told.requested[id]
    if requested.key is not None:
        told.add("keys", (account, requested.key), account, {"reference": state.operation.batch, "fingerprint": None})


def first_of(batch: str) -> tuple[str, ...]:
    """The ids that a batch's first operation may have."""
    return (*operation_ids(batch, 1), operation_ids(batch, 2)[0])


@dataclass(frozen=True, slots=True)
class StoredContent:
    """A batch's content as it is stored: whether it is what was asked, and the fingerprint and the place it holds."""

    account: str
    genuine: bool
    fingerprint: str | None
    place: int | None


def contents_of(desk: Desk, told: Derived) -> dict[str, StoredContent]:
    """By batch, the content that is kept of what was asked."""
    digests = {one.operation.batch: one.digest for one in told.requested.values()}
    digests |= {name: one.digest for name, one in (*told.added.items(), *told.addresses.items())}
    if not digests:
        return {}
    rows = desk.rows("contents", ("batch",), [(batch,) for batch in digests])
    return {str(row["batch"]): _content(row, digests[str(row["batch"])]) for row in rows}


def _content(row: Row, digest: str) -> StoredContent:
    secret, body = row["secret"], row["body"]
    assert isinstance(secret, bytes)
    assert isinstance(body, str)
    if keyed_digest(secret, body) != digest:
        return StoredContent(str(row["account"]), False, None, None)
    held = json.loads(body)
    return StoredContent(str(row["account"]), True, held.get("asked"), place_of_content(held))


def contents_otherwise(told: Derived, contents: Mapping[str, StoredContent]) -> Iterator[Discrepancy]:
    """Content is erased only of what is closed, and is never another than was asked."""
    for batch, states in _batches(told).items():
        found, account = contents.get(batch), states[0].operation.account
        key = {"batch": batch}
        still_open = any(index_row(state).phase not in CLOSED_PHASES for state in states)
        if found is None and still_open:
            yield Discrepancy("contents", account, key, None, None, "is missing although its operation is open")
        elif found is not None and not found.genuine:
            yield Discrepancy("contents", account, key, None, None, "is not what was asked")
        elif found is not None and found.account != account:
            yield Discrepancy("contents", account, key, {"account": found.account}, {"account": account})


def additions_otherwise(told: Derived, contents: Mapping[str, StoredContent]) -> Iterator[Discrepancy]:
    """The content of a file that was added is erased only with its asset, a webhook's address with that, and neither is
    ever another."""
    last = {one.asset: one for one in told.added.values()}
    for one in told.added.values():
        needed = "its asset is not erased" if last[one.asset] is one and one.asset not in told.erased else ""
        yield from _addition_otherwise(one, contents.get(one.content), needed, "added")
    for address in told.addresses.values():
        needed = "its webhook is not removed" if told.in_use.get(address.webhook) == address.content else ""
        yield from _addition_otherwise(address, contents.get(address.content), needed, "registered")


def _addition_otherwise(
    one: AssetAdded | WebhookRegistered | WebhookChanged, found: StoredContent | None, needed: str, was: str
) -> Iterator[Discrepancy]:
    key = {"batch": one.content}
    if found is None and needed:
        yield Discrepancy("contents", one.account, key, None, None, f"is missing although {needed}")
    elif found is not None and not found.genuine:
        yield Discrepancy("contents", one.account, key, None, None, f"is not what was {was}")
    elif found is not None and found.account != one.account:
        yield Discrepancy("contents", one.account, key, {"account": found.account}, {"account": one.account})


def tell_fingerprints(told: Derived, contents: Mapping[str, StoredContent]) -> None:
    """The fingerprint is in the content, and blank once that was erased; of a refusal no content is kept."""
    for batch, states in _batches(told).items():
        requested = told.requested[states[0].operation.id]
        if requested.key is None or all(isinstance(state, Refused) for state in states):
            continue
        found = contents.get(batch)
        fingerprint = "" if found is None else found.fingerprint
        told.rows["keys"][requested.operation.account, requested.key]["fingerprint"] = fingerprint


def tell_queue(told: Derived, contents: Mapping[str, StoredContent], leased: Collection[Place]) -> None:
    """An operation that is held and not dispatched is in the queue, or leased to whoever has claimed it."""
    for place in list(told.rows["queue"]):
        if place in leased:
            del told.rows["queue"][place]
            continue
        del told.rows["leases"][place]
        content = contents.get(told.states[str(place[0])].operation.batch)
        told.rows["queue"][place]["place"] = USUAL_PLACE if content is None else content.place


def _batches(told: Derived) -> dict[str, list[State]]:
    batches: dict[str, list[State]] = {}
    for state in told.states.values():
        batches.setdefault(state.operation.batch, []).append(state)
    return batches
