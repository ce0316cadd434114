"""NATS JetStream: one stream that only the relay writes to, a subject an account and name of fact.

    last message ── its position: all up to there is sent ── publish, each only behind the one before it ── taken

A message is taken only if the stream's last one is the one we know (`Nats-Expected-Last-Sequence`), so that nothing is
there twice however late it is sent again, and whoever else sends.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import nats
import nats.errors
import nats.js.errors
from nats.js.api import StreamConfig

from domain.errors import ImageStudioError, InvalidInput
from infrastructure.relaying.address import RelayAddress
from infrastructure.relaying.broker import (
    CONTENT_TYPE,
    FIELD,
    LEDGER,
    POSITION,
    Message,
    away,
    message_refused,
    position_there,
)
from infrastructure.store.relays import RelayMark

CONNECTING: Final = 10.0
ANSWERING: Final = 20.0
"""Seconds for a batch to be taken."""
PLAIN: Final = "!#$&'()*+,/:;=?@[]^`{|}~<>"
"""Signs that a header may have as they are; the client reads back others than ASCII as nonsense."""
HEADERS: Final = 1_000
"""Bytes that a message's headers may take."""
OTHER_WROTE: Final = 10071
"""The server's number for: the last message is not the one that was expected."""
NOBODY: Final = {"error": {"code": 503, "description": "no stream takes it"}}
GONE: Final = {"error": {"code": 503, "description": "the connection was lost"}}
PASSING: Final = frozenset({408, 500, 503})
"""Statuses of what may be sent again as it is."""


class JetStreamBroker:
    """Implements Broker."""

    def __init__(self, address: RelayAddress, ledger: str) -> None:
        self._address, self._ledger = address, ledger
        self._connection: Any = None
        self._stream: Any = None
        self._answers: Answers | None = None
        self._sequence = 0
        """Of the stream's last message."""
        self._there = 0
        """Messages up to this position are in the stream."""
        self._uncounted = 0
        """So many after that are, too; their positions are not known any more."""

    async def open(self, mark: RelayMark, end: int) -> None:
        try:
            async with asyncio.timeout(CONNECTING):
                self._connection = await nats.connect(**self._options())
                self._stream = self._connection.jetstream(timeout=CONNECTING)
                self._answers = await Answers.on(self._connection)
                await self._look(mark, end)
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise away(self._address, error) from error

    def _options(self) -> dict[str, Any]:
        scheme = "tls" if self._address.encrypted else "nats"
        found: dict[str, Any] = {
            "servers": [f"{scheme}://{host}" for host in self._address.hosts],
            "name": "image-studio",
            "allow_reconnect": False,
            "max_reconnect_attempts": 1,
            "reconnect_time_wait": 0.1,
            "connect_timeout": CONNECTING / 2,
            "error_cb": _unsaid,
            "closed_cb": self._lost,
            **({"tls": tls_of(self._address)} if self._address.encrypted else {}),
        }
        if self._address.password:
            return {**found, "user": self._address.user, "password": self._address.password}
        return {**found, "token": self._address.user} if self._address.user else found

    async def _look(self, mark: RelayMark, end: int) -> None:
        """Learn what the stream has. It is made if there is none."""
        name = self._address.name
        try:
            info = await self._stream.stream_info(name)
        except nats.js.errors.NotFoundError:
            info = await self._stream.add_stream(StreamConfig(name=name, subjects=[f"{name}.>"]))
        if list(info.config.subjects or ()) != [f"{name}.>"]:
            raise InvalidInput(FIELD, f"stream {name} is not of the subjects {name}.> alone", hint="name another")
        self._sequence, self._there, self._uncounted = info.state.last_seq, mark.position, 0
        if self._sequence < mark.sequence:
            why = f"stream {name} had {mark.sequence} messages, and now {self._sequence}: it was made anew"
            raise InvalidInput(FIELD, why, hint="tell it everything anew, or name another")
        if self._sequence > mark.sequence:
            await self._look_behind(mark, end)

    async def _look_behind(self, mark: RelayMark, end: int) -> None:
        """The stream is ahead of the mark: its last message says how far, or else their number does."""
        try:
            last = await self._stream.get_msg(self._address.name, seq=self._sequence)
        except nats.js.errors.NotFoundError:
            if not mark.sequence:
                why = f"stream {self._address.name} is empty, and was not before"
                raise InvalidInput(FIELD, why, hint="name another") from None
            self._uncounted = self._sequence - mark.sequence
        else:
            self._there = max(mark.position, position_there(last.headers or {}, self._address, self._ledger, end))

    async def send(self, messages: Sequence[Message]) -> int | None:
        new = [one for one in messages if one.position > self._there]
        known = min(self._uncounted, len(new))
        self._uncounted -= known
        new = new[known:]
        large = next((at for at, one in enumerate(new) if self._is_large(one)), len(new))
        try:
            async with asyncio.timeout(ANSWERING):
                await self._publish(new[:large])
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise away(self._address, error) from error
        if large < len(new):
            raise message_refused(new[large], f"{len(new[large].body)} bytes are more than it takes")
        behind = self._uncounted or messages[-1].position < self._there
        return None if behind else self._sequence

    def _is_large(self, message: Message) -> bool:
        most: int = self._connection.max_payload
        return len(message.body) + HEADERS > most

    async def _publish(self, messages: Sequence[Message]) -> None:
        answers = self._answers
        assert answers is not None
        sent: list[asyncio.Future[Any]] = []
        for at, one in enumerate(messages):
            reply, answer = answers.expected()
            sent.append(answer)
            await self._connection.publish(self._subject(one), one.body, reply=reply, headers=self._headers(one, at))
        for one, coming in zip(messages, sent, strict=True):
            answer = await coming
            if "error" in answer:
                raise self._objection(one, answer["error"])
            if answer["seq"] != self._sequence + 1:
                raise away(self._address, "it has a message that was not expected there")
            self._sequence, self._there = answer["seq"], one.position

    def _subject(self, message: Message) -> str:
        return f"{self._address.name}.{token(message.account)}.{message.name}"

    def _headers(self, message: Message, at: int) -> dict[str, str]:
        return {
            "Nats-Msg-Id": quote(message.id, safe=PLAIN),
            "Nats-Expected-Last-Sequence": str(self._sequence + at),
            "Content-Type": CONTENT_TYPE,
            POSITION: str(message.position),
            LEDGER: self._ledger,
        }

    def _objection(self, message: Message, error: Mapping[str, Any]) -> ImageStudioError:
        if error.get("err_code") == OTHER_WROTE:
            return away(self._address, "another wrote to the stream meanwhile")
        why = error.get("description") or f"code {error['code']}"
        return away(self._address, why) if error["code"] in PASSING else message_refused(message, why)

    async def _lost(self) -> None:
        if self._answers is not None:
            self._answers.lost()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close()
            except (nats.errors.Error, OSError):
                return


def tls_of(address: RelayAddress) -> ssl.SSLContext:
    """Whom a connection believes, and what it shows. Raises OSError for files that are no certificates."""
    trust = address.trust
    context = ssl.create_default_context(cafile=trust.ca)
    if trust.certificate is not None:
        context.load_cert_chain(trust.certificate, trust.key)
    return context


class Answers:
    """Answers to what is published, each told to who waits for it. The library's own futures never end if refused."""

    def __init__(self, inbox: str) -> None:
        self._inbox = inbox
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._count = 0

    @classmethod
    async def on(cls, connection: Any) -> Answers:
        made = cls(connection.new_inbox())
        await connection.subscribe(f"{made._inbox}.*", cb=made._heard)
        return made

    def expected(self) -> tuple[str, asyncio.Future[Any]]:
        """A subject for an answer, and the answer."""
        self._count += 1
        reply = f"{self._inbox}.{self._count}"
        self._waiting[reply] = answer = asyncio.get_running_loop().create_future()
        return reply, answer

    async def _heard(self, message: Any) -> None:
        answer = self._waiting.pop(message.subject, None)
        if answer is not None and not answer.done():
            answer.set_result(json.loads(message.data) if message.data else NOBODY)

    def lost(self) -> None:
        """Nobody answers any more."""
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(GONE)
        self._waiting.clear()


def token(account: str) -> str:
    """An account's part of a subject: what may not stand in one is written as in a URL."""
    return quote(account, safe="").replace(".", "%2E").replace("~", "%7E")


async def _unsaid(_error: Exception) -> None:
    """The one who waits for an answer is told."""
