"""The facades of a client without await."""

from __future__ import annotations

from collections.abc import Iterator

from application.ports import Asset
from infrastructure.client.accounts import RemoteAccounts
from infrastructure.client.alerts import RemoteAlerts
from infrastructure.client.approvals import RemoteApprovals
from infrastructure.client.copies import RemoteCopies
from infrastructure.client.invoices import RemoteInvoices
from infrastructure.client.keys import RemoteKeys
from infrastructure.client.library import RemoteLibrary
from infrastructure.client.operations import RemoteOperations
from infrastructure.client.past import RemotePast
from infrastructure.client.queues import RemoteQueues
from infrastructure.client.repricing import RemoteRepricing, RemoteSimulations
from infrastructure.client.statements import RemoteStatements
from infrastructure.client.upkeep import RemoteAudit, RemoteUpkeep
from infrastructure.client.views import RemoteViews
from infrastructure.client.webhooks import RemoteWebhooks
from infrastructure.looping import Blocking, without_await


class BlockingRemoteOperations(Blocking[RemoteOperations]):
    """Whatever is asked of models."""

    run = without_await(RemoteOperations.run)
    submit = without_await(RemoteOperations.submit)
    wait = without_await(RemoteOperations.wait)
    look = without_await(RemoteOperations.look)
    cancel = without_await(RemoteOperations.cancel)
    tag = without_await(RemoteOperations.tag)
    untag = without_await(RemoteOperations.untag)
    estimate = without_await(RemoteOperations.estimate)
    generate = without_await(RemoteOperations.generate)
    edit = without_await(RemoteOperations.edit)
    upscale = without_await(RemoteOperations.upscale)


class BlockingRemoteLibrary(Blocking[RemoteLibrary]):
    """The asset library."""

    list = without_await(RemoteLibrary.list)
    show = without_await(RemoteLibrary.show)
    known = without_await(RemoteLibrary.known)
    statistics = without_await(RemoteLibrary.statistics)
    of_operation = without_await(RemoteLibrary.of_operation)
    lineage = without_await(RemoteLibrary.lineage)
    file = without_await(RemoteLibrary.file)
    content = without_await(RemoteLibrary.content)
    archive = without_await(RemoteLibrary.archive)
    archive_named = without_await(RemoteLibrary.archive_named)
    thumbnail = without_await(RemoteLibrary.thumbnail)
    link = without_await(RemoteLibrary.link)
    add = without_await(RemoteLibrary.add)
    describe = without_await(RemoteLibrary.describe)
    trash = without_await(RemoteLibrary.trash)
    restore = without_await(RemoteLibrary.restore)
    expire = without_await(RemoteLibrary.expire)
    erase = without_await(RemoteLibrary.erase)
    empty_trash = without_await(RemoteLibrary.empty_trash)

    def pieces(self, account: str, file: Asset) -> Iterator[bytes]:
        """As `RemoteLibrary.pieces`."""
        return self._subject.pieces(account, file)


class BlockingRemoteViews(Blocking[RemoteViews]):
    """Rows of the views."""

    find = without_await(RemoteViews.find)
    rows = without_await(RemoteViews.rows)
    usage = without_await(RemoteViews.usage)
    periods = without_await(RemoteViews.periods)
    sum_up = without_await(RemoteViews.sum_up)
    spend = without_await(RemoteViews.spend)
    operations = without_await(RemoteViews.operations)
    costs = without_await(RemoteViews.costs)
    books = without_await(RemoteViews.books)
    postings = without_await(RemoteViews.postings)


class BlockingRemoteQueues(Blocking[RemoteQueues]):
    """The queue."""

    standing = without_await(RemoteQueues.standing)


class BlockingRemotePast(Blocking[RemotePast]):
    """The past of a ledger."""

    account = without_await(RemotePast.account)
    limits = without_await(RemotePast.limits)
    find = without_await(RemotePast.find)
    rows = without_await(RemotePast.rows)
    sum_up = without_await(RemotePast.sum_up)
    balance = without_await(RemotePast.balance)
    assets = without_await(RemotePast.assets)
    statistics = without_await(RemotePast.statistics)
    lineage = without_await(RemotePast.lineage)
    holds = without_await(RemotePast.holds)
    refusals = without_await(RemotePast.refusals)
    why = without_await(RemotePast.why)
    difference = without_await(RemotePast.difference)
    history = without_await(RemotePast.history)


class BlockingRemoteAlerts(Blocking[RemoteAlerts]):
    """Alerts of an account."""

    set = without_await(RemoteAlerts.set)
    list = without_await(RemoteAlerts.list)
    remove = without_await(RemoteAlerts.remove)
    history = without_await(RemoteAlerts.history)


class BlockingRemoteWebhooks(Blocking[RemoteWebhooks]):
    """Webhooks of an account."""

    add = without_await(RemoteWebhooks.add)
    list = without_await(RemoteWebhooks.list)
    show = without_await(RemoteWebhooks.show)
    change = without_await(RemoteWebhooks.change)
    rotate = without_await(RemoteWebhooks.rotate)
    pause = without_await(RemoteWebhooks.pause)
    resume = without_await(RemoteWebhooks.resume)
    remove = without_await(RemoteWebhooks.remove)
    deliveries = without_await(RemoteWebhooks.deliveries)
    replay = without_await(RemoteWebhooks.replay)
    test = without_await(RemoteWebhooks.test)


class BlockingRemoteAccounts(Blocking[RemoteAccounts]):
    """The use cases of those who run accounts."""

    open = without_await(RemoteAccounts.open)
    show = without_await(RemoteAccounts.show)
    limits = without_await(RemoteAccounts.limits)
    change_plan = without_await(RemoteAccounts.change_plan)
    change_limit = without_await(RemoteAccounts.change_limit)
    inherit_limit = without_await(RemoteAccounts.inherit_limit)
    change_time_zone = without_await(RemoteAccounts.change_time_zone)
    end_period = without_await(RemoteAccounts.end_period)
    suspend = without_await(RemoteAccounts.suspend)
    resume = without_await(RemoteAccounts.resume)
    close = without_await(RemoteAccounts.close)
    allow = without_await(RemoteAccounts.allow)
    forbid = without_await(RemoteAccounts.forbid)
    on_limit = without_await(RemoteAccounts.on_limit)
    agree_tariff = without_await(RemoteAccounts.agree_tariff)
    agree_discount = without_await(RemoteAccounts.agree_discount)
    wallet = without_await(RemoteAccounts.wallet)
    grant = without_await(RemoteAccounts.grant)
    revoke_grant = without_await(RemoteAccounts.revoke_grant)
    charge_back = without_await(RemoteAccounts.charge_back)
    add_credit = without_await(RemoteAccounts.add_credit)


class BlockingRemoteKeys(Blocking[RemoteKeys]):
    """The use cases of those who administer API keys."""

    issue = without_await(RemoteKeys.issue)
    list = without_await(RemoteKeys.list)
    show = without_await(RemoteKeys.show)
    change = without_await(RemoteKeys.change)
    revoke = without_await(RemoteKeys.revoke)


class BlockingRemoteApprovals(Blocking[RemoteApprovals]):
    """The requests that wait for a person."""

    list = without_await(RemoteApprovals.list)
    show = without_await(RemoteApprovals.show)
    give = without_await(RemoteApprovals.give)


class BlockingRemoteAudit(Blocking[RemoteAudit]):
    """One verdict about all that stands beside the log."""

    verdict = without_await(RemoteAudit.verdict)


class BlockingRemoteUpkeep(Blocking[RemoteUpkeep]):
    """The studio's housekeeping."""

    recover = without_await(RemoteUpkeep.recover)
    erase = without_await(RemoteUpkeep.erase)
    erase_operation = without_await(RemoteUpkeep.erase_operation)
    erase_user = without_await(RemoteUpkeep.erase_user)
    erase_account = without_await(RemoteUpkeep.erase_account)
    refund = without_await(RemoteUpkeep.refund)
    adjust = without_await(RemoteUpkeep.adjust)
    correct_cost = without_await(RemoteUpkeep.correct_cost)


class BlockingRemoteInvoices(Blocking[RemoteInvoices]):
    """Invoices of providers."""

    zone = without_await(RemoteInvoices.zone)
    drifts = without_await(RemoteInvoices.drifts)
    record = without_await(RemoteInvoices.record)
    void = without_await(RemoteInvoices.void)
    settle = without_await(RemoteInvoices.settle)
    compare = without_await(RemoteInvoices.compare)
    months = without_await(RemoteInvoices.months)
    list = without_await(RemoteInvoices.list)


class BlockingRemoteCopies(Blocking[RemoteCopies]):
    """Exports of accounts."""

    export = without_await(RemoteCopies.export)


class BlockingRemoteRepricing(Blocking[RemoteRepricing]):
    """Corrects prices."""

    run = without_await(RemoteRepricing.run)


class BlockingRemoteSimulations(Blocking[RemoteSimulations]):
    """Asks what charges would have been."""

    run = without_await(RemoteSimulations.run)


class BlockingRemoteStatements(Blocking[RemoteStatements]):
    """An account's bills."""

    periods = without_await(RemoteStatements.periods)
    list = without_await(RemoteStatements.list)
    preview = without_await(RemoteStatements.preview)
    show = without_await(RemoteStatements.show)
    content = without_await(RemoteStatements.content)
    close = without_await(RemoteStatements.close)
    issue = without_await(RemoteStatements.issue)
    void = without_await(RemoteStatements.void)
    goodwill = without_await(RemoteStatements.goodwill)
