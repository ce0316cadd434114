"""Who pays: an account's terms, and the facts that change them.

    AccountOpened ─ (PlanChanged | PlanScheduled | LimitChanged | TimeZoneChanged | ConsentChanged) …
                  ─ (KeyIssued ─ (KeyChanged) … ─ (KeyRevoked)) … ─ (PeriodClosed ─ (StatementIssued …) …) …
                  ─ (WebhookRegistered ─ … ─ (WebhookRemoved)) … ─ (AlertSet ─ (AlertRaised) … ─ (AlertRemoved)) …
                  ─ (InvoiceRecorded …) …                  of a provider's own ledger
                  ─ (AccountSuspended ─ AccountResumed) … ─ (AccountClosed)
                  ─ (AccountLeft ─ AccountArrived) …       of one that was moved to another ledger

Each has the `reason` that its actor gave, if any; the actor stands beside it in the log. Decisions are in `limiting`,
`issuing` (keys), `subscribing` (webhooks), `closing` (bills), `invoicing`, `agreeing` (prices), all other in `terms`.

The account's own stream is small. The beginning and end of its ledger's periods follow from its time zone and cycle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from domain.agreeing import NOTHING_AGREED, Agreed, AgreementFact, evolve_agreed
from domain.alerts import Alert, AlertFact, alerts_after
from domain.billing import NOTHING_BILLED, BillingFact, BillingState, evolve_billing
from domain.departures import HERE, AccountLeft, DepartureFact
from domain.erased import ErasureDone, UserErased
from domain.errors import InvalidInput
from domain.invoices import NOTHING_INVOICED, InvoiceFact, Invoicing, evolve_invoicing
from domain.keys import ApiKey, KeyChanged, KeyFact, KeyIssued, KeyRevoked, evolve_key
from domain.kinds import ONLY_REAL
from domain.periods import Cycle
from domain.plans import FREE, MEASURES, Later, Limits, Paying
from domain.value import SPARE
from domain.webhooks import Webhook, WebhookFact, webhooks_after
from domain.windows import Window

ACCOUNT = "account"
UNPRICED = "unpriced"

InForce = Mapping[str, Mapping[str, int]]
"""By scope, the limit of each measure that is limited."""

NOTHING_CHANGED: Final[Mapping[str, dict[str, int | None]]] = MappingProxyType({})


# Facts


@dataclass(frozen=True, slots=True)
class AccountOpened:
    """The account exists, in one currency for ever. `then` is what follows, if its plan begins with a trial."""

    account: str
    at: int
    plan: str
    limits: Limits
    currency: str
    zone: str
    cycle: Cycle
    prepaid: bool
    reason: str = ""
    windows: Mapping[str, Limits] = field(default_factory=dict)
    paying: Paying | None = field(default=None, metadata=SPARE)
    then: Later | None = field(default=None, metadata=SPARE)


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """Another plan, with the limits it had that day, by window those that are not of a period; it holds at once.

    No `paying` is a plan that costs nothing.
    """

    account: str
    at: int
    plan: str
    limits: Limits
    reason: str = ""
    windows: Mapping[str, Limits] = field(default_factory=dict)
    paying: Paying | None = field(default=None, metadata=SPARE)


@dataclass(frozen=True, slots=True)
class PlanScheduled:
    """Another plan from an instant on, or from the end of the period; None undoes an earlier one."""

    account: str
    at: int
    then: Later | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LimitChanged:
    """A limit of the account, a user, a project or an API key, over a window; `inherited` undoes the change.

    `limit=None`: no limit. `limit=0`: nothing is allowed.
    """

    account: str
    at: int
    scope: str
    measure: str
    limit: int | None
    inherited: bool
    reason: str = ""
    window: str = Window.PERIOD


@dataclass(frozen=True, slots=True)
class TimeZoneChanged:
    """Later periods begin at this zone's midnights; the open one ends when it said it would."""

    account: str
    at: int
    zone: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ConsentChanged:
    """Models of a class may be chosen for the account without being named, or may not any more."""

    account: str
    at: int
    model_class: str
    given: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OnLimitChanged:
    """Requests that would pass a limit of money are done by this cheaper model if it fits; empty refuses them."""

    account: str
    at: int
    model: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AccountSuspended:
    """Nothing new is admitted until it is resumed; what is open goes on and is settled."""

    account: str
    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class AccountResumed:
    """Requests are admitted again."""

    account: str
    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class AccountClosed:
    """Nothing new is ever admitted again; what is open is settled, and corrections are still booked."""

    account: str
    at: int
    reason: str


TermsFact = PlanChanged | PlanScheduled | LimitChanged | TimeZoneChanged | ConsentChanged | OnLimitChanged
StandingFact = AccountSuspended | AccountResumed | AccountClosed
ErasureFact = ErasureDone | UserErased
OtherFact = BillingFact | WebhookFact | AlertFact | InvoiceFact | AgreementFact | DepartureFact | ErasureFact
AccountFact = AccountOpened | TermsFact | StandingFact | KeyFact | OtherFact


# States


class Standing(StrEnum):
    """Whether an account may ask for anything."""

    OPEN = "open"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Account:
    """The terms in force; `reason` is why it is suspended or closed.

    `allowed` are the classes of models that may be chosen without being named. `limits` are the plan's a period and
    `windows` its others; `overrides` and `windowed` are what was changed of them, by scope, and by window and scope.
    `keys` are all that were ever issued, `webhooks` those that were not removed.
    """

    id: str
    opened: AccountOpened
    plan: str
    limits: Limits
    currency: str
    zone: str
    cycle: Cycle
    prepaid: bool
    standing: Standing = Standing.OPEN
    reason: str = ""
    overrides: dict[str, dict[str, int | None]] = field(default_factory=dict)
    allowed: frozenset[str] = ONLY_REAL
    on_limit: str = ""
    """The model that does what would pass a limit of money; empty refuses it."""
    keys: Mapping[str, ApiKey] = field(default_factory=dict)
    webhooks: Mapping[str, Webhook] = field(default_factory=dict)
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    windows: Mapping[str, Limits] = field(default_factory=dict)
    windowed: Mapping[str, Mapping[str, dict[str, int | None]]] = field(default_factory=dict)
    billing: BillingState = NOTHING_BILLED
    invoicing: Invoicing = NOTHING_INVOICED
    agreed: Agreed = NOTHING_AGREED
    erased: Mapping[str, str] = field(default_factory=dict)
    """The pseudonyms of users who were erased."""
    paying: Paying = FREE
    next: Later | None = None
    """The plan that follows, if one is agreed."""
    left: str = HERE
    """The shard that it has left for, in the ledger that it has left; empty while it is here."""
    in_force: InForce = field(default_factory=dict, compare=False, repr=False)
    """By scope, what is limited a period, which every admission looks up; `in_windows` by the other windows first."""
    in_windows: Mapping[str, InForce] = field(default_factory=dict, compare=False, repr=False)

    def changed(self, window: str) -> Mapping[str, dict[str, int | None]]:
        """The limits over a window that are not the plan's, by scope."""
        return self.overrides if window == Window.PERIOD else self.windowed.get(window, NOTHING_CHANGED)

    def limit(self, scope: str, measure: str, window: str = Window.PERIOD) -> int | None:
        """The most that one scope may use of a measure over one window; None: no limit."""
        changed = self.changed(window).get(scope)
        if changed is not None and measure in changed:
            return changed[measure]
        plan = self.limits if window == Window.PERIOD else self.windows.get(window)
        return plan.of(measure) if scope == ACCOUNT and plan is not None else None

    @property
    def unpriced_cap(self) -> int | None:
        """The most one operation of unknown price may hold, in micro-units; None refuses it."""
        return self.overrides.get(ACCOUNT, {}).get(UNPRICED)


def user_scope(user: str) -> str:
    """The name under which a user's limits and use are kept."""
    return f"user:{user}"


def project_scope(project: str) -> str:
    """The name under which a project's limits and use are kept."""
    return f"project:{project}"


def key_scope(key: str) -> str:
    """The name under which an API key's limits and use are kept."""
    return f"key:{key}"


# Evolve


def evolve(account: Account | None, fact: AccountFact) -> Account:
    """The terms after one more fact."""
    match fact:
        case AccountOpened():
            terms = (fact.plan, fact.limits, fact.currency, fact.zone, fact.cycle, fact.prepaid)
            opened = Account(fact.account, fact, *terms, windows=fact.windows, paying=fact.paying or FREE)
            return _limited(replace(opened, next=fact.then), ACCOUNT, *Window)
        case PlanChanged():
            known, paying = _known(account), fact.paying or FREE
            on_plan = replace(known, plan=fact.plan, limits=fact.limits, windows=fact.windows, paying=paying, next=None)
            return _limited(on_plan, ACCOUNT, *Window)
        case PlanScheduled():
            return replace(_known(account), next=fact.then)
        case TimeZoneChanged():
            return replace(_known(account), zone=fact.zone)
        case LimitChanged():
            return _with_limit(_known(account), fact)
        case ConsentChanged():
            known, changed = _known(account), {fact.model_class}
            return replace(known, allowed=known.allowed | changed if fact.given else known.allowed - changed)
        case OnLimitChanged():
            return replace(_known(account), on_limit=fact.model)
        case AccountSuspended():
            return replace(_known(account), standing=Standing.SUSPENDED, reason=fact.reason)
        case AccountResumed():
            return replace(_known(account), standing=Standing.OPEN, reason="")
        case AccountClosed():
            return replace(_known(account), standing=Standing.CLOSED, reason=fact.reason)
        case KeyIssued() | KeyChanged() | KeyRevoked():
            return _with_key(_known(account), fact)
        case _:
            return _otherwise(_known(account), fact)


def _known(account: Account | None) -> Account:
    assert account is not None, "an account stream begins with AccountOpened"
    return account


def _with_limit(account: Account, fact: LimitChanged) -> Account:
    before = account.changed(fact.window)
    changed = dict(before.get(fact.scope, {}))
    if fact.inherited:
        changed.pop(fact.measure, None)
    else:
        changed[fact.measure] = fact.limit
    after = {**before, fact.scope: changed}
    if fact.window == Window.PERIOD:
        return _limited(replace(account, overrides=after), fact.scope, fact.window)
    return _limited(replace(account, windowed={**account.windowed, fact.window: after}), fact.scope, fact.window)


def _limited(account: Account, scope: str, *windows: str) -> Account:
    """The account with what is limited of one scope, the only one that a fact changes: an account may have many."""
    for window in windows:
        known = {measure: account.limit(scope, measure, window) for measure in MEASURES}
        limits = {measure: limit for measure, limit in known.items() if limit is not None}
        if window == Window.PERIOD:
            account = replace(account, in_force={**account.in_force, scope: limits})
            continue
        others = {**account.in_windows.get(window, {}), scope: limits}
        known_windows = {**account.in_windows, window: {one: some for one, some in others.items() if some}}
        account = replace(account, in_windows={one: some for one, some in known_windows.items() if some})
    return account


def _with_key(account: Account, fact: KeyFact) -> Account:
    key = evolve_key(account.keys.get(fact.key), fact)
    return account if key is None else replace(account, keys={**account.keys, key.id: key})


def _otherwise(account: Account, fact: OtherFact) -> Account:
    if isinstance(fact, ErasureDone):
        return account
    if isinstance(fact, UserErased):
        return replace(account, erased={**account.erased, fact.user: fact.pseudonym})
    if isinstance(fact, DepartureFact):
        return replace(account, left=fact.to if isinstance(fact, AccountLeft) else HERE)
    if isinstance(fact, AgreementFact):
        return replace(account, agreed=evolve_agreed(account.agreed, fact))
    if isinstance(fact, BillingFact):
        return replace(account, billing=evolve_billing(account.billing, fact))
    if isinstance(fact, InvoiceFact):
        return replace(account, invoicing=evolve_invoicing(account.invoicing, fact))
    if isinstance(fact, AlertFact):
        return replace(account, alerts=alerts_after(account.alerts, fact))
    return replace(account, webhooks=webhooks_after(account.webhooks, fact))


# Questions that decisions ask first


def check_not_closed(account: Account) -> Account:
    """The account, unless it is closed. Raises InvalidInput."""
    if account.standing is Standing.CLOSED:
        told = f"{account.id!r} was closed: {account.reason}"
        raise InvalidInput("account", told, hint="a closed account stays closed")
    return account
