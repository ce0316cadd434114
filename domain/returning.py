"""Back from a month that has not begun: an account that a wrong clock moved ahead returns to the one that holds today.

    PeriodOpened (ahead, by mistake) ─ … ─ PeriodEnded ─┬─ PeriodResumed   the account had a period for this instant
                                                        └─ PeriodOpened    it had none

Facts of the mistaken period stay there, charges and all; its balance comes along.
"""

from __future__ import annotations

from domain.account import Account
from domain.errors import IllegalTransition
from domain.ids import check_reason
from domain.ledger import Fact, Ledger, PeriodEnded, PeriodOpened, PeriodResumed, known_account
from domain.periods import period_after, period_at
from domain.totals import PeriodState
from domain.usage import NOTHING_USED
from domain.wallet import GrantsCarried, Wallet
from domain.windowed import Lifetime, WindowFact, counted_for_life
from domain.zones import zones_version


def end_period(ledger: Ledger, account: str, reason: str, now: int) -> list[Fact]:
    """End a period that begins after `now`, and be in the one that holds it; empty if none is ahead.

    `now` is what the clock says, before instants of the account that are not over yet. `ledger.evidence.earlier` is
    the last period that began before, if there was one. Raises UnknownAccount, InvalidInput without a
    reason, IllegalTransition if that was closed.
    """
    known, current = known_account(ledger, account), ledger.current
    check_reason(reason, needed=True)
    if current is None or current.period.start <= now:
        return []
    _check_open(known, now)
    ended = PeriodEnded(account, now, current.period, current.balance, known.currency, reason)
    earlier, balance = ledger.evidence.earlier, current.balance
    if earlier is not None and earlier.period.contains(now):
        moved = _moved(earlier, balance)
        resumed = PeriodResumed(account, now, earlier.period, known.plan, balance, moved, known.currency)
        carried = _grants_carried(account, earlier, current, now)
        return [ended, resumed, *_counted_for_life(account, earlier, current, now), *carried]
    if earlier is None:
        period = period_at(known.cycle, known.zone, now)
    else:
        period = period_after(earlier.period, known.cycle, known.zone, now)
    terms = (known.plan, known.limits, balance, known.currency)
    opened = PeriodOpened(account, now, period, *terms, zones_version())
    back = PeriodState(period, balance)
    carried = _grants_carried(account, back, current, now)
    return [ended, opened, *_counted_for_life(account, back, current, now), *carried]


def _grants_carried(account: str, back: PeriodState, ended: PeriodState, now: int) -> list[Fact]:
    """Grants are as they are, wherever they were given or spent; no plan is paid for again for the same days."""
    if ended.wallet is None and back.wallet is None:
        return []
    wallet = ended.wallet or Wallet()
    return [GrantsCarried(account, now, back.period, *wallet.carried(wallet.grants.values()))]


def _counted_for_life(account: str, back: PeriodState, ended: PeriodState, now: int) -> list[WindowFact]:
    """The totals for life never begin anew: what was used ahead comes along, also if only that was counted."""
    if ended.windows is None:
        return []
    begin, life = back.period.start, dict(ended.windows.life)
    for scope, one in ended.windows.life.items():
        if one.since > begin:
            life[scope] = Lifetime(begin, one.usage.plus(back.usage.get(scope, NOTHING_USED)))
    return counted_for_life(account, back.period, life, now)


def _check_open(account: Account, now: int) -> None:
    """Raise IllegalTransition if the period that holds this instant is closed, and so takes nothing any more."""
    if now < account.billing.until:
        raise IllegalTransition(
            f"the period that holds today was closed while the clock of account {account.id!r} was ahead",
            hint="the account goes on in its next period, when that begins",
        )


def _moved(earlier: PeriodState, balance: int | None) -> int:
    """The sum that the mistaken period adds to the balance of the one before it; a charge there makes it negative."""
    return (balance or 0) - (earlier.balance or 0)
