"""A man in the middle: passes bytes to a server and back, until it is told to lose an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Proxy:
    """Forwards one port. Once armed, the answer to what holds `fatal` is taken from the server and thrown away."""

    def __init__(self, target: tuple[str, int], fatal: bytes) -> None:
        self._target, self._fatal = target, fatal
        self._armed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def arm(self) -> None:
        """Lose the next fatal answer, and the connection with it."""
        self._armed.set()

    def close(self) -> None:
        while any(thread.is_alive() for thread in self._threads):
            for one in self._sockets:
                hang_up(one)
            for thread in self._threads:
                thread.join(1)
        for one in self._sockets:
            one.close()

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                self._sockets += [client, server]
                lost = threading.Event()
                self._start(self._ask, client, server, lost)
                self._start(self._answer, client, server, lost)

    def _ask(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self._armed.is_set() and self._fatal in data:
                    self._armed.clear()
                    lost.set()
                server.sendall(data)
        hang_up(server)

    def _answer(self, client: socket.socket, server: socket.socket, lost: threading.Event) -> None:
        with suppress(OSError):
            while (data := server.recv(65536)) and not lost.is_set():
                client.sendall(data)
        hang_up(client)


def hang_up(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


@contextmanager
def losing_answers(target: tuple[str, int], fatal: bytes) -> Iterator[Proxy]:
    proxy = Proxy(target, fatal)
    try:
        yield proxy
    finally:
        proxy.close()
