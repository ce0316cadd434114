"""An account's history: who changed what of it, from what to what, when and why.

the account's own stream ── fold ──> its terms before and after each fact ── what differs
its periods' streams ── payments, corrections, goodwill, erasures ──────────── the amount
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from application.ledger.log import Codec, Positioned
from application.ledger.moments import PastReader
from domain import account as accounts
from domain.account import UNPRICED, Account, AccountFact, InForce
from domain.booking import GoodwillGiven
from domain.errors import UnknownAccount
from domain.keys import ApiKey
from domain.ledger import ContentErased, CreditAdded, Fact, PeriodEnded, PeriodResumed, TagsChanged, account_stream
from domain.money import Money
from domain.operation import Adjusted
from domain.plans import IN_MONEY
from domain.wallet import REVOKED, ChargedBack, GrantEnded, GrantGiven, GrantRevoked, SubscriptionCharged
from domain.windows import Window

OF_WALLETS = (GrantGiven, GrantEnded, GrantRevoked, ChargedBack, SubscriptionCharged)
BY_PEOPLE = (CreditAdded, GoodwillGiven, Adjusted, PeriodEnded, PeriodResumed, ContentErased, TagsChanged, *OF_WALLETS)
"""The facts of periods' streams that somebody decided on or that terms bring, and not an operation's own course."""

Terms = Mapping[str, str]
"""Whatever may be changed of an account, by name, in words."""


@dataclass(frozen=True, slots=True)
class TermChange:
    """Something that became another: None, if there was none of it, or is none any more."""

    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One fact that changed an account, who did it, and what it changed."""

    position: int
    topic: str
    actor: str
    fact: Fact
    changes: tuple[TermChange, ...]

    @property
    def reason(self) -> str:
        """The reason that was given; empty if none was."""
        return str(getattr(self.fact, "reason", ""))


def history_of(past: PastReader, codec: Codec, account: str, upto: int, *, amounts: bool = True) -> list[HistoryEntry]:
    """All that changed an account up to a position, in the order of the log; blocks. Raises UnknownAccount.

    Without `amounts` it is its terms alone, for which none of its periods is read.
    """
    ends = past.ends_at(account, upto)
    own = account_stream(account)
    if own not in ends:
        raise UnknownAccount(f"account {account!r} was not there at position {upto}")
    found = [*_of_terms(codec, past.entries(own, ends[own], ()))]
    topics = [name for one in BY_PEOPLE for name in codec.names_of(one)]
    for stream, version in ends.items() if amounts else ():
        if stream != own:
            found += (_of_period(codec, entry) for entry in past.entries(stream, version, topics))
    return sorted(found, key=lambda entry: entry.position)


def _of_terms(codec: Codec, entries: Sequence[Positioned]) -> Iterator[HistoryEntry]:
    known, before = None, dict[str, str]()
    for entry in entries:
        fact = codec.decode(entry.link.topic, entry.link.state)
        assert isinstance(fact, AccountFact), "an account's own stream has no others"
        known = accounts.evolve(known, fact)
        after = terms_of(known)
        yield _entry(entry, fact, differing(before, after))
        before = after


def _of_period(codec: Codec, entry: Positioned) -> HistoryEntry:
    fact = codec.decode(entry.link.topic, entry.link.state)
    return _entry(entry, fact, _moved(fact))


def _entry(entry: Positioned, fact: Fact, changes: Sequence[TermChange]) -> HistoryEntry:
    return HistoryEntry(entry.position, entry.link.topic, entry.link.actor, fact, tuple(changes))


def _moved(fact: Fact) -> list[TermChange]:
    """The amount that a fact brought or took."""
    match fact:
        case CreditAdded():
            return [TermChange("paid in", None, str(Money(fact.amount, fact.currency)))]
        case GoodwillGiven():
            return [TermChange("goodwill", None, str(Money(fact.amount, fact.currency)))]
        case Adjusted(operation=operation):
            told = {"price": (fact.price, fact.currency), "cost": (fact.cost, fact.cost_currency or fact.currency)}
            return [
                TermChange(f"{name} of {operation.id}", None, str(Money(*amount)))
                for name, amount in told.items()
                if amount[0]
            ]
        case GrantGiven() | GrantEnded() | GrantRevoked():
            return [TermChange(f"grant {fact.grant} {_became(fact)}", None, str(Money(fact.amount, fact.currency)))]
        case ChargedBack():
            return [TermChange("charged back", None, str(Money(fact.amount, fact.currency)))]
        case SubscriptionCharged():
            return [TermChange(f"price of plan {fact.plan}", None, str(Money(fact.price, fact.currency)))]
        case ContentErased():
            return [TermChange(f"content of {fact.operation_id}", "kept", None)]
        case TagsChanged():
            return [TermChange(f"tags of {fact.operation_id}", None, f"{fact.added} given, {fact.removed} taken away")]
    return []


def _became(fact: GrantGiven | GrantEnded | GrantRevoked) -> str:
    match fact:
        case GrantGiven():
            return "given"
        case GrantRevoked():
            return REVOKED
        case _:
            return fact.reason if fact.over else "cut"


def differing(before: Terms, after: Terms) -> list[TermChange]:
    """Everything that is another after than before, by name."""
    names = sorted(before.keys() | after.keys())
    return [TermChange(one, before.get(one), after.get(one)) for one in names if before.get(one) != after.get(one)]


def terms_of(account: Account) -> dict[str, str]:
    """All that may be changed of an account, in words; a limit that there is not is left out."""
    told = {
        "plan": account.plan,
        "currency": account.currency,
        "time zone": account.zone,
        "prepaid": "yes" if account.prepaid else "no",
        "standing": str(account.standing),
        "models allowed": ", ".join(sorted(account.allowed)),
    }
    if account.on_limit:
        told["model at a limit"] = account.on_limit
    if account.agreed.tariff:
        told["tariff"] = account.agreed.tariff
    if account.agreed.discount is not None:
        told["discount"] = f"{account.agreed.discount.percent} percent"
    if account.unpriced_cap is not None:
        told[f"limit of account: {UNPRICED}"] = str(Money(account.unpriced_cap, account.currency))
    told.update(_limits(account, account.in_force, Window.PERIOD))
    for window, limits in account.in_windows.items():
        told.update(_limits(account, limits, window))
    told.update((f"key {id}", _key(one)) for id, one in account.keys.items())
    for id, hook in account.webhooks.items():
        told[f"webhook {id}"] = ("paused, " if hook.paused else "") + (", ".join(hook.events) or "all events")
    return told


def _limits(account: Account, limits: InForce, window: str) -> Iterator[tuple[str, str]]:
    over = "" if window == Window.PERIOD else f" over {window}"
    for scope, limited in limits.items():
        for measure, limit in limited.items():
            amount = str(Money(limit, account.currency)) if measure in IN_MONEY else f"{limit:,}"
            yield f"limit of {scope}: {measure}{over}", amount


def _key(key: ApiKey) -> str:
    if key.revoked is not None:
        return "revoked"
    terms = key.terms
    told = [" and ".join(terms.scopes)]
    told += [f"{name} {one}" for name, one in (("user", terms.user), ("project", terms.project)) if one]
    told += ["forwards users"] if terms.forwards else []
    return ", ".join(told)
