"""An open studio: a record of its facades, each of which is a story of its own.

    operations   what is asked: run, submit, wait, cancel, estimate, and generate, edit, upscale
    accounts     who pays: opened, planned, limited, paid in
    alerts       what is told once use comes to a share or an amount
    webhooks     who is told of it, elsewhere: registered, sent to again
    keys         who may ask over the wire: issued, changed, revoked, known
    approvals    what a key may not spend by itself: shown, approved
    views        what became of it, in rows
    books        what it came to, ledger account by ledger account, and the postings behind that
    log          the facts, read and followed
    past         accounts, limits and views as they were at a moment
    audit        chains, tables and views held against the log, and made anew from it
    archiving    facts of closed periods, kept in files and read as if they were in the log
    copies       one account, written out to be taken into another ledger
    seals        signed seals of the log, kept outside, and the watch that takes them
    queues       what waits for whom, and who works on what
    providers    by name, their callbacks, their bills
    upkeep       recovered, refunded, erased, swept
    invoices     of providers: recorded, voided, compared with our costs, settled
    statements   periods closed, statements previewed, issued, voided and shown
    library      what was made and brought, found again, with what it cost
    services     what people use, each built on operations

Views, books, audit, archiving, seals and queues block; the others are awaited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from application.asking.approvals import Approvals
from application.asking.operations import Operations
from application.following.log import Log
from application.keeping.accounts import Accounts
from application.keeping.invoices import Invoices
from application.keeping.keys import Keys
from application.keeping.providers import Providers
from application.keeping.repricing import Repricing
from application.keeping.simulating import Simulations
from application.keeping.statements import Statements
from application.keeping.upkeep import Upkeep
from application.library.library import Library
from application.notifying.alerts import Alerts
from application.notifying.sender import HookSender
from application.notifying.webhooks import Webhooks
from application.performing.worker import Worker
from domain.catalogue import Catalogue
from infrastructure.archiving.archiving import PeriodArchive
from infrastructure.copying.sending import AccountCopies
from infrastructure.past import Past
from infrastructure.queues import Queues
from infrastructure.relaying.relay import Relay
from infrastructure.seals import Seals
from projections.audit import Audit
from projections.books import Books
from projections.queries import Views

if TYPE_CHECKING:
    from application.studios.services import Services


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Studio:
    """Everything a service, a command or an application asks of a studio; `bootstrap.open_studio` makes one.

    Its repr is short: asyncio tells that of each main task's result whenever it puts a signal's handler back.
    """

    operations: Operations
    accounts: Accounts
    keys: Keys
    approvals: Approvals
    alerts: Alerts
    webhooks: Webhooks
    views: Views
    books: Books
    log: Log
    audit: Audit
    past: Past
    copies: AccountCopies
    seals: Seals
    queues: Queues
    providers: Providers
    upkeep: Upkeep
    invoices: Invoices
    statements: Statements
    repricing: Repricing
    simulations: Simulations
    library: Library
    catalogue: Catalogue
    open_services: Callable[[], Services]
    make_worker: Callable[[int], Worker]
    """Of so many places, to be run by `infrastructure.working`."""
    around_requests: Callable[[Any], Any]
    """The ASGI application, with a span around each request if the studio is traced."""
    make_sender: Callable[[], HookSender]
    """To be run by `infrastructure.hooks.parts`."""
    archiving: PeriodArchive | None = None
    """Closed periods out of the log and into files; None if the ledger is in several databases."""
    relay: Relay | None = None
    """To be run by `infrastructure.relaying.parts`; None unless a setting says whom one ledger is told to."""
    shards: tuple[Studio, ...] = ()
    """Each a studio with a ledger of its own, which the facades here find by account; none if it is one ledger."""
    shard_names: tuple[str, ...] = ()
    find_shard: Callable[[str], Studio] | None = None
    """The shard of an account, if there are several; blocks."""

    @property
    def ledgers(self) -> tuple[Studio, ...]:
        """The studios of one ledger each that this one is made of."""
        return self.shards or (self,)

    @property
    def by_shard(self) -> Mapping[str, Studio]:
        """The same by the names of their shards; the only ledger has none."""
        return dict(zip(self.shard_names, self.shards, strict=True)) or {"": self}

    def ledger_of(self, account: str) -> Studio:
        """The studio of one ledger that an account is in; blocks. Raises StoreUnavailable."""
        return self if self.find_shard is None else self.find_shard(account)

    @property
    def services(self) -> Services:
        """Create and the others. Raises CatalogueError if a file of presets is wrong, as they are loaded here."""
        return self.open_services()
