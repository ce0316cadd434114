"""An open studio: the use cases of ImageStudio, with its housekeeping, its views and its catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from application.asking.progress import Heard
from application.asking.studio import ImageStudio, UseCases
from application.keeping.chains import Problem, verify_chains
from application.keeping.reconciliation import ReconciledJob, Reconciler
from application.keeping.upkeep import Upkeep
from application.ledger.log import Codec
from application.performing.ownership import Ownership
from application.ports import Downloads, Provider
from application.providing.mistakes import close_all
from application.providing.receiving import Receiving
from domain.catalogue import Catalogue
from domain.errors import InvalidInput
from domain.pricing import PriceBook
from infrastructure.belonging import Belonging
from infrastructure.settings import Settings
from infrastructure.store.database import Database
from infrastructure.store.reader import SqlReader
from infrastructure.webhooks import Callbacks
from projections.engine.database import FactSource
from projections.engine.projector import NET, Projector, ProjectorThread
from projections.engine.rebuild import Workers, rebuild
from projections.engine.replay import Replay, compare
from projections.queries import Views
from projections.views import ALL

if TYPE_CHECKING:
    from application.keeping.tables import Discrepancy, Ground
    from application.studios.services import Services


@dataclass(frozen=True, slots=True)
class House:
    """The parts of an open studio besides its use cases; `open_source` opens the log for another process that reads it.

    `files` are those that belong to the ledger; None if they are kept elsewhere.
    """

    settings: Settings
    database: Database
    reader: SqlReader
    codec: Codec
    catalogue: Catalogue
    price_book: PriceBook
    ownership: Ownership
    providers: Mapping[str, Provider]
    downloads: Sequence[Downloads]
    projector: Projector
    advance: Callable[[], int]
    views: Views
    maintenance: Upkeep
    reconciler: Reconciler
    open_source: Callable[[], FactSource]
    files: Belonging | None


class Studio(ImageStudio):
    """Everything a service, a command or an application asks of a studio; `bootstrap.open_studio` makes one."""

    def __init__(self, use_cases: UseCases, house: House) -> None:
        super().__init__(use_cases)
        self._house = house
        self.settings, self.database, self.reader = house.settings, house.database, house.reader
        self.codec, self.ownership = house.codec, house.ownership
        self.catalogue, self.price_book = house.catalogue, house.price_book
        self.providers, self.projector, self.views = house.providers, house.projector, house.views
        self.maintenance, self.files = house.maintenance, house.files
        self.source = FactSource(house.reader, house.codec)
        self.index = use_cases.index

    @cached_property
    def services(self) -> Services:
        """The services: create and the others, each on the one entry. Raises CatalogueError for a wrong file."""
        from application.studios.desk import ServiceDesk
        from application.studios.services import services
        from infrastructure.studios import load_presets

        return services(ServiceDesk(self, self.catalogue, load_presets(self.settings.presets)))

    async def disconnect(self) -> None:
        """Let each provider, and whoever fetches files, give back its connections; nothing works after that."""
        await close_all(self.providers)
        for downloads in self._house.downloads:
            await downloads.close()

    @contextmanager
    def keeping_views(self) -> Iterator[None]:
        """Keep the views up with the log meanwhile."""
        with closing(ProjectorThread(self.projector, poll=NET)) as thread, self._feed.listening(thread.appended):
            yield

    def callbacks(self, provider: str) -> Callbacks:
        """The receiver of callbacks about a provider's jobs. Raises InvalidInput if that provider does not call."""
        found: object = self.providers.get(provider)
        if not isinstance(found, Receiving):
            raise InvalidInput("provider", f"{provider!r} sends no callbacks")
        return Callbacks(found, self.ownership.clock, self.notified)

    async def catch_up(self) -> int:
        """Bring the views up to the log now, as one command does before it asks them; how many facts that took."""
        return await asyncio.to_thread(self._house.advance)

    async def reconcile(self, provider: str, since: int, until: int, *, correct: bool) -> list[ReconciledJob]:
        """Hold the costs we recorded against a provider's bills; see `Reconciler.run`."""
        return await self._house.reconciler.run(provider, since, until, correct=correct)

    async def compare(self, account: str | None = None) -> Replay:
        """Replay the log, or one account's part, and hold every view against it."""
        return await asyncio.to_thread(compare, self.database, self.source, ALL, account)

    def verify(self, account: str | None = None) -> Iterator[Problem]:
        """Check the hash chains and what must agree with them; blocking. Yields nothing where all is well."""
        return verify_chains(self.reader, account)

    def differences(self, account: str | None = None) -> Iterator[Discrepancy]:
        """Hold the tables beside the log against it; blocking. Yields nothing where all is well."""
        from application.keeping.differences import differences

        return differences(self._ground(), account)

    def mend(
        self, tables: Sequence[str] = (), account: str | None = None, *, told: bool = False
    ) -> Iterator[Discrepancy]:
        """Make tables beside the log anew from it, while everything goes on; blocking. Yields what was mended.

        With `told` nothing is written. Raises InvalidInput for what is no such table, LogCorrupted.
        """
        from application.keeping.mending import Mending, chosen_tables

        return Mending(self._ground(), self.reader, chosen_tables(tables), account, told).run()

    def _ground(self) -> Ground:
        from application.keeping.tables import Ground
        from infrastructure.store.desks import SqlDesks

        ownership = self.ownership
        return Ground(SqlDesks(self.database), self.reader, self.codec, ownership.clock(), ownership.lease)

    def rebuild(self, workers: int = 1, progress: Callable[[int, int], None] = lambda _position, _end: None) -> int:
        """Replace all views by what the log says, while everything goes on; blocking. The position they stand at."""
        several = Workers(workers, self._house.open_source) if workers > 1 else None
        return rebuild(self.database, self.source, ALL, workers=several, progress=Heard(progress))
