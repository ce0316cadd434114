"""Alerts: what an account is told of once its use comes to a share of a limit, or to an amount.

    AlertSet ─ (AlertRaised) … ─ (AlertSet ─ …) ─ (AlertRemoved)

There is one alert a scope, measure and window, with any number of thresholds. Each threshold is raised once in each
hour, day or period, for ever: `alarm_of` names it, the log is indexed by that name, and whoever raises it looks there
under the account's lock. The decisions about alerts are in `domain.alerting`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from domain.errors import InvalidRequest
from domain.meaning import Kind
from domain.plans import MEASURES, SPEND
from domain.windows import Window

COST, FAILED, FAILURE_RATE = "cost", "failed", "failure_rate"
ALERT_MEASURES: Final = (*MEASURES, COST, FAILED, FAILURE_RATE)
"""All that can be watched: what limits count, what providers bill, what failed, and the share that failed."""
ALERT_WINDOWS: Final = (Window.HOUR, Window.DAY, Window.PERIOD)
MONEY_MEASURES: Final = (SPEND, COST)


class UnknownAlert(InvalidRequest):
    """The account has no alert of this id."""

    code = "unknown_alert"
    kind = Kind.NOT_FOUND


# Facts


@dataclass(frozen=True, slots=True)
class AlertSet:
    """There is an alert with these thresholds from now on: shares in percent, of the limit or of all that ended, and
    amounts in micro-units or as counts. `locks`: its highest threshold suspends the account.
    """

    account: str
    at: int
    alert: str
    scope: str
    measure: str
    window: str
    shares: tuple[int, ...]
    amounts: tuple[int, ...]
    locks: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AlertRemoved:
    """Nothing is told of it any more."""

    account: str
    at: int
    alert: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """A threshold was reached in [start, end), which is told once: by the fact at `position`, of the instant `reached`,
    with which it came to `value`; `limit` is what a share is of.
    """

    account: str
    at: int
    alert: str
    scope: str
    measure: str
    window: str
    start: int
    end: int
    threshold: str
    value: int
    limit: int | None
    currency: str
    reached: int
    position: int
    locked: bool = False


@dataclass(frozen=True, slots=True)
class ProbeDiffered:
    """The probe of the account found a difference: `told` was so, and should have been `wanted`, both in words.

    It is told once on the day (UTC) that begins at `day`, however often rounds find it.
    """

    account: str
    at: int
    difference: str
    told: str
    wanted: str
    day: int


AlertFact = AlertSet | AlertRemoved | AlertRaised | ProbeDiffered


# States


@dataclass(frozen=True, slots=True)
class Threshold:
    """A share in percent, or an amount."""

    share: int | None = None
    amount: int | None = None

    @property
    def name(self) -> str:
        """As it is told: "80%" or "25000000"."""
        return f"{self.share}%" if self.share is not None else str(self.amount)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as its facts leave it; `since` is the instant of its first."""

    id: str
    scope: str
    measure: str
    window: str
    shares: tuple[int, ...]
    amounts: tuple[int, ...]
    locks: bool
    since: int
    raised: AlertRaised | None = None
    """The last that was raised."""

    @property
    def thresholds(self) -> tuple[Threshold, ...]:
        """Shares, then amounts, each from the lowest."""
        return (*(Threshold(share=one) for one in self.shares), *(Threshold(amount=one) for one in self.amounts))

    @property
    def locking(self) -> frozenset[str]:
        """The thresholds that suspend the account: the highest share, and the highest amount."""
        highest = [Threshold(share=one) for one in self.shares[-1:]] + [
            Threshold(amount=one) for one in self.amounts[-1:]
        ]
        return frozenset(one.name for one in highest) if self.locks else frozenset()


def alert_id(scope: str, measure: str, window: str) -> str:
    """The one alert of a scope, measure and window."""
    return f"alert_{sha256(f'{measure} {window} {scope}'.encode()).hexdigest()[:12]}"


def alarm_of(fact: AlertRaised | ProbeDiffered) -> str:
    """The name of a threshold in one span, or of a difference on a day: there is at most one fact of it for ever."""
    if isinstance(fact, ProbeDiffered):
        return difference_name(fact.account, fact.difference, fact.day)
    return alarm_name(fact.account, fact.alert, fact.start, fact.threshold)


def alarm_name(account: str, alert: str, start: int, threshold: str) -> str:
    return f"alarm:{account}:{alert}:{start}:{threshold}"


def difference_name(account: str, difference: str, day: int) -> str:
    return f"difference:{account}:{day}:{difference}"


# Evolve


def evolve_alert(alert: Alert | None, fact: AlertFact) -> Alert | None:
    """The alert after one more fact, None once it is removed; a fact about none that there is changes nothing."""
    match fact:
        case AlertSet():
            terms = (fact.scope, fact.measure, fact.window, fact.shares, fact.amounts, fact.locks)
            since, raised = (fact.at, None) if alert is None else (alert.since, alert.raised)
            return Alert(fact.alert, *terms, since, raised)
        case AlertRemoved():
            return None
        case AlertRaised():
            return alert and replace(alert, raised=fact)
        case ProbeDiffered():
            return alert


def alerts_after(alerts: Mapping[str, Alert], fact: AlertFact) -> Mapping[str, Alert]:
    """All alerts after one more fact, by their ids."""
    if isinstance(fact, ProbeDiffered):
        return alerts
    others = {id: one for id, one in alerts.items() if id != fact.alert}
    alert = evolve_alert(alerts.get(fact.alert), fact)
    return others if alert is None else {**others, alert.id: alert}
