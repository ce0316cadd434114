"""After the hold: send once, then charge or release once, then correct by facts alone.

Validated ─ Dispatched ─ (Submitted) ─ ProviderCompleted ─ Charged | ProviderFailed ─ Released ─ (Adjusted …)
"""

from __future__ import annotations

from domain import operation as operations
from domain.errors import InvalidInput
from domain.ledger import (
    BalanceReturned,
    CreditAdded,
    Fact,
    Ledger,
    check_fingerprint,
    current_book,
    find,
    known_account,
)
from domain.operation import LATE, Adjusted, Charged, Dropped, Held, Operation, Running, Sent, Settled, State, Stored
from domain.periods import local_day


def dispatch(ledger: Ledger, id: str, attempt: int, sender: str, now: int) -> list[Fact]:
    """Allow one submission; empty where another sender was faster or the operation is closed."""
    return [*operations.dispatch(find(ledger, id), attempt, sender, now)]


def submit(ledger: Ledger, id: str, job: str, now: int) -> list[Fact]:
    """Record the provider's job id."""
    return [*operations.submit(find(ledger, id), job, now)]


def complete(ledger: Ledger, id: str, assets: tuple[Stored, ...], cost: int | None, now: int) -> list[Fact]:
    """Capture the hold for what was delivered; after a policy release book our cost alone, at price zero."""
    state = find(ledger, id)
    facts: list[Fact] = [*operations.complete(state, assets, cost, now)]
    if facts and isinstance(state, Dropped):
        return facts + _adjustment(ledger, state.operation, 0, cost or 0, LATE, LATE, now)
    return facts + _returned(ledger, state, facts, now)


def fail(ledger: Ledger, id: str, code: str, cost: int, now: int) -> list[Fact]:
    """Record a definite failure and void the hold."""
    state = find(ledger, id)
    facts: list[Fact] = [*operations.fail(state, code, cost, now)]
    return facts + _returned(ledger, state, facts, now)


def release(ledger: Ledger, id: str, reason: str, now: int) -> list[Fact]:
    """Void the hold by policy."""
    state = find(ledger, id)
    facts: list[Fact] = [*operations.release(state, reason, now)]
    return facts + _returned(ledger, state, facts, now)


def adjust(ledger: Ledger, id: str, price: int, cost: int, reason: str, reference: str, now: int) -> list[Fact]:
    """Correct a closed operation: `price` and `cost` are changes in micro-units; the same reference counts once."""
    state = find(ledger, id)
    if isinstance(state, Settled | Dropped) and reference in state.references:
        return []
    operations.check_adjustment(state, price, reference)
    return _adjustment(ledger, state.operation, price, cost, reason, reference, now)


def add_credit(ledger: Ledger, amount: int, key: str, now: int) -> list[Fact]:
    """Pay into a prepaid account. Raises InvalidInput where it is not prepaid, KeyReused for another amount."""
    assert ledger.account is not None
    account = ledger.account
    if not account.prepaid:
        raise InvalidInput(
            "amount",
            f"account {account.id!r} is not prepaid",
            hint="open one with --prepaid to carry a balance",
        )
    if amount <= 0:
        raise InvalidInput("amount", f"{amount} micro-units is not a payment")
    earlier = ledger.keys.get(key)
    if earlier is not None:
        check_fingerprint(key, earlier, str(amount))
        return []
    facts, book = current_book(ledger, account, now)
    return [*facts, CreditAdded(account.id, now, book.period, amount, account.currency, key)]


def _returned(ledger: Ledger, state: State, facts: list[Fact], now: int) -> list[Fact]:
    """What the settlement of an ended period's operation gives back to a prepaid balance, once."""
    book, account = ledger.book, ledger.account
    if not facts or book is None or account is None or book.balance is None:
        return []
    if state.operation.period == book.period or not isinstance(state, Held | Sent | Running):
        return []
    used = sum(fact.price for fact in facts if isinstance(fact, Charged))
    amount = state.quote.price - used
    if amount == 0:
        return []
    return [BalanceReturned(account.id, now, book.period, state.operation.id, amount, account.currency)]


def _adjustment(
    ledger: Ledger, operation: Operation, price: int, cost: int, reason: str, reference: str, now: int
) -> list[Fact]:
    account = known_account(ledger, operation.account)
    facts, book = current_book(ledger, account, now)
    day = local_day(now, account.zone)
    adjusted = Adjusted(operation, now, book.period, day, price, cost, account.currency, reason, reference)
    return [*facts, adjusted]
