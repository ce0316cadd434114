"""Prices that an account agreed: a tariff of its own, and a discount of its own, each by a fact with its reason.

    TariffAgreed ─ (TariffAgreed | DiscountAgreed) …        each in the place of the one before it

They hold for what is admitted from then on; what is held keeps the terms of its quote.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from domain.errors import InvalidInput, InvalidMoney
from domain.ids import check_id, check_reason
from domain.inputs import plain, shortened
from domain.money import parse_rate
from domain.periods import EARLIEST, LATEST
from domain.selling import NOTHING
from domain.tariffs import OwnDiscount
from domain.value import value

MOST_PERCENT: Final = 100
_PLACES: Final = 6


# Facts


@value
class TariffAgreed:
    """This tariff in the place of the plan's; empty: the plan's again."""

    account: str
    at: int
    tariff: str
    reason: str = ""


@value
class DiscountAgreed:
    """So many percent off from `start` until `end`, in the place of the tariff's discounts; 0 gives those back."""

    account: str
    at: int
    percent: Decimal
    start: int
    end: int
    reason: str = ""


AgreementFact = TariffAgreed | DiscountAgreed


# State


@value
class Agreed:
    """The terms of an account in the place of the usual ones; empty and None: none."""

    tariff: str = ""
    discount: OwnDiscount | None = None


NOTHING_AGREED: Final = Agreed()


def evolve_agreed(agreed: Agreed, fact: AgreementFact) -> Agreed:
    """The terms after one more fact."""
    if isinstance(fact, TariffAgreed):
        return replace(agreed, tariff=fact.tariff)
    off = OwnDiscount(fact.percent, fact.start, fact.end) if fact.percent else None
    return replace(agreed, discount=off)


# Decisions


def agree_tariff(account: str, agreed: Agreed, tariff: str, now: int, reason: str = "") -> list[AgreementFact]:
    """Sell by this tariff from now on; empty: by the plan's. The same again records nothing."""
    check_reason(reason)
    if tariff:
        check_id("tariff", tariff)
    return [] if agreed.tariff == tariff else [TariffAgreed(account, now, tariff, reason)]


def agree_discount(
    account: str,
    agreed: Agreed,
    percent: Decimal,
    now: int,
    reason: str = "",
    start: int | None = None,
    end: int | None = None,
) -> list[AgreementFact]:
    """So many percent off, from `start` (now) until `end` (for ever); 0 ends it. The same again records nothing.

    Raises InvalidInput for what is no discount.
    """
    check_reason(reason)
    check_percent(percent)
    span = (EARLIEST if start is None else start, LATEST if end is None else end)
    if span[0] >= span[1]:
        raise InvalidInput("until", "ends before it begins", hint="give a later instant")
    wanted = OwnDiscount(percent, *span) if percent else None
    return [] if agreed.discount == wanted else [DiscountAgreed(account, now, percent, *span, reason)]


def check_percent(percent: Decimal) -> Decimal:
    """The number if it is a share in percent, of at most six decimals. Raises InvalidInput."""
    if not percent.is_finite() or not NOTHING <= percent <= MOST_PERCENT:
        raise InvalidInput("percent", f"{percent} is no discount", hint=f"give 0 to {MOST_PERCENT}")
    if 10**_PLACES % percent.as_integer_ratio()[1]:
        raise InvalidInput("percent", f"{plain(percent)} has too many decimals", hint=f"give at most {_PLACES}")
    return percent


def percent_of(text: str) -> Decimal:
    """A share in percent as people write it. Raises InvalidInput."""
    try:
        return check_percent(parse_rate(text.removesuffix("%").strip()))
    except InvalidMoney as error:
        raise InvalidInput("percent", f"{shortened(text)} is no discount", hint="write it as 12.5") from error
