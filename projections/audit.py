"""Everything beside the log is held against it, and made anew from it; all of it blocks, so call it in a thread.

           holds against the log           makes anew
chains     verify
tables     differences                     mend
assets     asset_ids
bills      bills
views      compare                         rebuild
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from application.keeping.chains import ChainReader, verify_chains
from application.keeping.walking import Problem
from application.ledger.log import Codec
from projections.engine.database import FactSource, ViewDatabase
from projections.queries import Views
from projections.views import ALL

if TYPE_CHECKING:
    from application.keeping.billcheck import WrongBill
    from application.keeping.tables import Discrepancy, Ground
    from application.library.naming import AssetNames
    from projections.bookcheck import WrongBalance
    from projections.engine.comparison import RunningComparison
    from projections.engine.replay import Replay


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Proves what stands beside the log; `open_source` opens the log for another process that reads it, and `names`
    gives the names of assets by the ledger's key."""

    database: ViewDatabase
    reader: ChainReader
    codec: Codec
    views: Views
    ground: Callable[[], Ground]
    open_source: Callable[[], FactSource]
    names: Callable[[], AssetNames]
    forget_milestones: Callable[[], None] = lambda: None
    segments: Callable[[], Iterator[Problem]] = lambda: iter(())
    """Whatever is amiss with the files of archived facts, without which the chains cannot be read."""

    def verify(self, account: str | None = None) -> Iterator[Problem]:
        """Check the archive, the hash chains and what must agree with them. Yields nothing where all is well."""
        damaged = [*self.segments()]
        return iter(damaged) if damaged else verify_chains(self.reader, account)

    def differences(self, account: str | None = None) -> Iterator[Discrepancy]:
        """Hold the tables beside the log against it. Yields nothing where all is well."""
        from application.keeping.differences import differences

        return differences(self.ground(), account)

    def asset_ids(self, account: str | None = None) -> Iterator[Problem]:
        """Work out the ids of assets anew from their files' digests. Yields nothing where all is well."""
        from application.keeping.assetids import verify_asset_ids

        return verify_asset_ids(self.ground(), self.names(), account)

    def bills(self, account: str | None = None) -> Iterator[WrongBill]:
        """Work out closed periods and issued statements anew. Yields nothing where all is well."""
        from application.keeping.billcheck import verify_bills
        from application.keeping.billed import BilledReader

        return verify_bills(BilledReader(self.reader, self.codec), self.reader, account)

    def books(self, account: str | None = None) -> Iterator[WrongBalance]:
        """Hold the balances of the books against the totals of periods. Yields nothing where all is well."""
        from projections.bookcheck import verify_books

        return verify_books(self.database, account)

    def mend(
        self, tables: Sequence[str] = (), account: str | None = None, *, told: bool = False
    ) -> Iterator[Discrepancy]:
        """Make tables beside the log anew from it, while everything goes on. Yields what was mended.

        With `told` nothing is written. Raises InvalidInput for what is no such table, LogCorrupted.
        """
        from application.keeping.mending import Mending, chosen_tables

        return Mending(self.ground(), self.reader, chosen_tables(tables), account, told).run()

    def compare(self, account: str | None = None) -> Replay:
        """Replay the log, or one account's part, and hold every view against it."""
        from projections.engine.comparison import compare

        return compare(self.database, self._source, ALL, account)

    def comparing(self, account: str | None = None) -> AbstractContextManager[RunningComparison]:
        """As `compare`, while somebody reads the log from its first fact on and has it heard."""
        from projections.engine.comparison import comparing

        return comparing(self.database, self._source, ALL, account)

    def rebuild(self, workers: int = 1, progress: Callable[[int, int], None] = lambda _position, _end: None) -> int:
        """Replace all views by what the log says, while everything goes on. The position they stand at.

        Milestones of the past are dropped, too.
        """
        from application.asking.progress import Heard
        from projections.engine.rebuild import Workers, rebuild

        several = Workers(workers, self.open_source) if workers > 1 else None
        self.forget_milestones()
        return rebuild(self.database, self._source, ALL, workers=several, progress=Heard(progress))

    @property
    def _source(self) -> FactSource:
        return FactSource(self.reader, self.codec)
