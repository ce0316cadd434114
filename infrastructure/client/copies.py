"""An account's export at a service, for whoever runs it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from infrastructure.client.wire import Wire


@dataclass(frozen=True, slots=True)
class RemoteCopies:
    """Exports of accounts, for a key of the studio's own."""

    wire: Wire

    async def export(self, account: str, target: Path, *, with_files: bool = False) -> str:
        """Write an account into one new file, which appears whole or not at all; the seal of its log.

        Raises UnknownAccount, InvalidInput if the file is there, Unreachable.
        """
        path = f"/v1/accounts/{quote(account, safe='')}/export?files={'true' if with_files else 'false'}"
        return await asyncio.to_thread(self.wire.download, path, target)
