"""The door of a Kafka broker that the one of the tests has not: TLS, client certificates and SASL, ended here.

client ── TLS ── SaslHandshake, SaslAuthenticate: answered here ── all else ── the broker, as it is
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
import struct
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from tests.wire.loops import in_thread

HANDSHAKE, AUTHENTICATE, VERSIONS = 17, 36, 18
REFUSED, UNSUPPORTED = 58, 33
ROUNDS = 4_096


@dataclass(frozen=True)
class KafkaFront:
    """Before the broker at a port; `mechanism` is the only one that it takes."""

    behind: int
    tls: ssl.SSLContext
    mechanism: str
    user: str
    password: str

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, onwards = await asyncio.open_connection("127.0.0.1", self.behind)
        with suppress(OSError, asyncio.IncompleteReadError):
            if await self._let_in(reader, writer, behind, onwards):
                await asyncio.gather(_passed(reader, onwards), _passed(behind, writer))
        for one in (writer, onwards):
            one.close()

    async def _let_in(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        behind: asyncio.StreamReader,
        onwards: asyncio.StreamWriter,
    ) -> bool:
        talk = self._talk()
        next(talk)
        while True:
            frame = await _frame(reader)
            kind, version, number, name = struct.unpack_from(">hhih", frame)
            body = frame[10 + max(name, 0) :]
            if kind == VERSIONS:
                onwards.write(_framed(frame))
                writer.write(_framed(await _frame(behind)))
            elif kind == HANDSHAKE:
                known = self.mechanism.encode()
                code = 0 if body[2:] == known else UNSUPPORTED
                writer.write(_framed(struct.pack(">ihih", number, code, 1, len(known)) + known))
            else:
                assert (kind, version) in ((AUTHENTICATE, 0), (AUTHENTICATE, 1))
                told, ended = talk.send(body[4:])
                code = REFUSED if told is None else 0
                answer = struct.pack(">ihhi", number, code, -1, len(told or b"")) + (told or b"")
                writer.write(_framed(answer + (struct.pack(">q", 0) if version else b"")))
                if told is None or ended:
                    return told is not None
            await writer.drain()

    def _talk(self) -> Generator[tuple[bytes | None, bool], bytes, None]:
        """What is answered to each message of the client, None to refuse, and whether that was all."""
        said = yield b"", False
        if self.mechanism == "PLAIN":
            right = said == f"\0{self.user}\0{self.password}".encode()
            yield (b"" if right else None), True
            return
        digest = f"sha{self.mechanism.rpartition('-')[2]}"
        first = said.decode().removeprefix("n,,")
        asked = dict(part.split("=", 1) for part in first.split(","))
        nonce, salt = asked["r"] + "tests", b"salt"
        server = f"r={nonce},s={b64encode(salt).decode()},i={ROUNDS}"
        said = yield server.encode(), False
        bare, _, proof = said.decode().rpartition(",p=")
        salted = hashlib.pbkdf2_hmac(digest, self.password.encode(), salt, ROUNDS)
        everything = f"{first},{server},{bare}".encode()
        client = hmac.digest(salted, b"Client Key", digest)
        signature = hmac.digest(hashlib.new(digest, client).digest(), everything, digest)
        proper = bytes(a ^ b for a, b in zip(client, signature, strict=True))
        right = b64decode(proof) == proper and asked["n"] == self.user
        proved = hmac.digest(hmac.digest(salted, b"Server Key", digest), everything, digest)
        yield (b"v=" + b64encode(proved) if right else None), True


async def _frame(reader: asyncio.StreamReader) -> bytes:
    (size,) = struct.unpack(">i", await reader.readexactly(4))
    return await reader.readexactly(size)


def _framed(content: bytes) -> bytes:
    return struct.pack(">i", len(content)) + content


async def _passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(65_536):
        writer.write(piece)
        await writer.drain()
    writer.close()


@contextmanager
def kafka_front(port: int, front: KafkaFront) -> Iterator[None]:
    """Open at a port meanwhile."""

    @asynccontextmanager
    async def work() -> AsyncIterator[None]:
        server = await asyncio.start_server(front.serve, "127.0.0.1", port, ssl=front.tls)
        yield
        server.close()

    with in_thread(work):
        yield
