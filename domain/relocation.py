"""Deciding that an account leaves a ledger, and that it has arrived in another."""

from __future__ import annotations

from collections.abc import Sequence

from domain.departures import HERE, AccountArrived, AccountLeft, AccountMoved
from domain.errors import IllegalTransition, InvalidInput
from domain.ids import check_reason
from domain.ledger import Fact, Ledger, known_account
from domain.operation import CLOSED_PHASES, PHASES, OperationFact


def leave(ledger: Ledger, account: str, to: str, now: int, reason: str = "") -> list[Fact]:
    """Leave for a shard; once. Raises InvalidInput if it is on its way to another, or has webhooks that are sent to.

    A webhook would be told all of it again there.
    """
    check_reason(reason)
    known = known_account(ledger, account)
    if known.left not in (HERE, to):
        raise InvalidInput("to", f"account {account!r} is on its way to {known.left!r}", hint="let it arrive first")
    if any(hook.paused is None for hook in known.webhooks.values()):
        told = f"account {account!r} has webhooks, which would be told all of it again"
        raise InvalidInput("account", told, hint="pause them first, and let them go on when it has arrived")
    return [AccountLeft(account, now, to, reason)] if known.left == HERE else []


def arrive(ledger: Ledger, account: str, here: str, origin: str, now: int) -> list[Fact]:
    """Take its decisions here, once what it left with is here. Raises IllegalTransition if it left for elsewhere."""
    known = known_account(ledger, account)
    if known.left not in (HERE, here):
        raise IllegalTransition(f"account {account!r} left for {known.left!r}, and this is {here!r}")
    return [AccountArrived(account, now, origin)] if known.left == here else []


def check_here(ledger: Ledger, facts: Sequence[Fact]) -> None:
    """Of an account that has left only what is open goes on. Raises AccountMoved."""
    account = ledger.account
    if account is None or account.left == HERE or not facts:
        return
    states = [ledger.look_up(fact.operation.id) for fact in facts if isinstance(fact, OperationFact)]
    if not any(state is not None and PHASES[type(state)] not in CLOSED_PHASES for state in states):
        raise AccountMoved(account.id, account.left)
