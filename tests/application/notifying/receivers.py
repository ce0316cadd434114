"""A customer's end: a real HTTP server on loopback that answers as it is told, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook as Verifier


@dataclass(frozen=True)
class Answer:
    """A status with headers, after so many seconds; `cut` ends the connection without any answer."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cut: bool = False
    body: bytes = b""


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return str(self.told["type"])

    def verify(self, secret: str) -> Any:
        """What it says, if the library of Standard Webhooks accepts it. Raises WebhookVerificationError."""
        return Verifier(secret).verify(self.body, dict(self.headers))


TAKEN = Answer()
Told = Callable[[int], Answer]
"""The answer to the request of a number, from 0 on."""


class Receiver:
    """The server; `answer` may be exchanged at any time."""

    def __init__(self, answer: Told = lambda _: TAKEN) -> None:
        self.answer = answer
        self.received: list[Received] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.received]

    @property
    def types(self) -> list[str]:
        return [one.type for one in self.received]

    def of(self, path: str) -> list[Received]:
        return [one for one in self.received if one.path == path]

    @contextmanager
    def running(self) -> Iterator[Receiver]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def take(self, one: Received) -> Answer:
        """Keep it; the answer to it."""
        with self._lock:
            number = len(self.received)
            self.received.append(one)
        return self.answer(number)

    def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:  # noqa: N805  # `self` is the handler's own
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                named = {name.lower(): one for name, one in self.headers.items()}
                answer = receiver.take(Received(self.path, named, body))
                time.sleep(answer.seconds)
                if answer.cut:
                    self.close_connection = True
                    return
                self.send_response_only(answer.status)
                for name, one in answer.headers.items():
                    self.send_header(name, one)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_args: object) -> None:
                """Nothing."""

        return Handler
