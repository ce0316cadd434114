"""Alerts as every door tells them: terms by words, an alert as it stands, and one that was raised."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from domain.alerting import AlertTerms, is_money, threshold_in_words
from domain.alerts import FAILURE_RATE, AlertFact, AlertRaised, AlertSet, ProbeDiffered, Threshold
from domain.errors import InvalidInput
from domain.inputs import shortened
from domain.money import Money
from infrastructure.showing.formats import iso, money

if TYPE_CHECKING:
    from application.notifying.alerts import AlertView

_SHARE: Final = re.compile(r"([0-9]{1,4})\s?%")
_COUNT: Final = re.compile(r"[0-9]{1,15}")


def alert_terms_of(
    at: Sequence[str], currency: str, *, scope: str, measure: str, window: str, locks: bool
) -> AlertTerms:
    """The terms that words say; thresholds are such as 80%, 25.00 or 500. Raises InvalidInput, InvalidMoney."""
    shares, amounts = list[int](), list[int]()
    for text in at:
        share = _SHARE.fullmatch(text.strip())
        if share is not None:
            shares.append(int(share[1]))
        elif is_money(measure):
            amounts.append(Money.parse(text, currency).micros)
        elif _COUNT.fullmatch(text):
            amounts.append(int(text))
        else:
            raise InvalidInput("at", f"{shortened(text)} is no threshold", hint="such as 80%, or a whole number")
    return AlertTerms(scope, measure, window, tuple(shares), tuple(amounts), locks)


def alert_document(one: AlertView) -> dict[str, Any]:
    """An alert as it stands."""
    alert = one.alert
    return {
        "id": alert.id,
        "account": one.account,
        "scope": alert.scope,
        "measure": alert.measure,
        "window": alert.window,
        "at": [threshold_text(some, alert.measure, one.currency) for some in alert.thresholds],
        "locks": alert.locks,
        "currency": one.currency,
        "since": iso(alert.since, precision="microseconds"),
        "start": iso(one.span.start),
        "end": iso(one.span.end),
        "value": amount_document(one.value, alert.measure, one.currency),
        "limit": amount_document(one.limit, alert.measure, one.currency),
        "raised": None if alert.raised is None else raised_document(alert.raised),
    }


def raised_document(fact: AlertRaised) -> dict[str, Any]:
    """A threshold that was reached: in [start, end), at the instant and by the fact at the position."""
    return {
        "id": fact.alert,
        "account": fact.account,
        "scope": fact.scope,
        "measure": fact.measure,
        "window": fact.window,
        "currency": fact.currency,
        "start": iso(fact.start),
        "end": iso(fact.end),
        "threshold": threshold_name(fact.threshold, fact.measure, fact.currency),
        "value": amount_document(fact.value, fact.measure, fact.currency),
        "limit": amount_document(fact.limit, fact.measure, fact.currency),
        "reached_at": iso(fact.reached, precision="microseconds"),
        "told_at": iso(fact.at, precision="microseconds"),
        "position": fact.position,
        "locked": fact.locked,
    }


def differed_document(fact: ProbeDiffered) -> dict[str, Any]:
    """A difference that a probe found, as whoever runs the studio is told of it."""
    return {
        "account": fact.account,
        "difference": fact.difference,
        "told": fact.told,
        "wanted": fact.wanted,
        "day": iso(fact.day),
        "told_at": iso(fact.at, precision="microseconds"),
    }


def differed_text(fact: ProbeDiffered) -> str:
    """It in one sentence."""
    return f"{fact.difference}: {fact.told}, and should be {fact.wanted}" if fact.wanted else fact.difference


def raised_row(fact: AlertRaised) -> dict[str, Any]:
    """The same with its sentence, for people."""
    return {**raised_document(fact), "told": raised_text(fact)}


def raised_text(fact: AlertRaised) -> str:
    """It in one sentence."""
    came = watched_text(fact.value, fact.measure, fact.currency)
    of = "" if fact.limit is None else f" of {watched_text(fact.limit, fact.measure, fact.currency)}"
    name = threshold_in_words(fact.threshold, fact.measure, fact.currency)
    lock = "; the account is locked until it is resumed" if fact.locked else ""
    return f"{fact.measure} of {fact.scope} reached {name}: {came}{of} in the {fact.window}{lock}"


def alert_in_words(fact: AlertFact) -> str:
    """An alert as it was set, raised or removed; amounts of money are told if the fact has their currency."""
    match fact:
        case AlertRaised():
            return raised_text(fact)
        case AlertSet():
            shares = [f"{share}%" for share in fact.shares]
            counts = [] if is_money(fact.measure) else [f"{amount:,}" for amount in fact.amounts]
            at = ", ".join([*shares, *counts]) or "an amount"
            return f"{fact.measure} of {fact.scope}, {fact.window}, at {at}"
        case ProbeDiffered():
            return f"the probe found a difference: {differed_text(fact)}"
    return fact.alert


def amount_document(amount: int | None, measure: str, currency: str) -> Any:
    """An amount as JSON: money, a count, or a share."""
    if amount is None or not is_money(measure):
        return f"{amount}%" if measure == FAILURE_RATE and amount is not None else amount
    return money(amount, currency)


def watched_text(amount: int, measure: str, currency: str) -> str:
    """An amount in words."""
    if is_money(measure):
        return str(Money(amount, currency))
    return f"{amount}%" if measure == FAILURE_RATE else f"{amount:,}"


def threshold_text(one: Threshold, measure: str, currency: str) -> str:
    return threshold_name(one.name, measure, currency)


def threshold_name(name: str, measure: str, currency: str) -> str:
    """A threshold as people write it: 80%, 25.00 or 500."""
    if name.endswith("%") or not is_money(measure):
        return name
    return str(Money(int(name), currency)).split(" ", maxsplit=1)[0]
