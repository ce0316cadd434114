"""An account at two moments: which of its terms and figures are others, and what each model brought in between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from application.keeping.accountviews import AccountView
from application.keeping.history import TermChange
from application.ledger.moments import Moment
from domain.money import Money
from domain.plans import IN_MONEY


@dataclass(frozen=True, slots=True)
class ModelChange:
    """One model's work for the account between two moments: operations, outputs, and micro-units.

    Of `cost_unknown` operations the cost is not among `cost`; each may be negative, as corrections are.
    """

    model: str
    provider: str
    currency: str
    charged: int
    released: int
    outputs: int
    price: int
    adjusted: int
    cost: int
    cost_unknown: int


COUNTS = ("charged", "released", "outputs", "price", "adjusted", "cost", "cost_unknown")


@dataclass(frozen=True, slots=True)
class AccountDifference:
    """All that is another at `until` than at `since`: terms, figures of the current period, and work by model."""

    account: str
    since: Moment
    until: Moment
    terms: tuple[TermChange, ...]
    figures: tuple[TermChange, ...]
    models: tuple[ModelChange, ...]


def account_figures(view: AccountView) -> dict[str, str]:
    """An account's figures as its ledger stands, in words."""
    told = {"open operations": f"{view.open:,}"}
    if view.balance is not None:
        told["balance"] = str(Money(view.balance, view.currency))
    for name, amounts in (("used", view.used), ("held", view.held), ("left", view.left)):
        for measure, amount in amounts.items():
            told[f"{name}: {measure}"] = _amount(measure, amount, view.currency)
    return told


def _amount(measure: str, amount: int | None, currency: str) -> str:
    if amount is None:
        return "unlimited"
    return str(Money(amount, currency)) if measure in (*IN_MONEY, "balance") else f"{amount:,}"


def models_between(before: Iterable[ModelChange], after: Iterable[ModelChange]) -> tuple[ModelChange, ...]:
    """The difference of what models had brought in at two moments, by model; those without one are left out."""
    sums: dict[tuple[str, str, str], dict[str, int]] = {}
    for sign, rows in ((-1, before), (1, after)):
        for row in rows:
            found = sums.setdefault((row.model, row.provider, row.currency), dict.fromkeys(COUNTS, 0))
            for name in COUNTS:
                found[name] += sign * getattr(row, name)
    return tuple(ModelChange(*key, *counts.values()) for key, counts in sorted(sums.items()) if any(counts.values()))
