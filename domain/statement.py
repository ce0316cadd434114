"""A period's statement: the facts of one stream up to an end, summed into lines that a finance department can add up.

    subscription ── the price of plans, by the span that it is for ───────────────────────────────────┐
    usage ───────── by model, kind, user and project, this period's and late ones' of closed periods ─┤
    adjustments ─── refunds, goodwill and debts, each with its reference and reason ──────────────────┼─ total
    grants ──────── what they paid of usage, less what refunds gave back to them ─────────────────────┤
    rounding ────── the total in the currency's minor unit, less the lines in the same ───────────────┘
    opening balance + credits − exact total = closing balance      (of a prepaid account)
    of all grants: opening + given − used − lapsed − revoked = closing

A preview and what is issued are folded here alike; only the end differs, and a closed period's end is fixed. Amounts
are micro-units. A total is rounded once, half-even; lines are rounded by themselves to be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from functools import lru_cache

from domain.booking import GoodwillGiven, UsageBooked
from domain.charging import CostSource
from domain.ledger import CreditAdded, Fact, PeriodOpened, PeriodResumed
from domain.money import DECIMALS, MICROS
from domain.operation import Adjusted, Charged, Operation, Released, Rerouted, Validated
from domain.periods import Period
from domain.plans import MEASURES, SPEND, Limits
from domain.statementlines import (
    AdjustmentLine,
    AllowanceLine,
    CostShare,
    CreditLine,
    GrantLine,
    SubscriptionLine,
    UsageLine,
)
from domain.value import value
from domain.wallet import (
    EXPIRED,
    LAPSED,
    REVOKED,
    TO_BALANCE,
    Back,
    Backs,
    ChargedBack,
    Draw,
    GrantEnded,
    GrantGiven,
    GrantRevoked,
    GrantsCarried,
    Source,
    SubscriptionCharged,
    owed_of,
)

FORM = 1
"""The newest form: which sums a statement has, and how its content is written. Issued ones keep theirs for ever."""

UNKNOWN_COST = CostSource.UNKNOWN


@value
class Statement:
    """An account's bill for one period, as its stream says up to `version`, whose hash is `head`.

    `corrected` is the change of our costs by corrections, `open` the operations that are billed later and `held` what
    they hold. `opening` is a prepaid account's balance with what is held of it, None of others. Costs are in
    `cost_currency`, empty if that is the statement's.
    """

    account: str
    plan: str
    currency: str
    zone: str
    period: Period
    version: int
    head: str
    opening: int | None
    usage: tuple[UsageLine, ...]
    adjustments: tuple[AdjustmentLine, ...]
    credits: tuple[CreditLine, ...]
    allowances: tuple[AllowanceLine, ...]
    costs: tuple[CostShare, ...]
    corrected: int
    open: int
    held: int
    cost_currency: str = ""
    subscription: tuple[SubscriptionLine, ...] = ()
    grants: tuple[GrantLine, ...] = ()
    granted: int = 0
    """The rest of all grants before the period, held or not."""

    @property
    def total(self) -> int:
        """The exact sum of all lines: what there is to pay of the account's own money."""
        return sum(one.amount for lines in self.lines for one in lines) - self.covered

    @property
    def lines(self) -> tuple[Sequence[SubscriptionLine | UsageLine | AdjustmentLine], ...]:
        """All lines that bill something."""
        return self.subscription, self.usage, self.adjustments

    @property
    def covered(self) -> int:
        """The part of it that grants paid."""
        return sum(one.used for one in self.grants)

    @property
    def left_of_grants(self) -> int:
        """The rest of all grants after the period."""
        return self.granted + sum(one.given - one.used - one.lapsed - one.revoked for one in self.grants)

    @property
    def rounded_total(self) -> int:
        """The total in whole minor units."""
        return rounded(self.total, self.currency)

    @property
    def rounding(self) -> int:
        """The line by which the rounded lines come to the rounded total."""
        billed = [one.amount for lines in self.lines for one in lines]
        paid = sum(rounded(one.used, self.currency) for one in self.grants)
        return self.rounded_total - sum(rounded(amount, self.currency) for amount in billed) + paid

    @property
    def paid_in(self) -> int:
        return sum(one.amount for one in self.credits)

    @property
    def closing(self) -> int | None:
        """The balance that is left, with what is held of it."""
        return None if self.opening is None else self.opening + self.paid_in - self.total

    @property
    def is_partial(self) -> bool:
        """Whether the cost of some operation is not known."""
        return any(one.source == UNKNOWN_COST for one in self.costs)


def rounded(micros: int, currency: str) -> int:
    """An amount in whole minor units of its currency, half-even, as micro-units."""
    minor = int(MICROS // 10 ** DECIMALS[currency])
    whole, rest = divmod(micros, minor)
    return (whole + (2 * rest > minor or (2 * rest == minor and whole % 2 == 1))) * minor


LineKey = tuple[str, str, str, str, str, str, int, int]
Sums = list[int]


@dataclass(slots=True)
class StatementFold:
    """Adds one fact after another of the stream of a period; any other fact changes nothing."""

    period: Period
    plan: str = ""
    currency: str = ""
    limits: Limits = field(default_factory=Limits)
    lines: dict[LineKey, Sums] = field(default_factory=dict)
    adjustments: list[AdjustmentLine] = field(default_factory=list)
    credits: list[CreditLine] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)
    costs: dict[str, Sums] = field(default_factory=dict)
    corrected: int = 0
    subscription: list[SubscriptionLine] = field(default_factory=list)
    grants: dict[str, GrantLine] = field(default_factory=dict)
    holds: dict[str, int] = field(default_factory=dict)
    cost_currency: str = ""
    ends: dict[str, int | None] = field(default_factory=dict)
    """When the grants end that were carried into the period."""
    unknown: dict[str, int] = field(default_factory=dict)
    """The operations whose cost is not known, and what they were charged."""

    def copy(self) -> StatementFold:
        """Another one, that goes on by itself."""
        own = {one.name: copy(getattr(self, one.name)) for one in fields(self)}
        sums = ({key: [*each] for key, each in some.items()} for some in (self.lines, self.costs))
        return StatementFold(**{**own, **dict(zip(("lines", "costs"), sums, strict=True))})

    def add(self, fact: Fact) -> None:
        match fact:
            case Validated() | Rerouted():
                self.holds[fact.operation.id] = fact.quote.price
            case Charged():
                self._settle(fact.operation, fact)
                family = fact.operation.family
                self.used[family] = self.used.get(family, 0) + fact.outputs
                self.used[SPEND] = self.used.get(SPEND, 0) + fact.price
            case Released():
                self.holds.pop(fact.operation.id, None)
                self.cost_currency = fact.cost_currency or self.cost_currency
                self._cost(fact.operation, fact.cost_source, fact.cost, 0)
            case UsageBooked():
                self._settle(fact.operation, fact)
            case Adjusted():
                self._adjust(fact)
            case GoodwillGiven():
                told = (fact.reference, fact.reason, -fact.amount)
                self.adjustments.append(AdjustmentLine("goodwill", fact.at, "", fact.corrects, *told))
            case CreditAdded():
                self.credits.append(CreditLine(fact.at, fact.key, fact.reason, fact.amount))
            case PeriodOpened():
                self.plan, self.currency, self.limits = fact.plan, fact.currency, fact.limits
            case PeriodResumed():
                self.plan, self.currency = fact.plan, fact.currency
            case _:
                self._add_of_wallet(fact)

    def _add_of_wallet(self, fact: Fact) -> None:
        match fact:
            case SubscriptionCharged():
                self.subscription.append(SubscriptionLine(fact.plan, fact.covers, fact.price))
            case GrantGiven() | GrantEnded() | GrantRevoked():
                self._grant(fact)
            case GrantsCarried(grants=grants):
                self.ends |= {one.id: one.expires for one in grants}
            case ChargedBack():
                self._take_back(fact)

    def _take_back(self, fact: ChargedBack) -> None:
        """The rest of a grant lapses with its payment; the part that was spent is owed."""
        if fact.grant is not None and fact.taken:
            line = self._line_of(fact.grant, Source.PAID)
            lapsed, charged_back = line.lapsed + fact.taken, line.charged_back + fact.taken
            self.grants[fact.grant] = replace(line, lapsed=lapsed, charged_back=charged_back)
        if owed := owed_of(fact):
            self.credits.append(CreditLine(fact.at, fact.key, fact.reason, -owed))

    def _settle(self, operation: Operation, fact: Charged | UsageBooked) -> None:
        """A charge of this period's, or one that is booked in it; what was released without a charge is no line."""
        self.holds.pop(operation.id, None)
        self.cost_currency = fact.cost_currency or self.cost_currency
        self._cost(operation, fact.cost_source, fact.cost, fact.price)
        if fact.drawn:
            self._use(fact.drawn, 1)
        if not fact.outputs and not fact.price:
            return
        who = (operation.provider, operation.model, operation.kind, operation.user, operation.project or "")
        key = (*who, fact.unit, operation.period.start, operation.period.end)
        sums = self.lines.get(key)
        if sums is None:
            sums = self.lines[key] = [0, 0, 0, 0]
        sums[0] += 1
        sums[1] += fact.outputs
        sums[2] += _millionths(fact.units)
        sums[3] += fact.price

    def _grant(self, fact: GrantGiven | GrantEnded | GrantRevoked) -> None:
        line = self._line_of(fact.grant, fact.source)
        match fact:
            case GrantGiven():
                line = replace(line, given=line.given + fact.amount, expires=fact.expires)
            case GrantRevoked():
                line = replace(line, revoked_at=fact.at, reason=fact.reason)
                line = replace(line, revoked=line.revoked + fact.amount, ended=REVOKED)
            case GrantEnded(reason=why) if why == REVOKED:
                line = replace(line, revoked=line.revoked + fact.amount, ended=REVOKED)
            case _:
                ended = EXPIRED if fact.reason == EXPIRED else line.ended
                line = replace(line, lapsed=line.lapsed + fact.amount, ended=ended)
        self.grants[fact.grant] = line

    def _use(self, draws: Iterable[Draw | Back] | None, sign: int) -> None:
        for one in draws or ():
            line = self._line_of(one.grant, one.source)
            self.grants[one.grant] = replace(line, used=line.used + sign * one.amount)

    def _line_of(self, grant: str, source: str) -> GrantLine:
        return self.grants.get(grant) or GrantLine(grant, source, self.ends.get(grant), 0, 0, 0)

    def _give_back(self, back: Backs | None) -> None:
        """Refunds of what grants paid; what they get back that are over lapses."""
        self._use([one for one in back or () if one.to != TO_BALANCE], -1)
        for one in back or ():
            if one.to == LAPSED:
                line = self.grants[one.grant]
                self.grants[one.grant] = replace(line, lapsed=line.lapsed + one.amount)

    def _cost(self, operation: Operation, source: CostSource | None, cost: int | None, price: int) -> None:
        if cost is None:
            self.unknown[operation.id] = price
        self._share(UNKNOWN_COST if cost is None else source, 1, price, cost or 0)

    def _share(self, source: CostSource | None, operations: int, price: int, cost: int) -> None:
        name = "" if source is None else source.value
        sums = self.costs.get(name)
        if sums is None:
            sums = self.costs[name] = [0, 0, 0]
        sums[0] += operations
        sums[1] += price
        sums[2] += cost

    def _adjust(self, fact: Adjusted) -> None:
        self.corrected, self.cost_currency = self.corrected + fact.cost, fact.cost_currency or self.cost_currency
        self._give_back(fact.back)
        if fact.operation.period == self.period:
            self.used[SPEND] = self.used.get(SPEND, 0) + fact.price
        if fact.revealed and fact.operation.id in self.unknown:
            price = self.unknown.pop(fact.operation.id)
            self._share(UNKNOWN_COST, -1, -price, 0)
            self._share(fact.cost_source, 1, price, 0)
        if fact.price:
            told = (fact.operation.period, fact.reference, fact.reason, fact.price)
            self.adjustments.append(
                AdjustmentLine("refund" if fact.price < 0 else "raise", fact.at, fact.operation.id, *told)
            )

    def finish(
        self, account: str, zone: str, version: int, head: str, opening: int | None, granted: int = 0
    ) -> Statement:
        """The statement up to the fact that was added last; `granted` is left of grants by the periods before."""
        return Statement(
            account=account,
            plan=self.plan,
            currency=self.currency,
            zone=zone,
            period=self.period,
            version=version,
            head=head,
            opening=opening,
            usage=tuple(_line(key, sums, self.period) for key, sums in sorted(self.lines.items())),
            adjustments=tuple(self.adjustments if opening is not None else self._with_debts()),
            credits=tuple(self.credits) if opening is not None else (),
            allowances=tuple(_allowances(self.limits, self.used)),
            costs=tuple(CostShare(source, *sums) for source, sums in sorted(self.costs.items()) if sums[0]),
            corrected=self.corrected,
            open=len(self.holds),
            held=sum(self.holds.values()),
            cost_currency=self.cost_currency,
            subscription=tuple(self.subscription),
            grants=tuple(one for _, one in sorted(self.grants.items())),
            granted=granted,
        )

    def _with_debts(self) -> list[AdjustmentLine]:
        """Of an account without a balance, what is owed of payments that were taken back is billed."""
        owed = [
            AdjustmentLine("chargeback", one.at, "", self.period, one.key, one.reason, -one.amount)
            for one in self.credits
        ]
        return sorted([*self.adjustments, *owed], key=lambda one: one.at)


@lru_cache(maxsize=1024)
def _millionths(units: Decimal) -> int:
    """Units are whole millionths already; the ratio is exact in any decimal context."""
    top, bottom = units.as_integer_ratio()
    return int(top * MICROS // bottom)


def _line(key: LineKey, sums: Sums, period: Period) -> UsageLine:
    *words, unit, start, end = key
    provider, model, kind, user, project = (str(word) for word in words)
    charged = None if start == period.start else Period(start, end)
    return UsageLine(provider, model, kind, user, project or None, unit, charged, *sums)


def _allowances(limits: Limits, used: Mapping[str, int]) -> list[AllowanceLine]:
    known = [(measure, limits.of(measure)) for measure in MEASURES]
    return [AllowanceLine(measure, limit, used.get(measure, 0)) for measure, limit in known if limit is not None]
