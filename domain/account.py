"""Who pays: an account's terms, and the facts that change them.

    AccountOpened ─ (PlanChanged | LimitChanged | TimeZoneChanged | ConsentChanged) …
                  ─ (KeyIssued ─ (KeyChanged) … ─ (KeyRevoked)) …
                  ─ (AccountSuspended ─ AccountResumed) … ─ (AccountClosed)

Each has the `reason` that its actor gave, if any; the actor stands beside it in the log. Limits are decided about in
`domain.limiting`, keys in `domain.issuing`.

The account's own stream is small. The beginning and end of its ledger's periods follow from its time zone and cycle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from domain.advice import Advice
from domain.errors import AccountExists, InvalidInput
from domain.ids import check_id, check_reason
from domain.keys import STUDIO, ApiKey, KeyFact, evolve_key
from domain.kinds import ONLY_REAL, Class, check_class
from domain.money import check_currency
from domain.periods import Cycle, check_zone
from domain.plans import MEASURES, Limits

ACCOUNT = "account"
UNPRICED = "unpriced"


# Facts


@dataclass(frozen=True, slots=True)
class AccountOpened:
    """The account exists, in one currency for ever."""

    account: str
    at: int
    plan: str
    limits: Limits
    currency: str
    zone: str
    cycle: Cycle
    prepaid: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PlanChanged:
    """Another plan, with the limits it had that day; it holds at once."""

    account: str
    at: int
    plan: str
    limits: Limits
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LimitChanged:
    """A limit of the account, a user or a project; `inherited` undoes the change.

    `limit=None`: no limit. `limit=0`: nothing is allowed.
    """

    account: str
    at: int
    scope: str
    measure: str
    limit: int | None
    inherited: bool
    reason: str = ""


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


AccountFact = (
    AccountOpened
    | PlanChanged
    | LimitChanged
    | TimeZoneChanged
    | ConsentChanged
    | AccountSuspended
    | AccountResumed
    | AccountClosed
    | KeyFact
)


# States


class Standing(StrEnum):
    """Whether an account may ask for anything."""

    OPEN = "open"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Account:
    """The terms in force; `reason` is why it is suspended or closed.

    `allowed` are the classes of models that may be chosen without being named.
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
    keys: Mapping[str, ApiKey] = field(default_factory=dict)
    """Every key that was ever issued, by its id."""
    in_force: Mapping[str, Mapping[str, int]] = field(default_factory=dict, compare=False, repr=False)
    """By scope, the measures that are limited and their limits, which every admission looks up."""

    def limit(self, scope: str, measure: str) -> int | None:
        """The most that one scope may use of a measure in one period; None: no limit."""
        changed = self.overrides.get(scope)
        if changed is not None and measure in changed:
            return changed[measure]
        return self.limits.of(measure) if scope == ACCOUNT else None

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
            return _limited(Account(fact.account, fact, *terms), ACCOUNT)
        case PlanChanged():
            return _limited(replace(_known(account), plan=fact.plan, limits=fact.limits), ACCOUNT)
        case TimeZoneChanged():
            return replace(_known(account), zone=fact.zone)
        case LimitChanged():
            return _with_limit(_known(account), fact)
        case ConsentChanged():
            known, changed = _known(account), {fact.model_class}
            return replace(known, allowed=known.allowed | changed if fact.given else known.allowed - changed)
        case AccountSuspended():
            return replace(_known(account), standing=Standing.SUSPENDED, reason=fact.reason)
        case AccountResumed():
            return replace(_known(account), standing=Standing.OPEN, reason="")
        case AccountClosed():
            return replace(_known(account), standing=Standing.CLOSED, reason=fact.reason)
        case _:
            return _with_key(_known(account), fact)


def _known(account: Account | None) -> Account:
    assert account is not None, "an account stream begins with AccountOpened"
    return account


def _with_limit(account: Account, fact: LimitChanged) -> Account:
    changed = dict(account.overrides.get(fact.scope, {}))
    if fact.inherited:
        changed.pop(fact.measure, None)
    else:
        changed[fact.measure] = fact.limit
    return _limited(replace(account, overrides={**account.overrides, fact.scope: changed}), fact.scope)


def _limited(account: Account, scope: str) -> Account:
    """The account with what is limited of one scope, the only one that a fact changes: an account may have many."""
    known = {measure: account.limit(scope, measure) for measure in MEASURES}
    limits = {measure: limit for measure, limit in known.items() if limit is not None}
    return replace(account, in_force={**account.in_force, scope: limits})


def _with_key(account: Account, fact: KeyFact) -> Account:
    key = evolve_key(account.keys.get(fact.key), fact)
    return account if key is None else replace(account, keys={**account.keys, key.id: key})


# Decisions


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms that an account is opened with."""

    plan: str
    limits: Limits
    currency: str = "USD"
    zone: str = "UTC"
    cycle: Cycle = field(default_factory=Cycle)
    prepaid: bool = False


def open_account(account: Account | None, id: str, terms: Terms, now: int, reason: str = "") -> list[AccountFact]:
    """Open it once; opening it again as it was opened, or as it is by now, records nothing.

    The terms are compared as they were asked: the plan by its name, as a plan's limits are another thing on another
    day. Raises AccountExists on other terms, or if the account is closed.
    """
    check_id("account", id)
    if id == STUDIO:
        raise InvalidInput("account", f"{id!r} is the studio's own", hint="choose another id")
    check_currency(terms.currency)
    check_zone(terms.zone)
    check_reason(reason)
    if account is None:
        agreed = (terms.plan, terms.limits, terms.currency, terms.zone, terms.cycle, terms.prepaid)
        return [AccountOpened(id, now, *agreed, reason)]
    if account.standing is Standing.CLOSED:
        raise AccountExists(f"account {id!r} was closed: {account.reason}", hint="open another")
    differing = [
        f"{name} {was}, not {asked}"
        for name, asked, was, is_now in _compared(account, terms)
        if asked not in (was, is_now)
    ]
    if differing:
        raise AccountExists(
            f"account {id!r} was opened before, on other terms: {'; '.join(differing)}",
            hint=Advice("account.change"),
        )
    return []


def changed_since(account: Account, terms: Terms) -> tuple[str, ...]:
    """The terms asked for by an opening that have changed since, in words."""
    return tuple(
        f"{name} is {is_now}, not {asked}" for name, asked, _, is_now in _compared(account, terms) if asked != is_now
    )


def _compared(account: Account, terms: Terms) -> tuple[tuple[str, object, object, object], ...]:
    """Each term by name: as it is asked for, as the account was opened, and as it is now."""
    opened = account.opened
    return (
        ("plan", terms.plan, opened.plan, account.plan),
        ("currency", terms.currency, opened.currency, account.currency),
        ("zone", terms.zone, opened.zone, account.zone),
        ("cycle day", terms.cycle.day, opened.cycle.day, account.cycle.day),
        ("prepaid", terms.prepaid, opened.prepaid, account.prepaid),
    )


def suspend(account: Account, reason: str, now: int) -> list[AccountFact]:
    """Admit nothing new for a while; what is open goes on. Raises InvalidInput without a reason, or if it is closed."""
    check_reason(reason, needed=True)
    check_not_closed(account)
    return [] if account.standing is Standing.SUSPENDED else [AccountSuspended(account.id, now, reason)]


def resume(account: Account, reason: str, now: int) -> list[AccountFact]:
    """Admit requests again."""
    check_reason(reason, needed=True)
    check_not_closed(account)
    return [] if account.standing is Standing.OPEN else [AccountResumed(account.id, now, reason)]


def close(account: Account, reason: str, now: int) -> list[AccountFact]:
    """Admit nothing new for ever; what is open is settled, and corrections are still booked."""
    check_reason(reason, needed=True)
    return [] if account.standing is Standing.CLOSED else [AccountClosed(account.id, now, reason)]


def check_not_closed(account: Account) -> Account:
    """The account, unless it is closed. Raises InvalidInput."""
    if account.standing is Standing.CLOSED:
        raise InvalidInput(
            "account", f"{account.id!r} was closed: {account.reason}", hint="a closed account stays closed"
        )
    return account


def change_plan(account: Account, plan: str, limits: Limits, now: int, reason: str = "") -> list[AccountFact]:
    """Move to a plan; its limits hold at once, also for what was used in this period."""
    check_not_closed(account)
    check_reason(reason)
    if (account.plan, account.limits) == (plan, limits):
        return []
    return [PlanChanged(account.id, now, plan, limits, reason)]


def change_time_zone(account: Account, zone: str, now: int, reason: str = "") -> list[AccountFact]:
    """Move the account's midnights, from the next period on. Raises InvalidPeriod for an unknown zone."""
    check_not_closed(account)
    check_reason(reason)
    return [] if check_zone(zone) == account.zone else [TimeZoneChanged(account.id, now, zone, reason)]


def change_consent(account: Account, model_class: str, now: int, *, given: bool, reason: str = "") -> list[AccountFact]:
    """Let models of a class be chosen for the account, or no more; real ones always may. Raises InvalidInput."""
    check_reason(reason)
    wanted = check_class(model_class)
    if wanted is Class.REAL and not given:
        raise InvalidInput("class", "real models may always be chosen", hint="suspend the account instead")
    if (wanted in account.allowed) == given:
        return []
    return [ConsentChanged(account.id, now, str(wanted), given, reason)]
