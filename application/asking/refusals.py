"""Why the business refused, in one sentence and with its figures: said alike the first time and at each repeat."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from domain.advice import Advice, Hint
from domain.errors import OperationRefused
from domain.money import Money
from domain.operation import Rejected
from domain.plans import IN_MONEY
from domain.refusals import PERIOD, Refusal

ADVICE: Final[Mapping[str, Hint]] = MappingProxyType(
    {
        "limit": Advice("account.limit"),
        "balance": Advice("account.credit"),
        "unpriced": Advice("account.unpriced"),
        "currency": "choose a model that is priced in the account's currency",
        "suspended": Advice("account.resume"),
        "closed": "a closed account stays closed: use another",
    }
)
"""Advice about each reason. The same key is tried again once that is done."""


def refused(fact: Rejected) -> OperationRefused:
    """The error that tells a recorded refusal."""
    return OperationRefused(
        fact.operation.id, refusal_in_words(fact), refusal=refusal_of(fact), hint=ADVICE.get(fact.reason, "")
    )


def refusal_of(fact: Rejected) -> Refusal:
    """The figures of a recorded refusal; a limit begins anew with the period."""
    limited = fact.reason == "limit"
    return Refusal(
        rule=fact.reason,
        scope=fact.scope,
        measure=fact.measure,
        window=PERIOD if limited else "",
        limit=fact.limit,
        asked=fact.asked,
        used=fact.used,
        held=fact.held,
        left=fact.left,
        currency=fact.currency,
        resets_at=fact.operation.period.end if limited else None,
    )


def refusal_in_words(fact: Rejected) -> str:
    """A refusal in one sentence: the limit, what was asked of it, and what is left."""
    match fact.reason:
        case "limit":
            whose = "the account's" if fact.scope == "account" else f"{fact.scope}'s"
            limit, left, asked = (_amount(fact, number) for number in (fact.limit, fact.left, fact.asked))
            return f"{whose} {fact.measure} limit of {limit} a period leaves {left}, {asked} asked"
        case "balance":
            return f"the prepaid balance leaves {_amount(fact, fact.left)}, {_amount(fact, fact.asked)} asked"
        case "unpriced":
            return f"the price of {fact.operation.model} is not known"
        case "currency":
            return "the price is in another currency than the account"
        case "suspended" | "closed":
            return f"the account is {fact.reason}"
    return fact.reason


def _amount(fact: Rejected, number: int | None) -> str:
    """Outputs, or money."""
    return str(number) if number is None or fact.measure not in IN_MONEY else str(Money(number, fact.currency))
