"""Watches the log for thresholds that are reached, and has each told once.

    mark ── facts about money after it, of accounts with alerts ── each added to the sums before it ──┬─ reached: a fact
    views ── sums at a position, less the facts since the mark = the sums at the mark ────────────────┘

The sums are those of the views, so watching reads what is new and no more. It looks at every fact, so a threshold that
was reached for a moment is told, too. The fact that tells it is appended under the account's lock, unless the log has
one of its name; then the mark moves. So it is told once, also if a process dies in between, or many watch the same.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from application.following.feed import Feed
from application.ledger.group import Proposal
from application.ledger.ledgers import Ledgers
from application.ledger.log import Codec
from application.ledger.looking import LedgerReader
from application.ledger.reader import LogFilter, LogReader
from application.notifying.woken import WokenWork
from application.ports.alerts import AlertSums, AlertTables, WatchMark
from domain.account import Account, LimitChanged, PlanChanged
from domain.actor import Actor
from domain.alerting import Crossing, added_by, counts_in, has_reached, raise_alert, threshold_in_words, value_of
from domain.alerts import FAILURE_RATE, Alert, AlertRaised, AlertSet, Threshold, alarm_name
from domain.booking import GoodwillGiven
from domain.entering import current_period
from domain.ledger import Fact, Ledger, known_account
from domain.operation import Adjusted, Charged, OperationFact, Released
from domain.periods import Period
from domain.windows import Window, span_at

LOGGER = logging.getLogger("imagestudio")

PAGE = 500
FAR = 5_000
"""Positions without anything to watch after which the mark is moved all the same."""
AT_ONCE = 20_000
"""Facts that are watched together."""
LOOK = 1.0
"""Seconds after which it looks by itself."""
TOGETHER = 0.2
"""Seconds in which more may happen before it looks."""
NOTHING: Mapping[str, int] = {}
MONEY: tuple[type[Fact], ...] = (Charged, Released, Adjusted, GoodwillGiven)
LIMITING: tuple[type[Fact], ...] = (LimitChanged, PlanChanged)
"""Facts by which a share of a limit may be reached that was not before."""


@dataclass(frozen=True, slots=True)
class WatchedFact:
    """A fact, and where it stands in the log."""

    position: int
    fact: Fact


@dataclass(slots=True, eq=False)
class AlertWatch:
    """For one thread of work at a time."""

    reader: LogReader
    codec: Codec
    tables: AlertTables
    sums: AlertSums
    ledgers: LedgerReader
    writer: Ledgers
    actor: Actor
    feed: Feed
    about: tuple[str, ...] = field(init=False)
    telling: tuple[str, ...] = field(init=False)
    _seen: int = field(default=0, init=False)
    _work: WokenWork = field(init=False)

    def __post_init__(self) -> None:
        self.about = self.codec.names_of(AlertSet)
        self.telling = (*self.about, *(name for one in (*MONEY, *LIMITING) for name in self.codec.names_of(one)))
        topics = frozenset(self.telling)
        self._work = WokenWork(
            feed=self.feed,
            step=self.advance,
            concerns=lambda links: not links or any(link.topic in topics for link in links),
            failing="alerts cannot be watched for now",
            look=LOOK,
            together=TOGETHER,
        )

    async def run(self) -> None:
        """Until it is stopped."""
        await self._work.run()

    def stop(self) -> None:
        """Begin nothing more."""
        self._work.stop()

    async def advance(self) -> list[AlertRaised]:
        """Watch all that is new; the alerts that it raised. Raises LogCorrupted, StoreUnavailable."""
        raised: list[AlertRaised] = []
        while True:
            mark, end = await asyncio.to_thread(self._stands)
            after = max(mark.position, self._seen)
            if after >= end:
                return raised
            if not mark.accounts:
                await asyncio.to_thread(self._find_first, mark.position, after, end)
                continue
            entries, upto = await asyncio.to_thread(self._read, after, end)
            new = {one.fact.account for one in entries if isinstance(one.fact, AlertSet)}
            for account in sorted(mark.accounts | new):
                raised += await self._watch(account, after, upto, [one for one in entries if _whose(one) == account])
            if new or entries or upto - mark.position >= FAR:
                await asyncio.to_thread(self.tables.move, mark.position, upto, new)
            self._seen = upto

    def _stands(self) -> tuple[WatchMark, int]:
        """How far the log was watched, and how far it can be."""
        mark, end = self.tables.mark(), self.reader.end()
        return mark, min(end, self.sums.bring_up()) if mark.accounts and end > mark.position else end

    def _find_first(self, mark: int, after: int, end: int) -> None:
        """Until there is an alert, look for the first, and begin before it."""
        page = self.reader.read(after, 1, LogFilter(upto=end, topics=self.about))
        if not page:
            if end - mark >= FAR:
                self.tables.move(mark, end, ())
            self._seen = end
            return
        fact = self.codec.decode(page[0].link.topic, page[0].link.state)
        assert isinstance(fact, AlertSet)
        self.tables.move(mark, page[0].position - 1, (fact.account,))
        self._seen = page[0].position - 1

    def _read(self, after: int, end: int, account: str | None = None) -> tuple[list[WatchedFact], int]:
        """Facts that are watched, at most so many, and up to where."""
        wanted, found = LogFilter(upto=end, account=account, topics=self.telling), list[WatchedFact]()
        while page := self.reader.read(after, PAGE, wanted):
            found += [WatchedFact(one.position, self.codec.decode(one.link.topic, one.link.state)) for one in page]
            after = page[-1].position
            if len(found) >= AT_ONCE and account is None:
                return found, after
        return found, end

    async def _watch(self, account: str, after: int, upto: int, entries: Sequence[WatchedFact]) -> list[AlertRaised]:
        if not entries:
            return []

        def look(ledger: Ledger, now: int) -> tuple[Account, Period]:
            known = known_account(ledger, account)
            return known, current_period(ledger, known, now)[1].period

        known, current = await self.ledgers.look(account, look)
        raised: list[AlertRaised] = []
        if known.left:
            return raised
        for alert in known.alerts.values():
            watched = Watched(known, current, alert, entries, after)
            for span in watched.spans():
                before = await asyncio.to_thread(self._before, watched, span, upto)
                for crossing in watched.crossings(span, before):
                    raised += await self._raise(account, alert.id, crossing)
        return raised

    def _before(self, watched: Watched, span: Period, upto: int) -> dict[str, int]:
        """The sums at the mark: those of the views, less all facts since."""
        account, alert = watched.account.id, watched.alert
        position, sums = self.sums.within(account, alert.scope, alert.window, span)
        later = self._read(upto, position, account)[0] if position > upto else []
        found = dict(sums)
        for one in (*watched.entries, *later):
            if one.position <= position:
                _add(found, watched.adds(one, span), -1)
        return found

    async def _raise(self, account: str, alert: str, crossing: Crossing) -> list[AlertRaised]:
        """Tell of a threshold, unless that was done."""

        def decide(ledger: Ledger, now: int) -> list[Fact]:
            return raise_alert(ledger, account, alert, crossing, now)

        alarm = alarm_name(account, alert, crossing.span.start, crossing.threshold.name)
        receipt = await self.writer.put(Proposal(account, decide, alarm=alarm, actor=str(self.actor)))
        raised = [fact for fact in receipt.facts if isinstance(fact, AlertRaised)]
        for one in raised:
            reached = threshold_in_words(one.threshold, one.measure, one.currency)
            LOGGER.warning("alert %s of account %s: %s reached %s", one.alert, account, one.measure, reached)
        return raised


@dataclass(frozen=True, slots=True)
class Watched:
    """One alert of an account, and the account's facts since the mark."""

    account: Account
    current: Period
    alert: Alert
    entries: Sequence[WatchedFact]
    mark: int

    def spans(self) -> list[Period]:
        """Each span that a fact is of, in their order."""
        return sorted({self.span_of(one.fact) for one in self.entries})

    def span_of(self, fact: Fact) -> Period:
        """The span in which a fact counts; of a change of terms the one in which it was made."""
        if self.alert.window == Window.PERIOD:
            return counts_in(fact) if isinstance(fact, MONEY) else self.current
        return span_at(Window(self.alert.window), self.account.zone, fact.at)

    def adds(self, one: WatchedFact, span: Period) -> Mapping[str, int]:
        """The amounts that a fact adds to the sums of the span."""
        if not isinstance(one.fact, MONEY) or self.span_of(one.fact) != span:
            return NOTHING
        return added_by(one.fact, self.alert.scope)

    def crossings(self, span: Period, before: Mapping[str, int]) -> Iterator[Crossing]:
        """The thresholds that were reached, each as often as it was; from when there was the alert on."""
        sums, alert = dict(before), self.alert
        limit = self._limit()
        begins = next((one.position for one in self.entries if self._sets(one.fact, new=True)), self.mark)
        value = value_of(alert.measure, sums)
        reached = {one for one in alert.thresholds if has_reached(alert, one, value, limit)}
        for one in self.entries:
            _add(sums, self.adds(one, span), 1)
            value = value_of(alert.measure, sums)
            now = {some for some in alert.thresholds if has_reached(alert, some, value, limit)}
            looks_anew = self.span_of(one.fact) == span and (self._sets(one.fact) or isinstance(one.fact, LIMITING))
            if value is not None and one.position >= begins:
                for threshold in _in_order(now if looks_anew else now - reached, alert):
                    yield Crossing(threshold, span, one.position, one.fact.at, value, limit)
            reached = now

    def _sets(self, fact: Fact, *, new: bool = False) -> bool:
        ours = isinstance(fact, AlertSet) and fact.alert == self.alert.id
        return ours and (not new or fact.at == self.alert.since)

    def _limit(self) -> int | None:
        if self.alert.measure == FAILURE_RATE:
            return None
        return self.account.limit(self.alert.scope, self.alert.measure, self.alert.window)


def _in_order(found: set[Threshold], alert: Alert) -> list[Threshold]:
    return [one for one in alert.thresholds if one in found]


def _add(sums: dict[str, int], more: Mapping[str, int], sign: int) -> None:
    for name, amount in more.items():
        sums[name] = sums.get(name, 0) + sign * amount


def _whose(one: WatchedFact) -> str:
    fact = one.fact
    return fact.operation.account if isinstance(fact, OperationFact) else fact.account
