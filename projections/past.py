"""The views as they were at a moment: folded anew from the facts up to there, and asked as ever.

of one account    its streams alone, by the log's index
of all accounts   the log up to there
sums              from the last milestone before on
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import TypeVar

from sqlalchemy import literal, select

from application.ledger.facts import MOST
from application.ledger.moments import Moment, PastReader
from application.ledger.reader import LogFilter
from domain.errors import InvalidInput
from domain.pseudonyms import ErasedUsers
from projections.assetsums import AssetSum, asset_sums
from projections.engine import asking
from projections.engine.asking import Found
from projections.engine.columns import ViewRow
from projections.engine.database import FactSource
from projections.engine.filters import ViewFilter
from projections.engine.folding import LogRow
from projections.engine.milestones import (
    EVERYBODY,
    SPAN,
    Milestone,
    MilestoneRows,
    MilestoneStore,
    fill,
    may_begin,
    pack,
    shape_of_milestones,
    summing,
    unpack,
)
from projections.engine.scratch import READ, Scratch, read_by
from projections.engine.view import AnyView, View
from projections.lineage import KinRows, ancestors, descendants
from projections.summing import SumQuestion, UsageSums, sum_up
from projections.trialbalance import TrialBalance, trial_balance
from projections.views import ALL
from projections.views.assets import ASSETS, AssetFilter, AssetRow
from projections.views.books import BOOKS, BookFilter
from projections.views.links import LINKS
from projections.views.operations import OPERATIONS, OperationFilter, OperationRow
from projections.views.quarters import QUARTERS

Row = TypeVar("Row", bound=ViewRow)
Filter = TypeVar("Filter", bound=ViewFilter)


@dataclass(frozen=True, slots=True)
class PastViews:
    """All of it blocks. Raises ViewStopped for a fact that cannot be folded, StoreUnavailable."""

    past: PastReader
    source: FactSource
    milestones: MilestoneStore
    erased: Callable[[], ErasedUsers] = ErasedUsers
    span: int = SPAN

    def find(
        self,
        view: View[Row, Filter],
        wanted: Filter,
        moment: Moment,
        *,
        after: str | None = None,
        limit: int | None = None,
    ) -> Found[Row]:
        """As `Views.find`, of the view as it was. Raises InvalidInput for a word or a cursor that there is not."""
        if getattr(wanted, "tag", None) is not None:
            raise InvalidInput("as_of", "tags have no past", hint="leave it out, or the tag")
        with self._opened(view, getattr(wanted, "account", None), moment) as scratch:
            return asking.find_rows(scratch, view, wanted, after, limit)

    def sum_up(
        self, asked: SumQuestion, moment: Moment, *, after: str | None = None, limit: int | None = None
    ) -> UsageSums:
        """As `Views.sum_up`, of what was known then. Raises InvalidInput for tags, which have no past."""
        if asked.asks_tags:
            told = "tags have no past, as they can be erased"
            raise InvalidInput("as_of", told, hint="leave it out, or the tags")
        with self._opened(QUARTERS, asked.wanted.account, moment, OPERATIONS, sums=True) as scratch:
            return sum_up(scratch, asked, after, limit)

    def balance(self, wanted: BookFilter, moment: Moment) -> TrialBalance:
        """The trial balance as it was."""
        with self._opened(BOOKS, wanted.account, moment) as scratch:
            return trial_balance(scratch, wanted)

    def kin(self, account: str, id: str, moment: Moment) -> tuple[AssetRow, KinRows, KinRows] | None:
        """An asset with its ancestors and its descendants as they were; None if it was not there."""
        with self._opened(ASSETS, account, moment, LINKS) as scratch:
            rows = asking.find_rows(scratch, ASSETS, AssetFilter(account=account, among=(select(literal(id)),))).rows
            return (rows[0], ancestors(scratch, account, id), descendants(scratch, account, id)) if rows else None

    def asset_sums(self, wanted: AssetFilter, moment: Moment) -> list[AssetSum]:
        """Sums over an account's assets as they were. Raises InvalidInput for a word that there is not."""
        with self._opened(ASSETS, wanted.account, moment, LINKS) as scratch:
            return [*asset_sums(scratch, wanted)]

    def operations(self, ids: Sequence[str], moment: Moment) -> list[OperationRow]:
        """Some operations as they were, each from its own facts; those that were not asked for yet are left out."""
        found = self.source.reader.read(0, MOST, LogFilter(upto=moment.position, operations=tuple(ids)))
        links = [(one.position, one.link) for one in found]
        with closing(Scratch(read_by(OPERATIONS, ALL), self.source.codec, self.erased())) as scratch:
            scratch.fold((at, link.topic, link.originator_version, link.state.decode()) for at, link in links)
            return asking.find_rows(scratch, OPERATIONS, OperationFilter()).rows

    def holds(self, account: str, moment: Moment) -> list[OperationRow]:
        """The operations that held something, the newest first."""
        with self._opened(OPERATIONS, account, moment, sums=True) as scratch:
            rows = asking.find_rows(scratch, OPERATIONS, OperationFilter(account=account)).rows
        return [row for row in rows if row.held]

    @contextmanager
    def _opened(
        self, view: AnyView, account: str | None, moment: Moment, *others: AnyView, sums: bool = False
    ) -> Iterator[Scratch]:
        """A view and those that it reads, as the facts up to a moment make them: of one account, or of all.

        It begins at a milestone if that has all of its rows, or all that are asked for, as with `sums`. Erased users
        are asked for before the milestone is, so that none made of it is kept if it may name one of them.
        """
        story, erased = PastFacts(self.past, self.source, account, moment), self.erased()
        begin = self._nearest(story) if sums or all(map(may_begin, (view, *others))) else None
        is_far = begin is not None and story.length - begin.length > self.span
        views = summing(ALL) if is_far else tuple({*read_by(view, ALL), *others})
        with closing(Scratch(views, self.source.codec, erased)) as scratch:
            if begin is None:
                scratch.fold(story.facts(LOG_START))
            else:
                fill(scratch, begin.body)
                self._go_on(scratch, story, begin) if is_far else scratch.fold(story.facts(begin))
            scratch.stand_at(moment.position)
            yield scratch

    def _nearest(self, story: PastFacts) -> PastStart:
        """The last milestone before, if it is of this log and of these views; else the log's beginning."""
        found = self.milestones.nearest(story.scope, story.moment.position)
        if found is None:
            return LOG_START
        is_ours = found.shape == shape_of_milestones(ALL) and self.past.hash_at(found.position) == found.hash
        body = unpack(found) if is_ours else None
        if body is None:
            self.milestones.forget(story.scope)
            return LOG_START
        return PastStart(found.position, body)

    def _go_on(self, scratch: Scratch, story: PastFacts, begin: PastStart) -> None:
        """Fold the facts from there on, with a milestone now and then for the next who asks."""
        facts, room = story.facts(begin), self.span
        while some := list(islice(facts, room)):
            scratch.fold(some)
            if len(some) == room:
                milestone, rows = self._milestone(scratch, story, some[-1][0])
                self.milestones.keep(milestone, len(scratch.erased))
                room = max(self.span, rows)

    def _milestone(self, scratch: Scratch, story: PastFacts, position: int) -> tuple[Milestone, int]:
        body, rows = pack(scratch, story.ends(position))
        return Milestone(story.scope, position, self.past.hash_at(position), shape_of_milestones(ALL), body), rows


@dataclass(frozen=True, slots=True)
class PastStart:
    """The place where folding begins, and what is there already."""

    position: int
    body: MilestoneRows

    @property
    def length(self) -> int:
        """How many facts are before it."""
        return sum(self.body.ends.values()) or self.position


LOG_START = PastStart(0, MilestoneRows({}, {}))


class PastFacts:
    """The facts of one account, or of all, up to a moment."""

    def __init__(self, past: PastReader, source: FactSource, account: str | None, moment: Moment) -> None:
        self._past, self._source = past, source
        self.account, self.moment = account, moment
        self.scope = EVERYBODY if account is None else account
        self._ends = self.ends(moment.position)

    @property
    def length(self) -> int:
        """How many there are; of all, no more than that."""
        return sum(self._ends.values()) if self.account is not None else self.moment.position

    def ends(self, position: int) -> Mapping[str, int]:
        """The versions of the account's streams at a position; none, if it is of all accounts."""
        return {} if self.account is None else self._past.ends_at(self.account, position)

    def facts(self, begin: PastStart) -> Iterator[LogRow]:
        """Those after a beginning, in the order of the log."""
        if self.account is None:
            return self._of_all(begin.position)
        before = begin.body.ends
        return merge(*(self._past.rows(one, before.get(one, 0), upto) for one, upto in self._ends.items()))

    def _of_all(self, last: int) -> Iterator[LogRow]:
        while page := self._source.reader.states(last, self.moment.position, READ):
            yield from page
            last = page[-1][0]
