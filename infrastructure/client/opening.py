"""Opens a connection to a service: with await, or without."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from infrastructure.client.accounts import RemoteAccounts
from infrastructure.client.alerts import RemoteAlerts
from infrastructure.client.approvals import RemoteApprovals
from infrastructure.client.blocking import (
    BlockingRemoteAccounts,
    BlockingRemoteAlerts,
    BlockingRemoteApprovals,
    BlockingRemoteAudit,
    BlockingRemoteCopies,
    BlockingRemoteInvoices,
    BlockingRemoteKeys,
    BlockingRemoteLibrary,
    BlockingRemoteOperations,
    BlockingRemotePast,
    BlockingRemoteQueues,
    BlockingRemoteRepricing,
    BlockingRemoteSimulations,
    BlockingRemoteStatements,
    BlockingRemoteUpkeep,
    BlockingRemoteViews,
    BlockingRemoteWebhooks,
)
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
from infrastructure.client.wire import Wire
from infrastructure.looping import Loop

LONGEST_WAIT: Final = 3600.0
"""Seconds to wait for an operation, longer than any model's deadline."""


class AsyncClient:
    """A studio that runs elsewhere: `async with AsyncClient("http://127.0.0.1:8700", key="isk_…") as studio`.

    It has the methods of an open `Studio` as far as a service has routes for them. `account` is that for which a key of
    the studio's own acts; `wait_seconds` is how long to wait for an operation. Raises InvalidInput for what is no
    address or no key.
    """

    def __init__(self, url: str, *, key: str, account: str | None = None, wait_seconds: float = LONGEST_WAIT) -> None:
        self._wire = Wire(url, key, account)
        self.operations = RemoteOperations(self._wire, wait_seconds)
        self.library = RemoteLibrary(self._wire)
        self.views = RemoteViews(self._wire)
        self.past = RemotePast(self._wire)
        self.queues = RemoteQueues(self._wire)
        self.statements = RemoteStatements(self._wire)
        self.invoices = RemoteInvoices(self._wire)
        self.copies = RemoteCopies(self._wire)
        self.repricing = RemoteRepricing(self._wire)
        self.simulations = RemoteSimulations(self._wire)
        self.alerts = RemoteAlerts(self._wire)
        self.webhooks = RemoteWebhooks(self._wire)
        self.accounts = RemoteAccounts(self._wire)
        self.keys = RemoteKeys(self._wire)
        self.approvals = RemoteApprovals(self._wire)
        self.audit = RemoteAudit(self._wire)
        self.upkeep = RemoteUpkeep(self._wire)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()


class Client:
    """The same for code without an event loop, from any thread: `with Client(url, key="isk_…") as studio`."""

    def __init__(self, url: str, *, key: str, account: str | None = None, wait_seconds: float = LONGEST_WAIT) -> None:
        self._client = AsyncClient(url, key=key, account=account, wait_seconds=wait_seconds)
        self._loop = Loop()
        self.operations = BlockingRemoteOperations(self._client.operations, self._loop)
        self.library = BlockingRemoteLibrary(self._client.library, self._loop)
        self.views = BlockingRemoteViews(self._client.views, self._loop)
        self.past = BlockingRemotePast(self._client.past, self._loop)
        self.queues = BlockingRemoteQueues(self._client.queues, self._loop)
        self.statements = BlockingRemoteStatements(self._client.statements, self._loop)
        self.invoices = BlockingRemoteInvoices(self._client.invoices, self._loop)
        self.copies = BlockingRemoteCopies(self._client.copies, self._loop)
        self.repricing = BlockingRemoteRepricing(self._client.repricing, self._loop)
        self.simulations = BlockingRemoteSimulations(self._client.simulations, self._loop)
        self.alerts = BlockingRemoteAlerts(self._client.alerts, self._loop)
        self.webhooks = BlockingRemoteWebhooks(self._client.webhooks, self._loop)
        self.accounts = BlockingRemoteAccounts(self._client.accounts, self._loop)
        self.keys = BlockingRemoteKeys(self._client.keys, self._loop)
        self.approvals = BlockingRemoteApprovals(self._client.approvals, self._loop)
        self.audit = BlockingRemoteAudit(self._client.audit, self._loop)
        self.upkeep = BlockingRemoteUpkeep(self._client.upkeep, self._loop)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._loop.run(self._client.__aexit__(kind, error, trace))
        finally:
            self._loop.close()
