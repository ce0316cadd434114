"""To close a period, and to issue and void its statement: pure decisions about what was billed.

    read to an end of its stream ─ close_period (the stream still ends there) ─ issue_statement ─ void_statement ─ …

Periods are closed in their order, once they are over. Statements are numbered from 1 an account, in the append that
issues them, so a number is neither left out nor given twice (decision 59).
"""

from __future__ import annotations

from domain.account import Account
from domain.advice import Advice
from domain.billing import PeriodClosed, StatementIssued, StatementVoided, UnknownStatement, statement_number
from domain.entering import current_period
from domain.errors import IllegalTransition
from domain.ids import check_reason
from domain.ledger import Fact, Ledger, known_account, period_stream, stream_of
from domain.periods import Period, local_day
from domain.statement import Statement
from domain.value import value


@value
class Closing:
    """A period as it was read to an end of its stream: what closes it, if it still ends there.

    `after` is up to where all periods before it are closed; `carry` is whether open operations stay open.
    """

    statement: Statement
    after: int
    carry: bool = False
    reason: str = ""


def close_period(ledger: Ledger, closing: Closing, now: int) -> list[Fact]:
    """Fix what the period's statement is of; empty if it is closed, or was read before its stream's end.

    A plan after a trial, if it was due in the period and never recorded, is recorded alone: then it is read again.
    The next period is opened with it if none is, so that what comes later has one to be billed in. Raises
    IllegalTransition if it is not over, or if operations are open in it and not carried.
    """
    read = closing.statement
    account = known_account(ledger, read.account)
    check_reason(closing.reason)
    if account.billing.is_closed(read.period) or account.billing.until != closing.after:
        return []
    _check_over(account, read.period, now)
    if ledger.evidence.end != (read.version, read.head):
        return []
    if read.open and not closing.carry:
        told = f"{read.open} of its operations are open" if read.open > 1 else "one of its operations is open"
        hint = Advice("period.carry", period=period_name(read.period, account.zone))
        raise IllegalTransition(f"period {period_name(read.period, account.zone)} cannot be closed: {told}", hint=hint)
    opened, _ = current_period(ledger, account, now)
    if any(stream_of(fact) == period_stream(account.id, read.period) for fact in opened):
        return opened
    closed = PeriodClosed(
        account.id,
        now,
        read.period,
        read.zone,
        read.version,
        read.head,
        opening=read.opening,
        closing=read.closing,
        open=read.open,
        held=read.held,
        currency=account.currency,
        reason=closing.reason,
        granted=granted_of(read),
    )
    return [*opened, closed]


def granted_of(read: Statement) -> tuple[int, int] | None:
    """The rest of all grants before and after a period; None of an account without any."""
    return (read.granted, read.left_of_grants) if read.granted or read.grants else None


def issue_statement(
    ledger: Ledger, read: Statement, digest: str, now: int, *, form: int, reason: str = ""
) -> list[Fact]:
    """Give a closed period's statement the account's next number; empty if it has one that holds.

    Raises IllegalTransition if the period is not closed.
    """
    account = known_account(ledger, read.account)
    check_reason(reason)
    check_closed(account, read.period)
    billing = account.billing
    if billing.valid(read.period) is not None:
        return []
    number, replaced = len(billing.statements) + 1, billing.last(read.period)
    amount = (read.rounded_total, account.currency)
    return [StatementIssued(account.id, now, read.period, number, form, digest, *amount, replaced, reason)]


def void_statement(ledger: Ledger, account: str, number: int, reason: str, now: int) -> list[Fact]:
    """Let a statement hold no more, with a reason; empty if it was voided. Raises UnknownStatement."""
    known = known_account(ledger, account)
    check_reason(reason, needed=True)
    found = known.billing.statements.get(number)
    if found is None:
        raise UnknownStatement(
            f"account {account!r} has no statement {statement_number(account, number)}",
            hint=Advice("statement.list", account=account),
        )
    return [] if found.voided is not None else [StatementVoided(account, now, found.period, number, reason)]


def check_closed(account: Account, period: Period) -> None:
    """Raise IllegalTransition unless the period is closed."""
    if not account.billing.is_closed(period):
        name = period_name(period, account.zone)
        raise IllegalTransition(
            f"period {name} is not closed, so its statement may still change",
            hint=Advice("period.close", period=name),
        )


def _check_over(account: Account, period: Period, now: int) -> None:
    if now < period.end:
        name, ends = (local_day(instant, account.zone) for instant in (period.start, period.end))
        raise IllegalTransition(f"period {name} is not over", hint=f"close it from {ends} on")


def period_name(period: Period, zone: str) -> str:
    """A period by the local day on which it begins, such as 2026-04-01."""
    return local_day(period.start, zone)
