"""Why the business refused, in one sentence and with its figures: said alike the first time and at each repeat."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from types import MappingProxyType
from typing import Final

from application.asking.requests import Result
from domain.admission import Admission
from domain.advice import Advice, Hint
from domain.errors import OperationFailed, OperationRefused
from domain.money import Money
from domain.operation import Rejected, Substituted
from domain.periods import wall_clock
from domain.plans import IN_MONEY
from domain.refusals import Refusal
from domain.windows import Window

ADVICE: Final[Mapping[str, Hint]] = MappingProxyType(
    {
        "limit": Advice("account.limit"),
        "balance": Advice("account.credit"),
        "overage": "wait for the next period, or have the plan changed or credit granted",
        "unpriced": Advice("account.unpriced"),
        "currency": "choose a model that is priced in the account's currency",
        "suspended": Advice("account.resume"),
        "closed": "a closed account stays closed: use another",
    }
)
"""Advice about each reason. The same key is tried again once that is done."""


UTC: Final = "UTC"

OVER: Final[Mapping[str, str]] = MappingProxyType(
    {Window.HOUR: "an hour", Window.DAY: "a day", Window.PERIOD: "a period", Window.LIFE: "for life"}
)


def judged(result: Result) -> Result:
    """The result, if there is one; otherwise the error that says why not. Raises OperationRefused, OperationFailed."""
    first = result.operations[0]
    if result.status == "charged" or result.assets:
        return result
    if first.rejected is not None:
        raise refused(first.rejected)
    if first.status == "released":
        hint = Advice("operation.failed", operation=first.operation)
        raise OperationFailed(first.operation, f"the provider failed: {first.reason}", hint=hint)
    return result


def refused(fact: Rejected) -> OperationRefused:
    """The error that tells a recorded refusal."""
    hint = Advice("account.outlived") if fact.window == Window.LIFE else ADVICE.get(fact.reason, "")
    return OperationRefused(fact.operation.id, refusal_in_words(fact), refusal=refusal_of(fact), hint=hint)


def refusal_of(fact: Rejected) -> Refusal:
    """The figures of a recorded refusal. Old facts are of limits a period, and do not say so."""
    limited = fact.reason == "limit"
    window = fact.window or (str(Window.PERIOD) if limited else "")
    resets_at = fact.operation.period.end if window == Window.PERIOD else fact.resets_at
    return Refusal(
        rule=fact.reason,
        scope=fact.scope,
        measure=fact.measure,
        window=window,
        limit=fact.limit,
        asked=fact.asked,
        used=fact.used,
        held=fact.held,
        left=fact.left,
        currency=fact.currency,
        resets_at=resets_at,
    )


def refusal_in_words(fact: Rejected) -> str:
    """A refusal in one sentence: the limit, what was asked of it, and what is left."""
    match fact.reason:
        case "limit":
            whose = "the account's" if fact.scope == "account" else f"{fact.scope}'s"
            limit, left, asked = (_amount(fact, number) for number in (fact.limit, fact.left, fact.asked))
            over = OVER[fact.window or Window.PERIOD]
            return f"{whose} {fact.measure} limit of {limit} {over} leaves {left}{_until(fact)}, {asked} asked"
        case "balance" if fact.limit is not None and fact.limit < 0:
            return f"the prepaid balance is {_amount(fact, fact.limit)}, and nothing is admitted until that is covered"
        case "balance":
            return f"the prepaid balance leaves {_amount(fact, fact.left)}, {_amount(fact, fact.asked)} asked"
        case "overage":
            left, asked = _amount(fact, fact.left), _amount(fact, fact.asked)
            return f"the plan's allowance leaves {left}, {asked} asked, and nothing is sold beyond it"
        case "unpriced":
            return f"the price of {fact.operation.model} is not known"
        case "currency":
            return "the price is in another currency than the account"
        case "suspended" | "closed":
            return f"the account is {fact.reason}"
    return fact.reason


def substituted_in_words(fact: Substituted) -> str:
    """Which model was asked, which does it, and the limit that it would have passed."""
    asked = f"{fact.model} was asked, at {Money(fact.price, fact.currency)}"
    return f"{asked}; {_instead(fact.operation.model, fact, fact.currency)}"


def note_of(answer: Admission) -> tuple[str, ...]:
    """The same before anything is recorded."""
    assert answer.why is not None, "another model would be put in the place of the one asked"
    first, price = answer.asked[0], sum(quote.price for quote in answer.asked)
    asked = f"{first.model} was asked, at {Money(price, first.currency)}"
    return (f"{asked}; {_instead(answer.quotes[0].model, answer.why, first.currency)}",)


def _instead(model: str, why: Substituted | Refusal, currency: str) -> str:
    left = "nothing" if why.left is None else str(Money(why.left, currency))
    if why.measure == "balance":
        return f"{model} does it, since the prepaid balance leaves {left}"
    if why.measure == "allowance":
        return f"{model} does it, since the plan's allowance leaves {left}"
    whose = "the account's" if why.scope == "account" else f"{why.scope}'s"
    return f"{model} does it, since {whose} {why.measure} limit {OVER[why.window]} leaves {left}"


def _until(fact: Rejected) -> str:
    """When the limit begins anew, by the account's clock; old facts do not name its zone."""
    if fact.resets_at is None or not fact.zone:
        return ""
    then, where = wall_clock(fact.resets_at, fact.zone), "" if fact.zone == UTC else f" in {fact.zone}"
    return f" until {then:%Y-%m-%d}{where}" if then.time() == time() else f" until {then:%Y-%m-%d %H:%M} in {fact.zone}"


def _amount(fact: Rejected, number: int | None) -> str:
    """Outputs, or money."""
    return str(number) if number is None or fact.measure not in IN_MONEY else str(Money(number, fact.currency))
