"""Accounts as they are shown: terms, period, and of each scope what is used, held and left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from application.ledger.looking import LedgerReader
from domain.account import InForce, Standing
from domain.counting import LimitStanding, left_of, limit_standings
from domain.entering import into_period
from domain.ledger import Ledger, known_account
from domain.periods import Period
from domain.plans import MEASURES
from domain.tariffs import OwnDiscount
from domain.usage import NOTHING_USED
from domain.wallet import Grant, Wallet


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account as its ledger stands: terms, period, and of each scope what is used, held and left.

    `allowed` are the classes of models that may be chosen without being named. `limits` are those of a period by
    scope, `windows` the others by window and scope. `tariff` and `discount` are what it agreed for itself.
    """

    id: str
    plan: str
    currency: str
    zone: str
    prepaid: bool
    balance: int | None
    period: Period
    used: dict[str, int]
    held: dict[str, int]
    left: dict[str, int | None]
    limits: dict[str, dict[str, int | None]]
    open: int
    standing: str = Standing.OPEN
    reason: str = ""
    changed: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ("real",)
    windows: Mapping[str, InForce] = field(default_factory=dict)
    on_limit: str = ""
    tariff: str = ""
    discount: OwnDiscount | None = None


@dataclass(frozen=True, slots=True)
class LimitsView:
    """Every limit of an account, its users and projects, as it stands: from the narrowest window."""

    account: str
    currency: str
    zone: str
    limits: tuple[LimitStanding, ...]


@dataclass(frozen=True, slots=True)
class GrantView:
    """One grant as it stands: `left` is free, `held` is for open operations. No `kinds` are all.

    One that was `revoked` is over since it `expires`, and stays as long as something is held of it.
    """

    id: str
    source: str
    priority: int
    expires: int | None
    kinds: tuple[str, ...]
    amount: int
    left: int
    held: int
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class WalletView:
    """An account's money to spend: its balance, and its grants in the order in which they are spent.

    `price` and `allowance` are its plan's a period, and `overage` the factor beyond that, None if it is refused.
    `next_plan` is the plan that follows, at an instant or else at the period's end; empty: none is agreed.
    """

    account: str
    currency: str
    plan: str
    price: int
    allowance: int
    overage: Decimal | None
    balance: int | None
    next_plan: str = ""
    next_at: int | None = None
    grants: tuple[GrantView, ...] = ()


@dataclass(frozen=True, slots=True)
class AccountReader:
    """Shows accounts as their ledgers stand."""

    ledgers: LedgerReader

    async def show(self, account: str) -> AccountView:
        """The account now. Raises UnknownAccount."""
        return await self.ledgers.look(account, lambda ledger, now: view_of(ledger, account, now))

    async def wallet(self, account: str) -> WalletView:
        """Its balance and every grant, as they can be spent now. Raises UnknownAccount."""
        return await self.ledgers.look(account, lambda ledger, now: wallet_of(ledger, account, now))

    async def limits(self, account: str) -> LimitsView:
        """All limits that hold now, with what is used, held and left of each. Raises UnknownAccount."""
        return await self.ledgers.look(account, lambda ledger, now: _limits_of(ledger, account, now))


def view_of(ledger: Ledger, account: str, now: int) -> AccountView:
    """The account as the ledger stands at an instant."""
    known = known_account(ledger, account)
    _, current, known = into_period(ledger, known, now)
    usage = current.usage.get("account", NOTHING_USED)
    limits = {measure: known.limit("account", measure) for measure in MEASURES}
    return AccountView(
        id=known.id,
        plan=known.plan,
        currency=known.currency,
        zone=known.zone,
        prepaid=known.prepaid,
        balance=current.balance,
        period=current.period,
        used={measure: usage.posted.get(measure, 0) for measure in MEASURES},
        held={measure: usage.held.get(measure, 0) for measure in MEASURES},
        left=left_of(ledger, account, None, now),
        limits={**known.overrides, "account": {**known.overrides.get("account", {}), **limits}},
        open=len(current.open),
        standing=known.standing,
        reason=known.reason,
        allowed=tuple(sorted(known.allowed)),
        on_limit=known.on_limit,
        tariff=known.agreed.tariff,
        discount=known.agreed.discount,
        windows={str(window): limits for window, limits in known.in_windows.items()},
    )


def wallet_of(ledger: Ledger, account: str, now: int) -> WalletView:
    """The wallet as the ledger stands at an instant, once all is recorded that is due."""
    _, current, known = into_period(ledger, known_account(ledger, account), now)
    wallet = current.wallet or Wallet()
    return WalletView(
        account=known.id,
        currency=known.currency,
        plan=known.plan,
        price=known.paying.price,
        allowance=known.paying.allowance,
        overage=known.paying.overage,
        balance=current.balance,
        next_plan="" if known.next is None else known.next.terms.plan,
        next_at=None if known.next is None else known.next.at,
        grants=tuple(_grant_of(one, wallet) for one in sorted(wallet.grants.values(), key=lambda one: one.order)),
    )


def _grant_of(one: Grant, wallet: Wallet) -> GrantView:
    terms = (one.id, str(one.source), one.priority, one.expires, one.kinds)
    return GrantView(*terms, one.amount, one.left, one.held, one.id in wallet.revoked)


def _limits_of(ledger: Ledger, account: str, now: int) -> LimitsView:
    known = known_account(ledger, account)
    return LimitsView(account, known.currency, known.zone, limit_standings(ledger, account, now))
