"""Facts by which a period bills more than its own operations: late usage of closed periods, and goodwill.

    Charged | Released (the operation's own period, closed) ─ UsageBooked (the open period), in the same append
    GoodwillGiven (the open period), for the charges of any period

So a statement needs one stream alone. A late operation keeps the period in which it was asked for, and is billed in the
open one, as FOCUS has it: its class is `Correction`.
"""

from __future__ import annotations

from dataclasses import field
from decimal import Decimal

from domain.charging import CostSource
from domain.operation import Operation
from domain.periods import Period
from domain.value import SPARE, value
from domain.wallet import Draws

# Facts


@value
class UsageBooked:
    """An operation of a closed period came to its end, and is billed in `period`: what it was charged, once more.

    It moves no money: the hold that it had was carried, and `Charged` or `Released` posts it.
    """

    account: str
    at: int
    period: Period
    operation: Operation
    outputs: int
    unit: str
    units: Decimal
    price: int
    cost: int | None
    currency: str
    cost_source: CostSource | None = None
    cost_currency: str = ""
    listed: int | None = None
    drawn: Draws | None = field(default=None, metadata=SPARE)


@value
class GoodwillGiven:
    """An amount given back that corrects no single charge; `corrects` is the period whose charges it is for.

    A prepaid account may spend it; limits are as used as they were. `reference` makes a repeat harmless.
    """

    account: str
    at: int
    period: Period
    corrects: Period
    amount: int
    currency: str
    reason: str
    reference: str


BookingFact = UsageBooked | GoodwillGiven
