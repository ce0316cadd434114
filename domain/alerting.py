"""Decisions about alerts, and the arithmetic by which thresholds are reached: both pure.

    set_alert ─ remove_alert                    asked by whoever administers the account
    facts ─ added_by ─ sums ─ has_reached ──> raise_alert        once a threshold and span

Amounts are what was charged and ended, never what is held, each when it was booked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from domain.account import ACCOUNT, Account, AccountFact, AccountSuspended, Standing, check_not_closed
from domain.alerts import (
    ALERT_MEASURES,
    ALERT_WINDOWS,
    COST,
    FAILED,
    FAILURE_RATE,
    MONEY_MEASURES,
    Alert,
    AlertRaised,
    AlertRemoved,
    AlertSet,
    Threshold,
    UnknownAlert,
    alarm_name,
    alert_id,
)
from domain.booking import GoodwillGiven
from domain.errors import InvalidInput
from domain.ids import check_id, check_reason
from domain.ledger import Fact, Ledger, known_account
from domain.money import LARGEST_AMOUNT, Money
from domain.operation import CANCELLED, Adjusted, Charged, Released
from domain.periods import Period
from domain.plans import MEASURES, SPEND
from domain.totals import scopes_of

MOST_ALERTS: Final = 50
"""Alerts of one account."""
MOST_THRESHOLDS: Final = 10
LARGEST_SHARE: Final = 1_000
"""Percent."""
LEAST_ENDED: Final = 20
"""Operations that must have ended before a share of failures is told: of few it says nothing."""
CHARGED: Final = "charged"
PERCENT: Final = 100

Sums = Mapping[str, int]
"""By measure; `charged` counts operations."""
NOTHING: Final[Sums] = {}


@dataclass(frozen=True, slots=True)
class AlertTerms:
    """The wish to be told: of whose use of what, over which window, at which shares (percent) and amounts."""

    scope: str = ACCOUNT
    measure: str = SPEND
    window: str = "period"
    shares: tuple[int, ...] = ()
    amounts: tuple[int, ...] = ()
    locks: bool = False


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold that was reached: in which span, and by the fact at which position, of which instant."""

    threshold: Threshold
    span: Period
    position: int
    reached: int
    value: int
    limit: int | None


# Decisions


def set_alert(account: Account, terms: AlertTerms, now: int, reason: str = "") -> list[AccountFact]:
    """Have it told, once a threshold and span; the thresholds replace those before. Raises InvalidInput."""
    check_not_closed(account)
    check_reason(reason)
    _check(terms)
    id = alert_id(terms.scope, terms.measure, terms.window)
    known = account.alerts.get(id)
    shares, amounts = tuple(sorted({*terms.shares})), tuple(sorted({*terms.amounts}))
    if known is not None and (known.shares, known.amounts, known.locks) == (shares, amounts, terms.locks):
        return []
    if known is None and len(account.alerts) >= MOST_ALERTS:
        told = f"account {account.id!r} has {MOST_ALERTS}, which is the most"
        raise InvalidInput("alerts", told, hint="remove one that is not needed")
    whose = (terms.scope, terms.measure, terms.window)
    return [AlertSet(account.id, now, id, *whose, shares, amounts, terms.locks, reason)]


def remove_alert(account: Account, id: str, now: int, reason: str = "") -> list[AccountFact]:
    """Tell nothing of it any more. Raises UnknownAlert."""
    check_reason(reason)
    if id not in account.alerts:
        raise UnknownAlert(f"account {account.id!r} has no alert {id!r}", hint="list its alerts")
    return [AlertRemoved(account.id, now, id, reason)]


def raise_alert(ledger: Ledger, account: str, id: str, crossing: Crossing, now: int) -> list[Fact]:
    """Tell that a threshold was reached, and lock the account if it is to be locked; nothing if it was told before.

    Whoever proposes it names it as evidence. Nothing if the alert or the threshold is there no more.
    """
    known = known_account(ledger, account)
    alert, name = known.alerts.get(id), crossing.threshold.name
    if alert is None or crossing.threshold not in alert.thresholds:
        return []
    if ledger.evidence.alarms[alarm_name(account, id, crossing.span.start, name)]:
        return []
    locks = name in alert.locking and known.standing is Standing.OPEN
    raised = AlertRaised(
        account,
        now,
        id,
        alert.scope,
        alert.measure,
        alert.window,
        crossing.span.start,
        crossing.span.end,
        threshold=name,
        value=crossing.value,
        limit=crossing.limit,
        currency=known.currency,
        reached=crossing.reached,
        position=crossing.position,
        locked=locks,
    )
    facts: list[Fact] = [raised]
    if locks:
        facts.append(AccountSuspended(account, now, f"alert {id} reached {name}"))
    return facts


def _check(terms: AlertTerms) -> None:
    kind, _, id = terms.scope.partition(":")
    if terms.scope != ACCOUNT and (kind not in ("user", "project", "key") or not id):
        raise InvalidInput("scope", f"{terms.scope!r} is no scope", hint="account, user:ID, project:ID or key:ID")
    check_id("scope", terms.scope)
    if terms.measure not in ALERT_MEASURES:
        told = f"{terms.measure!r} is not watched"
        raise InvalidInput("measure", told, hint=f"there are: {', '.join(ALERT_MEASURES)}")
    if terms.window not in ALERT_WINDOWS:
        told = f"{terms.window!r} is not one of {', '.join(ALERT_WINDOWS)}"
        raise InvalidInput("window", told)
    if not terms.shares and not terms.amounts:
        raise InvalidInput("at", "names no threshold", hint="a share such as 80%, or an amount")
    if len(terms.shares) + len(terms.amounts) > MOST_THRESHOLDS:
        raise InvalidInput("at", f"names more than {MOST_THRESHOLDS} thresholds", hint="leave some out")
    if any(not 1 <= one <= LARGEST_SHARE for one in terms.shares):
        raise InvalidInput("at", f"a share is from 1% to {LARGEST_SHARE}%")
    if any(not 1 <= one <= LARGEST_AMOUNT for one in terms.amounts):
        raise InvalidInput("at", "an amount is more than nothing")
    if terms.measure == FAILURE_RATE and terms.amounts:
        raise InvalidInput("at", "a rate of failures is a share", hint="such as 5%")
    if terms.shares and terms.measure not in (*MEASURES, FAILURE_RATE):
        told = f"a share is of a limit, and {terms.measure} has none"
        raise InvalidInput("at", told, hint="give amounts")


# Arithmetic


def added_by(fact: Fact, scope: str) -> Sums:
    """The amounts that a fact adds to the sums of a scope."""
    if isinstance(fact, GoodwillGiven):
        return {SPEND: -fact.amount} if scope == ACCOUNT else NOTHING
    if not isinstance(fact, Charged | Released | Adjusted):
        return NOTHING
    operation = fact.operation
    if scope not in scopes_of(operation.user, operation.project, operation.api_key):
        return NOTHING
    match fact:
        case Charged():
            return {operation.family: fact.outputs, SPEND: fact.price, COST: fact.cost or 0, CHARGED: 1}
        case Released():
            return {FAILED: int(fact.reason != CANCELLED), COST: fact.cost or 0}
        case Adjusted():
            return {SPEND: fact.price, COST: fact.cost}


def counts_in(fact: Fact) -> Period:
    """The billing period in which a fact counts."""
    if isinstance(fact, Adjusted | GoodwillGiven):
        return fact.period
    assert isinstance(fact, Charged | Released), "nothing else is measured"
    return fact.operation.period


def value_of(measure: str, sums: Sums) -> int | None:
    """The amount of a measure; a rate of failures in whole percent, None of too few to say."""
    if measure != FAILURE_RATE:
        return sums.get(measure, 0)
    failed, ended = sums.get(FAILED, 0), sums.get(FAILED, 0) + sums.get(CHARGED, 0)
    return failed * PERCENT // ended if ended >= LEAST_ENDED else None


def has_reached(alert: Alert, threshold: Threshold, value: int | None, limit: int | None) -> bool:
    """Whether a value has come to a threshold; a share of no limit is never reached, nor are unknowns."""
    if value is None:
        return False
    if threshold.share is None:
        assert threshold.amount is not None, "a threshold is one or the other"
        return value >= threshold.amount
    if alert.measure == FAILURE_RATE:
        return value >= threshold.share
    return limit is not None and value * PERCENT >= limit * threshold.share and value > 0


def threshold_in_words(name: str, measure: str, currency: str) -> str:
    """A threshold as sentences say it: "80%", "25.00 USD" or "500"."""
    if name.endswith("%"):
        return name
    return str(Money(int(name), currency)) if is_money(measure) else f"{int(name):,}"


def is_money(measure: str) -> bool:
    """Whether amounts of it are micro-units."""
    return measure in MONEY_MEASURES
