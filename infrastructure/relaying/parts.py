"""The relay of a studio, made of the parts that it shares with the rest, and run beside it.

async with open_studio() as studio, relaying(studio):
    ...
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from application.keeping.books import BookLog
from domain.errors import InvalidInput, PluginError
from infrastructure.clock import SECOND
from infrastructure.relaying.address import NATS, RelayAddress, RelayTrust, relay_address
from infrastructure.relaying.broker import Broker
from infrastructure.relaying.relay import Relay
from infrastructure.settings import Settings, revealed
from infrastructure.store.erasedusers import shown_codec
from infrastructure.store.identity import established_id
from infrastructure.store.relays import RelayTable

if TYPE_CHECKING:
    from infrastructure.assembly import Assembly
    from infrastructure.service import Studio


def relay_of(made: Assembly) -> Relay | None:
    """The relay to the setting's broker; None if there is none. It connects when there is something to tell."""
    if made.settings.relay_url is None:
        return None
    address = relay_address(revealed(made.settings.relay_url))
    return Relay(
        address=address,
        table=RelayTable(made.database, address.target),
        log=BookLog(made.reader, shown_codec(made.database, made.codec)),
        feed=made.feed,
        make=lambda: broker_of(trusting(address, made.settings), established_id(made.database)),
        clock=made.clock,
        owner=made.owner,
        lease=made.settings.lease_seconds * SECOND,
    )


def trusting(address: RelayAddress, settings: Settings) -> RelayAddress:
    """The address with what the settings say of trust. Raises InvalidInput for a file that is not there or not used."""
    files = {
        "relay_ca": settings.relay_ca,
        "relay_certificate": settings.relay_certificate,
        "relay_certificate_key": settings.relay_certificate_key,
    }
    for name, file in files.items():
        if file is not None and not file.is_file():
            raise InvalidInput(name, f"there is no file {file}", hint="name a file in PEM")
        if file is not None and not address.encrypted:
            told = f"{address} is not encrypted, so that no certificate is looked at"
            raise InvalidInput(name, told, hint="begin the address with tls:// or kafkas://")
    if files["relay_certificate_key"] is not None and files["relay_certificate"] is None:
        raise InvalidInput("relay_certificate_key", "is the key of no certificate", hint="name the certificate, too")
    trust = RelayTrust(
        settings.relay_ca, settings.relay_certificate, settings.relay_certificate_key, settings.relay_sasl
    )
    return replace(address, trust=trust)


def broker_of(address: RelayAddress, ledger: str) -> Broker:
    """A broker of the address's kind. Raises PluginError if its client is not installed."""
    try:
        if address.kind == NATS:
            from infrastructure.relaying.jetstream import JetStreamBroker

            return JetStreamBroker(address, ledger)
        from infrastructure.relaying.kafka import KafkaBroker

        return KafkaBroker(address, ledger)
    except ImportError as error:
        told = f"the client for {address.kind} is not installed"
        raise PluginError(told, hint=f"pip install 'image-studio[{address.kind}]'") from error


@asynccontextmanager
async def relaying(studio: Studio) -> AsyncIterator[Relay | None]:
    """Tell others meanwhile, if a setting says whom. Raises PluginError if the client for that is not installed."""
    relay = studio.relay
    if relay is None:
        yield None
        return
    await asyncio.to_thread(relay.make)  # a client that is not installed is told at once
    running = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        relay.stop()
        await running
        await relay.close()
