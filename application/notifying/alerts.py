"""Alerts: set, listed and removed, and what was raised.

await studio.alerts.set("acme", AlertTerms(shares=(80, 100), locks=True))
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.ledger.log import Codec
from application.ledger.looking import LedgerReader
from application.ledger.reader import StreamReader
from application.notifying.watching import AlertWatch
from application.ports.alerts import AlertSums
from domain.account import Account, AccountFact
from domain.actor import Actor
from domain.alerting import AlertTerms, remove_alert, set_alert, value_of
from domain.alerts import Alert, AlertRaised, alert_id, difference_name
from domain.differing import tell_difference
from domain.entering import current_period
from domain.ledger import Fact, Ledger, account_stream, known_account
from domain.periods import Period
from domain.windows import Window, span_at

USUAL_HISTORY = 100


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert as it stands in the span of now: what it has come to, and the limit that shares are of, if any.

    Amounts are micro-units of the currency, or counts; a rate of failures is in percent, None of too few to say.
    """

    alert: Alert
    account: str
    currency: str
    span: Period
    value: int | None
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertReader:
    """Shows alerts."""

    ledgers: LedgerReader
    streams: StreamReader
    codec: Codec
    sums: AlertSums

    async def list(self, account: str) -> Sequence[AlertView]:
        """The account's alerts, by what they watch. Raises UnknownAccount."""

        def look(ledger: Ledger, now: int) -> tuple[Account, Period, int]:
            known = known_account(ledger, account)
            return known, current_period(ledger, known, now)[1].period, now

        known, current, now = await self.ledgers.look(account, look)
        return await asyncio.to_thread(self._views, known, current, now)

    async def history(self, account: str, limit: int = USUAL_HISTORY) -> Sequence[AlertRaised]:
        """The last that were raised, the newest first. Raises UnknownAccount."""
        await self.ledgers.look(account, lambda ledger, _: known_account(ledger, account).id)
        return await asyncio.to_thread(self._raised, account, limit)

    def _views(self, known: Account, current: Period, now: int) -> Sequence[AlertView]:
        found = []
        for alert in sorted(known.alerts.values(), key=lambda one: (one.scope, one.measure, one.window)):
            window = Window(alert.window)
            span = current if window is Window.PERIOD else span_at(window, known.zone, now)
            _, sums = self.sums.within(known.id, alert.scope, alert.window, span)
            limit = known.limit(alert.scope, alert.measure, window)
            found.append(AlertView(alert, known.id, known.currency, span, value_of(alert.measure, sums), limit))
        return found

    def _raised(self, account: str, limit: int) -> Sequence[AlertRaised]:
        links = self.streams.newest(account_stream(account), limit, self.codec.names_of(AlertRaised))
        facts = (self.codec.decode(one.topic, one.state) for one in links)
        return [fact for fact in facts if isinstance(fact, AlertRaised)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts(AlertReader):
    """The use cases of those who administer alerts.

    Each fact names who did it: `by`, or else the `operator` for whom this process works. A `reason` is kept with it.
    """

    writer: Ledgers
    watch: AlertWatch
    operator: Actor

    async def set(self, account: str, terms: AlertTerms, *, by: Actor | None = None, reason: str = "") -> AlertView:
        """Have it told when thresholds are reached; there is one alert a scope, measure and window, whose thresholds
        these are from now on. Raises UnknownAccount, InvalidInput."""
        id = alert_id(terms.scope, terms.measure, terms.window)
        await self._put(account, lambda known, now: set_alert(known, terms, now, reason), by)
        return next(one for one in await self.list(account) if one.alert.id == id)

    async def remove(self, account: str, alert: str, *, by: Actor | None = None, reason: str = "") -> None:
        """Tell nothing of it any more. Raises UnknownAccount, UnknownAlert."""
        await self._put(account, lambda known, now: remove_alert(known, alert, now, reason), by)

    async def check(self) -> Sequence[AlertRaised]:
        """Watch all that is new at once, as services and workers do; what it raised. Raises StoreUnavailable."""
        return await self.watch.advance()

    async def tell_difference(
        self, account: str, difference: str, told: str, wanted: str, *, day: int, by: Actor | None = None
    ) -> None:
        """Raise the alert of a difference that the account's probe found, once on the day that begins at `day`.

        Raises UnknownAccount.
        """

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return tell_difference(ledger, account, difference, told, wanted, now, day)

        name = difference_name(account, difference, day)
        await self.writer.put(Proposal(account, decide, alarm=name, actor=str(by or self.operator)))

    async def _put(self, account: str, change: Callable[[Account, int], list[AccountFact]], by: Actor | None) -> None:
        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return [*change(known_account(ledger, account), now)]

        await self.writer.put(Proposal(account, decide, actor=str(by or self.operator)))
