"""After the hold: send once, then charge or release once, then correct by facts alone.

    Validated ─ Dispatched ─ (Submitted) ─ ProviderCompleted ─ Charged | ProviderFailed ─ Released ─ (Adjusted …)

Each verb of `lifecycle` again, for an operation of a ledger: found, decided there, and of what was held in a period
that has ended the rest returned to the balance of the current one. A closed period's operation is booked in that, too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Final

from domain import lifecycle
from domain.account import check_not_closed
from domain.advice import Advice
from domain.booking import UsageBooked
from domain.charging import NOT_METERED, NOTHING_LOST, CostSource, LostOutputs, Told, readable, reckon
from domain.entering import current_period, lapses
from domain.errors import IllegalTransition, InvalidInput, KeyReused
from domain.evidence import Spent
from domain.goodwill import left_to_give
from domain.ids import check_reason
from domain.ledger import CREDIT, BalanceReturned, ContentErased, CreditAdded, Fact, Ledger, find, known_account
from domain.money import Money
from domain.operation import (
    CORRECTABLE,
    LATE,
    UNDER_WAY,
    Adjusted,
    Charged,
    Closed,
    Dropped,
    Operation,
    Released,
    Settled,
    State,
    Stored,
)
from domain.periods import local_day, unless_same_quarter
from domain.spending import given_back
from domain.totals import PeriodState, scopes_of
from domain.wallet import Backs, Draws, DrawsSettled, sum_of
from domain.windowed import LifeMoved

Amounts = tuple[int, int]
"""Outputs, and micro-units."""

UNMOVED: Final = ((0, 0), (0, 0))


def dispatch(ledger: Ledger, id: str, attempt: int, sender: str, now: int) -> list[Fact]:
    """Allow one submission; empty if another sender was faster or the operation is closed."""
    return [*lifecycle.dispatch(find(ledger, id), attempt, sender, now)]


def postpone(ledger: Ledger, id: str, attempt: int, code: str, until: int, now: int) -> list[Fact]:
    """Put an operation whose attempt was definitely refused for now back into the queue, its hold as it is."""
    return [*lifecycle.postpone(find(ledger, id), attempt, code, until, now)]


def record_job(ledger: Ledger, id: str, job: str, now: int) -> list[Fact]:
    """Record the provider's job id. Raises IllegalTransition if the job is another operation's."""
    state = find(ledger, id)
    _check_owner(ledger, state.operation, job)
    return [*lifecycle.record_job(state, job, now)]


def _check_owner(ledger: Ledger, operation: Operation, job: str) -> None:
    owner = ledger.evidence.jobs.get((operation.provider, job), operation.id)
    if owner != operation.id:
        what = f"job {job!r} is operation {owner}'s, not {operation.id}'s"
        raise IllegalTransition(what, hint="one job is settled once")


def complete(
    ledger: Ledger,
    id: str,
    assets: tuple[Stored, ...],
    cost: int | None,
    now: int,
    *,
    usage: Mapping[str, int] = NOT_METERED,
    rough: bool = False,
    lost: LostOutputs = NOTHING_LOST,
    unlike: int = 0,
    job: str | None = None,
) -> list[Fact]:
    """Capture the hold for what was delivered; after a policy release book our cost alone, at price zero.

    Raises IllegalTransition if the job that delivered is another operation's.
    """
    state = find(ledger, id)
    if job is not None:
        _check_owner(ledger, state.operation, job)
    completed = lifecycle.complete(state, assets, cost, now, usage=usage, rough=rough, lost=lost, unlike=unlike)
    facts: list[Fact] = [*completed]
    if facts and isinstance(state, Dropped):
        found = reckon(state.quote, len(assets), lost, Told(readable(cost), usage, rough))
        return facts + adjustment(ledger, state, 0, found.cost or 0, LATE, LATE, now, found.cost_source)
    return facts + _afterwards(ledger, state, facts, now)


def fail(
    ledger: Ledger,
    id: str,
    code: str,
    cost: int | None,
    now: int,
    *,
    usage: Mapping[str, int] = NOT_METERED,
    rough: bool = False,
    why: str = "",
) -> list[Fact]:
    """Record a definite failure and void the hold; a `cost` of None is what it would have been if delivered."""
    state = find(ledger, id)
    facts: list[Fact] = [*lifecycle.fail(state, code, cost, now, usage=usage, rough=rough, why=why)]
    return facts + _afterwards(ledger, state, facts, now)


def release(ledger: Ledger, id: str, reason: str, now: int, why: str = "") -> list[Fact]:
    """Void the hold by policy."""
    state = find(ledger, id)
    facts: list[Fact] = [*lifecycle.release(state, reason, now, why)]
    return facts + _afterwards(ledger, state, facts, now)


def adjust(
    ledger: Ledger,
    id: str,
    price: int,
    cost: int,
    reason: str,
    reference: str,
    now: int,
    cost_source: CostSource | None = None,
) -> list[Fact]:
    """Correct a closed operation: `price` and `cost` are changes in micro-units; the same reference counts once.

    `cost_source` says how the whole cost is known from now on, None if it is not what is corrected. Raises KeyReused
    if the reference was used for other amounts, InvalidInput if nothing would change.
    """
    state = find(ledger, id)
    if lifecycle.is_corrected(state, price, cost, reference):
        return []
    if price < 0 and ledger.evidence.charged is not None:
        _check_with_goodwill(ledger, state.operation, -price)
    lifecycle.check_adjustment(state, price, cost, reference, reveals=_reveals(state, cost_source))
    return adjustment(ledger, state, price, cost, reason, reference, now, cost_source)


def correct_cost(ledger: Ledger, id: str, actual: int, reason: str, reference: str, now: int) -> list[Fact]:
    """Book what the provider really took for a closed operation, in micro-units; its price stays.

    Raises as `adjust` does, InvalidInput for less than nothing.
    """
    state = find(ledger, id)
    if actual < 0:
        raise InvalidInput("cost", "is less than nothing", hint="give what the provider took, 0 or more")
    change = _change_of_cost(state, actual, reference) if isinstance(state, Settled | Dropped) else 0
    return adjust(ledger, id, 0, change, reason, reference, now, CostSource.PROVIDER)


def _change_of_cost(state: Settled | Dropped, actual: int, reference: str) -> int:
    """The change from the cost as it is, or as it was when this reference was used."""
    cost = state.cost
    for made, _, change in reversed(state.corrections):
        cost -= change
        if made == reference:
            return actual - cost
    return actual - state.cost


def add_credit(ledger: Ledger, amount: int, key: str, now: int, reason: str = "") -> list[Fact]:
    """Pay into a prepaid account. Raises InvalidInput if it is not prepaid, KeyReused for another amount."""
    assert ledger.account is not None
    account = ledger.account
    check_reason(reason)
    earlier = ledger.evidence.keys.get(key)
    if earlier is not None:
        _check_paid(key, earlier, amount, account.currency)
        return []
    check_not_closed(account)
    if not account.prepaid:
        raise InvalidInput(
            "amount",
            f"account {account.id!r} is not prepaid",
            hint=Advice("account.prepay"),
        )
    if amount <= 0:
        raise InvalidInput("amount", f"{Money(amount, account.currency)} is not a payment", hint="pay in more than 0")
    facts, current = current_period(ledger, account, now)
    return [*facts, CreditAdded(account.id, now, current.period, amount, account.currency, key, reason)]


def erase_content(
    ledger: Ledger, ids: Collection[str], reason: str, now: int, assets: tuple[str, ...] = ()
) -> list[Fact]:
    """Note that the content and the outputs of closed operations are deleted, each time that they are.

    The first fact names the `assets` whose files go with all of them. Raises IllegalTransition while one is open.
    """
    check_reason(reason)
    states = [find(ledger, id) for id in ids]
    for state in states:
        if not isinstance(state, Closed):
            raise IllegalTransition(f"operation {state.operation.id} is still open", hint="wait until it ends")
    facts, current = current_period(ledger, known_account(ledger, states[0].operation.account), now)
    erased = [
        ContentErased(state.operation.account, now, current.period, state.operation.id, reason, () if place else assets)
        for place, state in enumerate(states)
    ]
    return [*facts, *erased]


def _check_paid(key: str, earlier: Spent, amount: int, currency: str) -> None:
    """Raise KeyReused if the key paid in another amount; one that is not known any more fits any."""
    if earlier.fingerprint in ("", str(amount)):
        return
    paid, now = Money(int(earlier.fingerprint), currency), Money(amount, currency)
    raise KeyReused(
        f"key {key.removeprefix(CREDIT)!r} was used for another payment: it paid in {paid}, and is asked for {now}",
        hint="repeat the same payment under a key, and take a new key for a new one",
    )


def give_back(ledger: Ledger, operation: Operation, amount: int, now: int) -> list[Fact]:
    """Make what an ended period's hold sets free spendable now; a current hold frees its own period's balance.

    The amount is the account's own money; what goes back to grants is `settle_draws`."""
    current = ledger.current
    if current is None or current.balance is None or operation.period == current.period or amount == 0:
        return []
    currency = known_account(ledger, operation.account).currency
    return [BalanceReturned(operation.account, now, current.period, operation.id, amount, currency)]


def move_later(ledger: Ledger, operation: Operation, held: Amounts, used: Amounts, now: int) -> list[Fact]:
    """Change what an ended period's operation holds and has used for life, by outputs and micro-units."""
    current = ledger.current
    if current is None or current.windows is None or operation.period == current.period or (held, used) == UNMOVED:
        return []
    scopes = current.windows.counted_for_life(
        scopes_of(operation.user, operation.project, operation.api_key), operation
    )
    if not scopes:
        return []
    currency = known_account(ledger, operation.account).currency
    whose = (operation.account, now, current.period, operation.id)
    return [LifeMoved(*whose, scopes, operation.family, *held, *used, currency)]


def settle_draws(ledger: Ledger, operation: Operation, held: Draws | None, spent: Draws | None, now: int) -> list[Fact]:
    """Give back or spend what an operation holds of grants: in the open period, if its own has ended.

    Of a grant that is over, whatever is set free lapses at once.
    """
    current = ledger.current
    if not held or current is None or current.wallet is None:
        return []
    wallet, account = current.wallet.copy(), known_account(ledger, operation.account)
    wallet.settled(held, spent)
    lapsed = lapses(account, replace(current, wallet=wallet), now)
    if operation.period.start == current.period.start:
        return lapsed
    return [DrawsSettled(account.id, now, current.period, operation.id, held, spent or ()), *lapsed]


def _afterwards(ledger: Ledger, state: State, facts: list[Fact], now: int) -> list[Fact]:
    return [*_returned(ledger, state, facts, now), *_booked(ledger, state.operation, facts, now)]


def _booked(ledger: Ledger, operation: Operation, facts: list[Fact], now: int) -> list[Fact]:
    """The charge or release of a closed period's operation once more, in the period that is open."""
    account, current = known_account(ledger, operation.account), ledger.current
    if current is None or not account.billing.is_closed(operation.period):
        return []
    booked: list[Fact] = []
    for fact in facts:
        if isinstance(fact, Charged):
            amounts = (fact.outputs, fact.unit, fact.units, fact.price, fact.cost, fact.currency, fact.cost_source)
            booked.append(
                UsageBooked(
                    account.id, now, current.period, operation, *amounts, fact.cost_currency, fact.listed, fact.drawn
                )
            )
        elif isinstance(fact, Released):
            nothing = (0, "", Decimal(0), 0, fact.cost, fact.currency, fact.cost_source)
            booked.append(UsageBooked(account.id, now, current.period, operation, *nothing, fact.cost_currency))
    return booked


def _returned(ledger: Ledger, state: State, facts: list[Fact], now: int) -> list[Fact]:
    """The unused part of an ended period's hold, given back once, and what is used and held of it for life."""
    operation, current = state.operation, ledger.current
    if not facts or current is None or not isinstance(state, UNDER_WAY):
        return []
    if operation.period.start == current.period.start and state.drawn is None:
        return []
    outputs, price, spent = 0, 0, None
    for fact in facts:
        if isinstance(fact, Charged):
            outputs, price, spent = fact.outputs, fact.price, fact.drawn
    settled = settle_draws(ledger, operation, state.drawn, spent, now)
    if operation.period.start == current.period.start:
        return settled
    quote = state.quote
    moved = move_later(ledger, operation, (-quote.outputs, -quote.price), (outputs, price), now)
    own = quote.price - price - sum_of(state.drawn) + sum_of(spent)
    return [*give_back(ledger, operation, own, now), *moved, *settled]


def _check_with_goodwill(ledger: Ledger, operation: Operation, amount: int) -> None:
    """Raise InvalidInput if a refund and the goodwill for the same period exceed its charges."""
    left, currency = left_to_give(ledger, operation.period), known_account(ledger, operation.account).currency
    if amount > left:
        told = f"a refund of {Money(amount, currency)} exceeds the {Money(left, currency)} that goodwill left"
        raise InvalidInput("price", f"{told} of its period's charges", hint="give back at most what is left")


def adjustment(
    ledger: Ledger,
    state: State,
    price: int,
    cost: int,
    reason: str,
    reference: str,
    now: int,
    source: CostSource | None,
) -> list[Fact]:
    """The correction as a fact of the current period, unchecked."""
    operation = state.operation
    account = known_account(ledger, operation.account)
    facts, current = current_period(ledger, account, now)
    day = local_day(now, account.zone)
    back = _back_to_grants(current, state, -price, now)
    adjusted = Adjusted(
        operation,
        now,
        current.period,
        day,
        price=price,
        cost=cost,
        currency=account.currency,
        reason=reason,
        reference=reference,
        cost_source=source,
        revealed=_reveals(state, source),
        windows=_windows_of(current, state, now) if price else (),
        worth=state.charged + state.adjusted if isinstance(state, Settled) else 0,
        was=state.cost_source if isinstance(state, Settled) else None,
        cost_currency=_other_currency(state),
        back=back,
        asked=unless_same_quarter(state.admitted, now) if isinstance(state, CORRECTABLE) else None,
    )
    return [*facts, adjusted]


def _other_currency(state: State) -> str:
    """The currency of its cost, empty if it is the price's."""
    if isinstance(state, Dropped):
        return state.quote.other_currency
    return state.cost_currency if isinstance(state, Settled) else ""


def _back_to_grants(current: PeriodState, state: State, amount: int, now: int) -> Backs | None:
    """A refund gives back the account's own money first, as that was spent last."""
    if amount <= 0 or not isinstance(state, Settled) or not state.drawn:
        return None
    own = state.charged + state.adjusted - sum_of(state.drawn)
    return given_back(current.wallet, state.drawn, amount - min(own, amount), now)


def _windows_of(current: PeriodState, state: State, now: int) -> tuple[str, ...]:
    """The hour and the day in which an operation was admitted, if they are not over and count."""
    if current.windows is None or not isinstance(state, Settled) or state.operation.period != current.period:
        return ()
    narrow = current.windows.narrow.items()
    return tuple([name for name, one in narrow if one.span.contains(state.admitted) and one.span.contains(now)])


def _reveals(state: State, source: CostSource | None) -> bool:
    """Whether a cost that was not known is from now on."""
    unknown = isinstance(state, CORRECTABLE) and not state.cost_known
    return unknown and source not in (None, CostSource.UNKNOWN)
