"""The past of a ledger: accounts, limits and views as of a moment.

async with open_studio() as studio:
    then = await studio.past.account("acme", "2026-04-10T12:00:00Z")
    rows = await studio.past.rows(USAGE, UsageFilter(account="acme"), 1200)
"""

from __future__ import annotations

from asyncio import Semaphore, to_thread
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from application.keeping.accountviews import AccountReader, AccountView, LimitsView
from application.keeping.comparing import COUNTS, AccountDifference, ModelChange, account_figures, models_between
from application.keeping.history import HistoryEntry, differing, history_of, terms_of
from application.ledger.log import Codec
from application.ledger.looking import LedgerReader
from application.ledger.moments import Moment, is_position, moment_of
from domain.advice import Advice
from domain.errors import InvalidInput, UnknownAccount, UnknownAsset
from domain.ledger import Ledger, known_account
from infrastructure.settings import Settings
from infrastructure.showing.formats import UTC_NAME, instant_of
from infrastructure.showing.moments import moment_text
from infrastructure.store.database import Database
from infrastructure.store.milestones import SqlMilestones
from infrastructure.store.past import PastReadings, SqlPast
from infrastructure.store.reader import SqlReader
from projections.engine.database import FactSource
from projections.past import PastViews

if TYPE_CHECKING:
    from application.library.lineage import Lineage
    from application.library.records import AssetPage, AssetQuery, LibraryTotals
    from infrastructure.explaining import Explainer, Explanation
    from projections.engine.asking import Found
    from projections.engine.columns import ViewRow
    from projections.engine.filters import ViewFilter
    from projections.engine.view import View
    from projections.summing import SumQuestion, UsageSums
    from projections.trialbalance import TrialBalance
    from projections.views.operations import OperationRow

    Row = TypeVar("Row", bound=ViewRow)
    Filter = TypeVar("Filter", bound=ViewFilter)

NEWEST = "newest"
AT_ONCE = 2
"""Foldings that go on at the same time in a process."""
KEPT = 200
"""Moments of accounts that are remembered with what was used, held and left."""

When: TypeAlias = "int | str | Moment"
"""A position of the log, a day or an instant in ISO 8601, or a moment that was found before."""


@dataclass(frozen=True, slots=True)
class Past:
    """All that was. A correction that came later is not in it. Raises InvalidInput for what is no moment."""

    reader: SqlPast
    views: PastViews
    codec: Codec
    clock: Callable[[], int]
    turns: Semaphore = field(default_factory=lambda: Semaphore(AT_ONCE), compare=False)
    """Whoever waits for a turn keeps no thread from others."""
    _kept: dict[Hashable, tuple[AccountView, LimitsView]] = field(default_factory=dict, compare=False)

    async def moment(self, as_of: When, account: str | None = None, zone: str = UTC_NAME) -> Moment:
        """The moment, of an account's facts or of all; an instant without an offset is meant in the zone."""
        if isinstance(as_of, Moment):
            return as_of
        instant = None if isinstance(as_of, int) or is_position(as_of) else instant_of(as_of, zone, "as_of")
        return await to_thread(moment_of, self.reader, account, as_of, instant, self.clock())

    async def account(self, account: str, as_of: When) -> AccountView:
        """The account as it was: plan, balance, limits, and what was used, held and left. Raises UnknownAccount."""
        return await (await self._accounts(account, as_of)).show(account)

    async def limits(self, account: str, as_of: When) -> LimitsView:
        """All limits that held, with what was used, held and left of each. Raises UnknownAccount."""
        return await (await self._accounts(account, as_of)).limits(account)

    async def standing(self, account: str, moment: Moment) -> tuple[AccountView, LimitsView]:
        """Both of them, read once a process as long as nobody is erased: nothing else changes there any more.

        Raises UnknownAccount.
        """
        key = account, moment.position, moment.at, len(await to_thread(self.reader.database.erased))
        found = self._kept.get(key)
        if found is None:
            accounts = await self._accounts(account, moment)
            found = await accounts.show(account), await accounts.limits(account)
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = found
        return found

    async def find(
        self,
        view: View[Row, Filter],
        wanted: Filter,
        as_of: When,
        *,
        after: str | None = None,
        limit: int | None = None,
    ) -> Found[Row]:
        """Rows of a view as it was, as `Views.find` finds those of now."""
        moment = await self.moment(as_of, getattr(wanted, "account", None))
        async with self.turns:
            return await to_thread(self.views.find, view, wanted, moment, after=after, limit=limit)

    async def rows(self, view: View[Row, Filter], wanted: Filter, as_of: When) -> list[Row]:
        """All rows that are wanted, as `find` does."""
        return (await self.find(view, wanted, as_of)).rows

    async def sum_up(
        self, asked: SumQuestion, as_of: When, *, after: str | None = None, limit: int | None = None
    ) -> UsageSums:
        """Usage and money in groups as they were, as `Views.sum_up` sums up those of now; not by tags.

        Raises InvalidInput.
        """
        moment = await self.moment(as_of, asked.wanted.account)
        async with self.turns:
            return await to_thread(self.views.sum_up, asked, moment, after=after, limit=limit)

    async def assets(
        self, account: str, wanted: AssetQuery, as_of: When, *, after: str | None = None, limit: int | None = None
    ) -> AssetPage:
        """The account's assets as they were, the newest first; people's words about them have no past."""
        from infrastructure.shelves import asset_filter, asset_page
        from projections.views.assets import ASSETS

        _refuse_words(wanted)
        return asset_page(await self.find(ASSETS, asset_filter(account, wanted), as_of, after=after, limit=limit))

    async def statistics(self, account: str, wanted: AssetQuery, as_of: When) -> LibraryTotals:
        """How many assets there were, how large, and what they cost. Raises as `assets`."""
        from infrastructure.shelves import asset_filter, library_totals

        _refuse_words(wanted)
        moment = await self.moment(as_of, account)
        async with self.turns:
            found = await to_thread(self.views.asset_sums, asset_filter(account, wanted), moment)
        return library_totals(found, None)

    async def lineage(self, account: str, asset: str, as_of: When) -> Lineage:
        """Ancestors and descendants of an asset as they were, and what they had cost. Raises UnknownAsset."""
        from infrastructure.shelves import lineage_in

        moment = await self.moment(as_of, account)
        async with self.turns:
            found = await to_thread(self.views.kin, account, asset, moment)
        if found is None:
            told = f"there was no asset {asset!r} at {moment_text(moment)}"
            raise UnknownAsset(told, hint=Advice("asset.list"))
        return lineage_in(*found)

    async def operations(self, ids: Sequence[str], as_of: When, account: str | None = None) -> list[OperationRow]:
        """Rows of the operation log as they were, of those of an account's operations that had been asked for."""
        moment = await self.moment(as_of, account)
        return await to_thread(self.views.operations, ids, moment)

    async def balance(
        self, as_of: When, account: str | None = None, at: int | None = None, currency: str | None = None
    ) -> TrialBalance:
        """The trial balance as it was, as `Books.balance` has that of now."""
        from projections.views.books import BookFilter

        moment = await self.moment(as_of, account)
        async with self.turns:
            return await to_thread(self.views.balance, BookFilter(account=account, at=at, currency=currency), moment)

    async def holds(self, account: str, as_of: When | None = None) -> list[OperationRow]:
        """The account's operations that held something, or do now, the newest first."""
        when = await to_thread(self.reader.end) if as_of is None else as_of
        moment = await self.moment(when, account)
        async with self.turns:
            return await to_thread(self.views.holds, account, moment)

    async def history(self, account: str, *, amounts: bool = True) -> list[HistoryEntry]:
        """Who changed what of the account, from what to what, when and why; without `amounts` its terms alone.

        Raises UnknownAccount.
        """
        end = await to_thread(self.reader.end)
        return await to_thread(partial(history_of, self.reader, self.codec, account, end, amounts=amounts))

    async def difference(self, account: str, since: When, until: When | None = None) -> AccountDifference:
        """All that changed from one moment to a later one, or to now. Raises UnknownAccount, InvalidInput."""
        before = await self.moment(since, account)
        after = await self.moment(await to_thread(self.reader.end) if until is None else until, account)
        if after.position < before.position:
            raise InvalidInput("until", f"{moment_text(after)} is before {moment_text(before)}")
        terms = [await self._terms(account, moment) for moment in (before, after)]
        figures = [account_figures(await self.account(account, moment)) for moment in (before, after)]
        models = [await self._models(account, moment) for moment in (before, after)]
        told = (tuple(differing(*terms)), tuple(differing(*figures)), models_between(*models))
        return AccountDifference(account, before, after, *told)

    async def why(self, operation: str, account: str | None = None) -> list[Explanation]:
        """Why an operation, or each of a batch, came out as it did. Raises UnknownOperation."""
        return await self._explainer.of(operation, account)

    async def refusals(self, account: str, key: str | None = None) -> list[Explanation]:
        """Why the account was refused under an idempotency key, or the last times, as far as its views are.

        Raises InvalidInput, UnknownAccount.
        """
        if not await to_thread(self.reader.ends_at, account, await to_thread(self.reader.end)):
            raise UnknownAccount(f"no account {account!r}", hint=Advice("account.open", account=account))
        return await self._explainer.refusals(account, key)

    @property
    def _explainer(self) -> Explainer:
        from infrastructure.explaining import Explainer

        return Explainer(self, self.codec)

    async def _terms(self, account: str, moment: Moment) -> dict[str, str]:
        def look(ledger: Ledger, _now: int) -> dict[str, str]:
            return terms_of(known_account(ledger, account))

        return await (await self._accounts(account, moment)).ledgers.look(account, look)

    async def _models(self, account: str, moment: Moment) -> list[ModelChange]:
        """The work of each model, day by day."""
        from projections.views.spend import SPEND, SpendFilter

        rows = await self.rows(SPEND, SpendFilter(account=account), moment)
        return [
            ModelChange(row.model, row.provider, row.currency, *(getattr(row, name) for name in COUNTS)) for row in rows
        ]

    async def _accounts(self, account: str, as_of: When) -> AccountReader:
        moment = await self.moment(as_of, account)
        if not await to_thread(self.reader.ends_at, account, moment.position):
            raise UnknownAccount(
                f"account {account!r} was not there at {moment_text(moment)}", hint="take a later moment"
            )
        readings = PastReadings(self.reader, moment.position)
        return AccountReader(LedgerReader(readings, self.codec, lambda: moment.at))


def _refuse_words(wanted: AssetQuery) -> None:
    if wanted.sort != NEWEST or wanted.favourite or wanted.text or wanted.tag or wanted.collection:
        told = "the past is asked by none of people's words, and the newest come first"
        raise InvalidInput("as_of", told, hint="leave out text, tag, favourite, collection and sort")


def past_of(settings: Settings, database: Database, codec: Codec, clock: Callable[[], int]) -> Past:
    """The past of a ledger, on a database that may be written to or not."""
    reader, milestones = SqlPast(database), SqlMilestones(database, partial(_writer, settings, database))
    return Past(
        reader, PastViews(reader, FactSource(SqlReader(database), codec), milestones, database.erased), codec, clock
    )


@contextmanager
def _writer(settings: Settings, known: Database) -> Iterator[Database]:
    """The database for whoever keeps a milestone. Raises StoreUnavailable."""
    if not known.reading:
        yield known
        return
    with closing(Database(settings.database, lock_seconds=settings.lock_seconds, archive=settings.archive)) as database:
        yield database
