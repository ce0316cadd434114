"""Plans that are paid for and grants of credit: facts in words, and pots as documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from domain.account import PlanScheduled
from domain.counts import counted
from domain.inputs import plain
from domain.money import Money
from domain.wallet import (
    EXPIRED,
    LAPSED,
    PLAN_CHANGED,
    REVOKED,
    TO_BALANCE,
    TO_GRANT,
    USED_UP,
    Backs,
    ChargedBack,
    Draws,
    DrawsSettled,
    GrantEnded,
    GrantGiven,
    GrantRevoked,
    GrantsCarried,
    Source,
    SubscriptionCharged,
    WalletFact,
    sum_of,
)
from infrastructure.showing.formats import iso, money, span, units_of

ENDED: Final[Mapping[str, str]] = {
    EXPIRED: "expired",
    REVOKED: "revoked, after it was free again",
    USED_UP: "ended, used up",
    PLAN_CHANGED: "ended, as the plan changed",
}

if TYPE_CHECKING:
    from application.keeping.accountviews import WalletView


def wallet_in_words(fact: WalletFact) -> tuple[Money | None, str]:
    """The money that the fact is about, if any, and the rest in words."""
    match fact:
        case SubscriptionCharged():
            when = span(fact.covers.start, fact.covers.end)
            what = f"plan {fact.plan}" if fact.price >= 0 else f"back, for the rest of plan {fact.plan}"
            return Money(fact.price, fact.currency), f"{what}, {when}"
        case GrantGiven():
            until = "" if fact.expires is None else f", until {iso(fact.expires)}"
            kinds = f", for {' and '.join(fact.kinds)}" if fact.kinds else ""
            named = (
                "included in the plan's price" if fact.source == Source.ALLOWANCE else f"{fact.source}: {fact.grant}"
            )
            return Money(fact.amount, fact.currency), f"{named}{kinds}{until}{_because(fact.reason)}"
        case GrantEnded():
            return Money(fact.amount, fact.currency), f"of {fact.grant} {end_in_words(fact)}"
        case GrantRevoked():
            return Money(fact.amount, fact.currency), f"of {fact.grant} {end_in_words(fact)}"
        case GrantsCarried():
            return None, f"{counted(len(fact.grants), 'grant')} {'goes' if len(fact.grants) == 1 else 'go'} on"
        case DrawsSettled():
            spent, held = units_of(sum_of(fact.spent)), units_of(sum_of(fact.held))
            return None, f"operation {fact.operation_id} spent {spent} of the {held} that it held of grants"
        case ChargedBack():
            of = f"payment {fact.key}" if fact.grant is None else f"the payment for grant {fact.grant}"
            left = f", {units_of(fact.taken)} of it unspent" if fact.taken else ""
            return Money(-fact.amount, fact.currency), f"of {of} taken back{left}{_because(fact.reason)}"


def end_in_words(fact: GrantEnded | GrantRevoked) -> str:
    """The end of a grant, and why: revoked by somebody, or over by its terms."""
    if isinstance(fact, GrantRevoked):
        return f"revoked{_because(fact.reason)}"
    return ENDED.get(fact.reason, f"can be spent no more{_because(fact.reason)}")


def ended_in_words(line: Mapping[str, Any]) -> str:
    """How the grant of a statement's line ended, by its content: nothing as long as it goes on."""
    when = f" {line['revoked_at'][:10]}" if line["revoked_at"] else ""
    why = f": {line['reason']}" if line["reason"] else ""
    return f"{line['ended'] or ''}{when}{why}"


def wallet_document(view: WalletView) -> dict[str, object]:
    """An account's money to spend: its balance, and every grant in the order in which it is spent."""
    grants = [
        {
            "grant": one.id,
            "source": str(one.source),
            "priority": one.priority,
            "until": None if one.expires is None else iso(one.expires),
            "revoked": one.revoked,
            "kinds": list(one.kinds),
            **{name: money(getattr(one, name), view.currency) for name in ("amount", "left", "held")},
        }
        for one in view.grants
    ]
    follows = {"plan": view.next_plan, "at": None if view.next_at is None else iso(view.next_at)}
    return {
        "account": view.account,
        "currency": view.currency,
        "plan": view.plan,
        "price": money(view.price, view.currency),
        "allowance": money(view.allowance, view.currency),
        "overage": "refused" if view.overage is None else plain(view.overage),
        "then": follows if view.next_plan else None,
        "balance": None if view.balance is None else money(view.balance, view.currency),
        "grants": grants,
    }


def planned_in_words(fact: PlanScheduled) -> str:
    """Which plan follows, and when."""
    if fact.then is None:
        return "no other plan follows"
    when = "at the period's end" if fact.then.at is None else f"from {iso(fact.then.at)}"
    return f"{fact.then.terms.plan} {when}"


def by_grants(drawn: Draws | None, currency: str) -> str:
    """The part of a hold or a charge that grants pay, and which; nothing if none does."""
    if not drawn:
        return ""
    return f", of which {Money(sum_of(drawn), currency)} by {' and '.join(one.grant for one in drawn)}"


def back_in_words(back: Backs | None, currency: str) -> str:
    """The ways of the parts of a refund that grants had paid."""
    where = {TO_GRANT: "back to", LAPSED: "lapses with", TO_BALANCE: "to the balance, after"}
    told = [f"{Money(one.amount, currency)} {where[one.to]} {one.grant}" for one in back or ()]
    return f"; {' and '.join(told)}" if told else ""


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
