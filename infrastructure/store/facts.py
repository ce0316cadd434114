"""The one door between facts and their stored names and bytes: the table of names, and the upcasters.

A stored name is data ("operation.charged"), never a Python path. When a fact's shape changes, its name gets a
version ("operation.charged"), and an upcaster turns what is stored under the old name into the new shape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Cipher, Compressor, Mapper, StoredEvent, Transcoder

from application.ledger.log import Entry, PeriodSnapshot
from domain import (
    account,
    agreeing,
    alerts,
    approvals,
    assets,
    billing,
    booking,
    departures,
    erased,
    invoices,
    keys,
    ledger,
    operation,
    wallet,
    webhooks,
    windowed,
)
from domain.advice import Advice
from domain.errors import InvalidRequest, LogCorrupted
from domain.ledger import Fact
from domain.operation import PHASES
from domain.periods import Period
from domain.totals import PeriodState
from domain.usage import Usage
from domain.wallet import Wallet
from domain.windowed import Windows
from infrastructure.store.encoding import FactEncoder

NAMES: Mapping[str, type[Fact]] = {
    "account.opened": account.AccountOpened,
    "account.plan_changed": account.PlanChanged,
    "account.plan_scheduled": account.PlanScheduled,
    "account.limit_changed": account.LimitChanged,
    "account.time_zone_changed": account.TimeZoneChanged,
    "account.consent_changed": account.ConsentChanged,
    "account.on_limit_changed": account.OnLimitChanged,
    "account.tariff_agreed": agreeing.TariffAgreed,
    "account.discount_agreed": agreeing.DiscountAgreed,
    "account.suspended": account.AccountSuspended,
    "account.resumed": account.AccountResumed,
    "account.closed": account.AccountClosed,
    "account.user_erased": erased.UserErased,
    "account.left": departures.AccountLeft,
    "account.arrived": departures.AccountArrived,
    "account.erasure_done": erased.ErasureDone,
    "billing.period_closed": billing.PeriodClosed,
    "billing.statement_issued": billing.StatementIssued,
    "billing.statement_voided": billing.StatementVoided,
    "invoice.recorded": invoices.InvoiceRecorded,
    "invoice.voided": invoices.InvoiceVoided,
    "invoice.cost_drifted": invoices.CostDrifted,
    "invoice.difference_booked": invoices.DifferenceBooked,
    "key.issued": keys.KeyIssued,
    "key.changed": keys.KeyChanged,
    "key.revoked": keys.KeyRevoked,
    "alert.set": alerts.AlertSet,
    "alert.removed": alerts.AlertRemoved,
    "alert.raised": alerts.AlertRaised,
    "alert.probe_differed": alerts.ProbeDiffered,
    "webhook.registered": webhooks.WebhookRegistered,
    "webhook.changed": webhooks.WebhookChanged,
    "webhook.rotated": webhooks.WebhookRotated,
    "webhook.paused": webhooks.WebhookPaused,
    "webhook.resumed": webhooks.WebhookResumed,
    "webhook.removed": webhooks.WebhookRemoved,
    "ledger.period_opened": ledger.PeriodOpened,
    "ledger.credit_added": ledger.CreditAdded,
    "ledger.balance_returned": ledger.BalanceReturned,
    "ledger.period_ended": ledger.PeriodEnded,
    "ledger.period_resumed": ledger.PeriodResumed,
    "ledger.content_erased": ledger.ContentErased,
    "ledger.tags_changed": ledger.TagsChanged,
    "ledger.usage_booked": booking.UsageBooked,
    "ledger.goodwill_given": booking.GoodwillGiven,
    "ledger.window_opened": windowed.WindowOpened,
    "ledger.life_counted": windowed.LifeCounted,
    "ledger.life_moved": windowed.LifeMoved,
    "wallet.subscription_charged": wallet.SubscriptionCharged,
    "wallet.grant_given": wallet.GrantGiven,
    "wallet.grant_ended": wallet.GrantEnded,
    "wallet.grants_carried": wallet.GrantsCarried,
    "wallet.draws_settled": wallet.DrawsSettled,
    "wallet.grant_revoked": wallet.GrantRevoked,
    "wallet.charged_back": wallet.ChargedBack,
    "asset.added": assets.AssetAdded,
    "asset.trashed": assets.AssetTrashed,
    "asset.restored": assets.AssetRestored,
    "asset.expiry_set": assets.AssetExpirySet,
    "asset.erased": assets.AssetErased,
    "approval.asked": approvals.ApprovalAsked,
    "approval.given": approvals.ApprovalGiven,
    "operation.requested": operation.Requested,
    "operation.rejected": operation.Rejected,
    "operation.substituted": operation.Substituted,
    "operation.validated": operation.Validated,
    "operation.dispatched": operation.Dispatched,
    "operation.submitted": operation.Submitted,
    "operation.rerouted": operation.Rerouted,
    "operation.postponed": operation.Postponed,
    "operation.provider_completed": operation.ProviderCompleted,
    "operation.charged": operation.Charged,
    "operation.provider_failed": operation.ProviderFailed,
    "operation.released": operation.Released,
    "operation.adjusted": operation.Adjusted,
}

Json = dict[str, Any]
Upcaster = tuple[str, Callable[[Json], Json]]


UPCASTERS: Mapping[str, Upcaster] = {}
"""Retired name -> (the name that follows it, how its JSON becomes the next one's)."""

UNREADABLE = (msgspec.MsgspecError, UnicodeError, InvalidRequest, LookupError, TypeError, AttributeError, ValueError)
"""Errors that damaged bytes raise: in the decoder, a value's own checks, an upcaster that misses what it expects."""

BACKSLASH = ord("\\")
"""A number, because bytes that are looked for in bytes are first taken for one, in vain and slowly."""

ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""PostgreSQL's JSON functions refuse it: one such fact would break every query over the log."""

SNAPSHOT_SCHEMA = 9
"""Raised whenever evolve or the shape of a period's state changes: older snapshots are then ignored."""


@dataclass(frozen=True, slots=True)
class _StoredSnapshot:
    """The bytes of a period, and their SHA-256 in hex: one that was changed or damaged is not believed."""

    schema: int
    digest: str
    state: msgspec.Raw


@dataclass(frozen=True, slots=True)
class _Schema:
    """The schema of a snapshot, whatever else is in it."""

    schema: int


@dataclass(frozen=True, slots=True)
class _StoredPeriod:
    """A period with its open operations apart by state, which keeps each list of one type."""

    stream: str
    version: int
    hash: bytes
    period: Period
    balance: int | None
    usage: dict[str, Usage]
    windows: Windows | None
    volume: dict[str, int]
    wallet: Wallet | None
    requested: list[operation.Asked]
    validated: list[operation.Held]
    dispatched: list[operation.Sent]
    submitted: list[operation.Running]
    completed: list[operation.Delivered]


OPEN_PHASES = ("requested", "validated", "dispatched", "submitted", "completed")


class FactMapper(Mapper[str]):
    """The library's mapper for our facts: msgspec for the bytes, the table above for the names.

    The log is JSON that any database can query, so it is neither encrypted nor compressed.
    """

    def __init__(
        self,
        transcoder: Transcoder | None = None,  # noqa: ARG002
        compressor: Compressor | None = None,  # noqa: ARG002
        cipher: Cipher | None = None,  # noqa: ARG002
        names: Mapping[str, type[Fact]] = NAMES,
        upcasters: Mapping[str, Upcaster] = UPCASTERS,
    ) -> None:
        self._names = {shape: name for name, shape in names.items()}
        self._encoder = FactEncoder(self._names)
        self._decoders = {name: msgspec.json.Decoder(shape).decode for name, shape in names.items()}
        self._shapes = names
        self._upcasters = upcasters
        self._snapshots = msgspec.json.Decoder(_StoredSnapshot)
        self._schemas = msgspec.json.Decoder(_Schema)
        self._periods = msgspec.json.Decoder(_StoredPeriod)

    @property
    def names(self) -> Mapping[str, type[Fact]]:
        """Today's stored names, and which fact each is of."""
        return self._shapes

    def encode(self, fact: Fact) -> tuple[str, bytes]:
        """The stored name and bytes. Raises InvalidRequest where a value cannot be written as JSON."""
        try:
            name, state = self._names[type(fact)], self._encoder.fact(fact)
        except (msgspec.MsgspecError, UnicodeError, TypeError, OverflowError) as error:
            raise InvalidRequest(
                f"{type(fact).__name__} cannot be recorded: {error}", hint="send plain text and whole numbers"
            ) from error
        if BACKSLASH in state and ESCAPED_NUL.search(state):
            raise InvalidRequest(f"{type(fact).__name__} holds a NUL character", hint="send plain text")
        return name, state

    def names_of(self, shape: type[Fact]) -> tuple[str, ...]:
        """The names under which a type of fact is stored: today's first, then those of earlier shapes."""
        names = [self._names[shape]]
        for retired, (successor, _) in reversed(list(self._upcasters.items())):
            names += [retired] if successor in names else []
        return tuple(names)

    def decode(self, topic: str, state: bytes) -> Fact:
        """The fact in today's shape. Raises LogCorrupted for an unknown name or bytes that do not fit."""
        decode = self._decoders.get(topic)
        if decode is None and topic not in self._upcasters:
            raise LogCorrupted(f"no fact is stored under the name {topic!r}", hint="is the program older than the log?")
        try:
            return decode(state) if decode is not None else self._upcast(topic, state)
        except UNREADABLE as error:
            raise LogCorrupted(f"a stored {topic} cannot be read: {error}", hint=Advice("log.audit")) from error

    def _upcast(self, topic: str, state: bytes) -> Fact:
        document: Json = msgspec.json.decode(state)
        while topic in self._upcasters:
            topic, upcast = self._upcasters[topic]
            document = upcast(document)
        return msgspec.convert(document, self._shapes[topic])

    def to_stored_event(self, domain_event: DomainEventProtocol[str]) -> StoredEvent:
        """The stored row of an entry; the ledger's writer encodes facts itself, as one that cannot be fails alone."""
        assert isinstance(domain_event, Entry)
        topic, state = self.encode(domain_event.fact)
        return StoredEvent(domain_event.originator_id, domain_event.originator_version, topic, state)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[str]:
        """The entry of a stored row."""
        fact = self.decode(stored_event.topic, stored_event.state)
        return Entry(str(stored_event.originator_id), stored_event.originator_version, fact)

    def encode_snapshot(self, snapshot: PeriodSnapshot) -> bytes:
        """The bytes of a period."""
        period = snapshot.state
        by_phase: dict[str, list[Any]] = {phase: [] for phase in OPEN_PHASES}
        for state in period.open.values():
            by_phase[PHASES[type(state)]].append(state)
        stored = self._encoder.encode(
            _StoredPeriod(
                snapshot.stream,
                snapshot.version,
                snapshot.hash,
                period.period,
                period.balance,
                period.usage,
                period.windows,
                period.volume,
                period.wallet,
                **by_phase,
            )
        )
        return self._encoder.encode(_StoredSnapshot(SNAPSHOT_SCHEMA, sha256(stored).hexdigest(), msgspec.Raw(stored)))

    def decode_snapshot(self, stream: str, version: int, state: bytes) -> PeriodSnapshot | None:
        """The period, or None where the bytes are damaged, or of another schema, stream or version."""
        try:
            snapshot = self._snapshots.decode(state)
            if (snapshot.schema, snapshot.digest) != (SNAPSHOT_SCHEMA, sha256(snapshot.state).hexdigest()):
                return None
            stored = self._periods.decode(snapshot.state)
        except UNREADABLE:
            return None
        if (stored.stream, stored.version) != (stream, version):
            return None
        lists = (stored.requested, stored.validated, stored.dispatched, stored.submitted, stored.completed)
        open: dict[str, operation.State] = {one.operation.id: one for states in lists for one in states}
        totals = (stored.balance, stored.usage, open, stored.windows, stored.volume, stored.wallet)
        period = PeriodState(stored.period, *totals)
        return PeriodSnapshot(stream, version, stored.hash, period)

    def is_older_snapshot(self, state: bytes) -> bool:
        """Whether the bytes are of another schema, which everybody ignores."""
        try:
            return self._schemas.decode(state).schema < SNAPSHOT_SCHEMA
        except UNREADABLE:
            return False
