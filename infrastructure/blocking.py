"""The studio for scripts: the same methods without await, from any thread, on an event loop of its own.

with open_blocking(Settings()) as studio:
    studio.accounts.open("acme", plan="pro")
    result = studio.operations.generate("a lake at dawn", account="acme", user="ann")
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from application.asking.approvals import Approvals
from application.asking.operations import Operations
from application.asking.requests import File, Result
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
from application.notifying.webhooks import Webhooks
from application.ports import Progress, silent
from domain.catalogue import Catalogue
from infrastructure.archiving.archiving import PeriodArchive
from infrastructure.assembly import USUAL, Parts
from infrastructure.bootstrap import open_studio
from infrastructure.copying.sending import AccountCopies
from infrastructure.looping import Blocking, Loop, without_await
from infrastructure.past import Past
from infrastructure.queues import Queues
from infrastructure.seals import Seals
from infrastructure.service import Studio
from infrastructure.settings import Settings
from projections.audit import Audit
from projections.books import Books
from projections.queries import Views

R = TypeVar("R")


class BlockingOperations(Blocking[Operations]):
    """Whatever is asked of models. Progress callbacks are called from the studio's own thread."""

    run = without_await(Operations.run)
    submit = without_await(Operations.submit)
    wait = without_await(Operations.wait)
    look = without_await(Operations.look)
    cancel = without_await(Operations.cancel)
    tag = without_await(Operations.tag)
    untag = without_await(Operations.untag)
    notified = without_await(Operations.notified)
    estimate = without_await(Operations.estimate)
    account_of = without_await(Operations.account_of)
    answered = without_await(Operations.answered)

    def generate(self, prompt: str, *, account: str, progress: Progress = silent, **options: Any) -> Result:
        """As `Operations.generate`."""
        return self._loop.run(self._subject.generate(prompt, account=account, progress=progress, **options))

    def edit(self, image: File, prompt: str, *, account: str, progress: Progress = silent, **options: Any) -> Result:
        """As `Operations.edit`."""
        return self._loop.run(self._subject.edit(image, prompt, account=account, progress=progress, **options))

    def upscale(self, image: File, *, account: str, progress: Progress = silent, **options: Any) -> Result:
        """As `Operations.upscale`."""
        return self._loop.run(self._subject.upscale(image, account=account, progress=progress, **options))


class BlockingAccounts(Blocking[Accounts]):
    """The use cases of those who run accounts."""

    open = without_await(Accounts.open)
    show = without_await(Accounts.show)
    list_after = without_await(Accounts.list_after)
    limits = without_await(Accounts.limits)
    change_plan = without_await(Accounts.change_plan)
    change_limit = without_await(Accounts.change_limit)
    inherit_limit = without_await(Accounts.inherit_limit)
    change_time_zone = without_await(Accounts.change_time_zone)
    end_period = without_await(Accounts.end_period)
    suspend = without_await(Accounts.suspend)
    resume = without_await(Accounts.resume)
    close = without_await(Accounts.close)
    allow = without_await(Accounts.allow)
    forbid = without_await(Accounts.forbid)
    add_credit = without_await(Accounts.add_credit)
    on_limit = without_await(Accounts.on_limit)
    agree_tariff = without_await(Accounts.agree_tariff)
    agree_discount = without_await(Accounts.agree_discount)
    wallet = without_await(Accounts.wallet)
    grant = without_await(Accounts.grant)
    revoke_grant = without_await(Accounts.revoke_grant)
    charge_back = without_await(Accounts.charge_back)


class BlockingKeys(Blocking[Keys]):
    """The use cases of those who administer API keys."""

    issue = without_await(Keys.issue)
    list = without_await(Keys.list)
    show = without_await(Keys.show)
    change = without_await(Keys.change)
    revoke = without_await(Keys.revoke)
    known = without_await(Keys.known)
    ensure_first_key = without_await(Keys.ensure_first_key)


class BlockingApprovals(Blocking[Approvals]):
    """Quotes that wait for a person."""

    list = without_await(Approvals.list)
    show = without_await(Approvals.show)
    give = without_await(Approvals.give)
    account_of = without_await(Approvals.account_of)


class BlockingAlerts(Blocking[Alerts]):
    """The use cases of those who administer alerts."""

    set = without_await(Alerts.set)
    list = without_await(Alerts.list)
    remove = without_await(Alerts.remove)
    history = without_await(Alerts.history)
    check = without_await(Alerts.check)
    tell_difference = without_await(Alerts.tell_difference)


class BlockingWebhooks(Blocking[Webhooks]):
    """The use cases of those who administer webhooks."""

    add = without_await(Webhooks.add)
    list = without_await(Webhooks.list)
    show = without_await(Webhooks.show)
    change = without_await(Webhooks.change)
    rotate = without_await(Webhooks.rotate)
    pause = without_await(Webhooks.pause)
    resume = without_await(Webhooks.resume)
    remove = without_await(Webhooks.remove)
    deliveries = without_await(Webhooks.deliveries)
    told_of = without_await(Webhooks.told_of)
    replay = without_await(Webhooks.replay)
    test = without_await(Webhooks.test)


class BlockingProviders(Blocking[Providers]):
    """The providers' side of the table."""

    reconcile = without_await(Providers.reconcile)


class BlockingLibrary(Blocking[Library]):
    """The asset library."""

    list = without_await(Library.list)
    add = without_await(Library.add)
    file = without_await(Library.file)
    content = without_await(Library.content)
    thumbnail = without_await(Library.thumbnail)
    link = without_await(Library.link)
    show = without_await(Library.show)
    lineage = without_await(Library.lineage)
    statistics = without_await(Library.statistics)
    known = without_await(Library.known)
    of_operation = without_await(Library.of_operation)
    trash = without_await(Library.trash)
    restore = without_await(Library.restore)
    expire = without_await(Library.expire)
    erase = without_await(Library.erase)
    empty_trash = without_await(Library.empty_trash)
    erase_due = without_await(Library.erase_due)
    archive = without_await(Library.archive)
    archive_named = without_await(Library.archive_named)


class BlockingUpkeep(Blocking[Upkeep]):
    """The studio's housekeeping."""

    recover = without_await(Upkeep.recover)
    working = without_await(Upkeep.working)
    adjust = without_await(Upkeep.adjust)
    refund = without_await(Upkeep.refund)
    correct_cost = without_await(Upkeep.correct_cost)
    erase = without_await(Upkeep.erase)
    erase_operation = without_await(Upkeep.erase_operation)
    erase_user = without_await(Upkeep.erase_user)
    erase_account = without_await(Upkeep.erase_account)
    find_unneeded = without_await(Upkeep.find_unneeded)
    sweep = without_await(Upkeep.sweep)


class BlockingInvoices(Blocking[Invoices]):
    """Invoices of providers."""

    record = without_await(Invoices.record)
    void = without_await(Invoices.void)
    settle = without_await(Invoices.settle)
    compare = without_await(Invoices.compare)
    months = without_await(Invoices.months)
    zone = without_await(Invoices.zone)
    list = without_await(Invoices.list)


class BlockingStatements(Blocking[Statements]):
    """Periods and statements."""

    periods = without_await(Statements.periods)
    close = without_await(Statements.close)
    preview = without_await(Statements.preview)
    issue = without_await(Statements.issue)
    show = without_await(Statements.show)
    void = without_await(Statements.void)
    goodwill = without_await(Statements.goodwill)
    list = without_await(Statements.list)


class BlockingPast(Blocking[Past]):
    """The past of a ledger."""

    moment = without_await(Past.moment)
    account = without_await(Past.account)
    limits = without_await(Past.limits)
    find = without_await(Past.find)
    rows = without_await(Past.rows)
    sum_up = without_await(Past.sum_up)
    balance = without_await(Past.balance)
    assets = without_await(Past.assets)
    statistics = without_await(Past.statistics)
    lineage = without_await(Past.lineage)
    operations = without_await(Past.operations)
    holds = without_await(Past.holds)
    refusals = without_await(Past.refusals)
    why = without_await(Past.why)
    difference = without_await(Past.difference)
    history = without_await(Past.history)


class BlockingCopies(Blocking[AccountCopies]):
    """Exports of accounts."""

    export = without_await(AccountCopies.export)


class BlockingRepricing(Blocking[Repricing]):
    """Charges, priced again."""

    run = without_await(Repricing.run)


class BlockingSimulations(Blocking[Simulations]):
    """Charges, compared with what they would have been."""

    run = without_await(Simulations.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockingStudio:
    """An open studio; views, books, audit, archiving, seals and queues are a studio's own, which block anyway."""

    operations: BlockingOperations
    accounts: BlockingAccounts
    keys: BlockingKeys
    approvals: BlockingApprovals
    alerts: BlockingAlerts
    webhooks: BlockingWebhooks
    views: Views
    books: Books
    audit: Audit
    past: BlockingPast
    seals: Seals
    queues: Queues
    providers: BlockingProviders
    upkeep: BlockingUpkeep
    invoices: BlockingInvoices
    statements: BlockingStatements
    copies: BlockingCopies
    repricing: BlockingRepricing
    simulations: BlockingSimulations
    library: BlockingLibrary
    catalogue: Catalogue
    archiving: PeriodArchive | None = None


def _blocking(studio: Studio, loop: Loop) -> BlockingStudio:
    return BlockingStudio(
        operations=BlockingOperations(studio.operations, loop),
        accounts=BlockingAccounts(studio.accounts, loop),
        keys=BlockingKeys(studio.keys, loop),
        approvals=BlockingApprovals(studio.approvals, loop),
        alerts=BlockingAlerts(studio.alerts, loop),
        webhooks=BlockingWebhooks(studio.webhooks, loop),
        views=studio.views,
        books=studio.books,
        audit=studio.audit,
        past=BlockingPast(studio.past, loop),
        seals=studio.seals,
        queues=studio.queues,
        providers=BlockingProviders(studio.providers, loop),
        upkeep=BlockingUpkeep(studio.upkeep, loop),
        invoices=BlockingInvoices(studio.invoices, loop),
        statements=BlockingStatements(studio.statements, loop),
        copies=BlockingCopies(studio.copies, loop),
        repricing=BlockingRepricing(studio.repricing, loop),
        simulations=BlockingSimulations(studio.simulations, loop),
        library=BlockingLibrary(studio.library, loop),
        catalogue=studio.catalogue,
        archiving=studio.archiving,
    )


@contextmanager
def open_blocking(
    settings: Settings | None = None, parts: Parts = USUAL, *, serve: bool = True
) -> Iterator[BlockingStudio]:
    """The studio that `open_studio` opens, for code without an event loop; also inside one, where it blocks it."""
    loop = Loop()
    try:
        opened = open_studio(settings, parts, serve=serve)
        studio = loop.run(_awaited(opened.__aenter__()))
        try:
            yield _blocking(studio, loop)
        finally:
            loop.run(_awaited(opened.__aexit__(None, None, None)))
    finally:
        loop.close()


async def _awaited(work: Awaitable[R]) -> R:
    return await work
