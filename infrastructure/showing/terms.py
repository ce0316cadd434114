"""Changes of an account's terms in words."""

from __future__ import annotations

from application.asking.refusals import OVER
from domain.account import (
    AccountOpened,
    ConsentChanged,
    LimitChanged,
    OnLimitChanged,
    PlanChanged,
    PlanScheduled,
    TermsFact,
    TimeZoneChanged,
)
from domain.plans import IN_MONEY
from domain.windows import Window
from infrastructure.showing.formats import limit_of, units_of
from infrastructure.showing.wallets import planned_in_words


def terms_in_words(fact: AccountOpened | TermsFact) -> str:
    """A change without its reason."""
    match fact:
        case AccountOpened():
            prepaid = ", prepaid" if fact.prepaid else ""
            return f"on plan {fact.plan}, in {fact.currency} and {fact.zone}{prepaid}"
        case PlanChanged():
            return f"to {fact.plan}"
        case PlanScheduled():
            return planned_in_words(fact)
        case LimitChanged(inherited=True):
            return f"{fact.measure} of the {fact.scope}{_over(fact)}: as the plan says"
        case LimitChanged():
            amount = "unlimited" if fact.limit is None else _bare(fact.measure, fact.limit)
            return f"{fact.measure} of {fact.scope}{_over(fact)}: {amount}"
        case TimeZoneChanged():
            return f"to {fact.zone}"
        case OnLimitChanged(model=model):
            does = f"{model} does it if it fits" if model else "refused"
            return f"what would pass a limit of money: {does}"
        case ConsentChanged():
            verb = "may" if fact.given else "may not"
            return f"{fact.model_class} models {verb} be chosen without being named"


def _over(fact: LimitChanged) -> str:
    """Over which window a limit counts, unless that is the period."""
    return "" if fact.window == Window.PERIOD else f" {OVER[fact.window]}"


def _bare(measure: str, limit: int) -> str:
    """A limit without its currency, which such a fact does not know."""
    return units_of(limit) if measure in IN_MONEY else limit_of(measure, limit, "")
