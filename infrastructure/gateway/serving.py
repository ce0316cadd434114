"""Runs the gateway on a socket, beside an open studio and on its event loop, until it is told to stop.

A signal stops the socket first: what is being answered is answered, what was begun is settled or left to recovery, and
the studio closes after that.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from domain.errors import InvalidInput
from infrastructure.agents.door import AgentsDoor
from infrastructure.dashboard.longlooks import LongLooks
from infrastructure.documents.brand import load_brand
from infrastructure.drafting import drafts_of
from infrastructure.gateway.aliases import ClientModels
from infrastructure.gateway.app import gateway
from infrastructure.gateway.door import Door
from infrastructure.gateway.gate import Gate
from infrastructure.gateway.quotes import Quotes
from infrastructure.gateway.rates import Rates
from infrastructure.gateway.repeats import Repeats
from infrastructure.gateway.watching import Meters, Readiness
from infrastructure.service import Studio
from infrastructure.settings import Settings

BACKLOG: Final = 1024
KEEP_ALIVE: Final = 75
"""Seconds without a request after which a connection is closed; longer than most proxies keep one."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises InvalidInput for what is no address here, or is taken."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise InvalidInput("host", f"{host!r} is no address: {error.strerror}", hint="such as 127.0.0.1") from error
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            hint = "stop what listens there, or name another port"
            raise InvalidInput("port", f"{port} of {host} is taken", hint=hint) from error
        raise InvalidInput("host", f"{host}:{port}: {os.strerror(error.errno or 0)}", hint="name another") from error
    return opened


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class GatewayServer(uvicorn.Server):
    """Answers until it is told to stop; signals are for whoever runs it, as the studio closes after it."""

    def __init__(self, config: uvicorn.Config, agents: AgentsDoor) -> None:
        super().__init__(config)
        self._agents = agents

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().serve(sockets)
        finally:
            await self._agents.close()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Take nothing more, and end with the last answer; told once more, end at once."""
        self.force_exit = self.should_exit
        self.should_exit = True


def server(studio: Studio, settings: Settings, looks: LongLooks | None = None) -> GatewayServer:
    """The server for an open studio: `await server.serve([listener])`."""
    app = gateway(
        gate_for(studio, settings),
        most=settings.largest_body,
        seconds=settings.body_seconds,
        looks=looks,
    )
    config = uvicorn.Config(
        studio.around_requests(app),
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=settings.wait_seconds,
    )
    return GatewayServer(config, app.state.agents)


async def answer_requests(
    studio: Studio, settings: Settings, listener: socket.socket, told: asyncio.Event, again: asyncio.Event
) -> None:
    """Answer what comes to the socket until that is `told` to end, and then what is being answered; but not `again`."""
    running = server(studio, settings)
    answering = asyncio.create_task(running.serve([listener]))
    for event in (told, again):
        hearing = asyncio.create_task(event.wait())
        await asyncio.wait([answering, hearing], return_when=asyncio.FIRST_COMPLETED)
        hearing.cancel()
        running.stop()
    await answering


def gate_for(studio: Studio, settings: Settings) -> Gate:
    """The parts of the gateway for an open studio."""
    return Gate(
        studio=studio,
        door=Door(studio.keys, Rates(), studio.accounts.show),
        models=ClientModels(studio.catalogue, studio.services.desk.presets),
        repeats=Repeats(studio.operations.results.index),
        quotes=Quotes(studio.library.links.keys, studio.services.desk.clock),
        clock=studio.services.desk.clock,
        currency=studio.accounts.currency,
        links=settings.picture_links,
        drafts=drafts_of(settings),
        brand=load_brand(settings.report_brand),
        readiness=Readiness(studio),
        meters=Meters(studio),
    )
