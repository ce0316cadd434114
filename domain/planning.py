"""Which plan an account is on, and what of its price is paid when that changes: now, or at the period's end.

    begin_account ─ AccountOpened ─ (PeriodOpened ─ SubscriptionCharged ─ GrantGiven)     a plan with a price or a trial
    move_to_plan ── PlanChanged ─ (the rest of the old price back ─ the new one's for the rest)
    schedule_plan ─ PlanScheduled ─ … ─ PlanChanged when the period ends, or the trial (see `entering`)

A plan that costs nothing, after one that costs nothing, changes limits alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from domain.account import Account, AccountFact, PlanScheduled, check_not_closed
from domain.account import evolve as evolve_account
from domain.beginning import change_limits
from domain.entering import Doorway, enter, is_paid_for
from domain.errors import InvalidInput
from domain.ids import check_reason
from domain.ledger import Fact, Ledger, known_account
from domain.openings import Terms
from domain.plans import AT_ONE, FREE, Later, Paying, Plan, PlanTerms
from domain.terms import change_plan
from domain.value import value
from domain.wallet import GrantGiven, Source

_DAY: Final = 24 * 60 * 60 * 1_000_000
TRIAL: Final = "trial"
"""The id of the grant that a trial begins with."""


@value
class Beginning:
    """The terms that a plan begins with: those of its trial, if it has one, and then what follows."""

    terms: PlanTerms
    then: Later | None = None
    given: int = 0

    def agreed(self, terms: Terms) -> Terms:
        """The terms of an opening, on this plan."""
        paying = None if self.terms.paying == FREE else self.terms.paying
        return replace(terms, windows=self.terms.windows, paying=paying, then=self.then)


def beginning_of(plan: Plan, follows: Plan, now: int) -> Beginning:
    """The terms of an account that is opened on a plan now; `follows` is the plan after its trial.

    A trial with an allowance refuses whatever that does not cover.
    """
    trial = plan.trial
    if trial is None:
        return Beginning(plan.terms)
    paying = Paying(0, 0, None if trial.allowance else AT_ONE)
    terms = PlanTerms(plan.id, trial.limits, trial.windows, paying)
    return Beginning(terms, Later(follows.terms, now + trial.days * _DAY), trial.allowance)


def begin_account(opened: Sequence[AccountFact], given: int, now: int) -> list[Fact]:
    """A new account, and its first period if its plan costs something or is tried: that is paid for from now on."""
    account: Account | None = None
    for fact in opened:
        account = evolve_account(account, fact)
    if account is None or (account.next is None and not is_paid_for(account.paying)):
        return [*opened]
    passage = Doorway(Ledger(account), now, [*opened])
    passage.begin()
    if given and account.next is not None:
        whose = (account.id, now, passage.current.period)
        trial = (TRIAL, str(Source.PROMOTIONAL), given)
        passage.add(GrantGiven(*whose, *trial, account.currency, expires=account.next.at))
    return passage.facts


def move_to_plan(ledger: Ledger, account: str, plan: Plan, now: int, reason: str = "") -> list[Fact]:
    """Move to a plan now; whatever was agreed for later is undone. Empty if it is on it as the plan is today.

    Its limits hold at once, also for what was used in this period. Raises InvalidInput for a plan of another currency.
    """
    known = known_account(ledger, account)
    check_plan_of(known.currency, plan)
    paying = None if plan.paying == FREE else plan.paying
    if known.next is None and not is_paid_for(known.paying) and paying is None:
        return change_limits(ledger, change_plan(known, plan.id, plan.limits, now, reason, plan.windows), now)
    passage = enter(ledger, known, now)
    changes = change_plan(passage.account, plan.id, plan.limits, now, reason, plan.windows, paying)
    if not changes:
        return [] if passage.account.next is None else [*passage.facts, PlanScheduled(account, now, None, reason)]
    change, *windows = change_limits(passage.ledger, changes, now)
    assert change is changes[0], "the change comes first"
    passage.change_plan(changes[0], now)
    passage.add(*windows)
    return passage.facts


def schedule_plan(ledger: Ledger, account: str, plan: Plan, now: int, reason: str = "") -> list[Fact]:
    """Move to a plan at the period's end, or when the trial is over; the plan it is on undoes an earlier one."""
    known = check_not_closed(known_account(ledger, account))
    check_reason(reason)
    check_plan_of(known.currency, plan)
    passage = enter(ledger, known, now)
    agreed, terms, on = passage.account.next, plan.terms, passage.account
    stays = PlanTerms(on.plan, on.limits, on.windows, on.paying) == terms
    later = None if stays else Later(terms, None if agreed is None else agreed.at)
    if later == agreed:
        return []
    return [*passage.facts, PlanScheduled(account, now, later, reason)]


def check_plan_of(currency: str, plan: Plan) -> None:
    """Raise InvalidInput if the plan costs an amount of another currency: nothing is ever converted."""
    if plan.currency != currency and (plan.price or plan.allowance):
        told = f"plan {plan.id!r} is paid in {plan.currency}, and the account in {currency}"
        raise InvalidInput("plan", told, hint=f"choose a plan in {currency}")
