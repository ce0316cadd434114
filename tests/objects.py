"""Real S3 servers for tests, each a process of its own on loopback: OpenStack Swift, and rclone as one that can less.

    with running_swift(home) as server:
        with server.bucket() as name: ...

Swift checks signatures and SHA-256 checksums, knows conditions and ranges, and wants parts of five mebibytes. rclone
checks signatures, ignores conditions and answers a range with 200.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.object_server import KEY, REGION, SECRET
from tests.postgres import in_memory

SERVER = Path(__file__).parent / "object_server.py"
PATIENCE = 60
_BACK = "v1/AUTH_studio"


@dataclass
class Server:
    """A server with buckets. `back` is a way in that asks for no key, if there is one."""

    home: Path
    process: subprocess.Popen[str]
    port: int
    back: int | None = None
    key: str = KEY
    secret: str = SECRET

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self, bucket: str, prefix: str = "files", url: str = "") -> dict[str, object]:
        """Settings of a studio that keeps its files in the bucket."""
        told = {"s3_endpoint": url or self.url, "s3_region": REGION, "s3_key": self.key, "s3_secret": self.secret}
        return {"assets": f"s3://{bucket}/{prefix}".rstrip("/"), "s3_seconds": 30, **told}

    def bucket(self) -> str:
        """A new one."""
        name = f"bucket-{secrets.token_hex(6)}"
        if self.back is None:
            (self.home / name).mkdir()
        else:
            httpx.put(self._at(name)).raise_for_status()
        return name

    def names(self, bucket: str) -> list[str]:
        """All there is in a bucket of Swift's; nothing if there is no such bucket."""
        answer = httpx.get(self._at(bucket))
        return [] if answer.status_code == httpx.codes.NOT_FOUND else [found["name"] for found in answer.json()]

    def content(self, bucket: str, name: str) -> bytes:
        return httpx.get(self._at(bucket, name)).raise_for_status().content

    def put(self, bucket: str, name: str, content: bytes) -> None:
        """As somebody else would, who knows nothing of digests."""
        httpx.put(self._at(bucket, name), content=content).raise_for_status()

    def delete(self, bucket: str, name: str) -> None:
        httpx.delete(self._at(bucket, name)).raise_for_status()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def _at(self, *path: str) -> str:
        return "/".join((f"http://127.0.0.1:{self.back}", _BACK, *path))


@contextmanager
def running_swift(home: Path, port: int = 0, *, ahead: float = 0) -> Iterator[Server]:
    """Swift on what is under `home`; on a free port unless one is given. Its clock is `ahead` by so many seconds."""
    command = [sys.executable, "-P", "-W", "ignore", str(SERVER), str(home), str(port), str(ahead)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        door, back = map(int, process.stdout.readline().split())
        yield Server(home, process, door, back)
    finally:
        _end(process)


@contextmanager
def running_rclone(home: Path) -> Iterator[Server]:
    """rclone on the folders under `home`, each a bucket."""
    port = _free_port()
    key = ("a-key", "its-secret-in-rclone")
    program = Path(sys.executable).with_name("rclone")
    options = [
        "--addr",
        f"127.0.0.1:{port}",
        "--auth-key",
        ",".join(key),
        "--config",
        os.devnull,
        "--dir-cache-time",  # tests change files behind its back; with none at all it may go round and round
        "10ms",
    ]
    process = subprocess.Popen([program, "serve", "s3", *options, str(home)], stderr=subprocess.DEVNULL, text=True)
    try:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.02)
        yield Server(home, process, port, key=key[0], secret=key[1])
    finally:
        _end(process)


@contextmanager
def server_home() -> Iterator[Path]:
    """A new folder that Swift can use: it writes extended attributes."""
    for parent in (*in_memory(), Path(tempfile.gettempdir()), Path("/var/tmp")):
        with tempfile.TemporaryDirectory(prefix="imagestudio-objects-", dir=parent) as home, suppress(OSError):
            os.setxattr(home, "user.imagestudio", b"")
            yield Path(home)
            return
    raise RuntimeError("no temporary folder takes extended attributes, which the S3 server of the tests needs")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()
