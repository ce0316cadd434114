"""A provider's month: what was invoiced, what we computed, model by model, and the alerts that were raised of it."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from domain.invoices import CostDrifted, Invoice
from domain.periods import Period
from domain.value import value

HUNDREDTH: Final = Decimal("0.01")


@value
class ModelCost:
    """One model's operations of a month: those that cost something or may, the `unknown` of which nobody knows what.

    `estimated` of the known ones are the most that it can be; `open` ones have not ended. `cost` is in micro-units.
    """

    model: str
    operations: int
    unknown: int
    estimated: int
    open: int
    cost: int


@value
class ModelDifference:
    """A model's month: `invoiced` is None if an invoice does not say, `computed` None if nothing was recorded.

    `name` is that of the invoice's line if it is of no model that we know.
    """

    model: str
    name: str
    invoiced: int | None
    computed: int | None
    operations: int
    unknown: int
    quantity: Decimal | None = None

    @property
    def difference(self) -> int | None:
        """The invoiced amount less our cost; None if either is not known."""
        if self.invoiced is None or self.unknown:
            return None
        return self.invoiced - (self.computed or 0)

    @property
    def differs(self) -> bool:
        return bool(self.difference) or bool(self.unknown)


@value
class MonthComparison:
    """A provider's month: its invoices beside our costs. Amounts in micro-units; `invoiced` is None without one.

    `booked` is what was taken as difference, `left` what is invoiced beyond our costs and that.
    """

    provider: str
    month: str
    period: Period
    zone: str
    currency: str
    invoices: tuple[Invoice, ...]
    invoiced: int | None
    computed: int
    operations: int
    unknown: int
    estimated: int
    open: int
    models: tuple[ModelDifference, ...]
    booked: int
    left: int | None
    drifted: bool

    @property
    def delta(self) -> int | None:
        """The invoiced amount less our known costs."""
        return None if self.invoiced is None else self.invoiced - self.computed

    @property
    def delta_percent(self) -> Decimal | None:
        """The same in percent of what is invoiced."""
        return None if self.delta is None else percent(self.delta, self.invoiced)

    @property
    def known_percent(self) -> Decimal | None:
        """How many of the operations have a cost that is known."""
        return percent(self.operations - self.unknown, self.operations)

    @property
    def covered_percent(self) -> Decimal | None:
        """How much of the invoiced money our recorded costs explain: model by model if the invoice has lines."""
        if self.invoiced is None:
            return None
        by_model = [one for one in self.models if one.invoiced is not None]
        pairs = [(one.invoiced or 0, one.computed or 0) for one in by_model] or [(self.invoiced, self.computed)]
        return percent(sum(max(min(pair), 0) for pair in pairs), self.invoiced)


@value
class RecordedInvoice:
    """An invoice as it stands, whether it was new, and its month; an alert was raised if that `drifted`."""

    invoice: Invoice
    new: bool
    comparison: MonthComparison


@value
class DriftAlert:
    """An alert that was raised, and its month as it is now."""

    raised: CostDrifted
    month: MonthComparison


def percent(part: int, whole: int | None) -> Decimal | None:
    """A share in percent, with two decimals; None of nothing."""
    return None if not whole else (Decimal(100 * part) / whole).quantize(HUNDREDTH, ROUND_HALF_EVEN)
