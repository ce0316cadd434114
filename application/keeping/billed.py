"""Bills of an account, read from the log: its periods, and their statements worked out anew each time.

    account's stream ── BilledAccount: terms, closings, what was issued and voided
    a period's stream ── up to its closing, or to its end today ── Statement

Nothing is kept beside the log, so a statement of ten years ago is worked out as it was on its day: also with the users
who were erased by then, and no others, under their pseudonyms. A process remembers the last ones by the hash that their
chain ends with.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from application.keeping.forms import Content, content_digest, content_of
from application.ledger.log import Codec, Head, Link
from application.ledger.reader import StreamReader
from domain import account as accounts
from domain.account import Account
from domain.advice import Advice
from domain.billing import BillingFact, PeriodClosed, StatementIssued, StatementVoided, UnknownPeriod
from domain.booking import GoodwillGiven, UsageBooked
from domain.closing import period_name
from domain.errors import InvalidInput, LogCorrupted, UnknownAccount
from domain.ledger import CreditAdded, Fact, PeriodOpened, PeriodResumed, account_stream, period_stream
from domain.operation import Adjusted, Charged, Released, Requested, Rerouted, Validated
from domain.periods import Period
from domain.pseudonyms import hide_in_statement
from domain.statement import Statement, StatementFold
from domain.wallet import ChargedBack, GrantEnded, GrantGiven, GrantRevoked, GrantsCarried, SubscriptionCharged

PAGE = 2_000
MOST_KNOWN = 1_000
SUMMED = (
    *(PeriodOpened, PeriodResumed, CreditAdded, UsageBooked, GoodwillGiven),
    *(Charged, Released, Adjusted),
    *(SubscriptionCharged, GrantGiven, GrantEnded, GrantRevoked, GrantsCarried, ChargedBack),
)
"""The facts that a statement is of, beside those that hold."""
BEGINNING = (Requested,)
"""Facts that are read for what the others leave out: one after the other they cost less than to be looked for."""
HOLDING, SETTLING = (Validated, Rerouted), (Charged, Released)


@dataclass(slots=True)
class BilledAccount:
    """An account with its closings by the period's beginning, and its statements by number.

    `erased` are the pseudonyms that were known when a statement was issued, by its number, and `voiders` who voided.
    """

    terms: Account
    closings: dict[int, PeriodClosed] = field(default_factory=dict)
    issued: dict[int, StatementIssued] = field(default_factory=dict)
    voided: dict[int, StatementVoided] = field(default_factory=dict)
    erased: dict[int, Mapping[str, str]] = field(default_factory=dict)
    voiders: dict[int, str] = field(default_factory=dict)

    def note(self, fact: BillingFact, actor: str) -> None:
        match fact:
            case PeriodClosed():
                self.closings[fact.period.start] = fact
            case StatementIssued():
                self.issued[fact.number] = fact
                self.erased[fact.number] = self.terms.erased
            case StatementVoided():
                self.voided[fact.number], self.voiders[fact.number] = fact, actor

    def zone_of(self, period: Period) -> str:
        """The zone whose days a period's are: as it was closed, or the account's."""
        closed = self.closings.get(period.start)
        return self.terms.zone if closed is None else closed.zone

    def name_of(self, period: Period) -> str:
        return period_name(period, self.zone_of(period))

    def erased_for(self, number: int | None) -> Mapping[str, str]:
        """The pseudonyms that a statement is shown with: of the erased of today, or of those when it was issued."""
        return self.terms.erased if number is None else self.erased[number]

    def shown(self, read: Statement, number: int | None = None) -> Statement:
        """A statement as it is shown."""
        return hide_in_statement(read, self.erased_for(number))


Worked = tuple[str, Head, str, int | None, int]
"""All that a statement follows from: its stream, up to where and with which hash, the zone, and what it opens with."""


Folded = tuple[Head, StatementFold]
"""A stream up to an entry, with whatever was held there."""
Told = tuple[Statement, Content, str]
"""A statement as it is shown, its content, and the digest of that."""


@dataclass(slots=True, eq=False)
class WorkedOut:
    """The last statements that were worked out: the same chain up to the same end is the same statement, and one that
    goes on from there begins with what was added up.
    """

    most: int = 32
    lines: int = 2_000
    """A statement of more lines is not kept, nor is one with more open holds, or costs that nobody knows."""
    kept: OrderedDict[Worked, Statement] = field(default_factory=OrderedDict)
    told: OrderedDict[Hashable, Told] = field(default_factory=OrderedDict)
    folds: OrderedDict[str, Folded] = field(default_factory=OrderedDict)
    """By stream; none of them is changed any more."""
    grants: dict[tuple[str, Head], bool] = field(default_factory=dict)
    """Whether streams up to an end say anything of grants."""
    reading: dict[str, int] = field(default_factory=dict)
    """Up to which version each stream is read that is being read now."""

    def get(self, of: Worked) -> Statement | None:
        return self.kept.get(of)

    def put(self, of: Worked, statement: Statement, fold: StatementFold) -> None:
        if sum(map(len, statement.lines)) > self.lines:
            return
        self._keep(self.kept, of, statement)
        if max(len(fold.holds), len(fold.unknown), len(fold.credits)) <= self.lines:
            self._keep(self.folds, of[0], (of[1], fold))

    def content(self, read: Statement, form: int, erased: Mapping[str, str]) -> Told:
        """A statement as it is shown to whoever may not see the erased, in a form."""
        ends = (read.account, read.period.start, read.version, read.head, read.zone, read.opening, read.granted)
        key = (ends, form, frozenset(erased.items()))
        known = self.told.get(key)
        if known is None:
            known = told_of(read, form, erased)
            if sum(map(len, read.lines)) <= self.lines:
                self._keep(self.told, key, known)
        return known

    def _keep(self, kept: OrderedDict[Any, Any], key: Hashable, what: object) -> None:
        kept[key] = what
        while len(kept) > self.most:
            with suppress(KeyError):  # another thread may take the last one
                kept.popitem(last=False)


def told_of(read: Statement, form: int, erased: Mapping[str, str]) -> Told:
    shown = hide_in_statement(read, erased)
    content = content_of(shown, form)
    return shown, content, content_digest(content)


@dataclass(frozen=True, slots=True)
class BilledReader:
    """Reads what was billed; blocking. Without `worked` it reads all of it each time."""

    streams: StreamReader
    codec: Codec
    worked: WorkedOut | None = None

    def account(self, account: str) -> BilledAccount:
        """The account as its own stream tells it. Raises UnknownAccount, LogCorrupted."""
        found: BilledAccount | None = None
        stream = account_stream(account)
        for link in self._entries(stream, self.streams.end_of(stream).version, ()):
            fact = self.codec.decode(link.topic, link.state)
            if not isinstance(fact, accounts.AccountFact):
                raise LogCorrupted(f"stream {link.originator_id} holds {link.topic}", hint=Advice("log.audit"))
            terms = accounts.evolve(None if found is None else found.terms, fact)
            if found is None:
                found = BilledAccount(terms)
            found.terms = terms
            if isinstance(fact, BillingFact):
                found.note(fact, link.actor)
        if found is None:
            raise UnknownAccount(f"no account {account!r}", hint=Advice("account.open", account=account))
        return found

    def periods(self, account: str) -> list[Period]:
        """Every period of the account that has facts, in order."""
        return [*self.openings(account)]

    def openings(self, account: str) -> dict[Period, int]:
        """The same, with the instant at which each was opened."""
        opened = [self.codec.decode(link.topic, link.state) for link in self.streams.ledgers_of(account)]
        return {fact.period: fact.at for fact in opened if isinstance(fact, PeriodOpened)}

    def find(self, billed: BilledAccount, name: str | None) -> Period:
        """The period of a name, such as 2026-04-01, or 2026-04 if one alone begins in that month; without a name the
        first that is not closed. Raises UnknownPeriod.
        """
        periods, id = self.periods(billed.terms.id), billed.terms.id
        names = {period: billed.name_of(period) for period in periods}
        if name is None:
            chosen = [period for period in periods if not billed.terms.billing.is_closed(period)][:1]
            if not periods:
                raise UnknownPeriod(f"nothing was asked of account {id!r} yet, so that it has no period")
            if not chosen:
                raise UnknownPeriod(f"every period of account {id!r} is closed", hint="name one")
            return chosen[0]
        chosen = [one for one in periods if names[one] == name] or [one for one in periods if names[one][:7] == name]
        if len(chosen) > 1:
            raise InvalidInput("period", f"{name!r} may be {' or '.join(names[one] for one in chosen)}")
        if not chosen:
            told = f"account {id!r} has no billing period {name!r}"
            raise UnknownPeriod(told, hint=Advice("period.list", account=id))
        return chosen[0]

    def statement(self, billed: BilledAccount, period: Period) -> Statement:
        """The period's statement, with users as the log names them: of a closed one for ever the same, else as its
        stream ends now.
        """
        closed, stream = billed.closings.get(period.start), period_stream(billed.terms.id, period)
        opening, granted = self._opening(billed, period) if closed is None else _opened_with(closed)
        end = self.streams.end_of(stream) if closed is None else Head(closed.version, bytes.fromhex(closed.head))
        zone = billed.zone_of(period)
        of = (stream, end, zone, opening, granted)
        if self.worked is not None and (known := self.worked.get(of)) is not None:
            return known
        try:
            fold = self._continued(stream, end) or self._folded(stream, period, end)
        finally:
            if self.worked is not None:
                self.worked.reading.pop(stream, None)
        found = fold.finish(billed.terms.id, zone, end.version, end.hash.hex(), opening, granted)
        if self.worked is not None:
            self.worked.put(of, found, fold)
        return found

    def unread(self, billed: BilledAccount, period: Period) -> tuple[int, int]:
        """How many entries of a period's stream a look at its statement would read now, and how many of them it has."""
        closed, stream = billed.closings.get(period.start), period_stream(billed.terms.id, period)
        end = self.streams.end_of(stream).version if closed is None else closed.version
        known = None if self.worked is None else self.worked.folds.get(stream)
        before = 0 if known is None or known[0].version > end else known[0].version
        return end - before, 0 if self.worked is None else self.worked.reading.get(stream, 0)

    def told(self, billed: BilledAccount, read: Statement, form: int, number: int | None = None) -> Told:
        """A statement as it is shown: with the erased of today, or with those who were when it was issued."""
        erased = billed.erased_for(number)
        return told_of(read, form, erased) if self.worked is None else self.worked.content(read, form, erased)

    def _folded(self, stream: str, period: Period, end: Head) -> StatementFold:
        """All of a stream up to an end, but for holds that were settled by then."""
        fold = StatementFold(period)
        for topic, state in self._told(stream, 0, end.version, (*SUMMED, *BEGINNING)):
            fold.add(self.codec.decode(topic, state.encode()))
        for link in self._open_holds(stream, end.version):
            fold.add(self.codec.decode(link.topic, link.state))
        return fold

    def _continued(self, stream: str, end: Head) -> StatementFold | None:
        """The same from where it was read before on; None if it was not, or the chain is another."""
        known = None if self.worked is None else self.worked.folds.get(stream)
        if known is None or known[0].version > end.version:
            return None
        before = known[0].version
        links = self.streams.entries(stream, before - 1, before, 1, ())
        if not links or links[0].hash != known[0].hash:
            return None
        fold = known[1].copy()
        for topic, state in self._told(stream, before, end.version, (*SUMMED, *HOLDING)):
            fold.add(self.codec.decode(topic, state.encode()))
        return fold

    def _opening(self, billed: BilledAccount, period: Period) -> tuple[int | None, int]:
        """The balance of a prepaid account and all grants before a period that is not closed, as those before leave
        them."""
        before = [one for one in self.periods(billed.terms.id) if one.start < period.start]
        between = [one for one in before if not billed.terms.billing.is_closed(one)]
        streams = (period_stream(billed.terms.id, one) for one in between)
        if between and (billed.terms.prepaid or any(map(self._has_grants, streams))):
            left = self.statement(billed, between[-1])
            return left.closing, left.left_of_grants
        billing = billed.terms.billing
        return billing.closing if billed.terms.prepaid else None, billing.granted

    def _has_grants(self, stream: str) -> bool:
        """Whether a period's stream says anything of grants; most accounts have none, and their streams are long."""
        end, known = self.streams.end_of(stream), {} if self.worked is None else self.worked.grants
        if (stream, end) not in known:
            names = [name for shape in (GrantGiven, GrantsCarried) for name in self.codec.names_of(shape)]
            if len(known) > MOST_KNOWN:
                known.clear()
            known[stream, end] = bool(self.streams.entries(stream, 0, end.version, 1, names))
        return known[stream, end]

    def _told(self, stream: str, after: int, upto: int, shapes: Sequence[type[Fact]]) -> Iterator[tuple[str, str]]:
        """Names and states of the facts that a statement is of, above a version."""
        topics, beginning = self._names(shapes), {*self._names(BEGINNING)}
        while page := self.streams.bare(stream, after, upto, PAGE, topics):
            if self.worked is not None:
                self.worked.reading[stream] = after
            yield from ((topic, state) for _, topic, state in page if topic not in beginning)
            after = page[-1][0]
            if len(page) < PAGE:
                return

    def _open_holds(self, stream: str, upto: int) -> list[Link]:
        """The holds of operations that are not settled up to a version, in order."""
        held = self.streams.unsettled_in(stream, upto, self._names(HOLDING), self._names(SETTLING))
        found = self.streams.entries_about(held, self._names(HOLDING))
        return [one for one in found if one.originator_id == stream and one.originator_version <= upto]

    def _names(self, shapes: Sequence[type[Fact]]) -> list[str]:
        return [name for shape in shapes for name in self.codec.names_of(shape)]

    def _entries(self, stream: str, upto: int, topics: Sequence[str]) -> Iterator[Link]:
        after = 0
        while page := self.streams.entries(stream, after, upto, PAGE, topics):
            yield from page
            after = page[-1].originator_version
            if len(page) < PAGE:
                return


def _opened_with(closed: PeriodClosed) -> tuple[int | None, int]:
    """The balance and the rest of grants that a closed period began with."""
    return closed.opening, 0 if closed.granted is None else closed.granted[0]
