"""Plans: what a billing period costs, the use that it allows, and the money that is included in its price.

    price ── charged at the beginning of each period ── includes ──> allowance ── beyond it ──> overage
    trial ── so many days without a price, in limits of its own ── followed by ──> a plan

Of limits None means no limit, and 0 allows nothing. Amounts are micro-units of the plan's currency.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from domain.advice import Advice
from domain.counts import counted
from domain.errors import InvalidInput, UnknownPlan
from domain.inputs import plain
from domain.kinds import Family
from domain.money import LARGEST_AMOUNT, MICROS, at_factors
from domain.value import value

SPEND: Final = "spend"

MEASURES: Final = (*(family.value for family in Family), SPEND)
"""The names of all that is limited: outputs of each family of work, and money."""

IN_MONEY: Final = frozenset({SPEND, "unpriced", "balance", "allowance"})
"""The measures that are money, in micro-units; all others count outputs."""

_FIELDS: Final = {**{family.value: family.name.lower() for family in Family}, SPEND: SPEND}
"""Under which name `Limits` has a measure: the family's own, as "3d" is not a name."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one period allows of each measure. Raises InvalidInput for a negative or broken number."""

    images: int | None = None
    edits: int | None = None
    videos: int | None = None
    models_3d: int | None = None
    upscales: int | None = None
    spend: int | None = None
    other: int | None = None

    def __post_init__(self) -> None:
        for measure in MEASURES:
            check_limit(measure, self.of(measure))

    def of(self, measure: str) -> int | None:
        """The limit of one measure; what is not a measure is not limited."""
        limit: int | None = getattr(self, _FIELDS[measure]) if measure in _FIELDS else None
        return limit


NO_WINDOWS: Final[Mapping[str, Limits]] = MappingProxyType({})


AT_ONE: Final = Decimal(1)
MOST_DAYS: Final = 366
LARGEST_FACTOR: Final = Decimal(100)


@value
class Paying:
    """The money terms of a plan, as facts hold them: a period's price, the allowance in it, and the factor of overage.

    An `overage` of None refuses what the allowance does not cover.
    """

    price: int
    allowance: int = 0
    overage: Decimal | None = AT_ONE


FREE: Final = Paying(0)


@value
class PlanTerms:
    """All terms of a plan that an account is on, as they were that day."""

    plan: str
    limits: Limits
    windows: Mapping[str, Limits] = field(default_factory=dict)
    paying: Paying = FREE


@value
class Later:
    """The terms that hold from an instant on, or, if there is none, from the end of the period."""

    terms: PlanTerms
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """Days without a price, with limits and an allowance of their own; `then` is the plan that follows, empty for the
    plan that is tried."""

    days: int
    limits: Limits = field(default_factory=Limits)
    windows: Mapping[str, Limits] = field(default_factory=dict)
    allowance: int = 0
    then: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.days <= MOST_DAYS:
            raise InvalidInput("days", f"a trial of {counted(self.days, 'day')}", hint=f"give 1 to {MOST_DAYS}")
        check_limit("allowance", self.allowance)


@dataclass(frozen=True, slots=True)
class Plan:
    """The price of a period, and what it allows: use, by name in other windows, too, and money.

    `overage` is the factor at which is sold what the allowance does not cover, None if it is refused. `tariff` is how
    the prices of its accounts are made, empty for the price book's.
    """

    id: str
    price: int
    limits: Limits
    windows: Mapping[str, Limits] = field(default_factory=dict)
    allowance: int = 0
    overage: Decimal | None = AT_ONE
    trial: Trial | None = None
    currency: str = "USD"
    tariff: str = ""

    def __post_init__(self) -> None:
        if self.price is None:
            raise InvalidInput("price", "a plan has a price", hint="0 is free")
        check_limit("price", self.price)
        check_limit("allowance", self.allowance)
        if self.overage is not None and not 0 <= self.overage <= LARGEST_FACTOR:
            raise InvalidInput("overage", f"a factor of {self.overage}", hint=f"give 0 to {LARGEST_FACTOR}")
        if self.overage != AT_ONE and not self.allowance:
            raise InvalidInput("overage", "nothing is beyond an allowance that is not there", hint="give an allowance")

    @property
    def paying(self) -> Paying:
        """Its money terms."""
        return Paying(self.price, self.allowance, self.overage)

    @property
    def terms(self) -> PlanTerms:
        """All that an account agrees to which is put on it."""
        return PlanTerms(self.id, self.limits, self.windows, self.paying)


def plan_in(plan: Plan, rate: Decimal, currency: str) -> Plan:
    """The plan with all its amounts at a rate of exchange, each rounded once, half-even."""

    def amount(micros: int) -> int:
        return at_factors(((micros, AT_ONE),), rate, 1, 1)

    def limits(one: Limits) -> Limits:
        return one if one.spend is None else replace(one, spend=amount(one.spend))

    def windows(several: Mapping[str, Limits]) -> dict[str, Limits]:
        return {name: limits(one) for name, one in several.items()}

    trial = plan.trial
    if trial is not None:
        own = windows(trial.windows)
        trial = replace(trial, limits=limits(trial.limits), windows=own, allowance=amount(trial.allowance))
    return replace(
        plan,
        price=amount(plan.price),
        limits=limits(plan.limits),
        windows=windows(plan.windows),
        allowance=amount(plan.allowance),
        trial=trial,
        currency=currency,
    )


def check_limit(measure: str, limit: int | None) -> int | None:
    """Return `limit` if it is None or a whole number from 0 to 64 bits; otherwise raise InvalidInput."""
    if limit is None:
        return None
    if type(limit) is not int:
        raise InvalidInput(measure, f"{limit!r} is not a whole number", hint="count outputs, or millionths of money")
    if limit < 0:
        told = f"{_told(measure, limit)} is negative"
        raise InvalidInput(measure, told, hint=Advice("limit.none", measure=measure))
    if limit > LARGEST_AMOUNT:
        told = f"{_told(measure, limit)} is too large"
        raise InvalidInput(measure, told, hint="give at most 64 bits, or leave it out for no limit")
    return limit


def _told(measure: str, limit: int) -> str:
    """Outputs, or an amount in whole units of the currency, which a limit does not know."""
    return plain(Decimal(limit).scaleb(-6)) if measure in {*IN_MONEY, "price"} else str(limit)


PLANS: Final[Mapping[str, Plan]] = MappingProxyType(
    {
        plan.id: plan
        for plan in (
            Plan("free", 0, Limits(images=10, edits=5, videos=2, models_3d=1, upscales=5, other=50, spend=2 * MICROS)),
            Plan(
                "basic",
                29 * MICROS,
                Limits(images=25, edits=25, videos=10, models_3d=10, upscales=25, other=500, spend=25 * MICROS),
            ),
            Plan(
                "pro",
                79 * MICROS,
                Limits(images=100, edits=100, videos=30, models_3d=30, upscales=100, other=2_000, spend=100 * MICROS),
            ),
            Plan("enterprise", 199 * MICROS, Limits(spend=500 * MICROS)),
        )
    }
)
"""The plans that there are beside those of files, which may replace them; prices and caps are in USD."""


def plan(id: str, plans: Mapping[str, Plan] = PLANS) -> Plan:
    """The plan of this id. Raises UnknownPlan."""
    if id not in plans:
        raise UnknownPlan(f"there is no plan {id!r}", hint=f"choose one of: {', '.join(plans)}")
    return plans[id]
