"""The chart of accounts: the lines of the books, among which postings move money.

assets        payments, receivable
liabilities   wallet:available, wallet:held, allowance, credits:promotional, credits:paid, payable:PROVIDER,
              invoiced:PROVIDER
income        income:MODEL, adjustments:MODEL, goodwill, subscriptions, promotions, breakage
expenses      expense:PROVIDER, difference:PROVIDER
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Final

from domain.value import value
from domain.wallet import Source


class Side(StrEnum):
    """The part of the books that a ledger account stands in; the first two are carried on for ever."""

    ASSETS = "assets"
    LIABILITIES = "liabilities"
    INCOME = "income"
    EXPENSES = "expenses"


class Heading(StrEnum):
    """The ledger accounts that there are; some have one for each model, or for each provider."""

    PAYMENTS = "payments"
    """Money that was paid in."""
    AVAILABLE = "wallet:available"
    """The rest of what an account paid beforehand, spendable."""
    HELD = "wallet:held"
    """The part of it that is reserved for open operations."""
    ALLOWANCE = "allowance"
    """The rest of what is included in the price of plans, held or not."""
    PROMOTIONAL = "credits:promotional"
    """The rest of what was given for nothing, held or not."""
    PAID = "credits:paid"
    """The rest of credits that were paid for, held or not."""
    RECEIVABLE = "receivable"
    """Charges that an account has yet to pay."""
    INCOME = "income"
    """Charges for a model's work, before any correction."""
    ADJUSTMENTS = "adjustments"
    """Later corrections of these charges."""
    GOODWILL = "goodwill"
    """Given back for no single charge."""
    SUBSCRIPTIONS = "subscriptions"
    """The price of plans, without the allowance in it."""
    PROMOTIONS = "promotions"
    """Given for nothing, and not lapsed."""
    BREAKAGE = "breakage"
    """Paid for, and lapsed."""
    EXPENSE = "expense"
    """Our cost of a provider's work, as far as it is known."""
    PAYABLE = "payable"
    """The same, as what we owe the provider and it has not invoiced."""
    INVOICED = "invoiced"
    """The same, once the provider has invoiced it."""
    DIFFERENCE = "difference"
    """The part of its invoices beyond our recorded costs, taken as it is."""


SIDES: Final[Mapping[Heading, Side]] = {
    Heading.PAYMENTS: Side.ASSETS,
    Heading.RECEIVABLE: Side.ASSETS,
    Heading.AVAILABLE: Side.LIABILITIES,
    Heading.HELD: Side.LIABILITIES,
    Heading.ALLOWANCE: Side.LIABILITIES,
    Heading.PROMOTIONAL: Side.LIABILITIES,
    Heading.PAID: Side.LIABILITIES,
    Heading.PAYABLE: Side.LIABILITIES,
    Heading.INVOICED: Side.LIABILITIES,
    Heading.INCOME: Side.INCOME,
    Heading.ADJUSTMENTS: Side.INCOME,
    Heading.GOODWILL: Side.INCOME,
    Heading.SUBSCRIPTIONS: Side.INCOME,
    Heading.PROMOTIONS: Side.INCOME,
    Heading.BREAKAGE: Side.INCOME,
    Heading.EXPENSE: Side.EXPENSES,
    Heading.DIFFERENCE: Side.EXPENSES,
}
BY_MODEL: Final = frozenset({Heading.INCOME, Heading.ADJUSTMENTS})
BY_PROVIDER: Final = frozenset({Heading.EXPENSE, Heading.PAYABLE, Heading.INVOICED, Heading.DIFFERENCE})


@value
class LedgerAccount:
    """One line of the books, by a name such as "income:painter": its heading, and of which model or provider it is."""

    name: str
    heading: Heading
    of: str = ""

    @property
    def side(self) -> Side:
        """The part of the books that it stands in."""
        return SIDES[self.heading]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def parse(cls, name: str) -> LedgerAccount | None:
        """The ledger account of a name, None if there can be none of it."""
        for heading in Heading:
            if heading not in BY_MODEL | BY_PROVIDER:
                if name == heading:
                    return cls(name, heading)
            elif name.startswith(f"{heading}:") and name != f"{heading}:":
                return cls(name, heading, name.removeprefix(f"{heading}:"))
        return None


PAYMENTS: Final = LedgerAccount("payments", Heading.PAYMENTS)
AVAILABLE: Final = LedgerAccount("wallet:available", Heading.AVAILABLE)
HELD: Final = LedgerAccount("wallet:held", Heading.HELD)
RECEIVABLE: Final = LedgerAccount("receivable", Heading.RECEIVABLE)
GOODWILL: Final = LedgerAccount("goodwill", Heading.GOODWILL)
SUBSCRIPTIONS: Final = LedgerAccount("subscriptions", Heading.SUBSCRIPTIONS)
PROMOTIONS: Final = LedgerAccount("promotions", Heading.PROMOTIONS)
BREAKAGE: Final = LedgerAccount("breakage", Heading.BREAKAGE)
ALLOWANCE: Final = LedgerAccount("allowance", Heading.ALLOWANCE)
GRANTED: Final[Mapping[str, LedgerAccount]] = {
    Source.ALLOWANCE: ALLOWANCE,
    Source.PROMOTIONAL: LedgerAccount("credits:promotional", Heading.PROMOTIONAL),
    Source.PAID: LedgerAccount("credits:paid", Heading.PAID),
}
"""By the source of grants, what is left of them."""


def _each(heading: Heading) -> Callable[[str], LedgerAccount]:
    """A heading's ledger accounts, made once: every charge asks for three."""

    @lru_cache(maxsize=1024)
    def of(id: str) -> LedgerAccount:
        return LedgerAccount(f"{heading}:{id}", heading, id)

    return of


income_of, adjustments_of, expense_of, payable_of = map(
    _each, (Heading.INCOME, Heading.ADJUSTMENTS, Heading.EXPENSE, Heading.PAYABLE)
)
invoiced_of, difference_of = map(_each, (Heading.INVOICED, Heading.DIFFERENCE))
"""The ledger account of a model or of a provider, by its id."""
