"""One account's ledger: a stream of facts a billing period, in which every operation is held, charged or released.

    PeriodOpened ─ (operation facts | CreditAdded | BalanceReturned | BookingFact) … ─ PeriodOpened (the next stream)
       └─ by a wrong clock, far ahead ─ … ─ PeriodEnded ─ PeriodResumed | PeriodOpened (see `returning`)

Nothing is written twice: an operation's `Validated` is the hold on the account, its `Charged` is the charge. So
one lock, the account's, protects money, limits and each operation's life cycle together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from domain import account as accounts
from domain import lifecycle
from domain.account import Account, AccountFact
from domain.advice import Advice
from domain.alerts import AlertRaised, ProbeDiffered, alarm_of
from domain.approvals import ApprovalFact, evolve_approval
from domain.assets import AssetFact, evolve_asset
from domain.booking import BookingFact, GoodwillGiven, UsageBooked
from domain.errors import KeyReused, UnknownAccount, UnknownOperation
from domain.evidence import Evidence, Spent
from domain.operation import CLOSED_STATES, Adjusted, OperationFact, Requested, State
from domain.periods import Period
from domain.plans import Limits
from domain.tariffs import Selling
from domain.totals import PeriodState, move_money, post, scopes_of
from domain.wallet import ChargedBack, SubscriptionCharged, Wallet, WalletFact, evolve_wallet, owed_of, own_part
from domain.windowed import (
    WindowFact,
    Windows,
    correct_in_windows,
    evolve_windows,
)

# Facts


@dataclass(frozen=True, slots=True)
class PeriodOpened:
    """A new period begins; what is neither posted nor held of a prepaid balance is carried into it.

    `zones` is the release of the time zones' tables by which its end was found, empty if that is not known.
    """

    account: str
    at: int
    period: Period
    plan: str
    limits: Limits
    balance: int | None
    currency: str
    zones: str


@dataclass(frozen=True, slots=True)
class CreditAdded:
    """The account paid in; `key` makes a repeat harmless."""

    account: str
    at: int
    period: Period
    amount: int
    currency: str
    key: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BalanceReturned:
    """The unused part of the hold of an ended period's operation is spendable again, in this period, once."""

    account: str
    at: int
    period: Period
    operation_id: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class PeriodEnded:
    """A period that a wrong clock began is over, and takes nothing more; its balance goes to the one that holds `at`.

    The one fact whose instant lies before others of its account: what follows it begins there.
    """

    account: str
    at: int
    period: Period
    balance: int | None
    currency: str
    reason: str


@dataclass(frozen=True, slots=True)
class PeriodResumed:
    """The period that holds this instant goes on after a mistaken one; `carried` is what its balance changed by."""

    account: str
    at: int
    period: Period
    plan: str
    balance: int | None
    carried: int
    currency: str


@dataclass(frozen=True, slots=True)
class ContentErased:
    """An operation's content and outputs are deleted for ever; its facts stay.

    `assets` are those whose files go with it, by their ids: nothing else that is kept needs them.
    """

    account: str
    at: int
    period: Period
    operation_id: str
    reason: str
    assets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TagsChanged:
    """So many tags of an operation were given or told anew, and so many taken away; the words are beside the log."""

    account: str
    at: int
    period: Period
    operation_id: str
    added: int
    removed: int


LedgerFact = (
    PeriodOpened
    | CreditAdded
    | BalanceReturned
    | PeriodEnded
    | PeriodResumed
    | ContentErased
    | TagsChanged
    | BookingFact
    | WindowFact
    | AssetFact
    | ApprovalFact
    | WalletFact
)
Fact = AccountFact | LedgerFact | OperationFact


def stream_of(fact: Fact) -> str:
    """The stream a fact belongs to: the account's own, or that of its billing period."""
    if isinstance(fact, OperationFact):
        operation = fact.operation
        return period_stream(operation.account, fact.period if type(fact) is Adjusted else operation.period)
    if isinstance(fact, LedgerFact):
        return period_stream(fact.account, fact.period)
    return account_stream(fact.account)


def account_stream(account: str) -> str:
    """The stream of an account's terms."""
    return f"account:{account}"


def period_stream(account: str, period: Period) -> str:
    """The stream of one billing period, named by the instant it begins."""
    return _stream_from(account, period.start)


@lru_cache(maxsize=4096)
def _stream_from(account: str, start: int) -> str:
    return f"ledger:{account}:{start}"


# States


@dataclass(slots=True)
class Ledger:
    """The state that the account's lock protects: terms, period, last instant, and the evidence asked for."""

    account: Account | None = None
    current: PeriodState | None = None
    last: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    selling: Selling | None = None
    """How prices to customers are made here; None: they are the price book's, and no account has another currency."""

    def look_up(self, operation: str) -> State | None:
        """The operation, if it is open or in the evidence."""
        if self.current is not None and operation in self.current.open:
            return self.current.open[operation]
        return self.evidence.found.get(operation)

    def forget(self) -> None:
        """Drop the evidence; what is open stays."""
        self.evidence.forget()


# Evolve


def evolve(ledger: Ledger, fact: Fact) -> Ledger:
    """The ledger after one more fact, changed in place: the cost does not depend on how much is open."""
    if fact.at > ledger.last:
        ledger.last = fact.at
    if isinstance(fact, OperationFact):
        _evolve_operation(ledger, fact)
    elif isinstance(fact, PeriodOpened):
        _open_period(ledger, fact)
    elif isinstance(fact, CreditAdded | BalanceReturned | GoodwillGiven):
        _give(ledger, fact.amount)
    elif isinstance(fact, PeriodEnded):
        ledger.last = fact.at
    elif isinstance(fact, ContentErased | TagsChanged | UsageBooked):
        pass  # no amount, limit or operation is another for it
    elif isinstance(fact, PeriodResumed):
        _resume_period(ledger, fact)
    elif isinstance(fact, AssetFact):
        _evolve_asset(ledger, fact)
    elif isinstance(fact, ApprovalFact):
        _evolve_approval(ledger, fact)
    elif isinstance(fact, WindowFact):
        _evolve_windows(ledger, fact)
    elif isinstance(fact, WalletFact):
        _evolve_wallet(ledger, fact)
    else:
        _evolve_account(ledger, fact)
    return ledger


def _open_period(ledger: Ledger, fact: PeriodOpened) -> None:
    _leave_period(ledger)
    ledger.current = PeriodState(fact.period, fact.balance)


def _leave_period(ledger: Ledger) -> None:
    """Make what is still open of the period evidence, as an ended period's operations are.

    Many may be open and little is loaded, so the loaded is added to the open, and that dictionary kept.
    """
    if ledger.current is None:
        return
    still_open = ledger.current.open
    still_open.update(ledger.evidence.found)
    ledger.evidence.found = still_open


def _resume_period(ledger: Ledger, fact: PeriodResumed) -> None:
    """The period goes on as it was: the one at hand if its own stream is folded, else the one that was looked up."""
    if ledger.current is None or ledger.current.period != fact.period:
        _leave_period(ledger)
        ledger.current = ledger.evidence.earlier or PeriodState(fact.period, None)
    ledger.current.balance = fact.balance


def _evolve_windows(ledger: Ledger, fact: WindowFact) -> None:
    current = ledger.current
    if current is not None:
        current.windows = current.windows or Windows()
        evolve_windows(current.windows, fact)


def _evolve_wallet(ledger: Ledger, fact: WalletFact) -> None:
    """A plan's price and a payment that was taken back are the balance's, whatever becomes of it."""
    if isinstance(fact, SubscriptionCharged):
        _give(ledger, -fact.price)
    elif isinstance(fact, ChargedBack):
        _give(ledger, -owed_of(fact))
        if fact.grant is None:
            return
    if ledger.current is not None:
        ledger.current.wallet = ledger.current.wallet or Wallet()
        evolve_wallet(ledger.current.wallet, fact)


def _evolve_asset(ledger: Ledger, fact: AssetFact) -> None:
    """Assets are many, so only those in the evidence are kept up."""
    assets = ledger.evidence.assets
    if fact.asset in assets:
        assets[fact.asset] = evolve_asset(assets[fact.asset], fact)


def _evolve_approval(ledger: Ledger, fact: ApprovalFact) -> None:
    """Only those in the evidence are kept up, as with assets."""
    approvals = ledger.evidence.approvals
    if fact.quote in approvals:
        approvals[fact.quote] = evolve_approval(approvals[fact.quote], fact)


def _evolve_account(ledger: Ledger, fact: AccountFact) -> None:
    """The terms; of alarms, as with assets, those in the evidence."""
    ledger.account = accounts.evolve(ledger.account, fact)
    if isinstance(fact, AlertRaised | ProbeDiffered) and alarm_of(fact) in ledger.evidence.alarms:
        ledger.evidence.alarms[alarm_of(fact)] = True


def _give(ledger: Ledger, amount: int) -> None:
    current = ledger.current
    if current is not None and current.balance is not None:
        current.balance += amount


def _evolve_operation(ledger: Ledger, fact: OperationFact) -> None:
    operation, current = fact.operation, ledger.current
    before = ledger.look_up(operation.id)
    if isinstance(fact, Adjusted):
        _adjust_period(ledger, fact)
    if before is None and not isinstance(fact, Requested):
        return
    after = lifecycle.evolve(before, fact)
    if current is None or operation.period.start != current.period.start:
        ledger.evidence.found[operation.id] = after
        return
    move_money(current, before, fact)
    if type(after) in CLOSED_STATES:
        current.open.pop(operation.id, None)
        ledger.evidence.found[operation.id] = after
    else:
        current.open[operation.id] = after


def _adjust_period(ledger: Ledger, fact: Adjusted) -> None:
    """A refund is spendable at once; it frees the spend limit only within the operation's own period, and for life."""
    _give(ledger, own_part(fact.back, -fact.price) if fact.back else -fact.price)
    current, operation = ledger.current, fact.operation
    if current is None:
        return
    if operation.period == current.period:
        post(current, operation, 0, fact.price)
    if fact.back and current.wallet is not None:
        current.wallet.give_back(fact.back)
    if current.windows is not None:
        correct_in_windows(current.windows, scopes_of(operation.user, operation.project, operation.api_key), fact)


# Questions that every decision asks first

Decide = Callable[[Ledger, int], list[Fact]]
"""A decision as the writer runs it: the locked ledger and the instant, to the facts to append."""


def find(ledger: Ledger, id: str) -> State:
    """The operation, or UnknownOperation."""
    state = ledger.look_up(id)
    if state is None:
        raise UnknownOperation.of(id)
    return state


def known_account(ledger: Ledger, id: str) -> Account:
    """The account's terms, or UnknownAccount with the command that opens it."""
    if ledger.account is None:
        raise UnknownAccount(f"no account {id!r}", hint=Advice("account.open", account=id))
    return ledger.account


CREDIT = "credit:"
"""Keeps payments' keys apart from requests'."""


def check_fingerprint(key: str | None, earlier: Spent, fingerprint: str) -> None:
    if earlier.fingerprint not in ("", fingerprint):
        raise KeyReused(
            f"idempotency key {key!r} was used for another request ({earlier.reference})",
            hint="repeat the same request under a key, and take a new key for a new one",
        )
