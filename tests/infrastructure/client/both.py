"""One studio in this process and one behind a gateway, each with an account "acme" before the scripted providers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imagestudio import Client
from infrastructure.blocking import BlockingStudio, open_blocking
from tests.application.studios import settings_for
from tests.infrastructure.gateway.gateways import Gateway, gateway_on

ACCOUNT = "acme"
Either = BlockingStudio | Client
"""What a program is written for."""


@contextmanager
def here(home: Path, **changes: Any) -> Iterator[BlockingStudio]:
    """A studio in this process."""
    with open_blocking(settings_for(f"sqlite:///{home / 'ledger.db'}", home, **changes)) as studio:
        studio.accounts.open(ACCOUNT, plan="pro")
        yield studio


@contextmanager
def elsewhere(home: Path, **changes: Any) -> Iterator[Gateway]:
    """The same behind a gateway."""
    with gateway_on(f"sqlite:///{home / 'ledger.db'}", home, **changes) as gateway:
        yield gateway
